"""Contacts: only their node can make them, for one room, for now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_world import ROOM, Hashes, World, forge

from inos import limits
from inos.errors import Busy, ProtocolViolation
from inos.membership.contact import Notary, said
from inos.tasks import Tasks
from inos.wire.membership import Contact, SignedContact, decode_contact, encode_contact


def run(world: World, coro):
    """The coroutine's outcome, with the world's answers to effects."""
    node = next(iter(world.nodes.values()))
    tasks = Tasks()
    task = tasks.spawn(coro, "test")
    task.on_done(lambda: None)
    while effects := tasks.poll_effects():
        for effect_id, effect in effects:
            tasks.on_done(effect_id, node._perform(effect), 0.0)
    return task.result()


@pytest.fixture
def world() -> World:
    world = World(1)
    world.add()
    world.run(1.0)
    return world


def notary(world: World, room: bytes = ROOM, ahead_ms: int = 0) -> Notary:
    node = next(iter(world.nodes.values()))
    return Notary(Hashes(), room, lambda: node.mesh._wall_ms() + ahead_ms)


def own(world: World) -> bytes:
    contact = next(iter(world.nodes.values())).mesh.contact
    assert contact is not None
    return contact.signed


def remade(world: World, **changes: object) -> bytes:
    """The node's contact with other fields, signed by the node."""
    node = next(iter(world.nodes.values()))
    contact = node.mesh.contact.contact
    fields = {name: changes.get(name, getattr(contact, name)) for name in contact.__struct_fields__}
    encoded = encode_contact(Contact(**fields))
    return encode_contact(SignedContact(encoded, forge(node.secret, said(ROOM, encoded))))


def test_a_contact_is_good_in_its_room_only(world):
    known = run(world, notary(world).check(own(world)))
    assert known.peer_id == next(iter(world.nodes))
    with pytest.raises(ProtocolViolation, match="does not verify"):
        run(world, notary(world, room=bytes(32)).check(own(world)))


@pytest.mark.parametrize(("ahead_s", "good"), [(0, True), (-100, True), (-130, False), (80_000, True), (90_000, False)])
def test_a_contact_is_of_now(world, ahead_s, good):
    check = notary(world, ahead_ms=ahead_s * 1_000).check(own(world))
    if good:
        assert run(world, check).signed == own(world)
    else:
        with pytest.raises(ProtocolViolation, match="clock window"):
            run(world, check)


def test_a_session_of_another_key_is_refused(world):
    with pytest.raises(ProtocolViolation, match="session"):
        run(world, notary(world).check(remade(world, session=bytes(16))))
    assert run(world, notary(world).check(remade(world, flags=7))).contact.flags == 7


@given(data=st.data())
def test_no_changed_byte_is_accepted(data):
    world = World(1)
    world.add()
    world.run(1.0)
    signed = bytearray(own(world))
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolViolation):
        run(world, notary(world).check(bytes(signed)))


@given(st.binary(max_size=400))
def test_bytes_of_strangers_are_refused_with_a_typed_error(data):
    with pytest.raises(ProtocolViolation):
        decode_contact(data)


def test_signatures_being_checked_are_bounded(world):
    checker = notary(world)
    tasks = Tasks()
    started = [
        tasks.spawn(checker.check(remade(world, flags=n)), "check") for n in range(limits.MESH_VERIFIES_PENDING_MAX + 1)
    ]
    for task in started:
        task.on_done(lambda: None)
    effects = tasks.poll_effects()
    assert len(effects) == limits.MESH_VERIFIES_PENDING_MAX
    with pytest.raises(Busy):
        started[-1].result()


def test_what_was_good_is_remembered_but_not_without_bound(world):
    checker = notary(world)
    first = remade(world, flags=1)
    run(world, checker.check(first))
    assert checker.checked(first) is not None
    for flags in range(2, limits.MESH_CONTACTS_CHECKED_MAX + 2):
        run(world, checker.check(remade(world, flags=flags)))
    assert checker.checked(first) is None
    assert len(checker._checked) == limits.MESH_CONTACTS_CHECKED_MAX
