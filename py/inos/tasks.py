"""Coroutines without an event loop: how sans-IO code waits.

Nouns: an *effect* is a frozen request that an adapter performs outside (a kernel job, a disk read, a signature); a *task* is
a coroutine driven by ``Tasks``; a *future* is a value that somebody inside will set. ``await effect`` hands the effect out
with an id and resumes when ``on_done(id, result, now)`` brings the answer (an ``InosError`` as result is raised).

Invariants: nothing runs except inside ``poll_effects``; order is deterministic (first ready, first run); every effect handed
out is answered exactly once. Cancelling a task that waits for an effect lets that effect finish and hands its result over
first, so that what it allocated is released by the coroutine's own ``finally``; ``Cancelled`` is raised at its next await.

Must not know: clocks (``now`` is an argument, in seconds), threads, asyncio.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from inos.errors import BadArgument, Cancelled, InosError

T = TypeVar("T")


@dataclass(frozen=True)
class Effect(Generic[T]):
    """Base of everything done outside; subclass it with fields. ``T`` is what the answer is."""

    def __await__(self) -> Generator[Effect[T], T, T]:
        """Yield self to the driver and return what it answers."""
        return (yield self)


class Future(Generic[T]):
    """A value that arrives later, set by code inside the core. May be awaited by many tasks."""

    __slots__ = ("_error", "_value", "_waiters", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self._waiters: list[Callable[[], None]] = []

    def set(self, value: T) -> None:
        """Resolve; a second call is ignored, since answers may race with time-outs."""
        self._finish(value, None)

    def fail(self, error: BaseException) -> None:
        """Reject with an error, raised in every waiter."""
        self._finish(None, error)

    def _finish(self, value: T | None, error: BaseException | None) -> None:
        if self.done:
            return
        self.done, self._value, self._error = True, value, error
        waiters, self._waiters = self._waiters, []
        for wake in waiters:
            wake()

    def result(self) -> T:
        """The value, or raise the error. Only after ``done``."""
        assert self.done
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def on_done(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` once when done (at once if it already is)."""
        if self.done:
            wake()
        else:
            self._waiters.append(wake)

    def forget(self, wake: Callable[[], None]) -> None:
        """Undo ``on_done``."""
        if wake in self._waiters:
            self._waiters.remove(wake)

    def __await__(self) -> Generator[Future[T], None, T]:
        """Park until done."""
        if not self.done:
            yield self
        return self.result()


class Task(Future[T]):
    """A running coroutine; await it for its result."""

    __slots__ = ("_cancel_asked", "_coro", "_parked", "_wake", "name")

    def __init__(self, coro: Coroutine[Any, Any, T], name: str) -> None:
        super().__init__()
        self.name = name
        self._coro = coro
        self._cancel_asked = False
        self._parked: Future[Any] | None = None
        self._wake: Callable[[], None] | None = None

    @property
    def cancelling(self) -> bool:
        """Whether ``Tasks.cancel`` was called and not yet delivered."""
        return self._cancel_asked


class Tasks:
    """Drives tasks; the shape that every adapter knows: poll_effects, on_done, next_deadline, on_deadline."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[tuple[Task[Any], object, BaseException | None]] = deque()
        self._waiting: dict[int, Task[Any]] = {}
        self._out: list[tuple[int, Effect[Any]]] = []
        self._timers: list[tuple[float, int, Future[bool]]] = []
        self._serial = 0
        self.alive: set[Task[Any]] = set()
        self.on_crash: Callable[[Task[Any], BaseException], None] | None = None

    # --- for the core -------------------------------------------------------------------------------------------------

    def spawn(self, coro: Coroutine[Any, Any, T], name: str) -> Task[T]:
        """Start a coroutine; it first runs in the next ``poll_effects``."""
        task = Task(coro, name)
        self.alive.add(task)
        self._ready.append((task, None, None))
        return task

    def cancel(self, task: Task[Any]) -> None:
        """Ask a task to stop; see the module docstring for when it does."""
        if task.done or task._cancel_asked:
            return
        task._cancel_asked = True
        parked, wake = task._parked, task._wake
        if parked is not None and wake is not None:
            parked.forget(wake)
            task._parked = task._wake = None
            self._ready.append((task, None, None))

    def timer(self, seconds: float) -> Future[bool]:
        """A future that becomes True ``seconds`` from now."""
        future: Future[bool] = Future()
        self._serial += 1
        heapq.heappush(self._timers, (self.now + seconds, self._serial, future))
        return future

    async def sleep(self, seconds: float) -> None:
        """Wait for time to pass."""
        await self.timer(seconds)

    async def wait(self, future: Future[Any], timeout_s: float) -> bool:
        """Wait until ``future`` is done or time is up; whether it is done. Its result is not looked at."""
        if not future.done:
            either: Future[None] = Future()
            timer = self.timer(timeout_s)

            def wake() -> None:
                either.set(None)

            future.on_done(wake)
            timer.on_done(wake)
            try:
                await either
            finally:
                future.forget(wake)
                timer.forget(wake)
                timer.set(False)  # a set timer is dropped when it surfaces
        return future.done

    async def gather(self, *tasks: Task[Any]) -> list[Any]:
        """Results of all, in order; on the first error the others are cancelled, awaited, and the error raised."""
        error: BaseException | None = None
        results: list[Any] = []
        for task in tasks:
            task.on_done(lambda: None)  # none of them fails unheard, though only the first error is told
        for task in tasks:
            try:
                results.append(await task)
            except GeneratorExit:
                raise  # whoever awaits is closed, and can await nothing any more
            except BaseException as caught:  # noqa: BLE001 - cancellation and errors alike stop the siblings
                if error is None:
                    error = caught
                    for other in tasks:
                        self.cancel(other)
        while error is not None and (left := [task for task in tasks if not task.done]):
            with suppress(BaseException):  # the first error is the one to tell
                await left[0]
        if error is not None:
            raise error
        return results

    # --- for the adapter ----------------------------------------------------------------------------------------------

    def poll_effects(self) -> list[tuple[int, Effect[Any]]]:
        """Run everything that can run; return the effects that were asked for, each with its id."""
        while self._ready:
            task, value, error = self._ready.popleft()
            self._step(task, value, error)
        out, self._out = self._out, []
        return out

    def on_done(self, effect_id: int, result: object, now: float) -> None:
        """The answer to an effect; an exception instance is raised at its await."""
        self.now = max(self.now, now)
        task = self._waiting.pop(effect_id, None)
        if task is None:
            raise BadArgument(f"no effect {effect_id}")
        if isinstance(result, BaseException):
            self._ready.append((task, None, result))
        else:
            self._ready.append((task, result, None))

    def next_deadline(self) -> float | None:
        """When ``on_deadline`` wants to be called, if at all."""
        while self._timers and self._timers[0][2].done:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def on_deadline(self, now: float) -> None:
        """Time has passed: wake what was waiting for it."""
        self.now = max(self.now, now)
        while self._timers and (self._timers[0][2].done or self._timers[0][0] <= self.now):
            heapq.heappop(self._timers)[2].set(True)

    @property
    def awaits_effects(self) -> bool:
        """Whether effects are out that nobody has answered yet."""
        return bool(self._waiting)

    def fail_all(self, error: InosError) -> None:
        """Answer every outstanding effect with ``error`` (the adapter is going away)."""
        for effect_id in list(self._waiting):
            self.on_done(effect_id, error, self.now)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _step(self, task: Task[Any], value: object, error: BaseException | None) -> None:
        try:
            while True:
                if error is not None:
                    raised, error = error, None
                    asked = task._coro.throw(raised)
                elif task._cancel_asked and value is None:
                    task._cancel_asked = False
                    asked = task._coro.throw(Cancelled(task.name))
                else:
                    asked = task._coro.send(value)
                value = None
                if task._cancel_asked:
                    continue  # deliver Cancelled at this await instead of waiting
                if self._park(task, asked):
                    return
        except StopIteration as stop:
            self.alive.discard(task)
            task.set(stop.value)
        except BaseException as caught:  # noqa: BLE001 - the error belongs to whoever awaits the task
            self.alive.discard(task)
            watched = bool(task._waiters)
            task.fail(caught)
            if not watched and self.on_crash is not None and not isinstance(caught, Cancelled):
                self.on_crash(task, caught)

    def _park(self, task: Task[Any], asked: object) -> bool:
        if isinstance(asked, Effect):
            self._serial += 1
            self._waiting[self._serial] = task
            self._out.append((self._serial, asked))
            return True
        if isinstance(asked, Future):
            if asked.done:
                return False

            def wake() -> None:
                task._parked = task._wake = None
                self._ready.append((task, None, None))

            task._parked, task._wake = asked, wake
            asked.on_done(wake)
            return True
        raise TypeError(f"{task.name} awaited {asked!r}, which is neither an effect nor a future")


class Semaphore:
    """A budget of units (bytes in flight, requests open), granted in order of asking."""

    def __init__(self, units: int) -> None:
        self.units = units
        self.free = units
        self._queue: deque[tuple[int, Future[None]]] = deque()

    async def acquire(self, units: int = 1) -> None:
        """Wait for ``units``. More than the whole budget is the caller's mistake (BadArgument)."""
        if units > self.units:
            raise BadArgument(f"{units} of a budget of {self.units}")
        if not self._queue and self.free >= units:
            self.free -= units
            return
        turn: Future[None] = Future()
        entry = (units, turn)
        self._queue.append(entry)
        try:
            await turn
        except BaseException:
            if turn.done:
                self.release(units)
            else:
                self._queue.remove(entry)
                self._grant()
            raise

    def release(self, units: int = 1) -> None:
        """Give units back."""
        self.free += units
        assert self.free <= self.units
        self._grant()

    def _grant(self) -> None:
        while self._queue and self.free >= self._queue[0][0]:
            units, turn = self._queue.popleft()
            self.free -= units
            turn.set(None)


__all__ = ["Effect", "Future", "Semaphore", "Task", "Tasks"]
