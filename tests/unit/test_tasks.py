"""Tasks: order, waiting, cancelling, timers, budgets; all without a loop or a clock."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from inos.errors import BadArgument, Cancelled, NotReady, StorageLost
from inos.tasks import Effect, Future, Semaphore, Tasks


@dataclass(frozen=True, slots=True)
class Ask(Effect[int]):
    """Any effect will do."""

    what: str


def answered(tasks, answers, now=0.0):
    """Answer everything that is asked, by name, until nothing is; the names in order."""
    asked = []
    while effects := tasks.poll_effects():
        for effect_id, effect in effects:
            asked.append(effect.what)
            tasks.on_done(effect_id, answers[effect.what], now)
    return asked


def test_effects_are_handed_out_and_answered():
    tasks = Tasks()

    async def work():
        return await Ask("a") + await Ask("b")

    task = tasks.spawn(work(), "work")
    assert not task.done
    assert answered(tasks, {"a": 1, "b": 2}) == ["a", "b"]
    assert task.result() == 3
    assert tasks.alive == set()


def test_order_is_that_of_readiness():
    tasks, seen = Tasks(), []

    async def work(name):
        seen.append(name)
        await Ask(name)
        seen.append(name.upper())

    for name in "abc":
        tasks.spawn(work(name), name)
    effects = tasks.poll_effects()
    for effect_id, _ in reversed(effects):
        tasks.on_done(effect_id, 0, 0.0)
    tasks.poll_effects()
    assert "".join(seen) == "abcCBA"


def test_an_error_as_answer_is_raised_at_the_await():
    tasks = Tasks()

    async def work():
        try:
            await Ask("disk")
        except StorageLost:
            return "caught"
        return "missed"

    task = tasks.spawn(work(), "work")
    answered(tasks, {"disk": StorageLost("gone")})
    assert task.result() == "caught"


def test_each_effect_is_answered_once():
    tasks = Tasks()

    async def work():
        await Ask("a")

    tasks.spawn(work(), "work")
    [(effect_id, _)] = tasks.poll_effects()
    tasks.on_done(effect_id, 1, 0.0)
    with pytest.raises(BadArgument):
        tasks.on_done(effect_id, 1, 0.0)


def test_a_task_is_awaited_by_many_and_its_error_is_theirs():
    tasks, crashed = Tasks(), []
    tasks.on_crash = lambda task, error: crashed.append(task.name)

    async def fails():
        await Ask("a")
        raise StorageLost("x")

    async def awaits(task):
        with pytest.raises(StorageLost):
            await task
        return True

    failing = tasks.spawn(fails(), "fails")
    waiting = [tasks.spawn(awaits(failing), "w") for _ in range(2)]
    answered(tasks, {"a": 1})
    assert [task.result() for task in waiting] == [True, True]
    assert crashed == []


def test_a_crash_that_nobody_awaits_is_told():
    tasks, crashed = Tasks(), []
    tasks.on_crash = lambda task, error: crashed.append((task.name, type(error)))

    async def fails():
        raise ValueError("bug")

    tasks.spawn(fails(), "fails")
    tasks.poll_effects()
    assert crashed == [("fails", ValueError)]


def test_awaiting_something_else_is_a_bug():
    tasks = Tasks()

    class Odd:
        def __await__(self):
            yield 1

    async def work():
        await Odd()

    task = tasks.spawn(work(), "work")
    tasks.poll_effects()
    with pytest.raises(TypeError, match="neither an effect nor a future"):
        task.result()


def test_cancel_lets_the_effect_finish_and_hands_its_result_over():
    tasks, released = Tasks(), []

    async def work():
        span = await Ask("alloc")
        try:
            await Ask("write")
        finally:
            released.append(span)

    task = tasks.spawn(work(), "work")
    [(effect_id, _)] = tasks.poll_effects()
    tasks.cancel(task)
    assert tasks.poll_effects() == []
    assert not task.done
    tasks.on_done(effect_id, 7, 0.0)
    assert tasks.poll_effects() == []
    assert released == [7]
    with pytest.raises(Cancelled):
        task.result()


def test_cancel_a_task_that_is_parked_on_a_future():
    tasks, future = Tasks(), Future()

    async def work():
        await future

    task = tasks.spawn(work(), "work")
    tasks.poll_effects()
    tasks.cancel(task)
    tasks.cancel(task)
    tasks.poll_effects()
    with pytest.raises(Cancelled):
        task.result()
    future.set(None)
    assert tasks.poll_effects() == []
    tasks.cancel(task)


def test_futures():
    future = Future()
    calls = []

    def wake():
        calls.append(1)

    future.on_done(wake)
    future.forget(wake)
    future.forget(wake)
    future.set(1)
    future.set(2)
    future.fail(ValueError())
    assert future.result() == 1
    future.on_done(wake)
    assert calls == [1]
    failed = Future()
    failed.fail(NotReady("x"))
    with pytest.raises(NotReady):
        failed.result()


def test_sleep_and_deadlines():
    tasks, seen = Tasks(), []

    async def sleeper(seconds):
        await tasks.sleep(seconds)
        seen.append(seconds)

    for seconds in (3, 1, 2):
        tasks.spawn(sleeper(seconds), "s")
    tasks.poll_effects()
    while (deadline := tasks.next_deadline()) is not None:
        tasks.on_deadline(deadline)
        tasks.poll_effects()
    assert seen == [1, 2, 3]
    assert tasks.now == 3
    tasks.on_deadline(1.0)
    assert tasks.now == 3, "time does not go back"


@pytest.mark.parametrize("in_time", [True, False])
def test_wait(in_time):
    tasks, future = Tasks(), Future()

    async def work():
        return await tasks.wait(future, 5.0)

    task = tasks.spawn(work(), "work")
    tasks.poll_effects()
    if in_time:
        future.set(1)
    else:
        tasks.on_deadline(5.0)
    tasks.poll_effects()
    assert task.result() is in_time
    assert tasks.next_deadline() is None, "no timer is left over"

    done = tasks.spawn(work(), "again") if in_time else None
    tasks.poll_effects()
    assert done is None or done.result() is True


def test_a_gather_that_is_closed_waits_for_nobody():
    """As when a node is thrown away with everything that was under way."""
    tasks = Tasks()

    async def work():
        await Ask("a")

    whole = tasks.gather(*[tasks.spawn(work(), "part") for _ in range(2)])
    tasks.poll_effects()
    whole.send(None)
    whole.close()  # raises RuntimeError where a generator awaits after GeneratorExit


def test_gather():
    tasks = Tasks()

    async def work(name):
        return await Ask(name)

    async def all_of(*names):
        return await tasks.gather(*[tasks.spawn(work(name), name) for name in names])

    good = tasks.spawn(all_of("a", "b"), "good")
    answered(tasks, {"a": 1, "b": 2})
    assert good.result() == [1, 2]
    bad = tasks.spawn(all_of("a", "x", "b"), "bad")
    answered(tasks, {"a": 1, "b": 2, "x": StorageLost("x")})
    with pytest.raises(StorageLost):
        bad.result()
    assert tasks.alive == set()


def test_fail_all():
    tasks = Tasks()

    async def work():
        await Ask("a")

    made = [tasks.spawn(work(), "w") for _ in range(3)]
    tasks.poll_effects()
    tasks.fail_all(NotReady("closing"))
    tasks.poll_effects()
    for task in made:
        with pytest.raises(NotReady):
            task.result()


def test_semaphore_grants_in_order_of_asking():
    tasks, budget, seen = Tasks(), Semaphore(10), []

    async def work(name, units):
        await budget.acquire(units)
        seen.append(name)
        await Ask(name)
        budget.release(units)

    for name, units in (("a", 6), ("b", 6), ("c", 1)):
        tasks.spawn(work(name, units), name)
    [(effect_id, _)] = tasks.poll_effects()
    assert seen == ["a"], "c waits behind b although it would fit"
    tasks.on_done(effect_id, 0, 0.0)
    answered(tasks, {"b": 0, "c": 0})
    assert seen == ["a", "b", "c"]
    assert budget.free == 10


def test_semaphore_refuses_more_than_it_has():
    tasks = Tasks()

    async def work():
        await Semaphore(1).acquire(2)

    task = tasks.spawn(work(), "w")
    tasks.poll_effects()
    with pytest.raises(BadArgument):
        task.result()


@pytest.mark.parametrize("when", ["before the grant", "between grant and run", "after"])
def test_semaphore_and_cancelling(when):
    tasks, budget, waiting = Tasks(), Semaphore(2), []

    async def holder():
        await budget.acquire(2)
        await Ask("hold")
        budget.release(2)
        if when == "between grant and run":
            tasks.cancel(waiting[0])

    async def waiter(units):
        await budget.acquire(units)
        budget.release(units)
        return units

    tasks.spawn(holder(), "h")
    [(effect_id, _)] = tasks.poll_effects()
    waiting += [tasks.spawn(waiter(2), "w"), tasks.spawn(waiter(1), "w")]
    tasks.poll_effects()
    if when == "before the grant":
        tasks.cancel(waiting[0])
        tasks.poll_effects()
    tasks.on_done(effect_id, 0, 0.0)
    tasks.poll_effects()
    tasks.cancel(waiting[0])
    if when == "after":
        assert waiting[0].result() == 2
    else:
        with pytest.raises(Cancelled):
            waiting[0].result()
    assert waiting[1].result() == 1
    assert budget.free == 2
