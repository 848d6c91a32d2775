"""Look-ups in small meshes that grew by themselves."""

from __future__ import annotations

from functools import partial

import pytest
from mesh_world import World

from inos import limits
from inos.dht.query import Query
from inos.errors import PeerGone
from inos.membership import growth
from inos.tasks import Future
from inos.wire.requests import FIND_NODE, Found, decode, encode
from inos.wire.routes import Answered, Took


def ask(world: World, future):
    assert world.run(30.0, lambda: future.done), "no end"
    return future.result()


@pytest.fixture(scope="module")
def grown() -> World:
    world = World(21, wire=True)
    world.grow(40, apart_s=0.3)
    return world


def test_every_node_has_its_true_siblings_and_no_violation_happened(grown):
    ring = sorted(node.mesh._view.prefix for node in grown.nodes.values())
    for node in grown.nodes.values():
        assert set(growth.siblings(node.mesh._view.prefix, ring)) <= set(node.mesh._view.by_prefix)
        assert node.errors == []


def test_all_lookups_end_at_the_closest_of_all(grown):
    for _ in range(60):
        asker, key = grown.rng.choice(list(grown.nodes.values())), grown.rng.randbytes(32)
        found = ask(grown, asker.mesh.lookup(key))
        assert found.peer_ids[0] == found.answered[0] == grown.closest(key)[0]
        assert found.hops <= 4


def test_a_node_finds_itself_and_those_around_it(grown):
    node = next(iter(grown.nodes.values()))
    found = ask(grown, node.mesh.lookup(node.peer_id))
    assert found.peer_ids[0] == node.peer_id
    assert found.answered[1] == grown.closest(node.peer_id, 2)[1]


def test_a_signal_reaches_anybody_and_its_answer_comes_back(grown):
    for _ in range(10):
        one, other = grown.rng.sample(list(grown.nodes.values()), 2)
        assert ask(grown, one.mesh.signal(other.peer_id, b"hello")) == b"re:hello"


def test_a_signal_to_nobody_fails_soon(grown):
    future = next(iter(grown.nodes.values())).mesh.signal(bytes(32), b"hello")
    began = grown.now
    with pytest.raises(PeerGone):
        ask(grown, future)
    assert grown.now - began < limits.SIGNAL_COPIES_MAX * limits.SIGNAL_RETRY_S


def test_a_liar_who_claims_to_be_the_closest_is_beaten():
    world = World(22)
    nodes = world.grow(30, apart_s=0.3)
    liar = nodes[3]
    lies = 0

    def lie(sender, message):
        nonlocal lies
        if hasattr(message, "target"):
            lies += 1
            body = encode(Found(message.path, liar.mesh.contact.signed, [], []))
            liar.send(sender, Answered(message.id, body))
        else:
            receive(sender, message)

    receive, liar.receive = liar.receive, lie
    right = asked = 0
    for _ in range(100):
        asker, key = world.rng.choice([n for n in nodes if n is not liar]), world.rng.randbytes(32)
        if liar.peer_id in world.closest(key, 2):
            continue
        asked += 1
        found = ask(world, asker.mesh.lookup(key))
        right += found.peer_ids[0] == world.closest(key)[0]
    assert lies > 3
    assert right >= 0.95 * asked


def test_the_closest_is_asked_once_more_where_a_question_was_swallowed():
    world = World(22)
    nodes = world.grow(30, apart_s=0.3)
    asker, key = nodes[0], bytes(32)
    closest = next(node for node in nodes if node.peer_id == world.closest(key)[0])
    swallowed = []

    def swallow(sender, message):
        """All for the key, as by a liar next to it, and the first that asks for the node itself."""
        if hasattr(message, "target") and (message.target == key or closest.peer_id not in swallowed):
            swallowed.append(message.target)
            closest.send(sender, Took(message.id))
        else:
            receive(sender, message)

    receive, closest.receive = closest.receive, swallow
    assert ask(world, asker.mesh.lookup(key)).peer_ids[0] == closest.peer_id
    assert closest.peer_id in swallowed


def test_a_question_that_an_answer_led_to_between_two_rounds_is_not_waited_for_for_ever():
    world = World(22)
    asker, *others = world.grow(12, apart_s=0.3)
    for other in others:  # takes every question, and answers none
        other.receive = partial(take, other, other.receive)
    lookups, key, future = asker.mesh._lookups, bytes(32), Future()
    query = Query(lookups, key, FIND_NODE, future, asker.mesh.contact, wide=True)
    lookups._open += 1
    query.begin(world.now)
    query._checking += 1
    assert world.run(5.0, lambda: query._overdue), "the round is over while an answer is being checked"
    assert query._copy(others[0].peer_id, world.now, asked=others[0].peer_id, straight=True)
    query._checking -= 1
    query._judge(world.now)
    ask(world, future)


def take(node, receive, sender, message):
    """As somebody who is stopped right after it said that it is at it."""
    if hasattr(message, "target"):
        node.send(sender, Took(message.id))
    else:
        receive(sender, message)


def test_what_cannot_be_decoded_is_no_answer():
    world = World(23)
    nodes = world.grow(12)
    liar = nodes[3]
    receive = liar.receive
    liar.receive = lambda sender, message: (
        liar.send(sender, Answered(message.id, b"\xff junk"))
        if hasattr(message, "target")
        else receive(sender, message)
    )
    for _ in range(20):
        asker, key = world.rng.choice([n for n in nodes if n is not liar]), world.rng.randbytes(32)
        found = ask(world, asker.mesh.lookup(key))
        assert found.peer_ids[0] in world.closest(key, 2)
    with pytest.raises(Exception, match="Found"):
        decode(Found, b"\xff junk")


def test_a_mesh_that_is_cut_in_two_heals_once_it_can():
    world = World(24)
    world.rendezvous = True
    nodes = world.grow(16)
    halves = nodes[:8], nodes[8:]
    for one in halves[0]:
        for other in halves[1]:
            world.blocked[frozenset((one.peer_id, other.peer_id))] = world.now
    world.run(30.0)
    assert not any(other.peer_id in one.links for one in halves[0] for other in halves[1])
    world.blocked.clear()
    world.run(150.0)
    for _ in range(20):
        asker, key = world.rng.choice(nodes), world.rng.randbytes(32)
        assert ask(world, asker.mesh.lookup(key)).peer_ids[0] == world.closest(key)[0]
