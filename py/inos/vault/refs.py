"""References: where some of a file's bytes are, 116 packed bytes each (vault-format 1.3).

    bid 32 | secret 32 | h 32 | covers u64 | raw_len u32 | block_len u32 | codec u8 | quality u8 | reserved 0 u16

Nouns: ``bid`` is the block's public name, ``secret`` opens it, ``h`` is the hash of what is inside, ``covers`` is how many
bytes of the file lie under the reference. Invariants: references stay packed until somebody looks at one, since 1 GiB of
file has about 1,024 of them and a vault has many files. Must not know: manifests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from inos import limits
from inos.errors import BadArgument, LimitExceeded, ManifestInconsistent, ManifestMalformed

HASH_BYTES = 32
REF_BYTES = 116
CODECS = (0, 1)  # raw, Brotli

_REF = struct.Struct("<32s32s32sQIIBBH")
assert _REF.size == REF_BYTES


@dataclass(frozen=True, slots=True)
class Ref:
    """One reference. ``covers`` = bytes of the file under it (``raw_len`` at level 0)."""

    bid: bytes
    secret: bytes = field(repr=False)
    h: bytes
    covers: int
    raw_len: int
    block_len: int
    codec: int
    quality: int

    def pack(self) -> bytes:
        """116 bytes. Raises BadArgument."""
        if len(self.bid) != HASH_BYTES or len(self.secret) != HASH_BYTES or len(self.h) != HASH_BYTES:
            raise BadArgument("a reference with an id that is not 32 bytes")
        try:
            return _REF.pack(
                self.bid, self.secret, self.h, self.covers, self.raw_len, self.block_len, self.codec, self.quality, 0
            )
        except struct.error as error:
            raise BadArgument("a reference with a number out of range") from error


def unpack_ref(packed: bytes) -> Ref:
    """Inverse of ``Ref.pack``. Raises ManifestMalformed."""
    if len(packed) != REF_BYTES:
        raise ManifestMalformed(f"a reference of {len(packed)} bytes")
    *fields, reserved = _REF.unpack(packed)
    if reserved != 0:
        raise ManifestMalformed("reserved bytes of a reference that are not zero")
    return Ref(*fields)


def pack_refs(refs: Iterable[Ref]) -> bytes:
    """References, back to back."""
    return b"".join(ref.pack() for ref in refs)


class Refs(Sequence[Ref]):
    """References over packed bytes; each is unpacked when looked at."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes = b"") -> None:
        if len(packed) % REF_BYTES:
            raise ManifestMalformed(f"references of {len(packed)} bytes")
        self.packed = bytes(packed)

    @classmethod
    def of(cls, refs: Iterable[Ref]) -> Refs:
        """Pack them."""
        return cls(pack_refs(refs))

    def __len__(self) -> int:
        return len(self.packed) // REF_BYTES

    @overload
    def __getitem__(self, index: int) -> Ref: ...
    @overload
    def __getitem__(self, index: slice) -> Refs: ...
    def __getitem__(self, index: int | slice) -> Ref | Refs:
        places = range(0, len(self.packed), REF_BYTES)[index]
        if isinstance(places, int):
            return unpack_ref(self.packed[places : places + REF_BYTES])
        return Refs(b"".join(self.packed[place : place + REF_BYTES] for place in places))

    def __iter__(self) -> Iterator[Ref]:
        for index in range(len(self)):
            yield self[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refs) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)

    def __repr__(self) -> str:
        return f"Refs({len(self)})"


def check_refs(refs: Refs, level: int, *, may_be_empty: bool = False) -> int:
    """Check every reference against the bounds of a block; the sum of what they cover, which is at most FILE_BYTES_MAX.

    ``may_be_empty``: what lies below is a folder, which may hold nothing but empty files.

    Raises ManifestMalformed (fields out of their domain), ManifestInconsistent, LimitExceeded.
    """
    if len(refs) > limits.MANIFEST_REFS_MAX:
        raise ManifestInconsistent(f"{len(refs)} references, at most {limits.MANIFEST_REFS_MAX}")
    total = 0
    for *_, covers, raw_len, block_len, codec, _quality, reserved in _REF.iter_unpack(refs.packed):
        if reserved != 0 or codec not in CODECS:
            raise ManifestMalformed("a reference with an unknown codec, or reserved bytes that are not zero")
        if raw_len > limits.RAW_BYTES_MAX or block_len > limits.BLOCK_BYTES_MAX:
            raise LimitExceeded(f"a block of {raw_len} bytes in {block_len}")
        if raw_len == 0 or (covers == 0 and not may_be_empty) or block_len < limits.BLOCK_OVERHEAD_BYTES:
            raise ManifestInconsistent("a reference to nothing")
        if level == 0 and covers != raw_len:
            raise ManifestInconsistent(f"a chunk of {raw_len} bytes that covers {covers}")
        total += covers
    if total > limits.FILE_BYTES_MAX:
        raise LimitExceeded(f"references that cover {total} bytes")
    return total
