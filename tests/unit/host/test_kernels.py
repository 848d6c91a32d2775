"""Kernel jobs over the wheels: known answers, the reference as oracle, bounded decoding, nothing leaked."""

from __future__ import annotations

import itertools
import random
import tracemalloc

import brotli
import pytest
from blake3 import blake3

from inos import limits
from inos.errors import ArenaFull, BadArgument, CodecError, ContentMismatch, IdMismatch, InosError, LimitExceeded
from inos.memory.layout import KEY_SLOTS_MAX
from inos.ports import Cut, HashSpan, HashUpdate, Open, Seal
from inos.reference.blake3 import ReferenceHashes
from inos.reference.chacha20poly1305 import ReferenceAead
from inos.reference.gear64 import cut_lengths, gear_table
from inos.vault import block
from inos.vault.contexts import derive_keys
from inos_host.kernels import compress, decompress, make_ports

VRS = bytes(range(32))
REFERENCE = block.Suite(ReferenceHashes(), ReferenceAead(), compress, decompress)


class Bench:
    """Ports, kernels, and spans that are given back at the end."""

    def __init__(self, arena_bytes=64 << 20):
        self.ports, self.kernels = make_ports(arena_bytes)
        self.slot = self.ports.keys.open(VRS)

    def put(self, data):
        span = self.ports.arena.alloc(len(data))
        self.ports.arena.write(span, data)
        return span

    def take(self, span):
        data = self.ports.arena.read(span)
        self.ports.arena.release(span)
        return data

    def seal(self, raw, kind=1, quality=0):
        src = self.put(raw)
        try:
            sealed = self.kernels.perform(Seal(src, kind, quality, self.slot))
        finally:
            self.ports.arena.release(src)
        return sealed, self.take(sealed.block)

    def open(self, data, kind=1, **how):
        src = self.put(data)
        try:
            opened = self.kernels.perform(Open(src, kind, **how))
        finally:
            self.ports.arena.release(src)
        return opened, None if opened.raw is None else self.take(opened.raw)


@pytest.fixture
def bench():
    made = Bench()
    yield made
    assert made.ports.arena.used() == 0


def pattern(length):
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def test_all_known_answers(bench, vectors):
    found = vectors("inos_block_v1/kat.json") or {"cases": []}
    suite, keys = bench.kernels.suite, derive_keys(VRS, bench.kernels.suite.hashes)
    for case in found["cases"]:
        if case["codec"] == 0:
            raw = pattern(case["raw_len"])
            sealed = block.seal(raw, case["kind"], 0, keys, suite)
        else:
            raw = vectors(case["raw"])
            payload = vectors(case["payload"])
            sealed = block.seal_payload(payload, len(raw), suite.hashes.hash(raw), case["kind"], 1, 11, keys, suite)
        for name in ("secret", "bid", "h", "cid"):
            assert getattr(sealed, name).hex() == case[name]
        assert len(sealed.block) == case["block_len"]
        opened = block.open_block(sealed.block, case["kind"], suite, keys=keys, bid=sealed.bid, h=sealed.h)
        assert (opened.raw, opened.codec) == (raw, case["codec"])
    # one of our own, so that this is never empty
    sealed, _ = bench.seal(pattern(102_400), 2)
    assert sealed.bid.hex() == "0b56d14ce2fec0a14c2c64e8f7804fdd6bb9d7b752ddc3095f51537e17ade53c"


@pytest.mark.parametrize("length", [0, 1, 17, 64, 1000, 1025, 5000])
@pytest.mark.parametrize("kind", [1, 2, 3])
def test_equals_the_reference(bench, length, kind):
    raw = random.Random(length).randbytes(length)
    keys = derive_keys(VRS, REFERENCE.hashes)
    expected = block.seal(raw, kind, 0, keys, REFERENCE)
    sealed, data = bench.seal(raw, kind)
    assert (data, sealed.secret, sealed.bid, sealed.h, sealed.cid) == (
        expected.block,
        expected.secret,
        expected.bid,
        expected.h,
        expected.cid,
    )
    assert block.open_block(data, kind, REFERENCE, secret=sealed.secret).raw == raw


@pytest.mark.parametrize("quality", [1, 6, 11])
@pytest.mark.parametrize("length", [1, 100, 70_000, limits.RAW_BYTES_MAX])
def test_compressed_round_trip(bench, quality, length):
    if quality == 11 and length > 100_000:
        quality = 9  # q11 makes half a MiB a second
    raw = (b"the quick brown fox %d " * 9 % tuple(range(9)) * (length // 100 + 1))[:length]
    sealed, data = bench.seal(raw, quality=quality)
    assert sealed.codec == (1 if length >= 100 else 0)
    assert sealed.raw_len == length
    for how in ({"keys": bench.slot}, {"secret": sealed.secret}):
        opened, found = bench.open(data, bid=sealed.bid, h=sealed.h, **how)
        assert (found, opened.h, opened.codec, opened.quality) == (raw, sealed.h, sealed.codec, sealed.quality)
    opened, found = bench.open(data, keys=bench.slot, verify_only=True)
    assert (found, opened.raw_len) == (None, length)


def test_noise_is_stored_raw_whatever_the_quality(bench):
    raw = random.Random(1).randbytes(300_000)
    sealed, data = bench.seal(raw, quality=6)
    assert (sealed.codec, sealed.quality) == (0, 0)
    assert data == bench.seal(raw)[1]


def test_gain_at_the_border():
    """Kept when it saves at least 1/64, not below."""
    keys = derive_keys(VRS, REFERENCE.hashes)
    raw = bytes(6400)
    for saved, codec in ((100, 1), (99, 0)):
        suite = block.Suite(
            REFERENCE.hashes, REFERENCE.aead, lambda raw, _, saved=saved: bytes(6400 - saved), decompress
        )
        assert block.seal(raw, 1, 6, keys, suite).codec == codec


def test_errors_leave_nothing_allocated(bench):
    sealed, data = bench.seal(b"x" * 1000)
    for how, error in (
        ({"keys": bench.slot, "bid": bytes(32)}, IdMismatch),
        ({"keys": bench.slot, "h": bytes(32)}, ContentMismatch),
        ({"secret": sealed.secret, "raw_len_max": 999}, LimitExceeded),
        ({}, BadArgument),
        ({"keys": bench.slot + 1}, BadArgument),
    ):
        with pytest.raises(error):
            bench.open(data, **how)
    with pytest.raises(BadArgument):
        bench.kernels.perform(object())


def test_a_full_arena_is_an_error_and_no_leak():
    bench = Bench(arena_bytes=200_000)
    src = bench.put(bytes(120_000))
    with pytest.raises(ArenaFull):
        bench.kernels.perform(Seal(src, 1, 0, bench.slot))
    bench.ports.arena.release(src)
    assert bench.ports.arena.used() == 0


def test_cut(bench):
    data = random.Random(2).randbytes(6 << 20)
    keys = derive_keys(VRS, bench.kernels.suite.hashes)
    hashes, arena = bench.ports.hashes, bench.ports.arena
    stream = hashes.stream_begin()
    lengths, at = [], 0
    while at < len(data):
        window = data[at : at + limits.WINDOW_BYTES]
        src = bench.put(window)
        done = bench.kernels.perform(Cut(src, at + len(window) == len(data), bench.slot, stream))
        arena.release(src)
        assert done.consumed == sum(piece.length for piece in done.pieces) > 0
        for piece in done.pieces:
            assert piece.h == hashes.hash(data[at : at + piece.length])
            assert piece.cid == hashes.keyed(keys.id, piece.h)
            at += piece.length
            lengths.append(piece.length)
    assert lengths == cut_lengths(data, gear_table(keys.gear))
    assert hashes.stream_finish(stream) == hashes.stream_finish(stream) == hashes.hash(data)
    arena.release(stream)
    for use in (
        lambda: hashes.stream_finish(stream),
        lambda: bench.kernels.perform(Cut(src, final=True, keys=99, stream=None)),
    ):
        with pytest.raises(BadArgument):
            use()


def test_gear64_known_answers(vectors):
    found = vectors("inos_block_v1/gear64.json") or {"cases": []}
    bench = Bench()
    table = gear_table(derive_keys(VRS, bench.ports.hashes).gear)
    for case in found["cases"]:
        data = {
            "xof": lambda: blake3(b"gear64 known answer").digest(12 << 20),
            "zeros": lambda: bytes(5 << 20),
            "short": lambda: pattern(262_145),
            "exact min": lambda: pattern(262_144),
            "empty": lambda: b"",
        }[case["name"]]()
        assert list(itertools.accumulate(cut_lengths(data, table))) == case["cuts"]


def test_hash_span(bench):
    span = bench.put(b"abc")
    assert bench.kernels.perform(HashSpan(span)).hex().startswith("6437b3ac38465133")
    bench.ports.arena.release(span)


def test_hash_update(bench):
    hashes, arena = bench.ports.hashes, bench.ports.arena
    stream = hashes.stream_begin()
    for part in (b"a", b"b", b"c"):
        span = bench.put(part)
        assert bench.kernels.perform(HashUpdate(span, stream)) is None
        arena.release(span)
    assert hashes.stream_finish(stream) == hashes.hash(b"abc")
    span = bench.put(b"d")
    arena.release(stream)
    with pytest.raises(BadArgument):
        bench.kernels.perform(HashUpdate(span, stream))
    arena.release(span)


def test_key_slots(bench):
    slots = [bench.ports.keys.open(bytes([i]) * 32) for i in range(KEY_SLOTS_MAX - 1)]
    with pytest.raises(LimitExceeded):
        bench.ports.keys.open(VRS)
    bench.ports.keys.close(slots[0])
    with pytest.raises(BadArgument):
        bench.ports.keys.close(slots[0])
    with pytest.raises(BadArgument):
        bench.ports.keys.open(b"short")
    assert bench.ports.keys.open(VRS) == slots[0]


@pytest.mark.parametrize("length", [1, 100, 32_752, 32_753, 65_536, 1_000_000])
def test_decompress_takes_exactly_what_was_promised(length):
    raw = pattern(length)
    packed = brotli.compress(raw, quality=5)
    assert decompress(packed, length) == raw
    for payload, raw_len in (
        (packed, length - 1),
        (packed, length + 1),
        (packed[:-1], length),
        (packed + b"\0", length),
        (b"", length),
        (b"\xff" * 20, length),
    ):
        with pytest.raises(CodecError):
            decompress(payload, raw_len)
    assert decompress(brotli.compress(b""), 0) == b""
    with pytest.raises(CodecError):
        decompress(b"", 0)


def test_a_bomb_is_stopped_in_bounded_memory():
    bomb = brotli.compress(bytes(256 << 20), quality=9)
    assert len(bomb) < 1000
    tracemalloc.start()
    try:
        with pytest.raises(CodecError):
            decompress(bomb, 100)
        with pytest.raises(CodecError):
            decompress(bomb, limits.RAW_BYTES_MAX)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_brotli_vectors(vectors):
    for name in (
        "10x10y",
        "64x",
        "alice29.txt",
        "asyoulik.txt",
        "backward65536",
        "empty",
        "quickfox_repeated",
        "zeros",
    ):
        raw, packed = vectors(f"brotli/testdata/{name}"), vectors(f"brotli/testdata/{name}.compressed")
        if raw is not None and packed is not None:
            assert decompress(packed, len(raw)) == raw


def test_every_error_is_typed(bench):
    _, data = bench.seal(b"some text " * 100, quality=6)
    chance = random.Random(3)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if bytes(broken) != data:
            with pytest.raises(InosError):
                bench.open(bytes(broken), keys=bench.slot)
