"""The store: blocks in and out of the disk, kept by references, dropped when there are none.

What puts, gets, downloads and checks share: the index, the segments, the committer, and the sweep that drops dead blocks.

Nouns: as in ``index`` and ``segments``; a *flight* is a chunk that is being sealed or written, which others may join instead
of doing it again.

Invariants: a number is given to a block only after it was written; whoever gets a number has a hold on it already; a dead
block is logged as dropped before its bytes are touched; a foreign block is dropped only when no wish was found to need it.
Must not know: files, links.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inos.errors import InosError, NotFound, StorageLost
from inos.ports import KIND_CHUNK, KIND_MANIFEST, Ports, Seal, Sealed, Span
from inos.tasks import Future, Semaphore, Tasks
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES, Budget
from inos.vault.commit import Committer
from inos.vault.contexts import BlockKeys
from inos.vault.index import Index
from inos.vault.refs import Ref
from inos.vault.segments import Segments

TOMBSTONES_MAX = 32_768  # per operation; each takes at most 8 bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A block that is in the vault, with a hold that the receiver gives back. ``fresh``: it was not there before."""

    number: int
    entry: bytes
    fresh: bool


async def _nothing() -> None:
    pass


class Flight(Future[Stored]):
    """A chunk on its way; ``joined`` when somebody besides its maker waits for it."""

    __slots__ = ("joined",)

    def __init__(self) -> None:
        super().__init__()
        self.joined = False


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
        self.head_seed = b""  # of the vault's signing key
        self.block_keys: BlockKeys | None = None  # what it holds, for the few places that need them in Python
        self.wall_offset_s = 0.0
        self.make_log_room: Callable[[], Awaitable[None]] = _nothing
        self.flights: dict[bytes, Flight] = {}  # by cid: chunks being sealed
        self._writing: dict[bytes, Future[None]] = {}  # by bid: blocks being written
        self.on_swept: Callable[[], None] = lambda: None
        self.moving: set[int] = set()  # numbers whose new place is being logged
        self._dead: list[int] = []
        self._loose: set[int] = set()  # foreign blocks that may be dropped
        self._unscrubbed: list[ops.Place] = []  # dead in the log, and not yet on the disk
        self._untold: dict[int, ops.Place] = {}  # in no index, and the log took no tombstone for them
        self.upkeep = Semaphore(1)  # what drops, moves or compacts does so alone
        self._sweeping: Future[None] = Future()
        self._sweeping.set(None)

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return max(0, round((self.tasks.now + self.wall_offset_s) * 1000))

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

    async def write_found(self, entry: bytes, block: Span) -> None:
        """Keep a block that was found on the disk and described, in the place of one that is lost."""
        place = ops.place_of(entry)
        stored = await self._write(ops.bid_of(entry), block, entry[32:64], entry[64:96], ops.cid_of(entry), place)
        self.index.unhold(stored.number)

    async def _write(self, bid: bytes, block: Span, secret: bytes, h: bytes, cid: bytes, place: ops.Place) -> Stored:
        while bid in self._writing:  # somebody writes this very block: then it is there, or it is our turn
            await self._writing[bid]
        number = self.index.by_bid.get(bid)
        if number is not None:
            return self._known(number, secret, h, cid, place)
        done = self._writing[bid] = Future()
        try:
            segment, offset = await self.segments.append(block)
            try:
                next_number = self.index.next_number
                number, entry = self._number(bid, secret, h, cid, ops.moved(place, segment, offset))
            except BaseException:
                self.segments.abandon(segment, offset)
                raise
            self.segments.keep(segment, offset)
            self.committer.add(number, block.length, is_new=number >= next_number)
            self.index.hold(number)
            return Stored(number, entry, fresh=True)
        finally:
            del self._writing[bid]
            done.set(None)

    def _number(self, bid: bytes, secret: bytes, h: bytes, cid: bytes, place: ops.Place) -> tuple[int, bytes]:
        """Into the index; a block that had been lost comes back under its number, which heals the roots that list it."""
        entry = ops.pack_entry(bid, secret, h, cid, place)
        lost = self.index.lost_bids.get(bid, self.index.lost_cids.get(cid))
        if lost is None:
            return self.index.add(entry), entry
        before = self.index.entries[lost]
        was = ops.place_of(before)
        self.segments.forget(was)
        if place.flags & ops.FLAG_FOREIGN:  # what we knew of it still holds
            entry = before[:128] + ops.pack_place(ops.moved(was, place.segment, place.offset))
        self.index.put(lost, entry)
        return lost, entry

    def _known(self, number: int, secret: bytes, h: bytes, cid: bytes, place: ops.Place) -> Stored:
        """A block that is there already. If it came from others and turns out to be our own, say so in the log."""
        self._loose.discard(number)
        entry = self.index.entries[number]
        known = ops.place_of(entry)
        if known.flags & ops.FLAG_FOREIGN and not place.flags & ops.FLAG_FOREIGN:
            entry = ops.pack_entry(ops.bid_of(entry), secret, h, cid, ops.moved(place, known.segment, known.offset))
            self.index.put(number, entry)
            self.committer.add(number, 0, is_new=False)
        self.index.hold(number)
        return Stored(number, entry, fresh=False)

    async def seal_manifest(self, data: bytes, quality: int) -> Stored:
        """Seal and keep a manifest."""
        budget = self.budget
        grant = 2 * len(data) + len(data) // 8 + SLACK_BYTES
        await budget.take(grant)
        try:
            span = await budget.alloc(len(data))
            try:
                self.ports.arena.write(span, data)
                sealed = await budget.run(Seal(span, KIND_MANIFEST, quality, self.keys, urgent=True), lane=False)
            finally:
                budget.free(span)
            try:
                return await self.write_sealed(sealed, KIND_MANIFEST)
            finally:
                budget.free(sealed.block)
        finally:
            budget.give(grant)

    # --- out ----------------------------------------------------------------------------------------------------------

    def number_of(self, bid: bytes) -> int:
        """Raises NotFound."""
        number = self.index.by_bid.get(bid)
        if number is None:
            raise NotFound(f"no block {bid.hex()}")
        return number

    def cid_of(self, h: bytes) -> bytes:
        """The dedupe key of a chunk by the hash of its contents."""
        assert self.block_keys is not None
        return self.ports.hashes.keyed(self.block_keys.id, h)

    def find_ref(self, ref: Ref) -> int | None:
        """The number of what a reference names: the block of that name, or a chunk of ours with the same contents, which was
        sealed again since."""
        number = self.index.by_bid.get(ref.bid)
        return number if number is not None else self.index.by_cid.get(self.cid_of(ref.h))

    def number_of_ref(self, ref: Ref) -> int:
        """As ``find_ref``. Raises NotFound."""
        number = self.find_ref(ref)
        if number is None:
            raise NotFound(f"no block {ref.bid.hex()}")
        return number

    async def read(self, number: int) -> Span:
        """A whole block, as it is on the disk; the caller frees it. Raises NotFound, StorageLost."""
        entry = self.index.entries.get(number)
        if entry is None:
            raise NotFound(f"block number {number} is lost")
        self.index.hold(number)
        try:
            while True:
                error: StorageLost | None = None
                try:
                    span = await self.segments.read(ops.place_of(entry))
                except StorageLost as caught:
                    error = caught
                before, entry = entry, self.index.entries.get(number, entry)
                if entry == before:
                    break
                if error is None:  # it was put elsewhere meanwhile, and what lay there is overwritten
                    self.budget.free(span)
            if error is not None:
                raise error
            return span
        finally:
            self.index.unhold(number)

    def hold_root(self, bid: bytes) -> list[int]:
        """Keep a root's blocks while somebody reads them, even if it is removed meanwhile. Raises NotFound."""
        root = self.index.roots.get(bid)
        if root is None:
            raise NotFound(f"no file {bid.hex()}")
        numbers = list(root.numbers())
        for number in numbers:
            self.index.hold(number)
        return numbers

    def unhold_all(self, numbers: list[int]) -> None:
        """Give holds back."""
        for number in numbers:
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
                if self.committer.dead is not None:
                    continue  # what the log says is not certain any more: touch nothing
                await self.upkeep.acquire()
                try:
                    await self._drop([n for n in dict.fromkeys(dead) if self._is_garbage(n)])
                except InosError:
                    continue  # no room or no disk for the tombstones; at the next open these blocks are orphans
                finally:
                    self.upkeep.release()
            self.on_swept()
        finally:
            self._sweeping.set(None)

    def _is_garbage(self, number: int) -> bool:
        if number not in self.index.entries or number in self.index.refs:
            return False
        return number not in self.index.foreign or number in self._loose

    async def _drop(self, numbers: list[int]) -> None:
        fresh: list[ops.Place] = []
        for number in numbers:
            entry = self.index.forget(number)
            assert entry is not None
            place = ops.place_of(entry)
            if self.committer.discard(number):
                fresh.append(place)
                self.segments.forget(place)
            else:
                self._untold[number] = place
        if fresh:
            await self.segments.reclaim(fresh, scrub=False)
        if self._untold:
            tombstones = list(self._untold)
            for at in range(0, len(tombstones), TOMBSTONES_MAX):
                runs = ops.pack_runs(tombstones[at : at + TOMBSTONES_MAX])
                await self.committer.submit(ops.encode_op(ops.DROP, runs), lambda: None)
            await self._bury_untold()

    async def _bury_untold(self) -> None:
        untold, self._untold = self._untold, {}
        await self.bury(list(untold.values()), self.committer.end.seq)

    def relocate(self, number: int, before: bytes, after: bytes) -> Future[None]:
        """Log that a block, or another one with the same contents, lies elsewhere from now on; its space there is pending.

        Until that is known, also when whoever asked is gone by then, the block is neither dropped nor moved again: the log's last
        word on a number must be what holds. What is left where it lay is overwritten with what is buried next.
        """
        segment, offset = ops.lies_at(after)
        place = ops.place_of(before)
        self.moving.add(number)
        self.index.hold(number)

        def apply() -> None:
            if (
                self.index.entries.get(number) != before
            ):  # it was healed meanwhile: say so again, and leave the space alone
                self.committer.add(number, 0, is_new=False)
                return
            self.segments.keep(segment, offset)
            self.index.put(number, after)
            self.segments.forget(place)
            self._unscrubbed.append(place)

        def ended() -> None:
            self.moving.discard(number)
            try:
                done.result()
            except InosError:
                self.segments.abandon(segment, offset)
            self.index.unhold(number)

        done = self.committer.submit(ops.encode_op(ops.BLOCKS, number, after), apply)
        done.on_done(ended)
        return done

    async def bury(self, places: list[ops.Place], seq: int) -> None:
        """Overwrite or cut off blocks whose tombstones (up to record ``seq``) are durable, and note that."""
        for place in places:
            self.segments.forget(place)
        self._unscrubbed += places  # what a failure leaves is tried again with the next, and at the next open
        await self.segments.reclaim(self._unscrubbed, scrub=True)
        self._unscrubbed = []
        self.committer.note(ops.encode_op(ops.SCRUBBED, seq))

    async def compact(self) -> None:
        """Write the log anew, as short as can be. Raises StorageFull (the old one goes on), StorageBusy, StorageLost."""
        await self.upkeep.acquire()
        try:
            if self._unscrubbed:  # the new log does not say any more that these are dead
                await self.bury([], self.committer.end.seq)
            await self.committer.rotate()
            if self._untold:  # nor does it know these
                await self._bury_untold()
        finally:
            self.upkeep.release()

    async def drop_loose(self, candidates: set[int]) -> None:
        """Drop those of these foreign blocks that no root lists."""
        loose = [n for n in self.index.foreign if n in candidates and n not in self.index.refs]
        self._loose.update(loose)
        for number in loose:
            self.on_dead(number)
        await self.swept()
        self._loose.difference_update(loose)
