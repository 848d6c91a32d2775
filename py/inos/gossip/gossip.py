"""Publish and subscribe, and the comparison with a neighbour that finds what spreading has missed.

Nouns: a *delivery* is a rumor opened for a subscriber; to *sync* is to compare recent ids with one neighbour.

Invariants: a subscriber is told of a rumor once, by whatever ways it comes, and not of this node's own. Bodies are opened only
where somebody subscribed to their topic; what waits for that is bounded, the oldest goes first. Every GOSSIP_SYNC_INTERVAL_S
there is a sync, and a new neighbour is told the recent ids.
Must not know: how links are made; whether peers live.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from inos import limits
from inos.errors import BadArgument, Busy, CorruptError, InosError, LimitError, LimitExceeded, NotReady
from inos.gossip.plumtree import PlumTree
from inos.gossip.rumors import RoomKeys
from inos.gossip.sealing import Sealer
from inos.gossip.stats import Stats
from inos.gossip.store import Entry
from inos.gossip.sync import compare, opening
from inos.ports import Entropy, Hashes, Sign
from inos.tasks import Task, Tasks
from inos.wire.fields import NONCE_BYTES
from inos.wire.gossip import (
    DontWant,
    GossipMessage,
    Graft,
    IHave,
    Prune,
    Pull,
    Push,
    Recent,
    Rumor,
    Sync,
    encode_rumor,
)

OURSELVES = b""  # among the peers of a tree: who publishes here
CATCH_UP_PEERS = 2


class Identity(Protocol):
    """Who we are."""

    @property
    def public_key(self) -> bytes:
        """Empty until it is known."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a subscriber gets. ``author`` is a public key; ``hops`` is what relays say."""

    topic: str
    author: bytes
    data: bytes
    hops: int


Subscriber = Callable[[Delivery], None]


class _Topic:
    """One that somebody here subscribed to."""

    __slots__ = ("name", "secret", "subscribers")

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self.secret = secret
        self.subscribers: list[Subscriber] = []


class Gossip:
    """One node's gossip in one room. Without a ``sealer`` relays can read, which is for simulations."""

    __slots__ = (
        "_entropy",
        "_hashes",
        "_identity",
        "_inbox",
        "_keys",
        "_neighbours",
        "_opening",
        "_publishing",
        "_sealer",
        "_sync_at",
        "_tasks",
        "_topics",
        "_wall_ms",
        "idle",
        "on_rumor",
        "tree",
    )

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        entropy: Entropy,
        *,
        keys: RoomKeys,
        identity: Identity,
        send: Callable[[bytes, GossipMessage], bool],
        neighbours: Callable[[], Iterable[bytes]],
        srtt: Callable[[bytes], float],
        nodes: Callable[[], int],
        wall_ms: Callable[[], int],
        sealer: Sealer | None,
        blame: Callable[[bytes, InosError], None],
    ) -> None:
        self._tasks = tasks
        self._hashes = hashes
        self._entropy = entropy
        self._keys = keys
        self._identity = identity
        self._neighbours = neighbours
        self._wall_ms = wall_ms
        self._sealer = sealer
        self.idle = False  # no syncs by the clock: for simulations of more nodes than clocks
        self.on_rumor: Callable[[Entry], None] | None = None  # for the page: one came
        self.tree = PlumTree(
            tasks,
            keys,
            entropy,
            send=send,
            neighbours=neighbours,
            srtt=srtt,
            nodes=nodes,
            wall_ms=wall_ms,
            accept=self._accept,
            blame=blame,
        )
        self._topics: dict[bytes, _Topic] = {}
        self._publishing = 0
        self._inbox: deque[tuple[_Topic, Entry, Rumor]] | None = None
        self._opening = False
        self._sync_at = math.inf

    # --- verbs --------------------------------------------------------------------------------------------------------

    def publish(self, topic: str, data: bytes, life_s: float = limits.GOSSIP_LIFE_S) -> Task[bytes]:
        """Tell everybody; the task gives the rumor's id once it is on its way.

        Raises NotReady, BadArgument for the topic's name or the life, LimitExceeded for too much data, Busy.
        """
        if not self._identity.public_key:
            raise NotReady("the device key is not known yet")
        if not 0 < life_s <= limits.GOSSIP_LIFE_S:
            raise BadArgument(f"a rumor lives up to {limits.GOSSIP_LIFE_S} s")
        if len(data) > limits.GOSSIP_DATA_BYTES_MAX:
            raise LimitExceeded(
                f"{len(data)} bytes to publish, of {limits.GOSSIP_DATA_BYTES_MAX} at most: store them, and publish their link"
            )
        id = self._keys.topic_id(topic)
        tree = self.tree.trees.of(id, self._neighbours())
        if self._publishing >= limits.GOSSIP_PUBLISHING_MAX or not tree.allow(OURSELVES, self._tasks.now):
            raise Busy("too many rumors at once")
        self._publishing += 1
        return self._tasks.spawn(self._publish(topic, id, data, life_s), "gossip.publish")

    def subscribe(self, topic: str, subscriber: Subscriber) -> Callable[[], None]:
        """Be told what others publish; call what is returned to end it. Raises BadArgument for the topic's name."""
        id = self._keys.topic_id(topic)
        entry = self._topics.get(id)
        if entry is None:
            entry = self._topics[id] = _Topic(topic, self._keys.topic_secret(topic))
        entry.subscribers.append(subscriber)
        return lambda: self._unsubscribe(id, subscriber)

    def catch_up(self) -> None:
        """We may have missed something (a page that was frozen): compare with neighbours now."""
        for _ in range(CATCH_UP_PEERS):
            self._sync()

    @property
    def stats(self) -> Stats:
        """Numbers."""
        return self.tree.stats

    # --- inputs -------------------------------------------------------------------------------------------------------

    def on_up(self, peer: bytes) -> None:
        """A new neighbour: tell it what is recent."""
        if self._sync_at == math.inf:
            self._sync_at = self._tasks.now + limits.GOSSIP_SYNC_INTERVAL_S * (0.25 + self._chance(1 << 16) / (1 << 16))
        self.tree.on_up()
        if len(self.tree.store):
            self.tree.tell_recent(peer, self._recent())

    def on_down(self, peer: bytes) -> None:
        """A neighbour is gone."""
        self.tree.on_down(peer)

    def on_message(self, peer: bytes, message: GossipMessage) -> None:
        """Of a neighbour. Raises ProtocolViolation."""
        HANDLERS[type(message)](self, peer, message)

    def next_due(self) -> float:
        """When ``on_time`` is wanted; inf: not at all."""
        due = self.tree.next_due()
        return due if self.idle or due < self._sync_at else self._sync_at

    def on_time(self, now: float) -> None:
        """Time has passed."""
        self.tree.on_time(now)
        if now >= self._sync_at and not self.idle:
            # between 0.75 and 1.25 intervals, so that nodes that started together do not stay together
            self._sync_at = now + limits.GOSSIP_SYNC_INTERVAL_S * (0.75 + self._chance(1 << 16) / (1 << 17))
            self.tree.store.sweep(now)
            self._sync()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _publish(self, topic: str, id: bytes, data: bytes, life_s: float) -> bytes:
        try:
            body = data
            if self._sealer is not None:
                body = await self._sealer.seal(self._keys.topic_secret(topic), data)
            expires_ms = self._wall_ms() + int(life_s * 1_000)
            nonce = self._entropy.random(NONCE_BYTES)
            rumor = encode_rumor(Rumor(id, self._identity.public_key, nonce, expires_ms, body))
            signature = await Sign(self._keys.said(rumor))
        finally:
            self._publishing -= 1
        rumor_id = self._keys.rumor_id(rumor)
        self.stats.published += 1
        self.tree.spread(rumor_id, Entry(rumor, signature, id, expires_ms, 0, None, self._tasks.now))
        return rumor_id

    def _unsubscribe(self, id: bytes, subscriber: Subscriber) -> None:
        topic = self._topics.get(id)
        if topic is not None and subscriber in topic.subscribers:
            topic.subscribers.remove(subscriber)
            if not topic.subscribers:
                del self._topics[id]

    def _accept(self, entry: Entry, rumor: Rumor) -> None:
        if self.on_rumor is not None:
            self.on_rumor(entry)
        topic = self._topics.get(rumor.topic)
        if topic is None:
            return
        if self._sealer is None:
            self._deliver(topic, entry, rumor, rumor.body)
            return
        if self._inbox is None:
            self._inbox = deque()
        if len(self._inbox) >= limits.GOSSIP_OPENING_MAX:
            self._inbox.popleft()
            self.stats.unread += 1
        self._inbox.append((topic, entry, rumor))
        if not self._opening:
            self._opening = True
            self._tasks.spawn(self._open(self._sealer), "gossip.open")

    async def _open(self, sealer: Sealer) -> None:
        try:
            while self._inbox:
                topic, entry, rumor = self._inbox.popleft()
                try:
                    data = await sealer.open(topic.secret, rumor.body)
                except (CorruptError, LimitError):
                    self.stats.unread += 1  # its author's doing, or a busy kernel's
                else:
                    self._deliver(topic, entry, rumor, data)
        finally:
            self._opening = False

    def _deliver(self, topic: _Topic, entry: Entry, rumor: Rumor, data: bytes) -> None:
        self.stats.delivered += 1
        delivery = Delivery(topic.name, rumor.author, data, entry.hops)
        for subscriber in tuple(topic.subscribers):
            subscriber(delivery)

    def _sync(self) -> None:
        peers = list(self._neighbours())
        if peers:
            self.stats.syncs += 1
            self.tree.send(peers[self._chance(len(peers))], Sync(opening(self._hashes, self._recent())))

    def _on_sync(self, peer: bytes, message: Sync) -> None:
        if not self.tree.may_sync(peer):
            return
        found = compare(self._hashes, self._recent(), message.ranges)
        self.tree.pull(peer, found.lacking)
        self.tree.tell_recent(peer, found.extra)
        if found.answer:
            self.tree.send(peer, Sync(found.answer))

    def _recent(self) -> list[bytes]:
        return self.tree.store.ids(self._wall_ms(), limits.GOSSIP_SYNCED_MAX)

    def _chance(self, below: int) -> int:
        return int.from_bytes(self._entropy.random(8), "little") % below


HANDLERS: dict[type, Callable[[Gossip, bytes, Any], None]] = {
    Push: lambda gossip, peer, message: gossip.tree.on_push(peer, message),
    IHave: lambda gossip, peer, message: gossip.tree.on_ihave(peer, message),
    Graft: lambda gossip, peer, message: gossip.tree.on_graft(peer, message),
    Prune: lambda gossip, peer, message: gossip.tree.on_prune(peer, message),
    DontWant: lambda gossip, peer, message: gossip.tree.on_dont_want(peer, message),
    Recent: lambda gossip, peer, message: gossip.tree.on_recent(peer, message),
    Pull: lambda gossip, peer, message: gossip.tree.on_pull(peer, message),
    Sync: lambda gossip, peer, message: gossip._on_sync(peer, message),
}
