"""A node as its adapter sees it: what it wants done, what happened, when it wants to be called; ``inos.node`` says how.

Invariants: what comes in first sets the clock; nothing is decided here. Must not know: verbs.
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypeAlias

from inos.commons import Commons
from inos.links import commands
from inos.links.commands import Command, LinkId
from inos.links.links import Links
from inos.replicas import Replicas
from inos.tasks import Effect, Tasks
from inos.transfer.events import TransferFailed, TransferProgress
from inos.transfer.fetch import Fetcher
from inos.transfer.serve import Server

NodeEvent: TypeAlias = commands.PeerEvent | TransferProgress | TransferFailed


class AdapterSide:
    """The part of ``Node`` that adapters drive."""

    tasks: Tasks
    links: Links
    fetcher: Fetcher
    server: Server
    commons: Commons
    replicas: Replicas
    _events: deque[NodeEvent]

    def _dispatch(self) -> bool:
        raise AssertionError

    def poll_effects(self) -> list[tuple[int, Effect[Any]]]:
        """Run everything that can run; the effects to perform."""
        self.replicas.look()
        out = self.tasks.poll_effects()
        while self._dispatch():
            out += self.tasks.poll_effects()
        return out

    def on_done(self, effect_id: int, result: object, now: float) -> None:
        """The answer to an effect."""
        self.tasks.on_done(effect_id, result, now)

    def poll_commands(self) -> list[Command]:
        """What the page and the net worker are to do, in order."""
        return self.links.poll_commands()

    def poll_events(self) -> list[NodeEvent]:
        """What happened, in order."""
        out, self._events = [*self._events], deque()
        return out

    def next_deadline(self) -> float | None:
        """When ``on_deadline`` wants to be called."""
        dues = [due for due in (self.tasks.next_deadline(), self.commons.next_due()) if due is not None]
        return min(dues, default=None)

    def on_deadline(self, now: float) -> None:
        """Time has passed."""
        self.tasks.on_deadline(now)
        self.commons.on_time(self.tasks.now)

    def on_block_done(self, channel: int, generation: int, request: int, length: int, now: float) -> None:
        """A wanted block is whole in its span."""
        self._at(now)
        self.fetcher.on_block_done(LinkId(channel, generation), request, length)

    def on_block_failed(self, channel: int, generation: int, request: int, reason: int, now: float) -> None:
        """A wanted block will not come; its span is free."""
        del reason
        self._at(now)
        self.fetcher.on_block_failed(LinkId(channel, generation), request)

    def on_block_sent(self, channel: int, generation: int, request: int, ok: bool, now: float) -> None:
        """One of our blocks left, or cannot; its span is free."""
        self._at(now)
        self.server.on_block_sent(LinkId(channel, generation), request, ok)

    def _at(self, now: float) -> None:
        self.tasks.now = max(self.tasks.now, now)
