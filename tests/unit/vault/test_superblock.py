"""Superblocks: what is written is read, and nothing else is."""

from __future__ import annotations

import hashlib

import pytest

from inos.errors import BadMagic, CorruptError, IdMismatch, MalformedHeader, Truncated, UnsupportedVersion
from inos.limits import SUPERBLOCK_BYTES
from inos.vault.superblock import CHECK_BYTES, FILES, Superblock, decode, encode, newest

ID = bytes(range(16))


def hash_bytes(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def rehash(data: bytes) -> bytes:
    body = data[:-CHECK_BYTES]
    return body + hash_bytes(body)


def make(seq: int, epoch: int = 1) -> bytes:
    return encode(Superblock(seq, epoch, 0, ID), hash_bytes)


def test_round_trip() -> None:
    block = Superblock((1 << 64) - 1, 7, 1, ID)
    data = encode(block, hash_bytes)
    assert len(data) == SUPERBLOCK_BYTES
    assert decode(data, hash_bytes) == block


def test_seq_decides_where_it_goes() -> None:
    assert [Superblock(seq, 1, 0, ID).file for seq in (1, 2, 3)] == [FILES[1], FILES[0], FILES[1]]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Truncated),
        (make(1)[:-1], Truncated),
        (bytes(SUPERBLOCK_BYTES), BadMagic),
        (rehash(make(1)[:8] + b"\x02" + make(1)[9:]), UnsupportedVersion),
        (rehash(make(1)[:12] + b"\x02" + make(1)[13:]), MalformedHeader),
        (rehash(make(1)[:100] + b"\x01" + make(1)[101:]), MalformedHeader),
        (make(1)[:100] + b"\x01" + make(1)[101:], IdMismatch),
    ],
)
def test_what_is_not_a_superblock_is_refused(data: bytes, error: type[CorruptError]) -> None:
    with pytest.raises(error):
        decode(data, hash_bytes)


def test_every_flipped_bit_is_found() -> None:
    good = make(3)
    for at in range(0, SUPERBLOCK_BYTES, 37):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        with pytest.raises(CorruptError):
            decode(bytes(bad), hash_bytes)


def test_the_newest_valid_one_counts() -> None:
    torn = make(4)[:2_000] + bytes(SUPERBLOCK_BYTES - 2_000)
    found = newest([make(2), make(3)], hash_bytes)
    assert found is not None
    assert found.seq == 3
    found = newest([torn, make(3)], hash_bytes)
    assert found is not None
    assert found.seq == 3
    assert newest([b"", torn], hash_bytes) is None


def test_a_later_version_is_not_written_over() -> None:
    later = rehash(make(9)[:8] + b"\x02" + make(9)[9:])
    with pytest.raises(UnsupportedVersion):
        newest([make(1), later], hash_bytes)
