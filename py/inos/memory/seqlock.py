"""Seqlocks: the latest value of something, written by one thread and read whole by any. The twin of ``web/shared/seqlock.js``.

Nouns: the *sequence* is a word, odd while the value is being written; the *value* is a fixed number of bytes elsewhere.

Invariants: one writer (a fence or the thread's role sees to that); a writer never waits; a reader gets a value that was whole
at some moment during its call, never a mixture, or None after ``tries`` attempts: the writer is writing all the time, or died
while writing. A new writer repairs that by its first ``write``, whatever the sequence is. The sequence wraps; 2**31 writes
during one read would go unseen.

Why the words are used as they are (H.-J. Boehm, "Can seqlocks get along with programming language memory models?", 2012): the
bytes between are plain memory. After the store that makes the sequence odd the writer loads it, which keeps the bytes from being
written before it is odd; the reader's second look adds zero, which keeps the bytes from being read after it.
"""

from __future__ import annotations

from inos.errors import BadArgument
from inos.memory.region import Buffer, Region, i32

TRIES = 64


class Seqlock:
    """A value of ``length`` bytes at ``value_at``, guarded by the word at ``sequence_at``."""

    def __init__(self, region: Region, sequence_at: int, value_at: int, length: int) -> None:
        if value_at < sequence_at + 4 and sequence_at < value_at + length:
            raise BadArgument("a sequence inside its value")
        self._region = region
        self._sequence_at = sequence_at
        self._value_at = value_at
        self._length = length

    def write(self, value: Buffer) -> None:
        """Replace the value. The one writer's."""
        if len(value) != self._length:
            raise BadArgument(f"{len(value)} bytes for a value of {self._length}")
        region, at = self._region, self._sequence_at
        odd = i32(region.load(at) | 1)
        region.store(at, odd)
        region.load(at)
        region.write(self._value_at, value)
        region.store(at, i32(odd + 1))

    def read(self, tries: int = TRIES) -> bytes | None:
        """The value, or None: it was never whole when looked at."""
        region, at = self._region, self._sequence_at
        for _ in range(tries):
            before = region.load(at)
            if before & 1:
                continue
            value = region.read(self._value_at, self._length)
            if region.add(at, 0) == before:
                return value
        return None
