"""Opening a vault: keys, fence, replay, and putting right what a crash left.

The order matters: the keys are durable before anything is sealed under them; the epoch is bumped before the log is read, so
that a writer who was here before cannot add to it unseen; the log's head is durable before a superblock names it. After
damage the blocks on the disk are asked (``rescue``), and what is known then begins a new log.

Nouns: as in ``superblock``, ``keyslots`` and ``replay``; *orphans* are blocks that no root lists: of puts that never ended.

Invariants: what is read is durable before anything builds on it (who wrote it may have been killed before its flush); running
it again, also when cut short anywhere, comes to the same vault; nothing is created over what might be a vault (VaultLocked
instead); after damage to the log nothing is dropped or overwritten before the next open.
Must not know: puts, gets.
"""

from __future__ import annotations

from inos.errors import CorruptError, StorageLost, UnsupportedVersion
from inos.limits import SUPERBLOCK_BYTES
from inos.ports import FileFlush, FileSize, FileTruncate, HashSpan
from inos.vault import log, ops, superblock
from inos.vault.contexts import HEAD_SIGNING, derive_keys
from inos.vault.files import read_bytes, write_durable
from inos.vault.index import Index
from inos.vault.replay import Replay, Replayed
from inos.vault.rescan import list_segments
from inos.vault.rescue import Rescue
from inos.vault.segments import segment_name
from inos.vault.store import Store
from inos.vault.superblock import Superblock
from inos.vault.unlock import Unlock, WaysIn


class Opening:
    """One opening of one store, by one of the ways in."""

    def __init__(self, store: Store, ways_in: WaysIn, unlock: Unlock) -> None:
        self._store = store
        self._ways_in = ways_in
        self._unlock = unlock
        self._ports = store.ports
        self._hash = store.ports.hashes.hash

    async def run(self) -> list[str]:
        """Make the store ready; what was found wrong, in sentences."""
        copies = [await self._read(name, SUPERBLOCK_BYTES) for name in superblock.FILES]
        before = superblock.newest(copies, self._hash)
        is_new = before is None and not any(any(copy) for copy in copies) and await self._is_blank()
        secret = await self._ways_in.secret(self._unlock, may_create=is_new)
        keys = derive_keys(secret, self._ports.hashes)
        store = self._store
        store.keys, store.block_keys = self._ports.keys.open(secret), keys
        store.head_seed = self._ports.hashes.derive(HEAD_SIGNING, secret)
        findings: list[str] = []
        if before is None:
            before = await self._first(is_new)
            # One of them untouched: the first opening of all was cut short while it wrote the other.
            if not is_new and all(any(copy) for copy in copies):
                findings.append("both superblocks are damaged; the log was found without them")
        mine = Superblock(before.seq + 1, before.epoch + 1, before.log, before.vault_id)
        await self._write(mine.file, superblock.encode(mine, self._hash))
        replay = Replay(self._ports, store.tasks, store.budget, store.index, store.keys)
        replayed = await replay.run(superblock.LOGS[mine.log], mine.vault_id)
        replayed.end.generation = max([replayed.end.generation, *(head.generation for _, head in await self._heads())])
        store.committer.begin(replayed.end, mine, store.keys)
        findings += await self._settle(replayed)
        if replayed.damage:
            findings += [replayed.damage, *await Rescue(store).run()]
        store.index.on_dead = store.on_dead
        await self._tidy(replayed)
        store.index.begin()
        return findings

    # --- superblock and log head ----------------------------------------------------------------------------------------

    async def _first(self, is_new: bool) -> Superblock:
        """What stands for the superblock that is not there: of a new vault, or of the newest log that has a head."""
        if is_new:
            vault_id = self._ports.entropy.random(superblock.VAULT_ID_BYTES)
            for name in superblock.FILES:  # room for both, so that a vault on a full disk can be opened again
                await FileTruncate(name, SUPERBLOCK_BYTES)
                await FileFlush(name)
            await self._write(superblock.LOGS[0], log.encode_head(vault_id, 1, 0, self._hash))
            return Superblock(0, 0, 0, vault_id)
        heads = sorted(await self._heads(), key=lambda row: -row[1].generation)
        for number, head in heads:
            if head.base == 0 or await self._try(number, head.vault_id) > 0:
                return Superblock(0, 0, number, head.vault_id)
        if heads:
            return Superblock(0, 0, heads[-1][0], heads[-1][1].vault_id)
        vault_id = self._ports.entropy.random(superblock.VAULT_ID_BYTES)
        _, number = max([(await self._try(number, vault_id, whole=False), -number) for number in range(2)])
        return Superblock(0, 0, -number, vault_id)

    async def _heads(self) -> list[tuple[int, log.LogHead]]:
        """The heads of the logs that have one. Raises UnsupportedVersion."""
        found: list[tuple[int, log.LogHead]] = []
        for number, name in enumerate(superblock.LOGS):
            try:
                found.append((number, log.parse_head(await self._read(name, log.HEAD_BYTES), self._hash)))
            except UnsupportedVersion:
                raise
            except CorruptError:
                continue
        return found

    async def _try(self, number: int, vault_id: bytes, *, whole: bool = True) -> int:
        """How many records a log has, read into an index of its own; none if a checkpoint in it has no end."""
        store, index = self._store, Index()
        replay = Replay(self._ports, store.tasks, store.budget, index, store.keys)
        replayed = await replay.run(superblock.LOGS[number], vault_id)
        return replayed.records if index.complete or not whole else 0

    async def _is_blank(self) -> bool:
        """No log has a record or is more than the first, and no segment has a block: a first opening that was cut short, and
        nothing else."""
        if any(head.generation > 1 for _, head in await self._heads()):
            return False
        sizes = [await FileSize(name) for name in superblock.LOGS]
        sizes += [log.HEAD_BYTES + await FileSize(segment_name(n)) for n in await list_segments(self._store)]
        return max(sizes) <= log.HEAD_BYTES

    # --- after the replay -----------------------------------------------------------------------------------------------

    async def _settle(self, replayed: Replayed) -> list[str]:
        """Make segments and index agree; what is missing."""
        index, segments = self._store.index, self._store.segments
        segments.place_all(index.entries.values())
        for _, entry in index.unscrubbed:
            segments.touch(ops.place_of(entry).segment)
        sizes: dict[int, int] = {}
        # The one after the last may hold blocks of a put that never came to a commit.
        known = segments.known()
        for segment in [*known, (known[-1] + 1 if known else 0)]:
            sizes[segment] = await segments.settle_size(segment, bool(replayed.damage))
        lost = 0
        short = {segment for segment in known if sizes[segment] < segments.tail(segment)}
        for number, entry in index.entries.items() if short else ():
            segment, offset = ops.lies_at(entry)
            if segment in short and offset + ops.block_len_of(entry) > sizes[segment]:
                index.lose(number)
                lost += 1
        return [f"{lost} blocks are missing from the disk"] if lost else []

    async def _tidy(self, replayed: Replayed) -> None:
        """Finish what a crash cut short: scrub what was dropped, drop orphans, empty the log that does not count."""
        index, store = self._store.index, self._store
        dropped, index.unscrubbed = index.unscrubbed, []
        buried = [entry for _, entry in dropped if self._is_buried(ops.place_of(entry))]
        if replayed.damage:  # what lies there may be something that the lost records told of
            buried = [entry for entry in buried if await self._is_still(entry)]
        if dropped:
            await store.bury([ops.place_of(entry) for entry in buried], replayed.end.seq)
        if replayed.damage:
            await store.committer.rotate()
            return
        for number in index.unreferenced():
            if number not in index.foreign:
                store.on_dead(number)
        await store.committer.clear_other()

    def _is_buried(self, place: ops.Place) -> bool:
        """Whether a dropped block's bytes may still be there: its space was neither cut off nor used again."""
        segments = self._store.segments
        return segments.has(place.segment) and segments.is_free(place.segment, place.offset, place.block_len)

    async def _is_still(self, entry: bytes) -> bool:
        """Whether a dropped block lies where it lay."""
        try:
            block = await self._store.segments.read(ops.place_of(entry))
        except StorageLost:
            return False
        try:
            return await HashSpan(block) == ops.bid_of(entry)
        finally:
            self._store.budget.free(block)

    # --- bytes ----------------------------------------------------------------------------------------------------------

    async def _read(self, name: str, length: int) -> bytes:
        await FileFlush(name)  # makes it, too, if it is not there
        return await read_bytes(self._ports.arena, self._store.budget, name, 0, length)

    async def _write(self, name: str, data: bytes) -> None:
        await write_durable(self._ports.arena, self._store.budget, name, 0, data)
