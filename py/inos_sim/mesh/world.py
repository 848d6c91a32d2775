"""A world: nodes, the network between them, one clock, and what can be done to them.

Invariants: the same seed and the same calls give the same run, event for event. All chance comes from generators that the seed
names; the nodes' entropy is one of them, drawn from in the order of events. Must not know: what is measured.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from inos.errors import ProtocolViolation
from inos.mesh.events import MeshEvent
from inos.mesh.mesh import Mesh
from inos.tasks import Task
from inos.wire.messages import Mesh as Message
from inos.wire.messages import decode_control, encode
from inos_host.arena import HostArena
from inos_host.kernels import HostHashes
from inos_sim.kernels import SeededEntropy
from inos_sim.mesh.clock import Clock
from inos_sim.mesh.keys import REAL_KEYS_MAX, Notary
from inos_sim.mesh.network import FAIR, LinkEnd, Network, Weather
from inos_sim.mesh.node import Node
from inos_sim.mesh.oracle import Oracle
from inos_sim.mesh.report import Report

VIOLATIONS_SHOWN_MAX = 5
WALL_BEGAN_MS = 1_790_000_000_000
Maker = Callable[["World", Node], Mesh]


@dataclass(frozen=True)
class Setting:
    """What a world is like. ``wire``: messages are encoded and decoded for real. ``real_keys``: None as the size allows."""

    nodes: int
    seed: int
    weather: Weather = FAIR
    wire: bool = False
    real_keys: bool | None = None
    unreachable: float = 0.0  # of all pairs: no connection comes about


class World:
    """Everything. ``make`` gives a node its mesh."""

    def __init__(self, setting: Setting, make: Maker) -> None:
        self.setting = setting
        self.wire = setting.wire
        self.clock = Clock()
        self.rng = random.Random(f"{setting.seed}|world")
        self.entropy = SeededEntropy(self.rng.getrandbits(64))
        self.hashes = HostHashes(HostArena(1 << 16))
        real = setting.nodes <= REAL_KEYS_MAX if setting.real_keys is None else setting.real_keys
        self.notary = Notary(setting.seed, real=real)
        self.network = Network(self.clock, setting.seed, setting.weather)
        self.room_id = self.hashes.hash(b"the room")
        self.nodes: list[Node] = []
        self.by_id: dict[bytes, Node] = {}
        self.oracle = Oracle()
        self.violations: Counter[str] = Counter()
        self.crashes: list[BaseException] = []
        self.on_event: Callable[[Node, MeshEvent], None] | None = None  # of every mesh, if anybody looks
        self.server_heals = False  # whether the rendezvous carries what the mesh cannot, not first contacts only
        self.bug: Callable[[Node], None] | None = None  # what every node is broken by
        self._make = make
        self._peer_ids: dict[bytes, bytes] = {}  # by public key
        self._cut_pairs: set[frozenset[int]] = set()

    # --- nodes ------------------------------------------------------------------------------------------------------------

    def add(self) -> Node:
        """A new node, alive, without links; its mesh is not started."""
        public_key = self.notary.enrol()
        peer_id = self.hashes.hash(public_key)
        node = Node(self, len(self.nodes), public_key, peer_id)
        self._peer_ids[public_key] = peer_id
        self.nodes.append(node)
        self.by_id[peer_id] = node
        self.oracle.add(peer_id)
        node.mesh = self._make(self, node)
        if self.bug is not None:
            self.bug(node)
        return node

    def alive(self) -> list[Node]:
        """Those that live, in the order of their coming."""
        return [node for node in self.nodes if node.alive]

    def peer_id_of(self, public_key: bytes) -> bytes:
        """Of a contact's key."""
        known = self._peer_ids.get(public_key)
        return self.hashes.hash(public_key) if known is None else known

    def wall_ms(self) -> int:
        """Everybody's clock."""
        return WALL_BEGAN_MS + int(self.clock.now * 1_000)

    # --- what befalls them --------------------------------------------------------------------------------------------------

    def kill(self, node: Node) -> None:
        """It is gone without a word."""
        node.alive = False
        self.oracle.remove(node.peer_id)
        self._look(node)

    def leave(self, node: Node) -> None:
        """It says goodbye and closes."""
        node.tasks.now = self.clock.now
        node.mesh.leave(self.clock.now)
        node.pump()
        for peer_id in list(node.carrier.links):
            node.carrier.hang_up(peer_id, "leaving")
        node.alive = False
        self.oracle.remove(node.peer_id)

    def freeze(self, node: Node) -> None:
        """Its machine sleeps: nothing comes from it until it is thawed."""
        node.frozen = True
        self._look(node)

    def thaw(self, node: Node) -> None:
        """It goes on."""
        node.frozen = False
        self._look(node)
        for end in node.carrier.links.values():
            if not end.is_open:
                node.carrier.watch(end)  # its peer has given up meanwhile
        node.pump()

    def split(self, far: Iterable[Node]) -> None:
        """Cut these nodes off from all others."""
        for node in far:
            node.side = 1
        self._look_all()

    def mend(self) -> None:
        """Every cut is healed."""
        self._cut_pairs.clear()
        for node in self.nodes:
            node.side = 0
        self._look_all()

    def cut(self, one: Node, other: Node) -> None:
        """No byte passes between these two any more."""
        self._cut_pairs.add(frozenset((one.number, other.number)))
        self.network.cuts = self._is_cut
        end = one.carrier.links.get(other.peer_id)
        if end is not None:
            self._look_at(end)

    # --- for nodes and carriers -----------------------------------------------------------------------------------------------

    def send(self, end: LinkEnd, message: Message) -> bool:
        """On its way; a liar's world may change it first."""
        if end.node.liar is not None and not end.node.liar.says(end, message):
            return True
        return self.network.send(end, message)

    def can_connect(self, one: Node, other: Node) -> bool:
        """Whether these two could have a link."""
        if self.setting.unreachable:
            pair = random.Random(f"{self.setting.seed}|{min(one.number, other.number)}|{max(one.number, other.number)}")
            if pair.random() < self.setting.unreachable:
                return False
        return self.network.is_open(one, other)

    def through_wire(self, message: Message) -> Message:
        """What arrives of it when it is bytes between. Raises ProtocolViolation."""
        arrived = decode_control(encode(message))
        assert arrived == message
        return arrived  # one of the mesh's, since one was sent

    def on_violation(self, _node: Node, peer: Node, message: Message, error: ProtocolViolation) -> None:
        """A node refused what a peer said."""
        self.violations[f"{type(message).__name__} of node {peer.number}: {error}"] += 1

    def on_crash(self, task: Task[Any], error: BaseException) -> None:
        """A task failed that nobody awaits."""
        self.crashes.append(error)
        self.violations[f"task {task.name}: {error!r}"] += 1

    def judge(self, report: Report) -> None:
        """What no scenario may show: honest nodes that refuse each other's messages, tasks that fail unheard."""
        report.details["violations"] = sum(self.violations.values())
        for what, times in self.violations.most_common(VIOLATIONS_SHOWN_MAX):
            report.failures.append(f"{what} ({times} times)")

    # --- inside -----------------------------------------------------------------------------------------------------------------

    def _is_cut(self, one: Node, other: Node) -> bool:
        if one.side != other.side:
            return True
        return bool(self._cut_pairs) and frozenset((one.number, other.number)) in self._cut_pairs

    def _look(self, node: Node) -> None:
        for end in list(node.carrier.links.values()):
            self._look_at(end)

    def _look_at(self, end: LinkEnd) -> None:
        was_open = end.is_open
        self.network.look(end)
        if was_open and not end.is_open:
            for side in (end, end.back):
                if side.node.runs and side.up:
                    side.node.carrier.watch(side)

    def _look_all(self) -> None:
        self.network.cuts = self._is_cut
        for node in self.nodes:
            self._look(node)
