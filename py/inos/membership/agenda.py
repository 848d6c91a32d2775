"""What is due when, for parts that own no timers.

Nouns: an *item* is anything with a ``due`` (absolute seconds, ``inf`` for never) and an ``on_due(now)``. ``put`` it whenever
its ``due`` was set to something earlier or later; what an item forgets to do is not done. Nothing is ever taken out: an entry
whose time is not its item's ``due`` any more is dropped when it surfaces.

Invariants: items fire in order of time, then of being put; an item fires once for each ``due`` it had. Must not know: clocks.
"""

from __future__ import annotations

import heapq
from math import inf
from typing import Protocol


class Item(Protocol):
    """Something with a time."""

    due: float

    def on_due(self, now: float) -> None:
        """Its time has come; ``due`` is ``inf`` and may be set (and put) again."""


class Agenda:
    """A heap of items."""

    __slots__ = ("_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._serial = 0

    def put(self, item: Item, due: float) -> None:
        """``item`` is due then, and not when it was due before."""
        item.due = due
        if due != inf:
            self._serial += 1
            heapq.heappush(self._heap, (due, self._serial, item))

    def next_due(self) -> float:
        """When something is due; inf when nothing is."""
        heap = self._heap
        while heap and heap[0][2].due != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else inf

    def on_time(self, now: float) -> None:
        """Fire what is due."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            due, _, item = heapq.heappop(heap)
            if item.due == due:
                item.due = inf
                item.on_due(now)
