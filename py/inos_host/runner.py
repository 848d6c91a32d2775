"""Drives ``inos.tasks.Tasks`` on CPython: performs effects, at once or in threads, by the real clock.

Nouns: a *performer* answers effects of some types (``HostDisk``, ``Streams``, ``HostKernels``, ``HostKeyring``).
Invariants: every effect is answered exactly once, with a value or the ``InosError`` it raised; other exceptions are bugs and
stop the runner. Without threads effects are performed in the order they were asked for, which tests rely on.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from inos.errors import BadArgument, InosError
from inos.tasks import Effect, Task, Tasks

T = TypeVar("T")
Perform = Callable[[Effect[Any]], object]


class Performer(Protocol):
    """What answers effects."""

    def perform(self, effect: Effect[Any]) -> object:
        """The answer."""


class Runner:
    """Runs tasks until they are done. ``threads`` 0 performs in the caller's thread."""

    def __init__(
        self, tasks: Tasks, performers: Iterable[tuple[tuple[type[Effect[Any]], ...], Performer]], *, threads: int = 0
    ) -> None:
        self.tasks = tasks
        self._perform_by_type: dict[type[Effect[Any]], Perform] = {
            kind: performer.perform for kinds, performer in performers for kind in kinds
        }
        self._pool = ThreadPoolExecutor(threads, "inos-effect") if threads else None
        self._done: queue.SimpleQueue[tuple[int, object]] = queue.SimpleQueue()
        self._out = 0
        self._began = time.monotonic() - tasks.now

    @property
    def now(self) -> float:
        """Seconds, going on from where the tasks' clock stood."""
        return time.monotonic() - self._began

    def run(self, coro: Coroutine[Any, Any, T], name: str = "main") -> T:
        """Run one coroutine to its end; its result or error."""
        task = self.tasks.spawn(coro, name)
        self.run_until(task)
        return task.result()

    def run_until(self, task: Task[Any]) -> None:
        """Run everything until this task is done."""
        while not task.done:
            self.step(wait=True, until=task)

    def drain(self) -> None:
        """Run until no task is alive."""
        while self.tasks.alive:
            self.step(wait=True)

    def step(self, *, wait: bool, until: Task[Any] | None = None) -> None:
        """Run what can run, perform what it asked for; with ``wait``, sleep until something is answered or due."""
        for effect_id, effect in self.tasks.poll_effects():
            self._start(effect_id, effect)
        if until is not None and until.done:
            return
        deadline = self.tasks.next_deadline()
        self._collect(wait=wait, deadline=deadline)
        if deadline is not None and deadline <= self.now:
            self.tasks.on_deadline(self.now)

    def _start(self, effect_id: int, effect: Effect[Any]) -> None:
        perform = self._perform_by_type.get(type(effect))
        if perform is None:
            raise BadArgument(f"nobody performs {type(effect).__name__}")
        self._out += 1
        if self._pool is None:
            self._answer(effect_id, effect, perform)
        else:
            self._pool.submit(self._answer, effect_id, effect, perform)

    def _answer(self, effect_id: int, effect: Effect[Any], perform: Perform) -> None:
        try:
            self._done.put((effect_id, perform(effect)))
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the effect
            self._done.put((effect_id, error))

    def _collect(self, *, wait: bool, deadline: float | None) -> None:
        """Hand in answers; wait for the first one, as long as nothing else is due."""
        if self._out == 0:
            if deadline is None:
                if wait and self.tasks.alive:
                    raise BadArgument("tasks wait for something that nobody will do")
            elif wait and deadline > self.now:
                time.sleep(deadline - self.now)
            return
        timeout = None if deadline is None else max(0.0, deadline - self.now)
        try:
            first = self._done.get(block=wait, timeout=timeout) if wait else self._done.get_nowait()
        except queue.Empty:
            return
        self._hand_in(*first)
        while True:
            try:
                self._hand_in(*self._done.get_nowait())
            except queue.Empty:
                return

    def _hand_in(self, effect_id: int, result: object) -> None:
        self._out -= 1
        if isinstance(result, BaseException) and not isinstance(result, InosError):
            raise result
        self.tasks.on_done(effect_id, result, self.now)

    def close(self) -> None:
        """Wait for the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)


__all__ = ["Performer", "Runner"]
