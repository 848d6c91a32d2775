"""Virtual time: what happens, in order.

Nouns: a *slot* is a millisecond of it; the events of later slots lie unsorted in lists, those of the slot at hand in a heap.

Invariants: events of one instant happen in the order in which they were set; time never goes back. Events are tuples of a bound
method and its arguments, since at millions of them closures are what costs; slots, since one heap of millions is slower than
all that happens in them. Must not know: what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

Event = tuple[float, int, Callable[..., None], tuple[Any, ...]]
SLOTS_PER_S = 1_000


class Clock:
    """Seconds since the world began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0  # that happened
        self._serial = 0
        self._slot = -1  # at hand
        self._heap: list[Event] = []  # its events, and any that were set for before it
        self._later: dict[int, list[Event]] = {}
        self._slots: list[int] = []  # of ``_later``: a heap

    def at(self, when: float, do: Callable[..., None], *arguments: Any) -> None:
        """Do it then; what is past happens next."""
        self._serial += 1
        when = max(when, self.now)
        event = (when, self._serial, do, arguments)
        slot = int(when * SLOTS_PER_S)
        if slot <= self._slot:
            heappush(self._heap, event)
            return
        events = self._later.get(slot)
        if events is None:
            self._later[slot] = [event]
            heappush(self._slots, slot)
        else:
            events.append(event)

    def after(self, seconds: float, do: Callable[..., None], *arguments: Any) -> None:
        """Do it in so many seconds."""
        self.at(self.now + seconds, do, *arguments)

    def run_until(self, when: float, done: Callable[[], bool] | None = None) -> bool:
        """Let everything happen up to ``when``, or until ``done``, which is asked after each event; what ``done`` says."""
        while self._fill() and self._heap[0][0] <= when:
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

    def _fill(self) -> bool:
        """Have the next event in the heap; False: there is none."""
        if not self._heap and self._slots:
            self._slot = heappop(self._slots)
            self._heap = self._later.pop(self._slot)
            heapify(self._heap)
        return bool(self._heap)
