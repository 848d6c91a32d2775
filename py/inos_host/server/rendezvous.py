"""Rooms: who hears whom, and how much anybody may ask of the server. Rules only; time is an argument.

Nouns: a *member* is one connected socket; a *room* is 32 bytes that its members know (a hash of their secret); a *frame*
is a room id followed by an opaque payload; an *outbox* holds what a member's socket has still to send.

Control messages are JSON text: the client says `{"join": HEX}` or `{"leave": HEX}`; the server answers
`{"joined": HEX, "members": N}` (N counts the joiner), `{"left": HEX}`, or `{"error": CODE}` with `"room": HEX` where one
was meant. Codes: syntax, size, rate, room-full, rooms-full, not-member.

Invariants: a frame goes to every other member of its room and to nobody else, unchanged and unread; only a member may
send to a room; every count and every queue is bounded (`Limits`), and who does not keep up is dropped, never waited for.

Must not know: WebSockets, asyncio, clocks, logs, the meaning of a payload.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field

ROOM_BYTES = 32
ROOM_HEX = re.compile(r"[0-9a-f]{64}")
CONTROL_CHARS_MAX = 128

# Why a socket is closed: WebSocket code 1008 (policy violation) with these reasons.
POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one server; the defaults are those of the design's security notes."""

    frame_bytes_max: int = 16 * 1024
    room_members_max: int = 64
    member_rooms_max: int = 64
    sockets_per_loopback_max: int = 64
    sockets_per_address_max: int = 5
    sockets_max: int = 1024
    messages_per_s: float = 20.0
    messages_burst: float = 40.0
    refusals_in_a_row_max: int = 200
    join_s: float = 10.0
    outbox_bytes_max: int = 256 * 1024
    outbox_frames_max: int = 256


class TokenBucket:
    """At most `burst` at once and `per_s` in the long run."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._then = now

    def take(self, now: float) -> bool:
        elapsed_s = max(0.0, now - self._then)
        self._then = max(self._then, now)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._per_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@dataclass(eq=False, slots=True)
class Member:
    """One socket. The adapter empties `outbox` through `Hub.next_frame`; `closed` tells it to close, and why."""

    address: str
    bucket: TokenBucket
    join_by: float | None
    rooms: set[bytes] = field(default_factory=set)
    outbox: deque[str | bytes] = field(default_factory=deque)
    outbox_bytes: int = 0
    refusals: int = 0
    closed: str | None = None


class Hub:
    """All members and rooms of one server."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._members: set[Member] = set()
        self._rooms: dict[bytes, set[Member]] = {}
        self._ready: set[Member] = set()

    @property
    def member_count(self) -> int:
        return len(self._members)

    @property
    def room_count(self) -> int:
        return len(self._rooms)

    def connect(self, address: str, now: float, *, loopback: bool) -> Member | None:
        """A new member, or None if its address (or the server) holds as many sockets as it may."""
        limits = self.limits
        same = sum(member.address == address for member in self._members)
        bound = limits.sockets_per_loopback_max if loopback else limits.sockets_per_address_max
        if same >= bound or len(self._members) >= limits.sockets_max:
            return None
        bucket = TokenBucket(limits.messages_per_s, limits.messages_burst, now)
        member = Member(address, bucket, now + limits.join_s)
        self._members.add(member)
        return member

    def disconnect(self, member: Member) -> None:
        for room in tuple(member.rooms):
            self._take_out(member, room)
        self._members.discard(member)
        self._ready.discard(member)

    def receive_text(self, member: Member, text: str, now: float) -> None:
        if not self._may_speak(member, now):
            return
        command = parse_control(text)
        if command is None:
            self._answer(member, {"error": "syntax"})
            return
        verb, room = command
        if verb == "join":
            self._join(member, room)
        else:
            self._leave(member, room, now)

    def receive_bytes(self, member: Member, frame: bytes, now: float) -> None:
        if not self._may_speak(member, now):
            return
        room = bytes(frame[:ROOM_BYTES])
        if not ROOM_BYTES < len(frame) <= self.limits.frame_bytes_max:
            self._answer(member, {"error": "size"})
        elif room not in member.rooms:
            self._answer(member, {"error": "not-member", "room": room.hex()})
        else:
            for other in self._rooms[room]:
                if other is not member:
                    self._enqueue(other, frame)

    def on_deadline(self, member: Member, now: float) -> None:
        """Close a member that has been in no room for too long; the adapter calls this at `member.join_by`."""
        if member.join_by is not None and now >= member.join_by:
            self._close(member, "no room joined in time")

    def poll_ready(self) -> set[Member]:
        """The members with something to send or to close since the last call."""
        ready, self._ready = self._ready, set()
        return ready

    def next_frame(self, member: Member) -> str | bytes | None:
        if not member.outbox:
            return None
        frame = member.outbox.popleft()
        member.outbox_bytes -= len(frame)
        return frame

    def _may_speak(self, member: Member, now: float) -> bool:
        if member.closed is not None:
            return False
        if member.bucket.take(now):
            member.refusals = 0
            return True
        member.refusals += 1
        if member.refusals > self.limits.refusals_in_a_row_max:
            self._close(member, "too many messages")
        elif member.refusals == 1:  # told once per burst: answering a flood in full would double it
            self._answer(member, {"error": "rate"})
        return False

    def _join(self, member: Member, room: bytes) -> None:
        present = self._rooms.get(room, set())
        if room not in member.rooms:
            if len(member.rooms) >= self.limits.member_rooms_max:
                self._answer(member, {"error": "rooms-full", "room": room.hex()})
                return
            if len(present) >= self.limits.room_members_max:
                self._answer(member, {"error": "room-full", "room": room.hex()})
                return
            present = self._rooms.setdefault(room, present)
            present.add(member)
            member.rooms.add(room)
            member.join_by = None
        self._answer(member, {"joined": room.hex(), "members": len(present)})

    def _leave(self, member: Member, room: bytes, now: float) -> None:
        if room not in member.rooms:
            self._answer(member, {"error": "not-member", "room": room.hex()})
            return
        self._take_out(member, room)
        if not member.rooms:
            member.join_by = now + self.limits.join_s
        self._answer(member, {"left": room.hex()})

    def _take_out(self, member: Member, room: bytes) -> None:
        member.rooms.discard(room)
        present = self._rooms[room]
        present.discard(member)
        if not present:
            del self._rooms[room]

    def _answer(self, member: Member, message: dict[str, str | int]) -> None:
        self._enqueue(member, json.dumps(message, separators=(",", ":")))

    def _enqueue(self, member: Member, frame: str | bytes) -> None:
        if member.closed is not None:
            return
        limits = self.limits
        too_long = len(member.outbox) >= limits.outbox_frames_max
        if too_long or member.outbox_bytes + len(frame) > limits.outbox_bytes_max:
            self._close(member, "too slow")
            return
        member.outbox.append(frame)
        member.outbox_bytes += len(frame)
        self._ready.add(member)

    def _close(self, member: Member, reason: str) -> None:
        if member.closed is None:
            member.closed = reason
            member.outbox.clear()
            member.outbox_bytes = 0
            self._ready.add(member)


def parse_control(text: str) -> tuple[str, bytes] | None:
    """`("join" or "leave", room)` of a control message, or None if it is anything else."""
    if len(text) > CONTROL_CHARS_MAX:
        return None
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or len(message) != 1:
        return None
    ((verb, room),) = message.items()
    if verb not in {"join", "leave"} or not isinstance(room, str) or not ROOM_HEX.fullmatch(room):
        return None
    return verb, bytes.fromhex(room)
