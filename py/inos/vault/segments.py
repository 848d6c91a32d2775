"""Segments: where blocks lie on the disk, and how their space comes and goes.

Files ``seg-0000``, ``seg-0001``, ... of at most 64 MiB; blocks back to back at multiples of 64 bytes. A block is appended,
never changed, except that a dead block's salt is overwritten (*scrubbed*) so that no scan can bring it back.

Nouns: a segment's *tail* is where the next block goes; *pending* space is being written; *live* blocks are in the index. Dead
space at the end of a segment is given back by truncation; dead space between live blocks waits for the copying collector.

Invariants: space is reserved before a write and given back when the write fails; no write goes to a segment that is being
truncated; ``flush`` covers every block whose append has returned. Must not know: the log, who refers to blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from inos.errors import BadArgument, InosError, StorageFull, StorageLost
from inos.limits import BLOCK_BYTES_MAX, KIB, SEGMENT_BYTES_MAX, SEGMENT_COUNT_MAX
from inos.ports import Arena, FileFlush, FileRead, FileSize, FileTruncate, FileWrite, Span
from inos.tasks import Future, Tasks
from inos.vault import ops
from inos.vault.budget import Budget
from inos.vault.log import align
from inos.vault.space import Segment

# Blocks below this are copied together into one write: a call costs 130-220 us in Firefox (vault-format 2), a copy of 64 KiB
# a tenth of that.
BATCH_BELOW_BYTES = 64 * KIB
BATCH_BYTES_MAX = 512 * KIB
SALT_OFFSET = 16
SALT_BYTES = 32


def segment_name(segment: int) -> str:
    """The file of a segment."""
    return f"seg-{segment:04d}"


@dataclass(slots=True)
class _Small:
    """A small block waiting for the next batch."""

    segment: int
    offset: int
    data: bytes
    done: Future[None]
    abandoned: bool = False


class Segments:
    """The space of all segments."""

    def __init__(
        self,
        tasks: Tasks,
        arena: Arena,
        budget: Budget,
        segment_bytes: int = SEGMENT_BYTES_MAX,
        block_bytes_max: int = BLOCK_BYTES_MAX,
    ) -> None:
        if not block_bytes_max <= segment_bytes <= SEGMENT_BYTES_MAX:
            raise BadArgument(f"segments of {segment_bytes} bytes for blocks of {block_bytes_max}")
        self._tasks = tasks
        self._arena = arena
        self._budget = budget
        self._segment_bytes = segment_bytes
        self._block_bytes_max = block_bytes_max
        self._all: dict[int, Segment] = {}
        self._active = 0
        self._dirty: set[int] = set()
        self._batch: list[_Small] = []
        self._batching = False

    # --- at open ------------------------------------------------------------------------------------------------------

    def place(self, entry: bytes) -> None:
        """A block that the log knows."""
        number, offset = ops.lies_at(entry)
        segment = self._all.get(number) or self._all.setdefault(number, Segment())
        end = align(offset + ops.block_len_of(entry))
        segment.keep(offset, end)
        segment.tail = max(segment.tail, end)
        segment.extent = segment.tail

    def place_all(self, entries: Iterable[bytes]) -> None:
        """Every block that the log knows, when nothing is placed yet."""
        state, known = Segment(), -1
        for length, number, offset in ops.spans_of(entries):
            if number != known:
                state, known = self._all.setdefault(number, Segment()), number
            state.live[offset] = align(offset + length)
        for state in self._all.values():
            state.live_bytes = sum(state.live.values()) - sum(state.live)
            state.tail = state.extent = max(state.live.values(), default=0)

    def touch(self, segment: int) -> None:
        """A segment that may hold what was dropped."""
        self._all.setdefault(segment, Segment())

    def known(self) -> list[int]:
        """Segments that hold or held blocks."""
        return sorted(self._all)

    def tail(self, segment: int) -> int:
        """Where the next block would go."""
        return self._all[segment].tail

    def has(self, segment: int) -> bool:
        """Whether the segment is known."""
        return segment in self._all

    async def sizes(self) -> dict[int, int]:
        """The files' sizes."""
        return {segment: await FileSize(segment_name(segment)) for segment in self.known()}

    async def settle_size(self, segment: int, damaged_log: bool) -> int:
        """Make a segment's file and its tail agree; its size. What the log does not know is cut off: it was never
        acknowledged. After damage to the log it is kept, since the lost records may be what described it."""
        size = await FileSize(segment_name(segment))
        state = self._all.setdefault(segment, Segment())
        if damaged_log:
            state.kept = align(size)
            state.tail = max(state.tail, state.kept)
            state.extent = state.tail
        elif size > state.tail:
            await FileTruncate(segment_name(segment), state.tail)
        return size

    def is_free(self, segment: int, offset: int, length: int) -> bool:
        """Whether nothing live overlaps the range."""
        state = self._all.get(segment)
        return state is None or all(
            end <= offset or start >= offset + length for start, end in (*state.live.items(), *state.pending.items())
        )

    # --- writing ------------------------------------------------------------------------------------------------------

    def _reserve(self, length: int) -> tuple[int, int]:
        need = align(length)
        active = self._all.setdefault(self._active, Segment())
        if active.busy or active.tail + need > self._segment_bytes:
            self._active = self._choose(need)
            active = self._all.setdefault(self._active, Segment())
        offset = active.tail
        active.tail += need
        active.extent = max(active.extent, active.tail)
        active.pending[offset] = active.tail
        return self._active, offset

    def _choose(self, need: int) -> int:
        # Room for the largest block, so that a segment is not chosen for a few bytes at its end, time and again.
        room = max(need, self._block_bytes_max)
        for number in sorted(self._all):
            state = self._all[number]
            if not state.busy and state.tail + room <= self._segment_bytes:
                return number
        for number in range(SEGMENT_COUNT_MAX):
            if number not in self._all:
                return number
        raise StorageFull(f"{SEGMENT_COUNT_MAX} segments are full; remove something")

    async def append(self, block: Span) -> tuple[int, int]:
        """Write a block; where (segment, offset). The space is *pending* until ``keep`` or ``abandon``. On failure it is
        given back."""
        segment, offset = self._reserve(block.length)
        if block.length < BATCH_BELOW_BYTES:
            await self._append_small(segment, offset, self._arena.read(block))
        else:
            try:
                await FileWrite(segment_name(segment), offset, block)
            except BaseException as error:
                self.abandon(segment, offset)
                await self._cut_after(segment, error)
                raise
        self._dirty.add(segment)
        return segment, offset

    async def _append_small(self, segment: int, offset: int, data: bytes) -> None:
        small = _Small(segment, offset, data, Future())
        self._batch.append(small)
        if not self._batching:
            self._batching = True
            self._tasks.spawn(self._write_batches(), "vault batch")
        try:
            await small.done
        except BaseException as error:
            if small.done.done:
                self.abandon(segment, offset)
                await self._cut_after(segment, error)
            else:
                small.abandoned = True  # its write is still to come; the writer gives the space back after it
            raise

    async def _write_batches(self) -> None:
        try:
            while self._batch:
                batch = [self._batch.pop(0)]
                size = align(len(batch[0].data))
                while self._batch and size < BATCH_BYTES_MAX and _follows(batch[-1], self._batch[0]):
                    batch.append(self._batch.pop(0))
                    size += align(len(batch[-1].data))
                await self._write_batch(batch)
        finally:
            self._batching = False

    async def _write_batch(self, batch: list[_Small]) -> None:
        data = b"".join(small.data.ljust(align(len(small.data)), b"\0") for small in batch)
        error: InosError | None = None
        try:
            staging = await self._budget.alloc(len(data))
            try:
                self._arena.write(staging, data)
                await FileWrite(segment_name(batch[0].segment), batch[0].offset, staging)
            finally:
                self._budget.free(staging)
        except InosError as caught:
            error = caught
        for small in batch:
            if small.abandoned:
                self.abandon(small.segment, small.offset)
            elif error is None:
                small.done.set(None)
            else:
                small.done.fail(error)

    def keep(self, segment: int, offset: int) -> None:
        """The block is in the index now."""
        state = self._all[segment]
        state.keep(offset, state.pending.pop(offset))

    def abandon(self, segment: int, offset: int) -> None:
        """The block is not wanted; its space may be used again."""
        state = self._all[segment]
        del state.pending[offset]
        if not state.busy:
            state.tail = state.end()

    async def flush(self) -> None:
        """Make every appended block durable."""
        dirty, self._dirty = self._dirty, set()
        try:
            for segment in sorted(dirty):
                await FileFlush(segment_name(segment))
        except BaseException:
            self._dirty |= dirty
            raise

    # --- reading ------------------------------------------------------------------------------------------------------

    async def read(self, place: ops.Place) -> Span:
        """A whole block; the caller frees it. Raises StorageLost when the file ends before."""
        state = self._all.setdefault(place.segment, Segment())
        state.readers += 1
        try:
            span = await self._budget.alloc(place.block_len)
            try:
                _check_whole(await FileRead(segment_name(place.segment), place.offset, span), place)
            except BaseException:
                self._budget.free(span)
                raise
            return span
        finally:
            state.readers -= 1
            if state.readers == 0 and state.unread is not None:
                state.unread.set(None)

    # --- giving space back ----------------------------------------------------------------------------------------------

    def forget(self, place: ops.Place) -> None:
        """A block left the index."""
        self._all[place.segment].drop(place.offset)

    async def reclaim(self, places: list[ops.Place], *, scrub: bool) -> None:
        """Give back the space of blocks that are in no index any more: cut it off, or overwrite the salt; then flush."""
        touched = sorted({place.segment for place in places})
        for segment in touched:
            await self._cut(segment)
        if scrub and places:
            await self._scrub(places)
            for segment in touched:
                await FileFlush(segment_name(segment))

    # --- emptying (see ``collect``) -----------------------------------------------------------------------------------------

    def sparse(self, live_share_max: float) -> list[int]:
        """Segments with dead space of which at most this share is live; the one with the least to copy first."""
        rows = []
        for number, state in self._all.items():
            if state.live_bytes < state.tail and state.live_bytes <= live_share_max * state.tail:
                rows.append((state.live_bytes, number))
        return [number for _, number in sorted(rows)]

    def begin_emptying(self, segment: int) -> bool:
        """Nothing is written there from now on; False where something is being written."""
        state = self._all[segment]
        if state.busy or state.pending or state.kept:
            return False
        state.busy = True
        return True

    async def end_emptying(self, segment: int, *, emptied: bool) -> int:
        """Cut the segment to nothing if it is empty, durably; the bytes that gives back."""
        state = self._all[segment]
        try:
            if not emptied or state.live:
                return 0
            while state.readers:
                state.unread = Future()
                await state.unread
            state.unread = None
            await FileTruncate(segment_name(segment), 0)
            freed, state.extent = state.extent, 0
            await FileFlush(segment_name(segment))
            return freed
        finally:
            state.busy = False
            state.tail = state.end()

    async def _cut(self, segment: int) -> None:
        state = self._all[segment]
        end = state.end()
        if state.busy or end >= state.extent:
            return
        state.busy = True
        try:
            await FileTruncate(segment_name(segment), end)
        finally:
            state.busy = False
            state.tail = state.end()
        state.extent = state.tail

    async def _cut_after(self, segment: int, error: BaseException) -> None:
        """A write that failed may have taken room all the same: give it back, others may need it."""
        if isinstance(error, StorageFull):
            with suppress(InosError):
                await self._cut(segment)

    async def _scrub(self, places: list[ops.Place]) -> None:
        zeros = await self._budget.alloc(SALT_BYTES)  # before looking: while it waits, others may take the space
        try:
            self._arena.write(zeros, bytes(SALT_BYTES))
            for place in places:
                end = align(place.block_len)
                if place.offset < self._all[place.segment].tail and self.is_free(place.segment, place.offset, end):
                    await FileWrite(segment_name(place.segment), place.offset + SALT_OFFSET, zeros)
        finally:
            self._budget.free(zeros)

    def live_bytes(self) -> int:
        """Bytes of blocks that are in the index, with what aligns them."""
        return sum(state.live_bytes for state in self._all.values())

    def dead_bytes(self) -> int:
        """Bytes between them that only the collector gives back."""
        return sum(state.tail for state in self._all.values()) - self.live_bytes()

    def stats(self) -> dict[str, int]:
        """Counts and bytes."""
        return {
            "segments": sum(1 for state in self._all.values() if state.live or state.pending),
            "segment_bytes": sum(state.tail for state in self._all.values()),
            "live_bytes": self.live_bytes(),
        }


def _check_whole(got: int, place: ops.Place) -> None:
    if got != place.block_len:
        raise StorageLost(f"{segment_name(place.segment)} ends within a block")


def _follows(before: _Small, after: _Small) -> bool:
    """Whether two blocks lie back to back."""
    return before.segment == after.segment and before.offset + align(len(before.data)) == after.offset
