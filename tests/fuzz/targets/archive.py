"""An archive of a vault: its frames as they come, and what its sealed parts say, whoever knows the passphrase.

The first byte of an input says which: an archive's bytes; or a list of payloads by kind, as they are when opened, around which
frames and a chain that fit are made.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from tests.fuzz.mutate import mutate_bytes, mutate_cbor
from tests.fuzz.pieces import pack, unpack
from tests.fuzz.targets import heads as heads_target

from inos.limits import BLOCK_OVERHEAD_BYTES
from inos.vault import archive, heads
from inos.vault.archive import (
    BLOCK,
    END,
    FRAME_BYTES,
    HEAD_BYTES,
    INFO,
    ITEM,
    Chain,
    Frame,
    Info,
    Item,
    Reader,
    Version,
)
from inos.vault.stretching import Params

RAW, OPENED = range(2)
CHAINED = 4  # an end that fits, whatever the piece says
KINDS = (INFO, BLOCK, ITEM, END, END)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def run(data: bytes) -> None:
    """See Target."""
    reader = Reader(_hash)
    if data[:1] == bytes([OPENED]):
        _read_opened(reader, unpack(data[1:], len(KINDS)))
    else:
        _read_raw(reader, data[1:])
    assert reader.is_whole
    assert reader.has_begun


def _read_raw(reader: Reader, data: bytes) -> None:
    reader.head(data)
    at = HEAD_BYTES
    while not reader.is_whole:
        frame = reader.frame(data[at : at + FRAME_BYTES])
        payload = data[at + FRAME_BYTES : at + FRAME_BYTES + frame.length]
        _take(reader, frame, payload)
        at += FRAME_BYTES + frame.length


def _read_opened(reader: Reader, pieces: list[tuple[int, bytes]]) -> None:
    head = archive.encode_head(Params(b"salt" * 4))
    reader.head(head)
    chain = Chain(head, _hash)
    for kind, piece in pieces:
        frame_bytes = archive.encode_frame(KINDS[kind], BLOCK_OVERHEAD_BYTES + len(piece))
        frame = reader.frame(frame_bytes)
        _take(reader, frame, chain.end() if kind == CHAINED else piece)
        chain.add(frame_bytes, frame.kind, _hash(piece))
    if not reader.is_whole:
        reader.frame(b"")


def _take(reader: Reader, frame: Frame, payload: bytes) -> None:
    if frame.kind == INFO:
        info = archive.unpack_info(payload)
        assert info.pack() == payload, "two encodings of one info"
    elif frame.kind == ITEM:
        item = archive.unpack_item(payload)
        assert item.pack() == payload, "two encodings of one item"
        heads.check_line(item.heads, _hash)
    elif frame.kind == END:
        reader.finish(payload)
        return
    reader.took(frame, _hash(payload))


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    if data[:1] != bytes([OPENED]) or rng.random() < 0.1:
        return data[:1] + mutate_bytes(data[1:], rng)
    pieces = unpack(data[1:], len(KINDS))
    if not pieces:
        return data
    at = rng.randrange(len(pieces))
    kind, piece = pieces[at]
    match rng.randrange(8):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
        case 2:
            pieces[at] = (rng.randrange(len(KINDS)), piece)
        case _:
            pieces[at] = (kind, mutate_cbor(piece, rng))
    return bytes([OPENED]) + pack(pieces)


def seeds() -> Iterator[bytes]:
    """See Target."""
    line = tuple(heads_target.line_of(3))
    versions = tuple(
        Version(signed.head.root, b"b" * 32, b"s" * 32, signed.head.time_ms, number == 1, (b"o" * 32, b"S" * 32))
        for number, signed in enumerate(line)
    )
    info = Info(1_764_000_000_000, 2, 200, "a vault of two files").pack()
    items = [Item(b"l" * 32, versions, line).pack(), Item(b"", versions[:1], ()).pack()]
    block = (1, bytes(100))
    yield bytes([OPENED]) + pack([(0, info), block, (2, items[0]), block, (2, items[1]), (CHAINED, b"")])
    yield bytes([OPENED]) + pack([(0, info), (CHAINED, b"")])
    yield bytes([OPENED]) + pack([(0, info), (2, items[1]), (3, b"")])
    yield bytes([RAW]) + raw_of([(INFO, info), (BLOCK, bytes(100)), (ITEM, items[0])])


def raw_of(parts: list[tuple[int, bytes]]) -> bytes:
    """An archive whose sealed parts are not sealed, with the end that fits."""
    head = archive.encode_head(Params(b"salt" * 4))
    out, chain = head, Chain(head, _hash)
    for kind, payload in parts:
        frame = archive.encode_frame(kind, max(BLOCK_OVERHEAD_BYTES, len(payload)))
        chain.add(frame, kind, _hash(payload))
        out += frame + payload
    end = chain.end()
    return out + archive.encode_frame(END, max(BLOCK_OVERHEAD_BYTES, len(end))) + end
