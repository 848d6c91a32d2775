"""The shared memory in a compute worker: ``WebRegion`` and ``WebArena`` with what only a worker may do, which is to block.

Nouns: what a worker *holds* are its references in the arena.
Invariants: a wait wakes for an interrupt; every reference is on the worker's page in the shared memory, so that the brain can
release what a dead worker left. ``web/worker/compute/bridge.js`` does the work.
"""

from __future__ import annotations

import inos_js

from inos import limits
from inos.errors import BadArgument, LimitExceeded
from inos.ports import Span
from inos_web.memory import WebArena
from inos_web.region import WebRegion


class WorkerMemory(WebRegion):
    """The region of a worker: it may block, and KeyboardInterrupt ends a wait."""

    def publish(self, offset: int) -> None:
        """Add one to the word and wake whoever waits: the word is an epoch."""
        self.add(offset, 1)
        self.notify(offset)


class WorkerArena(WebArena):
    """The arena port of a compute worker: it releases only what it holds, and what it holds ends with it."""

    def alloc(self, length: int) -> Span:
        """See ``inos.ports.Arena``. Raises LimitExceeded when it holds COMPUTE_HELD_MAX references."""
        self._check_room()
        return super().alloc(length)

    def retain(self, span: Span) -> None:
        """See ``inos.ports.Arena``."""
        self._check_room()
        super().retain(span)

    def give(self, span: Span) -> Span:
        """Leave a reference to whoever gets the answer, who then releases it; returns the span."""
        if inos_js.give(span.offset) < 0:
            raise BadArgument(f"this worker holds nothing at {span.offset}")
        return span

    def _check_room(self) -> None:
        if inos_js.held() >= limits.COMPUTE_HELD_MAX:
            raise LimitExceeded(f"a worker holds at most {limits.COMPUTE_HELD_MAX} references")
