"""Kernel effects through the adapter, in muscles: the same blocks as the pure-Python format, the same errors."""

from __future__ import annotations

import inos_js
import pyodide_js
import pytest

from inos.errors import AuthFailed, BadArgument, ContentMismatch, IdMismatch, InosError, LimitExceeded, Truncated
from inos.limits import JOBS_MAX
from inos.ports import KIND_CHUNK, KIND_MANIFEST, Cut, HashSpan, HashTree, HashUpdate, Open, Seal, hash_levels
from inos.reference.blake3 import ReferenceHashes, tree
from inos.reference.gear64 import cut_lengths, gear_table
from inos.vault import block
from inos.vault.contexts import derive_keys
from inos_host.kernels import HostAead

REFERENCE = ReferenceHashes()
SUITE = block.Suite(REFERENCE, HostAead(), lambda raw, _: raw, lambda payload, _: payload)
SECRET = bytes(range(32))
KEYS = derive_keys(SECRET, REFERENCE)
TEXT = b"the quick brown fox jumps over the lazy dog. " * 100
SEALED_TEXT = block.seal(TEXT, KIND_CHUNK, 0, KEYS, SUITE)


@pytest.fixture
def slot(bench):
    slot = bench.keys.open(SECRET)
    yield slot
    bench.keys.close(slot)


@pytest.fixture
def sealed(bench, slot):
    src = bench.span(TEXT)
    done = bench.run(Seal(src, KIND_CHUNK, 0, slot))
    bench.arena.release(src)
    yield done
    bench.arena.release(done.block)


@pytest.mark.parametrize("length", [1, 64, 1024, 4097, 20_000])
def test_a_raw_block_is_the_formats(bench, slot, length):
    data = (TEXT * 5)[:length]
    src = bench.span(data)
    done = bench.run(Seal(src, KIND_CHUNK, 0, slot))
    expected = block.seal(data, KIND_CHUNK, 0, KEYS, SUITE)
    assert bench.arena.read(done.block) == expected.block
    assert (done.secret, done.bid, done.h, done.cid) == (expected.secret, expected.bid, expected.h, expected.cid)
    assert (done.codec, done.raw_len) == (0, length)
    opened = bench.run(Open(done.block, KIND_CHUNK, secret=done.secret, bid=done.bid, h=done.h))
    assert bench.arena.read(opened.raw) == data
    assert opened.h == done.h
    for span in (src, done.block, opened.raw):
        bench.arena.release(span)


@pytest.mark.parametrize("length", [1, 1024, 1025, 20_000])
def test_a_hash_tree_is_the_references(bench, length):
    data = (TEXT * 5)[:length]
    src, dst = bench.span(data), bench.arena.alloc(max(32, 32 * sum(hash_levels(length))))
    assert bench.run(HashTree(src, dst)) is None
    assert bench.arena.read(dst)[: len(tree(data))] == tree(data)
    if length > 1024:
        with pytest.raises(BadArgument):
            bench.run(HashTree(src, dst.part(0, 32)))
    for span in (src, dst):
        bench.arena.release(span)


def test_a_compressed_block_opens(bench, slot):
    src = bench.span(TEXT)
    done = bench.run(Seal(src, KIND_CHUNK, 6, slot))
    assert done.block.length < len(TEXT) // 2
    opened = bench.run(Open(done.block, KIND_CHUNK, keys=slot))
    assert bench.arena.read(opened.raw) == TEXT
    for span in (src, done.block, opened.raw):
        bench.arena.release(span)


def test_a_cut_chunk_is_sealed_as_any_other(bench, slot):
    src = bench.span(TEXT)
    (piece,) = bench.run(Cut(src, final=True, keys=slot, stream=None)).pieces
    named, plain = (bench.run(Seal(src, KIND_CHUNK, 6, slot, piece=known)) for known in (piece, None))
    assert bench.arena.read(named.block) == bench.arena.read(plain.block)
    assert (named.secret, named.bid, named.h, named.cid) == (plain.secret, plain.bid, plain.h, plain.cid)
    for span in (src, named.block, plain.block):
        bench.arena.release(span)


@pytest.mark.parametrize("final", [True, False])
def test_cuts_are_the_references(bench, slot, final):
    data = REFERENCE.derive("noise", b"", 64) * 16_384  # 1 MiB that repeats: cut at the longest
    src = bench.span(data)
    stream = bench.hashes.stream_begin()
    done = bench.run(Cut(src, final, slot, stream))
    lengths = list(cut_lengths(data, gear_table(KEYS.gear), final=final, pieces_max=32))
    assert [piece.length for piece in done.pieces] == lengths
    assert done.consumed == sum(lengths)
    at = 0
    for piece in done.pieces:
        assert piece.cid == REFERENCE.keyed(KEYS.id, piece.h)
        part = bench.span(data[at : at + piece.length])
        assert bench.run(HashSpan(part)) == piece.h
        bench.arena.release(part)
        at += piece.length
    head = bench.span(data[: done.consumed])
    expected = bench.run(HashSpan(head)) if done.consumed else REFERENCE.hash(b"")
    assert bench.hashes.stream_finish(stream) == expected
    for span in (head, src, stream):
        bench.arena.release(span)


def test_a_hash_goes_on_from_span_to_span(bench):
    parts = [TEXT, b"", TEXT[:1025], b"\0" * 70_000]
    stream = bench.hashes.stream_begin()
    for part in parts:
        span = bench.span(part)
        assert bench.run(HashUpdate(span.part(0, len(part)), stream)) is None
        bench.arena.release(span)
    assert bench.hashes.stream_finish(stream) == REFERENCE.hash(b"".join(parts))
    bench.arena.release(stream)


def damaged(bench, sealed, at, change):
    data = bytearray(bench.arena.read(sealed.block))
    data[at] ^= change
    return bench.span(bytes(data))


def error_of(call) -> type[Exception] | None:
    try:
        call()
    except InosError as error:
        return type(error)
    return None


@pytest.mark.parametrize("with_bid", [False, True])
@pytest.mark.parametrize("at", [0, 8, 9, 10, 12, 16, 40, 47, 48, 60, -1])
def test_a_damaged_block_is_refused_as_the_reference_does(bench, sealed, at, with_bid):
    bad = damaged(bench, sealed, at, 0x40)
    bid = sealed.bid if with_bid else None
    expected = error_of(lambda: reference_open(bench.arena.read(bad), bid))
    assert expected is not None
    assert error_of(lambda: bench.run(Open(bad, KIND_CHUNK, secret=sealed.secret, bid=bid))) is expected
    bench.arena.release(bad)


def reference_open(data, bid):
    return block.open_block(data, KIND_CHUNK, SUITE, secret=SEALED_TEXT.secret, bid=bid)


@pytest.mark.parametrize(
    ("error", "length", "kind", "options"),
    [
        (Truncated, 20, KIND_CHUNK, {}),
        (AuthFailed, None, KIND_CHUNK, {"secret": bytes(32)}),
        (ContentMismatch, None, KIND_CHUNK, {"h": bytes(32)}),
        (IdMismatch, None, KIND_CHUNK, {"bid": bytes(32)}),
        (LimitExceeded, None, KIND_CHUNK, {"raw_len_max": 100}),
        (AuthFailed, None, KIND_MANIFEST, {}),  # the kind is authenticated, not in the header
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_way_an_open_can_be_wrong(bench, sealed, error, length, kind, options):
    src = sealed.block.part(0, length or sealed.block.length)
    asked = {"secret": sealed.secret} | options
    expected = error_of(lambda: block.open_block(bench.arena.read(src), kind, SUITE, **asked))
    assert error_of(lambda: bench.run(Open(src, kind, **asked))) is expected
    assert expected is error


def test_verify_only_allocates_nothing(bench, sealed):
    used = bench.arena.used()
    opened = bench.run(Open(sealed.block, KIND_CHUNK, secret=sealed.secret, verify_only=True))
    assert opened.raw is None
    assert bench.arena.used() == used


def test_more_jobs_than_ids_are_all_answered_once(bench):
    spans = [bench.span(bytes([n & 255]) * (n + 1)) for n in range(JOBS_MAX + 44)]
    numbers = [bench.ask(HashSpan(span)) for span in spans]
    bench.wait(*numbers)
    for n, (number, span) in enumerate(zip(numbers, spans, strict=True)):
        assert bench.times_answered[number] == 1
        assert bench.answers[number] == bench.hashes.hash(bytes([n & 255]) * (n + 1))
        bench.arena.release(span)


def test_slow_jobs_keep_neither_urgent_ones_nor_the_brain_waiting(bench, slot):
    big = bench.span(b"".join(TEXT[n % 90 :] for n in range(500))[:2_000_000])
    slow = bench.ask(Seal(big, KIND_CHUNK, 9, slot))
    small = bench.span(b"x")
    quick = bench.ask(HashSpan(small))
    bench.wait(quick)
    assert slow not in bench.answers, "a second muscle answers meanwhile"
    bench.wait(slow)
    for span in (big, small, bench.answers[slow].block):
        bench.arena.release(span)


def proxies() -> int:
    return pyodide_js._module.hiwire.num_keys()


def test_nothing_crosses_the_border_and_stays(bench, slot):
    module = pyodide_js._module
    span = bench.span(TEXT)

    def rounds(count: int) -> None:
        for _ in range(count):
            bench.hashes.hash(b"abc")
            done = bench.run(Seal(span, KIND_CHUNK, 0, slot))
            bench.arena.release(done.block)
            assert inos_js.net_control(1, 1, b"a message")
            inos_js.event('{"e":"test"}')

    rounds(5)  # whatever is made once
    module.enable_pyproxy_allocation_tracing()
    before = proxies(), module.pyproxy_alloc_map.size
    rounds(200)
    assert (proxies(), module.pyproxy_alloc_map.size) == before
    module.disable_pyproxy_allocation_tracing()
    bench.arena.release(span)
