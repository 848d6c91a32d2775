"""Nodes with a real mesh: one after the other, or all at once with the links that they would have after long growth.

Nouns: a mesh that *stands* was drawn (``prebuilt``): every node has its links and knows its neighbours' link lists and contacts,
as if they had just been told. Above LIVE_NODES_MAX nodes are *idle*: their periodic work (heartbeat checks, shuffles, refreshes)
is off, their time-outs of what is under way are on. Must not know: what is measured.
"""

from __future__ import annotations

from collections import deque

from inos.links.identity import new_session
from inos.mesh.mesh import Mesh
from inos_sim.mesh.node import MeshLike, Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.prebuilt import Plan
from inos_sim.mesh.world import Setting, World

LIVE_NODES_MAX = 10_000
BIG_NODES = 100_000


class Identity:
    """Whose mesh it is."""

    __slots__ = ("public_key", "session")

    def __init__(self, public_key: bytes, session: bytes) -> None:
        self.public_key = public_key
        self.session = session


def make_mesh(world: World, node: Node) -> MeshLike:
    """The tab's own mesh."""
    mesh = Mesh(
        node.tasks,
        world.hashes,
        world.entropy,
        node.carrier,
        room_id=world.room_id,
        wall_ms=world.wall_ms,
        identity=Identity(node.public_key, new_session(world.hashes, world.entropy, node.public_key)),
        box_key=node.public_key,
    )
    mesh.on_signal(node.answer)
    return mesh


def world_of(options: Options, **more: object) -> World:
    """An empty world."""
    return World(Setting(options.nodes, options.seed, wire=options.wire, **more), make_mesh)  # type: ignore[arg-type]


def started(options: Options, nodes: int, **more: object) -> World:
    """A world of nodes that have started, and know nobody."""
    world = world_of(options, **more)
    for _ in range(nodes):
        begin(world.add())
    return world


def begin(node: Node) -> None:
    """It signs its contact, which takes no time here."""
    node.tasks.now = node.world.clock.now
    node.tasks.spawn(node.mesh.start(), "start")
    node.pump()


def arrive(world: World, helper: Node) -> Node:
    """A newcomer that was given one contact."""
    node = world.add()
    begin(node)
    node.call(node.mesh.adopt, helper.mesh.contact.signed)
    return node


def standing(options: Options, **more: object) -> World:
    """A mesh that stands."""
    world = started(options, options.nodes, **more)
    nodes = world.nodes
    plan = Plan([int.from_bytes(node.peer_id[:8], "big") for node in nodes], options.seed)
    now = world.clock.now
    for one, other in plan.pairs():
        end = world.network.join(nodes[one], nodes[other])
        for side in (end, end.back):
            side.node.carrier.took(side)
    lists = [b"".join(sorted(nodes[other].peer_id[:8] for other in others)) for others in plan.links]
    for node in nodes:
        mesh, carrier = node.mesh, node.carrier
        for number in sorted(plan.links[node.number]):
            peer = nodes[number]
            mesh.restore(peer.mesh.contact, lists[number], now)
        node.pump()
    return world


def one_mesh(world: World) -> int:
    """How many live nodes the largest connected part has."""
    left = {node.number: node for node in world.nodes if node.alive}
    largest = 0
    while left:
        _, first = left.popitem()
        size, queue = 1, deque([first])
        while queue:
            for end in queue.popleft().carrier.links.values():
                if end.is_open and left.pop(end.peer.number, None) is not None:
                    size += 1
                    queue.append(end.peer)
        largest = max(largest, size)
    return largest
