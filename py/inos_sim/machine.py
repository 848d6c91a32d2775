"""A machine in virtual time: one disk, one vault on it, and effects performed one after another.

Nouns: a *machine* is booted on a disk and thrown away when it loses power; ``on_change`` is called after every effect that
changes the disk: the instants at which power may be lost. Invariants: the same disk, settings and ``rng`` give the same run,
effect for effect; effects on files are performed in the order they were asked for (one worker does them), kernel jobs and streams
in any order that ``rng`` gives; an error that is no InosError stops the machine. Must not know: what a vault promises.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from inos.errors import InosError
from inos.limits import KIB, MIB
from inos.memory.layout import ARENA_OFFSET
from inos.ports import Hashes, Keys, Ports
from inos.tasks import Effect, Task, Tasks
from inos.vault.vault import PutResult, Source, Vault
from inos_host.arena import HostArena
from inos_host.disk import STREAM_EFFECTS, Streams
from inos_sim.disk import CHANGING, DISK_EFFECTS, SimDisk
from inos_sim.kernels import KERNEL_EFFECTS, KEY_EFFECTS, Memory, SeededEntropy, ToyKernels, ToyKeyring

T = TypeVar("T")

ARENA_BYTES = ARENA_OFFSET + 16 * MIB
STEPS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Everything that is 64 MiB in a browser, small: a file of three chunks fills a segment."""

    chunk_bytes: int = 6_000
    segment_bytes: int = 4 * KIB
    block_bytes_max: int = 2 * KIB
    log_bytes: int = 64 * KIB
    log_reserve_bytes: int = 2 * KIB
    refs_per_manifest: int = 4
    in_flight_bytes: int = 10 * MIB

    def settings(self) -> dict[str, int]:
        """As the vault's keyword arguments."""
        return {
            "segment_bytes": self.segment_bytes,
            "block_bytes_max": self.block_bytes_max,
            "log_bytes": self.log_bytes,
            "log_reserve_bytes": self.log_reserve_bytes,
            "refs_per_manifest": self.refs_per_manifest,
            "in_flight_bytes": self.in_flight_bytes,
            "reencode_age_s": 0,
        }


class Stuck(AssertionError):
    """Tasks are alive, and nothing will ever wake them."""


class Performer(Protocol):
    """What answers effects."""

    def perform(self, effect: Effect[Any]) -> object:
        """The answer. Raises InosError classes."""


@dataclass(frozen=True)
class Parts:
    """What a machine is made of, beside its disk."""

    arena: HostArena
    hashes: Hashes
    keys: Keys
    kernels: Performer
    keyring: Performer
    settings: dict[str, int]


def toy_parts(sizes: Sizes, memory: Memory | None = None, pages: bytearray | None = None) -> Parts:
    """Toy kernels. ``memory`` and ``pages`` are shared by the machines of a process, for speed."""
    arena = HostArena(ARENA_BYTES, pages if pages is not None else bytearray(ARENA_BYTES))
    kernels = ToyKernels(arena, sizes.chunk_bytes, memory)
    return Parts(arena, kernels.hashes, kernels, kernels, ToyKeyring(), sizes.settings())


class Machine:
    """Runs one vault."""

    def __init__(self, disk: SimDisk, parts: Parts, *, seed: int = 1, rng: random.Random | None = None) -> None:
        self.disk = disk
        self.arena = parts.arena
        self.streams = Streams(parts.arena)
        self.tasks = Tasks()
        self.tasks.on_crash = self._crashed
        self.crashes: list[BaseException] = []
        self.before_effect: Callable[[Effect[Any]], None] = lambda _: None
        self.on_change: Callable[[], None] = lambda: None
        self._kernels = parts.kernels
        self._keyring = parts.keyring
        self._rng = rng
        self._jobs: list[tuple[int, Effect[Any]]] = []
        self._calls: list[tuple[int, Effect[Any]]] = []
        disk.arena = parts.arena
        ports = Ports(parts.arena, SeededEntropy(seed), parts.hashes, parts.keys)
        self.vault = Vault(ports, self.tasks, **parts.settings)

    def _crashed(self, task: Task[Any], error: BaseException) -> None:
        if task.name != CALL:  # those are the caller's own to look at
            self.crashes.append(error)

    def stop(self) -> None:
        """Power is lost: what runs ends without a trace."""
        while self.tasks.alive:
            task = self.tasks.alive.pop()
            with contextlib.suppress(BaseException):
                task._coro.close()

    # --- running --------------------------------------------------------------------------------------------------------

    def start(self, coro: Coroutine[Any, Any, T]) -> Task[T]:
        """A call that goes on while others do."""
        return self.tasks.spawn(coro, CALL)

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """A coroutine's result, after everything it needed."""
        task = self.start(coro)
        self.run_until(task)
        return task.result()

    def run_until(self, task: Task[Any]) -> None:
        """Step until it is done. Raises Stuck."""
        for _ in range(STEPS_MAX):
            if task.done:
                return
            self.step()
        raise Stuck(f"{task.name} never ends")

    def drain(self) -> None:
        """Step until nothing is left to do; time passes as it must. Raises Stuck, and what a task of the vault crashed with."""
        for _ in range(STEPS_MAX):
            if not self.tasks.alive:
                break
            self.step()
        else:
            raise Stuck("the vault never comes to rest")
        if self.crashes:
            raise self.crashes[0]

    def step(self) -> None:
        """Run what can run; perform what it asked for: all of it, or one effect that chance picks."""
        effects = self.tasks.poll_effects()
        if self._rng is not None:
            self._step_by_chance(effects, self._rng)
            return
        if not effects:
            self._pass_time()
        for effect_id, effect in effects:
            self.tasks.on_done(effect_id, self._perform(effect), self.tasks.now)

    def _step_by_chance(self, effects: list[tuple[int, Effect[Any]]], rng: random.Random) -> None:
        for entry in effects:
            (self._calls if isinstance(entry[1], DISK_EFFECTS) else self._jobs).append(entry)
        waiting = len(self._calls) + len(self._jobs)
        if not waiting:
            self._pass_time()
            return
        pick = rng.randrange(waiting)
        effect_id, effect = self._calls.pop(0) if pick < len(self._calls) else self._jobs.pop(pick - len(self._calls))
        self.tasks.on_done(effect_id, self._perform(effect), self.tasks.now)

    def _pass_time(self) -> None:
        if not self.tasks.alive:
            return
        deadline = self.tasks.next_deadline()
        if deadline is not None:
            self.tasks.on_deadline(deadline)
        elif not self.tasks._ready:
            raise Stuck(f"stuck: {sorted(task.name for task in self.tasks.alive)}")

    def _perform(self, effect: Effect[Any]) -> object:
        try:
            self.before_effect(effect)
            if isinstance(effect, DISK_EFFECTS):
                answer = self.disk.perform(effect)
                if isinstance(effect, CHANGING):
                    self.on_change()
                return answer
            if isinstance(effect, KERNEL_EFFECTS):
                return self._kernels.perform(effect)
            if isinstance(effect, STREAM_EFFECTS):
                return self.streams.perform(effect)
            assert isinstance(effect, KEY_EFFECTS)
            return self._keyring.perform(effect)
        except InosError as error:
            if isinstance(effect, CHANGING):
                self.on_change()  # a part of it may have been done
            return error

    # --- what everybody does ----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the vault."""
        self.run(self.vault.open())

    def start_put(self, data: bytes, name: str) -> Task[PutResult]:
        """Put a file."""
        return self.start(self.vault.put(Source(self.streams.add_bytes(data), len(data)), name=name))

    def get(self, root: bytes) -> bytes:
        """A file's bytes, whole."""
        sink = self.streams.add_sink()
        self.run(self.vault.get(root, sink))
        assert self.streams.complete[sink]
        return self.streams.taken(sink)


CALL = "call"
