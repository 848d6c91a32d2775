"""Is a link alive? Decided from what the net worker stamped, never from how busy this brain was.

Nouns: *heard* is when any byte last came on a channel; *late* means that our own look came much later than planned.

Invariants: a link is down when nothing was heard for LINK_SILENT_S (heartbeats are one a second); after a late look
nobody is accused for another LINK_SILENT_S, since then it was this whole machine that slept (Lifeguard's self-check).

Must not know: why a link is needed, or what happens to it.
"""

from __future__ import annotations

from inos.links.commands import LinkId, PeerTable

LOOK_INTERVAL_S = 1.0
LINK_SILENT_S = 6.0
LATE_S = 2 * LOOK_INTERVAL_S


class Liveness:
    """Looks at the peer table once in LOOK_INTERVAL_S."""

    def __init__(self, table: PeerTable) -> None:
        self._table = table
        self._looked_at: float | None = None
        self._trust_from = float("-inf")

    def pause(self) -> None:
        """Nothing to look at: the next look is not a late one."""
        self._looked_at = None

    def silent(self, links: list[tuple[LinkId, float]], now: float) -> list[LinkId]:
        """Which of these links (each with the time it came up) are dead."""
        if self._looked_at is not None and now - self._looked_at > LATE_S + LOOK_INTERVAL_S:
            self._trust_from = now
        self._looked_at = now
        dead = []
        for link, since in links:
            row = self._table.row(link.channel)
            heard = row.last_heard_s if row is not None and row.generation == link.generation else since
            if now - max(heard, since, self._trust_from) > LINK_SILENT_S:
                dead.append(link)
        return dead
