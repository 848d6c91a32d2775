"""Every interleaving of a few short programs on one shared memory: the real algorithms, on a region of its own.

Nouns: a *program* is a function that uses a ``ModelRegion``; each of its word operations, and each piece of its plain reads
and writes, is a *step*; a *schedule* is an order of steps. ``explore`` runs the programs (as greenlets) along every schedule.

Why it ends: two schedules that leave the same memory, and in which each program has seen the same answers, go on alike, since a
program is a function of what it has seen. Each such *state* is gone on from once. ``Explored.schedules`` counts the schedules
that this covers, exactly: paths through the graph of states.

Death: a program with ``dies_after`` makes that many steps and no more, and nothing of it runs on, ``finally`` included. A
program with ``after_death_of`` starts when that one is dead. Waiting: a step of its own, enabled again by a notify; a state in
which nobody can go on, and somebody has not finished, is a lost wake-up or a stall, and is reported.

Sequential consistency is assumed, which is what word operations promise and plain memory does not: plain accesses are checked
for being ordered by words, by splitting them, and not for what a weak memory does to them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import GreenletExit, greenlet

from inos.memory.region import NOTIFY_ALL, check_range, i32

PIECE_BYTES = 16
_WORD = struct.Struct("<i")


class ModelRegion:
    """Shared memory whose every access hands control to the explorer first, once that has begun."""

    def __init__(self, size: int, piece_bytes: int = PIECE_BYTES) -> None:
        self.size = size
        self.memory = bytearray(size)
        self.piece_bytes = piece_bytes
        self.run: Run | None = None

    def _step(self, do: Callable[[], Any]) -> Any:
        return do() if self.run is None else self.run.step(do)

    def read(self, offset: int, length: int) -> bytes:
        check_range(offset, length, self.size)
        ends = range(offset, offset + length, self.piece_bytes)
        parts = [
            self._step(lambda at=at: bytes(self.memory[at : min(at + self.piece_bytes, offset + length)]))
            for at in ends
        ]
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        check_range(offset, len(data), self.size)
        for at in range(0, len(data), self.piece_bytes):
            piece = data[at : at + self.piece_bytes]
            self._step(lambda at=at, piece=piece: self._set(offset + at, piece))

    def _set(self, offset: int, piece: bytes) -> None:
        self.memory[offset : offset + len(piece)] = piece

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self.read(offset, 4 * count))

    def _get(self, offset: int) -> int:
        assert offset % 4 == 0
        return _WORD.unpack_from(self.memory, offset)[0]

    def _put(self, offset: int, value: int) -> int:
        before = self._get(offset)
        _WORD.pack_into(self.memory, offset, i32(value))
        return before

    def load(self, offset: int) -> int:
        return self._step(lambda: self._get(offset))

    def store(self, offset: int, value: int) -> None:
        self._step(lambda: self._put(offset, value))

    def add(self, offset: int, value: int) -> int:
        return self._step(lambda: self._put(offset, self._get(offset) + value))

    def compare_exchange(self, offset: int, expected: int, value: int) -> int:
        def do() -> int:
            before = self._get(offset)
            if before == i32(expected):
                self._put(offset, value)
            return before

        return self._step(do)

    def notify(self, offset: int, count: int = NOTIFY_ALL) -> int:
        return self._step(lambda: self.run.wake(offset, count) if self.run else 0)

    def wait(self, offset: int, expected: int, timeout_s: float = float("inf")) -> bool:
        assert self.run is not None
        if self._step(lambda: self.run.sleep(offset) if self._get(offset) == i32(expected) else False):
            self._step(lambda: None)  # enabled when somebody notifies
        return True


@dataclass
class Program:
    """What one thread does. Its return value is its ``result``."""

    body: Callable[[], Any]
    dies_after: int | None = None
    after_death_of: int | None = None


class Run:
    """One execution, along a schedule."""

    def __init__(self, region: ModelRegion, programs: list[Program], ids: dict[Any, int]) -> None:
        self.region = region
        self.programs = programs
        self.results: list[Any] = [None] * len(programs)
        self.errors: list[BaseException] = []
        self.history = [0] * len(programs)
        self.steps = [0] * len(programs)
        self._ids = ids
        self._next: list[Callable[[], Any] | None] = [None] * len(programs)
        self._asleep: list[int | None] = [None] * len(programs)
        self._current = 0
        self._hub = greenlet.getcurrent()
        region.run = self
        self._greenlets = [greenlet(lambda index=index: self._main(index)) for index in range(len(programs))]
        for index in range(len(programs)):
            self._switch(index)

    def _main(self, index: int) -> None:
        try:
            self.results[index] = self.programs[index].body()
        except GreenletExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the report
            self.errors.append(error)

    def _switch(self, index: int) -> None:
        self._current = index
        self._next[index] = None
        self._greenlets[index].switch()

    def step(self, do: Callable[[], Any]) -> Any:
        """Called by a program: wait for its turn, then do it."""
        index = self._current
        self._next[index] = do
        self._hub.switch()
        answer = do()
        self.history[index] = self._ids.setdefault((self.history[index], answer), len(self._ids) + 1)
        return answer

    def advance(self, index: int) -> None:
        """One step of one program."""
        self.steps[index] += 1
        self._switch(index)

    def sleep(self, offset: int) -> bool:
        self._asleep[self._current] = offset
        return True

    def wake(self, offset: int, count: int) -> int:
        woken = [index for index, at in enumerate(self._asleep) if at == offset][:count]
        for index in woken:
            self._asleep[index] = None
        return len(woken)

    def finished(self, index: int) -> bool:
        return self._next[index] is None

    def dead(self, index: int) -> bool:
        return self.finished(index) or self.steps[index] == self.programs[index].dies_after

    def enabled(self) -> list[int]:
        return [
            index
            for index, program in enumerate(self.programs)
            if not self.dead(index)
            and self._asleep[index] is None
            and (program.after_death_of is None or self.dead(program.after_death_of))
        ]

    def stalled(self) -> list[int]:
        """Programs that have not finished; asked when none is enabled."""
        return [index for index in range(len(self.programs)) if not self.dead(index)]

    def key(self) -> tuple[Any, ...]:
        return bytes(self.region.memory), tuple(self.history), tuple(self._asleep)

    def close(self) -> None:
        """End what has not ended. With the region's ``run`` gone, what runs on meanwhile is nobody's step."""
        for one in self._greenlets:
            if not one.dead:
                one.throw(GreenletExit)


class Wrong(AssertionError):
    """A schedule after which something is not as it must be."""


@dataclass
class Explored:
    """What ``explore`` covered."""

    runs: int = 0
    states: int = 0
    schedules: int = 0
    ends: int = 0
    _edges: dict[Any, list[Any]] = field(default_factory=dict)

    def count(self, root: Any) -> None:
        """Paths from the root to an end."""
        paths: dict[Any, int] = {}
        todo = [root]
        while todo:
            state = todo[-1]
            missing = [after for after in self._edges[state] if after not in paths]
            if missing:
                todo += missing
                continue
            todo.pop()
            paths[state] = sum(paths[after] for after in self._edges[state]) or 1
        self.schedules += paths[root]
        self._edges.clear()


def explore(
    make: Callable[[], tuple[ModelRegion, list[Program]]], check: Callable[[Run], None], into: Explored | None = None
) -> Explored:
    """Run every schedule of what ``make`` makes, and ``check`` each end. Raises Wrong with the schedule that failed."""
    done = into or Explored()
    ids: dict[Any, int] = {}
    numbers: dict[Any, int] = {}
    edges = done._edges
    todo: list[tuple[tuple[int, ...], int | None]] = [((), None)]  # a schedule, and the state before its last step
    while todo:
        path, before = todo.pop()
        region, programs = make()
        run = Run(region, programs, ids)
        done.runs += 1
        for index in path:
            run.advance(index)
        while True:
            state = numbers.setdefault(run.key(), len(numbers))
            if before is not None:
                edges[before].append(state)
            if state in edges:
                break
            edges[state] = []
            enabled = run.enabled()
            if not enabled:
                _end(run, check, path, done)
                break
            todo += [((*path, other), state) for other in enabled[1:]]
            before = state
            path = (*path, enabled[0])
            run.advance(enabled[0])
        region.run = None
        run.close()
    done.states += len(numbers)
    done.count(0)
    return done


def _end(run: Run, check: Callable[[Run], None], path: tuple[int, ...], done: Explored) -> None:
    done.ends += 1
    run.region.run = None  # what is checked now is not a step
    try:
        assert not run.errors, run.errors
        assert not run.stalled(), f"programs {run.stalled()} wait for ever"
        check(run)
    except Exception as error:
        run.close()
        raise Wrong(f"{type(error).__name__}: {error}; schedule {path}") from error
