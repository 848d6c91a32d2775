"""How much of anything one peer may cause: counters of the running second.

Invariants: at most the limit in every second of the clock. What is beyond is dropped and counted; a peer of whom more than
FLOOD_PER_S is dropped in one second is not merely busy, and is told so.
Must not know: what is counted.
"""

from __future__ import annotations

from inos.errors import ProtocolViolation

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

    def exceed(self) -> None:
        """Something was dropped. Raises ProtocolViolation in a flood."""
        self.excess += 1
        if self.excess > FLOOD_PER_S:
            raise ProtocolViolation("a flood of gossip")
