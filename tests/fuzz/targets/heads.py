"""Heads: the signed steps of a file's versions, one by one and as a line."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from tests.fuzz.mutate import mutate_bytes, mutate_cbor
from tests.fuzz.pieces import pack, unpack

from inos.vault import heads
from inos.vault.heads import SIGNATURE_BYTES, SignedHead


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def run(data: bytes) -> None:
    """See Target."""
    line = [heads.parse(piece) for _, piece in unpack(data, 1)]
    for signed in line:
        assert heads.encode(signed.head) == signed.data, "two encodings of one head"
    heads.check_line(line, _hash)
    for known in (line[:1], line):
        heads.check_against(known, line)
    heads.check_against(line_of(3), line)


def line_of(length: int) -> list[SignedHead]:
    """A line that is in order, signed by nobody."""
    line: list[SignedHead] = []
    for number in range(length):
        head = heads.following(line, b"p" * 32, b"l" * 32, bytes([number]) * 32, 1_764_000_000_000 + number, _hash)
        line.append(SignedHead(head, heads.encode(head), bytes(SIGNATURE_BYTES)))
    return line


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    pieces = unpack(data, 1)
    if not pieces or rng.random() < 0.2:
        return mutate_bytes(data, rng)
    at = rng.randrange(len(pieces))
    head = pieces[at][1]
    match rng.randrange(5):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
        case _:
            pieces[at] = (0, mutate_cbor(head[:-SIGNATURE_BYTES], rng) + head[-SIGNATURE_BYTES:])
    return pack(pieces)


def seeds() -> Iterator[bytes]:
    """See Target."""
    for length in (1, 3, 5):
        yield pack([(0, signed.pack()) for signed in line_of(length)])
