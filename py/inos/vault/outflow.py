"""A sink as something to write to: small writes are gathered, large spans go as they are.

Nouns: what is *pending* was written and not yet sent. Invariants: bytes reach the sink in the order in which they were
written; after ``drain`` at most DRAIN_BYTES are pending, so that memory stays flat however much passes. Must not know: what
the bytes mean.
"""

from __future__ import annotations

from inos.limits import MIB
from inos.ports import SinkWrite, Span
from inos.vault.store import Store

DRAIN_BYTES = 1 * MIB


class Outflow:
    """One sink. Has what ``zipfile`` needs of a file that cannot seek."""

    def __init__(self, store: Store, sink: int) -> None:
        self._store = store
        self._sink = sink
        self._pending = bytearray()
        self.sent = 0

    def write(self, data: bytes) -> int:
        """Take bytes; they go with a later ``drain``."""
        self._pending += data
        return len(data)

    def flush(self) -> None:
        """Nothing: sending is ``drain``'s."""

    async def drain(self, *, everything: bool = False) -> None:
        """Send what is pending, if it is enough to be worth it."""
        while len(self._pending) >= DRAIN_BYTES or (everything and self._pending):
            part = bytes(self._pending[:DRAIN_BYTES])
            span = await self._store.budget.alloc(len(part))
            try:
                self._store.ports.arena.write(span, part)
                await SinkWrite(self._sink, self.sent, span.part(0, len(part)))
            finally:
                self._store.budget.free(span)
            del self._pending[: len(part)]
            self.sent += len(part)

    async def send(self, span: Span) -> None:
        """Send a span after everything that is pending, without a copy."""
        await self.drain(everything=True)
        await SinkWrite(self._sink, self.sent, span)
        self.sent += span.length
