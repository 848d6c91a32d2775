"""The space of one segment: what lies where in it, in memory.

Nouns and invariants as in ``inos.vault.segments``; ``live`` and ``pending`` never overlap. Must not know: files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inos.tasks import Future


@dataclass(slots=True)
class Segment:
    """One segment's space. ``pending`` and ``live`` map offsets to the ends of what lies there."""

    tail: int = 0
    extent: int = 0  # the file may be as long as this
    live: dict[int, int] = field(default_factory=dict)
    pending: dict[int, int] = field(default_factory=dict)
    live_bytes: int = 0
    kept: int = 0  # nothing below is reused: a damaged log may have lost what describes it
    busy: bool = False
    readers: int = 0
    unread: Future[None] | None = None  # somebody waits for the last reader

    def keep(self, offset: int, end: int) -> None:
        """A block of the index lies there."""
        self.live_bytes += end - offset - (self.live.get(offset, offset) - offset)
        self.live[offset] = end

    def drop(self, offset: int) -> None:
        """And does not any more."""
        self.live_bytes -= self.live.pop(offset, offset) - offset

    def end(self) -> int:
        """Where the last byte in use ends."""
        return max([self.kept, *self.live.values(), *self.pending.values()])
