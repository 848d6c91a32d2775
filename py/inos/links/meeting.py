"""Signals in and out: what members of a room tell each other through the rendezvous.

Nouns: an *announce* to all says that we are in a room; an announce to one answers it.

Theory of operation. Only the lower of two sessions dials. The lower one dials when it hears an announce; the higher one
answers an announce to all with one to its sender, who then dials. Announces to one are never answered, so nothing loops.

Invariants: signals are opened, and their signatures verified, one after the other, and at most SIGNALS_QUEUED_MAX wait: what
a flood costs is bounded. Nothing is learned from a signal that cannot be opened, or that its session's key did not sign;
it is dropped without a word, since nobody could be blamed.

Must not know: connections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from inos import limits
from inos.errors import InosError
from inos.links import commands
from inos.links.commands import Command
from inos.links.dialer import Dialer
from inos.links.identity import Identity
from inos.links.rendezvous import REPLY_GAP_S, Contact, Membership, Rendezvous
from inos.links.sealing import Sealer
from inos.ports import Entropy
from inos.tasks import Future, Tasks
from inos.wire.fields import NOBODY, SESSION_BYTES
from inos.wire.messages import Announce, Answer, Offer, Signal

SIGNALS_QUEUED_MAX = 64


class Meeting:
    """Opens and sends signals. ``is_linked`` and ``consider`` are the links' part of meeting somebody."""

    def __init__(
        self,
        tasks: Tasks,
        entropy: Entropy,
        rendezvous: Rendezvous,
        sealer: Sealer,
        dialer: Dialer,
        *,
        identity: Identity,
        emit: Callable[[Command], None],
        is_linked: Callable[[bytes], bool],
        consider: Callable[[Contact], None],
    ) -> None:
        self._tasks = tasks
        self._entropy = entropy
        self._rendezvous = rendezvous
        self._sealer = sealer
        self._dialer = dialer
        self._identity = identity
        self._emit = emit
        self._is_linked = is_linked
        self._consider = consider
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._came: Future[None] = Future()
        self._announcing = 0

    def on_server(self, up: bool) -> bool:
        """The server came or went; whether that is news. All rooms are joined (again) when it comes."""
        if up == self._rendezvous.up:
            return False
        self._rendezvous.set_up(up)
        for room_id, member in self._rendezvous.rooms.items():
            if up and not member.dormant:
                self._emit(commands.JoinRoom(room_id))
        return True

    def put(self, room_id: bytes, payload: bytes) -> None:
        """Sealed bytes came. Too many at once: the newest are dropped, since senders repeat themselves."""
        if room_id in self._rendezvous.rooms and len(self._queue) < SIGNALS_QUEUED_MAX:
            self._queue.append((room_id, payload))
            self._came.set(None)

    async def listen(self) -> None:
        """Open signals, for ever."""
        while True:
            while not self._queue:
                self._came = Future()
                await self._came
            room_id, payload = self._queue.popleft()
            member = self._rendezvous.rooms.get(room_id)
            if member is None:
                continue
            try:
                signal = await self._sealer.open(member.room, payload)
            except InosError:
                continue
            if self._rendezvous.rooms.get(room_id) is member:
                self._on_signal(member, signal)

    def _on_signal(self, member: Membership, signal: Signal) -> None:
        now = self._tasks.now
        wants = signal.wants if isinstance(signal, Announce) else None
        if wants and signal.to == NOBODY:
            wants = self._rendezvous.answers(member, self._entropy.random(1)[0] / 256)
        contact = self._rendezvous.hear(signal.sender, signal.public_key, member.room.room_id, wants, now)
        if contact is None:
            return
        if isinstance(signal, Offer):
            self._dialer.on_offer(contact, member.room, signal, wanting=member.wanting)
            return
        if isinstance(signal, Answer):
            self._dialer.on_answer(member.room, signal)
            return
        if signal.to == NOBODY and self._identity.session > signal.sender and not self._is_linked(signal.sender):
            is_needed = self._rendezvous.wanted_room(contact) is not None
            if is_needed and now - contact.replied_at >= REPLY_GAP_S:
                contact.replied_at = now
                self.announce(member, signal.sender)
        self._consider(contact)

    def announce(self, member: Membership, to: bytes, *, wants: bool = False) -> None:
        """Tell a room, or one session in it, that we are there; ``wants``: although we lack nothing, a link is wanted."""
        if self._announcing < limits.ROOMS_PER_SOCKET_MAX:
            self._announcing += 1
            self._tasks.spawn(self._send_announce(member, to, wants=wants or member.wanting), "announce")

    async def _send_announce(self, member: Membership, to: bytes, *, wants: bool) -> None:
        nonce = self._entropy.random(SESSION_BYTES)
        own = self._identity
        signal = Announce(own.public_key, own.session, to, self._sealer.wall_ms(), nonce, wants)
        try:
            payload = await self._sealer.seal(member.room, signal)
        except InosError:
            return  # no memory for 200 bytes now; the next announce is due in time
        finally:
            self._announcing -= 1
        if not self._rendezvous.up or self._rendezvous.rooms.get(member.room.room_id) is not member:
            return
        if self._rendezvous.may_say(member.room.room_id, self._tasks.now):
            self._emit(commands.SendSignal(member.room.room_id, payload))
