"""Python workers: every state, every deadline, late words, limits; on a virtual clock, without a thread."""

from __future__ import annotations

import pytest

from inos import limits
from inos.errors import BadArgument, Busy, Cancelled, LimitExceeded, NotFound, NotReady, WorkerFailed
from inos.tasks import Tasks
from inos.workers import EndThread, InterruptThread, StartThread, Workers


class World:
    """Workers, and an adapter that does nothing by itself: ``out`` are the commands it was given."""

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.workers = Workers(self.tasks)
        self.now = 100.0
        self.out = []

    def poll(self):
        """What was commanded since the last poll."""
        new = self.workers.poll_commands()
        self.out += new
        return new

    def start(self, **options):
        """A worker whose start was commanded, and its thread."""
        worker = self.workers.spawn("1 + 1", **options)
        (command,) = self.poll()
        assert isinstance(command, StartThread)
        return worker, command.thread

    def running(self, **options):
        """A worker that runs, and its thread."""
        worker, thread = self.start(**options)
        self.workers.on_running(thread, self.now)
        assert worker.state == "running"
        return worker, thread

    def wait(self, seconds):
        """Time passes, from deadline to deadline."""
        until = self.now + seconds
        while (deadline := self._next()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.workers.on_deadline(self.now)
            self.tasks.on_deadline(self.now)
            self.tasks.poll_effects()
        self.now = until
        self.workers.on_deadline(until)
        self.tasks.on_deadline(until)
        self.tasks.poll_effects()

    def _next(self):
        deadlines = [self.workers.next_deadline(), self.tasks.next_deadline()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def ask(self, coroutine):
        """Run a coroutine as far as it goes."""
        task = self.tasks.spawn(coroutine, "ask")
        self.tasks.poll_effects()
        return task


@pytest.fixture
def world():
    world = World()
    world.workers.on_deadline(world.now)  # the core learns the time
    return world


def outcome(world, worker):
    """What ``result`` gives or raises; it must be known."""
    task = world.ask(worker.result())
    assert task.done
    return task.result()


# --- the straight way ------------------------------------------------------------------------------------------------


def test_starting_running_done_closed(world):
    worker = world.workers.spawn("def main(n): return n", "doubler", '{"n": 2}')
    assert (worker.name, worker.state) == ("doubler", "starting")
    (start,) = world.poll()
    assert start == StartThread(start.thread, 0, "doubler", "def main(n): return n", '{"n": 2}')
    world.workers.on_running(start.thread, world.now)
    asked = world.ask(worker.result())
    assert (worker.state, asked.done, world.poll()) == ("running", False, [])
    world.wait(10_000)
    assert (worker.state, world.poll()) == ("running", []), "a worker may run for as long as it likes"

    world.workers.on_done(start.thread, '{"answer": [2, null]}', world.now)
    world.tasks.poll_effects()
    assert asked.result() == {"answer": [2, None]}
    assert (worker.state, world.poll()) == ("done", [EndThread(start.thread, 0)])
    closing = world.ask(worker.close())
    assert not closing.done
    world.workers.on_gone(start.thread, world.now)
    world.tasks.poll_effects()
    assert closing.done
    assert (worker.state, world.workers.listed(), world.poll()) == ("closed", [], [])
    assert outcome(world, worker) == {"answer": [2, None]}, "a closed worker keeps its answer"
    assert world.workers.next_deadline() is None


def test_a_failure_carries_the_traceback(world):
    worker, thread = world.running()
    world.workers.on_failed(thread, "Traceback: boom", world.now)
    assert (worker.state, world.poll()) == ("failed", [EndThread(thread, 0)])
    with pytest.raises(WorkerFailed, match="boom"):
        outcome(world, worker)


def test_a_failure_before_running(world):
    worker, thread = world.start()
    world.workers.on_failed(thread, "no such file", world.now)
    assert (worker.state, world.poll()) == ("failed", [EndThread(thread, 0)])


def test_a_silent_end_is_a_failure_and_needs_no_command(world):
    for worker, thread in (world.start(), world.running()):
        world.workers.on_gone(thread, world.now)
        assert (worker.state, world.poll()) == ("failed", [])
        with pytest.raises(WorkerFailed, match="without a word"):
            outcome(world, worker)


# --- cancelling --------------------------------------------------------------------------------------------------------


def test_cancel_interrupts_once_and_takes_the_workers_word(world):
    worker, thread = world.running()
    worker.cancel()
    worker.cancel()
    assert (worker.state, world.poll()) == ("running", [InterruptThread(thread, 0)])
    world.workers.on_failed(thread, "KeyboardInterrupt", world.now, interrupted=True)
    assert (worker.state, world.poll()) == ("cancelled", [EndThread(thread, 0)])
    with pytest.raises(Cancelled):
        outcome(world, worker)
    assert world.workers.next_deadline() is None


def test_one_that_ignores_the_interrupt_is_ended_at_the_deadline(world):
    worker, thread = world.running()
    worker.cancel()
    world.poll()
    world.wait(limits.COMPUTE_CANCEL_TIMEOUT_S - 0.01)
    assert (worker.state, world.poll()) == ("running", [])
    world.wait(0.02)
    assert (worker.state, world.poll()) == ("cancelled", [EndThread(thread, 0)])


def test_an_answer_in_spite_of_the_interrupt_counts(world):
    worker, thread = world.running()
    worker.cancel()
    world.workers.on_done(thread, "7", world.now)
    assert (worker.state, outcome(world, worker)) == ("done", 7)


def test_an_error_of_its_own_while_cancelled_is_a_failure(world):
    worker, thread = world.running()
    worker.cancel()
    world.workers.on_failed(thread, "ZeroDivisionError", world.now)
    assert worker.state == "failed"


def test_an_interrupt_that_nobody_asked_for_is_a_failure(world):
    worker, thread = world.running()
    world.workers.on_failed(thread, "KeyboardInterrupt", world.now, interrupted=True)
    assert worker.state == "failed"


@pytest.mark.parametrize("runs_late", [True, False])
def test_cancel_before_it_runs_is_the_same(world, runs_late):
    worker, thread = world.start()
    worker.cancel()
    assert (worker.state, world.poll()) == ("starting", [InterruptThread(thread, 0)])
    if runs_late:
        world.workers.on_running(thread, world.now)
        assert worker.state == "running"
    world.wait(limits.COMPUTE_CANCEL_TIMEOUT_S - 0.01)
    assert world.poll() == []
    world.wait(0.02)
    assert (worker.state, world.poll()) == ("cancelled", [EndThread(thread, 0)])
    world.workers.on_running(thread, world.now)
    world.workers.on_done(thread, "1", world.now)
    assert (worker.state, world.poll()) == ("cancelled", []), "what it says while it ends changes nothing"


def test_a_start_that_is_interrupted_says_so(world):
    worker, thread = world.start()
    worker.cancel()
    world.workers.on_failed(thread, "KeyboardInterrupt", world.now, interrupted=True)
    assert (worker.state, world.poll()[-1]) == ("cancelled", EndThread(thread, 0))


def test_cancel_after_the_end_does_nothing(world):
    worker, thread = world.running()
    world.workers.on_done(thread, "1", world.now)
    world.poll()
    worker.cancel()
    assert (worker.state, world.poll(), outcome(world, worker)) == ("done", [], 1)


# --- closing -----------------------------------------------------------------------------------------------------------


def test_close_of_a_running_one_cancels_it_first(world):
    worker, thread = world.running()
    closing = world.ask(worker.close())
    assert world.poll() == [InterruptThread(thread, 0)]
    world.wait(limits.COMPUTE_CANCEL_TIMEOUT_S + 0.01)
    assert world.poll() == [EndThread(thread, 0)]
    world.workers.on_gone(thread, world.now)
    world.tasks.poll_effects()
    assert closing.done
    assert worker.state == "closed"
    with pytest.raises(Cancelled):
        outcome(world, worker)


def test_a_thread_that_does_not_end_is_told_and_keeps_its_slot(world):
    worker, _ = world.running()
    closing = world.ask(worker.close())
    world.wait(limits.COMPUTE_CANCEL_TIMEOUT_S + limits.COMPUTE_END_TIMEOUT_S + 0.01)
    with pytest.raises(WorkerFailed, match="does not end"):
        closing.result()
    assert worker.state == "cancelled"
    world.poll()
    for _ in range(limits.COMPUTE_WORKERS_MAX - 1):
        world.start()
        assert world.out[-1].slot != 0
    with pytest.raises(Busy):
        world.workers.spawn("1")


def test_close_twice(world):
    worker, thread = world.running()
    world.workers.on_done(thread, "1", world.now)
    both = [world.ask(worker.close()), world.ask(worker.close())]
    world.workers.on_gone(thread, world.now)
    world.tasks.poll_effects()
    assert [task.done for task in both] == [True, True]
    assert world.ask(worker.close()).done


def test_the_node_closes(world):
    runs, starts = world.running(), world.start()
    done = world.running()
    world.workers.on_done(done[1], "1", world.now)
    world.poll()
    world.workers.close()
    assert [worker.state for worker, _ in (runs, starts, done)] == ["cancelled", "cancelled", "done"]
    assert world.poll() == [EndThread(runs[1], 0), EndThread(starts[1], 1)]
    with pytest.raises(NotReady):
        world.workers.spawn("1")
    world.workers.close()
    assert world.poll() == []


# --- starts that hang ----------------------------------------------------------------------------------------------------


def test_a_silent_start_is_begun_anew_once(world):
    worker, first = world.start()
    world.wait(limits.COMPUTE_START_TIMEOUT_S)
    assert (worker.state, world.poll()) == ("starting", [EndThread(first, 0)])
    world.workers.on_running(first, world.now)
    world.workers.on_gone(first, world.now)
    (again,) = world.poll()
    assert again == StartThread(again.thread, 0, worker.name, "1 + 1", "{}")
    assert again.thread != first

    for late in (world.workers.on_running, world.workers.on_gone):
        late(first, world.now)
    world.workers.on_done(first, "0", world.now)
    world.workers.on_failed(first, "late", world.now)
    assert (worker.state, world.poll()) == ("starting", []), "words of the first attempt mean nothing"
    world.workers.on_running(again.thread, world.now)
    world.workers.on_done(again.thread, "2", world.now)
    assert outcome(world, worker) == 2


def test_a_second_silent_start_is_a_failure(world):
    worker, first = world.start()
    world.wait(limits.COMPUTE_START_TIMEOUT_S)
    world.workers.on_gone(first, world.now)
    world.poll()
    world.wait(limits.COMPUTE_START_TIMEOUT_S)
    assert worker.state == "failed"
    with pytest.raises(WorkerFailed, match="did not start"):
        outcome(world, worker)


def test_cancelled_between_two_attempts(world):
    worker, first = world.start()
    world.wait(limits.COMPUTE_START_TIMEOUT_S)
    world.poll()
    worker.cancel()
    assert (worker.state, world.poll()) == ("cancelled", []), "its end was commanded before"
    world.workers.on_gone(first, world.now)
    assert world.poll() == []
    for _ in range(limits.COMPUTE_WORKERS_MAX):
        world.start()
    assert world.out[-1].slot == 0, "its slot is free again, and comes last"


# --- limits --------------------------------------------------------------------------------------------------------------


def test_slots_are_as_many_as_threads_and_used_again(world):
    threads = [world.start()[1] for _ in range(limits.COMPUTE_WORKERS_MAX)]
    assert sorted(command.slot for command in world.out) == list(range(limits.COMPUTE_WORKERS_MAX))
    with pytest.raises(Busy):
        world.workers.spawn("1")
    world.workers.on_running(threads[4], world.now)
    world.workers.on_done(threads[4], "1", world.now)
    with pytest.raises(Busy):
        world.workers.spawn("1")  # its thread has not ended
    world.workers.on_gone(threads[4], world.now)
    world.poll()
    _, thread = world.start()
    assert world.out[-1].slot == 4
    assert thread not in threads


def test_ended_workers_are_listed_up_to_a_bound(world):
    for _ in range(limits.COMPUTE_KEPT_MAX + 5):
        _, thread = world.running()
        world.workers.on_done(thread, "1", world.now)
        world.workers.on_gone(thread, world.now)
        world.poll()
    kept = world.workers.listed()
    assert len(kept) == limits.COMPUTE_KEPT_MAX
    assert world.workers.get(kept[-1].id) is kept[-1]
    with pytest.raises(NotFound):
        world.workers.get(1)


@pytest.mark.parametrize(
    ("error", "source", "options"),
    [
        (BadArgument, "", {}),
        (BadArgument, " \n", {}),
        (BadArgument, "1", {"name": "a\nb"}),
        (BadArgument, "1", {"name": "n" * (limits.COMPUTE_NAME_CHARS_MAX + 1)}),
        (LimitExceeded, "#" * (limits.COMPUTE_TEXT_BYTES_MAX - 1), {}),
        (LimitExceeded, "é" * (limits.COMPUTE_TEXT_BYTES_MAX // 2), {}),
        (LimitExceeded, "1", {"args": " " * limits.COMPUTE_TEXT_BYTES_MAX}),
    ],
)
def test_what_cannot_be_spawned_takes_no_slot(world, error, source, options):
    with pytest.raises(error):
        world.workers.spawn(source, **options)
    assert world.poll() == []
    assert world.workers.listed() == []
    world.workers.spawn("#" * (limits.COMPUTE_TEXT_BYTES_MAX - 2), "n" * limits.COMPUTE_NAME_CHARS_MAX)
    assert world.poll()[0].slot == 0
