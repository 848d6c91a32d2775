"""What routed messages carry, by ``Route.kind``, and what comes back.

Nouns: a *question* is about a key, which need not be the id that the route goes to; *found* is the one answer to all that is
asked or told about keys; *delivered* bytes are for one node only and come with their sender's contact.

Invariants: bounded fields; ``decode`` raises ``ProtocolViolation`` and nothing else. Must not know: who answers what when.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from inos import limits
from inos.errors import ProtocolViolation
from inos.wire.fields import U32, Id, Signature, WallMs
from inos.wire.membership import ContactBytes
from inos.wire.membership import Contacts as ContactList
from inos.wire.routes import BODY_BYTES_MAX, Path

FIND_NODE = 1  # Question -> Found
FIND_PROVIDERS = 2  # Question -> Found, by the first node that has records
STORE = 3  # RecordBytes -> Found
SIGNAL = 4  # Delivered -> the payload of an answer, as it is
SHUFFLED = 5  # Contacts of a shuffle, to its origin; no answer

RECORD_BYTES_MAX = 1 * limits.KIB
RECORDS_MAX = 8  # in one answer

RecordBytes = Annotated[bytes, Meta(min_length=1, max_length=RECORD_BYTES_MAX)]
Payload = Annotated[bytes, Meta(max_length=BODY_BYTES_MAX)]


class Question(Struct, tag=200, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Who is closest to this key, or who provides it?"""

    key: Id


class Found(Struct, tag=201, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The answerer's contact, those it knows closest to the key, records of it, and the path that the question came."""

    path: Path
    answerer: ContactBytes
    closest: ContactList
    records: Annotated[list[RecordBytes], Meta(max_length=RECORDS_MAX)]


class Delivered(Struct, tag=202, array_like=True, frozen=True, forbid_unknown_fields=True):
    """For the node whose id the route goes to."""

    sender: ContactBytes
    payload: Payload


class Contacts(Struct, tag=203, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Contacts in return for a shuffle's."""

    contacts: ContactList


class Provider(Struct, tag=204, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Its node holds what ``key`` names, until ``expires_ms``. Of one author the highest ``seq`` is valid."""

    key: Id
    contact: ContactBytes
    seq: WallMs
    expires_ms: WallMs
    flags: U32


class SignedProvider(Struct, tag=205, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A provider record as its author encoded and signed it; travels as RecordBytes."""

    record: RecordBytes
    signature: Signature


T = TypeVar("T", bound=Struct)

_encode = msgspec.msgpack.Encoder().encode
_decoders: dict[type[Struct], msgspec.msgpack.Decoder[Struct]] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in (Question, Found, Delivered, Contacts, Provider, SignedProvider)
}


def encode(body: Struct) -> bytes:
    """The bytes of one of the structs above."""
    return _encode(body)


def decode(kind: type[T], data: bytes) -> T:
    """The ``kind`` in ``data``. Raises ProtocolViolation."""
    try:
        return _decoders[kind].decode(data)  # type: ignore[return-value]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolViolation(f"{kind.__name__}: {error}") from None


assert RECORDS_MAX * RECORD_BYTES_MAX + 9 * 320 + 256 <= BODY_BYTES_MAX
