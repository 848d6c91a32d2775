"""What peers may try: forged, old, foreign, malformed and too many messages."""

from __future__ import annotations

import pytest
from gossip_world import WALL_MS, Node, World

from inos import limits
from inos.errors import ProtocolViolation
from inos.gossip.budgets import FLOOD_PER_S
from inos.gossip.rumors import RoomKeys
from inos.wire.gossip import (
    DontWant,
    Graft,
    IHave,
    Prune,
    Pull,
    Push,
    Recent,
    Rumor,
    Sync,
    decode_rumor,
    encode_rumor,
)
from inos.wire.messages import encode


@pytest.fixture
def world() -> World:
    """A line of three, of whom the middle one is the victim; the first one misbehaves."""
    world = World(3, 1)
    world.link(world.nodes[0], world.nodes[1])
    world.link(world.nodes[1], world.nodes[2])
    world.subscribe("news")
    return world


def flood(world: World, message) -> None:
    for _ in range(50):
        give(world, message)


def rumor_of(world: World, author: Node, *, life_s: float = 30, nonce: int = 0, body: bytes = b"x", **other) -> Push:
    keys = other.get("keys", world.keys)
    fields = Rumor(
        world.keys.topic_id(other.get("topic", "news")),
        author.public_key,
        nonce.to_bytes(16, "big"),
        WALL_MS + int((world.now - 1_000 + life_s) * 1_000),
        body,
    )
    rumor = encode_rumor(fields)
    return Push(1, rumor, world.keyring.sign(author.public_key, keys.said(rumor)))


def give(world: World, message, sender: int = 0) -> None:
    victim = world.nodes[1]
    victim.tasks.now = world.now
    victim.gossip.on_message(world.nodes[sender].id, message)
    victim.settle()


def test_a_good_one_is_taken_and_passed_on(world):
    give(world, rumor_of(world, world.nodes[0]))
    world.run(1)
    assert [len(node.heard) for node in world.nodes] == [0, 1, 1]


def test_a_forged_one_is_not_passed_on_and_its_bringer_is_blamed(world):
    good = rumor_of(world, world.nodes[2])
    give(world, Push(1, good.rumor, good.signature[:40] + b"\1" + good.signature[41:]))
    world.run(1)
    assert [len(node.heard) for node in world.nodes] == [0, 0, 0]
    assert world.nodes[1].blamed == [(world.nodes[0].id, "ProtocolViolation")]
    give(world, good, 2)  # the true one is not shut out by the forgery
    assert len(world.nodes[1].heard) == 1


def test_a_true_one_that_was_announced_while_a_forgery_was_checked_is_fetched(world):
    good = rumor_of(world, world.nodes[2])
    id = world.keys.rumor_id(good.rumor)
    victim, author = world.nodes[1], world.nodes[2]
    victim.check_s = 0.1
    author.gossip.on_message(victim.id, good)
    author.settle()
    give(world, Push(1, good.rumor, bytes(good.signature[:32]) + bytes(32)))
    give(world, IHave(id, b"\1"), 2)
    world.run(1)
    assert len(victim.heard) == 1
    assert victim.blamed[0][0] == world.nodes[0].id


def test_of_another_room_it_is_a_forgery(world):
    other = RoomKeys(world.hashes, b"\7" * 32, b"\7" * 32)
    give(world, rumor_of(world, world.nodes[0], keys=other))
    assert world.nodes[1].heard == []
    assert world.nodes[1].gossip.stats.forged == 1


@pytest.mark.parametrize("life_s", [-1, 0, limits.GOSSIP_LIFE_S_MAX + 1])
def test_old_ones_and_such_that_would_outlive_our_memory_are_dropped(world, life_s):
    give(world, rumor_of(world, world.nodes[0], life_s=life_s))
    assert world.nodes[1].heard == []
    assert world.nodes[1].gossip.stats.expired == 1
    assert world.nodes[1].blamed == []  # clocks differ


def test_one_is_told_once_however_often_it_is_repeated(world):
    push = rumor_of(world, world.nodes[0], life_s=limits.GOSSIP_LIFE_S_MAX)
    for _ in range(14):
        for sender in (0, 2):
            give(world, push, sender)
        world.run(10)
    assert len(world.nodes[1].heard) == 1


@pytest.mark.parametrize(
    "message",
    [
        IHave(bytes(16), b""),
        IHave(bytes(17), b"\1"),
        DontWant(bytes(16), b"\1\1"),
        Recent(bytes(15)),
        Pull(bytes(15)),
        Graft(b"short", b""),
        Graft(b"", bytes(5)),
        Push(1, b"\x93", bytes(64)),
        Push(1, b"", bytes(64)),
    ],
)
def test_malformed_messages_are_violations(world, message):
    with pytest.raises(ProtocolViolation):
        give(world, message)


def test_keys_and_signatures_outside_the_strict_set_are_violations(world):
    push = rumor_of(world, world.nodes[0])
    with pytest.raises(ProtocolViolation):
        give(world, Push(1, push.rumor, b"\xff" * 64))
    weak = decode_rumor(push.rumor)
    rumor = encode_rumor(Rumor(weak.topic, b"\1" + bytes(31), weak.nonce, weak.expires_ms, weak.body))
    with pytest.raises(ProtocolViolation):
        give(world, Push(1, rumor, push.signature))


def test_what_nobody_asked_about_is_ignored(world):
    id, topic = bytes(16), bytes(16)
    for message in (Graft(topic, id), Graft(b"", id), Prune(topic), Pull(id), Recent(b""), IHave(b"", b"")):
        give(world, message)
    assert world.nodes[1].sent == 0


def test_liars_who_announce_what_they_do_not_give_are_asked_once_and_forgotten(world):
    give(world, IHave(b"\7" * 16, b"\1"))
    world.run(1)
    assert world.nodes[1].sent == 1
    assert len(world.nodes[1].gossip.tree.missing) == 0


def test_one_peer_gets_one_rumor_three_times_and_no_more(world):
    push = rumor_of(world, world.nodes[0])
    give(world, push)
    world.run(1)
    id = world.keys.rumor_id(push.rumor)
    sent = world.nodes[1].gossip.stats.sent_copies
    for _ in range(10):
        give(world, Pull(id))
        give(world, Graft(b"", id))
    assert world.nodes[1].gossip.stats.sent_copies == sent + limits.GOSSIP_RESENDS_MAX


def test_rumors_of_a_topic_are_limited_by_peer(world):
    for nonce in range(150):
        give(world, rumor_of(world, world.nodes[0], nonce=nonce))
    assert len(world.nodes[1].heard) == limits.GOSSIP_BURST
    assert world.nodes[1].gossip.stats.dropped == 50
    for nonce in range(200, 210):
        give(world, rumor_of(world, world.nodes[2], nonce=nonce), 2)
    assert len(world.nodes[1].heard) == limits.GOSSIP_BURST + 10


def test_signatures_of_a_peer_are_checked_so_often_and_no_more(world):
    world.now = 1_001.0
    for nonce in range(250):
        give(world, rumor_of(world, world.nodes[0], nonce=nonce, topic=f"news {nonce % 4}"))
    assert world.nodes[1].gossip.stats.received == limits.GOSSIP_VERIFIES_PER_PEER_S


def test_rumors_that_wait_for_their_signatures_are_bounded(world):
    world.nodes[1].check_s = 0.5
    for nonce in range(100):
        give(world, rumor_of(world, world.nodes[0], nonce=nonce))
    world.run(1)
    assert world.nodes[1].gossip.stats.received == limits.GOSSIP_VERIFYING_MAX


def test_announcements_are_limited(world):
    world.now = 1_001.0
    for number in range(12):
        give(world, IHave(number.to_bytes(16, "big"), b"\1"))
    assert len(world.nodes[1].gossip.tree.missing) == limits.GOSSIP_IHAVES_PER_S
    world.now = 1_002.0
    many = limits.GOSSIP_IHAVE_IDS_MAX
    for start in range(8):
        ids = b"".join((start * many + at + 100).to_bytes(16, "big") for at in range(many))
        give(world, IHave(ids, bytes(many)))
    assert len(world.nodes[1].gossip.tree.missing) == limits.GOSSIP_MISSING_MAX


@pytest.mark.parametrize(
    "message",
    [IHave(bytes(16), b"\1"), Recent(bytes(16)), Sync([])],
)
def test_a_flood_is_a_violation(world, message):
    world.now = 1_001.0
    for _ in range(FLOOD_PER_S):
        give(world, message)
    with pytest.raises(ProtocolViolation, match="flood"):
        flood(world, message)


def test_the_largest_messages_fit_a_control_message():
    ids = limits.GOSSIP_IHAVE_IDS_MAX
    assert len(encode(IHave(bytes(16 * ids), bytes(ids)))) <= limits.MESSAGE_CONTROL_BYTES_MAX
    push = Push(255, bytes(limits.GOSSIP_RUMOR_BYTES_MAX), bytes(64))
    assert len(encode(push)) <= limits.MESSAGE_CONTROL_BYTES_MAX
