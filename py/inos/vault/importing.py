"""Reading an archive (``inos.vault.archive``) into a vault: another one, or the one it came from.

Nouns: as there; an item's *roots* are what its versions are called here. Blocks are kept as they are, as those of received
files are; a root's manifest is sealed again under this vault's keys, which gives the same root each time.

Invariants: nothing of an item counts before all of it was verified; what was read when an archive breaks off stays; what
could not be taken is listed, with why. Nothing that is here is changed: an item whose last version is here already adds
nothing; one that goes on from what is current here adds what follows; one that went another way is kept beside it, and
listed as ForkDetected.
Must not know: where sources come from.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field

from inos.errors import (
    CorruptError,
    ForkDetected,
    HeadMalformed,
    InosError,
    LimitExceeded,
    ManifestInconsistent,
    NotFound,
    RollbackDetected,
    Truncated,
)
from inos.limits import BLOCK_BYTES_MAX
from inos.ports import KIND_INDEX, HashSpan, Open, SourceRead, Span
from inos.vault import archive, heads, ops, stretching
from inos.vault.archive import BLOCK, END, FRAME_BYTES, HEAD_BYTES, INFO, ITEM, Frame, Item, Reader, Version
from inos.vault.get import read_manifest
from inos.vault.manifest import DIR_MEDIA_TYPE, FILE, Manifest
from inos.vault.put import Progress, Source
from inos.vault.receive import Receiver, plain
from inos.vault.store import Store
from inos.vault.tree import content_hash, open_root
from inos.vault.versions import Lines, is_signed, root_of, seal_root
from inos.vault.walk import walk

WINDOW_BYTES = BLOCK_BYTES_MAX + FRAME_BYTES


@dataclass(slots=True)
class Imported:
    """What came of an archive. ``files``: items of which something is new; ``known``: those that were here.

    ``bytes``: of blocks that were not; ``skipped``: name (empty where it is not known, or where it is the archive itself) and
    error code of what could not be taken as it is.
    """

    files: int = 0
    known: int = 0
    bytes: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


class Import:
    """One archive on its way in."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        receiver: Receiver,
        source: Source,
        quality: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._store = store
        self._lines = lines
        self._receiver = receiver
        self._source = source
        self._quality = quality
        self._progress = progress
        self._reader = Reader(store.ports.hashes.hash)
        self._keys = -1
        self._held: list[int] = []
        self._fresh: list[int] = []
        self._result = Imported()

    async def run(self, passphrase: str) -> Imported:
        """Do it. Raises what is wrong with the archive's beginning (AuthFailed: another passphrase), StorageError classes."""
        store = self._store
        store.committer.check_room()
        try:
            window = await store.budget.alloc(WINDOW_BYTES)
            try:
                await self._frames(window, passphrase)
            finally:
                store.budget.free(window)
        finally:
            if self._keys >= 0:
                store.ports.keys.close(self._keys)
            store.unhold_all(self._held)
            await self._receiver.drop_loose()
        entries = store.index.entries
        self._result.bytes = sum(ops.block_len_of(entries[number]) for number in self._fresh if number in entries)
        return self._result

    # --- frames -------------------------------------------------------------------------------------------------------

    async def _frames(self, window: Span, passphrase: str) -> None:
        """Read as much at a time as the window takes; a frame that is cut by its end is read again with the next."""
        got = await self._read(window, 0)
        params = self._reader.head(self._bytes(window, 0, min(got, HEAD_BYTES)))
        self._keys = self._store.ports.keys.open(await stretching.stretch(passphrase, params))
        start, at = 0, HEAD_BYTES
        while start + at < self._source.size:
            try:
                frame = self._next(window, at, got)
            except InosError as error:
                self._broken(error)
                return
            if frame is None:  # it is cut by the window's end, or by the archive's
                if at == 0 or start + got >= self._source.size:
                    break
                start, at = start + at, 0
                got = await self._read(window, start)
                continue
            if not await self._take(frame, window.part(at + FRAME_BYTES, frame.length)):
                return
            at += FRAME_BYTES + frame.length
            self._tell(start + at)
        if not self._reader.is_whole:
            self._broken(Truncated("an archive without its end"))

    def _next(self, window: Span, at: int, got: int) -> Frame | None:
        """The frame at this place, if all of it is in the window."""
        if at + FRAME_BYTES > got:
            return None
        frame = self._reader.frame(self._bytes(window, at, FRAME_BYTES))
        return None if at + FRAME_BYTES + frame.length > got else frame

    def _broken(self, error: InosError) -> None:
        """The archive ends here. Raises the error when not even its beginning was right."""
        if not self._reader.has_begun:
            raise error
        self._result.skipped.append(("", error.code))

    async def _read(self, window: Span, start: int) -> int:
        length = min(window.length, self._source.size - start)
        got = 0
        while got < length:
            step = await SourceRead(self._source.id, self._source.offset + start + got, window.part(got, length - got))
            if step <= 0:
                break
            got += step
        return got

    def _bytes(self, window: Span, at: int, length: int) -> bytes:
        return self._store.ports.arena.read(window.part(at, length))

    async def _take(self, frame: Frame, payload: Span) -> bool:
        """Deal with one frame; whether to go on."""
        digest = await self._store.budget.run(HashSpan(payload), lane=False)
        if frame.kind == BLOCK:
            stored = await self._store.write_foreign(digest, payload)
            self._held.append(stored.number)
            if stored.fresh:
                self._fresh.append(stored.number)
        else:
            try:
                data = await self._open(payload)
                if frame.kind == INFO:
                    archive.unpack_info(data)
                elif frame.kind == END:
                    self._reader.finish(data)
                else:
                    await self._item(archive.unpack_item(data))
            except (CorruptError, LimitExceeded) as error:
                if frame.kind == ITEM:
                    self._result.skipped.append(("", error.code))
                else:
                    self._broken(error)
                    return False
        self._reader.took(frame, digest)
        return True

    async def _open(self, payload: Span) -> bytes:
        budget = self._store.budget
        opened = await budget.run(Open(payload, KIND_INDEX, keys=self._keys), lane=False)
        assert opened.raw is not None
        try:
            return self._store.ports.arena.read(opened.raw.part(0, opened.raw_len))
        finally:
            budget.free(opened.raw)

    def _tell(self, at: int) -> None:
        if self._progress is not None:
            self._progress(Progress(at, at, at, self._source.size))

    # --- items --------------------------------------------------------------------------------------------------------

    async def _item(self, item: Item) -> None:
        """Take an item, version by version."""
        await self._check_heads(item)
        if self._is_older(item):
            self._result.known += 1
            return
        by_root = {version.root: version for version in item.versions}
        first = item.versions[0]
        order = [(step.head.root, step.head.time_ms) for step in item.heads if step.head.root in by_root]
        order = order or [(first.root, first.time_ms)]
        if {root for root, _ in order} != set(by_root):
            raise ManifestInconsistent("versions that no head names")
        name, new, forked = "", False, False
        roots: dict[bytes, ops.Root] = {}
        try:
            for root, _ in order:
                if root not in roots:
                    roots[root] = await self._root_of(by_root[root])
                    name = roots[root].name
            steps = [(roots[root], time_ms) for root, time_ms in order]
            for step, time_ms in steps:
                here = self._store.index.roots.get(step.bid)
                if here is not None and self._store.index.is_damaged(here):
                    await self._add(step, None, time_ms)  # which heals it
                    new = True
            known = max((at for at, (root, _) in enumerate(steps) if root.bid in self._store.index.roots), default=-1)
            last = steps[known][0].bid if known >= 0 else None
            if last is not None and known < len(steps) - 1 and not self._store.index.is_current(last):
                last, forked = None, True
            for step, time_ms in steps[known + 1 :]:
                last = await self._add(step, last, time_ms)
                new = True
            await self._share(item, roots)
        except (CorruptError, NotFound, LimitExceeded) as error:
            self._result.skipped.append((name, error.code))
        else:
            self._result.known += not new
        self._result.files += new
        if forked:
            self._result.skipped.append((name, ForkDetected.__name__))

    def _is_older(self, item: Item) -> bool:
        """Whether an item is a line of this very vault, as it was before what is here."""
        mine = self._store.index.lines.get(item.line)
        if mine is None or mine[0].head.pub != item.heads[0].head.pub:
            return False
        try:
            heads.check_against(mine, item.heads)
        except RollbackDetected:
            return True
        except ForkDetected:
            return False  # then what it holds is kept beside what is here
        return False

    async def _check_heads(self, item: Item) -> None:
        heads.check_line(item.heads, self._store.ports.hashes.hash)
        for step in item.heads:
            if not await is_signed(step):
                raise HeadMalformed("a head that is not signed by whom it names")

    async def _root_of(self, version: Version) -> ops.Root:
        """What a version is here: a root that is there already, or one to be added, whose blocks are held."""
        store, index = self._store, self._store.index
        known = index.roots.get(version.bid)
        if known is not None and not index.is_damaged(known):
            return known
        manifest = plain(await read_manifest(store, store.number_of(version.bid), version.secret))
        known = await self._same(manifest)
        if known is not None:
            return known
        numbers: list[int] = []
        try:
            chunks = await self._receiver.verify(manifest, numbers, None)
            made = await seal_root(store, dataclasses.replace(manifest, prev=None), self._quality, None, numbers)
        finally:
            self._held += numbers
        return root_of(store, manifest, made, numbers, counts=(chunks, chunks, 0))

    async def _same(self, manifest: Manifest) -> ops.Root | None:
        """A root with the same name and contents.

        A folder's manifests change when chunks below them are sealed again: what has the same name and size is looked into.
        """
        index = self._store.index
        same = index.by_content.get((manifest.h_file, manifest.name, manifest.media_type))
        if same is not None and not index.is_damaged(index.roots[same]):
            return index.roots[same]
        if manifest.kind == FILE:
            return None
        alike = [
            root for root in index.roots.values() if root.media_type == DIR_MEDIA_TYPE and root.name == manifest.name
        ]
        contents = b""
        for root in alike:
            if root.size == manifest.total_len and not index.is_damaged(root):
                contents = contents or await content_hash(self._store, manifest)
                if await content_hash(self._store, await open_root(self._store, root.bid)) == contents:
                    return root
        return None

    async def _add(self, root: ops.Root, after: bytes | None, time_ms: int) -> bytes:
        store = self._store
        store.index.check_room()
        numbers = list(ops.numbers_of(root.runs))
        for number in numbers:  # cancelled from here on, the root may come all the same
            store.index.hold(number)
        if root.bid not in store.index.roots:
            root = dataclasses.replace(root, time_ms=time_ms)
        await self._lines.add(root, after, lambda: store.unhold_all(numbers), time_ms=time_ms)
        return root.bid

    async def _share(self, item: Item, roots: dict[bytes, ops.Root]) -> None:
        """Give out again what was given out, under the names that the links have."""
        store, index = self._store, self._store.index
        for version in item.versions:
            root = index.roots.get(roots[version.root].bid)
            if not version.shared or root is None or root.shared:
                continue
            operations = [ops.encode_op(ops.SHARE, root.bid)]
            bid, secret = version.offered
            runs = b""
            if bid != root.bid:
                number = index.by_bid.get(bid)
                if number is None:
                    continue
                walked = await walk(store, await read_manifest(store, number, secret))
                if walked.missing:
                    continue
                runs = ops.pack_runs([number, *walked.numbers])
                operations.insert(0, ops.encode_op(ops.OFFER, root.bid, bid, secret, runs))

            def apply(name: bytes = root.bid, offer: tuple[bytes, bytes] = (bid, secret), runs: bytes = runs) -> None:
                if runs:
                    index.offer_root(name, offer, runs)
                index.share_root(name, shared=True)

            held = list(ops.numbers_of(runs))
            for number in held:  # as in ``_add``
                index.hold(number)
            done = store.committer.submit(ops.encode_op(ops.TOGETHER, operations), apply)
            done.on_done(functools.partial(store.unhold_all, held))
            await done
