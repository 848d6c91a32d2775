"""The links to a file: ``#inos1.`` and base64url of ``bid 32 | secret 32 | crc32 4`` (vault-format 1.3), or ``#inosv1.`` and
``id 32 | key 32 | crc32 4`` of a grant that its owner can revoke; and the link to a private mesh room, ``#inosr1.`` and
``room secret 32 | crc32 4``; an invitation, ``#inosj1.`` and ``room secret 32 | sealed offer | crc32 4``, and the reply to it,
``#inosk1.`` and ``sealed answer | crc32 4`` (``inos.links.invitations``).

Nouns: a *grant* is a small sealed record, kept and handed out by the node that made it, which holds what a plain link would; a
*fragment* is what follows ``#`` in a URL, which browsers never send to a server. The check sum (CRC-32, little-endian)
is for people, who lose the end of a link or change a letter of it; it protects against nobody. Invariants: one link has one text;
``parse(encode(link)) == link``; whatever is not a link raises BadLink with a reason in plain words, which never repeats the link
itself, since it is a secret. Must not know: what the link leads to.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field

from inos.errors import BadArgument, BadLink

PREFIX = "inos1."
PREFIX_REVOCABLE = "inosv1."
PREFIX_ROOM = "inosr1."
PREFIX_INVITATION = "inosj1."
PREFIX_REPLY = "inosk1."
ID_BYTES = 32
CRC_BYTES = 4
PAYLOAD_BYTES = 2 * ID_BYTES + CRC_BYTES
TEXT_CHARACTERS = -(-PAYLOAD_BYTES * 4 // 3)  # 91, without padding
ROOM_CHARACTERS = -(-(ID_BYTES + CRC_BYTES) * 4 // 3)  # 48
URL_CHARACTERS_MAX = 4_096

_KIND = re.compile(r"inos[a-z]{0,8}[0-9]{1,4}\.")
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a shared file's manifest is, and what opens it."""

    bid: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RevocableLink:
    """Which grant to ask its owner for, and what opens it."""

    id: bytes
    key: bytes = field(repr=False)


def encode(link: Link | RevocableLink, base_url: str = "") -> str:
    """``base_url#inos1...``; a fragment of the base is replaced. Raises BadArgument."""
    prefix, name, secret = (
        (PREFIX, link.bid, link.secret) if isinstance(link, Link) else (PREFIX_REVOCABLE, link.id, link.key)
    )
    if len(name) != ID_BYTES or len(secret) != ID_BYTES:
        raise BadArgument("a link needs 32 bytes of name and 32 of secret")
    return f"{base_url.partition('#')[0]}#{prefix}{checked_text(name + secret)}"


def encode_room(secret: bytes, base_url: str = "") -> str:
    """``base_url#inosr1...`` of a room's secret. Raises BadArgument."""
    if len(secret) != ID_BYTES:
        raise BadArgument("a room's secret has 32 bytes")
    return f"{base_url.partition('#')[0]}#{PREFIX_ROOM}{checked_text(secret)}"


def checked_text(body: bytes) -> str:
    """Bytes and their check sum as base64url without padding."""
    payload = body + binascii.crc32(body).to_bytes(CRC_BYTES, "little")
    return binascii.b2a_base64(payload, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")


def fragment_of(text: str) -> str:
    """What follows ``#`` in a URL; the whole text where there is none."""
    before, hash_mark, after = text.strip().partition("#")
    return after if hash_mark else before


def checked_bytes(encoded: str, what: str) -> bytes:
    """Undo ``checked_text``. Raises BadLink."""
    if _ALPHABET.fullmatch(encoded) is None:
        raise BadLink(f"the {what} is mistyped: it has characters that no {what} has")
    try:
        payload = binascii.a2b_base64(encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4))
    except binascii.Error:
        raise BadLink(f"the {what} is cut") from None
    body = payload[:-CRC_BYTES]
    if len(payload) <= CRC_BYTES or checked_text(body) != encoded:
        raise BadLink(f"the {what} is mistyped or cut: its check does not fit")
    return body


def encode_invitation(secret: bytes, payload: bytes, base_url: str = "") -> str:
    """``base_url#inosj1...``: a room's secret and an offer."""
    return f"{base_url.partition('#')[0]}#{PREFIX_INVITATION}{checked_text(secret + payload)}"


def parse_invitation(text: str) -> tuple[bytes, bytes]:
    """The room's secret and the offer. Raises BadLink."""
    body = _parse(text, PREFIX_INVITATION, "invitation")
    if len(body) <= ID_BYTES:
        raise BadLink("the invitation is cut")
    return body[:ID_BYTES], body[ID_BYTES:]


def encode_reply(payload: bytes) -> str:
    """``#inosk1...``: the answer to an invitation."""
    return f"#{PREFIX_REPLY}{checked_text(payload)}"


def parse_reply(text: str) -> bytes:
    """The answer. Raises BadLink."""
    return _parse(text, PREFIX_REPLY, "reply")


def _parse(text: str, prefix: str, what: str) -> bytes:
    if len(text) > URL_CHARACTERS_MAX:
        raise BadLink(f"this is far too long for the {what}")
    fragment = fragment_of("".join(text.split()))  # who carries it may have broken its lines
    if not fragment.startswith(prefix):
        raise BadLink(f"this is not the {what} to a room")
    return checked_bytes(fragment[len(prefix) :], what)


def parse_room(text: str) -> bytes:
    """A whole URL, a fragment with or without ``#`` -> the room's secret. Raises BadLink."""
    if len(text) > URL_CHARACTERS_MAX:
        raise BadLink("this is far too long for a link")
    fragment = fragment_of(text)
    if not fragment.startswith(PREFIX_ROOM):
        raise BadLink("this is not a link to a room")
    encoded = fragment[len(PREFIX_ROOM) :]
    if len(encoded) != ROOM_CHARACTERS:
        raise BadLink(f"the link is cut or mistyped: it has {len(encoded)} of {ROOM_CHARACTERS} characters")
    return checked_bytes(encoded, "link")


def parse(text: str) -> Link:
    """A whole URL, a fragment with or without ``#`` -> Link. Raises BadLink, also for a revocable one."""
    link = parse_any(text)
    if not isinstance(link, Link):
        raise BadLink("this is a revocable link, which only its owner can turn into a file")
    return link


def parse_any(text: str) -> Link | RevocableLink:
    """As ``parse``, for both kinds."""
    if len(text) > URL_CHARACTERS_MAX:
        raise BadLink("this is far too long for a link")
    fragment = fragment_of(text)
    prefix = next((prefix for prefix in (PREFIX, PREFIX_REVOCABLE) if fragment.startswith(prefix)), None)
    if prefix is None:
        raise BadLink(_why_not(fragment))
    encoded = fragment[len(prefix) :]
    if _ALPHABET.fullmatch(encoded) is None:
        raise BadLink("the link is mistyped: it has characters that no link has")
    if len(encoded) < TEXT_CHARACTERS:
        raise BadLink(f"the link is cut: {TEXT_CHARACTERS - len(encoded)} characters are missing")
    if len(encoded) > TEXT_CHARACTERS:
        raise BadLink(f"the link is mistyped: it has {len(encoded) - TEXT_CHARACTERS} characters too many")
    padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
    payload = binascii.a2b_base64(padded)
    body, check = payload[: 2 * ID_BYTES], payload[2 * ID_BYTES :]
    link = (Link if prefix == PREFIX else RevocableLink)(body[:ID_BYTES], body[ID_BYTES:])
    # The second test refuses the three other last characters whose spare bits are not zero.
    if binascii.crc32(body).to_bytes(CRC_BYTES, "little") != check or not encode(link).endswith(encoded):
        raise BadLink("the link is mistyped: its check does not fit")
    return link


def _why_not(fragment: str) -> str:
    if fragment and any(prefix.startswith(fragment) for prefix in (PREFIX, PREFIX_REVOCABLE)):
        return "the link is cut: nothing is left of it but its beginning"
    if _KIND.match(fragment):
        return "this kind of link is unknown here: it may be of a later version"
    return "this is not a link to a file"
