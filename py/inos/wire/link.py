"""The link to a file: ``#inos1.`` and base64url of ``bid 32 | secret 32 | crc32 4`` (vault-format 1.3).

Nouns: a *fragment* is what follows ``#`` in a URL, which browsers never send to a server. The check sum (CRC-32, little-endian)
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


def encode(link: Link, base_url: str = "") -> str:
    """``base_url#inos1...``; a fragment of the base is replaced. Raises BadArgument."""
    if len(link.bid) != ID_BYTES or len(link.secret) != ID_BYTES:
        raise BadArgument("a link needs 32 bytes of name and 32 of secret")
    body = link.bid + link.secret
    payload = body + binascii.crc32(body).to_bytes(CRC_BYTES, "little")
    text = binascii.b2a_base64(payload, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")
    return f"{base_url.partition('#')[0]}#{PREFIX}{text}"


def parse(text: str) -> Link:
    """A whole URL, a fragment with or without ``#`` -> Link. Raises BadLink."""
    if len(text) > URL_CHARACTERS_MAX:
        raise BadLink("this is far too long for a link")
    before, hash_mark, after = text.strip().partition("#")
    fragment = after if hash_mark else before
    if not fragment.startswith(PREFIX):
        raise BadLink(_why_not(fragment))
    encoded = fragment[len(PREFIX) :]
    if _ALPHABET.fullmatch(encoded) is None:
        raise BadLink("the link is mistyped: it has characters that no link has")
    if len(encoded) < TEXT_CHARACTERS:
        raise BadLink(f"the link is cut: {TEXT_CHARACTERS - len(encoded)} characters are missing")
    if len(encoded) > TEXT_CHARACTERS:
        raise BadLink(f"the link is mistyped: it has {len(encoded) - TEXT_CHARACTERS} characters too many")
    padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
    payload = binascii.a2b_base64(padded)
    body, check = payload[: 2 * ID_BYTES], payload[2 * ID_BYTES :]
    link = Link(body[:ID_BYTES], body[ID_BYTES:])
    # The second test refuses the three other last characters whose spare bits are not zero.
    if binascii.crc32(body).to_bytes(CRC_BYTES, "little") != check or not encode(link).endswith(encoded):
        raise BadLink("the link is mistyped: its check does not fit")
    return link


def _why_not(fragment: str) -> str:
    if fragment and PREFIX.startswith(fragment):
        return "the link is cut: nothing is left of it but its beginning"
    if _KIND.match(fragment):
        return "this kind of link is unknown here: it may be of a later version"
    return "this is not a link to a file"
