"""Contacts: signed records of how a node can be reached, made and checked.

Nouns: a ``Known`` is a contact whose signature was good, with the bytes that others can check again; a *prefix* is the first
8 bytes of a peer id as a number.

Invariants: what is signed starts with a label of its own and the room's id, so a contact of one room is nothing in another;
the session in it begins with its key's id; a contact from the future is refused, an old one too, since a session lasts as
long as a run. Checks go from cheap to dear. Of two contacts of one node the later one is the true one.

Must not know: who tells contacts to whom.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import ed25519_strict, limits
from inos.errors import Busy, ProtocolViolation
from inos.ids import ID_BYTES
from inos.ports import Hashes, Sign, Verify
from inos.wire.membership import PREFIX_BYTES, Contact, SignedContact, decode_contact, encode_contact

LABEL = b"inos contact1\0"

# Contact.flags
HEADLESS = 1 << 0  # runs without a page: stable, many links
NO_DUTY = 1 << 1  # younger than 10 minutes, or hidden: stores nothing for others yet
KNOWN_FLAGS = HEADLESS | NO_DUTY


def prefix_of(identifier: bytes) -> int:
    """The first 8 bytes as a number: enough to tell nodes apart, and to compare distances."""
    return int.from_bytes(identifier[:PREFIX_BYTES], "big")


class Known:
    """A contact that was checked. Shared freely: nothing in it changes."""

    __slots__ = ("contact", "peer_id", "prefix", "signed")

    def __init__(self, peer_id: bytes, contact: Contact, signed: bytes) -> None:
        self.peer_id = peer_id
        self.prefix = prefix_of(peer_id)
        self.contact = contact
        self.signed = signed

    def __repr__(self) -> str:
        return f"Known({self.peer_id.hex()[:8]})"


def said(room_id: bytes, contact: bytes) -> bytes:
    """What is signed for an encoded contact."""
    assert len(room_id) == ID_BYTES
    return LABEL + room_id + contact


async def sign_contact(hashes: Hashes, room_id: bytes, contact: Contact) -> Known:
    """Our own, signed by the device key."""
    encoded = encode_contact(contact)
    signature = await Sign(said(room_id, encoded))
    return Known(hashes.hash(contact.public_key), contact, encode_contact(SignedContact(encoded, signature)))


class Notary:
    """Checks contacts of one room, and remembers some that were good."""

    __slots__ = ("_checked", "_hashes", "_pending", "_room_id", "_wall_ms")

    def __init__(self, hashes: Hashes, room_id: bytes, wall_ms: Callable[[], int]) -> None:
        self._hashes = hashes
        self._room_id = room_id
        self._wall_ms = wall_ms
        self._checked: dict[bytes, Known] | None = None
        self._pending = 0

    def checked(self, signed: bytes) -> Known | None:
        """What was found good before, if it is remembered."""
        return self._checked.get(signed) if self._checked else None

    def vouch(self, known: Known) -> None:
        """It was checked elsewhere."""
        if self._checked is None:
            self._checked = {}
        self._checked[known.signed] = known
        if len(self._checked) > limits.MESH_CONTACTS_CHECKED_MAX:
            del self._checked[next(iter(self._checked))]

    async def check(self, signed: bytes) -> Known:
        """The contact, if its node signed it. Raises ProtocolViolation, Busy (too many are being checked)."""
        known = self.checked(signed)
        if known is not None:
            return known
        outer, contact = decode_contact(signed)
        peer_id = self._hashes.hash(contact.public_key)
        if contact.session[:PREFIX_BYTES] != peer_id[:PREFIX_BYTES]:
            raise ProtocolViolation("a session that does not belong to the key")
        ahead_s = (contact.time_ms - self._wall_ms()) / 1_000
        if not -limits.MESH_CONTACT_AGE_MAX_S <= ahead_s <= limits.CLOCK_WINDOW_S:
            raise ProtocolViolation("contact outside the clock window")
        if not await self.verify(contact.public_key, outer.signature, said(self._room_id, outer.contact)):
            raise ProtocolViolation("contact's signature does not verify")
        known = Known(peer_id, contact, signed)
        self.vouch(known)
        return known

    async def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the signature is good, by the strict rules. Raises Busy: too many are being checked."""
        if not ed25519_strict.precheck(public_key, signature):
            return False
        if self._pending >= limits.MESH_VERIFIES_PENDING_MAX:
            raise Busy("signatures are being checked")
        self._pending += 1
        try:
            return await Verify(public_key, signature, data)
        finally:
            self._pending -= 1
