"""Threads of CPython on one shared memory: everything exactly once, however they fall."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from inos.errors import BadArgument, Busy
from inos.limits import JOBS_MAX, MIB
from inos.memory import Epoch, Jobs, Queue, RingReader, RingWriter, Seqlock, layout
from inos_host.arena import HostArena
from inos_host.region import HostRegion

AT = layout.ARENA_OFFSET
THREADS = 8
TIMEOUT_S = 60.0


def run(*bodies):
    """Run each in a thread of its own; the first error is raised."""
    errors = []

    def guarded(body):
        try:
            body()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=[body], daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
        assert errors or not thread.is_alive(), "a thread that does not end"
    if errors:
        raise errors[0]


def new_region():
    return HostRegion(AT + MIB)


def test_a_waiter_is_woken_and_counted():
    region = new_region()
    answers = []

    def sleeper():
        answers.append(region.wait(AT, 0, TIMEOUT_S))

    def waker():
        woken = 0
        while woken < 3:
            woken += region.notify(AT, 1)

    run(sleeper, sleeper, sleeper, waker)
    assert answers == [True] * 3
    assert region.notify(AT) == 0
    assert not region.wait(AT, 0, 0.001)
    assert region.notify(AT) == 0, "who gave up is not counted"


def test_every_id_once_through_eight_threads():
    region = new_region()
    Queue(region, AT, 0).init(2**32 - 1500)
    count, popped, lock = 2000, Counter(), threading.Lock()
    full, empty = Epoch(region, 0), Epoch(region, 1)

    def produce(index):
        queue = Queue(region, AT, index)
        for value in range(index * count, (index + 1) * count):
            while True:
                seen = full.load()
                if queue.push(value):
                    break
                full.wait(seen, 0.01)
            empty.publish()

    def consume(index):
        queue = Queue(region, AT, index)
        for _ in empty.watch(TIMEOUT_S):
            while (value := queue.pop()) >= 0:
                full.publish()
                with lock:
                    popped[value] += 1
            if popped.total() == 4 * count:
                empty.publish()  # the others may sleep
                return

    run(*(lambda n=n: produce(n) for n in range(4)), *(lambda n=n: consume(n) for n in range(4, 8)))
    assert popped == Counter(range(4 * count))


def test_frames_in_order_between_two_threads():
    region = new_region()
    length, count = layout.RING_DATA_OFFSET + 4096, 20_000
    for counter in (layout.RING_HEAD_OFFSET, layout.RING_TAIL_OFFSET):
        region.store(AT + counter, 2**32 - 65_536)
    epoch, room = Epoch(region, 0), Epoch(region, 1)
    writer, reader = RingWriter(region, AT, length, [epoch]), RingReader(region, AT, length)
    frames = [(n & 0x7FFF, bytes([n & 255]) * (n * 7 % 97)) for n in range(count)]
    got = []

    def produce():
        sent = 0
        for _ in room.watch(TIMEOUT_S):
            while done := writer.push_many(frames[sent : sent + 100]):
                sent += done
            if sent == count:
                return

    def consume():
        for _ in epoch.watch(TIMEOUT_S):
            while frames_there := reader.pop_many(64):
                got.extend(frames_there)
                room.publish()
            if len(got) == count:
                return

    run(produce, consume)
    assert got == frames


def test_a_value_is_never_torn():
    region = new_region()
    lock, last = Seqlock(region, AT, AT + 64, 4096), 500

    def write():
        for n in range(1, last + 1):
            lock.write(n.to_bytes(2, "little") * 2048)

    def read():
        while True:
            value = lock.read()
            if value is not None:
                assert value == value[:2] * 2048
                if int.from_bytes(value[:2], "little") == last:
                    return

    run(write, read, read)


def test_waiters_that_give_up_while_they_are_woken_are_counted_once():
    """A count kept beside the sleepers went below their number here, and later ones were never woken."""
    region = new_region()
    done = []

    def impatient():
        for _ in range(500):
            region.wait(AT, 0, 0.0001)
        done.append(True)

    def noisy():
        while len(done) < THREADS:
            region.notify(AT)

    run(*[impatient] * THREADS, noisy)
    answers = []

    def waker():
        while not region.notify(AT):
            pass

    run(lambda: answers.append(region.wait(AT, 0, TIMEOUT_S)), waker)
    assert answers == [True]


def test_jobs_are_done_once_by_eight_workers_on_one_arena():
    region = new_region()
    for name in ("JOBS_URGENT", "JOBS_BULK", "JOBS_DONE"):
        Queue(region, layout.REGIONS[name][0], 0).init(2**32 - 300)
    arena = HostArena(region.size, region.memory)
    count, done_by = 1500, Counter()
    finished = Epoch(region, layout.EPOCHS.index("JOBS_DONE"))
    ended = []

    def ask():
        jobs, asked, answered, spans = Jobs(region, 0), 0, Counter(), {}
        try:
            ask_all(jobs, asked, answered, spans)
        finally:
            ended.append(answered)
            jobs._queued.publish()

    def ask_all(jobs, asked, answered, spans):
        for _ in finished.watch(TIMEOUT_S):
            while (job := jobs.take_done()) >= 0:
                number, span = spans.pop(job)
                value, result = jobs.outcome(job)
                assert value == sum(number.to_bytes(4, "little")) * 16
                assert result[:4] == number.to_bytes(4, "little")
                answered[number] += 1
                arena.release(span)
                jobs.release(job)
            while asked < count and jobs.free:
                span = arena.alloc(64)
                arena.view(span).write(0, asked.to_bytes(4, "little") * 16)
                try:
                    job = jobs.submit(1, src=span.offset, src_len=span.length, urgent=asked % 7 == 0)
                except Busy:  # a worker is held up in the middle of a pop: its job will wake us
                    arena.release(span)
                    break
                spans[job] = asked, span
                asked += 1
            if answered.total() == count:
                break

    def work(thread):
        jobs = Jobs(region, thread)
        while not ended:
            job = jobs.take(0.05)
            if job is None:
                continue
            data = region.read(job.src, job.src_len)
            done_by[thread] += 1
            jobs.complete(job.id, value=sum(data), result=data[:4])

    run(ask, *(lambda n=n: work(n) for n in range(1, THREADS + 1)))
    assert ended == [Counter(range(count))]
    assert done_by.total() == count
    assert arena.used() == 0
    assert count > JOBS_MAX


def test_the_arena_of_a_region_begins_behind_the_layout():
    region = new_region()
    arena = HostArena(region.size, region.memory)
    span = arena.alloc(10)
    assert span.offset >= layout.ARENA_OFFSET
    arena.write(span, b"in one mem")
    assert region.read(span.offset, 10) == b"in one mem"
    for size, memory in [(layout.ARENA_OFFSET, bytearray(layout.ARENA_OFFSET)), (region.size - 64, region.memory)]:
        with pytest.raises(BadArgument):
            HostArena(size, memory)
