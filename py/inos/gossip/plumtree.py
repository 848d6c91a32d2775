"""How a rumor spreads: copies over a few eager links, ids over all others, and a graft where a copy is late (PlumTree).

Nouns: a rumor is *checked* while its signature is being verified; a tree is *widened* near the author of a rumor, who pushes to
all neighbours at once.

Invariants: a rumor is relayed once and only after its signature was found good, so that whoever brings a bad one made it or did
not look; checks go from cheap to dear, the signature last. Every link gets the copy or its id (but where its other end has
said that it has it), so that everybody who is connected gets everything. Nothing is unbounded: see "Mesh: gossip" in
``inos.limits``.
Must not know: what rumors say, who wants them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from inos import ed25519_strict, limits
from inos.errors import InosError, ProtocolViolation
from inos.gossip.announcing import HOPS_MAX, announcements
from inos.gossip.budgets import Budget, Budgets
from inos.gossip.missing import HOPS_UNKNOWN, MissingTable
from inos.gossip.rumors import RoomKeys
from inos.gossip.stats import Stats
from inos.gossip.store import Entry, Store
from inos.gossip.trees import UNSETTLED, Tree, Trees
from inos.ports import Entropy, Verify
from inos.tasks import Tasks
from inos.wire.gossip import (
    TOPIC_ID_BYTES,
    DontWant,
    GossipMessage,
    Graft,
    IHave,
    Prune,
    Pull,
    Push,
    Recent,
    Rumor,
    decode_rumor,
    split_ids,
)

NEARER_HOPS = 1  # a lazy link that would be shorter by so many takes the place of the eager one
# How many lazy links get a copy, too, one hop from the author and two; the author's own all do. Some 400 copies of a rumor,
# however many nodes there are, for two hops less: not where there are few. And not twice in so short a time, so that a busy
# topic's tree settles.
WIDER = (12, 1)
WIDE_NODES_MIN = 300
WIDEN_INTERVAL_S = 3.0
FRESH_S = 2.0  # what is said of a rumor older than this says nothing about the tree of now
# Batches of ids: one at once, and never more than GOSSIP_IHAVES_PER_S in any second, or the other end drops them.
BATCHES_BURST = limits.GOSSIP_IHAVES_PER_S // 2
BATCH_INTERVAL_S = 2.0 / limits.GOSSIP_IHAVES_PER_S


class PlumTree:
    """One node's."""

    __slots__ = (
        "_accept",
        "_announce",
        "_blame",
        "_budgets",
        "_checking",
        "_flush_at",
        "_flushed_until",
        "_keys",
        "_neighbours",
        "_nodes",
        "_send",
        "_srtt",
        "_tasks",
        "_wall_ms",
        "missing",
        "stats",
        "store",
        "trees",
    )

    def __init__(
        self,
        tasks: Tasks,
        keys: RoomKeys,
        entropy: Entropy,
        *,
        send: Callable[[bytes, GossipMessage], bool],
        neighbours: Callable[[], Iterable[bytes]],
        srtt: Callable[[bytes], float],
        nodes: Callable[[], int],
        wall_ms: Callable[[], int],
        accept: Callable[[Entry, Rumor], None],
        blame: Callable[[bytes, InosError], None],
    ) -> None:
        self._tasks = tasks
        self._keys = keys
        self._send = send
        self._neighbours = neighbours
        self._srtt = srtt
        self._nodes = nodes
        self._wall_ms = wall_ms
        self._accept = accept
        self._blame = blame
        self.stats = Stats()
        self.store = Store()
        self.trees = Trees(entropy)
        self.missing = MissingTable()
        self._checking: dict[bytes, Entry] = {}
        self._announce: list[bytes] = []
        self._flush_at = math.inf
        self._flushed_until = 0.0
        self._budgets = Budgets(self.stats)

    # --- what comes ---------------------------------------------------------------------------------------------------

    def on_push(self, peer: bytes, message: Push) -> None:
        """A copy. Raises ProtocolViolation."""
        self.stats.copies += 1
        id = self._keys.rumor_id(message.rumor)
        if id in self.store or id in self._checking:
            self._on_duplicate(peer, id, message.hops)
            return
        rumor = decode_rumor(message.rumor)
        now = self._tasks.now
        if not 0 < rumor.expires_ms - self._wall_ms() <= limits.GOSSIP_LIFE_S_MAX * 1_000:
            self.stats.expired += 1
            self.store.see(id, now)  # it stays so
            self.missing.pop(id)
            return
        if not ed25519_strict.precheck(rumor.author, message.signature):
            raise ProtocolViolation("rumor: key or signature outside the strict set")
        tree = self.trees.of(rumor.topic, self._neighbours())
        if not (
            len(self._checking) < limits.GOSSIP_VERIFYING_MAX
            and tree.allow(peer, now)
            and self._budgets.may_verify(peer, now)
        ):
            self._budgets.exceed(peer, self._tasks.now)
            return
        entry = Entry(message.rumor, message.signature, rumor.topic, rumor.expires_ms, message.hops, peer, now)
        missing = self.missing.pop(id)
        if missing is not None and entry.heard is not None:
            entry.heard.update(announcer for _, announcer in missing.announcers)
        self._checking[id] = entry
        if len(message.rumor) >= limits.GOSSIP_LARGE_BYTES and tree.unsettled:
            self._spare(id, entry)
        self._tasks.spawn(self._check(id, entry, rumor), "gossip.check")

    def on_ihave(self, peer: bytes, message: IHave) -> None:
        """Ids over a lazy link. Raises ProtocolViolation."""
        budget = self._budgets.of(peer, self._tasks.now)
        if budget.ihaves >= limits.GOSSIP_IHAVES_PER_S:
            self._budgets.exceed(peer, self._tasks.now)
        else:
            budget.ihaves += 1
            self._on_ids(peer, message, budget)

    def on_dont_want(self, peer: bytes, message: DontWant) -> None:
        """It has these, and needs no copies. Raises ProtocolViolation."""
        self._on_ids(peer, message, self._budgets.of(peer, self._tasks.now))

    def on_graft(self, peer: bytes, message: Graft) -> None:
        """Be eager. Raises ProtocolViolation."""
        if message.topic:
            if len(message.topic) != TOPIC_ID_BYTES:
                raise ProtocolViolation(f"topic of {len(message.topic)} bytes")
            tree = self.trees.get(message.topic)
            if tree is not None:
                tree.graft(peer)
        for id in split_ids(message.ids):
            entry = self.store.get(id) or self._checking.get(id)
            if entry is not None:
                self.trees.of(entry.topic, self._neighbours()).graft(peer)
                self._resend(peer, id)

    def on_pull(self, peer: bytes, message: Pull) -> None:
        """Send these. Raises ProtocolViolation."""
        for id in split_ids(message.ids):
            self._resend(peer, id)

    def on_prune(self, peer: bytes, message: Prune) -> None:
        """Be lazy."""
        tree = self.trees.get(message.topic)
        if tree is not None:
            tree.prune(peer)

    def on_recent(self, peer: bytes, message: Recent) -> None:
        """What it has of late. Raises ProtocolViolation."""
        ids = split_ids(message.ids)
        if self.may_sync(peer, len(ids)):
            self.pull(peer, ids)

    def on_up(self) -> None:
        """There is a link more, which was not told of what is being checked."""
        for entry in self._checking.values():
            entry.announced = False

    def on_down(self, peer: bytes) -> None:
        """The link is gone."""
        self._budgets.forget(peer)
        self.trees.forget(peer)

    # --- what goes ----------------------------------------------------------------------------------------------------

    def spread(self, id: bytes, entry: Entry) -> None:
        """Keep a rumor that is good, push it over the eager links, and say soon to the others that it is here."""
        self.store.keep(id, entry, self._tasks.now)
        tree = self.trees.of(entry.topic, self._neighbours())
        if entry.sender is not None and entry.sender in self._budgets:  # else its link went down meanwhile
            tree.graft(entry.sender)
            tree.unsettled -= tree.unsettled > 0
        self._widen(tree, entry)
        push = Push(min(entry.hops + 1, HOPS_MAX), entry.rumor, entry.signature)
        heard = entry.heard
        assert heard is not None
        if entry.sender is not None:
            heard.add(entry.sender)
        for peer in sorted(tree.eager):  # a set's own order differs from run to run
            if peer not in heard and self.send(peer, push):
                self.stats.sent_copies += 1
                heard.add(peer)
        if entry.announced:
            entry.heard = None
            return
        self._announce.append(id)
        if self._flush_at == math.inf:
            now = self._tasks.now
            self._flush_at = max(
                now + limits.GOSSIP_BATCH_S, self._flushed_until - (BATCHES_BURST - 1) * BATCH_INTERVAL_S
            )

    def send(self, peer: bytes, message: GossipMessage) -> bool:
        """Send and count."""
        if self._send(peer, message):
            self.stats.messages += 1
            return True
        self.stats.unsent += 1
        return False

    def tell_recent(self, peer: bytes, ids: list[bytes]) -> None:
        """Say what came of late."""
        for at in range(0, len(ids), limits.GOSSIP_IHAVE_IDS_MAX):
            self.send(peer, Recent(b"".join(ids[at : at + limits.GOSSIP_IHAVE_IDS_MAX])))

    def pull(self, peer: bytes, ids: Iterable[bytes]) -> None:
        """Ask for what is not here of these, a second's worth each second, without a change to the trees."""
        lacking = [id for id in ids if id not in self.store and id not in self._checking]
        now = self._tasks.now
        for place, id in enumerate(lacking):
            due = now + place // (limits.GOSSIP_RESENDS_PER_S // 2)
            self.missing.announced(id, peer, HOPS_UNKNOWN, due, pull=True)

    def may_sync(self, peer: bytes, count: int = 0) -> bool:
        """Whether this peer may compare, or tell so many recent ids, once more."""
        return self._budgets.may_sync(peer, count, self._tasks.now)

    def next_due(self) -> float:
        """When ``on_time`` is wanted."""
        return min(self._flush_at, self.missing.next_due())

    def on_time(self, now: float) -> None:
        """Say what is due, ask for what is late."""
        if now >= self._flush_at:
            self._flush(now)
        asked: dict[tuple[bytes, bool], list[bytes]] = {}
        while (due := self.missing.take_due(now)) is not None:
            id, peer, pull = due
            self.missing.asked(id, now + max(limits.GOSSIP_GRAFT_TIMEOUT_S / 2, self._srtt(peer)))
            asked.setdefault((peer, pull), []).append(id)
        for (peer, pull), ids in asked.items():
            for at in range(0, len(ids), limits.GOSSIP_ASKED_IDS_MAX):
                part = b"".join(ids[at : at + limits.GOSSIP_ASKED_IDS_MAX])
                self.stats.grafts += 1
                self.send(peer, Pull(part) if pull else Graft(b"", part))

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _check(self, id: bytes, entry: Entry, rumor: Rumor) -> None:
        good: bool | None = None
        try:
            good = await Verify(rumor.author, entry.signature, self._keys.said(entry.rumor))
        finally:
            del self._checking[id]
        if good:
            self.stats.received += 1
            self.stats.hops[entry.hops] = self.stats.hops.get(entry.hops, 0) + 1
            self.spread(id, entry)
            self._accept(entry, rumor)
            return
        self.stats.forged += 1
        assert entry.sender is not None
        for peer in sorted(entry.heard or ()):  # the rumor itself may be a good one, with another signature
            if peer != entry.sender:
                self.missing.announced(id, peer, HOPS_UNKNOWN, self._tasks.now)
        self._blame(entry.sender, ProtocolViolation("rumor: signature does not verify"))

    def _widen(self, tree: Tree, entry: Entry) -> None:
        """Near the author push over more links, so that the tree is entered in many places: that is what makes ways short."""
        if entry.hops > len(WIDER) or self._tasks.now < tree.widened_until:
            return
        if entry.hops and self._nodes() < WIDE_NODES_MIN:
            return
        tree.widened_until = self._tasks.now + WIDEN_INTERVAL_S
        lazy = [
            peer for peer in self._neighbours() if peer not in tree.eager and not (entry.heard and peer in entry.heard)
        ]
        for peer in self.trees.draw(lazy, WIDER[entry.hops - 1]) if entry.hops else lazy:
            tree.graft(peer)

    def _on_duplicate(self, peer: bytes, id: bytes, hops: int) -> None:
        self.stats.duplicates += 1
        entry = self.store.get(id) or self._checking.get(id)
        if entry is None:
            return
        tree = self.trees.of(entry.topic, self._neighbours())
        tree.unsettled = UNSETTLED
        if entry.heard is not None:
            entry.heard.add(peer)
        if peer != entry.sender and not self._take_nearer(peer, entry, hops, tree):
            tree.prune(peer)
            self.stats.prunes += 1
            self.send(peer, Prune(entry.topic))

    def _take_nearer(self, peer: bytes, entry: Entry, hops: int, tree: Tree) -> bool:
        """Let ``peer`` take the place of the rumor's parent, if that saves enough hops; whether it did."""
        parent = entry.sender
        if parent is None or hops + NEARER_HOPS > entry.hops or self._tasks.now - entry.at > FRESH_S:
            return False
        entry.sender, entry.hops = peer, hops
        if peer not in tree.eager:
            tree.graft(peer)
            self.send(peer, Graft(entry.topic, b""))
            self.stats.grafts += 1
        if parent in self._budgets:
            tree.prune(parent)
            self.send(parent, Prune(entry.topic))
            self.stats.prunes += 1
        return True

    def _on_ids(self, peer: bytes, message: IHave | DontWant, budget: Budget) -> None:
        ids = split_ids(message.ids)
        if len(ids) != len(message.hops):
            raise ProtocolViolation("as many hops as ids")
        if budget.ids + len(ids) > limits.GOSSIP_IHAVE_IDS_PER_S:
            self._budgets.exceed(peer, self._tasks.now)
            return
        budget.ids += len(ids)
        due = 0.0
        for id, hops in zip(ids, message.hops, strict=True):
            entry = self.store.get(id) or self._checking.get(id)
            if entry is not None:
                if entry.heard is not None:
                    entry.heard.add(peer)
                tree = self.trees.get(entry.topic)
                if tree is not None and id in self.store:
                    self._take_nearer(peer, entry, hops, tree)
            elif id not in self.store:
                due = due or self._tasks.now + max(limits.GOSSIP_GRAFT_TIMEOUT_S, 2 * self._srtt(peer))
                if not self.missing.announced(id, peer, hops, due):
                    self._budgets.exceed(peer, self._tasks.now)

    def _spare(self, id: bytes, entry: Entry) -> None:
        message = DontWant(id, bytes((min(entry.hops + 1, HOPS_MAX),)))
        for peer in self._neighbours():
            if peer != entry.sender:
                self.send(peer, message)
        entry.announced = True

    def _resend(self, peer: bytes, id: bytes) -> None:
        entry = self.store.get(id)
        if entry is None or entry.expires_ms <= self._wall_ms():
            return
        if entry.resends is None:
            entry.resends = {}
        count = entry.resends.get(peer, 0)
        budget = self._budgets.of(peer, self._tasks.now)
        if count >= limits.GOSSIP_RESENDS_MAX or budget.resends >= limits.GOSSIP_RESENDS_PER_S:
            self._budgets.exceed(peer, self._tasks.now)
            return
        entry.resends[peer] = count + 1
        budget.resends += 1
        if entry.heard is not None:
            entry.heard.add(peer)
        if self.send(peer, Push(min(entry.hops + 1, HOPS_MAX), entry.rumor, entry.signature)):
            self.stats.sent_copies += 1
            self.stats.resends += 1

    def _flush(self, now: float) -> None:
        ids, self._announce = self._announce, []
        self._flush_at = math.inf
        self._flushed_until = max(now, self._flushed_until) + BATCH_INTERVAL_S
        kept = [(id, entry) for id in ids if (entry := self.store.get(id)) is not None]
        for peer, message in announcements(kept, self._neighbours()):
            self.send(peer, message)
        for _, entry in kept:
            entry.heard = None
