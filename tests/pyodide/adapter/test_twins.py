"""What Python writes JavaScript reads, and back: on one memory, in threads of their own."""

from __future__ import annotations

import time

import inos_test
import pytest

from inos.memory import Epoch, Queue, RingReader, RingWriter, Seqlock, layout
from inos_web.region import WebRegion

AT = layout.ARENA_OFFSET
SECOND = AT + 65_536
INBOX, OUTBOX = layout.EPOCHS.index("NET_INBOX"), layout.EPOCHS.index("NET_OUTBOX")
TIMEOUT_S = 60.0


@pytest.fixture
def region():
    quiet = WebRegion(inos_test.quiet_path, inos_test.quiet)
    quiet.write(0, bytes(quiet.size))
    return quiet


@pytest.mark.parametrize(("start", "capacity"), [(0, 4096), (2**32 - 8192, 4096), (2**31 - 64, 16_384)])
def test_frames_go_to_javascript_and_come_back(region, start, capacity):
    length, count = layout.RING_DATA_OFFSET + capacity, 20_000
    for at in (AT, SECOND):
        region.store(at + layout.RING_HEAD_OFFSET, start)
        region.store(at + layout.RING_TAIL_OFFSET, start)
    inbox, outbox = Epoch(region, INBOX), Epoch(region, OUTBOX)
    writer = RingWriter(region, AT, length, [outbox])
    reader = RingReader(region, SECOND, length)
    frames = [(n & 0x7FFF, bytes([n & 255]) * (n * 7 % 97)) for n in range(count)]
    inos_test.peer("ring_echo.js", AT, SECOND, length, count)
    sent, got = 0, []
    for _ in inbox.watch(TIMEOUT_S):
        sent += writer.push_many(frames[sent : sent + 200])
        while answers := reader.pop_many():
            got += answers
            outbox.publish()  # there is room for more
            sent += writer.push_many(frames[sent : sent + 200])
        if len(got) == count:
            break
    assert got == [(kind + 1, payload) for kind, payload in frames]

    # The thread is gone: Python takes its place, and goes on where JavaScript stopped.
    heir = RingWriter(region, SECOND, length, dead=True)
    assert heir.push(9, b"from the heir")
    assert reader.pop_many() == [(9, b"from the heir")]


def test_ids_go_through_queues_that_both_use(region):
    count, threads = 4_000, 4
    there, back, counter = Queue(region, AT, 0), Queue(region, SECOND, 0), SECOND + 8192
    there.init(2**32 - 1000)
    back.init(2**31 - 1000)
    for thread in range(1, threads + 1):
        inos_test.peer("queue_pass.js", AT, SECOND, counter, count, thread)
    sent, got = 0, []
    while len(got) < count:
        passed = region.load(counter)
        while sent < count and there.push(sent):
            sent += 1
        before = len(got)
        got += iter(back.pop, -1)
        if len(got) == before and sent == count:
            assert region.wait(counter, passed, TIMEOUT_S)
    assert sorted(got) == list(range(count))


def test_values_are_whole_on_both_sides(region):
    length, last = 1000, 200
    ours, theirs = Seqlock(region, AT, AT + 64, length), Seqlock(region, SECOND, SECOND + 64, length)
    inos_test.peer("seqlock_copy.js", AT, SECOND, length, last)
    n, until = 0, time.monotonic() + TIMEOUT_S
    while True:
        assert time.monotonic() < until, f"no answer to {last}"
        n = min(n + 1, last)
        ours.write(bytes([n]) * length)
        value = theirs.read()
        if value is None:
            continue
        assert value == bytes([value[0]]) * length, "torn"
        assert value[0] <= last, "the other side read a torn value"
        if value[0] == last:
            break
