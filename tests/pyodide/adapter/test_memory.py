"""Region, arena, hashes and key slots on the shared memory."""

from __future__ import annotations

import pytest

from inos.errors import ArenaFull, BadArgument, LimitExceeded
from inos.memory import layout
from inos.ports import HashSpan, Span
from inos.reference.blake3 import ReferenceHashes
from inos.reference.gear64 import gear_table
from inos.vault.contexts import derive_keys

REFERENCE = ReferenceHashes()
LENGTHS = [0, 1, 31, 64, 1023, 1024, 1025, 5000]


def pattern(length: int) -> bytes:
    return bytes((7 * n + n // 251) & 255 for n in range(length))


def test_what_python_writes_another_thread_sees(bench):
    for length in LENGTHS[1:]:
        span = bench.span(pattern(length))
        assert bench.run(HashSpan(span)) == REFERENCE.hash(pattern(length))
        bench.arena.release(span)


def test_the_region_is_the_whole_shared_memory(bench):
    header = bench.region.words(layout.REGIONS["HEADER"][0], len(layout.HEADER_WORDS))
    assert header[layout.HEADER_WORDS.index("MAGIC")] == layout.MAGIC
    assert header[layout.HEADER_WORDS.index("MEMORY_BYTES")] == bench.region.size


@pytest.mark.parametrize("shift", [-8, -1, 0, 1])
def test_the_end_of_the_region_holds(bench, shift):
    at = bench.region.size - 4 + shift
    before = bench.region.size
    if shift > 0:
        with pytest.raises(BadArgument):
            bench.region.read(at, 4)
        with pytest.raises(BadArgument):
            bench.region.write(at, b"abcd")
    else:
        old = bench.region.read(at, 4)
        bench.region.write(at, b"abcd")
        assert bench.region.read(at, 4) == b"abcd"
        bench.region.write(at, old)
    assert bench.region.size == before


@pytest.mark.parametrize(("offset", "length"), [(-1, 4), (0, -1), (100, -200), (-8, 8)])
def test_what_is_not_a_range_is_refused(bench, offset, length):
    with pytest.raises(BadArgument):
        bench.region.read(offset, length)


def test_allocations_are_counted_and_aligned(bench):
    used = bench.arena.used()
    span = bench.arena.alloc(100)
    assert span.offset % layout.LINE_BYTES == 0
    assert bench.arena.used() >= used + 100
    bench.arena.retain(span)
    bench.arena.release(span)
    assert bench.arena.used() > used
    bench.arena.release(span)
    assert bench.arena.used() == used
    with pytest.raises(BadArgument):
        bench.arena.release(span)
    with pytest.raises(BadArgument):
        bench.arena.retain(span)
    with pytest.raises(BadArgument):
        bench.arena.release(Span(span.offset + 1, 1))


def test_more_than_the_span_takes_is_refused(bench):
    span = bench.arena.alloc(10)
    with pytest.raises(BadArgument):
        bench.arena.write(span, bytes(11))
    bench.arena.release(span)


def test_a_view_reaches_its_span_and_nothing_else(bench):
    span, neighbour = bench.span(bytes(100)), bench.span(b"n" * 100)
    view = bench.arena.view(span)
    view.write(90, b"0123456789")
    assert view.read(88, 12) == b"\0\0" + b"0123456789"
    assert view.read(100, 0) == b""
    for at, length in [(91, 10), (-1, 2), (0, 101), (0, -1), (200, 0)]:
        with pytest.raises(BadArgument):
            view.read(at, length)
    for at, data in [(91, b"0123456789"), (-1, b"a"), (101, b"")]:
        with pytest.raises(BadArgument):
            view.write(at, data)
    assert bench.arena.read(neighbour) == b"n" * 100
    bench.arena.release(span)
    bench.arena.release(neighbour)


@pytest.mark.parametrize("length", [1 << 28, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_a_full_arena_says_so(bench, length):
    with pytest.raises(ArenaFull):
        bench.arena.alloc(length)


def test_hashes_equal_the_reference(bench):
    key = pattern(32)
    for length in LENGTHS:
        data = pattern(length)
        assert bench.hashes.hash(data) == REFERENCE.hash(data)
        assert bench.hashes.keyed(key, data) == REFERENCE.keyed(key, data)
        assert bench.hashes.derive("a context", data, 100) == REFERENCE.derive("a context", data, 100)


def test_bulk_is_refused_by_the_small_hashes(bench):
    bench.hashes.hash(bytes(65_536))
    for call in (bench.hashes.hash, lambda data: bench.hashes.keyed(bytes(32), data)):
        with pytest.raises(BadArgument):
            call(bytes(90_000))


@pytest.mark.parametrize(
    "call",
    [
        lambda hashes: hashes.derive("c" * 100_000, b""),
        lambda hashes: hashes.derive("c", b"", 100_000),
        lambda hashes: hashes.derive("c", b"", -1),
        lambda hashes: hashes.keyed(b"short", b"data"),
    ],
    ids=["long context", "long output", "negative output", "short key"],
)
def test_the_scratch_is_not_left(bench, call):
    """An input that would reach past the scratch buffer is refused before the kernel sees it."""
    guard = bench.span(b"guard" * 20)
    try:
        with pytest.raises(BadArgument):
            call(bench.hashes)
        assert bench.arena.read(guard) == b"guard" * 20
    finally:
        bench.arena.release(guard)


def test_key_slots(bench):
    secret = pattern(32)
    slot = bench.keys.open(secret)
    expected = derive_keys(secret, REFERENCE)
    table = bench.region.read(slot + layout.KEY_SLOT_FIELDS["GEAR"], 2048)
    assert tuple(int.from_bytes(table[n : n + 8], "little") for n in range(0, 2048, 8)) == gear_table(expected.gear)
    assert bench.region.read(slot, 32) == expected.id
    bench.keys.close(slot)
    assert bench.region.read(slot, layout.KEY_SLOT_BYTES) == bytes(layout.KEY_SLOT_BYTES), "closing wipes the keys"
    with pytest.raises(BadArgument):
        bench.keys.close(slot)
    with pytest.raises(BadArgument):
        bench.keys.open(b"short")


def test_slots_are_bounded(bench):
    slots = [bench.keys.open(bytes([n]) * 32) for n in range(layout.KEY_SLOTS_MAX)]
    assert len(set(slots)) == layout.KEY_SLOTS_MAX
    with pytest.raises(LimitExceeded):
        bench.keys.open(bytes(32))
    for slot in slots:
        bench.keys.close(slot)
