"""The vault's calls about files and folders: in, out, listed, removed.

Nouns and invariants as in ``inos.vault.vault``, of which this is a part. Must not know: opening, peers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from inos.errors import NotFound
from inos.vault import ops
from inos.vault.catalog import Found
from inos.vault.export import Export, Exported
from inos.vault.folder import FolderResult, Item
from inos.vault.hand_out import Get, GetResult
from inos.vault.importing import Import, Imported
from inos.vault.index import Index
from inos.vault.library import Library
from inos.vault.manifest import DIR_MEDIA_TYPE
from inos.vault.put import Progress, Put, PutResult, Source
from inos.vault.receive import Receiver
from inos.vault.room import Room, room_of
from inos.vault.store import Store
from inos.vault.upkeep import Upkeep
from inos.vault.versions import Lines, Version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RootInfo:
    """A file in the vault. ``health`` is "ok", or "damaged" when blocks of it are known to be lost."""

    root: bytes
    name: str
    media_type: str
    size: int
    stored: int
    chunks: int
    new_chunks: int
    deduped: int
    time_ms: int
    received: bool
    shared: bool
    health: str
    is_folder: bool = False
    versions: int = 1


class Filing:
    """What of a vault is about files; ``Vault`` makes the parts."""

    upkeep: Upkeep
    _store: Store
    _index: Index
    _receiver: Receiver
    _lines: Lines
    _library: Library
    _quality: int
    _refs_max: int
    _begun: int

    def _ready(self) -> None:
        raise AssertionError

    def _is_open(self) -> bool:
        raise AssertionError

    async def _call(self, work: Coroutine[Any, Any, T], *, counts: bool = True) -> T:
        raise AssertionError

    async def put(
        self,
        source: Source,
        *,
        name: str,
        media_type: str = "",
        mtime_ms: int = 0,
        progress: Callable[[Progress], None] | None = None,
        replaces: bytes | None = None,
    ) -> PutResult:
        """Keep a file. The same name, media type and contents again give the same root, whatever ``mtime_ms``.

        With ``replaces`` it becomes the next version of that root. Raises NotFound.
        """
        self._ready()
        if replaces is not None:
            self._root(replaces)

        def put() -> Coroutine[Any, Any, PutResult]:
            return Put(
                self._store, source, name, media_type, mtime_ms, self._quality, progress, self._refs_max,
                lines=self._lines, replaces=replaces,
            ).run()  # fmt: skip

        return await self._call(self.upkeep.with_room(put))

    async def put_folder(
        self,
        items: Iterable[Item],
        *,
        name: str,
        progress: Callable[[Progress], None] | None = None,
        replaces: bytes | None = None,
    ) -> FolderResult:
        """Keep a folder as one root; see ``inos.vault.folder``."""
        self._ready()
        if replaces is not None:
            self._root(replaces)
        listed = list(items)
        return await self._call(
            self.upkeep.with_room(lambda: self._library.put_folder(listed, name, replaces, progress))
        )

    async def use(self, work: Callable[[Library], Coroutine[Any, Any, T]]) -> T:
        """Do something with folders, names and versions: ``await vault.use(lambda library: library.rename(root, "b"))``."""
        self._ready()
        return await self._call(work(self._library))

    def versions(self, root: bytes) -> list[Version]:
        """The versions of a file or folder, newest first. Raises NotFound."""
        self._ready()
        return self._lines.versions(root)

    async def get(
        self,
        root: bytes,
        sink: int,
        *,
        offset: int = 0,
        length: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        path: str = "",
    ) -> GetResult:
        """Hand a file, a range of it, or a folder as a .zip to a sink, in order and checked; the sink is closed in any case.

        ``path``: what of a folder is wanted.
        """
        self._ready()
        return await self._call(Get(self._store, root, sink, offset, length, progress, path).run())

    def roots(self) -> list[RootInfo]:
        """Every file and folder as it is now, in the order they came. O(blocks) only if blocks are known to be lost."""
        return [self._info(root) for root in self._index.roots.values() if self._index.is_current(root.bid)]

    def info(self, root: bytes) -> RootInfo:
        """One file. Raises NotFound."""
        return self._info(self._root(root))

    def _info(self, root: ops.Root) -> RootInfo:
        health = "damaged" if self._index.is_damaged(root) else "ok"
        return RootInfo(
            root.bid, root.name, root.media_type, root.size, root.stored, root.chunks, root.new_chunks, root.deduped,
            root.time_ms, root.link is not None, root.shared or root.bid in self._index.granted(), health,
            root.media_type == DIR_MEDIA_TYPE, len(self._index.versions(root.bid)) or 1,
        )  # fmt: skip

    def room(self) -> list[Room]:
        """What each file and its older versions take that nothing else needs. O(blocks)."""
        self._ready()
        return room_of(self._index, (info.root for info in self.roots()))

    async def remove(self, root: bytes) -> None:
        """Forget a file with all its versions, durably; blocks that nothing else needs are made unreadable, their space is
        given back.
        """
        self._ready()
        await self._call(self._remove(root))

    async def _remove(self, root: bytes) -> None:
        await self._drop_blocks(await self._lines.remove(root))

    async def forget(self, root: bytes) -> None:
        """Drop an older version, as ``remove`` drops all. Raises BadArgument for the current one."""
        self._ready()
        await self._call(self._forget(self._root(root)))

    async def _forget(self, known: ops.Root) -> None:
        await self._lines.forget(known.bid)
        await self._drop_blocks([known])

    async def _drop_blocks(self, gone: list[ops.Root]) -> None:
        """Own blocks go when nothing lists them; others' only when it was asked for, since a wish may need them."""
        foreign = self._index.foreign
        if any(number in foreign for known in gone for number in known.numbers()):
            await self._receiver.drop_loose()
        await self._store.swept()

    async def find(self, text: str) -> list[Found]:
        """Files and folders, and what is in folders, with all these words in their names or paths; at most FOUND_MAX."""
        return await self.use(lambda library: library.find(text))

    async def shelve(self) -> None:
        """Get ready for ``find`` while nobody asks for anything; it ends when somebody does."""
        begun = self._begun
        if self._is_open():
            await self._call(self._library.shelve(lambda: self._begun == begun and self._is_open()), counts=False)

    # --- the archive --------------------------------------------------------------------------------------------------

    async def export_archive(
        self, sink: int, passphrase: str, *, progress: Callable[[Progress], None] | None = None
    ) -> Exported:
        """Everything to one file (``inos.vault.archive``); the sink is closed in any case."""
        self._ready()
        return await self._call(Export(self._store, sink, self._quality, progress).run(passphrase))

    async def import_archive(
        self, source: Source, passphrase: str, *, progress: Callable[[Progress], None] | None = None
    ) -> Imported:
        """What an archive holds, from this vault or another. Raises AuthFailed for another passphrase, CorruptError classes."""
        self._ready()
        work = Import(self._store, self._lines, self._receiver, source, self._quality, progress)
        return await self._call(work.run(passphrase))

    def _root(self, root: bytes) -> ops.Root:
        known = self._index.roots.get(root)
        if known is None:
            raise NotFound(f"no file {root.hex()}")
        return known
