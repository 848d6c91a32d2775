"""Putting a folder: small files packed into their folder's manifest, larger ones as files of their own, one root for all.

Nouns: an *item* is a file (or an empty folder) on its way in, with its path; a *batch* is a stretch of a source that holds
several small files one after the other, read at once; a *row* is an entry that is there or that a task is still making.

Invariants: items are taken in the order of their names, folder by folder, and a folder's manifest is sealed as soon as its
last row is there, so that memory holds PENDING_BYTES_MAX of small files, however many there are; a batch that does not give
exactly what was promised ends the put, since the files in it could not be told apart any more; every block is held until
the root is durable.
Must not know: where sources come from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from inos.errors import BadArgument, LimitExceeded, StorageLost
from inos.limits import (
    DIR_ENTRIES_MAX,
    DIR_PART_BYTES,
    FOLDER_DEPTH_MAX,
    FOLDER_ENTRIES_MAX,
    INLINE_BYTES_MAX,
    MIB,
)
from inos.ports import SourceRead
from inos.tasks import Semaphore, Task
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.manifest import DIR, DIR_MEDIA_TYPE, FILE, Entry, Manifest, encode, folder_hash
from inos.vault.names import check_name, clean_name
from inos.vault.put import NO_HASH, Progress, Put, Source
from inos.vault.refs import Refs, unpack_ref
from inos.vault.store import Store
from inos.vault.versions import Lines, root_of, seal_root

BATCH_BYTES_MAX = 1 * MIB
PENDING_BYTES_MAX = 8 * MIB  # of rows that wait for a folder to be sealed
FILES_AT_ONCE_MAX = 8
ROW_BYTES = 64  # an entry without name and contents, rounded up


@dataclass(frozen=True, slots=True)
class Item:
    """A file and its path below the folder; ``source`` None for a folder that is empty."""

    path: str
    source: Source | None
    mtime_ms: int | None = None
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What putting a folder did; bytes as in ``PutResult``."""

    root: bytes
    files: int
    size: int
    stored: int
    deduped: int
    ms: int


@dataclass(slots=True)
class _Part:
    """Rows of one folder, up to a manifest full. ``sealing``: what becomes of it when more follow, an entry without a name."""

    rows: list[Entry | Task[Entry]] = field(default_factory=list)
    length: int = 0
    sealing: Task[Entry] | None = None


class PutFolder:
    """One folder on its way in."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        items: Iterable[Item],
        name: str,
        quality: int,
        progress: Callable[[Progress], None] | None,
        refs_max: int,
        *,
        replaces: bytes | None = None,
    ) -> None:
        check_name(name)
        self._store = store
        self._lines = lines
        self._name = name
        self._quality = quality
        self._progress = progress
        self._refs_max = refs_max
        self._replaces = replaces
        self._items = _sorted_items(items)
        self._total = sum(item.source.size for _, item in self._items if item.source is not None)
        self._batch = (-1, 0, b"")  # source, offset, bytes
        self._held: list[int] = []
        self._working: set[Task[Entry]] = set()
        self._pending: deque[tuple[Task[Entry], int]] = deque()
        self._pending_bytes = 0
        self._files = Semaphore(FILES_AT_ONCE_MAX)
        self._chunks = self._new_chunks = self._deduped = self._done_bytes = 0
        self._over = False

    async def run(self) -> FolderResult:
        """Do it. Raises what ``Put.run`` raises."""
        store = self._store
        started = store.tasks.now
        store.committer.check_room()
        store.index.check_room()
        added = False
        try:
            top = await self._folder(0, len(self._items), 0)
            manifest = await self._manifest(top, self._name)
            made = await seal_root(store, manifest, self._quality, self._replaces, self._held)
            counts = (self._chunks, self._new_chunks, self._deduped)
            root = root_of(store, manifest, made, self._held, counts=counts)
            added = True
            await self._lines.add(root, self._replaces, self._let_go)
        finally:
            self._over = True
            while self._working:
                task = next(iter(self._working))
                store.tasks.cancel(task)
                with suppress(BaseException):  # the first error is the one to tell
                    await task
            if not added:
                self._let_go()
        files = sum(item.source is not None for _, item in self._items)
        ms = round((store.tasks.now - started) * 1000)
        return FolderResult(root.bid, files, root.size, root.stored, self._deduped, ms)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        self._store.unhold_all(held)

    # --- the tree -----------------------------------------------------------------------------------------------------

    async def _folder(self, first: int, end: int, depth: int) -> list[_Part]:
        """Rows for the items ``first`` to ``end``, which are what one folder holds."""
        parts = [_Part()]
        at = first
        while at < end:
            names, item = self._items[at]
            name = names[depth]
            after = at + 1
            if len(names) == depth + 1:
                row, length = await self._row(at, name, item)
            else:
                while after < end and self._items[after][0][depth] == name:
                    after += 1
                below = await self._folder(at, after, depth + 1)
                row, length = await self._finish(self._seal_folder(name, below), below[-1].length), 0
            length += ROW_BYTES + len(name.encode()) + 116
            part = parts[-1]
            if part.rows and (part.length + length > DIR_PART_BYTES or len(part.rows) == DIR_ENTRIES_MAX):
                part.sealing = await self._finish(self._seal_part(part), part.length)
                part = _Part()
                parts.append(part)
            part.rows.append(row)
            part.length += length
            at = after
        return parts

    async def _finish(self, sealing: Coroutine[Any, Any, Entry], length: int) -> Task[Entry]:
        """Let something be sealed once its rows are there; wait while too many bytes wait already."""
        task = self._spawn(sealing, "vault folder")
        self._pending.append((task, length))
        self._pending_bytes += length
        while self._pending_bytes > PENDING_BYTES_MAX:
            oldest, length = self._pending.popleft()
            await oldest
            self._pending_bytes -= length
        return task

    async def _seal_folder(self, name: str, parts: list[_Part]) -> Entry:
        return await self._seal(name, await self._manifest(parts, ""))

    async def _seal_part(self, part: _Part) -> Entry:
        return await self._seal("", await self._gather(part))

    async def _manifest(self, parts: list[_Part], name: str) -> Manifest:
        """The manifest of a folder; all of several parts but the last are being sealed already."""
        if len(parts) == 1:
            folder = await self._gather(parts[0])
        else:
            sealed = [await (part.sealing or self._seal_part(part)) for part in parts]
            refs = Refs.of(part.ref for part in sealed if part.ref is not None)
            folder = Manifest(DIR, sum(part.size for part in sealed), NO_HASH, refs=refs, level=1)
        h_file = folder_hash(folder, self._store.ports.hashes.hash)
        return replace(folder, h_file=h_file, name=name, media_type=DIR_MEDIA_TYPE if name else "")

    async def _gather(self, part: _Part) -> Manifest:
        """The rows of a part, all there."""
        entries = tuple([row if isinstance(row, Entry) else await row for row in part.rows])
        part.rows.clear()
        return Manifest(DIR, sum(entry.size for entry in entries), NO_HASH, entries=entries)

    async def _seal(self, name: str, manifest: Manifest) -> Entry:
        made = await self._store.seal_manifest(encode(manifest), self._quality)
        self._hold([made.number])
        return Entry(name, DIR, manifest.total_len, None, ref=unpack_ref(ops.ref_of(made.entry, manifest.total_len)))

    def _hold(self, numbers: list[int]) -> None:
        """What was made belongs to the put; if that is over, to nobody."""
        if self._over:
            self._store.unhold_all(numbers)
        else:
            self._held += numbers

    # --- files --------------------------------------------------------------------------------------------------------

    async def _row(self, at: int, name: str, item: Item) -> tuple[Entry | Task[Entry], int]:
        """The row of one item, and the bytes that it holds itself."""
        source = item.source
        if source is None:
            return await self._finish(self._seal_folder(name, [_Part()]), 0), 0
        if source.size <= INLINE_BYTES_MAX:
            data = await self._small(at, source)
            self._tell(source.size)
            return Entry(name, FILE, source.size, item.mtime_ms, inline=data), len(data)
        await self._files.acquire()
        return self._spawn(self._large(name, item, source), "vault folder file"), 0

    async def _large(self, name: str, item: Item, source: Source) -> Entry:
        try:
            put = Put(
                self._store, source, "", item.media_type, 0, self._quality, None, self._refs_max,
                lines=self._lines, is_part=True,
            )  # fmt: skip
            part = await put.part()
        finally:
            self._files.release()
        self._hold(part.held)
        self._chunks += part.chunks
        self._new_chunks += part.new_chunks
        self._deduped += part.deduped
        self._tell(source.size)
        ref = unpack_ref(ops.ref_of(part.manifest.entry, source.size))
        return Entry(name, FILE, source.size, item.mtime_ms, ref=ref)

    async def _small(self, at: int, source: Source) -> bytes:
        """The bytes of a small file, out of the batch that has it."""
        if source.size == 0:
            return b""
        ident, offset, data = self._batch
        if ident != source.id or not offset <= source.offset <= source.offset + source.size <= offset + len(data):
            self._batch = ident, offset, data = source.id, source.offset, await self._read_batch(at, source)
        start = source.offset - offset
        return data[start : start + source.size]

    async def _read_batch(self, at: int, first: Source) -> bytes:
        """Read a small file, and the small ones that follow it in the same source as well as in the order of names."""
        length = first.size
        for _, item in self._items[at + 1 : at + 1 + DIR_ENTRIES_MAX]:
            source = item.source
            if source is None or source.size > INLINE_BYTES_MAX or length + source.size > BATCH_BYTES_MAX:
                break
            if source.size and (source.id != first.id or source.offset != first.offset + length):
                break
            length += source.size
        store = self._store
        await store.budget.take(length + SLACK_BYTES)
        try:
            span = await store.budget.alloc(length)
            try:
                got = await SourceRead(first.id, first.offset, span.part(0, length))
                if got != length:
                    raise StorageLost("a file of the folder changed while it was read")
                return store.ports.arena.read(span.part(0, length))
            finally:
                store.budget.free(span)
        finally:
            store.budget.give(length + SLACK_BYTES)

    # --- work -----------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, Entry], what: str) -> Task[Entry]:
        task = self._store.tasks.spawn(work, what)
        self._working.add(task)
        task.on_done(lambda: self._working.discard(task))
        return task

    def _tell(self, length: int) -> None:
        self._done_bytes += length
        if self._progress is not None and not self._over:
            done = self._done_bytes
            self._progress(Progress(done, done, done, self._total))


def clean_paths(paths: list[str]) -> list[str]:
    """A person's own paths made acceptable, name by name; what becomes equal to another gets a number."""
    taken: set[str] = set()
    cleaned = []
    for path in paths:
        folder, _, name = "/".join(clean_name(name) for name in path.split("/")).rpartition("/")
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        whole = f"{folder}/{name}" if folder else name
        number = 1
        while whole in taken:
            number += 1
            numbered = clean_name(f"{stem} ({number}){dot}{extension}")
            whole = f"{folder}/{numbered}" if folder else numbered
        taken.add(whole)
        cleaned.append(whole)
    return cleaned


def _sorted_items(items: Iterable[Item]) -> list[tuple[list[str], Item]]:
    """Items with the names of their paths, folder by folder in the order of names. Raises BadArgument, BadName, LimitExceeded."""
    rows = []
    folders: set[str] = set()
    for item in items:
        names = item.path.split("/")
        if len(names) > FOLDER_DEPTH_MAX:
            raise LimitExceeded(f"folders nested deeper than {FOLDER_DEPTH_MAX}")
        parent = item.path.rpartition("/")[0]
        if parent and parent not in folders:
            for name in names[:-1]:
                check_name(name)
            folders.update("/".join(names[:depth]) for depth in range(1, len(names)))
        check_name(names[-1])
        rows.append(([name.encode() for name in names], names, item))
        if len(rows) + len(folders) > FOLDER_ENTRIES_MAX:
            raise LimitExceeded(f"a folder of more than {FOLDER_ENTRIES_MAX} entries")
    rows.sort(key=lambda row: row[0])
    for (before, _, _), (after, _, item) in pairwise(rows):
        if after[: len(before)] == before:
            raise BadArgument(f"two things at {item.path[:200]!r}")
    return [(names, item) for _, names, item in rows]
