"""Putting a file: read, cut, seal, write, commit, each stage running ahead of the next.

Nouns: a *window* is a stretch of the file in the arena; chunks are sealed from where they were read, and the window goes when
all of them are. What a cut leaves over is read again at the start of the next window: that costs the io worker about 15 %
more reading, and saves the brain a copy of megabytes through Python. A *part* is a manifest of level >= 0 below the root's.

Invariants: a window and all that is sealed from it never exceed the grant taken for it; every chunk the file needs is held
until the root is committed; the caller gets the root only after the flush that names it. Work that was started is never
cancelled, only abandoned: it frees what it has and drops what it wrote.
Parts carry no hash of their range (``h_file`` zero): their references are hashed, and the whole file is.
Must not know: where sources come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inos.errors import BadArgument, Cancelled, InosError, LimitExceeded, StorageLost
from inos.limits import FILE_BYTES_MAX, INLINE_BYTES_MAX, MANIFEST_LEVEL_MAX, MEDIA_TYPE_BYTES_MAX, READ_BYTES
from inos.ports import KIND_CHUNK, Cut, Piece, Seal, SourceRead, Span
from inos.tasks import Future
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.manifest import DIR_MEDIA_TYPE, FILE, Manifest, encode
from inos.vault.names import check_name
from inos.vault.refs import REF_BYTES, Refs
from inos.vault.store import Flight, Store, Stored
from inos.vault.versions import Lines, is_free, root_of, seal_root

REFS_PER_MANIFEST = 4_096
NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Source:
    """A registered source of bytes, or ``size`` bytes of one from ``offset`` on."""

    id: int
    size: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of the file that passed each stage."""

    read: int
    sealed: int
    written: int
    total: int


@dataclass(frozen=True, slots=True)
class PutResult:
    """What a put did. ``stored``: bytes of all its blocks on the disk; ``deduped``: bytes that were there already."""

    root: bytes
    size: int
    stored: int
    chunks: int
    new_chunks: int
    deduped: int
    ms: int


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is in the vault but in no root yet: its manifest, the numbers of all its blocks, and what was new."""

    manifest: Stored
    held: list[int]
    chunks: int
    new_chunks: int
    deduped: int


@dataclass(slots=True)
class _Window:
    """A read window: its span, the grant behind it, and how many chunks still need the span."""

    span: Span
    grant: int
    users: int = 1


class Put:
    """One file on its way in."""

    def __init__(
        self,
        store: Store,
        source: Source,
        name: str,
        media_type: str,
        mtime_ms: int,
        quality: int,
        progress: Callable[[Progress], None] | None,
        refs_max: int = REFS_PER_MANIFEST,
        *,
        lines: Lines,
        replaces: bytes | None = None,
        is_part: bool = False,
    ) -> None:
        if not is_part:
            check_name(name)
        if len(media_type.encode()) > MEDIA_TYPE_BYTES_MAX:
            raise BadArgument("a media type that is too long")
        if not 0 <= source.size <= FILE_BYTES_MAX:
            raise LimitExceeded(f"a file of {source.size} bytes")
        self._store = store
        self._source = source
        self._name = name
        self._media_type = "" if media_type == DIR_MEDIA_TYPE else media_type
        self._mtime_ms = mtime_ms
        self._quality = quality
        self._progress = progress
        self._refs_max = refs_max
        self._lines, self._replaces = lines, replaces
        self._slots: list[Stored | None] = []
        self._held: list[int] = []
        self._running = 0
        self._drained: Future[None] | None = None
        self._error: InosError | None = None
        self._over = False
        self._read = self._sealed = self._written = 0

    async def run(self) -> PutResult:
        """Do it. Raises StorageFull, StorageBusy, StorageLost, ArenaFull, LimitExceeded, Cancelled."""
        store = self._store
        started = store.tasks.now
        await store.make_log_room()
        store.index.check_room()
        try:
            root = await self._commit(await self._contents())
        finally:
            self._end()
        ms = round((store.tasks.now - started) * 1000)
        return PutResult(root.bid, root.size, root.stored, *self._counts(), ms)

    async def _contents(self) -> Manifest:
        if self._source.size <= INLINE_BYTES_MAX:
            return await self._inline()
        return await self._join(await self._cut_and_seal())

    async def part(self) -> Part:
        """The file as a part of something else, which names it: all its blocks, held by the caller from now on."""
        try:
            made = await self._store.seal_manifest(encode(await self._contents()), self._quality)
            self._held.append(made.number)
            held, self._held = self._held, []
            return Part(made, held, *self._counts())
        finally:
            self._end()

    def _end(self) -> None:
        self._over = True
        if self._running == 0:
            self._let_go()

    # --- small files ----------------------------------------------------------------------------------------------------

    async def _inline(self) -> Manifest:
        store, size = self._store, self._source.size
        grant = size + SLACK_BYTES
        await store.budget.take(grant)
        try:
            span = await store.budget.alloc(size)
            try:
                await self._fill(span.part(0, size), 0)
                data = store.ports.arena.read(span.part(0, size))
            finally:
                store.budget.free(span)
        finally:
            store.budget.give(grant)
        self._read = self._sealed = self._written = size
        return self._manifest(store.ports.hashes.hash(data), inline=data)

    # --- chunks ---------------------------------------------------------------------------------------------------------

    async def _cut_and_seal(self) -> bytes:
        store, size = self._store, self._source.size
        stream = store.ports.hashes.stream_begin()
        try:
            at = 0
            while at < size:
                at += await self._window(at, min(READ_BYTES, size - at), stream)
                self._check()
            h_file = store.ports.hashes.stream_finish(stream)
        finally:
            store.budget.free(stream)
        while self._running:
            self._drained = Future()
            await self._drained
        self._check()
        return h_file

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def _window(self, at: int, length: int, stream: Span) -> int:
        """Read and cut one window and start sealing its chunks; how many bytes they cover."""
        store = self._store
        # The blocks are together no larger than the window, plus a ninth (Padme) and what each adds.
        grant = 2 * length + length // 8 + 16 * SLACK_BYTES
        await store.budget.take(grant)
        try:
            span = await store.budget.alloc(length)
        except BaseException:
            store.budget.give(grant)
            raise
        window = _Window(span, grant)
        try:
            self._check()
            await self._fill(span, at)
            cut = await store.budget.run(Cut(span, at + length == self._source.size, store.keys, stream), lane=False)
            assert 0 < cut.consumed <= length
            self._read = at + cut.consumed
            offset = 0
            placed = []
            for piece in cut.pieces:
                placed.append((len(self._slots), piece, offset))
                self._slots.append(None)
                offset += piece.length
            # The longest first: at the end of a file no muscle is left alone with a long one.
            for slot, piece, offset in sorted(placed, key=lambda row: -row[1].length):
                self._place(slot, piece, window, offset)
        finally:
            self._leave(window)
        return cut.consumed

    async def _fill(self, span: Span, at: int) -> None:
        got = 0
        while got < span.length:
            step = await SourceRead(self._source.id, self._source.offset + at + got, span.part(got, span.length - got))
            if step <= 0:
                raise StorageLost("the file became shorter while it was read")
            got += step

    def _leave(self, window: _Window) -> None:
        window.users -= 1
        if window.users == 0:
            self._store.budget.free(window.span)
            self._store.budget.give(window.grant)

    def _place(self, slot: int, piece: Piece, window: _Window, offset: int) -> None:
        """Find or make the block of one chunk."""
        store = self._store
        number = store.index.by_cid.get(piece.cid)
        if number is not None:
            store.index.hold(number)
            self._settle(slot, Stored(number, store.index.entries[number], fresh=False))
            return
        self._running += 1
        flight = store.flights.get(piece.cid)
        if flight is None:
            flight = store.flights[piece.cid] = Flight()
            window.users += 1
            store.tasks.spawn(self._seal(piece, window, offset, slot, flight), "vault seal")
        else:
            flight.joined = True
            # Called in the instant when the flight ends, when whoever made it still holds the block.
            flight.on_done(lambda: self._landed(slot, flight))

    async def _seal(self, piece: Piece, window: _Window, offset: int, slot: int, flight: Flight) -> None:
        """Seal and write one chunk. Never cancelled; an error becomes the put's."""
        store = self._store
        stored: Stored | None = None
        error: BaseException = Cancelled(self._name)
        try:
            # Others may have joined this flight: then it goes on although this put is over.
            if not (self._over or self._error) or flight.joined:
                stored = await self._seal_now(window.span.part(offset, piece.length), piece)
        except BaseException as caught:  # noqa: BLE001 - it is raised by the put and by those who joined
            error = caught
        del store.flights[piece.cid]
        self._leave(window)
        if stored is None:
            flight.fail(error)
            self._fail(error)
        else:
            flight.set(stored)
            self._settle(slot, stored)
        self._ended()

    async def _seal_now(self, src: Span, piece: Piece) -> Stored:
        store = self._store
        sealed = await store.budget.run(Seal(src, KIND_CHUNK, self._quality, store.keys, piece=piece))
        self._sealed += src.length
        try:
            return await store.write_sealed(sealed, KIND_CHUNK)
        finally:
            store.budget.free(sealed.block)

    def _landed(self, slot: int, flight: Flight) -> None:
        """A chunk that another put, or another place of this file, was making."""
        try:
            stored = flight.result()
        except BaseException as error:  # noqa: BLE001 - as above
            self._fail(error)
        else:
            self._store.index.hold(stored.number)
            self._settle(slot, Stored(stored.number, stored.entry, fresh=False))
        self._ended()

    def _settle(self, slot: int, stored: Stored) -> None:
        """The chunk of a slot is on the disk, and held."""
        self._slots[slot] = stored
        self._held.append(stored.number)
        raw_len = ops.place_of(stored.entry).raw_len
        self._written += raw_len
        if not stored.fresh:
            self._sealed += raw_len
        self._tell()

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error if isinstance(error, InosError) else StorageLost(repr(error))

    def _ended(self) -> None:
        self._running -= 1
        if self._running == 0:
            if self._over:
                self._let_go()
            elif self._drained is not None:
                self._drained.set(None)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for number in held:
            self._store.index.unhold(number)

    def _tell(self) -> None:
        if self._progress is not None and not self._over:
            size = self._source.size
            self._progress(Progress(self._read, min(self._sealed, size), min(self._written, size), size))

    # --- manifests ------------------------------------------------------------------------------------------------------

    def _manifest(
        self, h_file: bytes, *, refs: Refs | None = None, level: int = 0, inline: bytes | None = None
    ) -> Manifest:
        return Manifest(
            FILE,
            self._source.size,
            h_file,
            refs=refs or Refs(),
            level=level,
            name=self._name,
            media_type=self._media_type,
            mtime_ms=self._mtime_ms,
            inline=inline,
        )

    async def _join(self, h_file: bytes) -> Manifest:
        """The root's manifest; long lists of references go into parts, in as many levels as it takes."""
        stored = [slot for slot in self._slots if slot is not None]
        assert len(stored) == len(self._slots)
        rows = [ops.ref_of(slot.entry, ops.place_of(slot.entry).raw_len) for slot in stored]
        covers = [ops.place_of(slot.entry).raw_len for slot in stored]
        level = 0
        while len(rows) > self._refs_max:
            if level == MANIFEST_LEVEL_MAX:
                raise LimitExceeded("a file of too many chunks")
            parts: list[bytes] = []
            spans: list[int] = []
            for at in range(0, len(rows), self._refs_max):
                length = sum(covers[at : at + self._refs_max])
                part = Manifest(FILE, length, NO_HASH, Refs(b"".join(rows[at : at + self._refs_max])), level)
                made = await self._store.seal_manifest(encode(part), self._quality)
                self._held.append(made.number)
                parts.append(ops.ref_of(made.entry, length))
                spans.append(length)
            rows, covers, level = parts, spans, level + 1
        assert all(len(row) == REF_BYTES for row in rows)
        return self._manifest(h_file, refs=Refs(b"".join(rows)), level=level)

    def _counts(self) -> tuple[int, int, int]:
        """Chunks, those that were not there before, and the bytes of those that were."""
        known = [slot for slot in self._slots if slot is not None and not slot.fresh]
        deduped = sum(ops.place_of(slot.entry).raw_len for slot in known)
        return len(self._slots), len(self._slots) - len(known), deduped

    async def _commit(self, manifest: Manifest) -> ops.Root:
        store = self._store
        known = store.index.by_content.get((manifest.h_file, self._name, self._media_type))
        if known is not None and not store.index.is_damaged(store.index.roots[known]):
            if self._replaces is not None and is_free(store, known, self._replaces):
                await self._lines.restore(known)
                return store.index.roots[known]
            if self._replaces is None and store.index.is_current(known):
                return store.index.roots[known]
        made = await seal_root(store, manifest, self._quality, self._replaces, self._held)
        root = root_of(store, manifest, made, self._held, counts=self._counts())
        # Cancelled from here on, the root may come all the same: hold its blocks until that is known.
        self._running += 1
        await self._lines.add(root, self._replaces, self._ended)
        self._tell()
        return root
