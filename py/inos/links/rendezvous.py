"""Who is where: the rooms we are in, the sessions heard of there, and when to announce ourselves.

Nouns: a *membership* is a room we joined; a *contact* is a session that a signed signal told us of; a room is *wanting*
while we lack bytes that its members may have; a room is *sparing* when its members have other ways to meet (the mesh), so that
as few signals as possible go through the server, and *dormant* while we are not in it at all.

Invariants: contacts are bounded and the longest silent one goes first; an announce to all goes out when the room is joined,
when we begin to want, and every ANNOUNCE_WANTING_S or ANNOUNCE_IDLE_S, never more often than ANNOUNCE_GAP_S; two sessions
need a link only if one of them wants something. In a sparing room at most MEET_LINKS are sought, a few of those who hear an
announce answer it (MEET_ANSWERS of them, by chance), and a token bucket bounds what is said: joining takes at most
MEET_SIGNALS signals. Without the server nothing is sent and nothing is forgotten.

Must not know: how signals are sealed, how connections are made.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from inos import limits
from inos.bucket import TokenBucket
from inos.links.rooms import Room

ANNOUNCE_WANTING_FIRST_S = 4.0  # doubled each time up to ANNOUNCE_WANTING_S, since a signal may get lost
ANNOUNCE_WANTING_S = 30.0
ANNOUNCE_IDLE_S = 120.0
ANNOUNCE_GAP_S = 2.0
REPLY_GAP_S = 5.0  # between two announces to one session
CONTACTS_MAX = 256
CONTACT_SILENT_S = 2.5 * ANNOUNCE_IDLE_S  # missed two announces
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 60.0
MEET_LINKS = 3  # links and attempts in a sparing room beyond which nobody is sought through the server
MEET_ANSWERS = 4  # who answer an announce there
MEET_SIGNALS = 9  # and the join itself: ten messages at most
MEET_SIGNALS_PER_S = 0.2
MEET_MEMBERS_KEPT = 32  # of a room at the server; where there are more, those who have links leave it


@dataclass(slots=True)
class Membership:
    """A room we are in."""

    room: Room
    sparing: bool = False
    wanting: bool = False
    dormant: bool = False
    members: int = 0  # when we came in, ourselves included
    signals: int = 0  # that we sent there
    budget: TokenBucket = field(default_factory=lambda: TokenBucket(MEET_SIGNALS_PER_S, MEET_SIGNALS))
    joined: bool = False  # the server confirmed it
    announced_at: float = float("-inf")
    announce_due: float = 0.0
    wanting_gap_s: float = ANNOUNCE_WANTING_FIRST_S


@dataclass(slots=True)
class Contact:
    """A session heard of, and how dialling it went."""

    session: bytes
    public_key: bytes
    heard_at: float
    rooms: dict[bytes, bool] = field(default_factory=dict)  # room id -> whether it wants
    failures: int = 0
    retry_at: float = 0.0
    replied_at: float = float("-inf")


class Rendezvous:
    """Rooms and contacts."""

    def __init__(self) -> None:
        self.up = False
        self.rooms: dict[bytes, Membership] = {}
        self.contacts: OrderedDict[bytes, Contact] = OrderedDict()
        self.load: Callable[[bytes], int] = lambda _room_id: 0  # links and attempts in a room

    # --- rooms --------------------------------------------------------------------------------------------------------

    def join(self, room: Room, *, sparing: bool = False) -> bool:
        """Enter; whether it is new. The caller has made sure that there are fewer than ROOMS_PER_SOCKET_MAX."""
        if room.room_id in self.rooms:
            return False
        assert len(self.rooms) < limits.ROOMS_PER_SOCKET_MAX
        self.rooms[room.room_id] = Membership(room, sparing)
        return True

    def leave(self, room_id: bytes) -> bool:
        """Leave; whether we were there."""
        if self.rooms.pop(room_id, None) is None:
            return False
        for contact in list(self.contacts.values()):
            contact.rooms.pop(room_id, None)
            if not contact.rooms:
                del self.contacts[contact.session]
        return True

    def set_wanting(self, room_id: bytes, wanting: bool, now: float) -> None:
        """Begin or end to lack bytes of this room; beginning is announced."""
        member = self.rooms.get(room_id)
        if member is None or member.wanting == wanting:
            return
        member.wanting = wanting
        if wanting:
            self.announce_soon(member, now)

    def lost(self, room_ids: Iterable[bytes], now: float) -> None:
        """A peer that we need is gone: let those who may dial us know that we still look."""
        for room_id in room_ids:
            member = self.rooms.get(room_id)
            if member is not None and member.wanting:
                self.announce_soon(member, now)

    def set_up(self, up: bool) -> None:
        """The server came or went; rooms have to be joined again."""
        self.up = up
        for member in self.rooms.values():
            member.joined = False

    def set_joined(self, room_id: bytes, members: int, now: float) -> None:
        """The server let us in."""
        member = self.rooms.get(room_id)
        if member is not None:
            member.members = max(members, member.members if member.joined else 0)
            member.joined = True
            self.announce_soon(member, now)

    def may_say(self, room_id: bytes, now: float) -> bool:
        """Count a signal that is about to be sent; False when a sparing room has had enough of ours."""
        member = self.rooms.get(room_id)
        if member is None or member.dormant or (member.sparing and not member.budget.take(now)):
            return False
        member.signals += 1
        return True

    # --- announcing ---------------------------------------------------------------------------------------------------

    def announce_soon(self, member: Membership, now: float) -> None:
        """As soon as the gap to the last one allows, and then more often for a while if we lack something."""
        member.wanting_gap_s = ANNOUNCE_WANTING_FIRST_S
        member.announce_due = min(member.announce_due, max(now, member.announced_at + ANNOUNCE_GAP_S))

    def due(self, now: float) -> list[Membership]:
        """Rooms to announce ourselves in now; each is marked as done."""
        found = [m for m in self.rooms.values() if self.up and m.joined and m.announce_due <= now]
        for member in found:
            member.announced_at = now
            member.announce_due = now + (member.wanting_gap_s if member.wanting else ANNOUNCE_IDLE_S)
            member.wanting_gap_s = min(2 * member.wanting_gap_s, ANNOUNCE_WANTING_S)
        return found

    def next_due(self) -> float | None:
        """When ``due`` will have something."""
        return min((m.announce_due for m in self.rooms.values() if self.up and m.joined), default=None)

    # --- contacts -----------------------------------------------------------------------------------------------------

    def hear(self, session: bytes, public_key: bytes, room_id: bytes, wants: bool | None, now: float) -> Contact | None:
        """A signed signal proved that the session is in the room. ``wants`` None: the signal did not say.

        None: we know the session with another key that it belongs to as well.
        """
        contact = self.contacts.get(session)
        if contact is None:
            contact = self.contacts[session] = Contact(session, public_key, now)
        elif contact.public_key != public_key:
            return None
        contact.heard_at = now
        contact.rooms[room_id] = contact.rooms.get(room_id, False) if wants is None else wants
        self.contacts.move_to_end(session)
        while len(self.contacts) > CONTACTS_MAX:
            self.contacts.popitem(last=False)
        return contact

    def forget_silent(self, now: float) -> None:
        """Drop contacts not heard of for long, while the server would have let us hear them."""
        while self.up and self.contacts:
            contact = next(iter(self.contacts.values()))
            if now - contact.heard_at <= CONTACT_SILENT_S:
                return
            del self.contacts[contact.session]

    def answers(self, member: Membership, chance: float) -> bool:
        """Whether it is ours to help who wants something in this room; ``chance`` is in 0..1."""
        others = max(member.members - 1, sum(member.room.room_id in one.rooms for one in self.contacts.values()))
        return not member.sparing or chance * others < MEET_ANSWERS

    def wanted_room(self, contact: Contact) -> Membership | None:
        """A room in which we or they lack bytes; ours first. None: no link is needed."""
        both = [self.rooms[room_id] for room_id in contact.rooms if room_id in self.rooms]
        for member in both:
            if member.wanting and not (member.sparing and self.load(member.room.room_id) >= MEET_LINKS):
                return member
        for member in both:
            if contact.rooms[member.room.room_id]:
                return member
        return None

    def failed(self, session: bytes, weight: int, now: float, chance: float) -> None:
        """An attempt failed: wait longer each time. ``chance`` in 0..1 spreads the retries of many."""
        contact = self.contacts.get(session)
        if contact is not None:
            contact.failures = min(contact.failures + weight, 16)
            wait_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0**contact.failures)
            contact.retry_at = now + wait_s * (0.5 + chance)

    def succeeded(self, session: bytes) -> None:
        """A link came up."""
        contact = self.contacts.get(session)
        if contact is not None:
            contact.failures, contact.retry_at = 0, 0.0
