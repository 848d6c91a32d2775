"""Superblocks: one copy, with and without a check sum that fits, and the choice among two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from inos.limits import SUPERBLOCK_BYTES
from inos.vault import superblock
from inos.vault.superblock import CHECK_BYTES, Superblock

FITTING = b"\1"  # the check sum of what follows is made to fit


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def run(data: bytes) -> None:
    """See Target."""
    copy = data[1:]
    if data[:1] == FITTING:
        body = copy[: SUPERBLOCK_BYTES - CHECK_BYTES].ljust(SUPERBLOCK_BYTES - CHECK_BYTES, b"\0")
        copy = body + _hash(body)
    good = superblock.encode(Superblock(5, 6, 0, bytes(16)), _hash)
    chosen = superblock.newest([good, copy], _hash)
    assert chosen is not None
    assert chosen.seq >= 5, "the older copy was chosen"
    made = superblock.decode(copy, _hash)
    assert superblock.encode(made, _hash) == copy[:SUPERBLOCK_BYTES], "two encodings of one superblock"


def seeds() -> Iterator[bytes]:
    """See Target."""
    for made in (Superblock(1, 1, 0, bytes(16)), Superblock((1 << 64) - 1, 1 << 40, 1, b"v" * 16)):
        encoded = superblock.encode(made, _hash)
        yield b"\0" + encoded
        yield FITTING + encoded[:48]
