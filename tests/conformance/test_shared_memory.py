"""What ``inos.memory`` must do on every region: words, epochs, rings, queues, seqlocks, jobs, and what each does at its edges."""

from __future__ import annotations

import sys
from struct import Struct
from zlib import crc32

import pytest

from inos.errors import BadArgument, Busy, Fenced, InosError, NotFound, RingDamaged
from inos.limits import JOBS_MAX, RING_READ_BYTES
from inos.memory import Epoch, Jobs, Queue, RingReader, RingWriter, Seqlock, layout

AT = layout.ARENA_OFFSET
CAPACITY = 1024
RING_BYTES = layout.RING_DATA_OFFSET + CAPACITY
LAST_EPOCH = 63
STARTS = [0, 2**31 - 512, 2**32 - 512]
HEADER = Struct("<IHHI")


# --- region ----------------------------------------------------------------------------------------------------------


def test_words_are_signed_and_wrap(region):
    assert region.load(AT) == 0
    for value, seen in [(1, 1), (-1, -1), (0xFFFF_FFFF, -1), (0x8000_0000, -(2**31)), (2**31 - 1, 2**31 - 1)]:
        region.store(AT, value)
        assert region.load(AT) == seen
        assert region.words(AT, 1) == (value & 0xFFFF_FFFF,)
    assert region.add(AT, 1) == 2**31 - 1
    assert region.load(AT) == -(2**31)
    assert region.read(AT, 8) == b"\0\0\0\x80\0\0\0\0"


def test_an_exchange_happens_only_from_what_is_expected(region):
    assert region.compare_exchange(AT, 1, 2) == 0
    assert region.load(AT) == 0
    assert region.compare_exchange(AT, 0, 0xFFFF_FFFF) == 0
    assert region.compare_exchange(AT, 0xFFFF_FFFF, 7) == -1
    assert region.load(AT) == 7


def test_a_wait_ends_at_once_or_in_time(region):
    region.store(AT, 5)
    assert region.notify(AT) == 0
    assert region.wait(AT, 4)
    assert not region.wait(AT, 5, 0.01)
    assert not region.wait(AT, 5, 0)


@pytest.mark.parametrize("shift", [-8, 0, 1])
def test_the_end_holds(region, shift):
    at = region.size - 4 + shift
    if shift > 0:
        with pytest.raises(BadArgument):
            region.read(at, 4)
        with pytest.raises(BadArgument):
            region.write(at, b"abcd")
    else:
        region.write(at, b"abcd")
        assert region.read(at, 4) == b"abcd"


@pytest.mark.parametrize("offset", [AT + 1, AT + 2, -4, 1 << 31])
def test_what_is_no_word_is_refused(region, offset):
    calls = [
        lambda: region.load(offset),
        lambda: region.store(offset, 1),
        lambda: region.add(offset, 1),
        lambda: region.compare_exchange(offset, 0, 1),
        lambda: region.notify(offset),
        lambda: region.wait(offset, 0, 0),
    ]
    before = region.read(AT, 8)
    for call in calls:
        with pytest.raises(Exception, match=r"no word|out of|invalid|access"):
            call()
    assert region.read(AT, 8) == before


# --- epochs ----------------------------------------------------------------------------------------------------------


def test_a_publish_ends_a_wait_across_the_wrap(region):
    epoch = Epoch(region, LAST_EPOCH)
    region.store(layout.REGIONS["EPOCHS"][0] + LAST_EPOCH * layout.LINE_BYTES, 2**31 - 1)
    seen = epoch.load()
    assert not epoch.wait(seen, 0.01)
    epoch.publish()
    assert epoch.wait(seen)
    assert epoch.load() == -(2**31)


def test_a_watch_looks_first_and_after_each_change(region):
    epoch = Epoch(region, LAST_EPOCH)
    looks = 0
    for _ in epoch.watch(0.01):
        looks += 1
        if looks < 3:
            epoch.publish()
            epoch.publish()
    assert looks == 3
    for which in (-1, 64):
        with pytest.raises(BadArgument):
            Epoch(region, which)


# --- rings -----------------------------------------------------------------------------------------------------------


def ring(region, start=0, capacity=CAPACITY, epochs=()):
    length = layout.RING_DATA_OFFSET + capacity
    region.store(AT + layout.RING_HEAD_OFFSET, start)
    region.store(AT + layout.RING_TAIL_OFFSET, start)
    return RingWriter(region, AT, length, epochs), RingReader(region, AT, length)


@pytest.mark.parametrize("start", STARTS)
def test_all_lengths_go_around(region, start):
    writer, reader = ring(region, start)
    for n in range(600):
        frame = n, bytes((at + n) & 255 for at in range((n * 37) % (writer.payload_bytes_max + 1)))
        assert writer.push(*frame)
        assert reader.pop() == frame
        assert reader.pop() is None


@pytest.mark.parametrize("start", STARTS)
def test_batches_go_around(region, start):
    writer, reader = ring(region, start)
    frames = [(n, bytes([n & 255]) * (n * 7 % 97)) for n in range(900)]
    sent, got = 0, []
    while len(got) < len(frames):
        sent += writer.push_many(frames[sent : sent + 50])
        got += reader.pop_many(1 + sent % 20)
    assert got == frames
    assert sent == len(frames)


def test_long_frames_and_many_windows(region):
    writer, reader = ring(region, capacity=512 * 1024)
    frames = [
        (n, bytes([n]) * length) for n, length in enumerate((RING_READ_BYTES + 5, 3, RING_READ_BYTES - 40, 0, 70_000))
    ]
    for _ in range(5):
        assert writer.push_many(frames) == len(frames)
        assert reader.pop_many(2) == frames[:2]
        assert reader.pop_many() == frames[2:]


def test_a_full_ring_refuses_and_loses_nothing(region):
    writer, reader = ring(region)
    frames = [(1, bytes([n]) * 8) for n in range(100)]
    fits = CAPACITY // 24
    assert writer.push_many(frames) == fits
    assert not writer.push(*frames[0])
    assert writer.push_many([]) == 0
    writer.drop()
    assert reader.dropped == 1
    assert reader.pop_many() == frames[:fits]
    assert reader.pop_many() == []
    assert writer.push(*frames[0])


def test_frames_that_are_none_are_refused_and_leave_nothing(region):
    writer, reader = ring(region)
    for kind, length in [(1, writer.payload_bytes_max + 1), (-1, 0), (layout.FRAME_PAD, 0), (1 << 16, 0)]:
        with pytest.raises(BadArgument):
            writer.push_many([(2, b"ab"), (kind, bytes(length))])
    assert reader.pop() is None
    assert writer.push(2, bytes(writer.payload_bytes_max))
    assert reader.pop_many() == [(2, bytes(writer.payload_bytes_max))]


@pytest.mark.parametrize("length", [0, 100, layout.RING_DATA_OFFSET + 32, layout.RING_DATA_OFFSET + 1000])
def test_a_length_that_makes_no_ring_is_refused(region, length):
    with pytest.raises(BadArgument):
        RingWriter(region, AT, length)


def test_each_batch_publishes_once(region):
    epoch = Epoch(region, LAST_EPOCH)
    writer, _ = ring(region, epochs=[epoch])
    writer.push_many([(1, b""), (2, b"")])
    writer.push_many([])
    assert epoch.load() == 1


def test_every_flipped_bit_of_a_header_is_damage(region):
    for bit in range(layout.FRAME_HEADER_BYTES * 8):
        writer, reader = ring(region)
        writer.push(5, b"abc")
        at = AT + layout.RING_DATA_OFFSET + (bit >> 3)
        region.write(at, bytes([region.read(at, 1)[0] ^ 1 << (bit & 7)]))
        for _ in range(2):  # nothing has moved
            with pytest.raises(RingDamaged):
                reader.pop_many()


@pytest.mark.parametrize("head", [CAPACITY + 8, 4, -8])
def test_a_head_that_no_producer_stores_is_damage(region, head):
    _, reader = ring(region)
    region.store(AT + layout.RING_HEAD_OFFSET, head)
    with pytest.raises(RingDamaged):
        reader.pop_many()


def test_eight_bytes_at_the_end_are_skipped_and_nobody_stops_inside(region):
    writer, reader = ring(region, CAPACITY - 8)
    assert writer.push(1, b"after the gap")
    assert reader.pop() == (1, b"after the gap")
    _, reader = ring(region, CAPACITY - 12)
    region.store(AT + layout.RING_HEAD_OFFSET, CAPACITY - 4)
    with pytest.raises(RingDamaged):
        reader.pop_many()


def test_a_length_beyond_what_was_written_and_a_moved_tail_are_damage(region):
    writer, reader = ring(region)
    writer.push(1, b"1234")
    header = HEADER.pack(500, 1, 0, 0)
    region.write(AT + layout.RING_DATA_OFFSET, header + crc32(header).to_bytes(4, "little"))
    with pytest.raises(RingDamaged):
        reader.pop_many()
    writer, reader = ring(region)
    writer.push(1, b"1234")
    assert reader.pop() == (1, b"1234")
    region.store(AT + layout.RING_TAIL_OFFSET, 0)
    with pytest.raises(RingDamaged):
        reader.pop_many()


def test_what_is_peeked_stays_until_it_is_consumed(region):
    writer, reader = ring(region)
    writer.push_many([(n, b"x") for n in range(4)])
    assert [kind for kind, _ in reader.peek_many(2)] == [0, 1]
    assert [kind for kind, _ in reader.peek_many(3)] == [0, 1, 2]
    reader.consume()
    reader.consume()
    assert [kind for kind, _ in reader.pop_many()] == [3]


# --- who owns an end -------------------------------------------------------------------------------------------------


def test_a_new_owner_goes_on_and_the_old_one_touches_nothing(region):
    old, stale = ring(region, 2**32 - 40)
    assert old.push(1, b"first")
    new = RingWriter(region, AT, RING_BYTES)
    reader = RingReader(region, AT, RING_BYTES)
    before = region.read(AT, RING_BYTES)
    calls = [lambda: old.push(2, b"second"), lambda: old.push_many([]), old.drop]
    calls += [stale.pop, stale.pop_many, stale.peek_many, stale.consume]
    for call in calls:
        with pytest.raises(Fenced):
            call()
    assert region.read(AT, RING_BYTES) == before
    assert new.push(3, b"third")
    assert reader.pop_many() == [(1, b"first"), (3, b"third")]


@pytest.mark.parametrize("end", ["producer", "consumer"])
def test_an_owner_that_died_at_work_is_superseded_by_who_knows(region, end):
    writer, reader = ring(region)
    writer.push(1, b"kept")
    fence = AT + (layout.RING_PRODUCER_OFFSET if end == "producer" else layout.RING_CONSUMER_OFFSET)
    region.add(fence, 1)  # as a thread leaves it that ends inside an operation
    make = RingWriter if end == "producer" else RingReader
    with pytest.raises(Busy):
        make(region, AT, RING_BYTES)
    new = make(region, AT, RING_BYTES, dead=True)
    with pytest.raises(Fenced):
        writer.push(2, b"") if end == "producer" else reader.pop()
    if end == "producer":
        assert new.push(2, b"new")
        assert reader.pop_many() == [(1, b"kept"), (2, b"new")]
    else:
        assert new.pop_many() == [(1, b"kept")]


def test_who_supersedes_a_dead_producer_publishes_what_it_may_not_have(region):
    epoch = Epoch(region, LAST_EPOCH)
    ring(region)
    RingWriter(region, AT, RING_BYTES, [epoch])
    assert epoch.load() == 0
    RingWriter(region, AT, RING_BYTES, [epoch], dead=True)
    assert epoch.load() == 1


# --- queues ----------------------------------------------------------------------------------------------------------


def queue(region, thread=0, position=0):
    made = Queue(region, AT, thread)
    made.init(position)
    return made


def test_ids_come_out_in_order(region):
    made = queue(region)
    assert made.pop() == -1
    for value in (7, 0, 0xFFFF_FFFF):
        assert made.push(value)
    assert [made.pop() for _ in range(4)] == [7, 0, 0xFFFF_FFFF, -1]


@pytest.mark.parametrize("start", [0, 2**31 - 100, 2**32 - 100])
def test_full_empty_and_the_wrap(region, start):
    made = queue(region, position=start)
    for lap in range(3):
        ids = [lap * 1000 + n for n in range(layout.QUEUE_CELLS)]
        assert all(made.push(value) for value in ids)
        assert not made.push(1)
        assert made.pop() == ids[0]
        assert made.push(99)
        assert not made.push(1)
        assert list(iter(made.pop, -1)) == [*ids[1:], 99]


def test_what_a_dead_thread_held_is_repaired(region):
    made = queue(region, position=2**32 - 2)
    for value in (1, 2, 3, 4):
        made.push(value)
    # As a producer (thread 5) leaves the cell of id 3, and a consumer (thread 6) that of id 1.
    mask, first = layout.QUEUE_CELLS - 1, AT + layout.QUEUE_CELLS_OFFSET
    cells = {value: first + ((2**32 - 3 + value) & mask) * layout.QUEUE_CELL_BYTES for value in (1, 3)}
    region.add(cells[3], layout.QUEUE_CLAIMED + 5 - layout.QUEUE_FILLED)
    region.add(cells[1], layout.QUEUE_TAKEN + 6 - layout.QUEUE_FILLED)
    assert [made.pop(), made.pop()] == [2, -1], "consumers wait behind the cell that is not filled"
    assert made.repair(4) == []
    assert made.pop() == -1
    assert made.repair(5) == []
    assert made.repair(6) == [1]
    assert made.repair(6) == []
    assert [made.pop(), made.pop()] == [4, -1]
    ids = list(range(layout.QUEUE_CELLS))
    assert all(made.push(value) for value in ids)
    assert not made.push(1)
    assert list(iter(made.pop, -1)) == ids


@pytest.mark.parametrize(("thread", "cells"), [(-1, 64), (layout.THREADS_MAX, 64), (0, 32), (0, 100)])
def test_what_makes_no_queue_is_refused(region, thread, cells):
    with pytest.raises(BadArgument):
        Queue(region, AT, thread, cells)


# --- seqlock ---------------------------------------------------------------------------------------------------------


def test_the_latest_value_is_read(region):
    lock = Seqlock(region, AT, AT + 64, 100)
    assert lock.read() == bytes(100)
    region.store(AT, 2**31 - 2)
    for n in range(5):
        lock.write(bytes([n]) * 100)
        assert lock.read() == bytes([n]) * 100
    region.add(AT, 1)  # as a writer leaves it that dies
    assert lock.read(3) is None
    lock.write(bytes(100))
    assert lock.read(1) == bytes(100)
    with pytest.raises(BadArgument):
        lock.write(b"short")
    with pytest.raises(BadArgument):
        Seqlock(region, AT, AT, 100)


# --- jobs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def jobs(region):
    for name in ("JOBS_URGENT", "JOBS_BULK", "JOBS_DONE"):
        Queue(region, layout.REGIONS[name][0], 0).init()
    return Jobs(region, 0), Jobs(region, 1)


def test_a_job_goes_there_and_back(jobs):
    asker, worker = jobs
    assert asker.take_done() == -1
    assert worker.take(0) is None
    slow = asker.submit(1, src=100, src_len=5, arg0=7)
    quick = asker.submit(2, dst=200, dst_cap=0xFFFF_FFFF, keys=3, flags=9, arg1=8, arg2=6, urgent=True)
    first, second = worker.take(0), worker.take(0)
    assert (first.id, first.op, first.dst, first.dst_cap, first.keys) == (quick, 2, 200, 0xFFFF_FFFF, 3)
    assert (first.flags, first.arg0, first.arg1, first.arg2) == (9, 0, 8, 6)
    assert (second.id, second.op, second.src, second.src_len, second.arg0) == (slow, 1, 100, 5, 7)
    worker.complete(slow, value=12, result=b"answer")
    worker.complete(quick, status=-18)
    assert asker.take_done() == slow
    value, result = asker.outcome(slow)
    assert (value, result[:8]) == (12, b"answer\0\0")
    assert asker.take_done() == quick
    with pytest.raises(NotFound):
        asker.outcome(quick)
    with pytest.raises(BadArgument):
        worker.complete(quick, result=bytes(257))


def test_an_unknown_status_is_an_error_all_the_same(jobs):
    asker, worker = jobs
    job = asker.submit(1)
    worker.take(0)
    worker.complete(job, status=-999)
    with pytest.raises(InosError):
        asker.outcome(job)


def test_ids_are_bounded_and_come_back(jobs):
    asker, worker = jobs
    ids = {asker.submit(1) for _ in range(JOBS_MAX)}
    assert len(ids) == JOBS_MAX
    assert asker.free == 0
    with pytest.raises(Busy):
        asker.submit(1)
    job = worker.take(0)
    worker.complete(job.id)
    asker.release(asker.take_done())
    assert asker.submit(1) == job.id
    with pytest.raises(KeyError):
        asker.release(JOBS_MAX)


def test_a_queue_that_is_held_up_makes_the_asker_wait(jobs, region):
    """A consumer was interrupted in the middle of a pop, a lap ago: the asker keeps the id."""
    asker, worker = jobs
    bulk = layout.REGIONS["JOBS_BULK"][0]
    asker.submit(1)
    region.add(bulk + layout.QUEUE_CELLS_OFFSET, layout.QUEUE_TAKEN + 2 - layout.QUEUE_FILLED)
    for _ in range(layout.QUEUE_CELLS - 1):
        asker.release(asker.submit(1))
        worker.take(0)
    free = asker.free
    with pytest.raises(Busy):
        asker.submit(1)
    assert asker.free == free
    assert asker.repair(2) == [JOBS_MAX - 1]
    asker.submit(1)


def test_the_layout_that_both_sides_use_is_this_one():
    assert layout.RING_PRODUCER_OFFSET // layout.LINE_BYTES != layout.RING_CONSUMER_OFFSET // layout.LINE_BYTES
    assert layout.RING_CONSUMER_OFFSET + 4 <= layout.RING_DATA_OFFSET
    assert sys.byteorder == "little"
