"""The page's verbs for folders, versions, names and the archive.

Invariants: as in ``inos_web.verbs``, of which this is a part. A folder's files come as one source that has them one after
the other, in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import ids
from inos.node import Node
from inos.vault.folder import Item, clean_paths
from inos.vault.library import Library
from inos.vault.manifest import DIR
from inos.vault.names import clean_name
from inos.vault.put import Progress, Source
from inos.vault.vault import RootInfo, Vault

LOOK_TIMEOUT_S = 30.0
READ_TIMEOUT_S = 60.0  # without a new block

Row = tuple[str, int | None, int, str]  # path, bytes (None: an empty folder), mtime in ms, media type


class FileVerbs:
    """What needs the vault alone."""

    _node: Node
    _vault: Vault
    _emit: Callable[..., None]

    def _tell(self, op: int, stage: str, done: int, total: int, **more: object) -> None:
        raise AssertionError

    def _told(self, op: int, stage: str) -> Callable[[Progress], None]:
        return lambda p: self._tell(op, stage, p.written, p.total)

    # --- folders ------------------------------------------------------------------------------------------------------

    async def do_put_folder(
        self, op: int, source: int, name: str, rows: list[Row], replaces: str | None = None
    ) -> dict[str, object]:
        """Store a folder from one registered source."""
        items, offset = [], 0
        for path, (_, size, mtime_ms, media_type) in zip(clean_paths([row[0] for row in rows]), rows, strict=True):
            items.append(Item(path, None if size is None else Source(source, size, offset), mtime_ms, media_type))
            offset += size or 0
        done = await self._vault.put_folder(
            items, name=clean_name(name), replaces=id_or_none(replaces), progress=self._told(op, "writing")
        )
        self._emit(e="list")
        return {
            "root": ids.to_hex(done.root),
            "files": done.files,
            "bytes": done.size,
            "stored": done.stored,
            "ms": done.ms,
        }

    async def do_entries(self, _op: int, root: str, path: str = "") -> list[dict[str, object]]:
        """What a folder holds."""
        found = await self._vault.use(lambda library: library.entries(ids.from_hex(root), path))
        return [
            {
                "name": entry.name,
                "kind": "folder" if entry.kind == DIR else "file",
                "size": entry.size,
                "mtimeMs": entry.mtime_ms,
            }
            for entry in found
        ]

    async def do_count_files(self, _op: int, root: str) -> int:
        """How many files a folder and the folders in it hold."""

        async def count(library: Library) -> int:
            return sum([1 async for _, entry in library.walk(ids.from_hex(root)) if entry.kind != DIR])

        return await self._vault.use(count)

    async def do_space(self, _op: int) -> list[dict[str, object]]:
        """What takes room, by file: bytes that come free with it, and with its older versions alone."""
        return [
            {"root": ids.to_hex(row.root), "freedBytes": row.freed_bytes, "olderBytes": row.older_bytes}
            for row in self._vault.room()
        ]

    async def do_stat(self, _op: int, root: str, path: str = "") -> dict[str, object]:
        """Name, size and type of a root, or of something in a folder."""
        info = self._vault.info(ids.from_hex(root))
        if not path:
            return list_entry(info)
        entry = await self._vault.use(lambda library: library.entry(ids.from_hex(root), path))
        return {
            "root": root,
            "name": entry.name,
            "size": entry.size,
            "mediaType": "",
            "kind": "folder" if entry.kind == DIR else "file",
        }

    # --- what a link names, before it is here ---------------------------------------------------------------------------

    async def do_look(self, _op: int, link: str) -> dict[str, object]:
        """Name, size and type of what a link names; only its manifest is fetched."""
        manifest = await self._node.look(link, LOOK_TIMEOUT_S)
        return {
            "name": manifest.name,
            "size": manifest.total_len,
            "mediaType": manifest.media_type,
            "kind": "folder" if manifest.kind == DIR else "file",
        }

    async def do_read_range(self, _op: int, link: str, sink: int, offset: int, length: int | None = None) -> None:
        """Stream a range of a link's file into a registered sink while it arrives, without the rest of it."""
        await self._node.read_range(link, sink, offset, length, READ_TIMEOUT_S)

    # --- names and versions -------------------------------------------------------------------------------------------

    async def do_rename(self, _op: int, root: str, name: str, path: str = "") -> dict[str, object]:
        """Another name, for a root or something in a folder; what the root is now."""
        cleaned = clean_name(name)
        new = await self._vault.use(lambda library: library.rename(ids.from_hex(root), cleaned, path))
        self._emit(e="list")
        return {"root": ids.to_hex(new)}

    async def do_remove_entry(self, _op: int, root: str, path: str) -> dict[str, object]:
        """A folder without one of its entries; what the root is now."""
        new = await self._vault.use(lambda library: library.remove_entry(ids.from_hex(root), path))
        self._emit(e="list")
        return {"root": ids.to_hex(new)}

    async def do_versions(self, _op: int, root: str) -> list[dict[str, object]]:
        """The versions of a root, newest first."""
        return [
            {
                "root": ids.to_hex(version.root),
                "seq": version.seq,
                "timeMs": version.time_ms,
                "size": version.size,
                "stored": version.stored,
                "name": version.name,
                "current": version.current,
            }
            for version in self._vault.versions(ids.from_hex(root))
        ]

    async def do_restore(self, _op: int, root: str) -> dict[str, object]:
        """Make an older version the current one."""
        await self._vault.use(lambda library: library.restore(ids.from_hex(root)))
        self._emit(e="list")
        return {"root": root}

    async def do_forget(self, _op: int, root: str) -> None:
        """Drop one older version."""
        await self._vault.forget(ids.from_hex(root))
        self._node.offer_no_more()
        self._emit(e="list")

    # --- all of it ----------------------------------------------------------------------------------------------------

    async def do_find(self, _op: int, text: str) -> list[dict[str, object]]:
        """Files and folders, and what is in folders, by the words of their names."""
        return [
            {
                "root": ids.to_hex(found.root),
                "path": found.path,
                "name": found.name,
                "kind": "folder" if found.is_folder else "file",
                "size": found.size,
            }
            for found in await self._vault.find(text)
        ]

    async def do_export_archive(self, op: int, sink: int, passphrase: str) -> dict[str, object]:
        """The whole vault to one file."""
        done = await self._vault.export_archive(sink, passphrase, progress=self._told(op, "reading"))
        return {"files": done.items, "bytes": done.bytes, "skipped": _named(done.skipped)}

    async def do_import_archive(self, op: int, source: int, size: int, passphrase: str) -> dict[str, object]:
        """What an archive holds, into this vault."""
        done = await self._vault.import_archive(Source(source, size), passphrase, progress=self._told(op, "reading"))
        for capability in self._vault.shared():
            await self._node.offer(capability)
        self._emit(e="list")
        return {"files": done.files, "known": done.known, "bytes": done.bytes, "skipped": _named(done.skipped)}


def _named(skipped: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "code": code} for name, code in skipped]


def id_or_none(text: str | None) -> bytes | None:
    """The id, if there is one."""
    return None if text is None else ids.from_hex(text)


def list_entry(info: RootInfo) -> dict[str, object]:
    """A row of ``list``."""
    return {
        "root": ids.to_hex(info.root),
        "kind": "folder" if info.is_folder else "file",
        "name": info.name,
        "mediaType": info.media_type,
        "size": info.size,
        "stored": info.stored,
        "chunks": info.chunks,
        "newChunks": info.new_chunks,
        "dedupedBytes": info.deduped,
        "timeMs": info.time_ms,
        "received": info.received,
        "shared": info.shared,
        "lost": info.health != "ok",
        "versions": info.versions,
    }
