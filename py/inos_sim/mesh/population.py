"""Nodes with a real mesh: one after the other, or all at once with the links that they would have after long growth.

Nouns: a mesh that *stands* was drawn (``prebuilt``): every node has its links and knows its neighbours' link lists and contacts,
as if they had just been told. Above ``live_max`` nodes are *idle*: their periodic work (heartbeat checks, shuffles, refreshes)
is off, their time-outs of what is under way are on. Must not know: what is measured.
"""

from __future__ import annotations

from collections import deque

from inos.links.identity import new_session
from inos.membership.contact import Known, sign_contact
from inos.membership.view import link_list
from inos.mesh.mesh import Mesh
from inos.tasks import Task
from inos.wire.membership import Contact
from inos_sim.mesh.bugs import BUGS
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.prebuilt import Plan
from inos_sim.mesh.world import Setting, World

LIVE_NODES_MAX = 10_000
RESTING_NODES_MAX = 1_000  # where the periodic work has no part in what is measured
BIG_NODES = 100_000
START_S = 10.0
ASKS_AGAIN_S = 10.0  # a newcomer without a link


class Identity:
    """Whose mesh it is."""

    __slots__ = ("public_key", "session")

    def __init__(self, public_key: bytes, session: bytes) -> None:
        self.public_key = public_key
        self.session = session


def make_mesh(world: World, node: Node) -> Mesh:
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
    world = World(Setting(options.nodes, options.seed, wire=options.wire, **more), make_mesh)  # type: ignore[arg-type]
    world.bug = BUGS[options.seed_bug] if options.seed_bug else None
    return world


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
    """A newcomer that was given one contact; of another node if it got no link by that one, as a page asks its ladder again."""
    node = world.add()
    begin(node)
    _introduce(world, node, helper)
    return node


def _introduce(world: World, node: Node, helper: Node) -> None:
    node.call(node.mesh.adopt, contact_of(helper).signed)
    world.clock.after(ASKS_AGAIN_S, _look_after, world, node)


def _look_after(world: World, node: Node) -> None:
    if node.alive and not node.carrier.links:
        _introduce(world, node, world.rng.choice([other for other in world.alive() if other is not node]))


def standing(options: Options, live_max: int = LIVE_NODES_MAX, **more: object) -> World:
    """A mesh that stands. Up to ``live_max`` nodes their chores begin, at different times, within START_S."""
    world = world_of(options, **more)
    nodes = [world.add() for _ in range(options.nodes)]
    knowns = [_contact(node) for node in nodes]
    plan = Plan([known.prefix for known in knowns], options.seed)
    for one, other in plan.pairs():
        end = world.network.join(nodes[one], nodes[other])
        for side in (end, end.back):
            side.node.carrier.took(side)
    lists = [link_list(knowns[other].prefix for other in others) for others in plan.links]
    for node, others in zip(nodes, plan.links, strict=True):
        mesh = node.mesh
        mesh.idle = options.nodes > live_max if options.idle is None else options.idle
        mesh.preset(knowns[node.number])
        for other in sorted(others):
            mesh.restore(knowns[other], lists[other], 0.0)
        if not mesh.idle:
            world.clock.after(world.rng.random() * START_S, begin, node)
    return world


def _contact(node: Node) -> Known:
    """Its contact, signed."""
    world = node.world
    session = new_session(world.hashes, world.entropy, node.public_key)
    contact = Contact(node.public_key, session, node.public_key, world.wall_ms(), 0)
    task: Task[Known] = node.call(node.tasks.spawn, sign_contact(world.hashes, world.room_id, contact), "sign")
    return task.result()


def contact_of(node: Node) -> Known:
    """The contact of a node that has one."""
    known = node.mesh.contact
    assert known is not None
    return known


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
