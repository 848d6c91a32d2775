"""Slices: one chunk of a block with the part of BLAKE3's tree that ties it to the block's name.

Nouns: a *chunk* is 1,024 bytes of a block, a leaf of its tree; *levels* are all chaining values of the leaves, then of their
parents, and so on, as the effect ``HashTree`` writes them (an odd one at the end of a level stands for itself in the next); a
*path* is the siblings from the leaf up, 32 bytes each, at most 12 of them.

Invariants: a verifier needs the block's name and length and nothing else; whoever finds a slice that verifies without the
block's bytes has broken BLAKE3. Must not know: peers, who is audited when.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from inos.ports import HASH_CHUNK_BYTES, HashTree, Span, hash_levels
from inos.reference.blake3 import blake3, chunk_chaining_value, parent_chaining_value, parent_hash

CV_BYTES = 32


class Memory(Protocol):
    """The arena, as far as it is needed."""

    def alloc(self, length: int) -> Span:
        """A new span. Raises ArenaFull."""

    def read(self, span: Span) -> bytes:
        """A copy."""

    def release(self, span: Span) -> None:
        """Give it back."""


def path_places(length: int, chunk: int) -> list[int]:
    """Where among all levels' values the siblings of a chunk's path stand, leaf first."""
    places: list[int] = []
    start, at = 0, chunk
    for count in hash_levels(length):
        sibling = at ^ 1
        if sibling < count:
            places.append(start + sibling)
        start += count
        at >>= 1
    return places


def verify(bid: bytes, length: int, chunk: int, data: bytes, path: bytes) -> bool:
    """Whether ``data`` is this chunk of the block of this name and length."""
    counts = hash_levels(length)
    leaves = max(1, -(-length // HASH_CHUNK_BYTES))
    want = min(HASH_CHUNK_BYTES, length - chunk * HASH_CHUNK_BYTES)
    if not 0 <= chunk < leaves or len(data) != want:
        return False
    if leaves == 1:
        return not path and blake3(data) == bid
    if len(path) != CV_BYTES * len(path_places(length, chunk)):
        return False
    siblings = [path[at : at + CV_BYTES] for at in range(0, len(path), CV_BYTES)]
    value, at = chunk_chaining_value(data, chunk), chunk
    for count in counts:
        if at ^ 1 < count:
            pair = (value, siblings.pop(0)) if at % 2 == 0 else (siblings.pop(0), value)
            value = (parent_hash if count == 2 else parent_chaining_value)(*pair)  # two: the root's children
        at >>= 1
    return value == bid


class Slices:
    """Proves with the kernel, verifies in Python (at most 16 + 12 compressions)."""

    def __init__(self, arena: Memory, read_block: Callable[[bytes], Coroutine[Any, Any, Span]]) -> None:
        self._arena = arena
        self._read_block = read_block

    async def prove(self, bid: bytes, chunk: int) -> tuple[bytes, bytes]:
        """The chunk and its path. Raises NotFound, StorageError, ArenaFull."""
        block = await self._read_block(bid)
        try:
            start = chunk * HASH_CHUNK_BYTES
            data = self._arena.read(block.part(start, min(HASH_CHUNK_BYTES, block.length - start)))
            values = sum(hash_levels(block.length))
            if not values:
                return data, b""
            tree = self._arena.alloc(values * CV_BYTES)
            try:
                await HashTree(block, tree)
                path = [
                    self._arena.read(tree.part(place * CV_BYTES, CV_BYTES))
                    for place in path_places(block.length, chunk)
                ]
            finally:
                self._arena.release(tree)
            return data, b"".join(path)
        finally:
            self._arena.release(block)

    def verify(self, bid: bytes, length: int, chunk: int, data: bytes, path: bytes) -> bool:
        """See ``verify``."""
        return verify(bid, length, chunk, data, path)
