"""What peers have lost by misbehaving.

Nouns: a *penalty* is a class's number in ``inos.errors``; a peer is *banned* when its penalties reach BAN_PENALTY.

Invariants: kept by peer id, so that reconnecting does not wash them off; forgotten FORGET_S after the last one; bounded.
"""

from __future__ import annotations

from collections import OrderedDict

from inos import limits
from inos.errors import InosError

FORGET_S = 600.0
PEERS_REMEMBERED_MAX = 1_024


class Penalties:
    """Scores by peer id."""

    def __init__(self) -> None:
        self._scores: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def add(self, peer_id: bytes, error: InosError, now: float) -> bool:
        """Count what the error costs; whether the peer is banned now."""
        if error.penalty:
            self._scores[peer_id] = (self.of(peer_id, now) + error.penalty, now)
            self._scores.move_to_end(peer_id)
            while len(self._scores) > PEERS_REMEMBERED_MAX:
                self._scores.popitem(last=False)
        return self.is_banned(peer_id, now)

    def of(self, peer_id: bytes, now: float) -> int:
        """The score."""
        score, since = self._scores.get(peer_id, (0, now))
        return score if now - since < FORGET_S else 0

    def is_banned(self, peer_id: bytes, now: float) -> bool:
        """Whether the peer may not have a link."""
        return self.of(peer_id, now) >= limits.BAN_PENALTY
