"""Making connections: who dials whom, how many at once, and one attempt from SDP to authenticated link.

Theory of operation. Of two sessions the lower one offers, so both never dial at once (no glare). An attempt is a coroutine:
local SDP, signal, remote SDP, channel open and fingerprints known, HELLO and AUTH. Whatever goes wrong ends the slot with
a typed error, and the next try waits longer. An offer from a session that we already have a link with is taken: the peer
has lost its end of the old one and noticed first; the new link replaces the old when, and only when, it is authenticated.

Invariants: at most DIALS_PENDING_MAX attempts; a link that is busy, or shares a room in which we lack bytes, is never
closed to make room; others are, oldest first, and only for somebody in a room in which we lack bytes.

Must not know: how the page connects, what rides on links.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TypeVar

from inos import limits
from inos.errors import Busy, InosError, PeerGone, PeerStalled
from inos.links import commands
from inos.links.channels import Channels, Slot, State
from inos.links.commands import Command, LinkId, PeerTable
from inos.links.handshake import Proven, own_hello, prove
from inos.links.identity import Identity
from inos.links.paths import Path, RoomPath
from inos.links.rendezvous import Contact, Rendezvous
from inos.links.rooms import Room
from inos.links.sealing import Sealer
from inos.ports import Ports
from inos.tasks import Future, Task, Tasks
from inos.wire.fields import NOBODY, SESSION_BYTES
from inos.wire.messages import Answer, Control, Offer, encode

T = TypeVar("T")


class Patience:
    """How long a handshake may take: what its peer says of itself counts; time in which we did not look does not."""

    def __init__(self, link: LinkId, table: PeerTable, now: float) -> None:
        self._link = link
        self._table = table
        self._deadline = now + limits.AUTH_TIMEOUT_S
        self._since = inf
        self._looked_at = now

    def awaits(self, since: float) -> None:
        """From now on a message is awaited; or none, if that is never."""
        self._since = since

    def is_over(self, now: float) -> bool:
        """Whether to give up. To be asked every HANDSHAKE_LOOK_S."""
        late_s = now - self._looked_at - limits.HANDSHAKE_LOOK_S
        self._looked_at = now
        if late_s > limits.HANDSHAKE_BUSY_S:  # what it said meanwhile may still lie before us
            self._since, self._deadline = self._since + late_s, self._deadline + late_s
        if now < min(self._since + limits.HANDSHAKE_SILENT_S, self._deadline):
            return False
        row = self._table.row(self._link.channel)
        at_work = (
            row is not None
            and row.generation == self._link.generation
            and now - row.last_heard_s < limits.HANDSHAKE_SILENT_S
            and row.brain_age_s > limits.HANDSHAKE_BUSY_S
        )
        return now >= self._deadline or not at_work


class Dialer:
    """Starts attempts and runs them."""

    def __init__(
        self,
        tasks: Tasks,
        ports: Ports,
        table: PeerTable,
        channels: Channels,
        rendezvous: Rendezvous,
        sealer: Sealer,
        *,
        identity: Identity,
        emit: Callable[[Command], None],
        on_proven: Callable[[Slot, Proven], None],
        end: Callable[[Slot, InosError], None],
    ) -> None:
        self._tasks = tasks
        self._ports = ports
        self._table = table
        self._channels = channels
        self._rendezvous = rendezvous
        self._sealer = sealer
        self._identity = identity
        self._emit = emit
        self._on_proven = on_proven
        self._end = end
        self.busy: Callable[[LinkId], bool] = lambda _link: False

    # --- policy -------------------------------------------------------------------------------------------------------

    def consider(self, contact: Contact) -> None:
        """Dial a contact if a link is wanted, it is ours to dial, and it is time."""
        if self._identity.session > contact.session or not self._rendezvous.up or contact.retry_at > self._tasks.now:
            return
        if self._channels.of_session(contact.session):
            return
        member = self._rendezvous.wanted_room(contact)
        if member is not None:
            self._start(contact, member.room, None, self._room_path(member.room), wanting=member.wanting)

    def on_offer(
        self, contact: Contact, room: Room, offer: Offer, path: Path | None = None, *, wanting: bool
    ) -> Slot | None:
        """Somebody dials us; the attempt, if there is one. ``path``: how the answer goes, if not through the room."""
        if offer.to != self._identity.session or offer.sender > self._identity.session:
            return None
        for slot in self._channels.of_session(offer.sender):
            if slot.state is State.PENDING:
                self._end(slot, PeerGone("dialled again"))
        return self._start(contact, room, offer, path or self._room_path(room), wanting=wanting)

    def on_answer(self, room: Room, answer: Answer) -> None:
        """The answer to one of our offers."""
        for slot in self._channels.of_session(answer.sender):
            if slot.offering and slot.room == room and slot.offer_nonce == answer.offer:
                slot.answer.set(answer.sdp)

    def dial(self, contact: Contact, room: Room, path: Path | None, *, wanting: bool) -> Slot | None:
        """Dial somebody whom another part chose, now; None when too many attempts are under way or all channels taken."""
        assert self._identity.session < contact.session, "the lower session offers"
        return self._start(contact, room, None, path or self._room_path(room), wanting=wanting)

    def invite(self, room: Room, path: Path) -> Slot | None:
        """Make an offer to whoever gets it; who it is the answer tells."""
        return self._start(None, room, None, path, wanting=True)

    def answer_invitation(self, offer: Offer, room: Room, path: Path) -> Slot | None:
        """Answer an offer that was made to nobody in particular."""
        contact = Contact(offer.sender, offer.public_key, self._tasks.now)
        return self._start(contact, room, offer, path, wanting=True)

    def _room_path(self, room: Room) -> RoomPath:
        return RoomPath(self._sealer, self._rendezvous, room, self._emit)

    def _start(
        self, contact: Contact | None, room: Room, offer: Offer | None, path: Path, *, wanting: bool
    ) -> Slot | None:
        if len(self._channels.in_state(State.PENDING)) >= limits.DIALS_PENDING_MAX:
            return None
        session, public_key = (contact.session, contact.public_key) if contact is not None else (None, b"")
        slot = self._channels.begin(session, public_key, room, offering=offer is None)
        if slot is not None:
            self._tasks.spawn(self._attempt(slot, offer, path), f"attempt {slot.link}")
        elif wanting:
            self._make_room()
        return slot

    def _make_room(self) -> None:
        """Close one idle link; its channel is free when it has settled, and then the dial is considered again."""
        if self._channels.in_state(State.CLOSING):
            return
        wanted = {m.room.room_id for m in self._rendezvous.rooms.values() if m.wanting}
        idle = [s for s in self._channels.in_state(State.UP) if not s.rooms & wanted and not self.busy(s.link)]
        if idle:
            self._end(min(idle, key=lambda slot: slot.up_since), Busy("made room for another peer"))

    # --- one attempt --------------------------------------------------------------------------------------------------

    async def _attempt(self, slot: Slot, offer: Offer | None, path: Path) -> None:
        try:
            await self._connect(slot, offer, path)
            proven = await self._prove(slot)
            if slot.state is State.PENDING:
                self._on_proven(slot, proven)
        except InosError as error:
            if slot.state is State.PENDING:
                self._end(slot, error)

    async def _connect(self, slot: Slot, offer: Offer | None, path: Path) -> None:
        deadline = self._tasks.now + path.patience_s
        to, nonce = slot.session or NOBODY, self._ports.entropy.random(SESSION_BYTES)
        own_key, own_session = self._identity.public_key, self._identity.session
        if offer is None:
            slot.offer_nonce = nonce
            self._emit(commands.Dial(*slot.link))
            sdp = await self._within(slot.local_sdp, deadline)
            signal = Offer(own_key, own_session, to, self._sealer.wall_ms(), nonce, sdp)
            say = self._tasks.spawn(path.offer(slot, signal), f"offer {slot.link}")
            say.on_done(lambda: self._said(slot, say))
            self._emit(commands.Accept(*slot.link, await self._within(slot.answer, deadline)))
            deadline = self._tasks.now + limits.DIAL_TIMEOUT_S
        else:
            patient = path.patience_s > limits.DIAL_TIMEOUT_S
            self._emit(commands.Answer(*slot.link, offer.sdp, patient))
            sdp = await self._within(slot.local_sdp, deadline)
            answer = Answer(own_key, own_session, to, self._sealer.wall_ms(), nonce, offer.nonce, sdp)
            await path.answer(slot, answer)
        await self._within(slot.opened, deadline)

    def _said(self, slot: Slot, say: Task[None]) -> None:
        try:
            say.result()
        except InosError as error:
            if slot.is_pending:
                self._end(slot, error)

    async def _prove(self, slot: Slot) -> Proven:
        def send(message: Control) -> None:
            if slot.state is State.PENDING:
                self._emit(commands.SendControl(*slot.link, encode(message)))

        patience = Patience(slot.link, self._table, self._tasks.now)

        async def receive() -> Control:
            patience.awaits(self._tasks.now)
            try:
                return await slot.receive()
            finally:
                patience.awaits(inf)

        assert slot.session is not None
        nonce = self._ports.entropy.random(32)
        task = self._tasks.spawn(
            prove(
                self._ports.hashes,
                slot.room,
                offering=slot.offering,
                own=own_hello(self._identity.public_key, nonce, self._identity.session),
                session=slot.session,
                public_key=slot.public_key,
                send=send,
                receive=receive,
                fingerprints=slot.fingerprints,
            ),
            f"prove {slot.link}",
        )
        while not await self._tasks.wait(task, limits.HANDSHAKE_LOOK_S):
            if patience.is_over(self._tasks.now):
                self._tasks.cancel(task)
                raise PeerStalled("no AUTH in time")
        return task.result()

    async def _within(self, future: Future[T], deadline: float) -> T:
        if not await self._tasks.wait(future, max(0.0, deadline - self._tasks.now)):
            raise PeerStalled("no connection in time")
        return future.result()
