"""Upkeep: what the vault does by itself so that it stays small and sound.

When it must: the log is compacted when most of it is history, segments are emptied when much of them is dead, and a full
disk first gets back what is dead. When it may (``on_idle``, called by the adapter while nobody asked for anything for a
while): the same below those thresholds, then chunks are sealed again, then every block is read and checked (*scrub*), a few
at a time.

Invariants: one piece of upkeep at a time; it ends soon after a call comes in, or ``stop``; a failure of it is nobody
else's: what it did not do is done another time, and what it found goes into the findings. Must not know: clocks, beyond the
tasks' own.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from inos.errors import CorruptError, InosError, NotFound, StorageFull, StorageLost
from inos.limits import MIB
from inos.ports import HashSpan
from inos.tasks import Future
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.collect import Collected, Collector
from inos.vault.reencode import AGE_MIN_S, Reencoder
from inos.vault.store import Store

T = TypeVar("T")

LOG_BYTES_MIN = 4 * MIB  # below that nothing is gained
LOG_HISTORY_FACTOR = 3  # a log this many times as long as what it says is written anew
DEAD_BYTES_MIN = 32 * MIB
DEAD_SHARE = 0.25
LIVE_SHARE_MAX = 0.5  # of a segment that is emptied: twice what is copied comes free
SCRUB_INTERVAL_S = 24 * 3600.0
ENTRY_LOG_BYTES = 152
ROOT_LOG_BYTES = 420


@dataclass(slots=True)
class UpkeepState:
    """What it is at: "" (nothing), "compacting", "collecting", "shrinking" or "checking"; chunks or blocks done of total;
    bytes that shrinking saved since the vault was opened."""

    phase: str = ""
    done: int = 0
    total: int = 0
    saved_bytes: int = 0


class Upkeep:
    """The upkeep of one open vault. ``calls``: how many calls have come in so far."""

    def __init__(self, store: Store, calls: Callable[[], int], age_min_s: float = AGE_MIN_S) -> None:
        self._store = store
        self._calls = calls
        self._age_min_s = age_min_s
        self._running: Future[None] | None = None
        self._stopped = False
        self._scrubbed_at = float("-inf")
        self._scrub_next = -1
        self.paused = False
        self.state = UpkeepState()
        self.on_change: Callable[[], None] = lambda: None
        self.on_lost: Callable[[int], None] = lambda _: None

    # --- when it must ---------------------------------------------------------------------------------------------------

    def consider(self) -> None:
        """Something was written or dropped: begin what must be done."""
        if self._log_is_history(LOG_BYTES_MIN):
            self._begin(self._compact())
        elif self._store.segments.dead_bytes() > max(DEAD_BYTES_MIN, DEAD_SHARE * self._store.segments.live_bytes()):
            self._begin(self._collect())

    async def with_room(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do something; where the disk is full, give back what is dead and do it again, if that helped."""
        try:
            return await work()
        except StorageFull:
            await self._store.swept()  # what the failed attempt wrote
            if self._store.segments.dead_bytes() == 0 or (await self.collect(0.999)).freed_bytes == 0:
                raise
        return await work()

    async def make_log_room(self) -> None:
        """The log is nearly full: write it anew if that helps. Raises LimitExceeded if it does not."""
        committer = self._store.committer
        if committer.is_nearly_full() and 2 * self._checkpoint_bytes() < committer.end.tail:
            await self._store.compact()
        committer.check_room()

    async def collect(self, live_share_max: float, may_go_on: Callable[[], bool] = lambda: True) -> Collected:
        """Empty sparse segments now."""
        await self._store.upkeep.acquire()
        try:
            return await Collector(self._store, may_go_on).run(live_share_max)
        finally:
            self._store.upkeep.release()

    def _checkpoint_bytes(self) -> int:
        index = self._store.index
        return len(index.entries) * ENTRY_LOG_BYTES + len(index.roots) * ROOT_LOG_BYTES

    def _log_is_history(self, bytes_min: int) -> bool:
        tail = self._store.committer.end.tail
        return tail > bytes_min and tail > LOG_HISTORY_FACTOR * self._checkpoint_bytes()

    # --- when it may ----------------------------------------------------------------------------------------------------

    def on_idle(self) -> None:
        """Nobody asked for anything for a while."""
        if not self.paused:
            self._begin(self._tidy())

    async def stop(self) -> None:
        """End what runs, and begin nothing any more. A chunk that is being sealed is not waited for: nothing comes of it."""
        self._stopped = True
        while self._running is not None and self.state.phase != "shrinking":
            await self._running

    async def _ended(self) -> None:
        while self._running is not None:
            await self._running

    async def tidy(self) -> UpkeepState:
        """Everything that idle time is for, now and to the end."""
        await self._ended()
        self._begin(self._tidy(urgent=True))
        await self._ended()
        return self.state

    async def _tidy(self, *, urgent: bool = False) -> None:
        calls = self._calls()

        def may_go_on() -> bool:
            return not self._stopped and (urgent or not (self.paused or self._calls() != calls))

        if self._log_is_history(LOG_BYTES_MIN // 16):
            await self._compact()
        if self._store.segments.dead_bytes() > DEAD_BYTES_MIN // 8:
            await self._collect(may_go_on)
        if may_go_on():
            await self._shrink(may_go_on)
        if may_go_on():
            await self._scrub(may_go_on)

    async def _compact(self) -> None:
        self._tell("compacting", 0, 0)
        await self._store.compact()

    async def _collect(self, may_go_on: Callable[[], bool] | None = None) -> None:
        self._tell("collecting", 0, 0)
        await self.collect(LIVE_SHARE_MAX, may_go_on or (lambda: not self._stopped))

    async def _shrink(self, may_go_on: Callable[[], bool]) -> None:
        reencoder = Reencoder(self._store, self._age_min_s)
        before = self.state.saved_bytes

        def tell() -> None:
            self.state.saved_bytes = before + reencoder.state.saved_bytes
            self._tell("shrinking", reencoder.state.done, reencoder.state.total)

        await reencoder.run(may_go_on, tell)

    async def _scrub(self, may_go_on: Callable[[], bool]) -> None:
        """Read every block once a day at most and compare its name, from where it was left."""
        store = self._store
        if store.tasks.now < self._scrubbed_at + SCRUB_INTERVAL_S:
            return
        numbers = sorted(n for n in store.index.entries if n > self._scrub_next)
        for done, number in enumerate(numbers):
            if not may_go_on():
                return
            await self._check(number)
            self._scrub_next = number
            self._tell("checking", done + 1, len(numbers))
        self._scrubbed_at, self._scrub_next = store.tasks.now, -1

    async def _check(self, number: int) -> None:
        store = self._store
        entry = store.index.entries.get(number)
        if entry is None or number in store.index.lost:
            return
        grant = ops.block_len_of(entry) + SLACK_BYTES
        await store.budget.take(grant)
        try:
            block = await store.read(number)
            try:
                whole = await HashSpan(block) == ops.bid_of(store.index.entries.get(number, entry))
            finally:
                store.budget.free(block)
        except NotFound:
            return
        except (CorruptError, StorageLost):
            whole = False
        finally:
            store.budget.give(grant)
        if not whole and store.index.entries.get(number) == entry:
            store.index.lose(number)
            self.on_lost(number)

    # --- running --------------------------------------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._running is not None or self._stopped or self._store.committer.dead is not None:
            work.close()
            return
        self._running = Future()
        self._store.tasks.spawn(self._run(work), "vault upkeep")

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except InosError:
            pass  # another time; a dead committer tells whoever calls next
        finally:
            self._tell("", 0, 0)
            running, self._running = self._running, None
            assert running is not None
            running.set(None)

    def _tell(self, phase: str, done: int, total: int) -> None:
        self.state.phase, self.state.done, self.state.total = phase, done, total
        self.on_change()
