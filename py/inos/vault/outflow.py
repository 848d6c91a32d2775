"""A sink as something to write to: small writes are gathered, large spans go as they are.

Nouns: what is *pending* was written and not yet sent. Invariants: bytes reach the sink in the order in which they were
written; after ``drain`` at most DRAIN_BYTES are pending, so that memory stays flat however much passes. Must not know: what
the bytes mean.
"""

from __future__ import annotations

from inos.limits import KIB, MIB
from inos.ports import SinkWrite, Span
from inos.vault.store import Store

DRAIN_BYTES = 1 * MIB
COPY_BYTES_MAX = 64 * KIB


class Outflow:
    """One sink. Has what ``zipfile`` needs of a file that cannot seek."""

    def __init__(self, store: Store, sink: int) -> None:
        self._store = store
        self._sink = sink
        self._pending = bytearray()
        self.sent = 0
        self.failed = False  # the sink takes no more

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
                await self._send(span.part(0, len(part)))
            finally:
                self._store.budget.free(span)
            del self._pending[: len(part)]

    async def pass_on(self, span: Span) -> None:
        """A span after everything that is pending: a large one as it is, without a copy."""
        if span.length < COPY_BYTES_MAX:
            self.write(self._store.ports.arena.read(span))
            await self.drain()
            return
        await self.drain(everything=True)
        await self._send(span)

    async def _send(self, span: Span) -> None:
        try:
            await SinkWrite(self._sink, self.sent, span)
        except BaseException:
            self.failed = True
            raise
        self.sent += span.length
