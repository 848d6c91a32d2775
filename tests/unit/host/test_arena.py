"""The arena of the host: alignment, references, merging, and its errors."""

from __future__ import annotations

import random

import pytest

from inos.errors import ArenaFull, BadArgument
from inos.ports import Span
from inos_host.arena import HostArena


def test_alloc_write_read_release():
    arena = HostArena(4096)
    span = arena.alloc(100)
    assert span.offset % 64 == 0
    assert span.offset > 0
    assert arena.used() == 128
    arena.write(span, b"abc")
    arena.write(span.part(3, 3), memoryview(b"def"))
    assert arena.read(span.part(0, 6)) == b"abcdef"
    assert bytes(arena.in_place(span)[:3]) == b"abc"
    arena.release(span)
    assert (arena.used(), arena.live()) == (0, 0)


def test_references():
    arena = HostArena(4096)
    span = arena.alloc(1)
    arena.retain(span)
    arena.release(span)
    assert arena.is_live(span.offset)
    arena.release(span)
    assert not arena.is_live(span.offset)
    for use in (arena.release, arena.retain):
        with pytest.raises(BadArgument):
            use(span)


def test_zero_bytes_are_an_allocation():
    arena = HostArena(4096)
    spans = [arena.alloc(0) for _ in range(3)]
    assert len({span.offset for span in spans}) == 3
    assert arena.read(spans[0]) == b""


def test_full_and_whole_again():
    arena = HostArena(64 * 11)
    spans = [arena.alloc(64) for _ in range(10)]
    with pytest.raises(ArenaFull):
        arena.alloc(1)
    for at in (1, 3, 2, 9, 0, 8, 4, 7, 5, 6):
        arena.release(spans[at])
    assert arena.alloc(640).offset == 64, "all holes are one again"


def test_bad_arguments():
    arena = HostArena(4096)
    span = arena.alloc(10)
    for call in (
        lambda: arena.alloc(-1),
        lambda: arena.write(span, bytes(11)),
        lambda: arena.read(Span(4095, 10)),
        lambda: arena.read(Span(0, 1)),
        lambda: arena.release(Span(span.offset + 64, 1)),
        lambda: HostArena(64),
    ):
        with pytest.raises(BadArgument):
            call()


def test_random_use_never_overlaps_and_leaks_nothing():
    chance, arena, live = random.Random(7), HostArena(1 << 16), {}
    for step in range(5_000):
        if live and chance.random() < 0.5:
            span, data = live.pop(chance.choice(list(live)))
            assert arena.read(span) == data
            arena.release(span)
            continue
        data = chance.randbytes(int(2 ** (chance.random() * 12)))
        try:
            span = arena.alloc(len(data))
        except ArenaFull:
            continue
        arena.write(span, data)
        live[step] = (span, data)
    for span, data in live.values():
        assert arena.read(span) == data
        arena.release(span)
    assert (arena.used(), arena.live()) == (0, 0)


def test_a_view_reaches_its_span_and_nothing_else():
    arena = HostArena(4096)
    span, neighbour = arena.alloc(100), arena.alloc(100)
    arena.write(neighbour, b"n" * 100)
    view = arena.view(span)
    view.write(90, b"0123456789")
    assert view.read(88, 12) == b"\0\0" + b"0123456789"
    assert view.read(100, 0) == b""
    for at, length in [(91, 10), (-1, 2), (0, 101), (0, -1), (200, 0)]:
        with pytest.raises(BadArgument):
            view.read(at, length)
    for at, data in [(91, b"0123456789"), (-1, b"a"), (101, b"")]:
        with pytest.raises(BadArgument):
            view.write(at, data)
    assert arena.read(neighbour) == b"n" * 100
