"""Sealing chunks again, smaller: Brotli quality 6 becomes 11 while nobody needs the machine (vault-format 1.3).

A chunk's contents, hash and cid stay; its block, and so its name, is another. The steps for one: open and verify, seal,
verify what was sealed, append, flush, log the block under the same number, flush, overwrite the old one's salt. After a
crash anywhere the chunk is the old block or the new one, and whatever is the other is dead. Manifests go on naming the old
block: the store finds a chunk of ours by its contents too (``Store.find_ref``), and what is given out later is written with
the new names (``renew``).

Nouns: a *pinned* root was given out once: others have its blocks' names, and they stay. Invariants: only own chunks of
roots that are not pinned, older than AGE_MIN_S; what does not open as what it should be is not touched; a chunk that would
gain less than GAIN_MIN is marked in the log and not tried again. Each chunk is done alone (``Store.upkeep``). Must not
know: when it is idle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inos.errors import CorruptError, NotFound, StorageLost
from inos.ports import KIND_CHUNK, HashSpan, Open, Piece, Seal, Sealed, Span
from inos.vault import ops
from inos.vault.block import CODEC_BROTLI
from inos.vault.store import Store

QUALITY = 11
AGE_MIN_S = 600
GAIN_MIN = 0.03


@dataclass(slots=True)
class Tidied:
    """How far it is. ``saved_bytes`` of blocks, ``done`` and ``total`` chunks."""

    done: int = 0
    total: int = 0
    saved_bytes: int = 0


class Reencoder:
    """One round over the vault."""

    def __init__(self, store: Store, age_min_s: float = AGE_MIN_S) -> None:
        self._store = store
        self._age_min_s = age_min_s
        self._pins = -1
        self._pinned: set[int] = set()
        self.state = Tidied()

    async def run(self, may_go_on: Callable[[], bool], tell: Callable[[], None] = lambda: None) -> Tidied:
        """Go on until all is done, or ``may_go_on`` says no. Raises StorageError classes; a full disk ends it."""
        numbers = self.candidates()
        self.state.total = len(numbers)
        for number in numbers:
            if not may_go_on():
                break
            await self._one(number, may_go_on)
            self.state.done += 1
            tell()
        for root in self._store.index.roots.values():
            root.stored = self._stored(root)
        return self.state

    def candidates(self) -> list[int]:
        """Numbers of the chunks that may gain."""
        index = self._store.index
        before_ms = self._store.wall_ms() - round(1000 * self._age_min_s)
        old: set[int] = set()
        kept: set[int] = set()
        abroad = index.abroad()
        for root in index.roots.values():
            (
                kept if root.pinned or root.bid in abroad or root.link is not None or root.time_ms > before_ms else old
            ).update(root.numbers())
        return sorted(
            n for n in old - kept if n in index.entries and n not in index.lost and _may_gain(index.entries[n])
        )

    async def _one(self, number: int, may_go_on: Callable[[], bool]) -> None:
        """Only putting the new block in the old one's place keeps others out: sealing takes seconds."""
        store = self._store
        entry = store.index.entries.get(number)
        if entry is None or number not in store.index.refs:
            return
        place = ops.place_of(entry)
        store.index.hold(number)
        try:
            sealed = await self._seal(number, entry, place, may_go_on)
            if sealed is None:
                return
            await store.upkeep.acquire()
            try:
                if self._may_replace(number, entry):
                    await self._replace(number, entry, place, sealed)
            finally:
                store.upkeep.release()
                store.budget.free(sealed.block)
        finally:
            store.index.unhold(number)

    def _may_replace(self, number: int, entry: bytes) -> bool:
        """Whether the chunk is still what it was, some root needs it, and none that lists it was given out meanwhile."""
        index = self._store.index
        if (
            self._store.keys < 0
            or number in self._store.moving
            or index.entries.get(number) != entry
            or index.refs.get(number, 0) < 2
        ):
            return False
        if index.pins != self._pins:  # look at all of them only then
            self._pins, self._pinned = index.pins, index.pinned_numbers()
        return number not in self._pinned

    async def _seal(self, number: int, entry: bytes, place: ops.Place, may_go_on: Callable[[], bool]) -> Sealed | None:
        """The smaller block, verified; None where the old one is not what it should be, or nobody wants the new one."""
        store, bid, h = self._store, ops.bid_of(entry), entry[64:96]
        try:
            block = await store.read(number)
        except (NotFound, StorageLost):
            return None
        try:
            opened = await store.budget.run(Open(block, KIND_CHUNK, keys=store.keys, bid=bid, h=h))
        except CorruptError:
            if await HashSpan(block) != bid:
                store.index.lose(number)
            return None
        finally:
            store.budget.free(block)
        assert opened.raw is not None
        raw = opened.raw.part(0, opened.raw_len)
        try:
            piece = Piece(place.raw_len, h, ops.cid_of(entry))
            sealed = await store.budget.run(Seal(raw, KIND_CHUNK, QUALITY, store.keys, piece=piece))
        finally:
            store.budget.free(opened.raw)
        try:
            if may_go_on():
                await self._verify(sealed.block, h)
                return sealed
        except BaseException:
            store.budget.free(sealed.block)
            raise
        store.budget.free(sealed.block)
        return None

    async def _verify(self, block: Span, h: bytes) -> None:
        await self._store.budget.run(Open(block, KIND_CHUNK, keys=self._store.keys, h=h, verify_only=True))

    async def _replace(self, number: int, entry: bytes, place: ops.Place, sealed: Sealed) -> None:
        store = self._store
        if sealed.block.length > (1 - GAIN_MIN) * place.block_len:
            tried = entry[:128] + ops.pack_place(ops.flagged(place, ops.FLAG_TRIED))
            await store.committer.submit(
                ops.encode_op(ops.BLOCKS, number, tried), lambda: store.index.put(number, tried)
            )
            return
        segment, offset = await store.segments.append(sealed.block)
        after = ops.pack_entry(
            sealed.bid, sealed.secret, sealed.h, sealed.cid,
            ops.Place(
                sealed.raw_len, sealed.block.length, sealed.codec, sealed.quality, KIND_CHUNK, 0, segment, offset
            ),
        )  # fmt: skip
        await store.relocate(number, entry, after)
        self.state.saved_bytes += place.block_len - sealed.block.length
        await store.bury([], store.committer.end.seq)

    def _stored(self, root: ops.Root) -> int:
        entries = self._store.index.entries
        return sum(ops.block_len_of(entries[number]) for number in root.numbers() if number in entries)


def _may_gain(entry: bytes) -> bool:
    place = ops.place_of(entry)
    return (
        ops.is_own_chunk(entry)
        and place.codec == CODEC_BROTLI
        and 0 < place.quality < QUALITY
        and not place.flags & ops.FLAG_TRIED
    )
