"""Gossip's messages: one rumor to everybody. Tags 96-111.

Nouns: a *rumor* is what its author encoded and signed, and travels as those bytes, whoever relays it; an *id* is 16 bytes
that name one (``inos.gossip.rumors``); *hops* is how many links a copy has travelled, as its relays say.

Invariants: ids come as one string of whole ids, as many as the limits allow.
Must not know: which links are eager, what a rumor says.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from inos import limits
from inos.errors import ProtocolViolation
from inos.wire.fields import U8, Id, Nonce, Signature, WallMs

RUMOR_ID_BYTES = 16
TOPIC_ID_BYTES = 16
RUMOR_FRAMING_BYTES = 128  # of an encoded rumor beyond its body
SYNC_RANGES_MAX = 128

TopicId = Annotated[bytes, Meta(min_length=TOPIC_ID_BYTES, max_length=TOPIC_ID_BYTES)]
RumorBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.GOSSIP_RUMOR_BYTES_MAX)]
Announced = Annotated[bytes, Meta(max_length=RUMOR_ID_BYTES * limits.GOSSIP_IHAVE_IDS_MAX)]
Asked = Annotated[bytes, Meta(max_length=RUMOR_ID_BYTES * limits.GOSSIP_ASKED_IDS_MAX)]


class Rumor(Struct, tag=96, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What an author signs: for everybody under ``topic``, until ``expires_ms``; ``body`` is sealed under the topic's key."""

    topic: TopicId
    author: Id
    nonce: Nonce
    expires_ms: WallMs
    body: Annotated[bytes, Meta(max_length=limits.GOSSIP_RUMOR_BYTES_MAX - RUMOR_FRAMING_BYTES)]


class Push(Struct, tag=97, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A copy of a rumor; ``hops``: 1 over the author's own links."""

    hops: U8
    rumor: RumorBytes
    signature: Signature


class IHave(Struct, tag=98, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I have these rumors, and would bring them to you over so many hops (one byte each): you are a lazy link of mine."""

    ids: Announced
    hops: Annotated[bytes, Meta(max_length=limits.GOSSIP_IHAVE_IDS_MAX)]


class Graft(Struct, tag=99, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Be eager to me in this topic from now on, or (empty) in the topics of these rumors, which I lack."""

    topic: Annotated[bytes, Meta(max_length=TOPIC_ID_BYTES)]
    ids: Asked


class Prune(Struct, tag=100, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Be lazy to me in this topic from now on: I had what you brought."""

    topic: TopicId


class DontWant(Struct, tag=101, array_like=True, frozen=True, forbid_unknown_fields=True):
    """As IHave, before anything was looked at: these are large and just came, spare us further copies."""

    ids: Asked
    hops: Annotated[bytes, Meta(max_length=limits.GOSSIP_ASKED_IDS_MAX)]


class Recent(Struct, tag=102, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What came lately: to a new neighbour, or to one that seems to lack it."""

    ids: Announced


class Pull(Struct, tag=103, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Send me these, and leave the trees as they are."""

    ids: Asked


class Range(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Ids from the range before up to (not including) ``upto``, empty for the end. ``data``: nothing, if it is settled; 16
    bytes of a fingerprint; or, in a ``listed`` one, the ids themselves."""

    upto: Annotated[bytes, Meta(max_length=RUMOR_ID_BYTES)]
    listed: bool
    data: Annotated[bytes, Meta(max_length=RUMOR_ID_BYTES * limits.GOSSIP_SYNC_LIST_MAX)]


class Sync(Struct, tag=104, array_like=True, frozen=True, forbid_unknown_fields=True):
    """How my recent ids look, range by range: answer with a closer look at those that differ from yours."""

    ranges: Annotated[list[Range], Meta(min_length=1, max_length=SYNC_RANGES_MAX)]


GossipMessage: TypeAlias = Push | IHave | Graft | Prune | DontWant | Recent | Pull | Sync

_encoder = msgspec.msgpack.Encoder()
_rumors: msgspec.msgpack.Decoder[Rumor] = msgspec.msgpack.Decoder(Rumor)


def encode_rumor(rumor: Rumor) -> bytes:
    """What its author signs."""
    return _encoder.encode(rumor)


def decode_rumor(data: bytes) -> Rumor:
    """The rumor of a ``Push``; nothing of it is checked. Raises ProtocolViolation."""
    try:
        return _rumors.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolViolation(f"rumor: {error}") from None


def split_ids(ids: bytes) -> list[bytes]:
    """The ids of a string of ids. Raises ProtocolViolation when the last one is cut."""
    if len(ids) % RUMOR_ID_BYTES:
        raise ProtocolViolation(f"ids of {len(ids)} bytes")
    return [ids[at : at + RUMOR_ID_BYTES] for at in range(0, len(ids), RUMOR_ID_BYTES)]


assert limits.GOSSIP_RUMOR_BYTES_MAX + 80 <= limits.MESSAGE_CONTROL_BYTES_MAX
assert (RUMOR_ID_BYTES + 1) * limits.GOSSIP_IHAVE_IDS_MAX + 16 <= limits.MESSAGE_CONTROL_BYTES_MAX
assert RUMOR_ID_BYTES * limits.GOSSIP_ASKED_IDS_MAX + 48 <= limits.MESSAGE_CONTROL_BYTES_MAX
assert SYNC_RANGES_MAX * 40 + RUMOR_ID_BYTES * limits.GOSSIP_SYNC_IDS_MAX <= limits.MESSAGE_CONTROL_BYTES_MAX
