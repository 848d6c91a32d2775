"""What nodes that keep copies of each other's blocks say to each other. Tags 112-127.

Nouns: a *bundle* is the blocks that are kept together, named by BLAKE3 of their sorted bids; its *holders* have a whole,
durable copy; *rows* are packed ``bid 32 | length u32`` of its blocks; *ids* are packed 32-byte names.

Invariants: every message fits into a control message; nothing in here opens a block. What is packed is checked by who unpacks it
(``ids_of``, ``rows_of`` raise ProtocolViolation). Must not know: who may say what when (``inos.replication``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from inos import limits
from inos.errors import ProtocolViolation
from inos.wire.fields import U8, U32, Id

ID_BYTES = 32
CHUNK_BYTES = 1_024
LEVELS_MAX = 12  # of a hash tree over BLOCK_BYTES_MAX
_ROW = struct.Struct("<32sI")
ROW_BYTES = _ROW.size

Rows = Annotated[bytes, Meta(max_length=ROW_BYTES * limits.KEEP_ROWS_MAX)]
Holding = Annotated[bytes, Meta(max_length=ID_BYTES * limits.HOLDERS_MAX)]
Bundles = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES * limits.BUNDLES_TOLD_MAX)]
Absent = Annotated[bytes, Meta(max_length=ID_BYTES)]  # empty, or an id
Parts = Annotated[int, Meta(ge=1, le=limits.KEEP_PARTS_MAX)]
Lease = Annotated[int, Meta(ge=0, le=limits.LEASE_S)]
Copies = Annotated[int, Meta(ge=0, le=limits.COPIES_MAX)]
Nonce = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]  # an auditor's, not to be guessed by who is not asked
Chunk = Annotated[bytes, Meta(max_length=CHUNK_BYTES)]
TreePath = Annotated[bytes, Meta(max_length=ID_BYTES * LEVELS_MAX)]

REFUSED_QUOTA, REFUSED_SIZE, REFUSED_BUSY, REFUSED_UNSOUND = range(1, 5)
HANDING_BACK, HANDING_FULL = range(2)


class Keep(Struct, tag=112, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Keep this bundle for me: one of ``parts`` parts of its rows; fetch them from me or from its holders.

    ``key``: a bid under which holders may be found. ``copies`` 0: beyond the number that is wanted, for a short while.
    ``stands_for``: the holder whose place this copy takes until it is back, if any.
    """

    bundle: Id
    owner: Id
    key: Id
    part: U8
    parts: Parts
    rows: Rows
    lease_s: Lease
    copies: Copies
    version: U32
    holders: Holding
    stands_for: Absent


class Taking(Struct, tag=113, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I am at it; said again while it lasts."""

    bundle: Id


class Refused(Struct, tag=114, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I do not keep it (REFUSED_*)."""

    bundle: Id
    reason: U8


class Kept(Struct, tag=115, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I have whole, durable copies of these: as an answer to Keep, and to every co-holder that comes (back)."""

    bundles: Bundles


class Release(Struct, tag=116, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I asked you to keep these, and do so no more."""

    bundles: Bundles


class Renew(Struct, tag=117, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Keep these for so long from now. What is not there is answered by Dropped."""

    bundles: Bundles
    lease_s: Lease


class Holders(Struct, tag=118, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Who holds a bundle; ``coming``: who was asked by me and is at it, so that nobody else need ask."""

    bundle: Id
    version: U32
    copies: Copies
    holders: Holding
    coming: Holding


class Audit(Struct, tag=119, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Show me this chunk (of CHUNK_BYTES) of a block that you keep."""

    nonce: Nonce
    bid: Id
    chunk: U32


class Slice(Struct, tag=120, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The chunk, and its siblings' chaining values from the leaf up. Both empty: I do not have it."""

    nonce: Nonce
    chunk: Chunk
    path: TreePath


class Handing(Struct, tag=121, array_like=True, frozen=True, forbid_unknown_fields=True):
    """May I drop my copy? ``why``: HANDING_BACK (whose place I took is back), HANDING_FULL (I have no room)."""

    bundle: Id
    why: U8


class Handed(Struct, tag=122, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Yes (there are enough without yours), or no. A no to HANDING_FULL may be followed by a yes."""

    bundle: Id
    ok: bool


class Dropped(Struct, tag=123, array_like=True, frozen=True, forbid_unknown_fields=True):
    """I do not hold these (any more)."""

    bundles: Bundles


CustodyMessage: TypeAlias = (
    Keep | Taking | Refused | Kept | Release | Renew | Holders | Audit | Slice | Handing | Handed | Dropped
)


def ids_of(packed: bytes) -> list[bytes]:
    """The names in ``packed``, each once. Raises ProtocolViolation."""
    if len(packed) % ID_BYTES:
        raise ProtocolViolation("packed names that are cut")
    names = [packed[at : at + ID_BYTES] for at in range(0, len(packed), ID_BYTES)]
    if len(set(names)) != len(names):
        raise ProtocolViolation("a name twice")
    return names


def pack_rows(blocks: Iterable[tuple[bytes, int]]) -> bytes:
    """Rows of blocks."""
    return b"".join(_ROW.pack(bid, length) for bid, length in blocks)


def rows_of(packed: bytes) -> list[tuple[bytes, int]]:
    """Bids and lengths. Raises ProtocolViolation for rows that are cut, lengths that no block has."""
    if len(packed) % ROW_BYTES:
        raise ProtocolViolation("packed rows that are cut")
    rows: list[tuple[bytes, int]] = list(_ROW.iter_unpack(packed))
    if not all(0 < length <= limits.BLOCK_BYTES_MAX for _, length in rows):
        raise ProtocolViolation("a block of an impossible length")
    return rows


assert limits.BLOCK_BYTES_MAX <= CHUNK_BYTES << LEVELS_MAX
assert ROW_BYTES * limits.KEEP_ROWS_MAX + ID_BYTES * (limits.HOLDERS_MAX + 5) <= limits.MESSAGE_CONTROL_BYTES_MAX
assert ID_BYTES * limits.BUNDLES_TOLD_MAX + 64 <= limits.MESSAGE_CONTROL_BYTES_MAX
assert limits.KEEP_PARTS_MAX * limits.KEEP_ROWS_MAX >= limits.BUNDLE_BLOCKS_MAX
