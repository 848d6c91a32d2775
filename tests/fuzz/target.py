"""A fuzz target: a function of bytes, and what it may do with them.

Nouns: a *target* is a module in `targets` with `run(data)`, `seeds()` (valid examples, the same at every call) and, where plain
changes of bytes would never get past a check, `mutate(data, rng)`; a *finding* is an input after which `run` raised anything but
an InosError, or took more than its bounds.

Invariants: nothing is a finding that only a busy machine made: time is processor time, what was slow once is run again, and its
best time counts.
"""

from __future__ import annotations

import hashlib
import importlib
import random
import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutate import mutate_bytes

from inos.errors import InosError

HERE = Path(__file__).parent
SECONDS_MAX = 0.05
MEMORY_BYTES_MAX = 64 << 20
TRIES = 5
INPUT_BYTES_MAX = 16_384


class Finding(AssertionError):
    """Bytes that a target does not take as it must."""


@dataclass(frozen=True)
class Target:
    """One module of `targets`."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    mutate: Callable[[bytes, random.Random], bytes]
    bytes_max: int

    @property
    def corpus(self) -> Path:
        """Its inputs in the repository."""
        return HERE / "corpus" / self.name

    def inputs(self) -> list[bytes]:
        """The corpus, in the order of its names."""
        return [file.read_bytes() for file in sorted(self.corpus.iterdir())]


def names() -> list[str]:
    """All targets."""
    return sorted(file.stem for file in (HERE / "targets").glob("[a-z]*.py"))


def load(name: str) -> Target:
    """A target by name."""
    module = importlib.import_module(f"tests.fuzz.targets.{name}")
    mutate = getattr(module, "mutate", mutate_bytes)
    return Target(name, module.run, module.seeds, mutate, getattr(module, "BYTES_MAX", INPUT_BYTES_MAX))


def name_of(data: bytes) -> str:
    """What an input is called: equal inputs have one file."""
    return hashlib.sha256(data).hexdigest()[:16]


def attempt(target: Target, data: bytes) -> str:
    """Run it; the code of the error that refused the bytes, "" if they were accepted. Raises Finding."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code, seconds = _timed(target, data)
    if seconds > SECONDS_MAX:
        best = min(_timed(target, data)[1] for _ in range(TRIES))
        if best > SECONDS_MAX:
            raise Finding(f"{target.name}: {best * 1000:.0f} ms for {len(data)} bytes")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024
    if grown > MEMORY_BYTES_MAX // 4 and (taken := memory_of(target, data)) > MEMORY_BYTES_MAX:
        raise Finding(f"{target.name}: {taken >> 20} MiB for {len(data)} bytes")
    return code


def _timed(target: Target, data: bytes) -> tuple[str, float]:
    started = time.process_time()
    code = ""
    try:
        target.run(data)
    except InosError as error:
        code = error.code
    except MemoryError as error:
        raise Finding(f"{target.name}: no memory left") from error
    except Exception as error:
        raise Finding(f"{target.name}: {type(error).__name__}: {error}") from error
    return code, time.process_time() - started


def memory_of(target: Target, data: bytes) -> int:
    """Bytes that Python allocates at most at once while the target runs."""
    tracemalloc.start()
    try:
        _timed(target, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
