"""The arena on CPython: a bytearray and a first-fit free list. Implements ``inos.ports.Arena``.

Nouns: an *allocation* starts where its span starts and has a reference count; a *hole* is a free range. Invariants: offsets are
64-byte aligned; neighbouring holes are merged, so an empty arena is one hole; ``used`` is 0 when everything was released,
which is how tests count leaks. Offset 0 is never given out, so that 0 can mean "none" as it does in the kernel. Any thread may
allocate and release.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort

from inos.errors import ArenaFull, BadArgument
from inos.memory.layout import ARENA_OFFSET, LINE_BYTES
from inos.ports import Span, View


class HostArena:
    """Shared memory for one process: its own, or what lies behind the layout in a region's ``memory``."""

    def __init__(self, size_bytes: int, memory: bytearray | None = None) -> None:
        start = LINE_BYTES if memory is None else ARENA_OFFSET
        if size_bytes < start + LINE_BYTES or (memory is not None and len(memory) != size_bytes):
            raise BadArgument(f"an arena of {size_bytes} bytes")
        self.memory = bytearray(size_bytes) if memory is None else memory
        self._lock = threading.Lock()
        end = size_bytes // LINE_BYTES * LINE_BYTES
        self._holes: list[tuple[int, int]] = [(start, end)]  # start, end; in order of address
        self._live: dict[int, list[int]] = {}  # start -> [end, references]
        self._used_bytes = 0

    def alloc(self, length: int) -> Span:
        """A new span with one reference. Raises ArenaFull."""
        if length < 0:
            raise BadArgument(f"{length} bytes")
        need = max(LINE_BYTES, -(-length // LINE_BYTES) * LINE_BYTES)
        with self._lock:
            return self._take(length, need)

    def _take(self, length: int, need: int) -> Span:
        for index, (start, end) in enumerate(self._holes):
            if end - start >= need:
                if end - start == need:
                    del self._holes[index]
                else:
                    self._holes[index] = (start + need, end)
                self._live[start] = [start + need, 1]
                self._used_bytes += need
                return Span(start, length)
        raise ArenaFull(f"{length} bytes, {self._used_bytes} of {len(self.memory)} in use")

    def retain(self, span: Span) -> None:
        """One more reference."""
        with self._lock:
            self._row(span)[1] += 1

    def release(self, span: Span) -> None:
        """One reference less; freed at zero."""
        with self._lock:
            row = self._row(span)
            row[1] -= 1
            if row[1] == 0:
                del self._live[span.offset]
                self._used_bytes -= row[0] - span.offset
                self._free(span.offset, row[0])

    def read(self, span: Span) -> bytes:
        """A copy of the bytes."""
        self._check(span)
        return bytes(self.memory[span.offset : span.offset + span.length])

    def write(self, span: Span, data: bytes | bytearray | memoryview) -> None:
        """Copy ``data`` to the start of the span."""
        self._check(span)
        if len(data) > span.length:
            raise BadArgument(f"{len(data)} bytes into a span of {span.length}")
        self.memory[span.offset : span.offset + len(data)] = data

    def view(self, span: Span) -> View:
        """The span's bytes from 0 on."""
        self._check(span)
        return View(self, span)

    def in_place(self, span: Span) -> memoryview:
        """The bytes themselves, for adapters; valid until the span is released."""
        self._check(span)
        return memoryview(self.memory)[span.offset : span.offset + span.length]

    def used(self) -> int:
        """Bytes allocated now."""
        return self._used_bytes

    def is_live(self, offset: int) -> bool:
        """Whether an allocation starts there."""
        return offset in self._live

    def live(self) -> int:
        """Allocations not yet released: the leak counter."""
        return len(self._live)

    def _row(self, span: Span) -> list[int]:
        row = self._live.get(span.offset)
        if row is None:
            raise BadArgument(f"nothing is allocated at {span.offset}")
        return row

    def _check(self, span: Span) -> None:
        if span.offset < LINE_BYTES or span.length < 0 or span.offset + span.length > len(self.memory):
            raise BadArgument(f"{span} is not in the arena")

    def _free(self, start: int, end: int) -> None:
        index = bisect_left(self._holes, (start, end))
        if index < len(self._holes) and self._holes[index][0] == end:
            end = self._holes.pop(index)[1]
        if index > 0 and self._holes[index - 1][1] == start:
            start = self._holes.pop(index - 1)[0]
        insort(self._holes, (start, end))
