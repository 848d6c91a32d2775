"""The brain's adapters on real threads: kernels run in muscles, files in the io worker, this thread blocks until they answer."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import inos_test
import pytest

from inos.tasks import Effect
from inos_web.disk import Disk
from inos_web.kernels import KERNEL_EFFECTS, Kernels
from inos_web.memory import WebArena, WebHashes, WebKeys
from inos_web.region import WebRegion

ANSWER_TIMEOUT_S = 60.0


@dataclass
class Bench:
    """Region, ports and performers, with every answer kept."""

    region: WebRegion
    arena: WebArena
    hashes: WebHashes
    keys: WebKeys
    kernels: Kernels = field(init=False)
    disk: Disk = field(init=False)
    answers: dict[int, object] = field(default_factory=dict)
    times_answered: Counter[int] = field(default_factory=Counter)
    asked: int = 0

    def __post_init__(self) -> None:
        self.kernels = Kernels(self.region, self.arena, self.answer)
        self.disk = Disk(self.answer)
        self.drain_rings = inos_test.drains(self.disk.done, lambda *_: None, lambda *_: None)

    def answer(self, effect_id: int, result: object) -> None:
        self.answers[effect_id] = result
        self.times_answered[effect_id] += 1

    def ask(self, effect: Effect[Any]) -> int:
        """Start an effect; its id."""
        self.asked += 1
        performer = self.kernels if isinstance(effect, KERNEL_EFFECTS) else self.disk
        performer.perform(self.asked, effect)
        return self.asked

    def wait(self, *effect_ids: int) -> None:
        """Turn as the brain's loop does until all are answered."""
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            seen = inos_test.seen()
            self.drain_rings()
            self.kernels.drain()
            if all(number in self.answers for number in effect_ids):
                return
            assert time.monotonic() < until, "no answer"
            inos_test.wait(seen, 1000)

    def run(self, effect: Effect[Any]) -> Any:
        """The effect's answer; an error is raised."""
        number = self.ask(effect)
        self.wait(number)
        result = self.answers[number]
        if isinstance(result, BaseException):
            raise result
        return result

    def span(self, data: bytes) -> Any:
        """A new span with these bytes."""
        span = self.arena.alloc(len(data))
        self.arena.write(span, data)
        return span


@pytest.fixture(scope="session")
def bench() -> Bench:
    """One for all tests: what it allocates, it keeps, as the brain does."""
    region = WebRegion(inos_test.region_path)
    arena = WebArena(region)
    return Bench(region, arena, WebHashes(region, arena), WebKeys(region, arena))


@pytest.fixture(autouse=True)
def nothing_leaks(bench):
    """Each test gives back what it allocated, and gets every effect answered exactly once."""
    used = bench.arena.used()
    yield
    assert bench.arena.used() == used
    assert inos_test.arena_check() == 0
    assert bench.kernels.queued == 0
    assert set(bench.times_answered.values()) <= {1}
