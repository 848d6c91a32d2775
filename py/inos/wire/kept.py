"""What a node keeps of its mesh from one run to the next. Never travels; sealed on its own disk.

Must not know: where it is kept, and what becomes of it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from inos import limits
from inos.errors import CodecError
from inos.wire.membership import CONTACT_BYTES_MAX, ContactBytes


class Kept(Struct, tag=90, array_like=True, frozen=True, forbid_unknown_fields=True):
    """``secret``: of the private room that the node was in, empty for the public one; ``contacts``: of neighbours there."""

    secret: Annotated[bytes, Meta(max_length=32)] = b""
    contacts: Annotated[list[ContactBytes], Meta(max_length=limits.KEPT_CONTACTS_MAX)] = msgspec.field(
        default_factory=list
    )


assert limits.KEPT_CONTACTS_MAX * (CONTACT_BYTES_MAX + 3) + 64 < limits.KEPT_BYTES_MAX

_encode = msgspec.msgpack.Encoder().encode
_kept: msgspec.msgpack.Decoder[Kept] = msgspec.msgpack.Decoder(Kept)


def encode_kept(kept: Kept) -> bytes:
    """For the disk."""
    return _encode(kept)


def decode_kept(data: bytes) -> Kept:
    """Of nothing: nothing. Raises CodecError."""
    if not data:
        return Kept()
    try:
        kept = _kept.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CodecError(f"what was kept: {error}") from None
    if len(kept.secret) not in (0, 32):
        raise CodecError("a room's secret has 32 bytes")
    return kept
