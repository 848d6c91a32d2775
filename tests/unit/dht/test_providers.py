"""What is provided is found, also when those who were told are gone, until it is withdrawn."""

from __future__ import annotations

import pytest
from mesh_world import Node, World

from inos import limits
from inos.membership.view import link_list, prefixes_in
from inos.wire.requests import STORE


@pytest.fixture
def world() -> World:
    world = World(31)
    world.grow(30, apart_s=0.3)
    return world


def done(world: World, future):
    assert world.run(30.0, lambda: future.done), "no end"
    return future.result()


def keepers(world: World, key: bytes, author: Node) -> list[bytes]:
    return [p for p, node in world.nodes.items() if node is not author and node.mesh._records.all_of(key)]


def test_a_record_lies_with_the_closest_and_is_found_until_withdrawn(world):
    nodes = list(world.nodes.values())
    placed = []
    for _ in range(8):
        key, author = world.rng.randbytes(32), world.rng.choice(nodes)
        assert done(world, author.mesh.provide(key)) >= 7
        world.run(1.0)
        placed.append(len(set(keepers(world, key, author)) & set(world.closest(key, 8))))
        asker = world.rng.choice(nodes)
        assert [r.author for r in done(world, asker.mesh.find(key))] == [author.peer_id]
        done(world, author.mesh.withdraw(key))
        world.run(1.0)
        assert done(world, asker.mesh.find(key)) == []
    assert min(placed) >= 4
    assert sum(placed) >= 6 * len(placed), placed


def test_nobody_provides_what_nobody_provides(world):
    assert done(world, next(iter(world.nodes.values())).mesh.find(bytes(32))) == []


def test_records_move_to_those_who_become_the_closest(world):
    nodes = list(world.nodes.values())
    author, key = nodes[0], world.rng.randbytes(32)
    done(world, author.mesh.provide(key))
    world.run(2.0)
    told = keepers(world, key, author)
    for peer_id in told[:6]:
        world.kill(world.nodes[peer_id])
    world.run(20.0)
    now = set(keepers(world, key, author))
    assert len(now & set(world.closest(key, 8))) >= 5
    assert now - set(told), "handed over"
    for peer_id in set(told) & set(world.nodes):
        world.kill(world.nodes[peer_id])
    asker = next(n for n in world.nodes.values() if n is not author)
    assert [r.author for r in done(world, asker.mesh.find(key))] == [author.peer_id]


def test_what_is_provided_is_told_again_before_it_ends():
    world = World(33)
    nodes = world.grow(6, settle_s=10.0)
    author, key = nodes[0], world.rng.randbytes(32)
    done(world, author.mesh.provide(key))
    seq = next(iter(author.mesh._records.of(key))).seq
    world.run(limits.PROVIDER_REFRESH_S + limits.PROVIDER_REFRESH_JITTER_S + 10.0)
    assert next(iter(author.mesh._records.of(key))).seq > seq
    assert all(r.seq > seq for p in keepers(world, key, author)[:3] for r in world.nodes[p].mesh._records.of(key))


def test_who_is_near_a_key_keeps_it_whatever_links_its_neighbours_make_up(world):
    node = next(iter(world.nodes.values()))
    view = node.mesh._view
    target = view.prefix ^ 64
    for number, neighbour in enumerate(list(view.active.values())[:4]):
        made_up = {target ^ (1 + number * 8 + at) for at in range(8)}
        view.set_links(neighbour, link_list({*prefixes_in(neighbour.links), *made_up}))
    author = next(other for other in world.nodes.values() if other is not node)
    key = target.to_bytes(8, "big") + bytes(24)
    done(world, author.mesh.provide(key))
    world.run(1.0)
    assert node.peer_id in keepers(world, key, author)


def test_who_is_far_from_a_key_keeps_nothing_of_it():
    world = World(32)
    nodes = world.grow(40, apart_s=0.3)
    author = nodes[0]
    key = world.rng.randbytes(32)
    done(world, author.mesh.provide(key))
    record = author.mesh._records.of(key)[0]
    far = world.nodes[[peer_id for peer_id in world.closest(key, 40) if peer_id != author.mesh.peer_id][-1]]
    before = far.mesh._providers.refused
    author.mesh._routes.begin(None, STORE, far.peer_id, record.data, world.now)
    world.run(3.0)
    assert far.mesh._records.all_of(key) == []
    assert far.mesh._providers.refused > before
