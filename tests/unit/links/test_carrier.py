"""The mesh on real links: nodes meet at the rendezvous, then through each other; the server is spared, and can go."""

from __future__ import annotations

import pytest
from harness import Heartbeats, Peer, World

from inos.links.rendezvous import MEET_SIGNALS
from inos.links.rooms import origin_room_secret, room_of

ORIGIN = "https://a.example"


@pytest.fixture
def world() -> World:
    world = World(41, arena_bytes=8 << 20)
    world.beats = Heartbeats(world, 0.25)
    return world


def nodes(world: World, count: int) -> list[Peer]:
    return [world.peer(f"n{number}", origin=ORIGIN) for number in range(count)]


def neighbours(peer: Peer) -> set[bytes]:
    return {neighbour.peer_id for neighbour in peer.node.commons.mesh.neighbours()}


def ids(peers: list[Peer]) -> dict[bytes, Peer]:
    return {peer.node.commons.mesh.peer_id: peer for peer in peers}


def is_whole(peers: list[Peer]) -> bool:
    """Everybody has everybody for a neighbour: a mesh of few nodes is complete."""
    if not all(peer.node.commons.is_in for peer in peers):
        return False
    everybody = set(ids(peers))
    return all(neighbours(peer) == everybody - {peer.node.commons.mesh.peer_id} for peer in peers)


def room_id(peer: Peer) -> bytes:
    return room_of(peer.ports.hashes, origin_room_secret(peer.ports.hashes, ORIGIN)).room_id


def assert_sound(world: World) -> None:
    for peer in world.peers:
        assert peer.crashes == []
        assert peer.lent_spans() == 0


def test_two_meet_and_see_each_other(world):
    one, two = nodes(world, 2)
    assert world.run(lambda: is_whole([one, two]), 10)
    world.run(seconds=2)
    (seen,) = one.node.commons.mesh.neighbours()
    assert seen.known is not None, "its contact was checked"
    assert seen.known.contact.box_key == two.node.commons.carrier.box_key
    assert_sound(world)


def test_a_mesh_closes_up_without_the_server(world):
    peers = nodes(world, 7)
    everyone_met = lambda: all(p.node.commons.is_in and len(neighbours(p)) >= 2 for p in peers)  # noqa: E731
    assert world.run(everyone_met, 30)
    world.stop_server()
    assert world.run(lambda: is_whole(peers), 60)
    for peer in peers:
        assert peer.links.signals_sent(room_id(peer)) <= MEET_SIGNALS
    assert_sound(world)
