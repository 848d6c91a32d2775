"""The live figures of a node, read from the shared memory without asking anybody.

Nouns: a *counter* only grows, modulo 2^32 of its unit; a *gauge* is what is so now: the sizes, what the arena holds, the
jobs queued and running. ``layout.METRICS_WORDS`` says who writes which.
Invariants: every figure is kept in one place: what the queues, the rings and the header know is read there. Reading stops
nobody, so figures of one reading may be one event apart. ``web/page/metrics.js`` reads the same; a test compares the two.
"""

from __future__ import annotations

from typing import Protocol

from inos import limits
from inos.memory import layout

_HEADER_GAUGES = ("MEMORY_BYTES", "ARENA_BYTES", "MUSCLES")
_U32 = 1 << 32


class Words(Protocol):
    """A shared memory, as far as this module needs one."""

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        """``count`` u32 at ``offset``."""


def read_metrics(memory: Words) -> dict[str, int]:
    """All figures by name; what is kept in KiB is answered in bytes."""
    header = memory.words(layout.REGIONS["HEADER"][0], len(layout.HEADER_WORDS))
    found = {name.lower(): header[layout.HEADER_WORDS.index(name)] for name in _HEADER_GAUGES}
    values = memory.words(layout.REGIONS["METRICS"][0], len(layout.METRICS_WORDS))
    for name, value in zip(layout.METRICS_WORDS, values, strict=True):
        in_kib = name.endswith("_KIB")
        found[name.removesuffix("_KIB").lower()] = value * limits.KIB if in_kib else value
    found["jobs_queued"] = _queued(memory, "JOBS_URGENT") + _queued(memory, "JOBS_BULK")
    for ring in layout.RINGS:
        (dropped,) = memory.words(layout.REGIONS[ring][0] + layout.RING_DROPPED_OFFSET, 1)
        found[f"{ring.lower()}_dropped"] = dropped
    return found


def _queued(memory: Words, queue: str) -> int:
    at = layout.REGIONS[queue][0]
    (taken,) = memory.words(at + layout.QUEUE_DEQUEUE_OFFSET, 1)
    (given,) = memory.words(at + layout.QUEUE_ENQUEUE_OFFSET, 1)  # second: it can only be ahead
    return min((given - taken) % _U32, layout.QUEUE_CELLS)
