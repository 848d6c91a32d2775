"""What log records say: operations on the index, packed.

A record's contents are the CBOR array ``[seq, durable, [op, ...]]``; each op is a byte string that holds a CBOR array
``[code, ...]``, so that sizes are known before a record is put together. ``seq`` repeats the record's head, where only the
chain protects it. ``durable`` is the last seq that had been flushed when this record was written: it tells a torn commit
(nothing was acknowledged: cut) from damage to what was acknowledged (keep, report).

Nouns: an *entry* is a block's 148 packed bytes; its *number* is how roots refer to it, never used twice; *runs* are packed
``start u32 | count u32`` pairs of numbers; a *root* is a file that was put or received; a *wish* is a root somebody wants;
a *grant* is what a revocable link leads to.
Invariants: ``decode_body`` raises LogDamaged and nothing else; equal operations have equal bytes.
Must not know: disks, the index.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from inos.errors import HeadMalformed, LogDamaged
from inos.limits import BLOCKS_MAX, SEGMENT_COUNT_MAX
from inos.ports import KIND_CHUNK
from inos.vault import heads
from inos.vault.heads import SignedHead
from inos.wire import cbor

BLOCKS, ROOT, SHARE, UNSHARE, REMOVE, DROP, SCRUBBED, WISH, UNWISH, NEXT = range(1, 11)
HEAD, OFFER, FORGET = range(11, 14)
GRANT, REVOKE = 14, 15
TOGETHER = 17  # operations that happen together or not at all
GUEST, UNGUEST, HOLDERS = 18, 19, 20
ENTRY_BYTES = 148
FLAG_FOREIGN = 1
FLAG_TRIED = 2  # sealing it again gains too little
NO_ID = bytes(32)
_ENTRY = struct.Struct("<32s32s32s32sIIBBBBII")
_PLACE = struct.Struct("<IIBBBBII")
_PLACE_AT = 128
KIND_AT = 138
FLAGS_AT = 139
_LYING_AT = 140
_REF_TAIL = struct.Struct("<QII")
_RUN = struct.Struct("<II")
_LYING = struct.Struct("<II")
_SPAN = struct.Struct("<132xI4xII")
assert _SPAN.size == ENTRY_BYTES
assert _ENTRY.size == ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """The numbers of an entry: what the block is and where it lies."""

    raw_len: int
    block_len: int
    codec: int
    quality: int
    kind: int
    flags: int
    segment: int
    offset: int


def pack_entry(bid: bytes, secret: bytes, h: bytes, cid: bytes, place: Place) -> bytes:
    """148 bytes."""
    return _ENTRY.pack(
        bid, secret, h, cid,
        place.raw_len, place.block_len, place.codec, place.quality, place.kind, place.flags, place.segment, place.offset,
    )  # fmt: skip


def pack_place(place: Place) -> bytes:
    """The last 20 bytes of an entry."""
    return _PLACE.pack(
        place.raw_len, place.block_len, place.codec, place.quality, place.kind, place.flags, place.segment, place.offset
    )


def moved(place: Place, segment: int, offset: int) -> Place:
    """The same block somewhere else."""
    return replace(place, segment=segment, offset=offset)


def flagged(place: Place, flag: int) -> Place:
    """The same block with one more flag."""
    return replace(place, flags=place.flags | flag)


def place_of(entry: bytes) -> Place:
    """The numbers of an entry."""
    return Place(*_PLACE.unpack_from(entry, _PLACE_AT))


def spans_of(entries: Iterable[bytes]) -> Iterator[tuple[int, int, int]]:
    """Block length, segment and offset of many entries."""
    return map(_SPAN.unpack, entries)


def lies_at(entry: bytes) -> tuple[int, int]:
    """Segment and offset of an entry, without the rest of its numbers: opening a vault asks 100,000 of them."""
    segment, offset = _LYING.unpack_from(entry, _LYING_AT)
    return segment, offset


def block_len_of(entry: bytes) -> int:
    """Bytes of the block."""
    return int.from_bytes(entry[_PLACE_AT + 4 : _PLACE_AT + 8], "little")


def is_foreign(entry: bytes) -> bool:
    """Whether the block came from others."""
    return bool(entry[FLAGS_AT] & FLAG_FOREIGN)


def is_own_chunk(entry: bytes) -> bool:
    """Whether the block is a chunk that was sealed here, so that its cid counts for dedupe."""
    return entry[KIND_AT] == KIND_CHUNK and not entry[FLAGS_AT] & FLAG_FOREIGN


def bid_of(entry: bytes) -> bytes:
    """The block's public name."""
    return entry[:32]


def cid_of(entry: bytes) -> bytes:
    """The dedupe key; zeros for a block that is not an own chunk."""
    return entry[96:128]


def ref_of(entry: bytes, covers: int) -> bytes:
    """The 116 bytes of a manifest's reference to this block (vault-format 1.3, key 4)."""
    raw_len, block_len = struct.unpack_from("<II", entry, _PLACE_AT)
    return entry[:96] + _REF_TAIL.pack(covers, raw_len, block_len) + entry[136:138] + b"\0\0"


def pack_runs(numbers: Iterable[int]) -> bytes:
    """Distinct numbers as runs; a fresh file is one or two runs, whatever its size."""
    runs: list[tuple[int, int]] = []
    start = count = -1
    for number in sorted(set(numbers)):
        if number == start + count and count > 0:
            count += 1
            continue
        if count > 0:
            runs.append((start, count))
        start, count = number, 1
    if count > 0:
        runs.append((start, count))
    return b"".join(_RUN.pack(*run) for run in runs)


def check_runs(runs: bytes) -> None:
    """Whether runs are whole and name no more blocks than a vault may have. Raises LogDamaged."""
    if len(runs) % _RUN.size:
        raise LogDamaged("packed runs that are cut")
    if sum(count for _, count in _RUN.iter_unpack(runs)) > BLOCKS_MAX:
        raise LogDamaged("packed runs that name too many blocks")


def numbers_of(runs: bytes) -> Iterator[int]:
    """Inverse of ``pack_runs``."""
    for start, count in _RUN.iter_unpack(runs):
        yield from range(start, start + count)


@dataclass(slots=True)
class Root:
    """A file in the vault. ``link`` is the capability (bid, secret) it came by, if it was received; ``offer`` the one it is
    given out by, where that is neither the link nor the root itself. ``pinned``: it was given out once, and whoever has the
    link counts on its blocks."""

    bid: bytes
    secret: bytes = field(repr=False)
    name: str
    media_type: str
    size: int
    stored: int
    chunks: int
    new_chunks: int
    time_ms: int
    deduped: int
    h_file: bytes
    link: tuple[bytes, bytes] | None
    runs: bytes
    shared: bool = False
    pinned: bool = False
    offer: tuple[bytes, bytes] | None = None
    offer_runs: bytes = b""

    def numbers(self) -> Iterator[int]:
        """Every block that the root, or what it is given out by, lists; some twice."""
        yield from numbers_of(self.runs)
        yield from numbers_of(self.offer_runs)

    def pack(self) -> bytes:
        """As an operation."""
        link = [] if self.link is None else list(self.link)
        return cbor.encode(
            [
                ROOT, self.bid, self.secret, self.name, self.media_type, self.size, self.stored, self.chunks,
                self.new_chunks, self.time_ms, self.deduped, self.h_file, link, self.runs,
            ]
        )  # fmt: skip


_ROOT_TYPES = (bytes, bytes, str, str, int, int, int, int, int, int, bytes, list, bytes)


def unpack_root(args: list[Any]) -> Root:
    """Inverse of ``Root.pack`` (without the code). Raises LogDamaged."""
    if len(args) != len(_ROOT_TYPES) or any(type(a) is not t for a, t in zip(args, _ROOT_TYPES, strict=True)):
        raise LogDamaged("a root's fields")
    link = args[11]
    if link and (len(link) != 2 or any(type(part) is not bytes or len(part) != 32 for part in link)):
        raise LogDamaged("a root's link")
    if any(len(args[at]) != 32 for at in (0, 1, 10)):
        raise LogDamaged("a root's ids")
    check_runs(args[12])
    if any(args[at] < 0 for at in range(4, 10)):
        raise LogDamaged("a root's numbers")
    args[11] = (link[0], link[1]) if link else None
    return Root(*args)


def encode_op(code: int, *args: object) -> bytes:
    """One operation."""
    return cbor.encode([code, *args])


def encode_body(seq: int, durable: int, operations: list[bytes]) -> bytes:
    """A record's contents."""
    return cbor.encode([seq, durable, operations])


@dataclass(frozen=True, slots=True)
class Body:
    """A record's contents, checked for types and lengths."""

    seq: int
    durable: int
    operations: tuple[tuple[int, list[Any]], ...]


# Types of each operation's arguments; ids are 32 bytes.
_SHAPES: dict[int, tuple[type, ...]] = {
    BLOCKS: (int, bytes),
    SHARE: (bytes,),
    UNSHARE: (bytes,),
    REMOVE: (bytes,),
    DROP: (bytes,),
    SCRUBBED: (int,),
    WISH: (bytes, bytes, int),
    UNWISH: (bytes,),
    NEXT: (int,),
    HEAD: (bytes, bytes),
    OFFER: (bytes, bytes, bytes, bytes),
    FORGET: (bytes,),
    TOGETHER: (list,),
    GRANT: (bytes, bytes, bytes, int),
    REVOKE: (bytes,),
    GUEST: (bytes, bytes, bytes, bytes, int, int, bytes),
    UNGUEST: (bytes,),
    HOLDERS: (bytes, int, bytes),
}


def decode_body(data: bytes) -> Body:
    """Inverse of ``encode_body``. Raises LogDamaged."""
    body = cbor.decode(data, error=LogDamaged)
    if type(body) is not list or len(body) != 3:
        raise LogDamaged("a record that is not [seq, durable, operations]")
    seq, durable, packed = body
    if type(seq) is not int or type(durable) is not int or type(packed) is not list or not 0 <= durable < seq:
        raise LogDamaged("a record's fields")
    return Body(seq, durable, tuple(_decode_op(item) for item in packed))


def _decode_op(item: object, *, within: bool = False) -> tuple[int, list[Any]]:
    if type(item) is not bytes:
        raise LogDamaged("an operation that is not bytes")
    op = cbor.decode(item, error=LogDamaged)
    if type(op) is not list or not op or type(op[0]) is not int:
        raise LogDamaged("an operation without a code")
    code, args = op[0], op[1:]
    if code == ROOT:
        return code, [unpack_root(args)]
    shape = _SHAPES.get(code)
    if shape is None:
        raise LogDamaged(f"an operation of unknown code {code}")
    if len(args) != len(shape) or any(type(arg) is not kind for arg, kind in zip(args, shape, strict=True)):
        raise LogDamaged(f"the arguments of operation {code}")
    if any(type(arg) is int and arg < 0 for arg in args):
        raise LogDamaged(f"a negative number in operation {code}")
    ids = args
    if code == BLOCKS:
        if len(args[1]) % ENTRY_BYTES or args[0] + len(args[1]) // ENTRY_BYTES >= 1 << 32:
            raise LogDamaged("packed entries")
        _check_segments(args[1])
        ids = []
    elif code in (DROP, OFFER, GUEST, HOLDERS):
        _check_packed(code, args[-1])
        ids = args[:-1]
    elif code == HEAD:
        args[1] = _signed_head(args)
        ids = []
    elif code == TOGETHER:
        if within:
            raise LogDamaged("operations within operations within operations")
        args[0] = [_decode_op(inner, within=True) for inner in args[0]]
    if any(type(arg) is bytes and len(arg) != 32 for arg in ids):
        raise LogDamaged(f"an id in operation {code}")
    return code, args


def _check_packed(code: int, packed: bytes) -> None:
    if code != HOLDERS:
        check_runs(packed)
    elif len(packed) % 32:
        raise LogDamaged("packed holders that are cut")


def _check_segments(packed: bytes) -> None:
    """Whether all entries lie in segments that can be, byte by byte of all of them at once: an open has 100,000."""
    for place, most in enumerate((0xFF, SEGMENT_COUNT_MAX // 256 - 1, 0, 0)):
        if max(packed[_LYING_AT + place :: ENTRY_BYTES], default=0) > most:
            raise LogDamaged("an entry in a segment that cannot be")


def _signed_head(args: list[Any]) -> SignedHead:
    try:
        signed = heads.parse(args[1])
    except HeadMalformed as error:
        raise LogDamaged("a head in the log") from error
    if signed.head.line != args[0]:
        raise LogDamaged("a head of another line")
    return signed


def entries_of(packed: bytes) -> Iterator[bytes]:
    """The entries of a BLOCKS operation."""
    for at in range(0, len(packed), ENTRY_BYTES):
        yield packed[at : at + ENTRY_BYTES]
