"""Absent holders: co-holders that we have no link to are dialled, asked after, and held for dead when nobody finds them.

Nouns: a holder is *absent* while a bundle names it and there is no link to it; it is *asked after* by a look-up of its very id,
and has a *strike* if that ends at another node.

Theory of operation. Whoever has a link to a node learns of its death by silence. Links are few and co-holders may be many:
those that most is held together with are dialled, and all are asked after, the one that waited longest first. Two strikes in a
row are a death. Who is remembered from before a restart may be starting as well, and has longer.

Invariants: at most ASKING_MAX are asked after at a time; a node that finds nobody at all judges nobody. Must not know: what
follows from a death.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from inos.errors import InosError
from inos.replication.common import Common
from inos.replication.needs import Lookup

LOOK_S = 2.5
DIAL_AFTER_S = 2.0  # a link may be on its way
ASK_AFTER_S = 4.0
ASK_AGAIN_S = 4.0  # after a strike
ASK_INTERVAL_S = 15.0  # after a sign of life
STRIKES_MAX = 2
ASKING_MAX = 4
START_S = 50.0  # more for those who are remembered from before a restart
DEAD_AFTER_S = 60.0  # where nobody can be asked
INF = float("inf")


class _Absence:
    __slots__ = ("asked_s", "asking", "since_s", "strikes")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.asked_s = -INF
        self.asking = False
        self.strikes = 0


class Absentees:
    """Looks after them."""

    __slots__ = ("_absent", "_asking", "_at", "_c", "_dial", "_lookup", "_on_dead", "_partners")

    def __init__(
        self,
        common: Common,
        lookup: Lookup | None,
        dial: Callable[[bytes], bool],
        partners: Callable[[], Collection[bytes]],
        on_dead: Callable[[bytes, str, float], None],
    ) -> None:
        self._c = common
        self._lookup = lookup
        self._dial = dial
        self._partners = partners
        self._on_dead = on_dead
        self._absent: dict[bytes, _Absence] = {}
        self._asking = 0
        self._at = INF

    def remember(self, holders: Iterable[bytes]) -> None:
        """These are known from before a restart."""
        for peer in holders:
            self._absent.setdefault(peer, _Absence(self._c.now + START_S))
        self.look_soon()

    def look_soon(self) -> None:
        """A holder was named, or a link ended."""
        self._c.stale = True
        self._at = min(self._at, self._c.now)

    def forget(self, peer: bytes) -> None:
        """There is a link to it, or it is dead."""
        self._absent.pop(peer, None)

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        return self._at if self._c.book.of_peer else INF

    def on_time(self) -> None:
        """Time has passed."""
        c, now = self._c, self._c.now
        if now < self._at:
            return
        away = [peer for peer in c.book.of_peer if peer not in c.book.up and peer not in c.book.gone]
        self._absent = {peer: self._absent.get(peer) or _Absence(now) for peer in away}
        self._at = now + LOOK_S if away else INF
        partners = self._partners() if away else ()
        for peer, absence in list(self._absent.items()):
            if peer in partners and now - absence.since_s >= DIAL_AFTER_S:
                self._dial(peer)
        if self._lookup is None:
            for peer in [peer for peer, one in self._absent.items() if now - one.since_s >= DEAD_AFTER_S]:
                self._on_dead(peer, "absent", now)
        else:
            self._ask_some(now)

    def _ask_some(self, now: float) -> None:
        ready = [
            (absence.asked_s, peer)
            for peer, absence in self._absent.items()
            if not absence.asking
            and now - absence.since_s >= ASK_AFTER_S
            and now - absence.asked_s >= (ASK_AGAIN_S if absence.strikes else ASK_INTERVAL_S)
        ]
        for _, peer in sorted(ready)[: ASKING_MAX - self._asking]:
            self._c.spawn(self._ask_after(peer, self._absent[peer]), "ask after a holder")

    async def _ask_after(self, peer: bytes, absence: _Absence) -> None:
        assert self._lookup is not None
        absence.asking = True
        self._asking += 1
        try:
            found = await self._lookup(peer)
        except InosError:
            return  # we ourselves are cut off
        finally:
            self._asking -= 1
            absence.asking = False
            absence.asked_s = self._c.now
        if self._absent.get(peer) is not absence or not found:
            return
        absence.strikes = 0 if found[0].peer_id == peer else absence.strikes + 1
        if absence.strikes >= STRIKES_MAX:
            self._on_dead(peer, "absent", self._c.now)
