"""Reading a file: blocks are read and opened ahead of whoever takes their contents, in order.

Nouns: a *leaf* is a level-0 reference and where its bytes begin in the file; leaves are found by walking the levels of the
manifest, skipping what a range does not need.

Invariants: nothing is handed out before its hash was checked (``h`` of every chunk; references come from a manifest that
its block's tag authenticates); the last chunk of a whole file only after ``h_file`` was, which a range cannot check; a
fetch that was started is never cancelled, only abandoned: it frees what it has. At most ``ahead_max`` blocks are ahead,
each within a grant taken in order.
Must not know: what becomes of the bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

from inos.errors import (
    ContentMismatch,
    CorruptError,
    InosError,
    ManifestInconsistent,
    NotFound,
    StorageLost,
    UnsupportedFeature,
)
from inos.limits import INLINE_BYTES_MAX, MANIFEST_BYTES_MAX, MANIFEST_REFS_MAX
from inos.ports import KIND_CHUNK, KIND_MANIFEST, HashSpan, HashUpdate, Open, Opened, Span
from inos.tasks import Future
from inos.vault import ops
from inos.vault.budget import SLACK_BYTES
from inos.vault.manifest import FILE, Manifest, check_child, decode
from inos.vault.refs import Ref
from inos.vault.store import Store


async def open_manifest(store: Store, number: int, secret: bytes | None) -> Manifest:
    """A file's manifest from the own disk; ``secret`` None for one that was sealed here. Raises the classes of 1.5."""
    manifest = await read_manifest(store, number, secret)
    if manifest.kind != FILE:
        raise UnsupportedFeature("a folder's manifest")
    return manifest


async def read_manifest(store: Store, number: int, secret: bytes | None, h: bytes | None = None) -> Manifest:
    """A file's or folder's manifest, as ``open_manifest``; ``h`` of what is inside is checked when given."""
    block = await store.read(number)
    try:
        keys = store.keys if secret is None else None
        job = Open(block, KIND_MANIFEST, keys=keys, secret=secret, h=h, raw_len_max=MANIFEST_BYTES_MAX, urgent=True)
        opened = await store.budget.run(job, lane=False)
    finally:
        store.budget.free(block)
    assert opened.raw is not None
    try:
        data = store.ports.arena.read(opened.raw.part(0, opened.raw_len))
    finally:
        store.budget.free(opened.raw)
    return decode(data)


class Leaves:
    """The leaves of a manifest that overlap ``start..end``, one at a time. ``parts`` collects the manifests between."""

    def __init__(self, store: Store, manifest: Manifest, start: int, end: int) -> None:
        self._store = store
        self._start = start
        self._end = end
        self._stack = [(manifest, 0, 0)]
        # Chunks are 16 KiB and more, but the last; manifests that list one chunk again and again would keep us busy for days.
        self._steps_left = manifest.total_len // INLINE_BYTES_MAX + MANIFEST_REFS_MAX
        self.parts: list[Ref] = []

    async def next(self) -> tuple[Ref, int] | None:
        """The next leaf and its offset in the file, or None."""
        while self._stack:
            manifest, index, at = self._stack.pop()
            if index == len(manifest.refs) or at >= self._end:
                continue
            self._steps_left -= 1
            if self._steps_left < 0:
                raise ManifestInconsistent("more pieces than a file of this length can have")
            ref = manifest.refs[index]
            self._stack.append((manifest, index + 1, at + ref.covers))
            if at + ref.covers <= self._start:
                continue
            if manifest.level == 0:
                return ref, at
            self._stack.append((await self._open_part(manifest, ref), 0, at))
        return None

    async def _open_part(self, parent: Manifest, ref: Ref) -> Manifest:
        part = await open_manifest(self._store, self._store.number_of(ref.bid), ref.secret)
        check_child(parent, ref, part)
        if part.inline is not None:
            raise ManifestInconsistent("a part that holds its bytes itself")
        self.parts.append(ref)
        return part


@dataclass(slots=True)
class _Ahead:
    """A leaf on its way."""

    ref: Ref
    at: int
    grant: int
    opened: Future[Opened]


class Fetcher:
    """Reads and opens leaves ahead of who takes them, in order."""

    def __init__(self, store: Store, leaves: Leaves, *, verify_only: bool) -> None:
        self._store = store
        self._leaves = leaves
        self._verify_only = verify_only
        self._ahead: deque[_Ahead] = deque()
        self._ended = False
        self._over = False

    async def next(self) -> tuple[Ref, int, Opened] | None:
        """The next leaf, opened and checked; call ``done`` with it before the next call. None at the end."""
        while not self._ended and len(self._ahead) < self._store.budget.ahead_max:
            leaf = await self._leaves.next()
            if leaf is None:
                self._ended = True
                break
            ref, at = leaf
            slot = _Ahead(ref, at, ref.block_len + ref.raw_len + SLACK_BYTES, Future())
            self._ahead.append(slot)
            self._store.tasks.spawn(self._fetch(slot), "vault fetch")
        if not self._ahead:
            return None
        first = self._ahead[0]
        return first.ref, first.at, await first.opened

    def done(self) -> None:
        """What ``next`` gave is not needed any more."""
        self._dispose(self._ahead.popleft())

    def abandon(self) -> None:
        """Nobody will ask for more."""
        self._over = True
        for slot in self._ahead:
            if slot.opened.done:
                self._dispose(slot)

    def _dispose(self, slot: _Ahead) -> None:
        with suppress(InosError):
            opened = slot.opened.result()
            if opened.raw is not None:
                self._store.budget.free(opened.raw)
            self._store.budget.give(slot.grant)

    async def _fetch(self, slot: _Ahead) -> None:
        """Never cancelled; an error is raised where the leaf is taken."""
        budget = self._store.budget
        await budget.take(slot.grant)
        try:
            opened = await self._open(slot.ref)
        except BaseException as error:  # noqa: BLE001 - raised by ``next``
            budget.give(slot.grant)
            slot.opened.fail(error if isinstance(error, InosError) else StorageLost(repr(error)))
            return
        slot.opened.set(opened)
        if self._is_over():
            self._dispose(slot)

    def _is_over(self) -> bool:
        return self._over

    async def _open(self, ref: Ref) -> Opened:
        store = self._store
        if self._is_over():
            raise NotFound("abandoned")
        number = store.number_of_ref(ref)
        block = await store.read(number)
        bid = ops.bid_of(store.index.entries.get(number, ref.bid))
        try:
            # One that was sealed again since the manifest was written has another secret, and the same contents.
            again = bid != ref.bid
            job = Open(
                block,
                KIND_CHUNK,
                keys=store.keys if again else None,
                secret=None if again else ref.secret,
                h=ref.h,
                raw_len_max=ref.raw_len,
                verify_only=self._verify_only,
            )
            opened = await store.budget.run(job)
        except CorruptError:
            # A manifest from elsewhere may name a good block with a wrong key: only a block that is not what its name says is
            # lost. Putting the file again, or a peer, brings it back.
            if await HashSpan(block) != bid and number in store.index.entries:
                store.index.lose(number)
            raise
        finally:
            store.budget.free(block)
        if opened.raw_len != ref.raw_len:
            if opened.raw is not None:
                store.budget.free(opened.raw)
            raise ManifestInconsistent("a chunk of another length than its reference says")
        return opened


class FileHash:
    """``h_file`` computed again while a file's chunks come by, in order. Whoever made it frees it."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self._store = store
        self._wanted = manifest.h_file
        self._left = manifest.total_len
        self._stream = store.ports.hashes.stream_begin()

    async def add(self, raw: Span) -> None:
        """The next chunk. Raises ContentMismatch with the last one, when the file is not what its manifest says."""
        await HashUpdate(raw, self._stream)
        self._left -= raw.length
        if self._left == 0 and self._store.ports.hashes.stream_finish(self._stream) != self._wanted:
            raise ContentMismatch("a file that is not what its manifest says")

    def free(self) -> None:
        """No chunk is being added."""
        self._store.budget.free(self._stream)


async def pieces(store: Store, manifest: Manifest, start: int, end: int) -> AsyncGenerator[Span, None]:
    """The bytes ``start`` to ``end`` of a file that is not inline, in order, checked.

    Each piece is there until the next is asked for.
    """
    size = manifest.total_len
    fetcher = Fetcher(store, Leaves(store, manifest, start, end), verify_only=False)
    hashed = FileHash(store, manifest)
    try:
        while (leaf := await fetcher.next()) is not None:
            ref, at, opened = leaf
            if ref.covers == size and ref.h != manifest.h_file:
                raise ContentMismatch("a file that is not what its manifest says")
            assert opened.raw is not None
            if end - start == size > ref.covers:
                await hashed.add(opened.raw.part(0, ref.covers))
            skip, stop = max(0, start - at), min(ref.covers, end - at)
            yield opened.raw.part(skip, stop - skip)
            fetcher.done()
    finally:
        hashed.free()
        fetcher.abandon()
