"""How much of anything one peer may cause: counters of the running second.

Invariants: at most the limit in every second of the clock. What is beyond is dropped and counted; a peer of whom more than
FLOOD_PER_S is dropped in one second is not merely busy, and is told so.
Must not know: what is counted.
"""

from __future__ import annotations

from inos import limits
from inos.errors import ProtocolViolation
from inos.gossip.stats import Stats

FLOOD_PER_S = 500


class Budget:
    """Of one peer. A few small integers, since a simulation holds millions of these."""

    __slots__ = ("_second", "excess", "ids", "ihaves", "resends", "syncs", "verifies")

    def __init__(self) -> None:
        self._second = -1
        self.verifies = self.ihaves = self.ids = self.resends = self.syncs = self.excess = 0

    def at(self, now: float) -> Budget:
        """The budget of the second that ``now`` is in."""
        second = int(now)
        if second != self._second:
            self._second = second
            self.verifies = self.ihaves = self.ids = self.resends = self.syncs = self.excess = 0
        return self


class Budgets:
    """Of all peers whose links are up and who have said something, and one of all together."""

    __slots__ = ("_by_peer", "_stats", "_together")

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._by_peer: dict[bytes, Budget] = {}
        self._together = Budget()

    def __contains__(self, peer: object) -> bool:
        return peer in self._by_peer

    def of(self, peer: bytes, now: float) -> Budget:
        """What one peer has caused in this second."""
        budget = self._by_peer.get(peer)
        if budget is None:
            budget = self._by_peer[peer] = Budget()
        return budget.at(now)

    def forget(self, peer: bytes) -> None:
        """Its link is down."""
        self._by_peer.pop(peer, None)

    def exceed(self, peer: bytes, now: float) -> None:
        """Something was dropped. Raises ProtocolViolation in a flood."""
        self._stats.dropped += 1
        budget = self.of(peer, now)
        budget.excess += 1
        if budget.excess > FLOOD_PER_S:
            raise ProtocolViolation("a flood of gossip")

    def may_verify(self, peer: bytes, now: float) -> bool:
        """Whether one more signature may be checked for this peer; counts it."""
        own, together = self.of(peer, now), self._together.at(now)
        if own.verifies >= limits.GOSSIP_VERIFIES_PER_PEER_S or together.verifies >= limits.GOSSIP_VERIFIES_PER_S:
            return False
        own.verifies += 1
        together.verifies += 1
        return True

    def may_sync(self, peer: bytes, count: int, now: float) -> bool:
        """Whether this peer may compare, or tell so many recent ids, once more; counts it. Raises ProtocolViolation."""
        own = self.of(peer, now)
        if own.syncs >= limits.GOSSIP_SYNCS_PER_S or own.ids + count > limits.GOSSIP_IHAVE_IDS_PER_S:
            self.exceed(peer, now)
            return False
        own.syncs += 1
        own.ids += count
        return True
