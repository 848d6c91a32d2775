"""The copying collector: live blocks move out of a segment that is mostly dead, and its space returns to the disk.

Each block is read, checked by its name, appended elsewhere, and named by a log record at its new place; when a segment has
no live block left it is cut to nothing, which also takes the dead ones for good. A crash between any two of these steps
finds the block at one place or at both, and the next open clears what is dead.

Nouns: a *victim* is a segment being emptied. Invariants: nothing is written into a victim, and it is cut only when nobody
reads it; a block that is not what its name says is never copied, and its segment stays as it is; one block at a time is in
memory, outside the budget (those who wait for room hold it). Runs alone (``Store.upkeep``). Must not know: who refers to
blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inos.errors import StorageFull
from inos.limits import MIB
from inos.ports import HashSpan
from inos.tasks import Future
from inos.vault import ops
from inos.vault.store import Store

BATCH_BYTES = 8 * MIB  # copied, then logged and flushed together


@dataclass(slots=True)
class Collected:
    """What came of it."""

    segments: int = 0
    moved_bytes: int = 0
    freed_bytes: int = 0


class Collector:
    """One collection. ``may_go_on`` is asked between blocks."""

    def __init__(self, store: Store, may_go_on: Callable[[], bool] = lambda: True) -> None:
        self._store = store
        self._may_go_on = may_go_on
        self._done = Collected()

    async def run(self, live_share_max: float) -> Collected:
        """Empty every segment of which at most this share is live, the emptiest first. A full disk ends it. Raises
        StorageBusy, StorageLost."""
        store = self._store
        victims = store.segments.sparse(live_share_max)
        numbers: dict[int, list[int]] = {segment: [] for segment in victims}
        for number, entry in store.index.entries.items():
            segment, _ = ops.lies_at(entry)
            if segment in numbers and number not in store.index.lost:
                numbers[segment].append(number)
        for segment in victims:
            if not self._may_go_on() or not store.segments.begin_emptying(segment):
                continue
            is_full = False
            try:
                emptied = await self._empty(numbers[segment])
                freed = await store.segments.end_emptying(segment, emptied=emptied)
            except StorageFull:
                is_full, freed = True, await store.segments.end_emptying(segment, emptied=False)
            except BaseException:
                await store.segments.end_emptying(segment, emptied=False)
                raise
            await store.bury([], store.committer.end.seq)  # of a segment that stays, what was copied out of it
            self._done.segments += freed > 0
            self._done.freed_bytes += freed
            if is_full:
                break
        return self._done

    async def _empty(self, numbers: list[int]) -> bool:
        """Whether every block was copied."""
        batch: list[int] = []
        size = 0
        for number in sorted(numbers):
            entry = self._store.index.entries.get(number)
            if entry is None:
                continue
            batch.append(number)
            size += ops.block_len_of(entry)
            if size >= BATCH_BYTES:
                if not await self._move(batch):
                    return False
                batch, size = [], 0
        return await self._move(batch)

    async def _move(self, batch: list[int]) -> bool:
        """Copy some blocks; their new places are durable and in the index on return. Whether all were moved."""
        store = self._store
        logged: list[Future[None]] = []
        whole = True
        for number in batch:
            store.index.hold(number)
        try:
            for number in batch:
                entry = store.index.entries.get(number)
                if not whole or entry is None:
                    continue
                whole = self._may_go_on() and await self._copy(number, entry, logged)
            for done in logged:
                await done
        finally:
            store.unhold_all(batch)
        return whole

    async def _copy(self, number: int, entry: bytes, logged: list[Future[None]]) -> bool:
        store = self._store
        if number in store.moving:  # by one that was cut short: its record is still to come
            return False
        block = await store.read(number)
        try:
            if await HashSpan(block) != ops.bid_of(entry):
                store.index.lose(number)
                return False
            segment, offset = await store.segments.append(block)
        finally:
            store.budget.free(block)
        after = entry[:128] + ops.pack_place(ops.moved(ops.place_of(entry), segment, offset))
        logged.append(store.relocate(number, entry, after))
        self._done.moved_bytes += ops.block_len_of(entry)
        return True
