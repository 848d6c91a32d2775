"""Checking: is everything that was acknowledged still there and still right?

Nouns: *quick* compares the index with the files' sizes; *hash* also reads every block and compares its bid (no key needed);
*data* also opens every block of every file and compares the hash of what is inside (and the salt, for own blocks).

Invariants: a check changes nothing on the disk; a block found bad is marked lost in memory, so that its files show as damaged
and a new copy (put again, or from a peer) takes its place. Must not know: repair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from inos.errors import BadArgument, CorruptError, IdMismatch, InosError, NotFound, StorageLost
from inos.ports import KIND_CHUNK, KIND_MANIFEST, HashSpan, Open
from inos.tasks import Future
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.get import Leaves, open_manifest
from inos.vault.put import Progress
from inos.vault.refs import Ref
from inos.vault.store import Store

Level = Literal["quick", "hash", "data"]


@dataclass(frozen=True, slots=True)
class BadBlock:
    """A block that is not what it must be; ``code`` is the error's."""

    bid: bytes
    code: str


@dataclass(slots=True)
class CheckReport:
    """What a check found. ``findings`` are sentences about the vault as a whole."""

    level: Level
    blocks: int = 0
    block_bytes: int = 0
    bad: list[BadBlock] = field(default_factory=list)
    damaged_roots: list[bytes] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.bad or self.damaged_roots or self.findings)


class Check:
    """One check of one store."""

    def __init__(self, store: Store, level: Level, progress: Callable[[Progress], None] | None) -> None:
        if level not in ("quick", "hash", "data"):
            raise BadArgument(f"no check level {level!r}")
        self._store = store
        self._progress = progress
        self._report = CheckReport(level)
        self._total = 0
        self._running = 0
        self._room: Future[None] = Future()

    async def run(self, findings: list[str]) -> CheckReport:
        """Do it. ``findings``: what the open reported."""
        store, report = self._store, self._report
        report.findings += findings
        await self._quick()
        if report.level != "quick":
            secrets = await self._foreign_secrets() if report.level == "data" else {}
            numbers = [number for number in store.index.entries if number not in store.index.lost]
            self._total = sum(ops.place_of(store.index.entries[number]).block_len for number in numbers)
            for number in numbers:
                await self._wait(store.budget.ahead_max - 1)
                self._running += 1
                store.tasks.spawn(self._block(number, secrets), "vault check")
            await self._wait(0)
        report.damaged_roots = [root.bid for root in store.index.roots.values() if store.index.is_damaged(root)]
        return report

    async def _wait(self, running_max: int) -> None:
        while self._running > running_max:
            self._room = Future()
            await self._room

    async def _quick(self) -> None:
        index = self._store.index
        sizes = await self._store.segments.sizes()
        for number, entry in list(index.entries.items()):
            place = ops.place_of(entry)
            if number not in index.lost and place.offset + place.block_len > sizes.get(place.segment, 0):
                index.lose(number)
            if number in index.lost:
                self._report.bad.append(BadBlock(ops.bid_of(entry), StorageLost.__name__))

    async def _foreign_secrets(self) -> dict[bytes, tuple[int, Ref]]:
        """How to open the foreign blocks: kind and reference, by bid, from the manifests of received files."""
        found: dict[bytes, tuple[int, Ref]] = {}
        store = self._store
        for root in list(store.index.roots.values()):
            if root.link is None:
                continue
            try:
                manifest = await open_manifest(store, store.number_of(root.bid), None)
                leaves = Leaves(store, manifest, 0, manifest.total_len)
                while (leaf := await leaves.next()) is not None:
                    found[leaf[0].bid] = (KIND_CHUNK, leaf[0])
                found |= {part.bid: (KIND_MANIFEST, part) for part in leaves.parts}
            except InosError:
                continue  # the manifest's own block is found bad when its turn comes
        return found

    async def _block(self, number: int, secrets: dict[bytes, tuple[int, Ref]]) -> None:
        store, report = self._store, self._report
        entry = store.index.entries.get(number)
        try:
            if entry is not None:
                place = ops.place_of(entry)
                await self._check(number, entry, place, secrets.get(ops.bid_of(entry)))
                report.blocks += 1
                report.block_bytes += place.block_len
        except NotFound:
            pass  # removed meanwhile
        except (CorruptError, StorageLost) as error:
            assert entry is not None
            if number in store.index.entries:
                store.index.lose(number)
                report.bad.append(BadBlock(ops.bid_of(entry), error.code))
        except InosError as error:
            report.findings.append(f"a block could not be checked: {error.code}")
        finally:
            self._running -= 1
            self._room.set(None)
        if self._progress is not None:
            self._progress(Progress(report.block_bytes, report.block_bytes, report.block_bytes, self._total))

    async def _check(self, number: int, entry: bytes, place: ops.Place, foreign: tuple[int, Ref] | None) -> None:
        store = self._store
        bid = ops.bid_of(entry)
        grant = place.block_len + max(place.raw_len, place.block_len) + SLACK_BYTES
        await store.budget.take(grant)
        try:
            block = await store.read(number)
            try:
                is_foreign = bool(place.flags & ops.FLAG_FOREIGN)
                if self._report.level == "hash" or (is_foreign and foreign is None):
                    if await store.budget.run(HashSpan(block)) != bid:
                        raise IdMismatch("a block that does not hash to its name")
                elif is_foreign and foreign is not None:
                    kind, ref = foreign
                    job = Open(block, kind, secret=ref.secret, bid=bid, h=ref.h, verify_only=True)
                    await store.budget.run(job)
                else:
                    job = Open(block, place.kind, keys=store.keys, bid=bid, h=entry[64:96], verify_only=True)
                    await store.budget.run(job)
            finally:
                store.budget.free(block)
        finally:
            store.budget.give(grant)
