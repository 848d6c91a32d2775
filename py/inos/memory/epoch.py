"""Epochs: counters that say "look again". The Python twin of ``web/shared/epochs.js``, on the same words.

Nouns: an *epoch* is a word on a 64-byte line of its own; to *publish* is to add one and wake whoever waits.

Invariants: data is written before the epoch is published; a watcher loads the epoch, drains until there is nothing left, and
only then waits for the value it loaded, so that whatever was published in between makes the wait return at once. Values are
compared by inequality only: the counter wraps (2**32 publishes between a load and its wait would go unseen). Signals
coalesce. A publisher that dies before it publishes has told nobody: whoever takes over its work publishes.

Must not know: what an epoch means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from inos.errors import BadArgument
from inos.memory import layout
from inos.memory.region import Region

EPOCHS_MAX = layout.REGIONS["EPOCHS"][1] // layout.LINE_BYTES


class Epoch:
    """One epoch of the shared memory. ``which`` is its line: ``layout.EPOCHS.index(name)``."""

    def __init__(self, region: Region, which: int) -> None:
        if not 0 <= which < EPOCHS_MAX:
            raise BadArgument(f"epoch {which}")
        self._region = region
        self._offset = layout.REGIONS["EPOCHS"][0] + which * layout.LINE_BYTES

    def load(self) -> int:
        """The value to hand to ``wait``."""
        return self._region.load(self._offset)

    def publish(self) -> None:
        """Say that something changed; call it after the change is written."""
        self._region.add(self._offset, 1)
        self._region.notify(self._offset)

    def wait(self, seen: int, timeout_s: float = math.inf) -> bool:
        """Block until the epoch is no longer ``seen``. True: look again. False: time is up."""
        return self._region.wait(self._offset, seen, timeout_s)

    def watch(self, timeout_s: float = math.inf) -> Iterator[int]:
        """Yields at once, and again after each change, until nothing changes for ``timeout_s``: drain in the loop's body.

        The value yielded is loaded before the body runs and waited for after it, so no publish falls between.
        """
        while True:
            seen = self.load()
            yield seen
            if not self.wait(seen, timeout_s):
                return
