"""The store: blocks in and out of the disk, kept by references, dropped when there are none.

The part that puts, gets, downloads and checks share: the index, the segments, the committer, and the sweep that drops dead blocks.

Nouns: as in ``index`` and ``segments``; a *flight* is a chunk that is being sealed or written, which others may join instead
of doing it again.

Invariants: a number is given to a block only after it was written; whoever gets a number has a hold on it already; a dead
block is logged as dropped before its bytes are touched; a foreign block is dropped only when no wish could need it.
Must not know: files, links.
"""

from __future__ import annotations

from dataclasses import dataclass

from inos.errors import InosError, NotFound
from inos.ports import KIND_CHUNK, KIND_MANIFEST, Ports, Seal, Sealed, Span
from inos.tasks import Future, Tasks
from inos.vault import ops
from inos.vault.budget import Budget
from inos.vault.commit import Committer
from inos.vault.index import Index
from inos.vault.log import align
from inos.vault.segments import Segments


@dataclass(frozen=True, slots=True)
class Stored:
    """A block that is in the vault, with a hold that the receiver gives back. ``fresh``: it was not there before."""

    number: int
    entry: bytes
    fresh: bool


class Store:
    """Blocks of one open vault."""

    def __init__(
        self, ports: Ports, tasks: Tasks, budget: Budget, index: Index, segments: Segments, committer: Committer
    ) -> None:
        self.ports = ports
        self.tasks = tasks
        self.budget = budget
        self.index = index
        self.segments = segments
        self.committer = committer
        self.keys = -1  # the vault's slot
        self.flights: dict[bytes, Future[Stored]] = {}  # by cid: chunks being sealed
        self._writing: dict[bytes, Future[Stored]] = {}  # by bid: blocks being written
        self._dead: list[int] = []
        self._sweeping: Future[None] = Future()
        self._sweeping.set(None)

    # --- in -----------------------------------------------------------------------------------------------------------

    async def write_sealed(self, sealed: Sealed, kind: int) -> Stored:
        """Keep a block just sealed (its span stays the caller's)."""
        cid = sealed.cid if kind == KIND_CHUNK else ops.NO_ID
        place = ops.Place(sealed.raw_len, sealed.block.length, sealed.codec, sealed.quality, kind, 0, 0, 0)
        return await self._write(sealed.bid, sealed.block, sealed.secret, sealed.h, cid, place)

    async def write_foreign(self, bid: bytes, block: Span) -> Stored:
        """Keep somebody else's block; what is in it is not known here."""
        place = ops.Place(0, block.length, 0, 0, 0, ops.FLAG_FOREIGN, 0, 0)
        return await self._write(bid, block, ops.NO_ID, ops.NO_ID, ops.NO_ID, place)

    async def _write(
        self, bid: bytes, block: Span, secret: bytes, h: bytes, cid: bytes, place: ops.Place
    ) -> Stored:
        writing = self._writing.get(bid)
        while writing is not None:  # somebody writes this very block: wait, then it is there, or try ourselves
            settled: Future[None] = Future()
            writing.on_done(lambda settled=settled: settled.set(None))  # type: ignore[misc]
            await settled
            writing = self._writing.get(bid)
        number = self.index.by_bid.get(bid)
        if number is not None:
            return self._known(number, secret, h, cid, place)
        done: Future[Stored] = Future()
        self._writing[bid] = done
        try:
            segment, offset = await self.segments.append(block)
            try:
                entry = ops.pack_entry(bid, secret, h, cid, _at(place, segment, offset))
                number = self.index.add(entry)
            except BaseException:
                self.segments.abandon(segment, offset)
                raise
            self.segments.keep(segment, offset)
            self.committer.add(number, block.length)
            self.index.hold(number)
            return Stored(number, entry, fresh=True)
        finally:
            del self._writing[bid]
            done.fail(NotFound("written"))  # nobody looks at the value: who waits looks at the index again

    def _known(self, number: int, secret: bytes, h: bytes, cid: bytes, place: ops.Place) -> Stored:
        """A block that is there already. If it came from others and turns out to be our own, say so in the log."""
        entry = self.index.entries[number]
        known = ops.place_of(entry)
        if known.flags & ops.FLAG_FOREIGN and not place.flags & ops.FLAG_FOREIGN:
            entry = ops.pack_entry(ops.bid_of(entry), secret, h, cid, _at(place, known.segment, known.offset))
            self.index.put(number, entry)
            self.committer.add(number, 0)
        self.index.hold(number)
        return Stored(number, entry, fresh=False)

    async def seal_manifest(self, data: bytes, quality: int) -> Stored:
        """Seal and keep a manifest."""
        arena = self.ports.arena
        span = await self.budget.alloc(len(data))
        try:
            arena.write(span, data)
            sealed = await self.budget.run(Seal(span, KIND_MANIFEST, quality, self.keys, urgent=True), lane=False)
        finally:
            self.budget.free(span)
        try:
            return await self.write_sealed(sealed, KIND_MANIFEST)
        finally:
            self.budget.free(sealed.block)

    # --- out ----------------------------------------------------------------------------------------------------------

    def number_of(self, bid: bytes) -> int:
        """Raises NotFound."""
        number = self.index.by_bid.get(bid)
        if number is None:
            raise NotFound(f"no block {bid.hex()}")
        return number

    async def read(self, number: int) -> Span:
        """A whole block, as it is on the disk; the caller frees it. Raises NotFound, StorageLost."""
        entry = self.index.entries.get(number)
        if entry is None:
            raise NotFound(f"block number {number} is lost")
        self.index.hold(number)
        try:
            return await self.segments.read(ops.place_of(entry))
        finally:
            self.index.unhold(number)

    # --- dead blocks --------------------------------------------------------------------------------------------------

    def on_dead(self, number: int) -> None:
        """The index says: nothing refers to this block."""
        self._dead.append(number)
        if self._sweeping.done:
            self._sweeping = Future()
            self.tasks.spawn(self._sweep(), "vault sweep")

    async def swept(self) -> None:
        """Wait until what is dead now is gone. Failures stay inside: the next open finds what is left."""
        while not self._sweeping.done:
            await self._sweeping

    async def _sweep(self) -> None:
        try:
            while self._dead:
                dead, self._dead = self._dead, []
                try:
                    await self._drop([n for n in dict.fromkeys(dead) if self._is_garbage(n)])
                except InosError:
                    continue  # no room or no disk for the tombstones; at the next open these blocks are orphans
        finally:
            self._sweeping.set(None)

    def _is_garbage(self, number: int) -> bool:
        if number not in self.index.entries or number in self.index.refs:
            return False
        return number not in self.index.foreign or not self.index.wishes

    async def _drop(self, numbers: list[int]) -> None:
        fresh: list[ops.Place] = []
        logged: list[ops.Place] = []
        tombstones: list[int] = []
        for number in numbers:
            entry = self.index.forget(number)
            assert entry is not None
            place = ops.place_of(entry)
            if self.committer.discard(number):
                fresh.append(place)
                self.segments.forget(place)
            else:
                logged.append(place)
                tombstones.append(number)
        if fresh:
            await self.segments.reclaim(fresh, scrub=False)
        if logged:
            await self.committer.submit(ops.encode_op(ops.DROP, ops.pack_runs(tombstones)), lambda: None)
            seq = self.committer.end.seq
            await self.bury(logged, seq)

    async def bury(self, places: list[ops.Place], seq: int) -> None:
        """Overwrite or cut off blocks whose tombstones (up to record ``seq``) are durable, and note that."""
        for place in places:
            self.segments.forget(place)
        await self.segments.reclaim(places, scrub=True)
        self.committer.note(ops.encode_op(ops.SCRUBBED, seq))

    async def drop_loose(self, needed: set[int]) -> None:
        """Drop foreign blocks that no root lists and that are not in ``needed``."""
        loose = [n for n in self.index.foreign if n not in self.index.refs and n not in needed]
        if loose:
            await self._drop(loose)

    def settled_bytes(self) -> int:
        """Bytes of blocks in the index, as they lie on the disk."""
        return sum(align(ops.place_of(entry).block_len) for entry in self.index.entries.values())


def _at(place: ops.Place, segment: int, offset: int) -> ops.Place:
    return ops.Place(
        place.raw_len, place.block_len, place.codec, place.quality, place.kind, place.flags, segment, offset
    )
