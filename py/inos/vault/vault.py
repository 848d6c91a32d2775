"""The vault: files in, files out, nothing acknowledged is lost.

This module composes the parts and is the only one that others use; ``open`` is where a vault is made or found again.

Nouns: *root* = the bid of a file's manifest, the file's name everywhere; *capability* = (bid, secret) of a root, what a link
carries. ``wall_offset_s`` added to ``tasks.now`` gives seconds since 1970, for the times on files.

Invariants: what ``put``, ``adopt``, ``share``, ``wish`` and ``remove`` return is durable; a failure of one call leaves the
others and the vault usable, except for StorageBusy (taken over by another tab) and StorageLost, after which only a new
``open`` helps. Must not know: peers, pages.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from inos.errors import HeadMalformed, InosError, LimitExceeded, NotFound, NotReady
from inos.limits import BLOCK_BYTES_MAX, GRANTS_MAX, IN_FLIGHT_BYTES_MAX, SEGMENT_BYTES_MAX
from inos.ports import FileClose, Ports, Span
from inos.tasks import Future, Tasks
from inos.vault import ops
from inos.vault.budget import Budget
from inos.vault.check import BadBlock, Check, CheckReport, Level
from inos.vault.collect import Collected
from inos.vault.commit import RESERVE_BYTES, Committer
from inos.vault.filing import Filing, RootInfo
from inos.vault.guests import Guests
from inos.vault.hand_out import GetLinked, GetResult, Hold
from inos.vault.index import Grant, Index
from inos.vault.keepsake import KEPT_FILE, Keepsake
from inos.vault.library import Library
from inos.vault.log import LOG_BYTES_MAX
from inos.vault.manifest import Manifest
from inos.vault.opening import Opening
from inos.vault.put import REFS_PER_MANIFEST, Progress, PutResult, Source
from inos.vault.receive import Capability, HasCapability, Receiver
from inos.vault.reencode import AGE_MIN_S
from inos.vault.renew import Renewal
from inos.vault.rescan import Rescan
from inos.vault.rescue import mend
from inos.vault.segments import Segments, segment_name
from inos.vault.store import Store
from inos.vault.superblock import FILES, LOGS
from inos.vault.unlock import KEYS_FILE, Unlock, WaysIn
from inos.vault.upkeep import Upkeep, UpkeepState
from inos.vault.versions import Lines

T = TypeVar("T")

__all__ = [
    "Capability",
    "CheckReport",
    "GetResult",
    "Progress",
    "PutResult",
    "RootInfo",
    "Source",
    "Vault",
]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A root with lost blocks; ``capability``: what peers may have it by, if it was ever given out or received."""

    root: bytes
    name: str
    capability: Capability | None


class Vault(Filing):
    """One vault on one disk. Every call but ``open`` needs it open (NotReady)."""

    def __init__(
        self,
        ports: Ports,
        tasks: Tasks,
        *,
        quality: int = 6,
        lanes: int = 2,
        in_flight_bytes: int = IN_FLIGHT_BYTES_MAX,
        segment_bytes: int = SEGMENT_BYTES_MAX,
        block_bytes_max: int = BLOCK_BYTES_MAX,
        log_bytes: int = LOG_BYTES_MAX,
        log_reserve_bytes: int = RESERVE_BYTES,
        refs_per_manifest: int = REFS_PER_MANIFEST,
        wall_offset_s: float = 0.0,
        reencode_age_s: float = AGE_MIN_S,
    ) -> None:
        self._ports = ports
        self._tasks = tasks
        self._quality = quality
        self._refs_max = refs_per_manifest
        self._budget = Budget(tasks, ports.arena, in_flight_bytes, lanes)
        self._index = Index()
        self._segments = Segments(tasks, ports.arena, self._budget, segment_bytes, block_bytes_max)
        self._committer = Committer(
            ports, tasks, self._budget, self._index, self._segments, log_bytes, log_reserve_bytes
        )
        self._store = Store(ports, tasks, self._budget, self._index, self._segments, self._committer)
        self._store.wall_offset_s = wall_offset_s
        self._receiver = Receiver(self._store, quality)
        self._lines = Lines(self._store)
        self._library = Library(self._store, self._lines, quality, refs_per_manifest)
        self.ways_in = WaysIn(ports, self._budget, self._store.wall_ms)  # also while the vault is locked
        self.upkeep = Upkeep(self._store, lambda: self._begun, reencode_age_s)
        self._store.make_log_room = self.upkeep.make_log_room
        self._store.on_swept = self.upkeep.consider
        self.guests = Guests(self._store, self._receiver, self.upkeep, self._guest_call)
        self.keepsake = Keepsake(self._store, self._guest_call)
        self._findings: list[str] = []
        self._state = "new"
        self._calls = 0
        self._begun = 0
        self._quiet: Future[None] = Future()

    # --- open and close -----------------------------------------------------------------------------------------------

    async def open(self, unlock: Unlock = None) -> None:
        """Create or find again. Raises VaultLocked, LogDamaged, UnsupportedVersion, StorageError classes.

        After an error before the secret was known it may be tried again; else once per object.
        """
        if self._state != "new":
            raise NotReady(f"the vault is {self._state}")
        self._state = "opening"
        try:
            self._findings = await Opening(self._store, self.ways_in, unlock).run()
            self._findings += self._lines.damage()
            self._state = "open"
            if not self._index.wishes:
                await self._receiver.drop_loose()
        except BaseException as error:
            is_locked = isinstance(error, InosError) and self._store.keys < 0
            self._state = "new" if is_locked else "failed"
            self._close_keys()
            raise

    async def close(self) -> None:
        """Let calls that are under way end (cancel their tasks first to be quick), commit what is pending, close the files."""
        if self._state != "open":
            return
        self._state = "closing"
        await self.upkeep.stop()
        while self._calls:
            self._quiet = Future()
            await self._quiet
        await self._budget.idle()
        await self._store.swept()
        await self._store.upkeep.acquire()  # a chunk is put in its place, or never
        await self._committer.settle()
        for name in (*FILES, *LOGS, KEYS_FILE, KEPT_FILE, *map(segment_name, self._segments.known())):
            await FileClose(name)
        self._close_keys()
        self._store.upkeep.release()
        self._state = "closed"

    def _close_keys(self) -> None:
        if self._store.keys >= 0:
            self._ports.keys.close(self._store.keys)
            self._store.keys, self._store.block_keys, self._store.head_seed = -1, None, b""
        self._library.close()

    async def _call(self, work: Coroutine[Any, Any, T], *, counts: bool = True) -> T:
        """Run a call that ``close`` waits for. ``counts``: somebody asked for it."""
        self._calls += 1
        self._begun += counts
        try:
            return await work
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._quiet.set(None)

    async def _guest_call(self, work: Coroutine[Any, Any, T]) -> T:
        """For others: no person asked for it."""
        try:
            self._ready()
        except InosError:
            work.close()
            raise
        return await self._call(work, counts=False)

    def _is_open(self) -> bool:
        return self._state == "open"

    def _ready(self) -> None:
        if self._state != "open":
            raise NotReady(f"the vault is {self._state}")
        if self._committer.dead is not None:
            raise self._committer.dead

    # --- looking ----------------------------------------------------------------------------------------------------------

    async def check(self, level: Level, progress: Callable[[Progress], None] | None = None) -> CheckReport:
        """See ``inos.vault.check``."""
        self._ready()
        report = await self._call(Check(self._store, level, progress).run(self._findings))
        if level == "data":
            report.bad += [BadBlock(root, HeadMalformed.__name__) for root in await self._call(self._lines.forged())]
        return report

    async def compact(self) -> None:
        """Write the log anew, as short as what it says allows; see ``Store.compact``."""
        self._ready()
        await self._call(self._store.compact())

    async def collect(self, live_share_max: float = 0.999) -> Collected:
        """Copy live blocks out of segments of which at most this share is live, and give their space back; see ``collect``."""
        self._ready()
        return await self._call(self.upkeep.collect(live_share_max))

    async def tidy(self) -> UpkeepState:
        """Do now what idle time is for: compact, collect, seal old chunks smaller, check every block. See ``upkeep``."""
        self._ready()
        return await self.upkeep.tidy()

    def health(self) -> list[str]:
        """What the open found wrong, in sentences; empty when nothing is."""
        return list(self._findings)

    def is_damaged(self, root: bytes) -> bool:
        """Whether blocks of a root are known to be lost."""
        known = self._index.roots.get(root)
        return known is not None and self._index.is_damaged(known)

    def damaged(self) -> list[Damaged]:
        """Every damaged root, and by what others may have it."""
        return [
            Damaged(root.bid, root.name, _capability(root) if root.pinned or root.link is not None else None)
            for root in self._index.roots.values()
            if self._index.is_damaged(root)
        ]

    async def mend(self) -> None:
        """Look for other copies of lost blocks on the disk, and let roots whose blocks are all there say so again, durably."""
        self._ready()
        await self._call(self._mend())

    async def _mend(self) -> None:
        await self._store.upkeep.acquire()
        try:
            if self._index.lost:
                await Rescan(self._store, lost_only=True).run()
            holey = [self._index.roots[bid] for bid in self._index.holey]
            if [root for root in holey if await mend(self._store, root)]:
                self._index.find_holes()
                await self._committer.rotate()  # a checkpoint says what the roots list now
        finally:
            self._store.upkeep.release()

    # --- sharing ------------------------------------------------------------------------------------------------------

    async def share(self, root: bytes) -> Capability:
        """The capability of a file, from now on offered to whoever has it. A received file keeps its link's."""
        self._ready()
        known = self._root(root)
        if not known.shared:
            packed = ops.encode_op(ops.SHARE, root)
            await self._call(self._give_out(known, packed, lambda: self._index.share_root(root, shared=True)))
        return _capability(known)

    async def _give_out(self, known: ops.Root, packed: bytes, apply: Callable[[], None]) -> None:
        """Others will count on its blocks from now on: none of them is sealed again, and all are named as they are."""
        await self._store.upkeep.acquire()
        renewal = Renewal(self._store, self._quality)
        try:
            if not known.pinned and known.link is None:
                await self._renew(known, renewal)
            await self._committer.submit(packed, apply)
        finally:
            self._store.unhold_all([made.number for made in renewal.made])
            self._store.upkeep.release()

    async def _renew(self, known: ops.Root, renewal: Renewal) -> None:
        made = await renewal.run(known)
        if made is not None:
            offer = (ops.bid_of(made.entry), made.entry[32:64])
            runs = ops.pack_runs(part.number for part in renewal.made)
            packed = ops.encode_op(ops.OFFER, known.bid, *offer, runs)
            done = self._committer.submit(packed, lambda: self._index.offer_root(known.bid, offer, runs))
            held = [part.number for part in renewal.made]
            renewal.made.clear()
            done.on_done(lambda: self._store.unhold_all(held))  # cancelled meanwhile, the offer may come all the same
            await done

    async def unshare(self, root: bytes) -> None:
        """Offer it no more."""
        self._ready()
        if self._root(root).shared:
            await self._committer.submit(
                ops.encode_op(ops.UNSHARE, root), lambda: self._index.share_root(root, shared=False)
            )

    def shared(self) -> list[Capability]:
        """Everything that is offered, by a plain link or a revocable one."""
        granted = self._index.granted()
        return [_capability(root) for root in self._index.roots.values() if root.shared or root.bid in granted]

    async def grant(self, root: bytes, grant_id: bytes, key: bytes) -> None:
        """Keep a revocable link to a file; it pins the file as a plain one does. Raises NotFound, LimitExceeded."""
        self._ready()
        known = self._root(root)
        if sum(not grant.revoked for grant in self._index.grants.values()) >= GRANTS_MAX:
            raise LimitExceeded(f"{GRANTS_MAX} revocable links")
        grant = Grant(key, root, self._store.wall_ms())
        packed = ops.encode_op(ops.GRANT, grant_id, key, root, grant.time_ms)
        await self._call(self._give_out(known, packed, lambda: self._index.grant(grant_id, grant)))

    async def revoke(self, grant_id: bytes) -> None:
        """From now on the link leads nowhere. Raises NotFound."""
        self._ready()
        if grant_id not in self._index.grants:
            raise NotFound("no such link")
        packed = ops.encode_op(ops.REVOKE, grant_id)
        await self._committer.submit(packed, lambda: self._index.revoke(grant_id))

    def grants(self) -> dict[bytes, Grant]:
        """Every revocable link, oldest first, those that were revoked too."""
        return dict(self._index.grants)

    def capability(self, root: bytes) -> Capability:
        """What a link to a file says. Raises NotFound."""
        return _capability(self._root(root))

    # --- peers and transfer ---------------------------------------------------------------------------------------------

    def block_len(self, bid: bytes) -> int | None:
        """Bytes of a block that is here, or None."""
        number = self._index.by_bid.get(bid)
        return None if number is None else ops.place_of(self._index.entries[number]).block_len

    async def read_block(self, bid: bytes) -> Span:
        """A whole block as it is on the disk; the caller releases it. Raises NotFound, StorageLost."""
        self._ready()
        return await self._store.read(self._store.number_of(bid))

    async def store_foreign(self, bid: bytes, span: Span) -> None:
        """Keep a block verified by its bid, also across reloads while anything is wished; the span stays the caller's."""
        self._ready()
        await self._call(self.upkeep.with_room(lambda: self._receiver.store_foreign(bid, span)), counts=False)

    async def wish(self, capability: HasCapability) -> None:
        """Remember that this root is wanted."""
        self._ready()
        await self._call(self._receiver.wish(capability))

    async def unwish(self, capability: HasCapability) -> None:
        """Give a wish up, and what was fetched for it."""
        self._ready()
        await self._call(self._receiver.unwish(capability))

    def wishes(self) -> list[Capability]:
        """Roots that are wanted, oldest first."""
        return [Capability(bid, wish.secret) for bid, wish in self._index.wishes.items()]

    async def manifest_of(self, capability: HasCapability) -> Manifest:
        """A root's manifest from the own disk. Raises NotFound."""
        self._ready()
        return await self._receiver.manifest_of(capability)

    async def adopt(self, capability: HasCapability, progress: Callable[[Progress], None] | None = None) -> bytes:
        """Verify all blocks of a received root and keep it as one's own; the own root."""
        self._ready()
        return await self._call(self._receiver.adopt(capability, progress))

    def root_of(self, capability: HasCapability) -> bytes | None:
        """The own root of what a link names; None: it is not here as a whole."""
        return self._receiver.root_of(capability)

    async def get_linked(
        self, capability: HasCapability, sink: int, *, offset: int, length: int | None, hold: Hold
    ) -> GetResult:
        """As ``get``, of a link's file that is still arriving; see ``GetLinked``."""
        return await self._call(GetLinked(self._store, capability, sink, offset, length, hold).run())

    def stats(self) -> dict[str, int]:
        """Counts and bytes, for the page and the tests."""
        return {
            "roots": len(self._index.roots),
            "blocks": len(self._index.entries),
            "foreign_blocks": len(self._index.foreign),
            "lost_blocks": len(self._index.lost),
            "wishes": len(self._index.wishes),
            "guests": len(self._index.lodging.lodgers),
            "guest_bytes": self._index.lodging.bytes,
            "commits": self._committer.commits,
            "log_bytes": self._committer.end.tail if self._state == "open" else 0,
            "in_flight_bytes": self._budget.in_flight_bytes,
            **self._segments.stats(),
        }


def _capability(root: ops.Root) -> Capability:
    return Capability(*(root.offer or root.link or (root.bid, root.secret)))
