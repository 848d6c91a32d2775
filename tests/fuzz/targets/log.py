"""The log's parts: its head, a record's frame, the search for the next one, and what a record says.

The first byte of an input says which. Bodies come as they are: that they were sealed by the vault's own keys is not relied on.
"""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Iterator

from tests.fuzz.mutate import mutate_bytes, mutate_cbor
from tests.fuzz.targets.heads import line_of

from inos.vault import log, ops
from inos.vault.index import Index

HEAD, FRAME, BODY = range(3)
NUMBERS_MAX = 10_000
BLOCK = b"INOB\x01\x01\0\0" + (96).to_bytes(4, "little") + bytes(84)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def run(data: bytes) -> None:
    """See Target."""
    part = data[1:]
    if data[:1] == bytes([HEAD]):
        head = log.parse_head(part, _hash)
        assert log.encode_head(head.vault_id, head.generation, head.base, _hash) == part[: log.HEAD_BYTES]
    elif data[:1] == bytes([FRAME]):
        at = log.find_candidate(part, 0)
        assert at is None or (at % 64 == 0 and part[at + 16 : at + 20] == log.BLOCK_MAGIC)
        frame = log.parse_frame(part)
        assert 0 < frame.record_len <= log.record_len(log.BLOCK_BYTES_MAX)
    else:
        body = ops.decode_body(part)
        if numbers_named(body) > NUMBERS_MAX:
            return
        index = Index()
        index.apply(body.seq, body.operations)
        assert all(index.entries[number][:32] == bid for bid, number in index.by_bid.items())
        assert all(index.entries[number][96:128] == cid for cid, number in index.by_cid.items())


def numbers_named(body: ops.Body) -> int:
    """Blocks that runs of a body name: up to BLOCKS_MAX by the vault's own hand, which takes its time in a vault of that size."""
    flat = [op for code, args in body.operations for op in (args[0] if code == ops.TOGETHER else [(code, args)])]
    naming = (ops.ROOT, ops.DROP, ops.OFFER)
    runs = [args[0].runs if code == ops.ROOT else args[-1] for code, args in flat if code in naming]
    return sum(count for packed in runs for _, count in struct.iter_unpack("<II", packed))


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    change = mutate_cbor if data[:1] == bytes([BODY]) else mutate_bytes
    return data[:1] + change(data[1:], rng)


def entry(number: int, flags: int = 0) -> bytes:
    """A block's entry."""
    bid = _hash(b"%d" % number)
    return ops.pack_entry(bid, b"s" * 32, b"h" * 32, bid, ops.Place(100, 192, 1, 6, 1, flags, 0, 192 * number))


def operations() -> list[bytes]:
    """One of each kind."""
    root = ops.Root(b"r" * 32, b"s" * 32, "n", "", 1, 2, 3, 4, 5, 6, b"f" * 32, None, ops.pack_runs([1, 2, 9]))
    received = ops.Root(b"R" * 32, b"s" * 32, "n", "", 1, 2, 3, 4, 5, 6, b"f" * 32, (b"b" * 32, b"s" * 32), b"")
    return [
        ops.encode_op(ops.BLOCKS, 1, entry(1) + entry(2, ops.FLAG_FOREIGN)),
        root.pack(),
        received.pack(),
        ops.encode_op(ops.SHARE, b"r" * 32),
        ops.encode_op(ops.UNSHARE, b"r" * 32),
        ops.encode_op(ops.REMOVE, b"r" * 32),
        ops.encode_op(ops.DROP, ops.pack_runs([1, 2])),
        ops.encode_op(ops.SCRUBBED, 1),
        ops.encode_op(ops.WISH, b"w" * 32, b"s" * 32, 1 << 40),
        ops.encode_op(ops.UNWISH, b"w" * 32),
        ops.encode_op(ops.NEXT, 12),
        *(ops.encode_op(ops.HEAD, b"l" * 32, signed.pack()) for signed in line_of(2)),
        ops.encode_op(ops.FORGET, bytes(32)),
        ops.encode_op(ops.TOGETHER, [root.pack(), ops.encode_op(ops.SHARE, b"r" * 32)]),
        ops.encode_op(ops.GRANT, b"g" * 32, b"k" * 32, b"r" * 32, 1 << 40),
        ops.encode_op(ops.REVOKE, b"g" * 32),
        ops.encode_op(ops.OFFER, b"r" * 32, b"o" * 32, b"s" * 32, ops.pack_runs([9])),
    ]


def seeds() -> Iterator[bytes]:
    """See Target."""
    yield bytes([HEAD]) + log.encode_head(bytes(16), 2, 1 << 40, _hash)
    record = log.encode_record_start(BLOCK, 3)
    yield bytes([FRAME]) + record + bytes(16)
    yield bytes([FRAME]) + b"x" * 64 + record
    yield bytes([BODY]) + ops.encode_body(1, 0, operations())
    for operation in operations():
        yield bytes([BODY]) + ops.encode_body(7, 6, [operation])
