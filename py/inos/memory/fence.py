"""Fences: who owns one end of something, in a word. The Python twin of ``web/shared/fence.js``.

Nouns: a *generation* counts owners, in steps of two; the word is odd while its owner is inside an operation. To *claim* an end
is to begin a new generation; a *stale* end is one whose generation has passed: it learns so by ``Fenced`` and retires.

Invariants: an operation begins by making the word odd and ends by making it even again, both by compare-and-exchange from the
owner's own generation. So a claim falls before an operation (which then raises Fenced and touches nothing) or after it, never
into it: where the word is odd, a claim is refused with Busy. A thread that died inside an operation leaves the word odd for
ever; whoever *knows* that the thread is dead claims with ``dead=True``. Saying so of a thread that lives is the one mistake
that nothing here can repair: memory cannot refuse a write.

Must not know: what is fenced.
"""

from __future__ import annotations

from inos.errors import Busy, Fenced
from inos.memory.region import Region, i32


class Fence:
    """One owner's hold on an end. Making it claims the end. Raises Busy: see the module."""

    def __init__(self, region: Region, offset: int, *, dead: bool = False) -> None:
        self._offset = offset
        self._exchange = region.compare_exchange
        while True:
            seen = region.load(offset)
            if seen & 1 and not dead:
                raise Busy("its owner is at work, or died there")
            self.generation = i32((seen | 1) + 1)
            if self._exchange(offset, seen, self.generation) == seen:
                return

    def enter(self) -> None:
        """Begin an operation. Raises Fenced: somebody else owns this end now (or the operation was begun twice)."""
        mine = self.generation
        seen = self._exchange(self._offset, mine, mine + 1)
        if seen != mine:
            raise Fenced(f"this end is of generation {mine}, the memory is at {seen}")

    def leave(self) -> None:
        """End it. Raises Fenced: this thread was declared dead meanwhile."""
        mine = self.generation
        seen = self._exchange(self._offset, mine + 1, mine)
        if seen != mine + 1:
            raise Fenced(f"taken over inside an operation: generation {mine}, the memory is at {seen}")
