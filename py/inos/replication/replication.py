"""Replication: the parts put together, as the mesh and the node use them.

Theory of operation. ``start`` reads what the vault remembers; ``keep`` says which blocks shall have copies elsewhere. The mesh
calls ``on_up``, ``on_down``, ``on_dead`` and ``on_message``, and ``on_time`` when ``next_due`` says so. Work that has to wait
(fetching a bundle, proving a slice, remembering holders) is a short coroutine; there are no others.

Invariants: what somebody says of bundles that it does not hold with us is ignored and counted; nothing is called safe before
WRITE_QUORUM durable copies are known. Must not know: keys of blocks, how links are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from inos import limits
from inos.custody import HolderRecord
from inos.errors import InosError
from inos.ports import Entropy, Hashes
from inos.replication.absentees import Absentees
from inos.replication.audits import Auditor
from inos.replication.bundle import Block, Bundle, bundle_id, cut
from inos.replication.common import Common
from inos.replication.demand import Demand
from inos.replication.holdings import Holdings
from inos.replication.leaving import Leaver
from inos.replication.needs import Auditing, FetchBlock, Lookup, Neighbour, ReplicaEvent, Send, Store
from inos.replication.placing import Placer
from inos.replication.taking import Taker
from inos.tasks import Future, Tasks
from inos.wire import custody as wire

PARTNERS_MAX = 8
INF = float("inf")


class Replication:
    """Copies of blocks on other nodes, and of theirs here."""

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        entropy: Entropy,
        store: Store,
        *,
        me: bytes,
        send: Send,
        neighbours: Callable[[], Iterable[Neighbour]],
        fetch_block: FetchBlock,
        auditing: Auditing,
        wall_ms: Callable[[], int],
        lookup: Lookup | None = None,
        dial: Callable[[bytes], bool] = lambda _: False,
        penalise: Callable[[bytes, InosError], None] = lambda _peer, _error: None,
    ) -> None:
        common = Common(
            tasks, hashes, entropy, store,
            me=me, send=send, neighbours=neighbours, wall_ms=wall_ms, penalise=penalise,
        )  # fmt: skip
        self._c = common
        self.book = common.book
        self.placer = Placer(common, lookup, dial)
        self.taker = Taker(common, fetch_block)
        self.leaver = Leaver(common, self.placer.lacks, self.placer.look)
        self.auditor = Auditor(common, auditing)
        self.demand = Demand(common, self.placer)
        self.absentees = Absentees(common, lookup, dial, self.partners, self.on_dead)
        self.placer.on_full = self.leaver.on_full
        self.taker.make_room = self.leaver.make_room
        self.taker.on_taken = self._on_taken
        self.holdings = Holdings(common, self.placer, self.taker, self.leaver, self.auditor, self.demand)
        self.holdings.on_more = self._tell_safe
        self.holdings.on_others = self.absentees.look_soon
        self._records: dict[bytes, HolderRecord] = {}  # as they were at the start
        self._waiting: list[tuple[set[bytes], Future[None]]] = []  # who waits until something is safe
        self._renew_at = 0.0
        self._due = INF
        self._parts = (self.placer, self.taker, self.leaver, self.auditor, self.demand, self.absentees)

    # --- life -------------------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Read what the vault remembers. Own bundles come by ``keep``."""
        c = self._at(now)
        self._renew_at = now + limits.RENEW_INTERVAL_S / 24
        self._records = c.store.holder_records()
        for name in c.store.damaged_guests():
            c.spawn(self._drop_damaged(name), "guest drop")
        for guest in c.store.guests():
            blocks = [(bid, c.store.block_len(bid) or 0) for bid in guest.bids]
            bundle = Bundle(guest.bundle, guest.owner, guest.key, blocks, guest.copies)
            bundle.asker, bundle.until_ms, bundle.temporary = guest.asker, guest.until_ms, guest.copies == 0
            record = self._records.pop(guest.bundle, None)
            bundle.holders = record.peers if record is not None else (guest.owner,)
            self.book.add(bundle)
        self.holdings.released = {name: set(row.peers) for name, row in self._records.items() if row.copies == 0}
        self.absentees.remember(self.book.of_peer)

    async def _drop_damaged(self, name: bytes) -> None:
        try:
            await self._c.store.guest_drop(name)
        except InosError:
            return  # it is found damaged again at the next start

    # --- verbs --------------------------------------------------------------------------------------------------------------

    def keep(self, key: bytes, blocks: Iterable[Block], copies: int = limits.COPIES) -> list[bytes]:
        """These blocks of ours, which are durable here, shall be on so many nodes, this one among them; the bundles' names."""
        c = self._at(max(self._c.now, self._c.tasks.now))
        names: list[bytes] = []
        for part in cut(blocks):
            name = bundle_id(c.hash, (bid for bid, _ in part))
            names.append(name)
            bundle = self.book.bundles.get(name)
            if bundle is None:
                bundle = Bundle(name, c.me, key, part, copies)
                record = self._records.pop(name, None)
                self.holdings.released.pop(name, None)
                if record is not None:
                    bundle.holders = record.peers
                    self.absentees.remember(record.peers)
                self.book.add(bundle)
                if record is None or record.copies != copies:
                    c.note(bundle)
                self.absentees.look_soon()
            elif self.book.is_own(bundle) and bundle.copies != copies:
                bundle.copies = copies
                bundle.renew()
                c.note(bundle)
                c.tell(bundle)
            self.placer.look(bundle)
        return names

    def forget(self, name: bytes) -> None:
        """An own bundle needs no copies any more: its holders let go, those that are away when they come back."""
        c = self._c
        bundle = self.book.bundles.get(name)
        if bundle is None:
            record = self._records.pop(name, None)
            if record is None or record.copies == 0:
                return
            holders: Iterable[bytes] = record.peers
        elif not self.book.is_own(bundle):
            return
        else:
            holders = bundle.holders + tuple(self.placer.asked.get(name, ()))
            self.placer.forget(name)
            self.book.remove(bundle)
            c.emit(bundle, "forgotten")
        away = {peer for peer in holders if peer != c.me}
        for peer in list(away):
            if peer in self.book.up and c.send(peer, wire.Release(name)):
                away.discard(peer)
        if away:
            self.holdings.released[name] = away
        c.note_record(name, HolderRecord(0, tuple(sorted(away))) if away else None)

    def forget_others(self, names: Iterable[bytes]) -> None:
        """Own bundles, also those only remembered, that are none of these: they are of no root any more."""
        wanted = set(names)
        own = [name for name, bundle in self.book.bundles.items() if self.book.is_own(bundle)]
        remembered = [name for name, row in self._records.items() if row.copies and row.peers]
        for name in [name for name in (*own, *remembered) if name not in wanted]:
            self.forget(name)

    def safe(self, names: Iterable[bytes]) -> Future[None]:
        """Done when each of these own bundles has WRITE_QUORUM durable copies (or one, where no more are wanted)."""
        done: Future[None] = Future()
        self._waiting.append(({name for name in names if not self.is_safe(name)}, done))
        self._tell_safe()
        return done

    def is_safe(self, name: bytes) -> bool:
        """Whether a bundle has as many durable copies as it must have to be called safe."""
        bundle = self.book.bundles.get(name)
        return bundle is not None and len(self.book.live(bundle)) >= min(limits.WRITE_QUORUM, bundle.copies)

    def _tell_safe(self) -> None:
        for names, done in self._waiting:
            names.difference_update([name for name in names if self.is_safe(name) or name not in self.book.bundles])
            if not names:
                done.set(None)
        self._waiting = [row for row in self._waiting if not row[1].done]

    def serves(self, peer: bytes, bid: bytes) -> bool:
        """Whether a peer may have this block: a guest's anybody who knows its name, an own one who was asked to keep it."""
        return any(
            not self.book.is_own(bundle) or peer in bundle.holders or peer in self.placer.asked.get(bundle.id, ())
            for bundle in self.book.with_block(bid)
        )

    def on_served(self, peer: bytes, bid: bytes, length: int, now: float) -> None:
        """A block was given away."""
        self._at(now)
        self.demand.on_served(peer, bid, length)

    def allow_bytes(self, quota_bytes: int) -> None:
        """What the browser allows this vault; guests may have a share of it."""
        self._at(self._c.now)
        share = int(quota_bytes * limits.GUEST_DISK_SHARE)
        self.taker.allowed_bytes = min(limits.GUEST_BYTES_MAX, share)
        if self.book.guest_bytes > self.taker.allowed_bytes:
            self.leaver.make_room(self.book.guest_bytes - self.taker.allowed_bytes)

    # --- the mesh says ------------------------------------------------------------------------------------------------------

    def on_up(self, peer: bytes, now: float) -> None:
        """There is a link to it (again)."""
        c = self._at(now)
        was_gone = self.book.gone.pop(peer, None) is not None
        self.book.up.add(peer)
        self.absentees.forget(peer)
        shared = self.book.shared_with(peer)
        c.tell_names(wire.Kept, peer, [bundle.id for bundle in shared if not bundle.temporary])
        if was_gone:
            for bundle in shared:
                self.placer.look(bundle)
                c.emit(bundle, "back")
        self._give_back(peer)
        self.placer.on_up(peer)
        self.auditor.on_up(peer)
        self._release_now(peer)

    def _give_back(self, peer: bytes) -> None:
        """Bundles whose copy here stands in for this peer: it has its own still, or fetches it."""
        for bundle in self.book.bundles.values():
            if bundle.stands_for == peer and bundle.stands_until > self._c.now:
                self.placer.ask(bundle, Neighbour(peer))

    def _release_now(self, peer: bytes) -> None:
        for name in [name for name, away in self.holdings.released.items() if peer in away]:
            self._c.send(peer, wire.Release(name))
            self.holdings.released[name].discard(peer)
            left = tuple(sorted(self.holdings.released[name]))
            if not left:
                del self.holdings.released[name]
            self._c.note_record(name, HolderRecord(0, left) if left else None)

    def on_down(self, peer: bytes, now: float) -> None:
        """The link ended; that need not mean anything."""
        self._at(now)
        self.book.up.discard(peer)
        self.auditor.on_down(peer)
        self.taker.on_peer_gone(peer)
        if peer in self.book.of_peer:
            self.absentees.look_soon()

    def on_dead(self, peer: bytes, cause: str, now: float) -> None:
        """It is dead, or as good as: frozen, leaving."""
        self.on_down(peer, now)
        self.absentees.forget(peer)
        if peer not in self.book.gone and (peer in self.book.of_peer or self.placer.asked):
            self.book.gone[peer] = now
            self.placer.on_dead(peer, cause)
            self.placer.on_time()

    def on_message(self, peer: bytes, message: wire.CustodyMessage, now: float) -> None:
        """A peer says something. Raises ProtocolViolation."""
        c = self._at(now)
        if peer not in self.book.up:
            c.counts["ignored"] += 1  # on its way when the link ended
            return
        bundle = None if isinstance(message, _OF_MANY) else self.book.bundles.get(message.bundle)
        match message:
            case wire.Keep():
                if message.owner == c.me:
                    self._on_own_kept(peer, message)
                else:
                    self.taker.on_keep(peer, message)
            case wire.Taking():
                self.placer.on_taking(peer, message.bundle)
            case wire.Refused():
                self.placer.on_refused(peer, message.bundle, message.reason)
            case wire.Kept():
                self.holdings.on_kept(peer, wire.ids_of(message.bundles))
            case wire.Dropped():
                self.holdings.on_dropped(peer, wire.ids_of(message.bundles))
            case wire.Holders():
                self.holdings.on_holders(peer, bundle, message)
            case wire.Release() | wire.Renew():
                self._on_lease(peer, message)
            case wire.Audit():
                self.auditor.on_audit(peer, message)
            case wire.Slice():
                self.auditor.on_slice(peer, message)
            case wire.Handing():
                self.leaver.on_handing(peer, bundle, message.bundle, message.why)
            case wire.Handed():
                if bundle is not None and peer in bundle.holders:
                    self.leaver.on_handed(bundle, ok=message.ok)
        self.placer.on_time()

    def _on_taken(self, bundle: Bundle) -> None:
        self.leaver.on_guest(bundle)
        self.absentees.look_soon()
        self.placer.on_told(bundle, somebody_is_at_it=True)

    def _on_own_kept(self, peer: bytes, message: wire.Keep) -> None:
        """Somebody asks us to keep what is our own: it is here, or it is not wanted any more."""
        bundle = self.book.bundles.get(message.bundle)
        answer = wire.Kept if bundle is not None else wire.Release
        self._c.send(peer, answer(message.bundle))

    def _on_lease(self, peer: bytes, message: wire.Release | wire.Renew) -> None:
        absent: list[bytes] = []
        for name in wire.ids_of(message.bundles):
            bundle = self.book.bundles.get(name)
            if isinstance(message, wire.Release):
                self.taker.release(peer, name)
                if bundle is not None:
                    self.leaver.on_release(peer, bundle)
            elif bundle is None:
                absent.append(name)
            elif peer in (bundle.owner, bundle.asker, *bundle.holders) and not self.book.is_own(bundle):
                self.taker.renew(bundle, message.lease_s)
        self._c.tell_names(wire.Dropped, peer, absent)

    # --- time ---------------------------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When ``on_time`` is to be called. Asked after every turn of the node, so what it comes to is kept."""
        c = self._c
        if c.stale:
            c.stale = False
            self._due = min(self._renew_at or INF, *(part.next_due() for part in self._parts))
        return self._due

    def on_time(self, now: float) -> None:
        """Time has passed."""
        self._at(now)
        if self._renew_at and now >= self._renew_at:
            self._renew_at = now + limits.RENEW_INTERVAL_S
            self._renew()
        for part in self._parts:
            part.on_time()

    def _at(self, now: float) -> Common:
        self._c.at = now
        self._c.stale = True
        return self._c

    def _renew(self) -> None:
        """Leases of what we care for: once a day."""
        c = self._c
        for peer in list(self.book.of_peer):
            if peer in self.book.up:
                ours = [bundle.id for bundle in self.book.shared_with(peer) if self.auditor.is_ours(bundle)]
                c.tell_names(lambda names: wire.Renew(names, limits.LEASE_S), peer, ours)

    # --- reads --------------------------------------------------------------------------------------------------------------

    def poll_events(self) -> list[ReplicaEvent]:
        """What happened, in order."""
        out = list(self._c.events)
        self._c.events.clear()
        return out

    def partners(self) -> list[bytes]:
        """Peers that most is held together with: links to them are worth keeping, and their death worth knowing soon."""
        shared = self.book.of_peer
        return sorted(shared, key=lambda peer: -len(shared[peer]))[:PARTNERS_MAX]

    def copies_of(self, names: Iterable[bytes]) -> list[tuple[bytes, list[bytes], int]]:
        """Of these own bundles: name, live holders, copies wanted."""
        found = [self.book.bundles[name] for name in names if name in self.book.bundles]
        return [(bundle.id, self.book.live(bundle), bundle.copies) for bundle in found]

    def stats(self) -> dict[str, Any]:
        """Numbers for people."""
        return {
            **self.book.figures(self.placer.lacks),
            **self.placer.figures(),
            "allowed_bytes": self.taker.allowed_bytes,
            "fetching": len(self.taker.pulls),
            **self._c.counts,
        }


_OF_MANY = (wire.Kept, wire.Dropped, wire.Release, wire.Renew, wire.Audit, wire.Slice)
