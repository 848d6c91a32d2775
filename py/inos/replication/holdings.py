"""Who holds what: what peers say of their copies, and what audits show, put into the book.

Invariants: a copy counts when its holder was asked and said Kept, when a co-holder named it, or when it passed an audit; one that
failed an audit counts no more, whoever names it. Must not know: time-outs, how copies come and go.
"""

from __future__ import annotations

from collections.abc import Callable

from inos.replication.audits import Auditor
from inos.replication.bundle import Bundle
from inos.replication.common import Common
from inos.replication.demand import Demand
from inos.replication.leaving import Leaver
from inos.replication.placing import Placer
from inos.replication.taking import Taker
from inos.wire import custody as wire


class Holdings:
    """Keeps the book of holders."""

    __slots__ = ("_auditor", "_c", "_demand", "_leaver", "_placer", "_taker", "on_more", "on_others", "released")

    def __init__(
        self, common: Common, placer: Placer, taker: Taker, leaver: Leaver, auditor: Auditor, demand: Demand
    ) -> None:
        self._c = common
        self._placer = placer
        self._taker = taker
        self._leaver = leaver
        self._auditor = auditor
        self._demand = demand
        self.on_more: Callable[[], None] = lambda: None  # something has one more copy
        self.on_others: Callable[[], None] = lambda: None  # a holder was named whom we may not be linked to
        self.released: dict[bytes, set[bytes]] = {}  # bundles not wanted any more -> holders that do not know yet
        auditor.on_failed = self._on_audit_failed
        auditor.on_passed = self._on_audit_passed

    def on_kept(self, peer: bytes, names: list[bytes]) -> None:
        """A peer has these."""
        c = self._c
        unknown: list[bytes] = []
        for name in names:
            bundle = self._c.book.bundles.get(name)
            asked = self._placer.on_kept(peer, name)
            if bundle is None:
                if name not in self._taker.pulls:
                    unknown.append(name)
            elif asked is not None and asked.extra:
                self._demand.on_kept(peer, bundle)
            elif peer in bundle.holders:
                self._placer.look(bundle)
                self._leaver.on_back(bundle, peer)
            elif asked is not None:
                self._add_holder(bundle, peer)
            elif peer not in bundle.extras and not c.is_liar(peer):
                self._auditor.expect(peer, bundle, 0.0)  # nobody told us: it shows that it has it
        gone = [name for name in unknown if name in self.released]
        c.tell_names(wire.Release, peer, gone)
        c.tell_names(wire.Dropped, peer, [name for name in unknown if name not in self.released])

    def _add_holder(self, bundle: Bundle, peer: bytes) -> None:
        c = self._c
        holders = [*self._c.book.live(bundle), peer]
        if len(holders) < bundle.copies:
            holders += bundle.holders  # the dead ones are remembered until there are enough without them
        c.counts["copies_made"] += 1
        c.changed(bundle, holders, "kept", self._placer.asked.get(bundle.id, ()))
        self._auditor.first(peer, bundle)
        self._placer.look(bundle)
        self._leaver.on_back(bundle, peer)
        self.on_more()

    def _on_audit_passed(self, peer: bytes, bundle: Bundle) -> None:
        if peer not in bundle.holders:
            self._add_holder(bundle, peer)

    def _on_audit_failed(self, peer: bytes, bundle: Bundle) -> None:
        if peer in bundle.holders:
            self._c.changed(bundle, [one for one in bundle.holders if one != peer], "lost")
            self._lost_a_copy(bundle, 0.0)

    def _lost_a_copy(self, bundle: Bundle, after_s: float) -> None:
        if self._placer.lacks(bundle) and bundle.deficient_since < 0.0:
            bundle.deficient_since = self._c.now
        self._placer.look(bundle, after_s)

    def on_dropped(self, peer: bytes, names: list[bytes]) -> None:
        """A peer does not have these."""
        c = self._c
        for name in names:
            self._placer.on_dropped(peer, name)
            bundle = self._c.book.bundles.get(name)
            if bundle is None:
                continue
            if peer in bundle.extras:
                del bundle.extras[peer]
            if peer in bundle.holders:  # it tells all of them itself
                self._c.book.set_holders(bundle, [one for one in bundle.holders if one != peer])
                bundle.renew()
                c.note(bundle)
                c.emit(bundle, "dropped")
                self._lost_a_copy(bundle, self._placer.turn_s(bundle))

    def on_holders(self, peer: bytes, bundle: Bundle | None, message: wire.Holders) -> None:
        """A peer says who holds a bundle, and who is coming. An owner is believed; of others' words, what we see ourselves
        counts more."""
        c = self._c
        holders, coming = wire.ids_of(message.holders), wire.ids_of(message.coming)
        if bundle is None:
            if message.bundle not in self._taker.pulls:
                c.send(peer, wire.Dropped(message.bundle))
            return
        if peer not in (bundle.owner, *bundle.holders):
            c.counts["ignored"] += 1
            return
        if message.version < bundle.version and peer != bundle.owner:
            c.tell(bundle, self._placer.asked.get(bundle.id, ()), to=[peer])
            return
        known = {one for one in bundle.holders if one in self._c.book.up} if peer != bundle.owner else set()
        after = {one for one in (*holders, *known) if not c.is_liar(one)} | {c.me}
        if peer == bundle.owner and message.copies:
            bundle.copies = message.copies
        bundle.version = max(bundle.version, message.version)
        if after != set(bundle.holders):
            self._c.book.set_holders(bundle, after)
            c.note(bundle)
            c.emit(bundle, "told")
            self.on_others()
        if after != set(holders) and self._c.book.is_own(bundle):
            bundle.renew()
            c.tell(bundle, self._placer.asked.get(bundle.id, ()))
        self._placer.on_told(bundle, somebody_is_at_it=bool(coming))
        self.on_more()
