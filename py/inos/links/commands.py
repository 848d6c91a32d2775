"""What links ask of the page and of the net worker, and what they tell the node: plain frozen values.

Nouns: a *command* goes out (the adapter turns it into a message to the page or a frame of the net outbox); an *event* goes
up to the node. What comes in (the page's and the net worker's happenings) are methods of ``Links``.

Invariants, which the adapter and the workers keep: commands are performed in order. Every ``Expect`` is answered by exactly
one of block-done, block-failed (also after ``Unexpect``) or closed, and only then may its span be reused, since the net
worker writes into it until then. Every ``SendBlock`` is answered by block-sent or closed. Every channel that was opened is
closed exactly once, also when ``CloseChannel`` asked for it. Data of an unknown request is dropped without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from inos.ports import Span
from inos.wire.messages import Control


class LinkId(NamedTuple):
    """One use of one slot. Anything of an older generation is ignored."""

    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class PeerRow:
    """What the net worker measured on a channel. ``last_heard_s`` is on the clock of ``now``; counters only grow.

    ``brain_age_s``: how long the peer's Python had not turned, as its last pong said. ``control_queued``: bytes that wait here.
    """

    generation: int
    last_heard_s: float
    rtt_s: float
    bytes_in: int
    bytes_out: int
    block_bytes_in: int
    brain_age_s: float = 0.0
    control_queued: int = 0


class PeerTable(Protocol):
    """The net worker's rows, read at once."""

    def row(self, channel: int) -> PeerRow | None:
        """The row of a slot; None when it was never used."""


# --- to the page -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Enter a room at the rendezvous, now and after each reconnect."""

    room_id: bytes


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Leave it."""

    room_id: bytes


@dataclass(frozen=True, slots=True)
class SendSignal:
    """Send sealed bytes (<= SIGNAL_BYTES_MAX) to the other members of the room."""

    room_id: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dial:
    """Create a connection with its data channel, hand the channel to the net worker, make an offer, gather candidates."""

    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The same from a remote offer: make an answer. ``patient``: it takes long until the peer gets it."""

    channel: int
    generation: int
    sdp: str
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """The remote answer to our offer."""

    channel: int
    generation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close the connection, whatever its state."""

    channel: int
    generation: int


# --- to the net worker -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendControl:
    """Send one control message."""

    channel: int
    generation: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SendBlock:
    """Send the span as data frames under the peer's request number."""

    channel: int
    generation: int
    request: int
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """Data of our request goes into this span and nowhere else."""

    channel: int
    generation: int
    request: int
    span: Span


@dataclass(frozen=True, slots=True)
class Unexpect:
    """Write no more into the request's span, and say so (block-failed)."""

    channel: int
    generation: int
    request: int


@dataclass(frozen=True, slots=True)
class AcceptData:
    """The peer is authenticated: data frames may flow."""

    channel: int
    generation: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Ping the peer as often as this from now on."""

    channel: int
    generation: int
    interval_ms: int


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Close, forget what was expected, and say closed."""

    channel: int
    generation: int


PageCommand: TypeAlias = JoinRoom | LeaveRoom | SendSignal | Dial | Answer | Accept | Hangup
NetCommand: TypeAlias = SendControl | SendBlock | Expect | Unexpect | AcceptData | Pace | CloseChannel
Command: TypeAlias = PageCommand | NetCommand


# --- to the node -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PeerUp:
    """A link is authenticated."""

    link: LinkId
    peer_id: bytes
    rooms: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class PeerRooms:
    """A link serves other rooms than before."""

    link: LinkId
    peer_id: bytes
    rooms: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class PeerDown:
    """An authenticated link ended; ``cause`` is an error code. Spans stay lent until ``ChannelSettled``."""

    link: LinkId
    peer_id: bytes
    cause: str


@dataclass(frozen=True, slots=True)
class ChannelSettled:
    """The net worker has let go of everything of this channel."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """Somebody connected and failed the handshake."""

    link: LinkId
    cause: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the transfer protocol from an authenticated peer."""

    link: LinkId
    peer_id: bytes
    message: Control


@dataclass(frozen=True, slots=True)
class RendezvousChanged:
    """The rendezvous server came or went."""

    up: bool


PeerEvent: TypeAlias = PeerUp | PeerRooms | PeerDown | PeerRefused | RendezvousChanged
LinkEvent: TypeAlias = PeerEvent | ChannelSettled | Received
