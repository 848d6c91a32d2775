"""Placing: bundles that lack copies get new holders; who sees to which, when, and in which order.

Nouns: a bundle *lacks* copies when fewer of its holders live than are wanted; it is *due* at a time, then *ready* until
there is a free slot; a peer is *asked* from Keep to Kept, Refused or silence.

Theory of operation. A new bundle is its owner's to place. When a holder dies each survivor that knows of it makes the same plan
(``ranking.plan``): the first begins at once, every next one REPAIR_NEXT_S later than the one before it, if it was not told by
then (``Holders.coming``) that somebody is at it. Those with the fewest copies go first. The new holder fetches by itself.
A new bundle's copies go to the nodes closest to its name; one that a death took goes to a fit neighbour, if there is one: who
must be looked up and dialled first may have died of the same.

Invariants: at most SOURCING_MAX peers are asked at a time; a bundle lacks copies exactly while ``deficient_since`` is set or
its first holders are still being found. Must not know: how blocks travel, what is done with a holder too many.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from inos import limits
from inos.errors import InosError
from inos.replication.bundle import Bundle
from inos.replication.common import Common
from inos.replication.needs import Lookup, Neighbour, RedundancyRestored
from inos.replication.ranking import order, plan
from inos.wire import custody as wire

NEAR_MAX = 16  # blocks of a bundle that are looked at to see who has some of them
TOOK_MAX = 512
MANY_NEIGHBOURS = 8  # beyond that others than neighbours are looked up
RESTS_S = {
    wire.REFUSED_QUOTA: 600.0,
    wire.REFUSED_SIZE: 600.0,
    wire.REFUSED_BUSY: 0.5,
    wire.REFUSED_UNSOUND: 600.0,
}
SILENT_REST_S = 30.0
GRACE_S = {"left": limits.LEFT_GRACE_S, "frozen": limits.QUIET_GRACE_S, "hidden": limits.QUIET_GRACE_S}


@dataclass(slots=True)
class Asked:
    """A peer that was asked to keep a bundle. ``extra``: beyond the copies that are wanted."""

    deadline: float
    extra: bool
    sent: bool


class Placer:
    """Finds holders."""

    __slots__ = (
        "_c",
        "_due",
        "_lookup",
        "_ready",
        "_serial",
        "_starved",
        "_waiting",
        "asked",
        "dial",
        "on_full",
        "took_s",
    )

    def __init__(self, common: Common, lookup: Lookup | None, dial: Callable[[bytes], bool]) -> None:
        self._c = common
        self._lookup = lookup
        self.dial = dial
        self.on_full: Callable[[Bundle], None] = lambda _: None  # it lacks nothing any more
        self.asked: dict[bytes, dict[bytes, Asked]] = {}
        self._due: list[tuple[float, int, bytes]] = []
        self._ready: list[tuple[int, int, bytes]] = []
        self._starved: dict[bytes, int] = {}  # bundles for which there was nobody, and how often they were tried
        self._waiting: set[bytes] = set()  # in _ready, or being looked up
        self._serial = 0
        self.took_s: deque[float] = deque(maxlen=TOOK_MAX)  # from a holder's death to full redundancy

    # --- what lacks copies ------------------------------------------------------------------------------------------------

    def lacks(self, bundle: Bundle) -> int:
        """How many copies are missing."""
        if bundle.temporary:
            return 0
        staying = len(self._c.book.live(bundle)) - sum(peer in bundle.holders for peer in bundle.leaving)
        return max(0, bundle.copies - staying)

    def look(self, bundle: Bundle, after_s: float = 0.0) -> None:
        """Something changed: see to it, not before ``after_s`` from now; or find that nothing is missing."""
        self._c.stale = True
        if self.lacks(bundle):
            bundle.due = self._c.now + after_s
            self._serial += 1
            heapq.heappush(self._due, (bundle.due, self._serial, bundle.id))
            return
        bundle.due = -1.0
        if bundle.deficient_since >= 0.0:
            took_s = self._c.now - bundle.deficient_since
            bundle.deficient_since = -1.0
            self.took_s.append(took_s)
            self._c.events.append(RedundancyRestored(bundle.id, took_s))
        self.on_full(bundle)

    def turn_s(self, bundle: Bundle) -> float:
        """How long we leave it to those before us in the plan."""
        c = self._c
        return limits.REPAIR_NEXT_S * plan(c.hash, bundle.id, bundle.version, c.book.live(bundle)).index(c.me)

    def on_dead(self, peer: bytes, cause: str) -> None:
        """A holder is gone. It is in ``book.gone`` already."""
        c = self._c
        for name in [name for name, asked in self.asked.items() if peer in asked]:
            self._answered(name, peer)
            bundle = c.book.bundles.get(name)
            if bundle is not None:
                self.look(bundle)
        for bundle in c.book.shared_with(peer):
            lacking = self.lacks(bundle)
            if lacking:
                if bundle.deficient_since < 0.0:
                    bundle.deficient_since = c.now
                grace_s = GRACE_S.get(cause, 0.0) if bundle.copies - lacking >= 2 else 0.0  # one to spare
                self.look(bundle, grace_s + self.turn_s(bundle))
            c.emit(bundle, "dead")

    def on_told(self, bundle: Bundle, *, somebody_is_at_it: bool) -> None:
        """Others said who holds it."""
        if bundle.id in self.asked:
            return
        patient = somebody_is_at_it or bundle.owner not in (self._c.me, *self._c.book.gone)
        self.look(bundle, (limits.PLACE_PATIENCE_S if patient else 0.0) + self.turn_s(bundle))

    def forget(self, name: bytes) -> None:
        """The bundle is not in the book any more."""
        for peer in list(self.asked.get(name, ())):
            self._answered(name, peer)
        self._waiting.discard(name)
        self._starved.pop(name, None)

    # --- answers ----------------------------------------------------------------------------------------------------------

    def on_taking(self, peer: bytes, name: bytes) -> None:
        """It is at it."""
        asked = self.asked.get(name, {}).get(peer)
        if asked is not None:
            asked.deadline = self._c.now + limits.TAKING_TIMEOUT_S

    def on_refused(self, peer: bytes, name: bytes, reason: int) -> None:
        """It will not."""
        if self._answered(name, peer) is None:
            return
        self._c.counts["refused"] += 1
        self._c.rest(peer, RESTS_S.get(reason, SILENT_REST_S))
        self._again(name)

    def on_kept(self, peer: bytes, name: bytes) -> Asked | None:
        """It has it; how it was asked, if it was."""
        return self._answered(name, peer)

    def on_dropped(self, peer: bytes, name: bytes) -> None:
        """It was at it, and could not."""
        if self._answered(name, peer) is not None:
            self._c.rest(peer, SILENT_REST_S)
            self._again(name)

    def on_up(self, peer: bytes) -> None:
        """Somebody to ask came; or somebody whom we dialled for it."""
        for name, asked in list(self.asked.items()):
            bundle = self._c.book.bundles.get(name)
            if peer in asked and not asked[peer].sent and bundle is not None:
                self._say_keep(bundle, peer, asked[peer])
        starved, self._starved = self._starved, {}
        for name in starved:
            self._again(name)

    def _answered(self, name: bytes, peer: bytes) -> Asked | None:
        asked = self.asked.get(name)
        if asked is None or peer not in asked:
            return None
        one = asked.pop(peer)
        if not asked:
            del self.asked[name]
        return one

    def _again(self, name: bytes) -> None:
        bundle = self._c.book.bundles.get(name)
        if bundle is not None:
            self.look(bundle)

    # --- time -------------------------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        while self._due:
            due, _, name = self._due[0]
            bundle = self._c.book.bundles.get(name)
            if bundle is not None and bundle.due == due:
                break
            heapq.heappop(self._due)
        deadlines = [one.deadline for asked in self.asked.values() for one in asked.values()]
        return min(self._due[0][0] if self._due else float("inf"), min(deadlines, default=float("inf")))

    def on_time(self) -> None:
        """Time has passed."""
        c = self._c
        for name, asked in list(self.asked.items()):
            for peer in [peer for peer, one in asked.items() if one.deadline <= c.now]:
                self._answered(name, peer)
                c.rest(peer, SILENT_REST_S)
                self._again(name)
        while self.next_due() <= c.now and self._due and self._due[0][0] <= c.now:
            name = heapq.heappop(self._due)[2]
            bundle = c.book.bundles[name]
            bundle.due = -1.0
            if name not in self._waiting:
                self._waiting.add(name)
                self._serial += 1
                heapq.heappush(self._ready, (len(c.book.live(bundle)), self._serial, name))
        self.pump()

    def pump(self) -> None:
        """Begin what the slots allow, fewest copies first."""
        neighbours = list(self._c.neighbours()) if self._ready else []
        while self._ready and sum(map(len, self.asked.values())) < limits.SOURCING_MAX:
            name = heapq.heappop(self._ready)[2]
            bundle = self._c.book.bundles.get(name)
            if bundle is None or name not in self._waiting:
                continue
            if (
                self._lookup is not None
                and len(neighbours) > MANY_NEIGHBOURS
                and not self._near_enough(bundle, neighbours)
            ):
                self._c.spawn(self._place_far(bundle, neighbours), "replica look-up")
            else:
                self._place(bundle, neighbours)

    def _near_enough(self, bundle: Bundle, neighbours: list[Neighbour]) -> bool:
        """Whether a copy was lost, and neighbours can make up for it."""
        return bundle.deficient_since >= 0.0 and len(self.choose(bundle, neighbours)) >= self.lacks(bundle)

    # --- asking -----------------------------------------------------------------------------------------------------------

    async def _place_far(self, bundle: Bundle, neighbours: list[Neighbour]) -> None:
        assert self._lookup is not None
        try:
            found = await self._lookup(bundle.id)
        except InosError:
            found = []
        known = {one.peer_id for one in neighbours}
        if bundle.id in self._waiting and bundle.id in self._c.book.bundles:
            self._place(bundle, [*neighbours, *(one for one in found if one.peer_id not in known)])

    def _place(self, bundle: Bundle, candidates: list[Neighbour]) -> None:
        self._waiting.discard(bundle.id)
        need = self.lacks(bundle) - sum(not one.extra for one in self.asked.get(bundle.id, {}).values())
        if need <= 0:
            return
        chosen = self.choose(bundle, candidates)
        for one in chosen:
            if need > 0 and self.ask(bundle, one):
                need -= 1
        coming = self.asked.get(bundle.id, {})
        if coming:
            if bundle.deficient_since >= 0.0:
                self._c.counts["repairs"] += 1
            self._c.tell(bundle, coming)
        if need > 0:
            tries = self._starved[bundle.id] = self._starved.get(bundle.id, 0) + 1
            self.look(bundle, min(limits.RETRY_S * 2 ** min(tries - 1, 8), limits.RETRY_MAX_S))
        else:
            self._starved.pop(bundle.id, None)

    def choose(self, bundle: Bundle, candidates: list[Neighbour]) -> list[Neighbour]:
        """Who may take it, best first. One device key is one peer id, so no two copies are on one."""
        c = self._c
        taken = {*bundle.holders, *bundle.extras, *self.asked.get(bundle.id, ()), *c.book.gone}
        able = [
            one for one in candidates if one.fit and one.peer_id not in taken and not c.is_resting(one.peer_id)
        ]  # fmt: skip
        near: set[bytes] = set()
        for count, bid in enumerate(bundle.bids()):
            if count == NEAR_MAX:
                break
            for other in c.book.with_block(bid):
                if other is not bundle:
                    near.update(other.holders)
        return order(bundle.id, able, near)

    def ask(self, bundle: Bundle, one: Neighbour, *, extra: bool = False) -> bool:
        """Ask a peer to keep it; whether that was possible."""
        self._c.stale = True
        asked = Asked(self._c.now + limits.KEEP_ANSWER_S, extra, sent=False)
        if not one.linked:
            if not self.dial(one.peer_id):
                return False
            asked.deadline = self._c.now + limits.KEEP_DIAL_S
        elif not self._say_keep(bundle, one.peer_id, asked):
            return False
        self.asked.setdefault(bundle.id, {})[one.peer_id] = asked
        return True

    def _say_keep(self, bundle: Bundle, peer: bytes, asked: Asked) -> bool:
        c = self._c
        part_bytes = limits.KEEP_ROWS_MAX * wire.ROW_BYTES
        parts = max(1, -(-len(bundle.rows) // part_bytes))
        live = c.book.live(bundle)
        for part in range(parts):
            sent = c.send(
                peer,
                wire.Keep(
                    bundle=bundle.id,
                    owner=bundle.owner,
                    key=bundle.key,
                    part=part,
                    parts=parts,
                    rows=bundle.rows[part * part_bytes : (part + 1) * part_bytes],
                    lease_s=limits.DEMAND_LEASE_S if asked.extra else limits.LEASE_S,
                    copies=0 if asked.extra else bundle.copies,
                    version=bundle.version,
                    holders=b"".join(live[: limits.HOLDERS_MAX]),
                    stands_for=b"" if asked.extra else self._absent(bundle),
                ),
            )
            if not sent:
                c.rest(peer, limits.RETRY_S)
                return False
        asked.sent = True
        asked.deadline = c.now + limits.KEEP_ANSWER_S
        return True

    def _absent(self, bundle: Bundle) -> bytes:
        """A dead holder that may come back with its copy (hinted handoff)."""
        c = self._c
        recent = [
            peer for peer in bundle.holders if c.now - c.book.gone.get(peer, float("-inf")) < limits.HINT_TTL_S
        ]  # fmt: skip
        return recent[len(self.asked.get(bundle.id, ())) % len(recent)] if recent else b""

    def figures(self) -> dict[str, float | None]:
        """Repairs that run, and the time to full redundancy of those before."""
        took = sorted(self.took_s)
        return {
            "repairing": sum(map(len, self.asked.values())),
            "full_last_s": self.took_s[-1] if took else None,
            "full_p50_s": took[len(took) // 2] if took else None,
            "full_p99_s": took[len(took) * 99 // 100] if took else None,
        }
