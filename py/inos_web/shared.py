"""The shared memory in a compute worker: ``Region`` and ``WebArena`` with what only a worker may do, which is to block.

Nouns: a *word* is an aligned i32 of the shared memory; what a worker *holds* are its references in the arena.
Invariants: words are read and changed atomically; a wait wakes for an interrupt; every reference is on the worker's page in the
shared memory, so that the brain can release what a dead worker left. ``web/worker/compute/bridge.js`` does the work.
"""

from __future__ import annotations

import inos_js

from inos import limits
from inos.errors import BadArgument, LimitExceeded
from inos.ports import Span
from inos_web.memory import WebArena
from inos_web.region import Region

_FOREVER_MS = 1e12


class WorkerMemory(Region):
    """Bytes by offset, and words for counters and epochs."""

    def load(self, offset: int) -> int:
        """The word at ``offset``."""
        return int(inos_js.load(self._word(offset)))

    def store(self, offset: int, value: int) -> None:
        """Set it."""
        inos_js.store(self._word(offset), value)

    def add(self, offset: int, value: int) -> int:
        """Add to it; what was there before."""
        return int(inos_js.add(self._word(offset), value))

    def publish(self, offset: int) -> None:
        """Add one and wake whoever waits: the word is an epoch."""
        inos_js.publish(self._word(offset))

    def wait(self, offset: int, seen: int, timeout_s: float | None = None) -> bool:
        """Block while the word is ``seen``; False at the timeout. KeyboardInterrupt ends it."""
        timeout_ms = _FOREVER_MS if timeout_s is None else timeout_s * 1000
        return bool(inos_js.wait(self._word(offset), seen, timeout_ms))

    def _word(self, offset: int) -> int:
        if offset % 4 or not 0 <= offset < self.size:
            raise BadArgument(f"there is no word at {offset}")
        return offset


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
