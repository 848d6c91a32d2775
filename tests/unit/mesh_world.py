"""A few dozen ``Mesh`` objects in virtual time, with a carrier that does what it is told. ``inos_sim`` has the real thing.

Keys are modelled: a signature is a keyed hash that only the world can make; it passes the strict checks.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

import blake3

from inos.errors import InosError, ProtocolViolation
from inos.membership.carrier import Heard
from inos.membership.contact import Known
from inos.mesh.mesh import Mesh
from inos.ports import Sign, Verify
from inos.tasks import Future, Tasks
from inos.wire.membership import Contact
from inos.wire.messages import Mesh as MeshMessage
from inos.wire.messages import decode_control, encode

ROOM = bytes(range(32))
WALL_OFFSET_MS = 1_790_000_000_000


class Hashes:
    def hash(self, data: bytes) -> bytes:
        return blake3.blake3(data).digest()

    def keyed(self, key: bytes, data: bytes) -> bytes:
        return blake3.blake3(data, key=key).digest()

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        return blake3.blake3(material, derive_key_context=context).digest(length=length)


class SeededEntropy:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def random(self, length: int) -> bytes:
        return self._rng.randbytes(length)


class Identity:
    def __init__(self, public_key: bytes, session: bytes) -> None:
        self.public_key = public_key
        self.session = session


def forge(secret: bytes, data: bytes) -> bytes:
    half = blake3.blake3(data, key=secret).digest()
    return half + half[:31] + b"\0"


class Node:
    """One node with its adapter; a ``Carrier`` too."""

    def __init__(self, world: World, name: int, flags: int = 0) -> None:
        self.world = world
        self.name = name
        self.secret = world.rng.randbytes(32)
        self.public_key = blake3.blake3(self.secret).digest()
        world.secrets[self.public_key] = self.secret
        self.tasks = Tasks()
        self.tasks.now = world.now
        self.alive = True
        self.mute = False  # takes everything, says nothing (frozen)
        peer_id = world.hashes.hash(self.public_key)
        session = peer_id[:8] + world.rng.randbytes(8)
        entropy = SeededEntropy(random.Random(world.rng.random()))
        self.mesh = Mesh(
            self.tasks,
            world.hashes,  # type: ignore[arg-type]
            entropy,
            self,
            room_id=ROOM,
            wall_ms=lambda: int(world.now * 1000) + WALL_OFFSET_MS,
            identity=Identity(self.public_key, session),
            box_key=bytes(32),
            flags=flags,
        )
        self.links: dict[bytes, float] = {}  # since
        self.paces: dict[bytes, int] = {}
        self.sent = 0
        self.errors: list[Exception] = []
        self.tasks.on_crash = lambda _task, error: self.errors.append(error)  # type: ignore[arg-type,return-value]
        self.mesh.on_signal(self._on_signal)
        self.hung_up: list[tuple[bytes, str]] = []
        self._wake_at = float("inf")

    @property
    def peer_id(self) -> bytes:
        return self.mesh.peer_id

    # --- carrier ------------------------------------------------------------------------------------------------------

    def send(self, peer_id: bytes, message: MeshMessage) -> bool:
        if peer_id not in self.links:
            return False
        self.sent += 1
        self.world.deliver(self, peer_id, message)
        return True

    def dial(self, contact: Contact) -> None:
        peer_id = self.world.hashes.hash(contact.public_key)
        if not self.links:  # as by the rendezvous
            self.world.later(0.2, self._connect, peer_id)
            return
        signal = self.mesh.signal(peer_id, b"token" + self.world.rng.randbytes(8))
        signal.on_done(lambda: self._signalled(signal, peer_id))

    def _signalled(self, signal: Future[bytes], peer_id: bytes) -> None:
        try:
            signal.result()
        except InosError:
            rendezvous = self.world.rendezvous
            self.world.later(0.2, self._connect if rendezvous else self._dial_failed, peer_id)
            return
        self.world.later(0.1, self._connect, peer_id)

    def _dial_failed(self, peer_id: bytes) -> None:
        self.mesh.on_dial_failed(peer_id, self.world.now)

    def _connect(self, peer_id: bytes) -> None:
        if not self.world.connect(self, peer_id):
            self.mesh.on_dial_failed(peer_id, self.world.now)

    def hang_up(self, peer_id: bytes, cause: str) -> None:
        self.hung_up.append((peer_id, cause))
        self.world.later(0.0, self.world.cut, self.peer_id, peer_id, cause)

    def heard(self, peer_id: bytes) -> Heard | None:
        if peer_id not in self.links:
            return None
        return self.world.heard(self, peer_id)

    def pace(self, peer_id: bytes, interval_ms: int) -> None:
        self.paces[peer_id] = interval_ms

    async def _on_signal(self, sender: Known, payload: bytes) -> bytes | None:
        return b"re:" + payload

    # --- adapter ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """What is due, effects, and when to be woken."""
        if not self.alive:
            return
        now = self.world.now
        self.tasks.now = max(self.tasks.now, now)
        self.mesh.on_time(now)
        self.tasks.on_deadline(now)
        while True:
            effects = self.tasks.poll_effects()
            if not effects:
                break
            for effect_id, effect in effects:
                self.tasks.on_done(effect_id, self._perform(effect), now)
        due = min(self.mesh.next_due(), self.tasks.next_deadline() or float("inf"))
        if due < float("inf") and due != self._wake_at:
            self._wake_at = due
            self.world.at(max(due, now), self.run)

    def _perform(self, effect: Any) -> object:
        self.world.effects += 1
        match effect:
            case Sign(data):
                return forge(self.secret, data)
            case Verify(public_key, signature, data):
                secret = self.world.secrets.get(public_key)
                return secret is not None and signature == forge(secret, data)
        raise AssertionError(effect)

    def receive(self, sender: bytes, message: MeshMessage) -> None:
        if not self.alive or sender not in self.links or self.mute:
            return
        self.tasks.now = max(self.tasks.now, self.world.now)
        try:
            self.mesh.on_message(sender, message, self.world.now)
        except ProtocolViolation as error:
            self.errors.append(error)
        self.run()


class World:
    def __init__(self, seed: int, *, wire: bool = False) -> None:
        self.rng = random.Random(seed)
        self.hashes = Hashes()
        self.now = 1_000.0
        self.secrets: dict[bytes, bytes] = {}
        self.nodes: dict[bytes, Node] = {}
        self.effects = 0
        self.wire = wire
        self.blocked: dict[frozenset[bytes], float] = {}  # pairs whose path is cut, and since when
        self.rendezvous = False  # whether dials go through a server where the mesh has no way
        self.gone: dict[bytes, float] = {}  # when a node was killed, or fell silent
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = 0

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, when: float, call: Callable[..., None], *args: Any) -> None:
        self._serial += 1
        heapq.heappush(self._events, (when, self._serial, call, args))

    def later(self, seconds: float, call: Callable[..., None], *args: Any) -> None:
        self.at(self.now + seconds, call, *args)

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        end = self.now + seconds
        for node in list(self.nodes.values()):
            node.run()
        while self._events and self._events[0][0] <= end:
            if until is not None and until():
                return True
            when, _, call, args = heapq.heappop(self._events)
            self.now = max(self.now, when)
            call(*args)
            node = getattr(call, "__self__", None)
            if isinstance(node, Node) and call.__name__ != "run":
                node.run()
        if until is not None and until():
            return True
        self.now = end
        return until is None

    # --- nodes and links ----------------------------------------------------------------------------------------------

    def add(self, flags: int = 0, kind: type[Node] = Node) -> Node:
        node = kind(self, len(self.nodes), flags)
        self.nodes[node.peer_id] = node
        node.tasks.spawn(node.mesh.start(), "start")
        node.run()
        return node

    def kill(self, node: Node) -> None:
        node.alive = False
        self.gone.setdefault(node.peer_id, self.now)
        del self.nodes[node.peer_id]

    def mute(self, node: Node) -> None:
        """It takes everything and says nothing (a stuck browser)."""
        node.mute = True
        self.gone[node.peer_id] = self.now

    def latency(self, one: bytes, other: bytes) -> float:
        return 0.01 + (one[0] ^ other[0]) / 255 * 0.04

    def connect(self, node: Node, peer_id: bytes) -> bool:
        other = self.nodes.get(peer_id)
        if other is None or not node.alive or frozenset((node.peer_id, peer_id)) in self.blocked:
            return False
        if peer_id not in node.links:
            node.links[peer_id] = other.links[node.peer_id] = self.now
            for end, far in ((node, other), (other, node)):
                end.tasks.now = max(end.tasks.now, self.now)
                end.mesh.on_link_up(far.peer_id, self.now)
                end.run()
        return True

    def cut(self, one: bytes, other: bytes, cause: str = "closed") -> None:
        for end, far in ((one, other), (other, one)):
            node = self.nodes.get(end)
            if node is not None and node.links.pop(far, None) is not None:
                node.mesh.on_link_down(far, cause if end == one else "closed", self.now)
                node.run()

    def deliver(self, node: Node, peer_id: bytes, message: MeshMessage) -> None:
        other = self.nodes.get(peer_id)
        if other is None or frozenset((node.peer_id, peer_id)) in self.blocked or not node.alive or node.mute:
            return
        if self.wire:
            message = decode_control(encode(message))  # type: ignore[assignment]
        self.later(self.latency(node.peer_id, peer_id), other.receive, node.peer_id, message)

    def heard(self, node: Node, peer_id: bytes) -> Heard:
        since = node.links[peer_id]
        ends = [self.gone.get(peer_id), self.blocked.get(frozenset((node.peer_id, peer_id)))]
        until = min([self.now, *(end for end in ends if end is not None)])
        last = until - (until - since) % (node.paces.get(peer_id, 1_000) / 1_000)
        return Heard(max(since, last), 2 * self.latency(node.peer_id, peer_id), 0.0)

    def grow(self, count: int, *, apart_s: float = 0.5, settle_s: float = 30.0) -> list[Node]:
        """So many nodes, each with one contact of an earlier one."""
        for _ in range(count):
            known = list(self.nodes.values())
            node = self.add()
            if known:
                contact = self.rng.choice(known).mesh.contact
                assert contact is not None
                node.mesh.adopt(contact.signed)
            self.run(apart_s)
        self.run(settle_s)
        return list(self.nodes.values())

    def closest(self, key: bytes, count: int = 1) -> list[bytes]:
        number = int.from_bytes(key, "big")
        return sorted(self.nodes, key=lambda peer: int.from_bytes(peer, "big") ^ number)[:count]
