"""Small reads and writes of the vault's own files, as bytes.

For superblocks, keys and log heads (a few KiB); blocks never pass through here. Invariant: the span in between is freed on
every path. Must not know: what the bytes mean.
"""

from __future__ import annotations

from inos.ports import Arena, FileFlush, FileRead, FileWrite
from inos.vault.budget import Budget


async def read_bytes(arena: Arena, budget: Budget, name: str, offset: int, length: int) -> bytes:
    """Up to ``length`` bytes; fewer at the end of the file."""
    span = await budget.alloc(length)
    try:
        got = await FileRead(name, offset, span)
        return arena.read(span.part(0, got))
    finally:
        budget.free(span)


async def write_bytes(arena: Arena, budget: Budget, name: str, offset: int, data: bytes) -> None:
    """Write all of ``data``."""
    span = await budget.alloc(len(data))
    try:
        arena.write(span, data)
        await FileWrite(name, offset, span)
    finally:
        budget.free(span)


async def write_durable(arena: Arena, budget: Budget, name: str, offset: int, data: bytes) -> None:
    """Write and flush."""
    await write_bytes(arena, budget, name, offset, data)
    await FileFlush(name)
