"""The slots of channels: which are free, what each is doing, and which generation it is in.

Nouns: a *slot* is one use of one of PEERS_MAX channels; a *generation* numbers the uses of a channel from 1; an *attempt* is
a use that is not yet authenticated.

    PENDING -> UP -> CLOSING -> (free)        PENDING -> CLOSING or (free)

Invariants: a channel that was opened stays CLOSING until the net worker said closed, since until then it may write into
spans; one that never opened is free at once. Each use is an object of its own, so that a coroutine of an old use can
never touch the next one. Ending a slot fails everything that anybody awaits of it. What a peer may send before it is
authenticated is bounded by EARLY_MESSAGES_MAX, and how often it may send at all by a token bucket.

Must not know: rooms' rules, dialling policy.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from inos import limits
from inos.bucket import TokenBucket
from inos.errors import InosError, ProtocolViolation
from inos.links.commands import LinkId
from inos.links.rooms import Room
from inos.tasks import Future
from inos.wire.messages import Control

# HELLO, AUTH, and what an end says that has verified us before we verified it.
EARLY_MESSAGES_MAX = 32


class State(Enum):
    """What a slot is doing."""

    PENDING = "pending"
    UP = "up"
    CLOSING = "closing"
    FREE = "free"


class Slot:
    """One use of one channel."""

    def __init__(self, link: LinkId, session: bytes | None, public_key: bytes, room: Room, *, offering: bool) -> None:
        self.link = link
        self.session: bytes | None = (
            session  # of the peer; None while it is not known, or when its claim turned out untrue
        )
        self.public_key = public_key  # of the peer, as its signals showed it; proven by AUTH
        self.room = room  # where it was met; proven by AUTH
        self.offering = offering
        self.state = State.PENDING
        self.has_opened = False
        self.offer_nonce = b""
        self.local_sdp: Future[str] = Future()
        self.answer: Future[str] = Future()
        self.opened: Future[None] = Future()
        self.fingerprints: Future[tuple[bytes, bytes]] = Future()
        self.up: Future[None] = Future()
        self.inbox: deque[Control] = deque()
        self._arrival: Future[None] = Future()
        self._controls = TokenBucket(limits.CONTROLS_PER_S_MAX, limits.CONTROLS_BURST_MAX)
        self._ended: InosError | None = None
        # once UP
        self.peer_id = b""
        self.binding = b""
        self.up_since = 0.0
        self.rooms: set[bytes] = set()
        self.rooms_before: set[bytes] = set()  # which either end has left; what was on its way is no fault
        self.proofs_sent: dict[bytes, float] = {}  # room id -> when

    @property
    def is_pending(self) -> bool:
        """It may still come up."""
        return self.state is State.PENDING

    def admit(self, now: float) -> None:
        """A message came, which costs something to look at. Raises ProtocolViolation when they are too many."""
        if not self._controls.take(now):
            raise ProtocolViolation("control messages faster than allowed")

    def deliver(self, message: Control) -> None:
        """A message that came before the peer was authenticated. Raises ProtocolViolation when there are too many."""
        if len(self.inbox) >= EARLY_MESSAGES_MAX:
            raise ProtocolViolation("too many messages before AUTH")
        self.inbox.append(message)
        arrival, self._arrival = self._arrival, Future()
        arrival.set(None)

    async def receive(self) -> Control:
        """The next message. Raises the error that ended the slot."""
        while not self.inbox:
            if self._ended is not None:
                raise self._ended
            await self._arrival
        return self.inbox.popleft()

    def end(self, error: InosError) -> None:
        """No more use: fail whoever waits. The channel is free, or closing if the net worker knows it."""
        assert self.state in (State.PENDING, State.UP)
        self.state = State.CLOSING if self.has_opened else State.FREE
        self._ended = error
        self.inbox.clear()
        for future in (self.local_sdp, self.answer, self.opened, self.fingerprints, self.up):
            future.fail(error)
        self._arrival.fail(error)

    def settle(self) -> None:
        """The net worker has let go."""
        assert self.state is State.CLOSING
        self.state = State.FREE


class Channels:
    """All channels and the use each is in."""

    def __init__(self) -> None:
        self._slots: list[Slot | None] = [None] * limits.PEERS_MAX
        self._generations = [0] * limits.PEERS_MAX

    def find(self, channel: int, generation: int) -> Slot | None:
        """The slot if this generation is the current one and in use."""
        slot = self._slots[channel] if 0 <= channel < len(self._slots) else None
        return (
            slot if slot is not None and slot.link.generation == generation and slot.state is not State.FREE else None
        )

    def begin(self, session: bytes | None, public_key: bytes, room: Room, *, offering: bool) -> Slot | None:
        """Use a free channel; the least used one, so that late news of an old use is told apart. None: all are taken."""
        free = [n for n, slot in enumerate(self._slots) if slot is None or slot.state is State.FREE]
        if not free:
            return None
        channel = min(free, key=lambda n: self._generations[n])
        self._generations[channel] += 1
        slot = Slot(LinkId(channel, self._generations[channel]), session, public_key, room, offering=offering)
        self._slots[channel] = slot
        return slot

    def in_state(self, *states: State) -> list[Slot]:
        """Slots in one of these states."""
        return [slot for slot in self._slots if slot is not None and slot.state in states]

    def of_session(self, session: bytes) -> list[Slot]:
        """Attempts and links with a session."""
        return [slot for slot in self.in_state(State.PENDING, State.UP) if slot.session == session]

    def load(self, room_id: bytes) -> int:
        """Attempts and links in a room."""
        found = self.in_state(State.PENDING, State.UP)
        return sum(room_id in slot.rooms or (slot.is_pending and slot.room.room_id == room_id) for slot in found)
