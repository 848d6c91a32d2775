"""Rooms over restarts: who was in a private one comes back to it, with the neighbours that it had."""

from __future__ import annotations

import pytest
from harness import Heartbeats, Peer, World

from inos import limits
from inos.errors import CodecError
from inos.membership.contact import Known
from inos.wire.kept import Kept, decode_kept, encode_kept

ORIGIN = "https://a.example"


@pytest.fixture
def world(tmp_path) -> World:
    world = World(5, arena_bytes=8 << 20)
    world.beats = Heartbeats(world, 0.25)
    world.folder = tmp_path
    return world


def node(world: World, name: str) -> Peer:
    (world.folder / name).mkdir()
    return world.peer(name, folder=world.folder / name, origin=ORIGIN)


def restart(world: World, peer: Peer) -> Peer:
    peer.die()
    return world.peer(peer.name + "'", folder=world.folder / peer.name.rstrip("'"), keyring=peer.keyring, origin=ORIGIN)


def run(world: World, peer: Peer, coro) -> None:
    task = peer.tasks.spawn(coro, "test")
    assert world.run(lambda: task.done, 20)
    task.result()


def is_linked(one: Peer, two: Peer) -> bool:
    if not (one.node.commons.is_in and two.node.commons.is_in):
        return False
    return two.node.commons.mesh.peer_id in {far.peer_id for far in one.node.commons.mesh.neighbours()}


def test_a_private_room_is_entered_again_until_it_is_left(world):
    one, two = node(world, "one"), node(world, "two")
    world.run(lambda: is_linked(one, two), 20)
    link = one.node.rooms.new()
    for peer in (one, two):
        run(world, peer, peer.node.rooms.join(link))
    assert world.run(lambda: is_linked(one, two), 20)
    one = restart(world, one)
    assert world.run(lambda: is_linked(one, two), 30)
    assert one.node.rooms.link() == link
    run(world, one, one.node.rooms.join())
    one = restart(world, one)
    assert world.run(lambda: one.node.commons.is_in, 5)
    assert one.node.commons.is_public


def test_who_begins_alone_can_leave_the_kept_room_too(world):
    one = node(world, "one")
    assert world.run(lambda: one.node.commons.is_in, 5)
    run(world, one, one.node.rooms.join(one.node.rooms.new()))
    one = restart(world, one)
    one.node._begins_alone = True
    world.run(seconds=2)
    assert not one.node.commons.is_in
    run(world, one, one.node.rooms.join())
    one = restart(world, one)
    assert world.run(lambda: one.node.commons.is_in, 5)
    assert one.node.commons.is_public


def test_neighbours_of_the_last_run_are_known_in_the_next(world):
    one, two, three = peers = [node(world, name) for name in ("one", "two", "three")]
    assert world.run(lambda: is_linked(one, two) and is_linked(one, three), 30)
    world.run(seconds=limits.KEPT_FIRST_S + limits.KEPT_INTERVAL_S)
    world.stop_server()
    one = restart(world, one)
    had = {peer.node.commons.mesh.peer_id for peer in (two, three)}
    assert world.run(lambda: one.node.commons.is_in and had == {known.peer_id for known in known_to(one)}, 5)
    world.run(seconds=limits.KEPT_INTERVAL_S)
    one = restart(world, one)  # it had nobody meanwhile, and forgets nobody for that
    assert world.run(lambda: one.node.commons.is_in and had == {known.peer_id for known in known_to(one)}, 5)
    world.start_server()
    assert world.run(lambda: is_linked(one, two) and is_linked(one, three), 60)
    assert [peer.crashes for peer in peers] == [[]] * 3


def known_to(peer: Peer) -> list[Known]:
    return list(peer.node.commons.mesh.passive())


@pytest.mark.parametrize("data", [b"\xc0", encode_kept(Kept(bytes(31))), encode_kept(Kept())[:-1]])
def test_what_is_no_keepsake_is_refused(data):
    with pytest.raises(CodecError):
        decode_kept(data)


def test_a_keepsake_says_what_was_kept():
    kept = Kept(bytes(32), [b"contact"] * limits.KEPT_CONTACTS_MAX)
    assert decode_kept(encode_kept(kept)) == kept
    assert decode_kept(b"") == Kept()
