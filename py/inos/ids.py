"""Names of things: 32-byte ids and their text form (lower-case hex).

Nouns: ``bid`` = BLAKE3 of a whole block, its public name; ``cid`` = keyed hash of a chunk's hash, its private name; a
*root* is the bid of a file's manifest; ``peer_id`` = BLAKE3 of a device's public key; ``room_id`` names a meeting place.
"""

from __future__ import annotations

from inos.errors import BadArgument

ID_BYTES = 32


def to_hex(identifier: bytes) -> str:
    """Text form of a 32-byte id."""
    return identifier.hex()


def from_hex(text: str) -> bytes:
    """The 32 bytes that 64 lower-case hex digits name. Raises BadArgument."""
    if len(text) != ID_BYTES * 2 or text != text.lower():
        raise BadArgument(f"not an id: {text[:80]!r}")
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadArgument(f"not an id: {text[:80]!r}") from error
