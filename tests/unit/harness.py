"""Several nodes back to back in one process: their pages, net workers and the rendezvous server, in virtual time.

Nouns: a *world* has one clock, one seed and one heap of things to happen; a *peer* is a node with everything that an adapter
would give it; a *wire* is the connection of two channels, with faults that tests switch on. Nothing here decides anything
for the nodes: it does what page, net worker and server promise in ``inos.links.commands``, and checks that nodes keep
their side (no span used after release, every lent span given back).
"""

from __future__ import annotations

import dataclasses
import heapq
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inos import limits
from inos.errors import InosError, NotFound
from inos.links import commands as c
from inos.links.commands import LinkId, PeerRow
from inos.links.links import Links
from inos.node import Node
from inos.ports import KIND_CHUNK, KIND_MANIFEST, Ports, Seal, Span
from inos.tasks import Effect, Task, Tasks
from inos.vault.index import Grant
from inos.vault.manifest import Manifest
from inos.vault.manifest import encode as encode_manifest
from inos.vault.refs import Ref, Refs
from inos.vault.vault import Vault
from inos.wire.link import Link, encode
from inos_host.disk import DISK_EFFECTS, STREAM_EFFECTS, HostDisk, Streams
from inos_host.kernels import KERNEL_EFFECTS, make_ports
from inos_host.keyring import KEYRING_EFFECTS, HostKeyring

ARENA_BYTES = 96 * limits.MIB
FRAGMENTS = 4  # a block travels in this many pieces
START_S = 1_000.0
WALL_OFFSET_S = 1_790_000_000.0


class SeededEntropy:
    """Entropy that one seed replays."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def random(self, length: int) -> bytes:
        return self._rng.randbytes(length)


@dataclass(frozen=True)
class DiskTurn(Effect[None]):
    """The memory vault's disk: takes a little time."""


@dataclass(frozen=True, slots=True)
class Capability:
    """Bid and secret."""

    bid: bytes
    secret: bytes


class Keepsake:
    """Of a vault that has no disk."""

    def __init__(self) -> None:
        self.data = b""

    async def read(self) -> bytes:
        return self.data

    async def write(self, data: bytes) -> None:
        self.data = data


class MemoryVault:
    """Blocks in a dict, behind the interface that the node needs."""

    def __init__(self, ports: Ports, kernels: Any) -> None:
        self._ports = ports
        self._kernels = kernels
        self.keepsake = Keepsake()
        self.blocks: dict[bytes, bytes] = {}
        self.roots: dict[bytes, Capability] = {}
        self.shared_roots: list[Capability] = []
        self.wished: list[Capability] = []
        self.kept_grants: dict[bytes, Grant] = {}
        self.keys = ports.keys.open(ports.entropy.random(32))
        self.stored_foreign = 0
        self.fail_store: InosError | None = None

    def seal(self, plain: bytes, kind: int, quality: int = 0) -> Any:
        """Seal and keep a block."""
        span = self._ports.arena.alloc(len(plain))
        self._ports.arena.write(span, plain)
        sealed = self._kernels.perform(Seal(span, kind, quality, self.keys))
        self.blocks[sealed.bid] = self._ports.arena.read(sealed.block)
        self._ports.arena.release(span)
        self._ports.arena.release(sealed.block)
        return sealed

    def put(self, chunks: Iterable[bytes], fan_out: int = limits.MANIFEST_REFS_MAX) -> Capability:
        """A file of these chunks; more than ``fan_out`` of them make a second level of manifests."""
        chunks = list(chunks)
        refs = []
        for chunk in chunks:
            sealed = self.seal(chunk, KIND_CHUNK)
            refs.append(self._ref(sealed, len(chunk), len(chunk)))
        level = 0
        while len(refs) > fan_out:
            groups = [refs[at : at + fan_out] for at in range(0, len(refs), fan_out)]
            refs = [self._manifest(group, level) for group in groups]
            level += 1
        top = self._manifest(refs, level)
        capability = Capability(top.bid, top.secret)
        self.roots[top.bid] = capability
        return capability

    def _ref(self, sealed: Any, covers: int, raw_len: int) -> Ref:
        block_len = len(self.blocks[sealed.bid])
        return Ref(sealed.bid, sealed.secret, sealed.h, covers, raw_len, block_len, sealed.codec, sealed.quality)

    def _manifest(self, refs: list[Ref], level: int) -> Ref:
        total = sum(ref.covers for ref in refs)
        data = encode_manifest(
            Manifest(kind=1, total_len=total, h_file=bytes(32), refs=Refs.of(refs), level=level, name="file")
        )
        return self._ref(self.seal(data, KIND_MANIFEST, 6), total, len(data))

    # --- what the node needs ------------------------------------------------------------------------------------------

    def block_len(self, bid: bytes) -> int | None:
        block = self.blocks.get(bid)
        return None if block is None else len(block)

    async def read_block(self, bid: bytes) -> Span:
        await DiskTurn()
        if bid not in self.blocks:
            raise NotFound("no such block")
        span = self._ports.arena.alloc(len(self.blocks[bid]))
        self._ports.arena.write(span, self.blocks[bid])
        return span

    async def store_foreign(self, bid: bytes, span: Span) -> None:
        await DiskTurn()
        if self.fail_store is not None:
            raise self.fail_store
        data = self._ports.arena.read(span)
        assert self._ports.hashes.hash(data) == bid, "an unchecked block reached the store"
        assert bid not in self.blocks, "a held block was stored again"
        self.blocks[bid] = data
        self.stored_foreign += 1

    async def share(self, root: bytes) -> Capability:
        await DiskTurn()
        if root not in self.roots:
            raise NotFound("no such root")
        capability = self.roots[root]
        if capability not in self.shared_roots:
            self.shared_roots.append(capability)
        return capability

    def shared(self) -> list[Capability]:
        granted = [self.roots[grant.root] for grant in self.kept_grants.values() if not grant.revoked]
        return [*self.shared_roots, *(capability for capability in granted if capability not in self.shared_roots)]

    async def wish(self, capability: Any) -> None:
        await DiskTurn()
        self.wished.append(Capability(capability.bid, capability.secret))

    def wishes(self) -> list[Capability]:
        return list(self.wished)

    async def unwish(self, capability: Any) -> None:
        await DiskTurn()
        self.wished = [wish for wish in self.wished if wish.bid != capability.bid]

    def capability(self, root: bytes) -> Capability:
        if root not in self.roots:
            raise NotFound("no such root")
        return self.roots[root]

    async def grant(self, root: bytes, grant_id: bytes, key: bytes) -> None:
        await DiskTurn()
        self.kept_grants[grant_id] = Grant(key, self.capability(root).bid, 0)

    async def revoke(self, grant_id: bytes) -> None:
        await DiskTurn()
        if grant_id not in self.kept_grants:
            raise NotFound("no such link")
        self.kept_grants[grant_id].revoked = True

    def grants(self) -> dict[bytes, Grant]:
        return dict(self.kept_grants)

    def stats(self) -> dict[str, int]:
        return {"blocks": len(self.blocks)}

    async def adopt(self, capability: Any) -> bytes:
        await DiskTurn()
        own = Capability(capability.bid, capability.secret)
        self.wished = [wish for wish in self.wished if wish != own]
        self.roots[own.bid] = own
        return own.bid

    async def remove(self, root: bytes) -> None:
        await DiskTurn()
        if self.roots.pop(root, None) is None:
            raise NotFound("no such root")
        self.shared_roots = [capability for capability in self.shared_roots if capability.bid != root]


@dataclass
class End:
    """One end of a connection: a page's RTCPeerConnection and the net worker's channel."""

    peer: Peer
    link: LinkId
    fingerprint: bytes
    other: End | None = None
    is_open: bool = False
    is_closed: bool = False  # closed was reported
    expected: dict[int, Span] = field(default_factory=dict)
    arrived: dict[int, int] = field(default_factory=dict)
    sending: set[int] = field(default_factory=set)
    free_at: float = 0.0  # the direction away from here is ordered and has a rate
    row: PeerRow = field(default_factory=lambda: PeerRow(0, 0.0, 0.0, 0, 0, 0))
    accepts_data: bool = False
    pace_s: float = 1.0  # as the net worker begins


@dataclass
class Faults:
    """What goes wrong, switched by tests."""

    latency_s: tuple[float, float] = (0.001, 0.02)
    rate_bytes_per_s: float = 20e6
    drop_signal: Callable[[Peer, bytes, bytes], bool] = lambda _peer, _room, _payload: False
    on_signal: Callable[[Peer, bytes, bytes], None] = lambda _peer, _room, _payload: None
    tamper_block: Callable[[Peer, Peer, bytes], bytes] = lambda _sender, _receiver, data: data
    tamper_control: Callable[[Peer, Peer, bytes], list[bytes]] = lambda _sender, _receiver, data: [data]
    fingerprints: Callable[[Peer, bytes, bytes], tuple[bytes, bytes]] = lambda _peer, local, remote: (local, remote)


class World:
    """Clock, server and connections."""

    def __init__(self, seed: int = 1, arena_bytes: int = ARENA_BYTES) -> None:
        self.rng = random.Random(seed)
        self.arena_bytes = arena_bytes
        self.now = START_S
        self.faults = Faults()
        self.peers: list[Peer] = []
        self.is_server_up = True
        self.rooms: dict[bytes, list[Peer]] = {}
        self.signals: list[tuple[bytes, bytes]] = []
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._sdp: dict[int, End] = {}

    def peer(self, name: str, **options: Any) -> Peer:
        """A new node, started."""
        peer = Peer(self, name, **options)
        self.peers.append(peer)
        return peer

    def delay(self) -> float:
        """A network delay."""
        return self.rng.uniform(*self.faults.latency_s)

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a time."""
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later."""
        self.at(self.now + seconds, action)

    def run(self, until: Callable[[], bool] = lambda: False, seconds: float = 60.0, steps_max: int = 400_000) -> bool:
        """Let time pass until the condition holds; whether it did within ``seconds``."""
        end = self.now + seconds
        for _ in range(steps_max):
            for peer in self.peers:
                peer.turn()
            if until():
                return True
            deadlines = [(peer.node.next_deadline(), peer) for peer in self.peers if peer.is_alive]
            times = [when for when, _ in deadlines if when is not None]
            if self._heap:
                times.append(self._heap[0][0])
            when = max(self.now, min(times, default=end))
            if when > end:
                self.now = end
                return until()
            self.now = when
            while self._heap and self._heap[0][0] <= self.now:
                heapq.heappop(self._heap)[2]()
            for deadline, peer in deadlines:
                if deadline is not None and deadline <= self.now and peer.is_alive:
                    peer.node.on_deadline(self.now)
        raise AssertionError(f"no end after {steps_max} steps at {self.now}")

    # --- the rendezvous server ----------------------------------------------------------------------------------------

    def stop_server(self) -> None:
        """The server dies; existing connections do not care."""
        self.is_server_up = False
        self.rooms.clear()
        for peer in self.peers:
            if peer.is_alive:
                peer.node.links.on_rendezvous(up=False, now=self.now)

    def start_server(self) -> None:
        """It is there again."""
        self.is_server_up = True
        for peer in self.peers:
            if peer.is_alive:
                peer.node.links.on_rendezvous(up=True, now=self.now)

    def join(self, peer: Peer, room_id: bytes) -> None:
        """A page asks to join."""
        if self.is_server_up and peer.is_alive:
            members = self.rooms.setdefault(room_id, [])
            if peer not in members:
                members.append(peer)
            peer.node.links.on_joined(room_id, len(members), self.now)

    def signal(self, sender: Peer, room_id: bytes, payload: bytes) -> None:
        """A page sends sealed bytes to a room."""
        assert len(payload) <= limits.SIGNAL_BYTES_MAX
        self.signals.append((room_id, payload))
        self.faults.on_signal(sender, room_id, payload)
        for member in list(self.rooms.get(room_id, [])):
            if member is not sender and not self.faults.drop_signal(member, room_id, payload):
                self.after(self.delay(), lambda member=member: member.hear(room_id, payload))

    # --- connections --------------------------------------------------------------------------------------------------

    def describe(self, end: End) -> str:
        """An SDP that names this end."""
        number = len(self._sdp)
        self._sdp[number] = end
        return json.dumps({"end": number, "candidates": "x" * 900})

    def described(self, sdp: str) -> End | None:
        """The end that an SDP names."""
        try:
            return self._sdp.get(json.loads(sdp)["end"])
        except (ValueError, KeyError, TypeError):
            return None


class Peer:
    """A node and its adapter."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        vault: MemoryVault | None = None,
        folder: Path | None = None,
        keyring: HostKeyring | None = None,
        origin: str = "",
    ) -> None:
        self.world = world
        self.name = name
        self.is_alive = True
        self.rng = random.Random(world.rng.random())
        ports, self.kernels = make_ports(world.arena_bytes)
        self.ports = dataclasses.replace(ports, entropy=SeededEntropy(self.rng))
        self.keyring = keyring or HostKeyring(entropy=self.ports.entropy)  # who dials whom follows from keys
        self.tasks = Tasks()
        self.tasks.now = world.now
        self.crashes: list[tuple[str, BaseException]] = []
        self.tasks.on_crash = lambda task, error: self.crashes.append((task.name, error))
        self.streams = Streams(ports.arena)
        self.performers: list[tuple[tuple[type, ...], Any]] = [
            (KERNEL_EFFECTS, self.kernels),
            (KEYRING_EFFECTS, self.keyring),
            (STREAM_EFFECTS, self.streams),
        ]
        if folder is None:
            self.vault: Any = MemoryVault(self.ports, self.kernels)
        else:  # a real one
            self.vault = Vault(self.ports, self.tasks, wall_offset_s=WALL_OFFSET_S)
            self.performers.append((DISK_EFFECTS, HostDisk(ports.arena, folder)))
        if vault is not None:
            self.vault.blocks = dict(vault.blocks)
            self.vault.roots = dict(vault.roots)
            self.vault.kept_grants = dict(vault.kept_grants)
            self.vault.shared_roots, self.vault.wished = list(vault.shared_roots), list(vault.wished)
        self.ends: dict[int, End] = {}
        self.node = Node(self.tasks, self.ports, self.vault, self, wall_offset_s=WALL_OFFSET_S, origin=origin)
        self.events: list[object] = []
        self.effects = 0
        self.starting = self.tasks.spawn(self._start(), "start")
        if world.is_server_up:
            self.node.links.on_rendezvous(up=True, now=world.now)
        self.turn()

    async def _start(self) -> None:
        if isinstance(self.vault, Vault):
            await self.vault.open()
        await self.node.start()

    @property
    def links(self) -> Links:
        return self.node.links

    def row(self, channel: int) -> PeerRow | None:
        """The peer table."""
        end = self.ends.get(channel)
        return end.row if end is not None else None

    # --- verbs for tests ----------------------------------------------------------------------------------------------

    def share(self, capability: Capability) -> str:
        """Share a root that was put; the link, once the node has it."""
        task = self.tasks.spawn(self.node.share(capability.bid), "share")
        assert self.world.run(lambda: task.done, 5)
        assert task.result() == link_to(capability)
        return task.result()

    def fetch(self, link: str, timeout_s: float | None = None) -> Task[bytes]:
        """Begin to fetch."""
        task = self.tasks.spawn(self.node.fetch(link, timeout_s), "test fetch")
        task.on_done(lambda: None)  # watched
        return task

    def linked(self, other: Peer | None = None) -> list[End]:
        """Authenticated connections (to one other)."""
        ends = [self.ends[link.channel] for link, _, _ in self.links.peers()]
        return [end for end in ends if other is None or (end.other is not None and end.other.peer is other)]

    def die(self) -> None:
        """The browser is killed: nothing is said, connections just go silent."""
        self.is_alive = False
        for members in self.world.rooms.values():
            if self in members:
                members.remove(self)

    def saw(self, kind: type) -> list[Any]:
        """Events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def lent_spans(self) -> int:
        """Spans in the arena; the test's own are none."""
        return self.ports.arena.live()  # type: ignore[attr-defined]

    # --- the adapter's loop -------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Effects out, commands out, events out, until quiet."""
        while self.is_alive:
            effects = self.node.poll_effects()
            for effect_id, effect in effects:
                self.effects += 1
                self.world.after(self.rng.uniform(0, 0.003), lambda e=effect, i=effect_id: self._answer(i, e))
            commands = self.node.poll_commands()
            for command in commands:
                self._do(command)
            self.events += self.node.poll_events()
            if not effects and not commands:
                return

    def _answer(self, effect_id: int, effect: Effect[Any]) -> None:
        if not self.is_alive:
            return
        try:
            if isinstance(effect, DiskTurn):
                result: object = None
            else:
                result = next(one for kinds, one in self.performers if isinstance(effect, kinds)).perform(effect)
        except InosError as error:
            result = error
        self.node.on_done(effect_id, result, self.world.now)

    def hear(self, room_id: bytes, payload: bytes) -> None:
        """The server delivers a signal."""
        if self.is_alive and self.world.is_server_up:
            self.links.on_signal(room_id, payload, self.world.now)

    def _do(self, command: c.Command) -> None:
        world = self.world
        if isinstance(command, c.JoinRoom):
            world.after(world.delay(), lambda: world.join(self, command.room_id))
        elif isinstance(command, c.LeaveRoom):
            members = world.rooms.get(command.room_id, [])
            if self in members:
                members.remove(self)
        elif isinstance(command, c.SendSignal):
            if world.is_server_up and self in world.rooms.get(command.room_id, []):
                world.signal(self, command.room_id, command.payload)
        elif isinstance(command, c.Dial | c.Answer | c.Accept | c.Hangup):
            getattr(self, f"_do_{type(command).__name__.lower()}")(command)
        else:
            end = self.ends.get(command.channel)
            if end is not None and end.link == (command.channel, command.generation):
                NET[type(command)](end, command)

    # --- the page -----------------------------------------------------------------------------------------------------

    def _new_end(self, command: c.Dial | c.Answer) -> End:
        old = self.ends.get(command.channel)
        assert old is None or not old.is_open or old.is_closed, "a channel was used again before it settled"
        assert old is None or old.link.generation < command.generation
        end = End(self, LinkId(command.channel, command.generation), self.rng.randbytes(32))
        end.row = PeerRow(command.generation, self.world.now, 0.01, 0, 0, 0)
        self.ends[command.channel] = end
        return end

    def _later(self, end: End, action: Callable[[], None]) -> None:
        self.world.after(self.world.delay(), lambda: action() if self.is_alive else None)

    def _do_dial(self, command: c.Dial) -> None:
        end = self._new_end(command)
        sdp = self.world.describe(end)
        self._later(end, lambda: self.links.on_local_sdp(*end.link, sdp, self.world.now))

    def _do_answer(self, command: c.Answer) -> None:
        end = self._new_end(command)
        end.other = self.world.described(command.sdp)
        if end.other is None:
            self._later(end, lambda: self.links.on_failed(*end.link, "bad sdp", self.world.now))
            return
        sdp = self.world.describe(end)
        self._later(end, lambda: self.links.on_local_sdp(*end.link, sdp, self.world.now))

    def _do_accept(self, command: c.Accept) -> None:
        end = self.ends.get(command.channel)
        other = self.world.described(command.sdp)
        if end is None or end.link != (command.channel, command.generation) or other is None or other.other is not end:
            return
        end.other = other
        self.world.after(self.world.delay(), lambda: connect(end, other))

    def _do_hangup(self, command: c.Hangup) -> None:
        end = self.ends.get(command.channel)
        if end is not None and end.link == (command.channel, command.generation):
            close(end)


def link_to(capability: Capability) -> str:
    """The file link's fragment."""
    return encode(Link(capability.bid, capability.secret))


# --- connections and net workers -----------------------------------------------------------------------------------------


def connect(end: End, other: End) -> None:
    """ICE and DTLS are done: both pages and net workers say so, in any order."""
    world = end.peer.world
    for one, two in ((end, other), (other, end)):
        if one.is_closed or two.is_closed or not one.peer.is_alive or not two.peer.is_alive:
            return
    for one, two in ((end, other), (other, end)):
        local, remote = world.faults.fingerprints(one.peer, one.fingerprint, two.fingerprint)

        def connected(one: End = one, local: bytes = local, remote: bytes = remote) -> None:
            if one.peer.is_alive:
                one.peer.links.on_connected(*one.link, local, remote, world.now)

        def opened(one: End = one) -> None:
            if one.peer.is_alive and not one.is_closed:
                one.is_open = True
                one.peer.links.on_opened(*one.link, world.now)

        world.after(world.delay(), connected)
        one.free_at = max(one.free_at, world.now + 0.03)  # nothing is sent before both are open
        world.after(world.delay(), opened)


def close(end: End) -> None:
    """Close both ends; each net worker lets go and says closed once."""
    world = end.peer.world
    for one in (end, end.other):
        if one is None or one.is_closed or (one is not end and one.other is not end):
            continue
        one.is_closed = True
        was_open = one.is_open

        def closed(one: End = one, was_open: bool = was_open) -> None:
            one.expected.clear()
            one.sending.clear()
            if was_open and one.peer.is_alive:
                one.peer.links.on_closed(*one.link, world.now)

        world.after(0.001 if one is end else world.delay(), closed)


def reaches(end: End) -> bool:
    """Whether anything gets from this end to the other."""
    other = end.other
    return other is not None and not end.is_closed and not other.is_closed and end.peer.is_alive and other.peer.is_alive


def in_order(end: End, length: int, action: Callable[[End], None]) -> None:
    """Deliver something at the other end, after everything sent before it, at the wire's rate."""
    world = end.peer.world
    other = end.other
    if other is None:
        return
    end.free_at = max(end.free_at, world.now) + length / world.faults.rate_bytes_per_s
    end.row = dataclasses.replace(end.row, bytes_out=end.row.bytes_out + length)

    def arrive() -> None:
        if reaches(end):
            row = other.row
            other.row = dataclasses.replace(row, last_heard_s=world.now, bytes_in=row.bytes_in + length)
            action(other)

    world.at(end.free_at + world.faults.latency_s[1], arrive)


def send_control(end: End, command: c.SendControl) -> None:
    assert len(command.data) <= limits.MESSAGE_CONTROL_BYTES_MAX
    other = end.other
    if other is None or end.is_closed:
        return
    for data in end.peer.world.faults.tamper_control(end.peer, other.peer, command.data):
        in_order(end, len(data), lambda to, d=data: to.peer.links.on_control(*to.link, d, to.peer.world.now))


def send_block(end: End, command: c.SendBlock) -> None:
    assert end.accepts_data, "data before the peer was authenticated"
    other = end.other
    if other is None or end.is_closed:
        return  # closed follows, or has been said
    data = end.peer.ports.arena.read(command.span)
    data = end.peer.world.faults.tamper_block(end.peer, other.peer, data)
    end.sending.add(command.request)
    size = max(1, -(-len(data) // FRAGMENTS))
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        in_order(
            end,
            len(piece),
            lambda to, p=piece, o=at: receive_fragment(to, command.request, o, p, len(data)),
        )

    def sent() -> None:
        if command.request in end.sending and end.peer.is_alive:
            end.sending.discard(command.request)
            end.peer.node.on_block_sent(*end.link, command.request, ok=True, now=end.peer.world.now)

    end.peer.world.at(end.free_at, sent)


def receive_fragment(end: End, request: int, offset: int, piece: bytes, total: int) -> None:
    span = end.expected.get(request)
    if span is None:
        return
    now, node = end.peer.world.now, end.peer.node
    if total > span.length:
        del end.expected[request]
        node.on_block_failed(*end.link, request, 1, now)
        return
    end.peer.ports.arena.write(Span(span.offset + offset, span.length - offset), piece)
    end.row = dataclasses.replace(end.row, block_bytes_in=end.row.block_bytes_in + len(piece))
    end.arrived[request] = end.arrived.get(request, 0) + len(piece)
    if end.arrived[request] == total:
        del end.expected[request], end.arrived[request]
        node.on_block_done(*end.link, request, total, now)


def expect(end: End, command: c.Expect) -> None:
    if not end.is_closed:
        assert command.request not in end.expected
        end.expected[command.request] = command.span


def unexpect(end: End, command: c.Unexpect) -> None:
    """Answered a little later, and the span may be written until then."""
    world = end.peer.world

    def forget() -> None:
        if end.expected.pop(command.request, None) is not None and end.peer.is_alive:
            end.arrived.pop(command.request, None)
            end.peer.node.on_block_failed(*end.link, command.request, 0, world.now)

    world.after(0.002, forget)


def accept_data(end: End, _command: c.AcceptData) -> None:
    end.accepts_data = True


def close_channel(end: End, _command: c.CloseChannel) -> None:
    close(end)


def set_pace(end: End, command: c.Pace) -> None:
    end.pace_s = command.interval_ms / 1000


NET: dict[type, Callable[[End, Any], None]] = {
    c.SendControl: send_control,
    c.SendBlock: send_block,
    c.Expect: expect,
    c.Unexpect: unexpect,
    c.AcceptData: accept_data,
    c.CloseChannel: close_channel,
    c.Pace: set_pace,
}


class Heartbeats:
    """Keeps rows fresh, as pings do; peers in ``silent`` are not heard. No pace asked for is faster than ``interval_s``."""

    def __init__(self, world: World, interval_s: float = 1.0) -> None:
        self._world = world
        self._interval_s = interval_s
        self.silent: set[str] = set()
        self._beat()

    def _beat(self) -> None:
        for peer in self._world.peers:
            for end in peer.ends.values():
                other = end.other
                if peer.is_alive and other is not None and reaches(other) and other.peer.name not in self.silent:
                    end.row = dataclasses.replace(end.row, last_heard_s=self._world.now)
        self._world.after(self._interval_s, self._beat)
