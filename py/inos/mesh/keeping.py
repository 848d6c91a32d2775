"""Keeping: replication as the mesh has it, where somebody plugged it in; without, all of this does nothing.

Nouns: *partners* are neighbours that most is held together with: they are watched as closely as siblings.

Must not know: what is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from inos.dht.result import Lookup
from inos.membership.contact import prefix_of
from inos.membership.detector import Detector
from inos.membership.members import Members
from inos.membership.view import PARTNER, SHOWN, View
from inos.ports import Hashes
from inos.replication.needs import Neighbour as Candidate
from inos.replication.replication import Replication
from inos.tasks import Tasks
from inos.wire.custody import CustodyMessage


class Keeping:
    """What replication asks of the mesh, and is told by it."""

    __slots__ = ("_detector", "_hashes", "_lookup", "_members", "_tasks", "_view", "replication")

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        view: View,
        members: Members,
        detector: Detector,
        lookup: Callable[[bytes], Awaitable[Lookup]],
    ) -> None:
        self._tasks = tasks
        self._hashes = hashes
        self._view = view
        self._members = members
        self._detector = detector
        self._lookup = lookup
        self.replication: Replication | None = None

    # --- what replication asks --------------------------------------------------------------------------------------------

    def candidates(self) -> Iterable[Candidate]:
        """Neighbours, as those who might keep a copy."""
        now = self._tasks.now
        for one in self._view.active.values():
            hidden = float(one.condition != SHOWN)
            fit = not (hidden or one.suspect)
            yield Candidate(one.peer_id, fit=fit, uptime_s=now - one.since_s, hidden_ratio=hidden)

    async def closest(self, target: bytes) -> list[Candidate]:
        """The nodes closest to a key, those without a link as well. Raises what a look-up raises."""
        found = await self._lookup(target)
        ids = [self._hashes.hash(contact.public_key) for contact in found.closest]
        return [
            Candidate(peer_id, linked=peer_id in self._view.active) for peer_id in ids if peer_id != self._view.peer_id
        ]

    def approach(self, peer_id: bytes) -> bool:
        """Get a link to a node; whether there is one, or that was begun."""
        return peer_id in self._view.active or self._members.dialling.approach(prefix_of(peer_id), self._tasks.now)

    # --- what it is told --------------------------------------------------------------------------------------------------

    def on_up(self, peer_id: bytes, now: float) -> None:
        """A link is up."""
        if self.replication is not None:
            self.replication.on_up(peer_id, now)

    def on_down(self, peer_id: bytes, now: float) -> None:
        """A link ended."""
        if self.replication is not None:
            self.replication.on_down(peer_id, now)

    def on_dead(self, peer_id: bytes, cause: str, now: float) -> None:
        """A node is gone."""
        if self.replication is not None:
            self.replication.on_dead(peer_id, cause, now)

    def on_message(self, peer_id: bytes, message: CustodyMessage, now: float) -> None:
        """From a neighbour. Raises ProtocolViolation."""
        if self.replication is not None:
            self.replication.on_message(peer_id, message, now)

    def next_due(self) -> float:
        """When ``on_time`` wants to be called."""
        return float("inf") if self.replication is None else self.replication.next_due()

    def on_time(self, now: float) -> None:
        """Time has passed."""
        if self.replication is not None and self.replication.next_due() <= now:
            self.replication.on_time(now)
            self._mark_partners(self.replication.partners(), now)

    def _mark_partners(self, partners: Iterable[bytes], now: float) -> None:
        wanted = set(partners)
        changed = [
            neighbour
            for neighbour in self._view.active.values()
            if bool(neighbour.roles & PARTNER) != (neighbour.peer_id in wanted)
        ]
        for neighbour in changed:
            neighbour.roles ^= PARTNER
        if changed:
            self._detector.set_paces(now)
