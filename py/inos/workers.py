"""Python workers: who runs, what came of it, and when one is ended by force.

Nouns: a *worker* is one piece of Python that somebody asked to run beside the node, and the handle to it; a *thread* is one
attempt to run it, with a number of its own, so that a late word of an earlier attempt means nothing; a *slot* is a thread's
stack in the shared memory and its page of what it holds there; a worker *settles* when its outcome is known, and is *gone*
when its thread has ended and all that it held was given back.

Theory of operation.

    starting -> running -> done | failed | cancelled -> closed

A thread that settles is ended; a start that stays silent is ended and begun anew, once. To cancel is to interrupt (the worker
sees KeyboardInterrupt and may clean up) and, COMPUTE_CANCEL_TIMEOUT_S later, to end the thread by force; the same while it is
starting, since what it does in the shared memory may be seen before the word that it runs. A worker that answers although it was
interrupted is done.

Invariants: at most COMPUTE_WORKERS_MAX threads, those that are ending included; a slot is used again only after its thread is
gone; every StartThread is answered by exactly one ``on_gone``; an outcome never changes.

Must not know: what a thread is made of, clocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from inos import limits
from inos.errors import BadArgument, Busy, Cancelled, InosError, LimitExceeded, NotFound, NotReady, WorkerFailed
from inos.tasks import Future, Tasks


class State(StrEnum):
    """Where a worker is."""

    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StartThread:
    """Start a thread on a slot, to run ``source`` (a module's name, or text) with ``args`` (a JSON object)."""

    thread: int
    slot: int
    name: str
    source: str
    args: str


@dataclass(frozen=True, slots=True)
class InterruptThread:
    """Raise KeyboardInterrupt in it."""

    thread: int
    slot: int


@dataclass(frozen=True, slots=True)
class EndThread:
    """End it, whatever it does; then ``on_gone``."""

    thread: int
    slot: int


Command: TypeAlias = StartThread | InterruptThread | EndThread


class Worker:
    """The handle: what whoever spawned a worker holds."""

    def __init__(self, workers: Workers, number: int, name: str, slot: int) -> None:
        self.id = number
        self.name = name
        self.state = State.STARTING
        self._workers = workers
        self._slot = slot
        self._text = ("", "")
        self._thread = 0
        self._attempts = 0
        self._is_ending = False
        self._is_cancelling = False
        self._deadline: float | None = None
        self._outcome: Future[str] = Future()
        self._gone: Future[None] = Future()

    async def result(self) -> Any:
        """What it answered. Raises WorkerFailed with the worker's traceback, or Cancelled."""
        return json.loads(await self._outcome)

    def cancel(self) -> None:
        """Interrupt it; see the module docstring. Does nothing once the worker has settled."""
        self._workers._cancel(self)

    async def close(self) -> None:
        """Cancel it if it runs, and wait until its thread is gone. Raises WorkerFailed if the browser does not end it."""
        await self._workers._close(self)


class Workers:
    """All workers of a node."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._free = list(range(limits.COMPUTE_WORKERS_MAX))
        self._threads: dict[int, Worker] = {}  # the threads that are not gone
        self._listed: dict[int, Worker] = {}
        self._commands: list[Command] = []
        self._worker_serial = self._thread_serial = 0
        self._is_open = True

    # --- verbs --------------------------------------------------------------------------------------------------------

    def spawn(self, source: str, name: str = "", args: str = "{}") -> Worker:
        """Ask for a worker; it is starting when this returns.

        Raises BadArgument (no source, a name that cannot be shown), LimitExceeded (too much text), Busy, NotReady.
        """
        if not self._is_open:
            raise NotReady("the node is closing")
        if not source.strip():
            raise BadArgument("there is nothing to run")
        if len(source.encode()) + len(args.encode()) > limits.COMPUTE_TEXT_BYTES_MAX:
            raise LimitExceeded(f"source and arguments are over {limits.COMPUTE_TEXT_BYTES_MAX} bytes: use the arena")
        if len(name) > limits.COMPUTE_NAME_CHARS_MAX or not name.isprintable():
            raise BadArgument("a worker's name is a short line of text")
        if not self._free:
            raise Busy(f"{limits.COMPUTE_WORKERS_MAX} workers run")
        self._worker_serial += 1
        number = self._worker_serial
        worker = Worker(self, number, name or f"python {number}", self._free.pop(0))
        worker._text = (source, args)
        self._listed[worker.id] = worker
        self._begin(worker)
        return worker

    def get(self, number: int) -> Worker:
        """A listed worker. Raises NotFound."""
        worker = self._listed.get(number)
        if worker is None:
            raise NotFound(f"no worker {number}")
        return worker

    def listed(self) -> list[Worker]:
        """Those that run, and the latest of those that have settled and were not closed."""
        return [*self._listed.values()]

    def close(self) -> None:
        """End all at once and start no more: the node goes away."""
        self._is_open = False
        for worker in [*self._threads.values()]:
            self._fail(worker, State.CANCELLED, Cancelled(f"{worker.name}: the node closed"))

    # --- the adapter's side -------------------------------------------------------------------------------------------

    def poll_commands(self) -> list[Command]:
        """What is to be done, in order."""
        out, self._commands = self._commands, []
        return out

    def on_running(self, thread: int, now: float) -> None:
        """The thread has started Python and is about to run the source."""
        worker = self._heard(thread, now)
        if worker is not None and worker.state is State.STARTING:
            worker.state = State.RUNNING
            worker._deadline = worker._deadline if worker._is_cancelling else None

    def on_done(self, thread: int, text: str, now: float) -> None:
        """The source has run; ``text`` is its value as JSON."""
        worker = self._heard(thread, now)
        if worker is not None and self._settle(worker, State.DONE):
            worker._outcome.set(text)

    def on_failed(self, thread: int, text: str, now: float, *, interrupted: bool = False) -> None:
        """The source ended with an error, or the thread crashed; ``text`` is the traceback or the reason."""
        worker = self._heard(thread, now)
        if worker is None:
            return
        if interrupted and worker._is_cancelling:
            self._fail(worker, State.CANCELLED, Cancelled(f"{worker.name} was cancelled"))
        else:
            self._fail(worker, State.FAILED, WorkerFailed(text))

    def on_gone(self, thread: int, now: float) -> None:
        """The thread has ended, asked or not, and what it held was given back."""
        self._tasks.now = max(self._tasks.now, now)
        worker = self._threads.pop(thread, None)
        if worker is None:
            return
        if worker.state is State.STARTING and worker._is_ending:
            self._begin(worker)  # the slot is its own still
            return
        worker._is_ending = True  # there is nothing left to end
        self._fail(worker, State.FAILED, WorkerFailed(f"{worker.name} ended without a word"))
        self._free.append(worker._slot)
        worker._gone.set(None)
        settled = [each for each in self._listed.values() if each._gone.done]
        for old in settled[: -limits.COMPUTE_KEPT_MAX]:
            del self._listed[old.id]

    def next_deadline(self) -> float | None:
        """When ``on_deadline`` wants to be called."""
        return min((w._deadline for w in self._threads.values() if w._deadline is not None), default=None)

    def on_deadline(self, now: float) -> None:
        """Time has passed."""
        self._tasks.now = max(self._tasks.now, now)
        for worker in [*self._threads.values()]:
            if worker._deadline is None or worker._deadline > now:
                continue
            worker._deadline = None
            if worker._is_cancelling:
                self._fail(worker, State.CANCELLED, Cancelled(f"{worker.name} ignored the interrupt and was ended"))
            elif worker._attempts < limits.COMPUTE_START_ATTEMPTS_MAX:
                self._end(worker)
            else:
                self._fail(worker, State.FAILED, WorkerFailed(f"{worker.name} did not start"))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _heard(self, thread: int, now: float) -> Worker | None:
        """Whose thread this is; what one that is being ended still says means nothing."""
        self._tasks.now = max(self._tasks.now, now)
        worker = self._threads.get(thread)
        return None if worker is None or worker._is_ending else worker

    def _begin(self, worker: Worker) -> None:
        self._thread_serial += 1
        worker._thread, worker._is_ending = self._thread_serial, False
        worker._attempts += 1
        worker._deadline = self._tasks.now + limits.COMPUTE_START_TIMEOUT_S
        self._threads[worker._thread] = worker
        self._commands.append(StartThread(worker._thread, worker._slot, worker.name, *worker._text))

    def _end(self, worker: Worker) -> None:
        if not worker._is_ending:
            worker._is_ending = True
            self._commands.append(EndThread(worker._thread, worker._slot))

    def _settle(self, worker: Worker, state: State) -> bool:
        if worker.state not in {State.STARTING, State.RUNNING}:
            return False
        worker.state, worker._deadline, worker._text = state, None, ("", "")
        self._end(worker)
        return True

    def _fail(self, worker: Worker, state: State, error: InosError) -> None:
        if self._settle(worker, state):
            worker._outcome.fail(error)

    def _cancel(self, worker: Worker) -> None:
        if worker.state not in {State.STARTING, State.RUNNING} or worker._is_cancelling:
            return
        if worker._is_ending:  # between two attempts
            self._fail(worker, State.CANCELLED, Cancelled(f"{worker.name} was cancelled before it ran"))
        else:
            worker._is_cancelling = True
            worker._deadline = self._tasks.now + limits.COMPUTE_CANCEL_TIMEOUT_S
            self._commands.append(InterruptThread(worker._thread, worker._slot))

    async def _close(self, worker: Worker) -> None:
        self._cancel(worker)
        within_s = limits.COMPUTE_CANCEL_TIMEOUT_S + limits.COMPUTE_END_TIMEOUT_S
        if not await self._tasks.wait(worker._gone, within_s):
            raise WorkerFailed(f"{worker.name}: its thread does not end")
        worker.state = State.CLOSED
        self._listed.pop(worker.id, None)


__all__ = ["Command", "EndThread", "InterruptThread", "StartThread", "State", "Worker", "Workers"]
