"""Leaving: how copies end. Leases run out, owners release, places are given back, a full disk needs room.

Nouns: a copy is *handed* when somebody who holds the bundle too has confirmed that there are enough without it. Who is asked is
the owner while it lives, else the first of the plan: one, so that two do not leave on each other's word.

Invariants: only what was released, what ran out, and copies beyond the number wanted are dropped without asking; of the rest
nothing is dropped before Handed; where nobody else lives, nothing at all. Must not know: how copies come to be.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import limits
from inos.errors import InosError
from inos.replication.bundle import Bundle
from inos.replication.common import Common
from inos.replication.needs import Neighbour
from inos.replication.ranking import order, plan
from inos.wire import custody as wire

HANDING_TIMEOUT_S = 60.0
LEASES_LOOK_S = 3600.0


class Leaver:
    """Drops copies."""

    __slots__ = ("_asked", "_c", "_lacks", "_leases_at", "_place", "_surplus")

    def __init__(self, common: Common, lacks: Callable[[Bundle], int], place: Callable[[Bundle], None]) -> None:
        self._c = common
        self._lacks = lacks
        self._place = place
        self._asked: dict[bytes, float] = {}  # bundles that we asked to hand, and until when we wait
        self._surplus: dict[bytes, float] = {}  # own bundles with too many copies, and since when
        self._leases_at = 0.0

    # --- dropping ---------------------------------------------------------------------------------------------------------

    def drop(self, bundle: Bundle, cause: str) -> None:
        """Our copy goes."""
        c = self._c
        for peer in bundle.holders:
            if peer in c.book.up:
                c.send(peer, wire.Dropped(bundle.id))
        c.book.remove(bundle)
        self._asked.pop(bundle.id, None)
        c.note_record(bundle.id, None)
        c.emit(bundle, cause)
        c.spawn(self._drop(bundle.id), "guest drop")

    async def _drop(self, name: bytes) -> None:
        try:
            await self._c.store.guest_drop(name)
        except InosError:
            return  # the lease is forgotten at the next opening

    def on_release(self, peer: bytes, bundle: Bundle) -> None:
        """The owner, or who asked us, wants it no more."""
        if peer in (bundle.owner, bundle.asker) and not self._c.book.is_own(bundle):
            self.drop(bundle, "dropped")
        else:
            self._c.counts["ignored"] += 1

    # --- room ---------------------------------------------------------------------------------------------------------------

    def make_room(self, size: int) -> None:
        """So many bytes of guests too many: what ran out goes at once, oldest first; others are asked about the rest."""
        c = self._c
        guests = [bundle for bundle in c.book.bundles.values() if not c.book.is_own(bundle)]
        guests.sort(key=lambda bundle: (not bundle.temporary, bundle.until_ms))
        for bundle in guests:
            if size <= 0:
                return
            size -= bundle.bytes
            if bundle.temporary or bundle.until_ms <= c.wall_ms():
                c.counts["evicted"] += 1
                self.drop(bundle, "dropped" if self._others(bundle) else "lost")
            else:
                self._ask(bundle, wire.HANDING_FULL)

    def _others(self, bundle: Bundle) -> list[bytes]:
        return [peer for peer in self._c.book.live(bundle) if peer != self._c.me]

    def _ask(self, bundle: Bundle, why: int) -> None:
        c = self._c
        others = [peer for peer in self._others(bundle) if peer in c.book.up]
        if bundle.id in self._asked or not others:
            return
        whom = bundle.owner if bundle.owner in others else plan(c.hash, bundle.id, bundle.version, others)[0]
        if c.send(whom, wire.Handing(bundle.id, why)):
            self._asked[bundle.id] = c.now + HANDING_TIMEOUT_S

    def on_handing(self, peer: bytes, bundle: Bundle | None, name: bytes, why: int) -> None:
        """A holder wants to leave."""
        c = self._c
        if bundle is None or peer not in bundle.holders:
            c.send(peer, wire.Handed(name, ok=False))
            return
        leaving = {one for one in bundle.leaving if one in bundle.holders and one != peer}
        if len(c.book.live(bundle)) - len(leaving) > bundle.copies:
            self._say_yes(peer, bundle)
            return
        c.send(peer, wire.Handed(name, ok=False))
        if why == wire.HANDING_FULL:  # it stays a holder, and is not counted, until another took its place
            bundle.leaving = frozenset({*leaving, peer})
            self._place(bundle)

    def _say_yes(self, peer: bytes, bundle: Bundle) -> None:
        c = self._c
        bundle.leaving -= {peer}
        c.changed(bundle, [one for one in bundle.holders if one != peer], "handed")
        c.send(peer, wire.Handed(bundle.id, ok=True))

    def on_handed(self, bundle: Bundle, *, ok: bool) -> None:
        """There are enough without us, or not."""
        if bundle.id in self._asked and ok and not self._c.book.is_own(bundle):
            self._c.counts["handed"] += 1
            self.drop(bundle, "handed")

    # --- giving a place back, and copies too many -----------------------------------------------------------------------------

    def on_back(self, bundle: Bundle, peer: bytes) -> None:
        """A holder came back, and says that it has its copy."""
        if bundle.stands_for == peer and bundle.stands_until > self._c.now and not self._c.book.is_own(bundle):
            bundle.stands_for = b""
            self._ask(bundle, wire.HANDING_BACK)

    def on_full(self, bundle: Bundle) -> None:
        """It lacks nothing: let go who wanted to leave, and remember copies too many."""
        c = self._c
        spare = len(c.book.live(bundle)) - bundle.copies
        for peer in [peer for peer in bundle.holders if peer in bundle.leaving][: max(spare, 0)]:
            self._say_yes(peer, bundle)
            spare -= 1
        if spare > 0 and c.book.is_own(bundle):
            self._surplus.setdefault(bundle.id, c.now)
        else:
            self._surplus.pop(bundle.id, None)

    def _trim(self, bundle: Bundle) -> None:
        """Release the copies that are furthest from where they should be."""
        c = self._c
        others = self._others(bundle)
        spare = 1 + len(others) - bundle.copies
        keep = order(bundle.id, (Neighbour(peer) for peer in others), set())
        for one in keep[len(keep) - spare :] if spare > 0 else []:
            c.changed(bundle, [peer for peer in bundle.holders if peer != one.peer_id], "dropped")
            c.send(one.peer_id, wire.Release(bundle.id))

    # --- time -----------------------------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        due = self._leases_at if self._c.book.guests_of else float("inf")
        if self._surplus:
            due = min(due, min(self._surplus.values()) + limits.SURPLUS_GRACE_S)
        return min(due, min(self._asked.values(), default=float("inf")))

    def on_time(self) -> None:
        """Time has passed."""
        c = self._c
        for name, until in list(self._asked.items()):
            if until <= c.now:
                del self._asked[name]
        for name, since in list(self._surplus.items()):
            if since + limits.SURPLUS_GRACE_S <= c.now:
                del self._surplus[name]
                bundle = c.book.bundles.get(name)
                if bundle is not None and c.book.is_own(bundle):
                    self._trim(bundle)
        if c.now >= self._leases_at:
            self._look_at_leases()

    def on_guest(self, bundle: Bundle) -> None:
        """There is one more lease."""
        self._c.stale = True
        self._leases_at = min(self._leases_at, self._c.now + max(0.0, bundle.until_ms - self._c.wall_ms()) / 1_000 + 1)

    def _look_at_leases(self) -> None:
        wall_ms, first_ms = self._c.wall_ms(), float("inf")
        for bundle in list(self._c.book.bundles.values()):
            if bundle.until_ms > wall_ms:
                first_ms = min(first_ms, bundle.until_ms)
            elif bundle.until_ms:
                self.drop(bundle, "dropped" if self._others(bundle) else "lost")
        self._leases_at = self._c.now + min(LEASES_LOOK_S, (first_ms - wall_ms) / 1_000 + 1)
