"""A mesh's gossip, made when it is first needed: most nodes of a large simulation never need theirs.

Must not know: what is published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Protocol

from inos.errors import InosError
from inos.gossip.gossip import HANDLERS, Gossip, Identity
from inos.gossip.rumors import RoomKeys
from inos.gossip.sealing import Sealer
from inos.gossip.stats import Stats
from inos.gossip.store import Entry
from inos.membership.carrier import Carrier
from inos.membership.view import SHOWN, View
from inos.mesh.events import MeshEvent, RumorSeen
from inos.ports import Entropy, Hashes
from inos.tasks import Tasks
from inos.wire.messages import Mesh as MeshMessage


class Owner(Protocol):
    """The mesh."""

    listening: bool
    room_id: bytes

    def rtt_s(self, peer_id: bytes) -> float:
        """Measured on the link."""

    def tell(self, event: MeshEvent) -> None:
        """To whoever watches."""


class Gossiping:
    """Gives the gossip its surroundings."""

    __slots__ = (
        "_carrier",
        "_entropy",
        "_gossip",
        "_hashes",
        "_identity",
        "_idle",
        "_nodes",
        "_owner",
        "_room_secret",
        "_sealer",
        "_tasks",
        "_view",
        "_wall_ms",
    )

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        entropy: Entropy,
        carrier: Carrier,
        owner: Owner,
        view: View,
        nodes: Callable[[], int],
        identity: Identity,
        wall_ms: Callable[[], int],
        room_secret: bytes | None,
        sealer: Sealer | None,
    ) -> None:
        self._tasks = tasks
        self._hashes = hashes
        self._entropy = entropy
        self._carrier = carrier
        self._owner = owner
        self._view = view
        self._nodes = nodes  # about how many there are
        self._room_secret = room_secret or owner.room_id
        self._identity = identity
        self._wall_ms = wall_ms
        self._sealer = sealer
        self._idle = False
        self._gossip: Gossip | None = None

    @property
    def made(self) -> Gossip | None:
        """The gossip, if there was a need for it."""
        return self._gossip

    @property
    def idle(self) -> bool:
        """Whether the periodic comparison is left out (``Mesh.idle``)."""
        return self._idle

    @idle.setter
    def idle(self, idle: bool) -> None:
        self._idle = idle
        if self._gossip is not None:
            self._gossip.idle = idle

    def get(self) -> Gossip:
        """The gossip."""
        gossip = self._gossip
        if gossip is None:
            gossip = self._gossip = Gossip(
                self._tasks,
                self._hashes,
                self._entropy,
                keys=RoomKeys(self._hashes, self._owner.room_id, self._room_secret),
                identity=self._identity,
                send=self._carrier.send,
                neighbours=self._linked,
                srtt=self._owner.rtt_s,
                nodes=self._nodes,
                wall_ms=self._wall_ms,
                sealer=self._sealer,
                blame=self._blame,
            )
            gossip.idle = self._idle
            gossip.on_rumor = self._on_rumor
            for peer_id in self._view.active:
                gossip.on_up(peer_id)
        return gossip

    def on_up(self, peer_id: bytes) -> None:
        """A link came up."""
        if self._gossip is not None:
            self._gossip.on_up(peer_id)

    def on_down(self, peer_id: bytes) -> None:
        """A link is gone."""
        if self._gossip is not None:
            self._gossip.on_down(peer_id)

    def on_message(self, peer_id: bytes, message: MeshMessage) -> bool:
        """Whether it was one of gossip's. Raises ProtocolViolation."""
        handler = HANDLERS.get(type(message))
        if handler is None:
            return False
        handler(self._gossip or self.get(), peer_id, message)
        return True

    def on_condition(self, condition: int) -> None:
        """Our page was shown (after a sleep, perhaps), hidden, frozen."""
        if self._gossip is not None and condition == SHOWN:
            self._gossip.catch_up()

    def next_due(self) -> float:
        """When ``on_time`` is wanted."""
        return inf if self._gossip is None else self._gossip.next_due()

    def on_time(self, now: float) -> None:
        """Time has passed."""
        if self._gossip is not None and self._gossip.next_due() <= now:
            self._gossip.on_time(now)

    @property
    def stats(self) -> Stats:
        """Numbers."""
        return self.get().stats

    def _linked(self) -> Iterable[bytes]:
        return self._view.active

    def _on_rumor(self, entry: Entry) -> None:
        if self._owner.listening and entry.sender is not None:
            self._owner.tell(RumorSeen(entry.topic, entry.sender, entry.hops, len(entry.rumor)))

    def _blame(self, peer_id: bytes, error: InosError) -> None:
        self._carrier.hang_up(peer_id, error.code)
