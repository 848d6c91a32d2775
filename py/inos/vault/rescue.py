"""After damage to the log: find the blocks that it no longer describes, and the files they make up.

Runs at an open whose replay reported damage, before anybody uses the vault, and needs the vault's secret alone. What comes of
it lives in the index until the caller writes a checkpoint of it.

Nouns: an *orphan* is a manifest of ours that no root lists and no other manifest names: a file whose record was lost (or one
that was never acknowledged; it cannot be told apart, and comes back whole or as damaged).

Invariants: what the log that is left says was removed does not come back, and neither does what was scrubbed on the disk;
nothing is written or dropped; everything lost is counted in the findings. Which files were shared, and what was wished for,
may be lost with the log. Must not know: how the log is written.
"""

from __future__ import annotations

from inos.errors import CorruptError, InosError, NotFound, StorageLost
from inos.ports import KIND_MANIFEST, FileRead
from inos.vault import ops
from inos.vault.get import read_manifest
from inos.vault.manifest import Manifest
from inos.vault.put import NO_HASH
from inos.vault.rescan import Rescan
from inos.vault.segments import SALT_BYTES, SALT_OFFSET, segment_name
from inos.vault.store import Store
from inos.vault.walk import children_of, walk


class Rescue:
    """One rescue of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index = store.index

    async def run(self) -> list[str]:
        """Do it; what was found and what was not, in sentences. Raises StorageError classes."""
        found = await Rescan(self._store).run()
        for root in list(self._index.roots.values()):
            if await self._was_removed(root):
                self._index.remove_root(root.bid)
        self._index.find_holes()
        for root in list(self._index.roots.values()):
            if self._index.is_damaged(root):
                await mend(self._store, root)
        files = 0
        for number, manifest in await self._orphans():
            await self._add(number, manifest)
            files += 1
        findings = []
        if found.own + found.foreign + found.healed:
            findings.append(f"{found.own + found.foreign + found.healed} blocks were found by reading the whole disk")
        if files:
            findings.append(f"{files} files were found again; which of them were shared may be forgotten")
        loose = sum(number not in self._index.refs for number in self._index.foreign)
        if loose:
            findings.append(f"{loose} blocks on the disk are damaged, or belong to no file that is known")
        self._index.find_holes()
        damaged = sum(self._index.is_damaged(root) for root in self._index.roots.values())
        if damaged:
            findings.append(f"{damaged} files have lost blocks")
        return findings

    async def _was_removed(self, root: ops.Root) -> bool:
        """Only blocks of removed files are dropped, and only dropped ones are scrubbed."""
        if any(number in self._index.dropped for number in root.numbers()):
            return True
        number = self._index.by_bid.get(root.bid)
        return number is not None and await self._is_scrubbed(self._index.entries[number])

    async def _is_scrubbed(self, entry: bytes) -> bool:
        segment, offset = ops.lies_at(entry)
        budget = self._store.budget
        span = await budget.alloc(SALT_BYTES)
        try:
            got = await FileRead(segment_name(segment), offset + SALT_OFFSET, span.part(0, SALT_BYTES))
            return got == SALT_BYTES and not any(self._store.ports.arena.read(span.part(0, SALT_BYTES)))
        finally:
            budget.free(span)

    async def _orphans(self) -> list[tuple[int, Manifest]]:
        index = self._index
        manifests: dict[bytes, tuple[int, Manifest]] = {}
        named: set[bytes] = set()
        for number, entry in list(index.entries.items()):
            if ops.is_foreign(entry) or ops.place_of(entry).kind != KIND_MANIFEST or number in index.refs:
                continue
            try:
                manifest = await read_manifest(self._store, number, None)
            except (CorruptError, NotFound, StorageLost):
                continue
            named.update(ref.bid for kind, ref in children_of(manifest) if kind == KIND_MANIFEST)
            if manifest.h_file != NO_HASH and ops.bid_of(entry) not in index.removed:
                manifests[ops.bid_of(entry)] = (number, manifest)
        return [found for bid, found in manifests.items() if bid not in named]

    async def _add(self, number: int, manifest: Manifest) -> None:
        index = self._index
        walked = await walk(self._store, manifest)
        numbers = [number, *walked.numbers]
        stored = sum(ops.block_len_of(index.entries[n]) for n in numbers)
        if walked.missing:  # a number that no block will ever have: the file is damaged, and says so
            numbers.append(index.next_number)
            index.next_number += 1
        entry = index.entries[number]
        root = ops.Root(
            bid=ops.bid_of(entry),
            secret=entry[32:64],
            name=manifest.name,
            media_type=manifest.media_type,
            size=manifest.total_len,
            stored=stored,
            chunks=walked.chunks,
            new_chunks=walked.chunks,
            time_ms=max(0, manifest.mtime_ms or 0) or self._store.wall_ms(),
            deduped=0,
            h_file=manifest.h_file,
            link=None,
            runs=ops.pack_runs(numbers),
        )
        try:
            index.check_room()
        except InosError:
            return
        index.add_root(root)


async def mend(store: Store, root: ops.Root) -> bool:
    """A root that lists unknown numbers: ask its manifest what the blocks are, and list what they are called now. In the index
    only; whether it is whole."""
    number = store.index.by_bid.get(root.bid)
    if number is None:
        return False
    try:
        walked = await walk(store, await read_manifest(store, number, None))
    except (CorruptError, NotFound, StorageLost):
        return False
    if walked.missing:
        return False
    store.index.take_out(root.bid)
    root.runs = ops.pack_runs([number, *walked.numbers])
    store.index.add_root(root)
    return True
