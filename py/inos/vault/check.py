"""Checking: is everything that was acknowledged still there and still right?

Nouns: *quick* compares the index with the files' sizes; *hash* also reads every block and compares its bid (no key needed);
*data* also opens every block of every file and compares the hash of what is inside (and the salt, for own blocks), and of
every file as a whole: its chunks are opened ahead and hashed in *turn*.

Invariants: a check changes nothing on the disk; a block found bad is marked lost in memory, so that its files show as damaged
and a new copy (put again, or from a peer) takes its place. A file that is not what its manifest says has no bad block: it is
reported under its root. Must not know: repair.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

from inos.errors import (
    BadArgument,
    ContentMismatch,
    CorruptError,
    IdMismatch,
    InosError,
    ManifestInconsistent,
    NotFound,
    StorageLost,
)
from inos.ports import KIND_CHUNK, KIND_MANIFEST, HashSpan, Open, Opened
from inos.tasks import Future
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.get import FileHash, Leaves, read_manifest
from inos.vault.manifest import FILE, Manifest
from inos.vault.put import Progress
from inos.vault.refs import Ref
from inos.vault.store import Store
from inos.vault.tree import below

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
    damaged_guests: list[bytes] = field(default_factory=list)  # bundles kept for others
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not (self.bad or self.damaged_roots or self.findings)


@dataclass(frozen=True, slots=True)
class _Turn:
    """When a chunk of a file is hashed: after the one before it, and before whoever waits for ``after``."""

    root: bytes
    ref: Ref
    hashed: FileHash
    before: Future[None]
    after: Future[None]


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
        self._seen: set[int] = set()
        self._liars: set[bytes] = set()

    async def run(self, findings: list[str]) -> CheckReport:
        """Do it. ``findings``: what the open reported."""
        store, report = self._store, self._report
        report.findings += findings
        await self._quick()
        if report.level != "quick":
            numbers = [number for number in store.index.entries if number not in store.index.lost]
            self._total = sum(ops.place_of(store.index.entries[number]).block_len for number in numbers)
            parts = await self._files() if report.level == "data" else {}
            await self._wait(0)
            for number in numbers:
                entry = store.index.entries.get(number)
                if entry is not None and number not in self._seen:
                    await self._start(number, parts.get(ops.bid_of(entry)))
            await self._wait(0)
        report.damaged_roots = [
            root.bid for root in store.index.roots.values() if root.bid in self._liars or store.index.is_damaged(root)
        ]
        report.damaged_guests = store.index.lodging.damaged()
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

    async def _start(self, number: int, foreign: tuple[int, Ref] | None, turn: _Turn | None = None) -> None:
        await self._wait(self._store.budget.ahead_max - 1)
        self._running += 1
        self._store.tasks.spawn(self._block(number, foreign, turn), "vault check")

    async def _files(self) -> dict[bytes, tuple[int, Ref]]:
        """Check the chunks of every file, in its order. How to open the foreign manifests between: kind and reference, by bid."""
        parts: dict[bytes, tuple[int, Ref]] = {}
        store = self._store
        for root in list(store.index.roots.values()):
            try:
                manifest = await read_manifest(store, store.number_of(root.bid), None)
                if manifest.kind == FILE:
                    parts |= await self._file(root.bid, manifest)
                else:
                    await self._folder(root.bid, manifest, parts)
            except InosError:
                continue  # the manifest's own block is found bad when its turn comes
        return parts

    async def _folder(self, root: bytes, manifest: Manifest, parts: dict[bytes, tuple[int, Ref]]) -> None:
        """Every file of a folder that has chunks. What is inline was checked with its folder's manifest."""
        async with aclosing(below(self._store, manifest)) as found:
            async for one in found:
                parts[one.ref.bid] = (KIND_MANIFEST, one.ref)
                if one.manifest.kind == FILE:
                    parts |= await self._file(root, one.manifest)

    async def _file(self, root: bytes, manifest: Manifest) -> dict[bytes, tuple[int, Ref]]:
        store = self._store
        if not manifest.refs and store.ports.hashes.hash(manifest.inline or b"") != manifest.h_file:
            self._lies(root, ContentMismatch.__name__)
        leaves = Leaves(store, manifest, 0, manifest.total_len)
        hashed = FileHash(store, manifest)
        before: Future[None] = Future()
        before.set(None)
        try:
            while (leaf := await leaves.next()) is not None:
                ref, _ = leaf
                number = store.find_ref(ref)
                if number is not None:
                    turn = _Turn(root, ref, hashed, before, Future())
                    await self._start(number, (KIND_CHUNK, ref), turn)
                    before = turn.after
        finally:
            before.on_done(hashed.free)  # cancelled or not, what was started comes to its end
        return {part.bid: (KIND_MANIFEST, part) for part in leaves.parts}

    def _lies(self, root: bytes, code: str) -> None:
        """A file's blocks are all what they are named, and yet it is not what its manifest says."""
        if root not in self._liars:
            self._liars.add(root)
            self._report.bad.append(BadBlock(root, code))

    async def _block(self, number: int, foreign: tuple[int, Ref] | None, turn: _Turn | None) -> None:
        store, report = self._store, self._report
        entry = store.index.entries.get(number)
        try:
            if entry is not None:
                place = ops.place_of(entry)
                await self._check(number, entry, place, foreign, turn)
                if number not in self._seen:
                    self._seen.add(number)
                    report.blocks += 1
                    report.block_bytes += place.block_len
        except NotFound:
            pass  # removed meanwhile
        except (CorruptError, StorageLost) as error:
            assert entry is not None
            if number in store.index.entries and number not in store.index.lost:
                store.index.lose(number)
                self._seen.add(number)
                report.bad.append(BadBlock(ops.bid_of(entry), error.code))
        except InosError as error:
            report.findings.append(f"a block could not be checked: {error.code}")
        finally:
            if turn is not None:
                # A bad chunk gives its turn away, but not before its time: a hash takes one chunk at a time.
                turn.before.on_done(lambda: turn.after.set(None))
            self._running -= 1
            self._room.set(None)
        if self._progress is not None:
            self._progress(Progress(report.block_bytes, report.block_bytes, report.block_bytes, self._total))

    async def _check(
        self, number: int, entry: bytes, place: ops.Place, foreign: tuple[int, Ref] | None, turn: _Turn | None
    ) -> None:
        store = self._store
        opened: Opened | None = None
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
                    job = Open(block, kind, secret=ref.secret, bid=bid, h=ref.h, verify_only=turn is None)
                    opened = await store.budget.run(job)
                else:
                    job = Open(block, place.kind, keys=store.keys, bid=bid, h=entry[64:96], verify_only=turn is None)
                    opened = await store.budget.run(job)
            finally:
                store.budget.free(block)
            if opened is not None and turn is not None:
                await self._hash(opened, turn)
        finally:
            store.budget.give(grant)

    async def _hash(self, opened: Opened, turn: _Turn) -> None:
        """Add a chunk to its file's hash; the file gets its verdict with the last one, if none was bad."""
        assert opened.raw is not None
        try:
            await turn.before
            if opened.raw_len != turn.ref.raw_len:
                raise ManifestInconsistent("a chunk of another length than its reference says")
            await turn.hashed.add(opened.raw.part(0, opened.raw_len))
        except CorruptError as error:
            self._lies(turn.root, error.code)
        finally:
            self._store.budget.free(opened.raw)
