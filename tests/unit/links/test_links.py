"""Links between nodes back to back: meeting, dialling, proving, losing, refusing."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from harness import WALL_OFFSET_S, Heartbeats, Peer, World, close

from inos import limits
from inos.errors import AuthFailed, InosError, ProtocolViolation
from inos.links import commands as c
from inos.links import dialer, liveness, proofs
from inos.links.channels import EARLY_MESSAGES_MAX, State
from inos.links.identity import Identity
from inos.links.rooms import room_of, share_room_secret
from inos.links.sealing import NONCES_MAX, Sealer
from inos.ports import DevicePublicKey
from inos.tasks import Tasks
from inos.wire import messages as m
from inos.wire.fields import NOBODY, SDP_BYTES_MAX


@pytest.fixture
def world() -> World:
    world = World(7)
    world.beats = Heartbeats(world)
    return world


def pair(world: World) -> tuple[Peer, Peer, str]:
    """A holder and a wanter who want nothing from each other yet; the link."""
    holder, wanter = world.peer("holder"), world.peer("wanter")
    return holder, wanter, holder.share(holder.vault.put([world.rng.randbytes(5_000) for _ in range(3)]))


def settle(world: World, *peers: Peer) -> None:
    """Nothing crashed, and every span was given back."""
    world.run(seconds=30)
    for peer in peers:
        assert peer.crashes == []
        assert peer.lent_spans() == 0


# --- meeting -------------------------------------------------------------------------------------------------------------


def test_two_peers_link_once_and_both_say_so(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    assert len(holder.linked(wanter)) == len(wanter.linked(holder)) == 1
    assert len(holder.saw(c.PeerUp)) == len(wanter.saw(c.PeerUp)) == 1
    assert holder.saw(c.PeerUp)[0].peer_id != wanter.saw(c.PeerUp)[0].peer_id
    settle(world, holder, wanter)


def test_the_server_sees_no_addresses_and_no_keys(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    assert len(world.signals) >= 3
    for _, payload in world.signals:
        assert b"candidates" not in payload
        assert holder.links.identity.session not in payload
        assert wanter.links.identity.session not in payload


def test_holders_of_the_same_file_need_no_link(world):
    _holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    third = world.peer("third", vault=wanter.vault)
    world.run(seconds=200)
    assert third.linked() == []


def test_a_second_room_uses_the_same_link(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    other = holder.share(holder.vault.put([world.rng.randbytes(900)]))
    task = wanter.fetch(other)
    assert world.run(lambda: task.done, 60)
    task.result()
    assert len(holder.saw(c.PeerUp)) == len(wanter.saw(c.PeerUp)) == 1
    assert len(wanter.saw(c.PeerRooms)) == 1
    settle(world, holder, wanter)


def test_a_wrong_room_proof_ends_the_link(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    room_id = wanter.links.rooms()[0]
    wanter.linked()[0].peer.links.send(wanter.linked()[0].link, m.RoomProof(bytes(32), bytes(32)))
    world.run(seconds=1)
    assert len(wanter.linked()) == 1, "a room that the other end is not in proves nothing and costs nothing"
    other = holder.share(holder.vault.put([b"more"]))
    secret_room = next(room for room in holder.links.rooms() if room != room_id)
    assert other
    wanter.links.send(wanter.linked()[0].link, m.RoomProof(secret_room, bytes(32)))
    world.run(seconds=1)
    assert holder.linked() == []
    assert holder.saw(c.PeerDown)[0].cause == "ProtocolViolation"


def test_a_claimed_session_that_proves_nothing_is_dialled(world, monkeypatch):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    monkeypatch.setattr(proofs.Proofs, "on_proof", lambda *_: False)  # neither end answers proofs
    task = wanter.fetch(holder.share(holder.vault.put([b"x" * 500])))
    assert world.run(lambda: task.done, 120)
    assert len(holder.saw(c.PeerUp)) == 2
    assert len(holder.linked()) == 1, "one link per peer"


# --- the server goes and comes ---------------------------------------------------------------------------------------------


def test_links_do_not_care_about_the_server(world):
    holder, wanter = world.peer("holder"), world.peer("wanter")
    link = holder.share(holder.vault.put([world.rng.randbytes(2_000_000) for _ in range(20)]))
    task = wanter.fetch(link)
    assert world.run(lambda: bool(wanter.linked()), 10)
    world.stop_server()
    assert world.run(lambda: task.done, 60)
    task.result()
    settle(world, holder, wanter)


def test_peers_meet_when_the_server_is_back(world):
    holder, wanter, link = pair(world)
    world.stop_server()
    task = wanter.fetch(link)
    assert not world.run(lambda: task.done, 40)
    assert wanter.saw(c.RendezvousChanged)[-1].up is False
    world.start_server()
    assert world.run(lambda: task.done, 10)
    settle(world, holder, wanter)


def test_a_lost_link_is_made_again(world):
    holder, wanter = world.peer("holder"), world.peer("wanter")
    link = holder.share(holder.vault.put([world.rng.randbytes(2_000_000) for _ in range(20)]))
    task = wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 5, 20)
    close(wanter.linked()[0])
    assert world.run(lambda: task.done, 60)
    assert [event.cause for event in wanter.saw(c.PeerDown)] == ["PeerGone"]
    assert max(end.link.generation for end in wanter.ends.values()) == 1
    assert len(wanter.ends) == 2, "the least used channel is taken"
    settle(world, holder, wanter)


def test_a_peer_that_goes_silent_is_given_up(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    holder.die()
    at = world.now
    assert world.run(lambda: wanter.linked() == [], 30)
    assert liveness.LINK_SILENT_S <= world.now - at <= liveness.LINK_SILENT_S + 2.5
    assert wanter.saw(c.PeerDown)[0].cause == "PeerStalled"


def test_a_late_look_accuses_nobody():
    rows = {0: c.PeerRow(1, 100.0, 0.01, 0, 0, 0)}
    alive = liveness.Liveness(type("Table", (), {"row": staticmethod(rows.get)}))
    link = (c.LinkId(0, 1), 90.0)
    assert alive.silent([link], 101.0) == []
    assert alive.silent([link], 150.0) == [], "this machine slept"
    assert alive.silent([link], 151.0) == []
    for second in range(152, 157):
        assert alive.silent([link], float(second)) == []
    assert alive.silent([link], 157.0) == [link[0]]
    assert alive.silent([(c.LinkId(0, 2), 157.0)], 158.0) == [], "a row of another generation says nothing"


def test_a_reload_replaces_the_old_link(world):
    holder, wanter = world.peer("holder"), world.peer("wanter")
    link = holder.share(holder.vault.put([b"a" * 900]))
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    again = world.peer("wanter again", keyring=wanter.keyring)
    wanter.die()
    task = again.fetch(link)
    assert world.run(lambda: task.done, 5), "before the old link is noticed to be dead"
    assert len(holder.linked()) == 1
    assert holder.saw(c.PeerDown)[0].cause == "PeerGone"


def test_goodbye_is_heard_at_once(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    holder.node.close(world.now)
    assert world.run(lambda: wanter.linked() == [], 1)
    assert world.rooms == {room: [wanter] for room in world.rooms}


# --- somebody in the middle ------------------------------------------------------------------------------------------------


def refused(world: World, *peers: Peer) -> list[str]:
    """Run an attempt to its end; how it was refused. Nothing may come up."""
    assert world.run(lambda: any(peer.saw(c.PeerRefused) for peer in peers), 30)
    world.run(seconds=0.5)
    for peer in peers:
        assert peer.saw(c.PeerUp) == []
        assert peer.crashes == []
    return [event.cause for peer in peers for event in peer.saw(c.PeerRefused)]


def test_swapped_fingerprints_are_refused(world):
    holder, wanter, link = pair(world)
    middle = world.rng.randbytes(32)  # each end sees the man in the middle's certificate
    world.faults.fingerprints = lambda _peer, local, _remote: (local, middle)
    wanter.fetch(link)
    assert set(refused(world, holder, wanter)) == {"AuthRefused"}


def test_the_same_certificate_at_both_ends_is_refused(world):
    """The bug of comparing a certificate with itself: both ends would sign the same, wrong thing."""
    holder, wanter, link = pair(world)
    world.faults.fingerprints = lambda _peer, local, _remote: (local, local)
    wanter.fetch(link)
    assert "AuthRefused" in refused(world, holder, wanter)


def test_a_fingerprint_of_another_length_is_refused(world):
    holder, wanter, link = pair(world)
    world.faults.fingerprints = lambda _peer, local, remote: (local, remote[:20])
    wanter.fetch(link)
    assert "AuthRefused" in refused(world, holder, wanter)


def test_a_reflected_hello_is_refused(world):
    holder, wanter, link = pair(world)

    def reflect(sender: Peer, receiver: Peer, data: bytes) -> list[bytes]:
        del receiver
        end = list(sender.ends.values())[-1]
        end.peer.links.on_control(*end.link, data, world.now)  # what it said comes back to it
        return []

    world.faults.tamper_control = reflect
    wanter.fetch(link)
    assert set(refused(world, holder, wanter)) == {"AuthRefused"}


@pytest.mark.parametrize("kind", ["key", "nonce", "session", "signature", "mac"])
def test_a_changed_handshake_is_refused(world, kind):
    holder, wanter, link = pair(world)

    def change(_sender: Peer, _receiver: Peer, data: bytes) -> list[bytes]:
        message = m.decode_control(data)
        if isinstance(message, m.Hello):
            fields = {"key": "public_key", "nonce": "nonce", "session": "session"}
            if kind in fields:
                old = getattr(message, fields[kind])
                message = m.msgspec.structs.replace(message, **{fields[kind]: bytes([old[0] ^ 1]) + old[1:]})
        elif isinstance(message, m.Auth) and kind in ("signature", "mac"):
            old = getattr(message, kind)
            message = m.msgspec.structs.replace(message, **{kind: bytes([old[0] ^ 1]) + old[1:]})
        return [m.encode(message)]

    world.faults.tamper_control = change
    wanter.fetch(link)
    assert "AuthRefused" in refused(world, holder, wanter)


def test_another_room_is_refused(world, monkeypatch):
    """Somebody who only pretends to know the room (here: whose MAC key is another) does not get in."""
    holder, wanter, link = pair(world)
    true = dialer.prove

    def prove(hashes, room, **rest):
        if rest["session"] == holder.links.identity.session:
            room = dataclasses.replace(room, mac_key=bytes(32))
        return true(hashes, room, **rest)

    monkeypatch.setattr(dialer, "prove", prove)
    wanter.fetch(link)
    assert "AuthRefused" in refused(world, holder, wanter)


def test_the_same_device_does_not_link_to_itself(world):
    holder, _wanter, link = pair(world)
    fresh = world.peer("same device", keyring=holder.keyring)
    fresh.fetch(link)
    assert "AuthRefused" in refused(world, holder, fresh)


@pytest.mark.parametrize(
    "data", [b"", b"\xc0", b"\x00" * 50, b"\x91\x01", m.encode(m.Want(1, bytes(32))), bytes(16_385)]
)
def test_anything_but_the_handshake_before_it_closes(world, data):
    holder, wanter, link = pair(world)
    world.faults.tamper_control = lambda sender, _receiver, said: [data] if sender is wanter else [said]
    wanter.fetch(link)
    assert "ProtocolViolation" in refused(world, holder)


def test_what_may_come_before_auth_is_bounded(world):
    holder, wanter, link = pair(world)
    flood = [m.encode(m.Want(n, bytes(32))) for n in range(EARLY_MESSAGES_MAX + 1)]
    world.faults.fingerprints = lambda _peer, local, remote: (local, remote)
    world.faults.tamper_control = lambda sender, _receiver, said: [said, *flood] if sender is wanter else [said]
    wanter.fetch(link)
    assert "ProtocolViolation" in refused(world, holder)


def test_auth_has_a_deadline(world):
    holder, wanter, link = pair(world)
    world.faults.tamper_control = lambda *_: []
    wanter.fetch(link)
    at = world.now
    assert set(refused(world, holder, wanter)) == {"PeerStalled"}
    assert limits.HANDSHAKE_SILENT_S <= world.now - at <= limits.HANDSHAKE_SILENT_S + 2
    settle(world, holder, wanter)


@pytest.mark.parametrize(("brain_age_s", "most_s"), [(3.0, limits.AUTH_TIMEOUT_S), (0.0, limits.HANDSHAKE_SILENT_S)])
def test_a_node_at_work_has_longer_for_its_handshake(world, brain_age_s, most_s):
    holder, wanter, link = pair(world)

    def nothing_but_pongs(sender: Peer, _receiver: Peer, said: bytes) -> list[bytes]:
        for end in [*holder.ends.values(), *wanter.ends.values()]:
            end.row = dataclasses.replace(end.row, brain_age_s=brain_age_s)
        return [] if sender is wanter else [said]

    world.faults.tamper_control = nothing_but_pongs
    wanter.fetch(link)
    at = world.now
    assert "PeerStalled" in refused(world, holder, wanter)
    assert most_s <= world.now - at <= most_s + 2


def test_our_own_lateness_is_nobodys_stall():
    class Nothing:
        def row(self, _channel: int) -> c.PeerRow | None:
            return None

    patience = dialer.Patience(c.LinkId(0, 1), Nothing(), 100.0)
    patience.awaits(100.0)
    at = 105.0  # we slept, not the peer
    while not patience.is_over(at):
        at += limits.HANDSHAKE_LOOK_S
    assert 104.8 < at - limits.HANDSHAKE_SILENT_S < 105.2


def test_a_second_handshake_on_a_link_closes_it(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    wanter.links.send(wanter.linked()[0].link, m.Auth(bytes(64), bytes(32)))
    world.run(seconds=0.2)
    assert holder.saw(c.PeerDown)[0].cause == "ProtocolViolation"


def test_a_peer_that_breaks_the_protocol_twice_is_banned(world):
    holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    for _ in range(2):
        holder.links.on_control(*holder.linked()[0].link, b"\xc1", world.now)
        assert holder.linked() == []
        new = holder.vault.put([world.rng.randbytes(100)])
        world.run(seconds=1)
        task = wanter.fetch(holder.share(new))
        world.run(lambda task=task: task.done, 20)
    assert not task.done
    assert "AuthRefused" in [event.cause for event in holder.saw(c.PeerRefused)]


# --- signals ---------------------------------------------------------------------------------------------------------------


def sealers(world: World) -> tuple[Peer, Sealer, Sealer, Tasks]:
    peer = world.peer("p")
    one, two = (Sealer(peer.tasks, peer.ports, identity_of(peer), WALL_OFFSET_S) for _ in range(2))
    return peer, one, two, peer.tasks


def identity_of(peer: Peer) -> Identity:
    """Another run of the peer's device."""
    identity = Identity()
    identity.begin(peer.ports.hashes, peer.ports.entropy, peer.keyring.perform(DevicePublicKey()))
    return identity


def announce(sealer: Sealer, nonce: bytes, when: int | None = None, *, wants: bool = True) -> m.Announce:
    own = sealer._identity
    return m.Announce(own.public_key, own.session, NOBODY, sealer.wall_ms() if when is None else when, nonce, wants)


def outcome(world: World, tasks: Tasks, coro) -> object:
    task = tasks.spawn(coro, "test")
    task.on_done(lambda: None)
    assert world.run(lambda: task.done, 5)
    try:
        return task.result()
    except InosError as error:
        return error


def test_signals_are_fresh_single_and_of_their_room(world):
    peer, one, two, tasks = sealers(world)
    room, other = (room_of(peer.ports.hashes, bytes([n]) * 32) for n in (1, 2))
    said = announce(one, b"n" * 16)
    payload = outcome(world, tasks, one.seal(room, said))
    assert outcome(world, tasks, two.open(room, payload)) == said
    assert isinstance(outcome(world, tasks, two.open(room, payload)), ProtocolViolation), "replayed"
    assert isinstance(outcome(world, tasks, one.open(room, payload)), ProtocolViolation), "our own"
    assert isinstance(outcome(world, tasks, two.open(other, payload)), AuthFailed), "of another room"
    for bad in (
        b"",
        payload[:-1],
        payload + b"x",
        bytes([payload[0] ^ 1]) + payload[1:],
        bytes(limits.SIGNAL_BYTES_MAX + 1),
    ):
        assert isinstance(outcome(world, tasks, two.open(room, bad)), InosError)
    for off_s, is_fine in ((-119, True), (119, True), (-121, False), (121, False)):
        when = one.wall_ms() + off_s * 1_000
        late = announce(one, world.rng.randbytes(16), when)
        payload = outcome(world, tasks, one.seal(room, late))
        assert isinstance(outcome(world, tasks, two.open(room, payload)), m.Announce) == is_fine
    assert peer.lent_spans() == 0


def test_too_long_a_signal_is_not_sent(world):
    peer, one, _, tasks = sealers(world)
    room = room_of(peer.ports.hashes, bytes(32))
    sdp = "".join(chr(0x4E00 + world.rng.randrange(20_000)) for _ in range(SDP_BYTES_MAX))
    own = one._identity
    offer = m.Offer(own.public_key, own.session, b"2" * 16, one.wall_ms(), b"n" * 16, sdp)
    assert isinstance(outcome(world, tasks, one.seal(room, offer)), InosError)
    assert peer.lent_spans() == 0


def test_the_memory_of_nonces_is_bounded(world):
    _, one, two, _ = sealers(world)
    room = room_of(world.peers[0].ports.hashes, bytes(32))
    for n in range(NONCES_MAX + 10):
        two._remember(room, announce(one, n.to_bytes(16), wants=False))
    assert len(two._seen[room.room_id]) == NONCES_MAX
    two.forget(room.room_id)
    assert two._seen == {}


def test_replayed_and_garbage_signals_change_nothing(world):
    holder, wanter, link = pair(world)
    world.faults.on_signal = lambda _s, room, payload: [
        world.after(delay, lambda p=p: [peer.hear(room, p) for peer in world.peers])
        for delay, p in ((0.5, payload), (130.0, payload), (0.1, world.rng.randbytes(300)))
    ]
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    world.run(seconds=200)
    assert len(holder.saw(c.PeerUp)) == len(wanter.saw(c.PeerUp)) == 1
    settle(world, holder, wanter)


def test_lost_signals_are_made_up_for(world):
    holder, wanter, link = pair(world)
    lost = iter([True] * 6)
    world.faults.drop_signal = lambda *_: next(lost, False)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 120)
    settle(world, holder, wanter)


def test_the_room_of_a_link_is_no_other(world):
    hashes = world.peer("p").ports.hashes
    rooms = {share_room_secret(hashes, bytes([a]) * 32, bytes([b]) * 32) for a in range(3) for b in range(3)}
    assert len(rooms) == 9
    room = room_of(hashes, next(iter(rooms)))
    assert len({room.room_id, room.signal_secret, room.mac_key}) == 3


# --- slots -----------------------------------------------------------------------------------------------------------------


def test_news_of_an_old_generation_is_ignored(world):
    _holder, wanter, link = pair(world)
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 10)
    end = wanter.linked()[0]
    for generation in (0, end.link.generation - 1, end.link.generation + 1):
        old = (end.link.channel, generation)
        wanter.links.on_closed(*old, world.now)
        wanter.links.on_failed(*old, "old", world.now)
        wanter.links.on_control(*old, b"\xc1", world.now)
        wanter.links.on_opened(*old, world.now)
        wanter.links.on_local_sdp(*old, "x", world.now)
        wanter.links.on_connected(*old, bytes(32), bytes(32), world.now)
        wanter.node.on_block_done(*old, 1, 100, world.now)
        wanter.node.on_block_failed(*old, 1, 0, world.now)
        wanter.node.on_block_sent(*old, 1, ok=True, now=world.now)
    for channel in (-1, limits.PEERS_MAX, 1 << 31):
        wanter.links.on_closed(channel, 1, world.now)
    world.run(seconds=1)
    assert len(wanter.linked()) == 1


def test_a_failed_dial_is_tried_again_later_and_later(world):
    holder, wanter, link = pair(world)
    dials: list[float] = []
    for peer in (holder, wanter):

        def dial(command, peer=peer):
            dials.append(world.now)
            peer._new_end(command)
            world.after(0.1, lambda: peer.links.on_failed(command.channel, command.generation, "no", world.now))

        peer._do_dial = dial
    wanter.fetch(link)
    world.run(seconds=240)
    gaps = [b - a for a, b in itertools.pairwise(dials)]
    assert 5 <= len(dials) <= 14
    assert max(gaps) > 20
    assert gaps[0] < 3


def test_all_slots_taken_then_an_idle_link_makes_room(world, monkeypatch):
    monkeypatch.setattr(limits, "PEERS_MAX", 5)
    wanter = world.peer("wanter")
    holders = [world.peer(f"h{n}") for n in range(limits.PEERS_MAX + 2)]
    tasks = []
    for n, holder in enumerate(holders):
        tasks.append(wanter.fetch(holder.share(holder.vault.put([bytes([n]) * 400]))))
        assert world.run(lambda: tasks[-1].done, 60), n
    assert len(wanter.linked()) <= limits.PEERS_MAX
    assert any(event.cause == "Busy" for event in wanter.saw(c.PeerDown))


def test_at_most_so_many_dials_at_once(world):
    holder = world.peer("holder")
    link = holder.share(holder.vault.put([world.rng.randbytes(400)]))
    pending: list[int] = []
    tasks = [world.peer(f"w{n}").fetch(link) for n in range(12)]

    def all_done() -> bool:
        pending.append(max(len(peer.links._channels.in_state(State.PENDING)) for peer in world.peers))
        return all(task.done for task in tasks)

    assert world.run(all_done, 200)
    assert 1 < max(pending) <= limits.DIALS_PENDING_MAX
    settle(world, *world.peers)


def test_too_many_rooms_is_an_error(world):
    peer = world.peer("p")
    for n in range(limits.ROOMS_PER_SOCKET_MAX):
        peer.links.join(bytes([n]) * 32, world.now)
    peer.links.join(bytes(32), world.now)
    with pytest.raises(InosError, match="rooms"):
        peer.links.join(b"\xff" * 32, world.now)
