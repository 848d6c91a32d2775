"""Every interleaving of a few short programs with the queue, rings, fences, seqlock and epochs of ``inos.memory``.

``INOS_INTERLEAVE=2`` makes the programs longer (minutes). Each test prints how much it covered (``pytest -s``).
"""

from __future__ import annotations

import os
from itertools import chain

import pytest
from tests.properties.interleave import Explored, ModelRegion, Program, Wrong, explore

from inos.errors import Busy, Fenced
from inos.memory import Epoch, Queue, RingReader, RingWriter, Seqlock, layout
from inos.memory import queue as queue_module

LONGER = int(os.environ.get("INOS_INTERLEAVE", "1"))
THREADS = 4
CELLS = 16
WRAP = 2**32
QUEUE_BYTES = layout.QUEUE_CELLS_OFFSET + CELLS * layout.QUEUE_CELL_BYTES
RING_BYTES = layout.RING_DATA_OFFSET + 64


def report(what: str, done: Explored) -> None:
    print(f"\n{what}: {done.schedules:,} schedules, {done.states:,} states, {done.runs:,} runs, {done.ends:,} ends")
    assert done.schedules >= done.ends > 0


# --- the queue -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _four_threads(monkeypatch):
    """Room for four threads' marks and no more, so that a queue of 16 cells will do: fewer states, the same algorithm."""
    monkeypatch.setattr(queue_module, "_TAKEN", layout.QUEUE_CLAIMED + THREADS)
    monkeypatch.setattr(queue_module, "_ABANDONED", layout.QUEUE_CLAIMED + 2 * THREADS)


class QueueCase:
    """A queue with ids in it already, near the wrap; producers push ids of their own, consumers pop."""

    def __init__(self, region: type[ModelRegion] = ModelRegion, held: int = 0, start: int = WRAP - 1) -> None:
        self.region = region
        blank = region(QUEUE_BYTES)
        queue = Queue(blank, 0, 0, CELLS)
        queue.init(start)
        self.held = list(range(1000, 1000 + held))
        assert all(queue.push(value) for value in self.held)
        self.image = bytes(blank.memory)

    def memory(self) -> ModelRegion:
        region = self.region(QUEUE_BYTES)
        region.memory[:] = self.image
        return region

    @staticmethod
    def push(region: ModelRegion, thread: int, *values: int) -> Program:
        queue = Queue(region, 0, thread, CELLS)
        return Program(lambda: [value for value in values if queue.push(value)])

    @staticmethod
    def pop(region: ModelRegion, thread: int, times: int = 1) -> Program:
        queue = Queue(region, 0, thread, CELLS)
        return Program(lambda: [value for value in (queue.pop() for _ in range(times)) if value >= 0])


def drain(region: ModelRegion, thread: int = 1) -> list[int]:
    """What is left; afterwards the queue takes and gives a whole lap."""
    queue = Queue(region, 0, thread, CELLS)
    left = list(iter(queue.pop, -1))
    lap = list(range(5000, 5000 + CELLS))
    assert all(queue.push(value) for value in lap), "full before it is"
    assert not queue.push(1)
    assert list(iter(queue.pop, -1)) == lap, "empty before it is"
    return left


def in_order(values: list[int], sent: list[int]) -> bool:
    return [value for value in values if value in sent] == [value for value in sent if value in values]


@pytest.mark.parametrize("start", [0, WRAP - 1, WRAP // 2 - 1][1 : 1 + LONGER])
def test_two_producers_and_two_consumers(start):
    case = QueueCase(start=start)

    def make():
        region = case.memory()
        second = [11][: LONGER - 1]
        return region, [
            case.push(region, 0, 10, *second), case.push(region, 1, 20), case.pop(region, 2), case.pop(region, 3),
        ]  # fmt: skip

    def check(run):
        sent = run.results[0] + run.results[1]
        got = run.results[2] + run.results[3]
        left = drain(run.region)
        assert sorted(sent) == ([10, 11, 20] if LONGER > 1 else [10, 20]), "a queue with room refused"
        assert sorted(got + left) == sorted(sent)
        assert in_order(left, run.results[0])

    report(f"queue from {start:#x}", explore(make, check))


@pytest.mark.parametrize(("held", "pushes", "pops"), [(CELLS - 1, 2, 1), (CELLS, 1, 2), (1, 1, 2)])
def test_near_full_and_near_empty(held, pushes, pops):
    case = QueueCase(held=held, start=WRAP - 5)

    def make():
        region = case.memory()
        producers = [case.push(region, n, 10 + n) for n in range(pushes)]
        return region, producers + [case.pop(region, 2 + n) for n in range(pops)]

    def check(run):
        sent = list(chain(*run.results[:pushes]))
        got = list(chain(*run.results[pushes:]))
        if held < CELLS:
            assert sent, "full although a cell was free all the time"
        assert got, "empty although an id was there all the time"
        left = drain(run.region)
        assert sorted(got + left) == sorted(case.held + sent)
        assert in_order(left, case.held)

    report(f"{held} of {CELLS} held, {pushes} pushes, {pops} pops", explore(make, check))


def test_one_consumers_ids_come_in_order():
    case = QueueCase(start=WRAP - 2)

    def make():
        region = case.memory()
        return region, [case.push(region, 0, 10, 11), case.pop(region, 2, 2), case.push(region, 1, *[20][: LONGER - 1])]

    def check(run):
        got = run.results[1] + drain(run.region)
        assert sorted(got) == [10, 11, 20][: 1 + LONGER]
        assert in_order(got, [10, 11])

    report("order", explore(make, check))


def repaired(case: QueueCase, victim: str, beside: str) -> Explored:
    """The victim (thread 0) dies after each of its steps in turn, beside others that live on."""
    done = Explored()
    for dies_after in range(10):

        def make(dies_after=dies_after):
            region = case.memory()
            dying = case.push(region, 0, 10) if victim == "producer" else case.pop(region, 0)
            dying.dies_after = dies_after
            repair = Queue(region, 0, 3, CELLS).repair
            return region, [
                dying,
                case.push(region, 1, *([20] if "producer" in beside else [])),
                case.pop(region, 2, int("consumer" in beside)),
                Program(lambda: repair(0), after_death_of=0),
            ]

        def check(run):
            his = run.results[0] or []
            got = (his if victim == "consumer" else []) + run.results[2] + run.results[3] + drain(run.region)
            assert len(got) == len(set(got)), "an id twice"
            sent = set(case.held + run.results[1] + (his if victim == "producer" else []))
            assert sent <= set(got), "an id lost"
            assert set(got) <= sent | {10}

        explore(make, check, done)
    return done


@pytest.mark.parametrize("victim", ["producer", "consumer"])
@pytest.mark.parametrize("held", [1, CELLS - 1])
@pytest.mark.parametrize("beside", ["producer", "consumer"] if LONGER == 1 else ["producer and consumer"])
def test_a_thread_that_dies_in_the_queue_is_repaired(victim, held, beside):
    done = repaired(QueueCase(held=held, start=WRAP - 1), victim, beside)
    report(f"{victim} dies beside a {beside}, {held} held", done)


# --- rings -----------------------------------------------------------------------------------------------------------


def ring_memory(start: int, region: type[ModelRegion] = ModelRegion) -> ModelRegion:
    memory = region(RING_BYTES)
    memory.store(layout.RING_HEAD_OFFSET, start)
    memory.store(layout.RING_TAIL_OFFSET, start)
    return memory


def frame(n: int) -> tuple[int, bytes]:
    return n, bytes([n]) * (5 * n % 17)


def pushing(writer: RingWriter, *numbers: int) -> Program:
    return Program(lambda: [n for n in numbers if writer.push(*frame(n))])


def whole(frames: list[tuple[int, bytes]]) -> list[int]:
    """The frames' numbers; none may be torn."""
    assert frames == [frame(n) for n, _ in frames]
    return [n for n, _ in frames]


def rest(region: ModelRegion) -> list[int]:
    return whole(RingReader(region, 0, RING_BYTES, dead=True).pop_many())


def ring_pair(start: int, writer: type[RingWriter] = RingWriter, numbers: tuple[int, ...] = (1, 2, 3)) -> Explored:
    def make():
        region = ring_memory(start)
        reader = RingReader(region, 0, RING_BYTES)

        def consume():
            return reader.pop_many() + reader.pop_many(1) + [one for one in [reader.pop()] if one]

        return region, [pushing(writer(region, 0, RING_BYTES), *numbers), Program(consume)]

    def check(run):
        got = whole(run.results[1]) + rest(run.region)
        assert got == run.results[0]
        assert got[:1] == [1], "an empty ring refused"

    return explore(make, check)


@pytest.mark.parametrize("start", [0, WRAP - 24, WRAP - 8, WRAP // 2 - 40])
def test_a_ring_across_its_end_and_the_wrap(start):
    report(f"ring from {start:#x}", ring_pair(start, numbers=(1, 2, 3, 4)[: 3 + (LONGER > 1)]))


def test_who_peeks_and_consumes_gets_each_frame_once():
    def make():
        region = ring_memory(WRAP - 24)
        reader = RingReader(region, 0, RING_BYTES)

        def consume():
            first = reader.peek_many()
            reader.consume()
            return first + reader.pop_many()

        return region, [pushing(RingWriter(region, 0, RING_BYTES), 1, 2), Program(consume)]

    def check(run):
        assert whole(run.results[1]) + rest(run.region) == run.results[0] == [1, 2]

    report("peek", explore(make, check))


class Retires(list):
    """What was pushed before the fence closed, and whether it did."""

    fenced = False


def until_fenced(writer: RingWriter, *numbers: int) -> Program:
    def body():
        sent = Retires()
        try:
            for n in numbers:
                if writer.push(*frame(n)):
                    sent.append(n)
        except Fenced:
            sent.fenced = True
        return sent

    return Program(body)


def taken_over(*, dead: bool) -> Explored:
    """A producer is superseded while it lives: whichever way it falls, no frame is lost, torn or doubled."""

    def make():
        region = ring_memory(WRAP - 24)
        old = RingWriter(region, 0, RING_BYTES)
        reader = RingReader(region, 0, RING_BYTES)

        def supersede():
            try:
                new = RingWriter(region, 0, RING_BYTES, dead=dead)
            except Busy:
                return None
            return [n for n in (3,) if new.push(*frame(n))]

        return region, [until_fenced(old, 1, 2), Program(supersede), Program(reader.pop_many)]

    def check(run):
        old, new, got = run.results
        got = whole(got) + rest(run.region)
        assert sorted(got) == sorted(old + (new or []))
        assert in_order(got, old)
        assert not (new is None and old.fenced), "retired for nobody"
        if old.fenced and new:
            assert got == old + new

    return explore(make, check)


def test_a_live_producer_is_superseded():
    report("supersede", taken_over(dead=False))


@pytest.mark.parametrize("start", [0, WRAP - 24])
def test_a_producer_that_dies_leaves_whole_frames_and_its_place(start):
    done = Explored()
    for dies_after in range(18):

        def make(dies_after=dies_after):
            region = ring_memory(start)
            old = pushing(RingWriter(region, 0, RING_BYTES), 1, 2)
            old.dies_after = dies_after
            reader = RingReader(region, 0, RING_BYTES)

            def succeed():
                return [n for n in (3,) if RingWriter(region, 0, RING_BYTES, dead=True).push(*frame(n))]

            return region, [old, Program(succeed, after_death_of=0), Program(reader.pop_many)]

        def check(run):
            new = run.results[1]
            got = whole(run.results[2]) + rest(run.region)
            old = got[: len(got) - len(new)]
            assert old == [1, 2][: len(old)]
            assert got == old + new
            assert new == [3] or old == [1, 2], "refused although there is room"

        explore(make, check, done)
    report(f"dead producer from {start:#x}", done)


def test_a_consumer_that_dies_leaves_its_frames_to_the_next():
    done = Explored()
    for dies_after in range(14):

        def make(dies_after=dies_after):
            region = ring_memory(WRAP - 24)
            writer = RingWriter(region, 0, RING_BYTES)
            assert writer.push(*frame(1))
            reader = RingReader(region, 0, RING_BYTES)
            dying = Program(lambda: reader.pop_many(1), dies_after)

            def succeed():
                return RingReader(region, 0, RING_BYTES, dead=True).pop_many()

            return region, [dying, Program(succeed, after_death_of=0), pushing(writer, 2)]

        def check(run):
            his, got = whole(run.results[0] or []), whole(run.results[1]) + rest(run.region)
            assert got in ([1, 2], [2]), "a frame lost, or one out of order"
            if got == [1, 2]:
                assert not his, "a frame twice"

        explore(make, check, done)
    report("dead consumer", done)


# --- seqlock and epoch -----------------------------------------------------------------------------------------------

SEQLOCK = (0, 64, 48)
VALUES = [bytes([n]) * 48 for n in range(3)]


@pytest.mark.parametrize("start", [0, WRAP - 2])
def test_a_seqlock_is_read_whole(start):
    def make():
        region = ModelRegion(128)
        region.store(0, start)
        writer = Seqlock(region, *SEQLOCK)
        reader = Seqlock(region, *SEQLOCK)

        def write():
            writer.write(VALUES[1])
            writer.write(VALUES[2])

        return region, [Program(write), Program(lambda: [reader.read(2), reader.read(2)])]

    def check(run):
        first, second = run.results[1]
        order = [None, *VALUES]
        assert first in order
        assert second in order
        assert first is None or second is None or order.index(first) <= order.index(second), "time went back"
        assert Seqlock(run.region, *SEQLOCK).read() == VALUES[2]

    report(f"seqlock from {start:#x}", explore(make, check))


def test_a_writer_that_dies_is_repaired_by_the_next_write():
    done = Explored()
    for dies_after in range(8):

        def make(dies_after=dies_after):
            region = ModelRegion(128)
            old, new, reader = (Seqlock(region, *SEQLOCK) for _ in range(3))
            return region, [
                Program(lambda: old.write(VALUES[1]), dies_after),
                Program(lambda: new.write(VALUES[2]), after_death_of=0),
                Program(lambda: reader.read(2)),
            ]

        def check(run):
            assert run.results[2] in (None, *VALUES)
            assert Seqlock(run.region, *SEQLOCK).read(1) == VALUES[2]

        explore(make, check, done)
    report("dead writer", done)


WOKEN_BYTES = layout.REGIONS["EPOCHS"][0] + 64 * layout.LINE_BYTES


class SmallRegion(ModelRegion):
    """Only the epochs' lines, at their address: the rest of the layout is not part of a state."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.base = layout.REGIONS["EPOCHS"][0]
        self.memory = bytearray(2 * layout.LINE_BYTES + RING_BYTES)

    def _get(self, offset: int) -> int:
        return super()._get(offset - self.base)

    def _put(self, offset: int, value: int) -> int:
        before = self._get(offset)
        self.memory[offset - self.base : offset - self.base + 4] = (value & 0xFFFF_FFFF).to_bytes(4, "little")
        return before


def woken(watch) -> Explored:
    """A consumer sleeps until two producers have each published what they stored."""

    def make():
        region = SmallRegion(WOKEN_BYTES)
        flags = [region.base + 64, region.base + 68]
        epoch = Epoch(region, 0)
        epoch_there = Epoch(region, 0)

        def produce(flag):
            region.store(flag, 1)
            epoch_there.publish()

        def consume():
            return any(all(region.load(flag) for flag in flags) for _ in watch(epoch))

        return region, [Program(lambda: produce(flags[0])), Program(lambda: produce(flags[1])), Program(consume)]

    def check(run):
        assert run.results[2] is True

    return explore(make, check)


def test_no_wake_up_is_lost():
    report("epoch", woken(Epoch.watch))


# --- what this would find --------------------------------------------------------------------------------------------


class PlainExchange(ModelRegion):
    """A compare-and-exchange that is a load and a store."""

    def compare_exchange(self, offset, expected, value):
        before = self.load(offset)
        if before == expected:
            self.store(offset, value)
        return before


class HeadFirst(RingWriter):
    """Commits before the frame is there."""

    def _flush(self, start, parts):
        self._region.store(self._head_at, (start + sum(map(len, parts))) & 0xFFFF_FFFF)
        super()._flush(start, parts)


def late_watch(epoch):
    """Loads what it waits for after it has drained."""
    while True:
        yield 0
        epoch.wait(epoch.load())


def test_a_plain_load_for_an_exchange_is_found():
    case = QueueCase(PlainExchange)

    def make():
        region = case.memory()
        return region, [case.push(region, 0, 10), case.push(region, 1, 20), case.pop(region, 2)]

    def check(run):
        assert sorted(run.results[2] + drain(run.region)) == [10, 20]

    with pytest.raises(Wrong):
        explore(make, check)


def test_a_head_stored_before_its_frame_is_found():
    with pytest.raises(Wrong):
        ring_pair(0, HeadFirst)


def test_a_thread_declared_dead_that_lives_is_found():
    """The one mistake that a fence cannot repair; it shows that the others are found."""
    with pytest.raises(Wrong):
        taken_over(dead=True)


def test_a_seqlock_without_its_second_look_is_found():
    def make():
        region = ModelRegion(128)
        writer = Seqlock(region, *SEQLOCK)
        return region, [Program(lambda: writer.write(VALUES[1])), Program(lambda: region.read(64, 48))]

    def check(run):
        assert run.results[1] in VALUES

    with pytest.raises(Wrong):
        explore(make, check)


def test_a_watch_that_loads_too_late_is_found():
    with pytest.raises(Wrong, match="wait for ever"):
        woken(late_watch)


def test_the_count_of_schedules_is_the_number_of_orders():
    """Two programs of three independent steps each: (6 over 3) orders."""

    def make():
        region = ModelRegion(64)
        return region, [Program(lambda at=at: [region.store(at, n) for n in range(1, 4)] and None) for at in (0, 4)]

    done = explore(make, lambda run: None)
    assert (done.schedules, done.ends, done.states) == (20, 1, 16)
