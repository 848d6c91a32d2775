"""Deliberate bugs: proof that a campaign can fail.

Nouns: a *bug* makes the disk on which a state runs, as if the vault forgot or swapped a step: production code has no hook for it.
Invariants: every bug of BUGS breaks a promise of vault-format 1.4; a campaign that does not find one is blind.
Must not know: campaigns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inos.ports import FileFlush, FileTruncate, FileWrite
from inos.tasks import Effect
from inos_sim.disk import Image, SimDisk, Snapshot

Start = Image | Snapshot | None
Bug = Callable[[Start], SimDisk]

SALT_BYTES = 32


def clean(start: Start = None) -> SimDisk:
    """No bug."""
    return SimDisk(start)


class _Forgets(SimDisk):
    """Flushes of files whose names begin so are not done."""

    prefix = ""

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, FileFlush) and effect.name.startswith(self.prefix):
            return None
        return super()._perform(effect)


class NoFlushSegment(_Forgets):
    """Blocks are not flushed before the log names them."""

    prefix = "seg-"


class NoFlushLog(_Forgets):
    """Records are acknowledged without a flush."""

    prefix = "log-"


class NoFlushSuperblock(_Forgets):
    """The superblock that names the other log is not flushed."""

    prefix = "sb"


class LogBeforeSegments(SimDisk):
    """A commit flushes the log, then the segments."""

    def __init__(self, start: Start = None) -> None:
        super().__init__(start)
        self._late: list[str] = []

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, FileFlush) and effect.name.startswith("seg-"):
            self._late.append(effect.name)
            return None
        late, self._late = self._late, []
        if isinstance(effect, FileFlush):
            answer = super()._perform(effect)
            self._late = late  # done before whatever comes next
            return answer
        if isinstance(effect, FileWrite | FileTruncate) and effect.name.startswith("log-"):
            self._late = late
        else:
            for name in late:
                self.flush(name)
        return super()._perform(effect)


class AckBeforeFlush(SimDisk):
    """A commit is acknowledged while its flush of the log is still on its way."""

    def __init__(self, start: Start = None) -> None:
        super().__init__(start)
        self._late: str | None = None

    def _perform(self, effect: Effect[Any]) -> object:
        if self._late is not None:
            self.flush(self._late)
            self._late = None
        if isinstance(effect, FileFlush) and effect.name.startswith("log-"):
            self._late = effect.name
            return None
        return super()._perform(effect)


class NoScrub(SimDisk):
    """The salts of dead blocks stay."""

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, FileWrite) and effect.name.startswith("seg-") and effect.src.length == SALT_BYTES:
            return None
        return super()._perform(effect)


class NoTruncate(SimDisk):
    """Segments that were emptied, and tails that were cut, stay as they are."""

    def _perform(self, effect: Effect[Any]) -> object:
        if isinstance(effect, FileTruncate) and effect.name.startswith("seg-"):
            return None
        return super()._perform(effect)


BUGS: dict[str, Bug] = {
    "no-flush-segment": NoFlushSegment,
    "no-flush-log": NoFlushLog,
    "no-flush-superblock": NoFlushSuperblock,
    "log-before-segments": LogBeforeSegments,
    "ack-before-flush": AckBeforeFlush,
    "no-scrub": NoScrub,
    "no-truncate": NoTruncate,
}
