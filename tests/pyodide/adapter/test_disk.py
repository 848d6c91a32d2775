"""Disk effects through the io worker."""

from __future__ import annotations

import inos_test
import pytest

from inos.errors import BadArgument, NotFound
from inos.ports import FileClose, FileFlush, FileRead, FileSize, FileTruncate, FileWrite, SinkWrite, SourceRead
from inos_web.disk import _OPEN_MAX, handle_of


def test_what_is_written_is_read(bench):
    data = bytes(range(256)) * 16
    src, dst = bench.span(data), bench.arena.alloc(2 * len(data))
    assert bench.run(FileSize("seg-0001")) == 0
    assert bench.run(FileWrite("seg-0001", 100, src)) is None
    assert bench.run(FileFlush("seg-0001")) is None
    assert bench.run(FileClose("seg-0001")) is None
    assert bench.run(FileSize("seg-0001")) == 100 + len(data)
    assert bench.run(FileRead("seg-0001", 100, dst)) == len(data), "fewer at the end of the file"
    assert bench.arena.read(dst.part(0, len(data))) == data
    assert bench.run(FileTruncate("seg-0001", 0)) is None
    assert bench.run(FileSize("seg-0001")) == 0
    for span in (src, dst):
        bench.arena.release(span)


def test_a_source_is_read_to_its_end(bench):
    inos_test.source(7, b"from outside")
    dst = bench.arena.alloc(64)
    # The page's message and this frame travel by different ways: ask until the source is known, as a put does not have to.
    for _ in range(1000):
        try:
            got = bench.run(SourceRead(7, 5, dst))
            break
        except NotFound:
            continue
    assert bench.arena.read(dst.part(0, got)) == b"outside"
    assert bench.run(SourceRead(7, 12, dst)) == 0
    bench.arena.release(dst)


def test_errors_are_typed(bench):
    span = bench.span(b"x")
    with pytest.raises(NotFound):
        bench.run(SourceRead(999, 0, span))
    with pytest.raises(NotFound):
        bench.run(SinkWrite(999, 0, span))
    with pytest.raises(BadArgument):
        handle_of("../sb0")
    bench.arena.release(span)


def test_more_requests_than_may_be_open_wait_their_turn(bench):
    src = bench.span(b"0123456789abcdef")
    numbers = [bench.ask(FileWrite("seg-0002", 16 * n, src)) for n in range(2 * _OPEN_MAX)]
    bench.wait(*numbers)
    assert {bench.times_answered[number] for number in numbers} == {1}
    assert bench.run(FileSize("seg-0002")) == 32 * _OPEN_MAX
    bench.arena.release(src)
