"""A mesh that only writes down what reaches it: what the simulated network is tested with."""

from __future__ import annotations

import math

from inos.mesh.events import MeshEvent
from inos.tasks import Future
from inos.wire.membership import Contact
from inos.wire.messages import Mesh as Message
from inos_sim.mesh.carrier import DIAL_TOKEN
from inos_sim.mesh.network import FAIR, Weather
from inos_sim.mesh.node import Node
from inos_sim.mesh.world import Setting, World

Line = tuple[float, str, bytes, object]


class Recorder:
    """In the place of a ``Mesh``."""

    def __init__(self, world: World, node: Node) -> None:
        self.world = world
        self.node = node
        self.lines: list[Line] = []
        self.due = math.inf
        self.rings: list[float] = []

    def on_link_up(self, peer_id: bytes, now: float) -> None:
        self.lines.append((now, "up", peer_id, None))

    def on_link_down(self, peer_id: bytes, cause: str, now: float) -> None:
        self.lines.append((now, "down", peer_id, cause))

    def on_dial_failed(self, peer_id: bytes, now: float) -> None:
        self.lines.append((now, "failed", peer_id, None))

    def on_message(self, peer_id: bytes, message: Message, now: float) -> None:
        self.lines.append((now, "message", peer_id, message))

    def on_time(self, now: float) -> None:
        self.rings.append(now)
        self.due = math.inf

    def next_due(self) -> float:
        return self.due

    def leave(self, now: float) -> None:
        self.lines.append((now, "leave", b"", None))

    def signal(self, peer_id: bytes, payload: bytes) -> Future[bytes]:
        """At once, if the peer lives."""
        future: Future[bytes] = Future()
        if self.world.by_id[peer_id].runs:
            future.set(DIAL_TOKEN)
        return future

    def poll_events(self) -> list[MeshEvent]:
        return []

    def said(self, what: str) -> list[object]:
        """The last column of all lines of that kind."""
        return [line[3] for line in self.lines if line[1] == what]


def make(world: World, node: Node) -> Recorder:
    return Recorder(world, node)


def mesh_of(node: Node) -> Recorder:
    assert isinstance(node.mesh, Recorder)
    return node.mesh


def contact_of(node: Node) -> Contact:
    return Contact(node.public_key, bytes(16), bytes(32), 0, 0)


def world_of(nodes: int, *, weather: Weather = FAIR, wire: bool = False, unreachable: float = 0.0) -> World:
    world = World(Setting(nodes, 1, weather, wire=wire, unreachable=unreachable), make)
    for _ in range(nodes):
        world.add()
    return world


def linked(world: World, one: int = 0, other: int = 1) -> tuple[Node, Node]:
    """Two nodes with a link, some time later."""
    a, b = world.nodes[one], world.nodes[other]
    a.carrier.dial(contact_of(b))
    world.clock.run_for(2.0)
    assert b.peer_id in a.carrier.links
    return a, b
