"""Rumors that others say they have and that have not come: whom to ask, and when.

Nouns: an *announcer* has the rumor; asking one is a *graft* (its link becomes eager) or a *pull* (it does not).

Invariants: at most GOSSIP_MISSING_MAX rumors with at most ANNOUNCERS_MAX announcers each; every announcer is asked once for
each time that it announced, and a rumor is forgotten when all were asked in vain.
Must not know: how one asks.
"""

from __future__ import annotations

import heapq
import math

from inos import limits

ANNOUNCERS_MAX = 8
HOPS_UNKNOWN = 255


class Missing:
    """One rumor that lacks."""

    __slots__ = ("announcers", "due", "pull")

    def __init__(self, due: float, pull: bool) -> None:
        self.announcers: list[tuple[int, bytes]] = []  # hops that it would have travelled, peer
        self.due = due
        self.pull = pull


class MissingTable:
    """All that lack."""

    __slots__ = ("_by_id", "_heap")

    def __init__(self) -> None:
        self._by_id: dict[bytes, Missing] = {}
        self._heap: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def announced(self, id: bytes, peer: bytes, hops: int, due: float, *, pull: bool = False) -> bool:
        """``peer`` has it; ask for it at ``due`` unless it came, or is asked for already. False: too many lack."""
        missing = self._by_id.get(id)
        if missing is None:
            if len(self._by_id) >= limits.GOSSIP_MISSING_MAX:
                return False
            missing = self._by_id[id] = Missing(due, pull)
            heapq.heappush(self._heap, (due, id))
        if len(missing.announcers) < ANNOUNCERS_MAX and all(other != peer for _, other in missing.announcers):
            missing.announcers.append((hops, peer))
        return True

    def pop(self, id: bytes) -> Missing | None:
        """It came."""
        return self._by_id.pop(id, None)

    def next_due(self) -> float:
        """When somebody is to be asked; inf: not at all."""
        heap = self._heap
        while heap and ((missing := self._by_id.get(heap[0][1])) is None or missing.due != heap[0][0]):
            heapq.heappop(heap)
        return heap[0][0] if heap else math.inf

    def take_due(self, now: float) -> tuple[bytes, bytes, bool] | None:
        """The next to ask by ``now``: rumor, peer, whether by a pull; call ``asked`` after it. The peer of fewest hops first."""
        while self.next_due() <= now:
            _, id = heapq.heappop(self._heap)
            missing = self._by_id[id]
            if missing.announcers:
                nearest = min(missing.announcers, key=lambda announcer: announcer[0])
                missing.announcers.remove(nearest)
                return id, nearest[1], missing.pull
            del self._by_id[id]
        return None

    def asked(self, id: bytes, due: float) -> None:
        """It was asked for; by ``due`` ask the next."""
        missing = self._by_id[id]
        missing.due = due
        heapq.heappush(self._heap, (due, id))
