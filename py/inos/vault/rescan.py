"""Reading every segment for blocks, as if there were no index: what damage to the log, or its loss, is made good by.

Nouns: a block is *found* when its bytes lie at a multiple of 64, and their own header, name and seal agree; it is *own*
when it opens under the vault's keys, else foreign; a block whose salt is zeros was *scrubbed*: it is dead on purpose and
stays so.

Invariants: nothing is written; a block that the index knows is not looked at again; a found block that is lost under some
number takes its place there (by name, or for a chunk by its contents in another encoding), which heals the roots that list
it; any other gets a new number. One segment's window is in memory at a time. Must not know: logs, what makes a file
(``rescue``).
"""

from __future__ import annotations

from dataclasses import dataclass

from inos.errors import AuthFailed, CorruptError, InosError, LimitExceeded
from inos.limits import BLOCK_ALIGN_BYTES, BLOCK_BYTES_MAX, BLOCK_OVERHEAD_BYTES, SEGMENT_COUNT_MAX
from inos.ports import KIND_CHUNK, KIND_INDEX, KIND_MANIFEST, FileRead, FileSize, HashSpan, ListSegments, Open, Span
from inos.vault import ops
from inos.vault.log import BLOCK_MAGIC, align
from inos.vault.segments import SALT_BYTES, SALT_OFFSET, segment_name
from inos.vault.store import Store

WINDOW_BYTES = 2 * BLOCK_BYTES_MAX
_KINDS = (KIND_CHUNK, KIND_MANIFEST, KIND_INDEX)


async def list_segments(store: Store) -> list[int]:
    """Numbers of the segment files that exist."""
    span = await store.budget.alloc(4 * SEGMENT_COUNT_MAX)
    try:
        length = await ListSegments(span)
        data = store.ports.arena.read(span.part(0, min(length, span.length)))
    finally:
        store.budget.free(span)
    return sorted(int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))


@dataclass(slots=True)
class Found:
    """How many blocks were read and came into the index, by what became of them."""

    own: int = 0
    foreign: int = 0
    healed: int = 0


class Rescan:
    """One pass over all segments."""

    def __init__(self, store: Store, *, lost_only: bool = False) -> None:
        assert store.block_keys is not None
        self._store = store
        self._keys = store.block_keys
        self._lost_only = lost_only
        self._found = Found()
        index = store.index
        self._dead = {(ops.bid_of(entry), *ops.lies_at(entry)) for _, entry in index.unscrubbed}
        self._known: dict[int, dict[int, int]] = {}  # segment -> offset -> where the block that is known there ends
        for number, entry in index.entries.items():
            if number not in index.lost:
                segment, offset = ops.lies_at(entry)
                self._known.setdefault(segment, {})[offset] = align(offset + ops.block_len_of(entry))

    async def run(self) -> Found:
        """Do it. Raises StorageError classes."""
        window = await self._store.budget.alloc(WINDOW_BYTES)
        try:
            for segment in await list_segments(self._store):
                await self._segment(segment, window)
        finally:
            self._store.budget.free(window)
        return self._found

    async def _segment(self, segment: int, window: Span) -> None:
        """Look where no known block lies."""
        at = 0
        size = await FileSize(segment_name(segment))
        for start, after in [*sorted(self._known.get(segment, {}).items()), (size, size)]:
            while at + BLOCK_OVERHEAD_BYTES <= start:
                got = await FileRead(segment_name(segment), at, window.part(0, min(WINDOW_BYTES, start - at)))
                if got < BLOCK_OVERHEAD_BYTES:
                    break
                at += await self._window(segment, at, window.part(0, got))
            at = max(at, after)

    async def _window(self, segment: int, start: int, window: Span) -> int:
        """How far it was looked at; a block that reaches beyond is left for a window that begins with it."""
        data = self._store.ports.arena.read(window)
        at = 0
        while (at := _find_block(data, at)) >= 0:
            length = int.from_bytes(data[at + 8 : at + 12], "little")
            if at > 0 and BLOCK_BYTES_MAX >= length > len(data) - at and len(data) == WINDOW_BYTES:
                return at
            at += await self._candidate(segment, start + at, data, window, at, length)
        return align(len(data))

    async def _candidate(self, segment: int, offset: int, data: bytes, window: Span, at: int, length: int) -> int:
        """How far to go on from here: over the block if it is one, else to the next line."""
        salt = data[at + SALT_OFFSET : at + SALT_OFFSET + SALT_BYTES]
        if not BLOCK_OVERHEAD_BYTES <= length <= len(data) - at or not any(salt):
            return BLOCK_ALIGN_BYTES
        block = window.part(at, length)
        bid = await self._store.budget.run(HashSpan(block))
        if bid not in self._store.index.by_bid and (bid, segment, offset) not in self._dead:
            entry = await self._describe(block, bid, salt, segment, offset)
            if entry is None:
                return BLOCK_ALIGN_BYTES
            await self._take(entry, block)
        return align(length)

    async def _describe(self, block: Span, bid: bytes, salt: bytes, segment: int, offset: int) -> bytes | None:
        """The entry of a block; None for what is no block, or one of the index's own kind, which lies in no segment."""
        store = self._store
        lost = store.index.lost_bids.get(bid)
        if lost is not None:
            was = ops.place_of(store.index.entries[lost])
            return store.index.entries[lost][:128] + ops.pack_place(ops.moved(was, segment, offset))
        for kind in _KINDS:
            try:
                opened = await store.budget.run(Open(block, kind, keys=store.keys, bid=bid, verify_only=True))
            except AuthFailed:
                continue
            except (CorruptError, LimitExceeded):
                return None
            if kind == KIND_INDEX:
                return None
            secret = store.ports.hashes.keyed(self._keys.enc[kind - 1], salt)
            cid = store.ports.hashes.keyed(self._keys.id, opened.h) if kind == KIND_CHUNK else ops.NO_ID
            place = ops.Place(opened.raw_len, block.length, opened.codec, opened.quality, kind, 0, segment, offset)
            return ops.pack_entry(bid, secret, opened.h, cid, place)
        place = ops.Place(0, block.length, 0, 0, 0, ops.FLAG_FOREIGN, segment, offset)
        return ops.pack_entry(bid, ops.NO_ID, ops.NO_ID, ops.NO_ID, place)

    async def _take(self, entry: bytes, block: Span) -> None:
        index, found = self._store.index, self._found
        number = index.lost_bids.get(ops.bid_of(entry))
        if number is None and ops.is_own_chunk(entry):
            number = index.lost_cids.get(ops.cid_of(entry))
        if self._lost_only:
            if number is not None:
                await self._store.write_found(entry, block)
                found.healed += 1
            return
        if number is not None:
            self._store.segments.forget(ops.place_of(index.entries[number]))
            index.put(number, entry)
            found.healed += 1
        elif ops.is_own_chunk(entry) and ops.cid_of(entry) in index.by_cid:
            return  # the same contents are there in another encoding
        else:
            try:
                number = index.add(entry)
            except InosError:
                return
            found.own += not ops.is_foreign(entry)
            found.foreign += ops.is_foreign(entry)
        self._store.segments.place(entry)


def _find_block(data: bytes, start: int) -> int:
    """Where the next line that begins like a block is, or -1."""
    at = data.find(BLOCK_MAGIC, start)
    while at >= 0 and at % BLOCK_ALIGN_BYTES:
        at = data.find(BLOCK_MAGIC, at + 1)
    return at
