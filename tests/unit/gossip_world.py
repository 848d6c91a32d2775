"""A network of gossips in virtual time: links with their delays, cuts and deaths, and signatures that are cheap to check.

Nouns: a *node* is a gossip with what its mesh would give it; a *world* has one seed, one clock and one heap of what happens.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from typing import Any

from inos.gossip.gossip import Delivery, Gossip
from inos.gossip.rumors import RoomKeys
from inos.ports import Sign, Verify
from inos.tasks import Tasks
from inos.wire.gossip import GossipMessage
from inos.wire.messages import decode_control, encode
from inos_host.kernels import make_ports

START_S = 1_000.0
WALL_MS = 1_790_000_000_000
ROOM_ID = bytes(31) + b"\1"
ROOM_SECRET = bytes(31) + b"\2"


class SeededEntropy:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def random(self, length: int) -> bytes:
        return self._rng.randbytes(length)


class Keyring:
    """Signatures of a world: a keyed hash that passes the strict checks, which only this object can make."""

    def __init__(self, hashes: Any) -> None:
        self._hashes = hashes

    def sign(self, public_key: bytes, data: bytes) -> bytes:
        mac = self._hashes.keyed(public_key, data)
        return b"\x05" * 31 + b"\0" + mac[:31] + b"\0"

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        return signature == self.sign(public_key, data)


class Node:
    """One gossip."""

    def __init__(self, world: World, index: int) -> None:
        self.world = world
        self.index = index
        self.public_key = world.rng.randbytes(31) + b"\1"
        self.id = world.hashes.hash(self.public_key)
        self.tasks = Tasks()
        self.tasks.now = world.now
        self.links: dict[bytes, Node] = {}
        self.alive = True
        self.heard: list[Delivery] = []
        self.blamed: list[tuple[bytes, str]] = []
        self.sent = 0
        self.timer_at: float | None = None
        self.drift_ms = 0
        self.check_s = 0.0  # what a signature takes
        self.gossip = Gossip(
            self.tasks,
            world.hashes,
            SeededEntropy(world.rng),
            keys=world.keys,
            identity=self,
            send=self.send,
            neighbours=lambda: self.links,
            srtt=lambda peer: 2 * world.delay(self, self.links[peer]) if peer in self.links else 0.1,
            nodes=lambda: len(world.nodes),
            wall_ms=lambda: WALL_MS + self.drift_ms + int((world.now - START_S) * 1_000),
            sealer=None,
            blame=lambda peer, error: self.blamed.append((peer, error.code)),
        )

    def send(self, peer: bytes, message: GossipMessage) -> bool:
        other = self.links.get(peer)
        if other is None:
            return False
        self.sent += 1
        self.world.carry(self, other, message)
        return True

    def settle(self) -> None:
        """Let everything run that can, and set the clock for the rest."""
        while effects := self.tasks.poll_effects():
            for id, effect in effects:
                if self.check_s and isinstance(effect, Verify):
                    self.world.at(self.world.now + self.check_s, self._answer, id, effect)
                else:
                    self.tasks.on_done(id, self.world.perform(self, effect), self.world.now)
        due = self.gossip.next_due()
        if due < float("inf") and (self.timer_at is None or due < self.timer_at):
            self.timer_at = due
            self.world.at(due, self._on_timer, due)

    def _answer(self, id: int, effect: Any) -> None:
        self.tasks.on_done(id, self.world.perform(self, effect), self.world.now)
        self.settle()

    def _on_timer(self, due: float) -> None:
        if self.timer_at == due:
            self.timer_at = None
        if self.alive:
            self.tasks.now = self.world.now
            if self.gossip.next_due() <= self.world.now:
                self.gossip.on_time(self.world.now)
            self.settle()


class World:
    """Nodes, and what happens between them."""

    def __init__(
        self, count: int, seed: int, *, delay: Callable[[Node, Node], float] | None = None, wire: bool = False
    ):
        self.rng = random.Random(seed)
        ports, _ = make_ports(1 << 16)
        self.hashes = ports.hashes
        self.keyring = Keyring(self.hashes)
        self.keys = RoomKeys(self.hashes, ROOM_ID, ROOM_SECRET)
        self.now = START_S
        self.wire = wire
        self._delay = delay
        self._seed = seed
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = 0
        self.cut: Callable[[Node, Node], bool] = lambda one, other: False
        self.nodes = [Node(self, index) for index in range(count)]

    # --- shape --------------------------------------------------------------------------------------------------------

    def link(self, one: Node, other: Node) -> None:
        """A link comes up."""
        if one is other or other.id in one.links:
            return
        one.links[other.id] = other
        other.links[one.id] = one
        one.gossip.on_up(other.id)
        other.gossip.on_up(one.id)
        one.settle()
        other.settle()

    def unlink(self, one: Node, other: Node) -> None:
        """A link goes down."""
        if one.links.pop(other.id, None) is not None:
            other.links.pop(one.id)
            one.gossip.on_down(other.id)
            other.gossip.on_down(one.id)

    def link_at_random(self, degree: int) -> None:
        """A ring, so that all are connected, and random links up to ``degree`` on average."""
        count = len(self.nodes)
        for index in range(count):
            self.link(self.nodes[index], self.nodes[(index + 1) % count])
        for _ in range(count * (degree - 2) // 2):
            self.link(self.rng.choice(self.nodes), self.rng.choice(self.nodes))

    def delay(self, one: Node, other: Node) -> float:
        """One way, in seconds; the same for a pair at all times."""
        if self._delay is not None:
            return self._delay(one, other)
        low, high = sorted((one.index, other.index))
        return 0.01 + 0.04 * ((low * 7_919 + high * 104_729 + self._seed) % 1_000) / 1_000

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, time: float, action: Callable[..., None], *arguments: Any) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (time, self._serial, action, arguments))

    def carry(self, sender: Node, receiver: Node, message: GossipMessage) -> None:
        if self.cut(sender, receiver):
            return
        carried: Any = encode(message) if self.wire else message
        self.at(self.now + self.delay(sender, receiver), self._arrive, sender, receiver, carried)

    def _arrive(self, sender: Node, receiver: Node, carried: Any) -> None:
        if receiver.alive and sender.id in receiver.links:
            receiver.tasks.now = self.now
            receiver.gossip.on_message(sender.id, decode_control(carried) if self.wire else carried)
            receiver.settle()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._heap and self._heap[0][0] <= until:
            time, _, action, arguments = heapq.heappop(self._heap)
            self.now = max(self.now, time)
            action(*arguments)
        self.now = until

    def perform(self, node: Node, effect: Any) -> Any:
        if isinstance(effect, Sign):
            return self.keyring.sign(node.public_key, effect.data)
        assert isinstance(effect, Verify)
        return self.keyring.verify(effect.public_key, effect.signature, effect.data)

    # --- what tests do ------------------------------------------------------------------------------------------------

    def subscribe(self, topic: str, nodes: Iterable[Node] | None = None) -> None:
        for node in nodes or self.nodes:
            node.gossip.subscribe(topic, node.heard.append)

    def publish(self, node: Node, topic: str, data: bytes, **options: Any) -> None:
        node.tasks.now = self.now
        task = node.gossip.publish(topic, data, **options)
        node.settle()
        assert task.done
        task.result()

    def kill(self, nodes: Iterable[Node]) -> None:
        """They are gone, and nobody has noticed."""
        for node in nodes:
            node.alive = False

    def live(self) -> list[Node]:
        return [node for node in self.nodes if node.alive]

    def total(self, counter: str) -> int:
        return sum(getattr(node.gossip.stats, counter) for node in self.live())
