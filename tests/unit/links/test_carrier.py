"""The mesh on real links: nodes meet at the rendezvous, then through each other; the server is spared, and can go."""

from __future__ import annotations

import msgspec
import pytest
from harness import Heartbeats, Peer, World

from inos import limits
from inos.errors import AuthRefused, BadLink, CorruptError, NotFound, PeerGone, ProtocolViolation
from inos.links import commands as c
from inos.links.carrier import LinkCarrier
from inos.links.channels import State
from inos.links.rendezvous import MEET_SIGNALS
from inos.ports import Sign
from inos.wire import messages as m
from inos.wire.gossip import Push, Rumor, encode_rumor
from inos.wire.link import parse_room
from inos.wire.membership import Condition
from inos.wire.requests import SIGNAL
from inos.wire.routes import Route

replace = msgspec.structs.replace

ORIGIN = "https://a.example"


@pytest.fixture
def world(tmp_path) -> World:
    world = World(41, arena_bytes=8 << 20)
    world.beats = Heartbeats(world, 0.25)
    world.folder = tmp_path
    return world


def node(world: World, name: str, origin: str = ORIGIN) -> Peer:
    (world.folder / name).mkdir()
    return world.peer(name, folder=world.folder / name, origin=origin)


def nodes(world: World, count: int) -> list[Peer]:
    return [node(world, f"n{number}") for number in range(count)]


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
        assert peer.node.commons.carrier.here.signals_sent() <= MEET_SIGNALS
    assert_sound(world)


def cut(groups: list[list[Peer]]) -> None:
    """Every link between two groups is over."""
    for group in groups:
        others = {ends for other in groups if other is not group for ends in ids(other)}
        for peer in group:
            for link, peer_id, _ in peer.links.peers():
                if peer_id in others:
                    peer.links.drop(link, PeerGone("cut"))


def test_a_mesh_in_two_halves_closes_up_through_the_server(world):
    peers = nodes(world, 6)
    assert world.run(lambda: is_whole(peers), 60)
    cut([peers[:3], peers[3:]])
    assert world.run(lambda: not is_whole(peers), 5)
    assert world.run(lambda: is_whole(peers), 90)
    assert_sound(world)


def test_a_cut_that_leaves_a_way_round_heals_without_the_server(world):
    peers = nodes(world, 5)
    assert world.run(lambda: is_whole(peers), 60)
    world.stop_server()
    cut([peers[:2], peers[2:4]])
    assert world.run(lambda: not is_whole(peers), 5)
    assert world.run(lambda: is_whole(peers), 60)
    assert_sound(world)


# --- without any server ------------------------------------------------------------------------------------------------------


def result(world: World, peer: Peer, coro, seconds: float = 20):
    task = peer.tasks.spawn(coro, "test")
    task.on_done(lambda: None)  # watched
    assert world.run(lambda: task.done, seconds)
    return task.result()


def invite(world: World, inviter: Peer, newcomer: Peer, pause_s: float = 30.0) -> None:
    text = result(world, inviter, inviter.node.rooms.invite("https://a.example/"))
    assert len(text) < 2_048
    world.run(seconds=pause_s)  # whoever carries it walks
    reply = result(world, newcomer, newcomer.node.rooms.answer_invitation(text))
    assert len(reply) < 2_048
    world.run(seconds=pause_s)
    result(world, inviter, inviter.node.rooms.take_reply(reply))


@pytest.fixture
def quiet(world) -> World:
    """A world in which no server has ever been."""
    world.stop_server()
    return world


def test_two_texts_make_a_mesh_of_two_and_then_of_four(quiet):
    peers = nodes(quiet, 4)
    assert quiet.run(lambda: all(peer.node.commons.is_in for peer in peers), 5)
    invite(quiet, peers[0], peers[1])
    assert quiet.run(lambda: is_whole(peers[:2]), 5)
    invite(quiet, peers[1], peers[2])
    invite(quiet, peers[2], peers[3])
    assert quiet.run(lambda: is_whole(peers), 30), "the others are met through the mesh"
    assert_sound(quiet)


def test_an_invitation_leads_into_a_private_room(quiet):
    one, two = node(quiet, "one", origin=""), node(quiet, "two")
    quiet.run(seconds=1)
    room = one.node.rooms.new()
    result(quiet, one, one.node.rooms.join(room))
    invite(quiet, one, two, pause_s=1)
    assert quiet.run(lambda: is_whole([one, two]), 5)
    assert two.node.rooms.link() == room
    assert not two.node.commons.is_public


def test_an_invitation_is_good_once_and_for_its_time(quiet):
    one, two, late = nodes(quiet, 3)
    quiet.run(seconds=1)
    text = result(quiet, one, one.node.rooms.invite())
    reply = result(quiet, two, two.node.rooms.answer_invitation(text))
    second = result(quiet, late, late.node.rooms.answer_invitation(text))
    result(quiet, one, one.node.rooms.take_reply(reply))
    with pytest.raises(NotFound):
        result(quiet, one, one.node.rooms.take_reply(second))
    with pytest.raises(ProtocolViolation):  # the same one again
        result(quiet, two, two.node.rooms.answer_invitation(text))
    with pytest.raises(BadLink):
        result(quiet, late, late.node.rooms.answer_invitation(text[:-3]))
    old = result(quiet, one, one.node.rooms.invite())
    quiet.run(seconds=limits.INVITATION_S + 5)
    with pytest.raises(ProtocolViolation):
        result(quiet, late, late.node.rooms.answer_invitation(old))
    assert quiet.run(lambda: not one.links.dialer._channels.in_state(State.PENDING), 5), "what waited has ended"
    assert_sound(quiet)


def test_a_reply_is_good_where_its_own_connection_fails_but_the_server_brings_both_together(world):
    one, two = node(world, "one"), node(world, "two", origin="")
    assert world.run(lambda: one.node.commons.is_in, 5)
    text = result(world, one, one.node.rooms.invite())
    reply = result(world, two, two.node.rooms.answer_invitation(text))
    (slot,) = [slot for slot in one.links.dialer._channels.in_state(State.PENDING) if slot.session is None]
    task = one.node.tasks.spawn(one.node.rooms.take_reply(reply), "take")
    assert world.run(lambda: slot.session is not None, 5)
    one.links.on_failed(*slot.link, "the path was lost", world.now)
    assert world.run(lambda: task.done, 20)
    task.result()
    assert is_whole([one, two])
    assert_sound(world)


# --- somebody on the way -----------------------------------------------------------------------------------------------------


class Relay:
    """Sees what goes over links; changes or keeps the routed signals."""

    def __init__(self, world: World, change) -> None:
        self.seen: list[m.Route] = []
        self._change = change
        world.faults.tamper_control = self.pass_on

    def pass_on(self, _sender: Peer, _receiver: Peer, data: bytes) -> list[bytes]:
        message = m.decode_control(data)
        if isinstance(message, Route) and message.kind == SIGNAL:
            self.seen.append(message)
            return [m.encode(self._change(message))]
        return [data]


def chain(world: World) -> list[Peer]:
    """Three nodes, of which the outer ones are linked to the middle one only, and no server."""
    world.stop_server()
    peers = nodes(world, 3)
    world.run(seconds=1)
    for peer in (peers[0], peers[2]):
        peer.node.commons.carrier.dial = lambda *_: None  # the mesh shall not close up by itself
    peers[1].node.commons.carrier.dial = lambda *_: None
    invite(world, peers[1], peers[0], pause_s=0.1)
    invite(world, peers[1], peers[2], pause_s=0.1)
    assert world.run(lambda: len(neighbours(peers[1])) == 2, 5)
    world.run(seconds=1)
    return peers


def dial(world: World, peer: Peer, other: Peer) -> None:
    """What the mesh would do."""
    contact = other.node.commons.mesh.contact
    assert contact is not None
    LinkCarrier.dial(peer.node.commons.carrier, contact.contact)


def flip(message: Route) -> Route:
    body = bytearray(message.body)
    body[-40] = (body[-40] + 1) % 256  # at each hop again
    return replace(message, body=bytes(body))


def test_a_relay_cannot_read_or_change_a_signal(quiet):
    one, _middle, other = chain(quiet)
    relay = Relay(quiet, flip)
    dial(quiet, one, other)
    quiet.run(seconds=25)
    assert relay.seen
    assert not one.linked(other)
    assert one.node.commons.carrier.dials_failed == 1
    for message in relay.seen:
        assert b"candidates" not in message.body
    relay._change = lambda message: message
    dial(quiet, one, other)
    assert quiet.run(lambda: len(one.linked(other)) == 1, 10), "the same, unchanged, is taken"
    assert_sound(quiet)


def test_a_signal_that_was_overheard_is_worth_nothing(quiet):
    one, middle, other = chain(quiet)
    relay = Relay(quiet, lambda message: message)
    dial(quiet, one, other)
    assert quiet.run(lambda: len(one.linked(other)) == 1, 10)
    carrier = other.node.commons.carrier
    for message in relay.seen:
        receiver = next(peer for peer in (one, other) if peer.node.commons.mesh.peer_id == message.target)
        sender = one if receiver is other else other
        payload = msgspec.msgpack.decode(message.body)[-1]
        for claimed in (sender, middle):  # the same again, and in another's name
            contact = claimed.node.commons.mesh.contact.contact
            with pytest.raises((ProtocolViolation, CorruptError)):
                result(quiet, receiver, receiver.node.commons.carrier.on_signal(contact, payload))
    weak = replace(one.node.commons.mesh.contact.contact, box_key=bytes(31) + b"\x00")
    assert result(quiet, other, carrier.on_signal(weak, b"x")) is None, "nobody's key"
    weak = replace(weak, box_key=b"\x01" + bytes(31))
    with pytest.raises(AuthRefused):
        result(quiet, other, carrier.on_signal(weak, b"x"))
    assert_sound(quiet)


def test_a_certificate_that_was_swapped_on_the_way_is_refused(quiet):
    one, _middle, other = chain(quiet)
    quiet.faults.fingerprints = lambda peer, local, _remote: (local, bytes([len(peer.name)]) * 32)
    dial(quiet, one, other)
    assert quiet.run(lambda: one.saw(c.PeerRefused) or other.saw(c.PeerRefused), 10)
    quiet.run(seconds=2)
    assert not one.linked(other)
    assert_sound(quiet)


def test_the_mesh_hears_nobody_who_is_not_in_its_room(world):
    one, two = nodes(world, 2)
    assert world.run(lambda: is_whole([one, two]), 10)
    stranger = node(world, "stranger", origin="")
    world.run(seconds=1)
    share = one.node.rooms.new()
    for peer in (one, stranger):
        peer.links.set_wanting(peer.links.join(parse_room(share), world.now), wanting=True, now=world.now)
    assert world.run(lambda: len(stranger.linked(one)) == 1, 10)
    (link,) = [end.link for end in stranger.linked(one)]
    stranger.links.send(link, Condition(0, 1))
    assert world.run(lambda: not stranger.linked(one), 2), "refused within two seconds"
    assert one.saw(c.PeerDown)[-1].cause == "ProtocolViolation"
    assert len(neighbours(one)) == 1
    assert_sound(world)


def test_who_brings_forged_rumors_twice_is_banned(world):
    one, two = nodes(world, 2)
    for count in range(2):
        assert world.run(lambda: is_whole([one, two]), 60)
        author, wall_ms = two.links.identity.public_key, two.links.sealer.wall_ms()
        rumor = encode_rumor(Rumor(bytes(16), author, bytes([count] * 16), wall_ms + 10_000, b"body"))
        signature = two.keyring.perform(Sign(b"something else"))
        two.links.send(two.linked(one)[0].link, Push(1, rumor, signature))
        assert world.run(lambda: not one.linked(two), 2), "refused within two seconds"
        assert one.saw(c.PeerDown)[-1].cause == "ProtocolViolation"
    assert not world.run(lambda: bool(one.linked(two)), 120)
    assert one.saw(c.PeerRefused)[-1].cause == "AuthRefused"
    assert_sound(world)
