"""Looking into folders: paths, listings, and every manifest below a root.

Nouns: a *path* is names joined by ``/``; a *part* is a level-0 manifest of a folder that is split by name range; *below* a
root are the manifests of its parts, of the folders in it and of the files that are not inline.

Invariants: nothing is read that is not asked for; a child is checked against what its parent says of it before it is used;
a walk ends: folders nest at most FOLDER_DEPTH_MAX deep and hold at most FOLDER_ENTRIES_MAX entries, each counted as often
as it is listed, and names rise through all the parts of a folder. Must not know: how folders are made.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from inos.errors import LimitExceeded, ManifestInconsistent, NotFound
from inos.limits import FOLDER_DEPTH_MAX, FOLDER_ENTRIES_MAX
from inos.vault.get import read_manifest
from inos.vault.manifest import DIR, Entry, Manifest, check_child, check_entry
from inos.vault.refs import Ref
from inos.vault.store import Store


@dataclass(frozen=True, slots=True)
class Below:
    """A manifest below a root, and how it is reached."""

    ref: Ref
    manifest: Manifest
    is_whole: bool  # a file or folder, not a part of one


def split_path(path: str) -> list[str]:
    """The names of a path; none for the root itself."""
    return path.split("/") if path else []


async def open_root(store: Store, root: bytes) -> Manifest:
    """The manifest of an own root."""
    return await read_manifest(store, store.number_of(root), None)


async def open_ref(store: Store, ref: Ref) -> Manifest:
    """The manifest that a reference names. Raises NotFound when it is not here."""
    return await read_manifest(store, store.number_of(ref.bid), ref.secret, ref.h)


async def open_part(store: Store, parent: Manifest, ref: Ref) -> Manifest:
    """One of the manifests that a folder is split into."""
    part = await open_ref(store, ref)
    check_child(parent, ref, part)
    return part


async def open_entry(store: Store, entry: Entry) -> Manifest:
    """The manifest of an entry that is not inline."""
    assert entry.ref is not None
    manifest = await open_ref(store, entry.ref)
    check_entry(entry, manifest)
    return manifest


async def find(store: Store, folder: Manifest, path: str) -> Entry:
    """The entry at a path. Raises NotFound."""
    names = split_path(path)
    if not names or len(names) > FOLDER_DEPTH_MAX:
        raise NotFound(f"nothing at {path[:200]!r}")
    entry: Entry | None = None
    for name in names:
        if entry is not None:
            if entry.kind != DIR:
                raise NotFound(f"nothing at {path[:200]!r}")
            folder = await open_entry(store, entry)
        entry = await _look_up(store, folder, name) if folder.kind == DIR else None
        if entry is None:
            raise NotFound(f"nothing at {path[:200]!r}")
    assert entry is not None
    return entry


async def manifest_at(store: Store, folder: Manifest, path: str) -> Manifest:
    """The manifest of what is at a path; for a file that is inline one is made up. Raises NotFound."""
    entry = await find(store, folder, path)
    if entry.ref is None:
        return Manifest(entry.kind, entry.size, bytes(32), inline=entry.inline)
    return await open_entry(store, entry)


async def _look_up(store: Store, folder: Manifest, name: str) -> Entry | None:
    """One entry of a folder; of a split one O(log parts) parts are read."""
    wanted = name.encode()
    low, high = 0, len(folder.refs)
    found = folder
    while low < high:  # the last part that begins at or before the name
        middle = (low + high) // 2
        part = await open_part(store, folder, folder.refs[middle])
        if part.entries and part.entries[0].name.encode() <= wanted:
            found, low = part, middle + 1
        else:
            high = middle
    return next((entry for entry in found.entries if entry.name == name), None)


async def listing(store: Store, folder: Manifest) -> AsyncGenerator[Entry, None]:
    """The entries of one folder, in the order of their names."""
    previous = b""
    async for _, part in parts(store, folder):
        for entry in part.entries:
            name = entry.name.encode()
            if name <= previous:
                raise ManifestInconsistent("parts of a folder that are not sorted by name")
            previous = name
            yield entry


async def parts(store: Store, folder: Manifest) -> AsyncGenerator[tuple[Ref | None, Manifest], None]:
    """The manifests of one folder: its own (without a reference), then those it is split into, one at a time."""
    yield None, folder
    for ref in folder.refs:
        yield ref, await open_part(store, folder, ref)


async def walk(store: Store, folder: Manifest, path: str = "") -> AsyncGenerator[tuple[str, Entry], None]:
    """Everything in a folder, depth first in the order of names: path and entry."""
    left = [FOLDER_ENTRIES_MAX]
    async for row in _walk(store, folder, path, FOLDER_DEPTH_MAX, left):
        yield row


async def _walk(
    store: Store, folder: Manifest, path: str, depth_left: int, left: list[int]
) -> AsyncGenerator[tuple[str, Entry], None]:
    if depth_left == 0:
        raise LimitExceeded(f"folders nested deeper than {FOLDER_DEPTH_MAX}")
    async for entry in listing(store, folder):
        left[0] -= 1
        if left[0] < 0:
            raise LimitExceeded(f"a folder of more than {FOLDER_ENTRIES_MAX} entries")
        here = f"{path}/{entry.name}" if path else entry.name
        yield here, entry
        if entry.kind == DIR:
            child = await open_entry(store, entry)
            async for row in _walk(store, child, here, depth_left - 1, left):
                yield row


async def measure(store: Store, folder: Manifest) -> int:
    """How many entries a folder has, however deep. Raises LimitExceeded. Each manifest is read once, however often it is listed,
    so that a folder whose walk would never end is refused at once.
    """
    return await _measure(store, folder, FOLDER_DEPTH_MAX, {})


async def _measure(store: Store, folder: Manifest, depth_left: int, known: dict[bytes, tuple[int, int]]) -> int:
    if depth_left == 0:
        raise LimitExceeded(f"folders nested deeper than {FOLDER_DEPTH_MAX}")
    count = 0
    async for entry in listing(store, folder):
        count += 1
        if entry.kind == DIR:
            assert entry.ref is not None
            below, measured_at = known.get(entry.ref.bid, (-1, 0))
            # Met again deeper down, it is measured again, for its depth; that happens at most FOLDER_DEPTH_MAX times.
            if measured_at < 1 or depth_left < measured_at:
                below = await _measure(store, await open_entry(store, entry), depth_left - 1, known)
                known[entry.ref.bid] = (below, depth_left)
            count += below
        if count > FOLDER_ENTRIES_MAX:
            raise LimitExceeded(f"a folder of more than {FOLDER_ENTRIES_MAX} entries")
    return count


async def below(store: Store, folder: Manifest, *, files: bool = True) -> AsyncGenerator[Below, None]:
    """Every manifest below a folder's root (without ``files``: only folders'), each once, however often it is listed."""
    seen: set[bytes] = set()
    todo = [folder]
    while todo:
        async for ref, part in parts(store, todo.pop()):
            if ref is not None:
                if ref.bid in seen:
                    continue
                seen.add(ref.bid)
                yield Below(ref, part, is_whole=False)
            for entry in part.entries:
                if entry.ref is None or entry.ref.bid in seen or not (files or entry.kind == DIR):
                    continue
                seen.add(entry.ref.bid)
                manifest = await open_entry(store, entry)
                yield Below(entry.ref, manifest, is_whole=True)
                if manifest.kind == DIR:
                    todo.append(manifest)


async def content_hash(store: Store, manifest: Manifest) -> bytes:
    """What a file or folder holds, however its chunks are sealed and its manifests written. O(its manifests)."""
    if manifest.kind != DIR:
        return manifest.h_file
    return await _content_hash(store, manifest, FOLDER_DEPTH_MAX, [FOLDER_ENTRIES_MAX])


async def _content_hash(store: Store, folder: Manifest, depth_left: int, left: list[int]) -> bytes:
    if depth_left == 0:
        raise LimitExceeded(f"folders nested deeper than {FOLDER_DEPTH_MAX}")
    hash_of = store.ports.hashes.hash
    digest = bytes(32)
    async for entry in listing(store, folder):
        left[0] -= 1
        if left[0] < 0:
            raise LimitExceeded(f"a folder of more than {FOLDER_ENTRIES_MAX} entries")
        if entry.ref is None:
            inside = hash_of(entry.inline or b"")
        else:
            child = await open_entry(store, entry)
            is_folder = child.kind == DIR
            inside = await _content_hash(store, child, depth_left - 1, left) if is_folder else child.h_file
        digest = hash_of(digest + inside + f"{entry.kind} {entry.mtime_ms} {entry.name}".encode())
    return digest
