"""The shared memory as every algorithm here sees it: bytes at offsets, and Int32 words that threads agree on.

Nouns: a *region* is the whole shared memory; an *offset* counts bytes from its start; a *word* is the Int32 at an offset that
is a multiple of 4. Words are answered signed and may be given signed or unsigned; arithmetic wraps at 32 bits.

Invariants: the word operations are atomic and sequentially consistent, across threads and across languages. ``read`` and
``write`` are plain memory: write, then publish by a word; look at a word, then read. Nothing reaches beyond the region:
``read`` and ``write`` raise BadArgument there, a word that is none is the programmer's fault and raises what the adapter raises.
``wait`` blocks the thread; whoever runs an event loop has none.

Adapters: ``inos_web.region`` (Pyodide, on the SharedArrayBuffer) and ``inos_host.region`` (threads of CPython, on a bytearray).
"""

from __future__ import annotations

import math
from typing import Protocol

from inos.errors import BadArgument

Buffer = bytes | bytearray | memoryview

U32 = 0xFFFF_FFFF
_SIGN = 0x8000_0000
NOTIFY_ALL = 0x7FFF_FFFF


def i32(value: int) -> int:
    """``value`` as a word holds it: the low 32 bits, signed."""
    return ((value + _SIGN) & U32) - _SIGN


def check_range(offset: int, length: int, size: int) -> None:
    """Raise BadArgument unless ``length`` bytes at ``offset`` lie within ``size``."""
    if offset < 0 or length < 0 or offset + length > size:
        raise BadArgument(f"{offset}+{length} is outside the shared memory")


class Region(Protocol):
    """Shared memory."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """A copy of ``length`` bytes."""

    def write(self, offset: int, data: Buffer) -> None:
        """Copy ``data`` to ``offset``."""

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        """``count`` u32 by one plain read."""

    def load(self, offset: int) -> int:
        """The word."""

    def store(self, offset: int, value: int) -> None:
        """Set the word."""

    def add(self, offset: int, value: int) -> int:
        """Add to the word; what it was before."""

    def compare_exchange(self, offset: int, expected: int, value: int) -> int:
        """Set the word if it is ``expected``; what it was before."""

    def notify(self, offset: int, count: int = NOTIFY_ALL) -> int:
        """Wake up to ``count`` threads that wait on the word; how many there were."""

    def wait(self, offset: int, expected: int, timeout_s: float = math.inf) -> bool:
        """Block while the word is ``expected`` and nobody notifies. False at the timeout, True otherwise."""
