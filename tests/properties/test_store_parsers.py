"""The store's parsers on any bytes: a value or a typed error, never anything else."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from mangled import changed, hash_bytes

from inos.errors import CorruptError, InosError, LogDamaged
from inos.limits import SUPERBLOCK_BYTES
from inos.vault import log, ops
from inos.vault.superblock import Superblock, decode, encode
from inos.wire import cbor

IDS = st.binary(min_size=32, max_size=32)
RUNS = st.lists(st.integers(0, 1_000)).map(ops.pack_runs)
COUNTS = st.integers(0, (1 << 53) - 1)


GOOD_SUPERBLOCK = encode(Superblock(5, 6, 0, bytes(16)), hash_bytes)
GOOD_HEAD = log.encode_head(bytes(16), 1, 0, hash_bytes)
GOOD_RECORD = log.encode_record_start(b"INOB\x01\x01\0\0" + (96).to_bytes(4, "little") + bytes(84), 3)
GOOD_ROOT = ops.Root(bytes(32), bytes(32), "n", "", 1, 2, 3, 4, 5, 6, bytes(32), None, ops.pack_runs([1, 2, 9]))
GOOD_BODY = ops.encode_body(
    3,
    1,
    [
        ops.encode_op(ops.BLOCKS, 0, bytes(ops.ENTRY_BYTES)),
        GOOD_ROOT.pack(),
        ops.encode_op(ops.DROP, ops.pack_runs([4])),
        ops.encode_op(ops.WISH, bytes(32), bytes(32), 1),
    ],
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.binary(max_size=SUPERBLOCK_BYTES + 8) | changed(GOOD_SUPERBLOCK))
def test_superblocks(data: bytes) -> None:
    with suppress(CorruptError):
        assert encode(decode(data, hash_bytes), hash_bytes) == data[:SUPERBLOCK_BYTES]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.binary(max_size=80) | changed(GOOD_HEAD))
def test_log_heads(data: bytes) -> None:
    with suppress(CorruptError):
        head = log.parse_head(data, hash_bytes)
        assert log.encode_head(head.vault_id, head.generation, head.base, hash_bytes) == data[:64]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.binary(max_size=300) | changed(GOOD_RECORD))
def test_frames(data: bytes) -> None:
    with suppress(InosError):
        frame = log.parse_frame(data)
        assert frame.record_len % 64 == 0
        assert frame.record_len >= frame.block_len + 32
    at = log.find_candidate(data, 0)
    while at is not None:
        assert at % 64 == 0
        at = log.find_candidate(data, at + 64)


@settings(deadline=None, max_examples=600, derandomize=True)
@given(st.binary(max_size=300) | changed(GOOD_BODY))
def test_bodies(data: bytes) -> None:
    with suppress(LogDamaged):
        body = ops.decode_body(data)
        for code, args in body.operations:
            if code == ops.DROP:
                assert sum(1 for _ in ops.numbers_of(args[0])) < 1 << 23


JUNK = st.recursive(
    st.integers(-5, 10) | st.binary(max_size=40) | IDS | st.text(max_size=5) | st.none(),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 11), st.lists(JUNK, max_size=14)), max_size=3))
def test_bodies_of_wrong_shapes(operations: list[tuple[int, list[object]]]) -> None:
    with suppress(InosError):
        packed = [cbor.encode([code, *args]) for code, args in operations]
        ops.decode_body(cbor.encode([2, 1, packed]))


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    st.builds(
        ops.Root, IDS, IDS, st.text(max_size=20), st.text(max_size=20), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS,
        IDS, st.none() | st.tuples(IDS, IDS), RUNS,
    )
)  # fmt: skip
def test_roots_round_trip(root: ops.Root) -> None:
    with suppress(InosError):  # texts that are not Unicode
        packed = root.pack()
        body = ops.decode_body(ops.encode_body(1, 0, [packed]))
        assert body.operations == ((ops.ROOT, [root]),)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.integers(0, 1 << 31)))
def test_runs_round_trip(numbers: list[int]) -> None:
    assert list(ops.numbers_of(ops.pack_runs(numbers))) == sorted(set(numbers))
