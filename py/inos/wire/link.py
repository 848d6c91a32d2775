"""The links to a file: ``#inos1.`` and base64url of ``bid 32 | secret 32 | crc32 4`` (vault-format 1.3), or ``#inosv1.`` and
``id 32 | key 32 | crc32 4`` of a grant that its owner can revoke.

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
ID_BYTES = 32
CRC_BYTES = 4
PAYLOAD_BYTES = 2 * ID_BYTES + CRC_BYTES
TEXT_CHARACTERS = -(-PAYLOAD_BYTES * 4 // 3)  # 91, without padding
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
    body = name + secret
    payload = body + binascii.crc32(body).to_bytes(CRC_BYTES, "little")
    text = binascii.b2a_base64(payload, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")
    return f"{base_url.partition('#')[0]}#{prefix}{text}"


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
    before, hash_mark, after = text.strip().partition("#")
    fragment = after if hash_mark else before
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
