"""What peers say to each other: control messages on a channel, and signals through the rendezvous.

Nouns: a *control* message travels on a data channel (at most MESSAGE_CONTROL_BYTES_MAX); a *signal* travels sealed through
the rendezvous server, which sees only its length, and is signed by its sender's device key; a *session* is 16 bytes naming
one run of one node (``inos.links.identity``).

Invariants: tagged array-like MessagePack, every field with its bounds, nothing unknown accepted; ``decode_*`` raises
``ProtocolViolation`` and nothing else, whatever the bytes, and allocates no more than the message's own length.

Must not know: who may say what when (``inos.links``, ``inos.transfer``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from inos import limits
from inos.errors import ProtocolViolation
from inos.wire.custody import CustodyMessage
from inos.wire.fields import (
    U32,
    GrantBytes,
    Id,
    Reason,
    Sdp,
    Session,
    SignalBytes,
    Signature,
    WallMs,
)
from inos.wire.gossip import GossipMessage
from inos.wire.membership import MembershipMessage
from inos.wire.routes import RouteMessage


class Hello(Struct, tag=1, array_like=True, frozen=True, forbid_unknown_fields=True):
    """First on a channel, both ways."""

    public_key: Id
    nonce: Id
    session: Session
    features: U32
    message_bytes_max: U32


class Auth(Struct, tag=2, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Second on a channel, both ways: proof of the device key and of the room's secret, over this very connection."""

    signature: Signature
    mac: Id


class RoomProof(Struct, tag=3, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The sender knows another room's secret too; bound to this connection by the handshake's transcript."""

    room_id: Id
    mac: Id


class Bye(Struct, tag=4, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Last on a channel: why it is closed (the code of an error, or empty)."""

    reason: Reason


class Leave(Struct, tag=5, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The link goes on without this room: the sender uses it there no more."""

    room_id: Id


class Want(Struct, tag=16, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Send me this block as data frames under this request number."""

    request: U32
    bid: Id


class Missing(Struct, tag=17, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What the request asked for is not here (now)."""

    request: U32


class Cancel(Struct, tag=18, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The request is not wanted any more."""

    request: U32


class Have(Struct, tag=19, array_like=True, frozen=True, forbid_unknown_fields=True):
    """All blocks of this root are here now: ask again for what was missing."""

    root: Id


class AskGrant(Struct, tag=20, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Give me the grant of a revocable link, if you made it."""

    id: Id


class Grant(Struct, tag=21, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The grant, sealed under its link's key."""

    id: Id
    sealed: GrantBytes


class Revoked(Struct, tag=22, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I made this link and withdrew it."""

    id: Id


class Holdings(Struct, tag=23, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I am fetching too: of the blocks that this manifest names, in its order, I hold those whose bits are set (bit ``n % 8``
    of byte ``n // 8``)."""

    manifest: Id
    held: Annotated[bytes, Meta(max_length=limits.MANIFEST_REFS_MAX // 8)]


class Announce(Struct, tag=32, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I am in this room. ``to`` NOBODY: everybody; else an answer to that session's announce. ``wants``: I lack bytes."""

    public_key: Id
    sender: Session
    to: Session
    time_ms: WallMs
    nonce: Session
    wants: bool


class Offer(Struct, tag=33, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An SDP offer with its ICE candidates, for one session."""

    public_key: Id
    sender: Session
    to: Session
    time_ms: WallMs
    nonce: Session
    sdp: Sdp


class Answer(Struct, tag=34, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The SDP answer to the offer that had nonce ``offer``."""

    public_key: Id
    sender: Session
    to: Session
    time_ms: WallMs
    nonce: Session
    offer: Session
    sdp: Sdp


class Signed(Struct, tag=48, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A signal's bytes, as its sender encoded and signed them. Only decoding them tells what they are."""

    signal: SignalBytes
    signature: Signature


T = TypeVar("T")

Transfer: TypeAlias = Want | Missing | Cancel | Have | AskGrant | Grant | Revoked | Holdings
Mesh: TypeAlias = MembershipMessage | RouteMessage | GossipMessage | CustodyMessage
Control: TypeAlias = Hello | Auth | RoomProof | Leave | Bye | Transfer | Mesh
Signal: TypeAlias = Announce | Offer | Answer

_encoder = msgspec.msgpack.Encoder()
_controls: msgspec.msgpack.Decoder[Control] = msgspec.msgpack.Decoder(Control)
_signals: msgspec.msgpack.Decoder[Signal] = msgspec.msgpack.Decoder(Signal)
_signed: msgspec.msgpack.Decoder[Signed] = msgspec.msgpack.Decoder(Signed)
# UnicodeDecodeError is a ValueError; RecursionError comes from nests deeper than the interpreter's stack.
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)


def encode(message: Control | Signal | Signed) -> bytes:
    """The message's bytes. Control messages are at most 80 bytes, except for Hello (about 100) and Grant (about 300)."""
    return _encoder.encode(message)


def decode_control(data: bytes) -> Control:
    """The message in ``data``. Raises ProtocolViolation."""
    return _decode(_controls, data, limits.MESSAGE_CONTROL_BYTES_MAX, "control message")


def decode_signal(data: bytes) -> Signal:
    """The signal in ``data`` (of a ``Signed``). Raises ProtocolViolation."""
    return _decode(_signals, data, limits.SIGNAL_BYTES_MAX, "signal")


def decode_signed(data: bytes) -> Signed:
    """The signed signal in ``data`` (already unsealed); nothing of it is checked. Raises ProtocolViolation."""
    return _decode(_signed, data, limits.SIGNAL_BYTES_MAX, "signed signal")


def _decode(decoder: msgspec.msgpack.Decoder[T], data: bytes, bytes_max: int, what: str) -> T:
    if len(data) > bytes_max:
        raise ProtocolViolation(f"{what} of {len(data)} bytes")
    try:
        return decoder.decode(data)
    except _REFUSED as error:
        raise ProtocolViolation(f"{what}: {error}") from None
