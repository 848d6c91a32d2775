"""Demand: what is asked for often gets more copies for a while.

Nouns: the *heat* of a bundle is how many times its bytes were served in the last HEAT_S or so (it decays); an *extra* is a copy
beyond the number wanted, with a short lease that is renewed while the heat lasts. Extras count for nothing else.

Invariants: all holders together make about DEMAND_COPIES_MAX extras; one is made at a time for each bundle. Must not know:
who asked.
"""

from __future__ import annotations

import math

from inos import limits
from inos.replication.bundle import NO_EXTRAS, Bundle
from inos.replication.common import Common
from inos.replication.placing import Placer
from inos.wire import custody as wire

HEAT_S = 60.0
HOT = 3.0  # served so often lately: one more copy
WARM = 1.0  # and its lease is renewed down to here
LOOK_S = 5.0
COLD = 0.05
RENEW_BEFORE_S = 60.0


class Demand:
    """Watches what is served."""

    __slots__ = ("_c", "_due", "_heat", "_placer")

    def __init__(self, common: Common, placer: Placer) -> None:
        self._c = common
        self._placer = placer
        self._heat: dict[bytes, tuple[float, float]] = {}  # bundle -> heat, and as of when
        self._due = float("inf")

    def on_served(self, peer: bytes, bid: bytes, length: int) -> None:
        """A block left, to somebody who was not asked to keep it."""
        c = self._c
        for bundle in c.book.with_block(bid):
            if peer in bundle.holders or peer in bundle.extras or peer in self._placer.asked.get(bundle.id, ()):
                continue
            self._heat[bundle.id] = (self.heat(bundle.id) + length / bundle.bytes, c.now)
            self._due = min(self._due, c.now + LOOK_S)

    def heat(self, name: bytes) -> float:
        """Of a bundle, now."""
        heat, as_of = self._heat.get(name, (0.0, 0.0))
        return heat * math.exp((as_of - self._c.now) / HEAT_S)

    def on_kept(self, peer: bytes, bundle: Bundle) -> None:
        """An extra is there."""
        if bundle.extras is NO_EXTRAS:
            bundle.extras = {}
        bundle.extras[peer] = self._c.now + limits.DEMAND_LEASE_S
        self._c.counts["demand_copies"] += 1
        self._due = min(self._due, self._c.now + LOOK_S)

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        return self._due

    def on_time(self) -> None:
        """Time has passed."""
        c = self._c
        if c.now < self._due:
            return
        for name in list(self._heat):
            bundle = c.book.bundles.get(name)
            heat = self.heat(name)
            if bundle is None or (heat < COLD and not bundle.extras):
                del self._heat[name]
                continue
            for peer, until in list(bundle.extras.items()):
                if until <= c.now:
                    del bundle.extras[peer]
                elif until - RENEW_BEFORE_S <= c.now and heat > WARM and peer in c.book.up:
                    bundle.extras[peer] = c.now + limits.DEMAND_LEASE_S
                    c.send(peer, wire.Renew(name, limits.DEMAND_LEASE_S))
            share = max(1, limits.DEMAND_COPIES_MAX // max(1, len(c.book.live(bundle))))
            if heat > HOT and not bundle.temporary and len(bundle.extras) < share and name not in self._placer.asked:
                for one in self._placer.choose(bundle, [one for one in c.neighbours() if one.linked]):
                    if self._placer.ask(bundle, one, extra=True):
                        break
        self._due = c.now + LOOK_S if self._heat else float("inf")
