"""Rings: frames from one thread to another (single producer, single consumer). The Python twin of ``web/shared/ring.js``.

Nouns: *head* and *tail* count the bytes ever written and read, u32 that wrap; a *frame* is 16 bytes of header {len u32, type
u16, flags u16, seq u32, crc u32} and its payload, padded to 8; ``seq`` is the head at which the frame begins, so that nobody
needs to remember a count to go on after somebody else; a *PAD* frame fills the end of the data, because a frame never wraps
(8 bytes there hold no header, and both sides skip them). Each end has a *fence*.

What happens when:

* full: ``push`` answers False, ``push_many`` how many fitted; nothing is dropped unless somebody calls ``drop``, which counts;
* empty: ``pop`` answers None, ``pop_many`` an empty list;
* wrap-around: counters are compared by difference, and the data is a power of two long;
* torn: a header whose crc, seq or length does not fit, or counters that no working end leaves behind, raise RingDamaged and
  move nothing. Payloads carry their own proof (a tag, a bid): the crc is of the header only;
* dead producer: the head is stored when the frames are whole, so what it had not committed was never there. The next one
  claims the end and goes on at the head (``dead=True`` also publishes: the dead one may have committed without a word);
* dead consumer: the tail is stored when the frames have been copied out, so frames it had not taken go to the next one;
* stale end: Fenced, and nothing is touched.

What it costs in Pyodide (Node 20, best of many runs on a busy machine): a batch about 8 us a side (five to seven crossings of
0.6 to 1.2 us), then 1.1 us a frame of 1 KiB to write and 1.2 us to read, by one ``pwrite`` or ``pread`` for all that is there.
That is 430,000 such frames a second where one thread does both. A frame alone costs what a batch does: use batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from zlib import crc32

from inos.errors import BadArgument, RingDamaged
from inos.limits import RING_READ_BYTES
from inos.memory import layout
from inos.memory.epoch import Epoch
from inos.memory.fence import Fence
from inos.memory.region import U32, Buffer, Region

Frame = tuple[int, bytes]

_HEADER = layout.FRAME_HEADER_BYTES
_PAD = layout.FRAME_PAD
_WRITE = Struct("<III").pack  # length, type (flags are 0), seq
_READ = Struct("<IHxxI").unpack_from
_CRC = Struct("<I").pack
_CRC_RESIDUE = 0x2144_DF1C  # CRC-32 of anything followed by its own CRC-32, little-endian
_PADDING = tuple(bytes(-length % 8) for length in range(8))
FRAMES_ALL = 1 << 30
_FRAME_BYTES_GUESS = 512  # how far ahead a pop of few frames looks


class _Ring:
    """What both ends know."""

    def __init__(self, region: Region, offset: int, length: int) -> None:
        self.capacity = length - layout.RING_DATA_OFFSET
        if self.capacity < layout.LINE_BYTES or self.capacity & (self.capacity - 1) or offset % layout.LINE_BYTES:
            raise BadArgument(f"a ring of {length} bytes at {offset}")
        self._region = region
        self._mask = self.capacity - 1
        self._head_at = offset + layout.RING_HEAD_OFFSET
        self._tail_at = offset + layout.RING_TAIL_OFFSET
        self._dropped_at = offset + layout.RING_DROPPED_OFFSET
        self._data_at = offset + layout.RING_DATA_OFFSET

    @property
    def payload_bytes_max(self) -> int:
        """The longest payload: with half the ring, a frame fits as soon as the consumer has caught up."""
        return self.capacity // 2 - _HEADER


class RingWriter(_Ring):
    """The producer's end; making it claims it. ``epochs`` are published after each batch."""

    def __init__(
        self, region: Region, offset: int, length: int, epochs: Sequence[Epoch] = (), *, dead: bool = False
    ) -> None:
        super().__init__(region, offset, length)
        self._fence = Fence(region, offset + layout.RING_PRODUCER_OFFSET, dead=dead)
        self._epochs = tuple(epochs)
        self._head = region.load(self._head_at) & U32  # ours alone from here on
        if dead:
            self._publish()

    def push(self, kind: int, payload: Buffer) -> bool:
        """One frame. False: no room now; keep it and try again, or ``drop`` it."""
        return self.push_many(((kind, payload),)) == 1

    def push_many(self, frames: Sequence[tuple[int, Buffer]]) -> int:
        """As many of the frames as there is room for, in order; how many. A frame that is too long is BadArgument for all."""
        self._fence.enter()
        try:
            room = self.capacity - ((self._head - self._region.load(self._tail_at)) & U32)
            head, count = self._write(frames, room)
            if count:
                self._region.store(self._head_at, head)
                self._head = head
        finally:
            self._fence.leave()
        if count:
            self._publish()
        return count

    def drop(self) -> None:
        """Count a frame that the caller gives up."""
        self._fence.enter()
        self._region.add(self._dropped_at, 1)
        self._fence.leave()

    def _publish(self) -> None:
        for epoch in self._epochs:
            epoch.publish()

    def _write(self, frames: Sequence[tuple[int, Buffer]], room: int) -> tuple[int, int]:
        """Write what fits behind the head, without committing it: where the head will be, and how many frames."""
        head = start = self._head
        count = 0
        parts: list[Buffer] = []
        to_end = self.capacity - (head & self._mask)
        length_max = self.payload_bytes_max
        for kind, payload in frames:
            length = len(payload)
            if length > length_max or not 0 <= kind < _PAD:
                raise BadArgument(f"a frame of type {kind} and {length} bytes")
            total = (length + _HEADER + 7) & ~7
            if total > to_end:
                if to_end + total > room:
                    break
                if to_end >= _HEADER:
                    header = _WRITE(to_end - _HEADER, _PAD, head)
                    parts += (header, _CRC(crc32(header)))
                self._flush(start, parts)
                parts = []
                start = head = (head + to_end) & U32
                room -= to_end
                to_end = self.capacity
            elif total > room:
                break
            header = _WRITE(length, kind, head)
            parts += (header, _CRC(crc32(header)), payload, _PADDING[length & 7])
            head = (head + total) & U32
            room -= total
            to_end -= total
            count += 1
        self._flush(start, parts)
        return head, count

    def _flush(self, start: int, parts: list[Buffer]) -> None:
        if parts:
            self._region.write(self._data_at + (start & self._mask), b"".join(parts))


class RingReader(_Ring):
    """The consumer's end; making it claims it. Frames are (type, payload)."""

    def __init__(self, region: Region, offset: int, length: int, *, dead: bool = False) -> None:
        super().__init__(region, offset, length)
        self._fence = Fence(region, offset + layout.RING_CONSUMER_OFFSET, dead=dead)
        self._tail = region.load(self._tail_at) & U32  # ours alone from here on
        self._peeked = self._tail

    @property
    def dropped(self) -> int:
        """Frames that the producer gave up because the ring was full."""
        return self._region.load(self._dropped_at) & U32

    def pop(self) -> Frame | None:
        """The oldest frame, or None."""
        frames = self.pop_many(1)
        return frames[0] if frames else None

    def pop_many(self, frames_max: int = FRAMES_ALL) -> list[Frame]:
        """The oldest frames, which are out of the ring when this returns."""
        self._fence.enter()
        try:
            frames, tail = self._scan(frames_max)
            self._commit(tail)
        finally:
            self._fence.leave()
        return frames

    def peek_many(self, frames_max: int = FRAMES_ALL) -> list[Frame]:
        """The oldest frames, which stay until ``consume``: who dies over them leaves them to the next consumer."""
        self._fence.enter()
        try:
            frames, self._peeked = self._scan(frames_max)
        finally:
            self._fence.leave()
        return frames

    def consume(self) -> None:
        """Take out of the ring what ``peek_many`` answered last."""
        self._fence.enter()
        try:
            self._commit(self._peeked)
        finally:
            self._fence.leave()

    def _commit(self, tail: int) -> None:
        if tail != self._tail:
            self._region.store(self._tail_at, tail)
            self._tail = self._peeked = tail

    def _scan(self, frames_max: int) -> tuple[list[Frame], int]:
        """Frames from the tail on, and where the tail would be after them."""
        tail = self._tail
        left = (self._region.load(self._head_at) - tail) & U32
        if left > self.capacity or left & 7:
            raise RingDamaged(f"{left} bytes in a ring of {self.capacity}")
        if self._region.load(self._tail_at) & U32 != tail:
            raise RingDamaged("the tail is not where its owner left it")
        frames: list[Frame] = []
        window = min(RING_READ_BYTES, frames_max * _FRAME_BYTES_GUESS)
        while left > 0 and len(frames) < frames_max:
            at = tail & self._mask
            to_end = self.capacity - at
            if to_end < _HEADER:
                done = to_end
            else:
                there = min(left, to_end)
                data = self._region.read(self._data_at + at, min(there, window))
                done, need = _parse(data, tail, there, frames, frames_max)
                window = max(window, need)
            tail = (tail + done) & U32
            left -= done
        if left < 0:
            raise RingDamaged("a head inside the gap at the end of the data")
        return frames, tail


def _parse(data: bytes, position: int, there: int, frames: list[Frame], frames_max: int) -> tuple[int, int]:
    """Add the frames that lie whole in ``data``; bytes parsed, and bytes that the frame after them needs.

    ``data`` begins at ``position`` and is a part of the ``there`` bytes that are committed before the end of the ring.
    """
    at, end, more = 0, len(data), frames_max - len(frames)
    while more and at + _HEADER <= end:
        if crc32(data[at : at + _HEADER]) != _CRC_RESIDUE:
            raise RingDamaged(f"header checksum at {position + at}")
        length, kind, seq = _READ(data, at)
        if seq != (position + at) & U32:
            raise RingDamaged(f"frame {seq} at {position + at}")
        after = at + ((length + _HEADER + 7) & ~7)
        if after > there:
            raise RingDamaged(f"a frame of {length} bytes at {position + at}")
        if after > end:
            return at, after - at
        if kind != _PAD:
            frames.append((kind, data[at + _HEADER : at + _HEADER + length]))
            more -= 1
        at = after
    return at, _HEADER
