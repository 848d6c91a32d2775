"""What neighbours in the mesh tell each other about nodes. Tags 64-79.

Nouns: a *contact* is a signed record of how a node can be reached and spoken to; *links* are the first 8 bytes of the ids of
everybody that the sender has a link to, by which neighbours see two hops far (NoN); an *incarnation* is a number that only
its node raises, to refute what is said of it (SWIM).

Must not know: who may say what when (``inos.membership``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from inos.errors import ProtocolViolation
from inos.wire.fields import U8, U32, Id, Session, Signature, WallMs

PREFIX_BYTES = 8
LINKS_MAX = 256  # of a list; a headless peer has 200
CONTACT_BYTES_MAX = 320
CONTACTS_MAX = 16  # in one message

LinkList = Annotated[bytes, Meta(max_length=PREFIX_BYTES * LINKS_MAX)]
ContactBytes = Annotated[bytes, Meta(min_length=1, max_length=CONTACT_BYTES_MAX)]
Contacts = Annotated[list[ContactBytes], Meta(max_length=CONTACTS_MAX)]


class Contact(Struct, tag=60, array_like=True, frozen=True, forbid_unknown_fields=True):
    """How to reach a node: what its device key signs. ``box_key``: X25519, of this run of the node. ``flags``: see membership."""

    public_key: Id
    session: Session
    box_key: Id
    time_ms: WallMs
    flags: U32


class SignedContact(Struct, tag=61, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A contact as its node encoded and signed it; travels as ContactBytes."""

    contact: Annotated[bytes, Meta(min_length=1, max_length=CONTACT_BYTES_MAX)]
    signature: Signature


class Introduce(Struct, tag=64, array_like=True, frozen=True, forbid_unknown_fields=True):
    """First on a mesh link, both ways: my own contact."""

    contact: ContactBytes


class Peers(Struct, tag=65, array_like=True, frozen=True, forbid_unknown_fields=True):
    """All my links, ascending prefixes; again when they change."""

    links: LinkList


class Condition(Struct, tag=66, array_like=True, frozen=True, forbid_unknown_fields=True):
    """How I am (SHOWN, HIDDEN, FROZEN, LEAVING of ``inos.membership``), as of this incarnation."""

    state: U8
    incarnation: U32


class Probe(Struct, tag=67, array_like=True, frozen=True, forbid_unknown_fields=True):
    """When did you last hear of this peer, to whom you have a link?"""

    nonce: U32
    peer: Id


class Probed(Struct, tag=68, array_like=True, frozen=True, forbid_unknown_fields=True):
    """So many milliseconds ago; 0xFFFF_FFFF: I have no link to it."""

    nonce: U32
    age_ms: U32


class Accuse(Struct, tag=69, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I hold this peer, in this incarnation, for gone."""

    peer: Id
    incarnation: U32


class Refute(Struct, tag=70, array_like=True, frozen=True, forbid_unknown_fields=True):
    """It lives, in this incarnation: I heard it just now (or I am it)."""

    peer: Id
    incarnation: U32


class Shuffle(Struct, tag=71, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Contacts for yours, on a random walk of ``ttl`` further hops (HyParView); the origin's contact is the first."""

    ttl: U8
    contacts: Contacts


class Shuffled(Struct, tag=72, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Contacts in return, over the walk's last link or routed to its origin."""

    contacts: Contacts


MembershipMessage: TypeAlias = Introduce | Peers | Condition | Probe | Probed | Accuse | Refute | Shuffle | Shuffled

_encode = msgspec.msgpack.Encoder().encode
_contact: msgspec.msgpack.Decoder[Contact] = msgspec.msgpack.Decoder(Contact)
_signed_contact: msgspec.msgpack.Decoder[SignedContact] = msgspec.msgpack.Decoder(SignedContact)


def encode_contact(contact: Contact | SignedContact) -> bytes:
    """What is signed, or what travels."""
    return _encode(contact)


def decode_contact(data: bytes) -> tuple[SignedContact, Contact]:
    """Both layers of ContactBytes; nothing of them is checked. Raises ProtocolViolation."""
    if len(data) > CONTACT_BYTES_MAX:
        raise ProtocolViolation(f"contact of {len(data)} bytes")
    try:
        signed = _signed_contact.decode(data)
        return signed, _contact.decode(signed.contact)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolViolation(f"contact: {error}") from None
