"""What the net worker says of blocks, as inputs of a node. Part of ``inos.node``. Must not know: links beyond their names."""

from __future__ import annotations

from inos.tasks import Tasks
from inos.transfer.fetch import Fetcher
from inos.transfer.serve import Server


class BlockReports:
    """Passes reports on to whoever fetches and serves."""

    tasks: Tasks
    fetcher: Fetcher
    server: Server

    def on_block_done(self, channel: int, generation: int, request: int, length: int, now: float) -> None:
        """A wanted block is whole in its span."""
        self._at(now)
        self.fetcher.on_block_done((channel, generation), request, length)

    def on_block_failed(self, channel: int, generation: int, request: int, reason: int, now: float) -> None:
        """A wanted block will not come; its span is free."""
        del reason
        self._at(now)
        self.fetcher.on_block_failed((channel, generation), request)

    def on_block_sent(self, channel: int, generation: int, request: int, ok: bool, now: float) -> None:
        """One of our blocks left, or cannot; its span is free."""
        self._at(now)
        self.server.on_block_sent((channel, generation), request, ok)

    def _at(self, now: float) -> None:
        self.tasks.now = max(self.tasks.now, now)
