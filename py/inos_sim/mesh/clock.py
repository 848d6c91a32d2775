"""Virtual time: what happens, in order.

Invariants: events of one instant happen in the order in which they were set; time never goes back. Events are tuples of a bound
method and its arguments, since at millions of them closures are what costs. Must not know: what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Event = tuple[float, int, Callable[..., None], tuple[Any, ...]]


class Clock:
    """Seconds since the world began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0  # that happened
        self._serial = 0
        self._heap: list[Event] = []

    def at(self, when: float, do: Callable[..., None], *arguments: Any) -> None:
        """Do it then; what is past happens next."""
        self._serial += 1
        heappush(self._heap, (max(when, self.now), self._serial, do, arguments))

    def after(self, seconds: float, do: Callable[..., None], *arguments: Any) -> None:
        """Do it in so many seconds."""
        self.at(self.now + seconds, do, *arguments)

    def run_until(self, when: float, done: Callable[[], bool] | None = None) -> bool:
        """Let everything happen up to ``when``, or until ``done``, which is asked after each event; what ``done`` says."""
        heap = self._heap
        while heap and heap[0][0] <= when:
            if done is not None and done():
                return True
            self.now, _, do, arguments = heappop(heap)
            self.events += 1
            do(*arguments)
        if done is not None and done():
            return True
        self.now = max(self.now, when)
        return False

    def run_for(self, seconds: float, done: Callable[[], bool] | None = None) -> bool:
        """``run_until`` so many seconds from now."""
        return self.run_until(self.now + seconds, done)
