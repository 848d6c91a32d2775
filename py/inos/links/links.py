"""All links of a node: rooms in, authenticated channels out.

Theory of operation. What the page and the net worker report comes in through ``on_*`` methods; ``poll_commands`` and
``poll_events`` give what to do and what happened. Two coroutines live as long as the node: ``Meeting`` opens signals, the
other looks once a second (or when poked) at liveness, announces, dials and room proofs. Attempts are ``Dialer``'s.

A peer met in another room too is not dialled twice: both ends show a RoomProof over the link they have (``Proofs``).

Invariants: one link per peer id (the newest authenticated one); news of an older generation is ignored; nothing but HELLO
and AUTH is looked at before the peer is authenticated, and no more than ``Slot.admit`` allows; a banned peer is refused.

Must not know: the vault, what is transferred.
"""

from __future__ import annotations

from collections import deque

from inos import limits
from inos.errors import AuthRefused, InosError, LimitExceeded, PeerGone, PeerStalled, ProtocolViolation
from inos.links import commands
from inos.links.channels import Channels, Slot, State
from inos.links.commands import Command, LinkEvent, LinkId, PeerRow, PeerTable
from inos.links.dialer import Dialer
from inos.links.handshake import Proven
from inos.links.identity import Identity
from inos.links.liveness import LOOK_INTERVAL_S, Liveness
from inos.links.meeting import Meeting
from inos.links.penalties import Penalties
from inos.links.proofs import Proofs
from inos.links.rendezvous import Contact, Rendezvous
from inos.links.rooms import room_of
from inos.links.sealing import Sealer
from inos.ports import DevicePublicKey, Ports, Span
from inos.tasks import Future, Tasks
from inos.wire.fields import NOBODY
from inos.wire.messages import Auth, Bye, Control, Hello, Leave, RoomProof, decode_control, encode


class Links:
    """The node's links. ``wall_offset_s`` added to ``now`` gives seconds since 1970."""

    def __init__(self, tasks: Tasks, ports: Ports, table: PeerTable, *, wall_offset_s: float) -> None:
        self._tasks = tasks
        self._ports = ports
        self._table = table
        self.identity = Identity()
        self._channels = Channels()
        self._commands: deque[Command] = deque()
        self._emit = self._commands.append
        self._rendezvous = Rendezvous()
        self._sealer = Sealer(tasks, ports, self.identity, wall_offset_s)
        self._liveness = Liveness(table)
        self._penalties = Penalties()
        self.dialer = Dialer(
            tasks,
            ports,
            table,
            self._channels,
            self._rendezvous,
            self._sealer,
            identity=self.identity,
            emit=self._emit,
            on_proven=self._on_proven,
            end=self._end,
        )
        self._meeting = Meeting(
            tasks,
            ports.entropy,
            self._rendezvous,
            self._sealer,
            self.dialer,
            identity=self.identity,
            emit=self._emit,
            is_linked=lambda session: bool(self._channels.of_session(session)),
            consider=self._consider,
        )
        self._proofs = Proofs(tasks, ports.hashes, self._rendezvous, self._say)
        self._rendezvous.load = self._channels.load
        self._events: deque[LinkEvent] = deque()
        self._poked: Future[None] = Future()

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to run."""
        self.identity.begin(self._ports.hashes, self._ports.entropy, await DevicePublicKey())
        self._tasks.spawn(self._look(), "links look")
        self._tasks.spawn(self._meeting.listen(), "links listen")

    def close(self, now: float) -> None:
        """Say goodbye to everybody and leave all rooms."""
        self._at(now)
        for slot in self._channels.in_state(State.PENDING, State.UP):
            self._end(slot, PeerGone("goodbye"))
        for room_id in list(self._rendezvous.rooms):
            self.leave(room_id, now)

    def poll_commands(self) -> list[Command]:
        """What the page and the net worker are to do, in order."""
        out = list(self._commands)
        self._commands.clear()
        return out

    def poll_events(self) -> list[LinkEvent]:
        """What happened, in order."""
        out = list(self._events)
        self._events.clear()
        return out

    # --- for the node -------------------------------------------------------------------------------------------------

    def join(self, secret: bytes, now: float, *, sparing: bool = False) -> bytes:
        """Enter the room of this secret; its id. Raises LimitExceeded. ``sparing``: few signals go through the server."""
        self._at(now)
        room = room_of(self._ports.hashes, secret)
        if room.room_id not in self._rendezvous.rooms and len(self._rendezvous.rooms) >= limits.ROOMS_PER_SOCKET_MAX:
            raise LimitExceeded(f"{limits.ROOMS_PER_SOCKET_MAX} rooms")
        if self._rendezvous.join(room, sparing=sparing):
            # Said even while the server is away: the page connects only when a room is wanted.
            self._emit(commands.JoinRoom(room.room_id))
        return room.room_id

    def leave(self, room_id: bytes, now: float) -> None:
        """Leave a room; links made there stay as long as they are used."""
        self._at(now)
        if self._rendezvous.leave(room_id):
            self._sealer.forget(room_id)
            self._emit(commands.LeaveRoom(room_id))

    def rooms(self) -> list[bytes]:
        """Ids of the rooms we are in, oldest first."""
        return list(self._rendezvous.rooms)

    def set_wanting(self, room_id: bytes, wanting: bool, now: float) -> None:
        """Whether we lack bytes that members of this room may have."""
        self._at(now)
        self._rendezvous.set_wanting(room_id, wanting, now)
        self._poked.set(None)

    @property
    def is_rendezvous_up(self) -> bool:
        """Whether new peers can be met."""
        return self._rendezvous.up

    def peers(self) -> list[tuple[LinkId, bytes, frozenset[bytes]]]:
        """Authenticated links: id, peer id, rooms."""
        return [(slot.link, slot.peer_id, frozenset(slot.rooms)) for slot in self._channels.in_state(State.UP)]

    @property
    def sealer(self) -> Sealer:
        """Seals and opens signals, whichever way they go."""
        return self._sealer

    # --- for the transfer protocol ------------------------------------------------------------------------------------

    def is_up(self, link: tuple[int, int]) -> bool:
        """Whether the link is authenticated and not ended."""
        return self._up(link) is not None

    def send(self, link: tuple[int, int], message: Control) -> None:
        """Send a message; dropped when the link is gone."""
        slot = self._up(link)
        if slot is not None:
            self._say(slot, message)

    def send_block(self, link: tuple[int, int], request: int, span: Span) -> bool:
        """Lend a span to be sent; False (and nothing lent) when the link is gone."""
        slot = self._up(link)
        if slot is not None:
            self._emit(commands.SendBlock(*slot.link, request, span))
        return slot is not None

    def expect(self, link: tuple[int, int], request: int, span: Span) -> bool:
        """Lend a span to be written; False (and nothing lent) when the link is gone."""
        slot = self._up(link)
        if slot is not None:
            self._emit(commands.Expect(*slot.link, request, span))
        return slot is not None

    def unexpect(self, link: tuple[int, int], request: int) -> None:
        """Ask for the span back; it is given back by block-failed, block-done or closed."""
        slot = self._up(link)
        if slot is not None:
            self._emit(commands.Unexpect(*slot.link, request))

    def row(self, link: tuple[int, int]) -> PeerRow | None:
        """What the net worker measured on this link."""
        row = self._table.row(link[0])
        return row if row is not None and row.generation == link[1] else None

    def penalise(self, link: tuple[int, int], error: InosError) -> None:
        """The peer did this: count it; end the link for a broken protocol, and when the peer is banned."""
        slot = self._up(link)
        if slot is None:
            return
        banned = self._penalties.add(slot.peer_id, error, self._tasks.now)
        if banned or isinstance(error, ProtocolViolation):
            self._end(slot, error)

    def drop(self, link: tuple[int, int], error: InosError) -> None:
        """End a link."""
        slot = self._up(link)
        if slot is not None:
            self._penalties.add(slot.peer_id, error, self._tasks.now)
            self._end(slot, error)

    # --- from the page ------------------------------------------------------------------------------------------------

    def on_rendezvous(self, up: bool, now: float) -> None:
        """The rendezvous socket opened or closed."""
        self._at(now)
        if self._meeting.on_server(up):
            self._events.append(commands.RendezvousChanged(up))
            self._poked.set(None)

    def on_joined(self, room_id: bytes, members: int, now: float) -> None:
        """The server let us into a room, where there are so many ``members`` now."""
        self._at(now)
        self._rendezvous.set_joined(room_id, members, now)
        self._poked.set(None)

    def on_signal(self, room_id: bytes, payload: bytes, now: float) -> None:
        """Sealed bytes came."""
        self._at(now)
        self._meeting.put(room_id, payload)

    def on_local_sdp(self, channel: int, generation: int, sdp: str, now: float) -> None:
        """The page made an offer or an answer, with candidates."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is not None:
            slot.local_sdp.set(sdp)

    def on_connected(self, channel: int, generation: int, local: bytes, remote: bytes, now: float) -> None:
        """DTLS is up: SHA-256 of the certificates as this browser sees them."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is not None:
            slot.fingerprints.set((local, remote))

    def on_failed(self, channel: int, generation: int, reason: str, now: float) -> None:
        """The page could not connect, or lost the connection."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is not None:
            self._end(slot, PeerGone(reason[:80]))

    # --- from the net worker ------------------------------------------------------------------------------------------

    def on_opened(self, channel: int, generation: int, now: float) -> None:
        """The channel is open."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is not None and slot.state is State.PENDING:
            slot.has_opened = True
            slot.opened.set(None)

    def on_closed(self, channel: int, generation: int, now: float) -> None:
        """The channel closed; nothing of it is used by the net worker any more."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is None:
            return
        self._end(slot, PeerGone("the channel closed"))
        if slot.state is State.CLOSING:
            slot.settle()
            self._events.append(commands.ChannelSettled(slot.link))
        self._poked.set(None)

    def on_control(self, channel: int, generation: int, data: bytes, now: float) -> None:
        """A control message came."""
        self._at(now)
        slot = self._channels.find(channel, generation)
        if slot is None or slot.state is State.CLOSING:
            return
        try:
            slot.admit(now)
            message = decode_control(data)
            if slot.state is State.UP:
                self._on_message(slot, message)
            else:
                slot.deliver(message)
        except ProtocolViolation as error:
            if slot.state is State.UP:
                self._penalties.add(slot.peer_id, error, now)
            self._end(slot, error)

    # --- inside: links ------------------------------------------------------------------------------------------------

    def _on_message(self, slot: Slot, message: Control) -> None:
        if isinstance(message, (Hello, Auth)):
            raise ProtocolViolation("a second handshake")
        if isinstance(message, Bye):
            self._end(slot, PeerGone(message.reason or "goodbye"))
        elif isinstance(message, Leave):
            self._forget_room(slot, message.room_id)
        elif isinstance(message, RoomProof):
            if self._proofs.on_proof(slot, message):
                self._events.append(commands.PeerRooms(slot.link, slot.peer_id, frozenset(slot.rooms)))
        else:
            self._events.append(commands.Received(slot.link, slot.peer_id, message))

    def _forget_room(self, slot: Slot, room_id: bytes) -> None:
        if room_id not in slot.rooms:
            return
        slot.rooms.discard(room_id)
        slot.rooms_before.add(room_id)
        slot.proofs_sent.pop(room_id, None)
        self._events.append(commands.PeerRooms(slot.link, slot.peer_id, frozenset(slot.rooms)))
        if not slot.rooms:
            self._end(slot, PeerGone("no room left"))

    def _on_proven(self, slot: Slot, proven: Proven) -> None:
        now = self._tasks.now
        if self._penalties.is_banned(proven.peer_id, now):
            raise AuthRefused("banned")
        for other in self._channels.in_state(State.UP):
            if other.peer_id == proven.peer_id:
                self._end(other, PeerGone("replaced by a newer link"))
        slot.state = State.UP
        slot.peer_id, slot.binding, slot.up_since = proven.peer_id, proven.binding, now
        slot.rooms.add(slot.room.room_id)
        slot.up.set(None)
        if slot.session is not None:
            self._rendezvous.succeeded(slot.session)
        self._emit(commands.AcceptData(*slot.link))
        self._events.append(commands.PeerUp(slot.link, slot.peer_id, frozenset(slot.rooms)))
        self._poked.set(None)
        try:
            while slot.inbox and slot.state is State.UP:
                self._on_message(slot, slot.inbox.popleft())
        except ProtocolViolation as error:
            self._penalties.add(slot.peer_id, error, now)
            self._end(slot, error)

    def _end(self, slot: Slot, error: InosError) -> None:
        if slot.state not in (State.PENDING, State.UP):
            return
        was_up = slot.state is State.UP
        if was_up:
            self._say(slot, Bye(error.code))
        self._emit(commands.CloseChannel(*slot.link))
        self._emit(commands.Hangup(*slot.link))
        slot.end(error)
        if was_up:
            self._events.append(commands.PeerDown(slot.link, slot.peer_id, error.code))
            self._rendezvous.lost(slot.rooms, self._tasks.now)
        elif slot.has_opened and isinstance(error, (AuthRefused, ProtocolViolation, PeerStalled)):
            self._events.append(commands.PeerRefused(slot.link, error.code))
        if slot.session is not None:
            weight = 4 if isinstance(error, (AuthRefused, ProtocolViolation)) else 0 if was_up else 1
            chance = self._ports.entropy.random(1)[0] / 255
            self._rendezvous.failed(slot.session, weight, self._tasks.now, chance)
        self._poked.set(None)

    def _up(self, link: tuple[int, int]) -> Slot | None:
        slot = self._channels.find(*link)
        return slot if slot is not None and slot.state is State.UP else None

    # --- inside: coroutines -------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            now = self._tasks.now
            up = [(slot.link, slot.up_since) for slot in self._channels.in_state(State.UP)]
            if up:
                for link in self._liveness.silent(up, now):
                    self.drop(link, PeerStalled("silent"))
            else:
                self._liveness.pause()
            self._rendezvous.forget_silent(now)
            for member in self._rendezvous.due(now):
                self._meeting.announce(member, NOBODY)
            for contact in list(self._rendezvous.contacts.values()):
                self._consider(contact)
            self._poked = Future()
            await self._tasks.wait(self._poked, self._pause_s())

    def _pause_s(self) -> float:
        """Until the next look; a poke comes earlier."""
        due = self._rendezvous.next_due()
        pause_s = 60.0 if due is None else max(0.0, due - self._tasks.now)
        if self._rendezvous.contacts or self._channels.in_state(State.UP):
            pause_s = min(pause_s, LOOK_INTERVAL_S)
        return pause_s

    def _consider(self, contact: Contact) -> None:
        linked = [slot for slot in self._channels.of_session(contact.session) if slot.state is State.UP]
        for slot in linked:
            self._proofs.show(slot, contact)
        if not linked:
            self.dialer.consider(contact)

    def _say(self, slot: Slot, message: Control) -> None:
        self._emit(commands.SendControl(*slot.link, encode(message)))

    def _at(self, now: float) -> None:
        self._tasks.now = max(self._tasks.now, now)
