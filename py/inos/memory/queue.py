"""The queue of job ids: bounded, any number of producers and consumers. The Python twin of ``web/shared/queue.js``.

D. Vyukov's bounded queue, with one change: a thread claims the *cell*, leaving its number there, and the shared position
follows, moved on by whoever comes by. So a thread that dies in the middle holds up nobody who works on other cells, and what it
held is known exactly.

Nouns: a *position* counts enqueues (or dequeues) ever made, a u32 that wraps; a *cell* is {sequence, value}; its sequence is a
position p that belongs to the cell, plus a *state*: 0 free, 1 filled, CLAIMED + thread (a producer is filling it), TAKEN +
thread (a consumer is emptying it), ABANDONED (the producer died). Emptying makes it free for p + cells. A *thread* is a number
below THREADS_MAX that one thread at a time uses, as with the kernel's stacks.

What happens when:

* full: ``push`` answers False; a cell counts as used until its consumer has read it. Empty: ``pop`` answers -1; an id counts as
  there once its cell is filled, and never before the ids pushed ahead of it. Every id is popped exactly once, in order;
* wrap-around: positions are compared by difference;
* dead producer or consumer: consumers wait behind the cell it was filling, producers a lap later before the cell it was
  emptying. Who knows that the thread is dead calls ``repair``: its unfilled cells are skipped from then on (those ids were never
  pushed), and the ids that it had taken and not answered are handed to the caller, once.

What it costs in Pyodide: a push or pop is six crossings, about 6 us; ``web/worker/brain/bridge.js`` does a whole one in one.
"""

from __future__ import annotations

from inos.errors import BadArgument
from inos.memory import layout
from inos.memory.region import U32, Region, i32

_FILLED = layout.QUEUE_FILLED
_CLAIMED = layout.QUEUE_CLAIMED
_TAKEN = layout.QUEUE_TAKEN
_ABANDONED = layout.QUEUE_ABANDONED
_NEGATIVE = 1 << 31
_VALUE = 4  # offset in the cell


class Queue:
    """A queue at one region of the shared memory, as one thread uses it."""

    def __init__(self, region: Region, offset: int, thread: int, cells: int = layout.QUEUE_CELLS) -> None:
        if cells & (cells - 1) or cells <= _ABANDONED:
            raise BadArgument(f"a queue of {cells} cells")
        if not 0 <= thread < layout.THREADS_MAX:
            raise BadArgument(f"thread {thread}")
        self._region = region
        self._cells = cells
        self._thread = thread
        self._enqueue = offset + layout.QUEUE_ENQUEUE_OFFSET
        self._dequeue = offset + layout.QUEUE_DEQUEUE_OFFSET
        self._first = offset + layout.QUEUE_CELLS_OFFSET

    def init(self, position: int = 0) -> None:
        """Make it empty; before any thread uses it. ``position`` is where counting starts."""
        self._region.store(self._enqueue, position)
        self._region.store(self._dequeue, position)
        for step in range(self._cells):
            self._region.store(self._cell(position + step), i32(position + step))

    def push(self, value: int) -> bool:
        """Add an id (u32). False: full."""
        region, enqueue = self._region, self._enqueue
        while True:
            position = region.load(enqueue)
            cell = self._cell(position)
            state = (region.load(cell) - position) & U32
            if state >= _NEGATIVE:
                return False
            if state == 0:
                claimed = i32(position + _CLAIMED + self._thread)
                if region.compare_exchange(cell, position, claimed) != position:
                    continue
                region.compare_exchange(enqueue, position, i32(position + 1))
                region.store(cell + _VALUE, value)
                region.store(cell, i32(position + _FILLED))
                return True
            region.compare_exchange(enqueue, position, i32(position + 1))  # claimed by another: help it on

    def pop(self) -> int:
        """The oldest id, or -1: empty."""
        region, dequeue = self._region, self._dequeue
        while True:
            position = region.load(dequeue)
            cell = self._cell(position)
            state = (region.load(cell) - position) & U32
            if state == _FILLED:
                filled, taken = i32(position + _FILLED), i32(position + _TAKEN + self._thread)
                if region.compare_exchange(cell, filled, taken) != filled:
                    continue
                region.compare_exchange(dequeue, position, i32(position + 1))
                value = region.load(cell + _VALUE) & U32
                region.store(cell, i32(position + self._cells))
                return value
            if state == _ABANDONED:
                region.compare_exchange(cell, i32(position + _ABANDONED), i32(position + self._cells))
            elif state < _TAKEN or state >= _NEGATIVE:
                return -1  # free, being filled, or not yet emptied of what it held a lap ago
            region.compare_exchange(dequeue, position, i32(position + 1))  # taken by another: help it on

    def repair(self, thread: int) -> list[int]:
        """Free what ``thread``, which is dead, was holding; the ids it had taken out and not answered."""
        region, lost = self._region, []
        for index in range(self._cells):
            cell = self._first + index * layout.QUEUE_CELL_BYTES
            sequence = region.load(cell)
            state = (sequence - index) % self._cells
            if state == _CLAIMED + thread:
                region.store(cell, i32(sequence - state + _ABANDONED))
            elif state == _TAKEN + thread:
                lost.append(region.load(cell + _VALUE) & U32)
                region.store(cell, i32(sequence - state + self._cells))
        return lost

    def _cell(self, position: int) -> int:
        return self._first + (position & (self._cells - 1)) * layout.QUEUE_CELL_BYTES
