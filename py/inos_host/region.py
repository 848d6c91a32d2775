"""The shared memory on CPython: one bytearray and one lock, for threads. Implements ``inos.memory.region.Region``.

Nouns: a *word* is four little-endian bytes. Invariants: word operations happen under the lock, one at a time; ``read`` and
``write`` do not take it, as plain memory does not. A waiter holds the lock from its look at the word until it is listed, so no
notify falls between.
"""

from __future__ import annotations

import math
import struct
import threading
from collections import deque

from inos.errors import BadArgument
from inos.memory.region import NOTIFY_ALL, Buffer, check_range, i32

_WORD = struct.Struct("<i")


class HostRegion:
    """Shared memory of one process."""

    def __init__(self, size_bytes: int) -> None:
        self.memory = bytearray(size_bytes)
        self.size = size_bytes
        self._lock = threading.Lock()
        self._waiters: dict[int, deque[threading.Lock]] = {}  # by word, longest waiting first; each is released once

    def read(self, offset: int, length: int) -> bytes:
        """A copy of the bytes."""
        check_range(offset, length, self.size)
        return bytes(self.memory[offset : offset + length])

    def write(self, offset: int, data: Buffer) -> None:
        """Copy ``data`` to ``offset``."""
        check_range(offset, len(data), self.size)
        self.memory[offset : offset + len(data)] = data

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        """``count`` u32."""
        return struct.unpack(f"<{count}I", self.read(offset, 4 * count))

    def load(self, offset: int) -> int:
        """The word."""
        with self._lock:
            return self._get(offset)

    def store(self, offset: int, value: int) -> None:
        """Set the word."""
        with self._lock:
            self._put(offset, value)

    def add(self, offset: int, value: int) -> int:
        """Add to the word; what it was before."""
        with self._lock:
            before = self._get(offset)
            self._put(offset, before + value)
            return before

    def compare_exchange(self, offset: int, expected: int, value: int) -> int:
        """Set the word if it is ``expected``; what it was before."""
        with self._lock:
            before = self._get(offset)
            if before == i32(expected):
                self._put(offset, value)
            return before

    def notify(self, offset: int, count: int = NOTIFY_ALL) -> int:
        """Wake threads that wait on the word; how many."""
        with self._lock:
            self._get(offset)
            waiters = self._waiters.get(offset, deque())
            woken = min(count, len(waiters))
            for _ in range(woken):
                waiters.popleft().release()
            return woken

    def wait(self, offset: int, expected: int, timeout_s: float = math.inf) -> bool:
        """Block while the word is ``expected`` and nobody notifies. False at the timeout."""
        with self._lock:
            if self._get(offset) != i32(expected):
                return True
            waiters = self._waiters.setdefault(offset, deque())
            waiter = threading.Lock()
            waiter.acquire()
            waiters.append(waiter)
        if waiter.acquire(timeout=-1 if timeout_s == math.inf else timeout_s):
            return True
        with self._lock:
            if waiter not in waiters:
                return True  # notified between the timeout and here: that wake-up was this thread's, and counts
            waiters.remove(waiter)
            return False

    def _get(self, offset: int) -> int:
        if offset & 3 or offset < 0 or offset + 4 > self.size:
            raise BadArgument(f"no word at {offset}")
        return int(_WORD.unpack_from(self.memory, offset)[0])

    def _put(self, offset: int, value: int) -> None:
        self._get(offset)
        _WORD.pack_into(self.memory, offset, i32(value))
