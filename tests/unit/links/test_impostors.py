"""A member of the room who speaks in another member's name, repeats what was said, or carries it into another room."""

from __future__ import annotations

import pytest
from harness import WALL_OFFSET_S, End, Heartbeats, Peer, SeededEntropy, World

from inos import limits
from inos.errors import AuthRefused, ProtocolViolation
from inos.links import commands as c
from inos.links import handshake
from inos.links.identity import Identity, is_session_of, new_session, said
from inos.links.meeting import SIGNALS_QUEUED_MAX
from inos.links.rooms import Room, room_of, share_room_secret
from inos.links.sealing import Sealer
from inos.ports import KIND_INDEX, DevicePublicKey, Open, Seal, Sign, Verify
from inos.wire import messages as m
from inos.wire.fields import NOBODY, SESSION_BYTES
from inos.wire.link import parse
from inos_host.keyring import HostKeyring

replace = m.msgspec.structs.replace


@pytest.fixture
def world() -> World:
    world = World(23)
    world.beats = Heartbeats(world)
    return world


class CountingKeyring(HostKeyring):
    """Counts the signatures that it verifies, and signs handshakes with another key if it is told to."""

    verified = 0
    handshakes_by: HostKeyring | None = None

    def perform(self, effect):
        self.verified += isinstance(effect, Verify)
        if self.handshakes_by is not None and isinstance(effect, Sign) and effect.data.startswith(handshake.LABEL):
            return self.handshakes_by.perform(effect)
        return super().perform(effect)


def public_key(keyring: HostKeyring) -> bytes:
    return keyring.perform(DevicePublicKey())


class Impostor:
    """Knows the room, has a device of its own, and claims to be ``victim`` in every way there is."""

    def __init__(self, world: World, link: str, victim: Peer, forgery: str) -> None:
        self.world = world
        self.victim = victim.links.identity
        self.forgery = forgery
        self.peer = world.peer("impostor")  # lends its kernels, its key and its end of connections
        capability = parse(link)
        hashes = self.peer.ports.hashes
        self.room = room_of(hashes, share_room_secret(hashes, capability.bid, capability.secret))
        self.ends = 0
        self.told: list[type] = []

    def read(self, payload: bytes) -> m.Signal:
        ports = self.peer.ports
        span = ports.arena.alloc(len(payload))
        ports.arena.write(span, payload)
        slot = ports.keys.open(self.room.signal_secret)
        opened = self.peer.kernels.perform(Open(span, KIND_INDEX, keys=slot, raw_len_max=limits.SIGNAL_BYTES_MAX))
        plain = ports.arena.read(opened.raw)
        ports.keys.close(slot)
        ports.arena.release(span)
        ports.arena.release(opened.raw)
        return m.decode_signal(m.decode_signed(plain).signal)

    def forge(self, signal: m.Signal) -> bytes:
        """The payload of a signal in the victim's name."""
        key = public_key(self.peer.keyring) if self.forgery == "own key" else self.victim.public_key
        encoded = m.encode(replace(signal, public_key=key, sender=self.victim.session))
        signature = self.peer.keyring.perform(Sign(said(self.room.room_id, encoded)))
        if self.forgery == "no signature":
            signature = bytes(64)
        return seal_bytes(self.peer, self.room, m.encode(m.Signed(encoded, signature)))

    def tell(self, signal: m.Signal) -> None:
        """Everybody hears it, before anything that is on its way."""
        self.told.append(type(signal))
        payload = self.forge(signal)
        for peer in self.world.peers:
            if peer is not self.peer:
                peer.hear(self.room.room_id, payload)

    def overhear(self, sender: Peer, room_id: bytes, payload: bytes) -> None:
        """The world's ``on_signal``: somebody says something, and nobody has heard it yet."""
        if room_id != self.room.room_id or sender is self.peer:
            return
        signal = self.read(payload)
        if signal.sender == self.victim.session:
            self.tell(signal)  # with its nonce: shuts the true one out if the nonce is all that is looked at
            return
        own = (b"", b"", signal.sender, signal.time_ms)
        if isinstance(signal, m.Offer):
            self.tell(m.Answer(*own, self.nonce(), signal.nonce, self.sdp(signal.sdp)))
            return
        self.tell(m.Announce(*own, self.nonce(), wants=True))
        self.tell(m.Announce(b"", b"", NOBODY, signal.time_ms, self.nonce(), wants=True))
        self.tell(m.Offer(*own, self.nonce(), self.sdp(None)))

    def nonce(self) -> bytes:
        return self.world.rng.randbytes(SESSION_BYTES)

    def sdp(self, offer: str | None) -> str:
        """Of an end that connects and then says nothing."""
        self.ends += 1
        end = End(self.peer, c.LinkId(limits.PEERS_MAX - 1, self.ends), self.world.rng.randbytes(32))
        end.other = None if offer is None else self.world.described(offer)
        return self.world.describe(end)


def seal_bytes(peer: Peer, room: Room, plain: bytes) -> bytes:
    """Sealed for a room, whatever it is."""
    ports = peer.ports
    span = ports.arena.alloc(len(plain))
    ports.arena.write(span, plain)
    slot = ports.keys.open(room.signal_secret)
    sealed = peer.kernels.perform(Seal(span, KIND_INDEX, 6, slot))
    payload = ports.arena.read(sealed.block)
    ports.keys.close(slot)
    ports.arena.release(span)
    ports.arena.release(sealed.block)
    return payload


def pair(world: World, *, holder_dials: bool) -> tuple[Peer, Peer]:
    """A holder and a wanter, of whom a given one has the lower session."""
    rings = [CountingKeyring(entropy=SeededEntropy(world.rng)) for _ in range(2)]
    hashes = world.peer("for its hashes").ports.hashes
    rings.sort(key=lambda ring: hashes.hash(public_key(ring)), reverse=not holder_dials)
    holder, wanter = (world.peer(name, keyring=ring) for name, ring in zip(("holder", "wanter"), rings, strict=True))
    return holder, wanter


@pytest.mark.parametrize("forgery", ["own key", "no signature", "another's signature"])
@pytest.mark.parametrize("holder_dials", [True, False])
def test_an_impostor_harms_nobody(world, forgery, holder_dials):
    holder, wanter = pair(world, holder_dials=holder_dials)
    link = holder.share(holder.vault.put([world.rng.randbytes(5_000) for _ in range(3)]))
    impostor = Impostor(world, link, holder, forgery)
    world.faults.on_signal = impostor.overhear
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 5)
    assert (holder.links.identity.session < wanter.links.identity.session) == holder_dials
    assert set(impostor.told) >= ({m.Announce, m.Offer} if holder_dials else {m.Announce, m.Answer})
    for peer in (holder, wanter):
        assert len(peer.saw(c.PeerUp)) == len(peer.ends) == 1, "the first attempt, and no other"
        assert peer.saw(c.PeerRefused) == []
    assert len(wanter.linked(holder)) == 1
    world.run(seconds=30)
    for peer in world.peers:
        assert peer.crashes == []
        assert peer.lent_spans() == 0


def test_hello_shows_the_key_that_signed_the_signals(world):
    """Somebody who signs signals with one key and the handshake with another, both his own."""
    holder, wanter = pair(world, holder_dials=False)
    other = HostKeyring(entropy=SeededEntropy(world.rng))
    link = holder.share(holder.vault.put([b"x" * 500]))
    holder.keyring.handshakes_by = other
    sees: list[str] = []

    def change(sender: Peer, receiver: Peer, data: bytes) -> list[bytes]:
        message = m.decode_control(data)
        if sender is holder and isinstance(message, m.Hello):
            data = m.encode(replace(message, public_key=public_key(other)))
        sees.append(f"{sender.name} {type(message).__name__}")
        return [data]

    world.faults.tamper_control = change
    wanter.fetch(link)
    assert world.run(lambda: bool(wanter.saw(c.PeerRefused)), 10)
    assert wanter.saw(c.PeerRefused)[0].cause == "AuthRefused"
    assert "wanter Auth" not in sees, "refused at HELLO: nothing is signed for a stranger"


def test_another_key_or_session_than_the_signals_is_refused():
    own, theirs = (handshake.own_hello(bytes([n]) * 32, bytes([n]) * 32, bytes([n]) * 16) for n in (1, 2))
    handshake.check_hello(own, theirs, theirs.session, theirs.public_key)
    for session, key in ((b"3" * 16, theirs.public_key), (theirs.session, b"3" * 32)):
        with pytest.raises(AuthRefused):
            handshake.check_hello(own, theirs, session, key)


# --- what is refused, and how much that costs ----------------------------------------------------------------------------


class Member:
    """One who says things in a room, and one who hears them; on one peer's adapter."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keyring = CountingKeyring(entropy=SeededEntropy(world.rng))
        self.peer = world.peer("p", keyring=self.keyring)
        self.own, other = Identity(), Identity()
        for identity in (self.own, other):
            identity.begin(self.peer.ports.hashes, self.peer.ports.entropy, public_key(self.keyring))
        self.hearer = Sealer(self.peer.tasks, self.peer.ports, other, WALL_OFFSET_S)
        self.room, self.elsewhere = (room_of(self.peer.ports.hashes, bytes([n]) * 32) for n in (1, 2))

    def announce(self, **changes) -> m.Announce:
        nonce = self.world.rng.randbytes(SESSION_BYTES)
        own = self.own
        announce = m.Announce(own.public_key, own.session, NOBODY, self.hearer.wall_ms(), nonce, wants=True)
        return replace(announce, **changes)

    def payload(self, signal: m.Signal, signed_for: Room | None = None, signature: bytes | None = None) -> bytes:
        encoded = m.encode(signal)
        covers = said((signed_for or self.room).room_id, encoded)
        signed = m.Signed(encoded, signature or self.keyring.perform(Sign(covers)))
        return seal_bytes(self.peer, self.room, m.encode(signed))

    def hear(self, payload: bytes) -> tuple[bool, int]:
        """Whether it is accepted, and how many signatures that took."""
        before = self.keyring.verified
        task = self.peer.tasks.spawn(self.hearer.open(self.room, payload), "test")
        task.on_done(lambda: None)
        assert self.world.run(lambda: task.done, 5)
        try:
            task.result()
        except ProtocolViolation:
            return False, self.keyring.verified - before
        return True, self.keyring.verified - before


def test_stale_and_foreign_signals_are_refused_as_cheaply_as_can_be(world):
    one = Member(world)
    fine = one.payload(one.announce())
    assert one.hear(fine) == (True, 1)
    assert one.hear(fine) == (False, 0), "repeated"
    for off_s in (-limits.CLOCK_WINDOW_S - 1, limits.CLOCK_WINDOW_S + 1):
        when = one.hearer.wall_ms() + int(off_s * 1_000)
        assert one.hear(one.payload(one.announce(time_ms=when))) == (False, 0), "of another time"
    assert one.hear(one.payload(one.announce(to=bytes([1]) * 16))) == (False, 0), "for somebody else"
    assert one.hear(one.payload(one.announce(to=one.hearer._identity.session))) == (True, 1), "for us"
    assert one.hear(one.payload(one.announce(sender=one.world.rng.randbytes(16)))) == (False, 0), "another key's"
    assert one.hear(one.payload(one.announce(), signature=bytes(64))) == (False, 0), "outside the strict set"
    again = one.announce()
    assert one.hear(one.payload(again, signed_for=one.elsewhere)) == (False, 1), "said in another room"
    assert one.hear(one.payload(again)) == (True, 1), "a forgery with its nonce did not shut it out"
    assert one.peer.lent_spans() == 0


def test_another_signal_under_a_signature_is_refused(world):
    one = Member(world)
    signal = one.announce()
    signature = one.keyring.perform(Sign(said(one.room.room_id, m.encode(signal))))
    for change in (
        {"wants": False},
        {"to": one.hearer._identity.session},
        {"time_ms": signal.time_ms + 1},
        {"nonce": bytes(16)},
    ):
        assert one.hear(one.payload(replace(signal, **change), signature=signature)) == (False, 1)
    last = one.own.session[:-1] + bytes([one.own.session[-1] ^ 1])
    assert one.hear(one.payload(replace(signal, sender=last), signature=signature)) == (False, 1), "another run"
    assert one.hear(one.payload(signal, signature=signature)) == (True, 1)


def test_a_handshake_signature_signs_no_signal(world):
    one = Member(world)
    signal = one.announce()
    transcript = handshake.LABEL + said(one.room.room_id, m.encode(signal))
    assert one.hear(one.payload(signal, signature=one.keyring.perform(Sign(transcript)))) == (False, 1)


def test_what_a_flood_costs_is_bounded(world):
    holder, _wanter = pair(world, holder_dials=True)
    link = holder.share(holder.vault.put([b"x" * 500]))
    impostor = Impostor(world, link, holder, "another's signature")
    impostor.victim = Identity()  # somebody whom the holder does not know
    stranger = HostKeyring(entropy=SeededEntropy(world.rng))
    impostor.victim.begin(holder.ports.hashes, holder.ports.entropy, public_key(stranger))
    wall_ms = int((world.now + WALL_OFFSET_S) * 1_000)
    for _ in range(4 * SIGNALS_QUEUED_MAX):
        signal = m.Announce(b"", b"", NOBODY, wall_ms, impostor.nonce(), wants=True)
        holder.hear(impostor.room.room_id, impostor.forge(signal))
    at_once: list[int] = []
    poll = holder.node.poll_effects

    def watched():
        effects = poll()
        at_once.append(sum(isinstance(effect, Verify) for _, effect in effects))
        return effects

    holder.node.poll_effects = watched
    world.run(seconds=10)
    assert holder.keyring.verified == sum(at_once) == SIGNALS_QUEUED_MAX
    assert max(at_once) == 1
    assert holder.links._rendezvous.contacts == {}
    assert holder.ends == {}


def test_sessions_are_fresh_and_belong_to_one_key(world):
    ports = world.peer("p").ports
    keys = [bytes([n]) * 32 for n in range(4)]
    sessions = {key: [new_session(ports.hashes, ports.entropy, key) for _ in range(2)] for key in keys}
    assert len({session for two in sessions.values() for session in two}) == 8
    for key, two in sessions.items():
        for session in two:
            assert len(session) == SESSION_BYTES
            assert [other for other in keys if is_session_of(ports.hashes, session, other)] == [key]
