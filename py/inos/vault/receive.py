"""Files from others: wishes, foreign blocks, and making a received file one's own.

Nouns: a *capability* (bid, secret) reads one root; a *wish* is a capability that is wanted: it keeps the foreign blocks that
were already fetched, also across reloads; *adopting* re-seals the root manifest under the own keys, so that the vault
secret alone recovers the file; the blocks stay the foreign ones.

Invariants: nothing is adopted before every block of it was opened and its hash checked; the own root and the end of the wish
are durable together. Must not know: peers, links' text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from inos.errors import BadArgument, ContentMismatch, InosError
from inos.ports import KIND_MANIFEST, Span
from inos.tasks import Future
from inos.vault import ops
from inos.vault.get import Fetcher, Leaves, read_manifest
from inos.vault.index import Wish
from inos.vault.manifest import DIR, DIR_MEDIA_TYPE, FILE, Manifest, folder_hash
from inos.vault.put import Progress
from inos.vault.refs import Ref
from inos.vault.store import Store
from inos.vault.tree import below, measure
from inos.vault.versions import root_of, seal_root
from inos.vault.walk import children_of


@dataclass(frozen=True, slots=True)
class Capability:
    """What a link says: which block, and the secret that opens it."""

    bid: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.bid) != 32 or len(self.secret) != 32:
            raise BadArgument("a capability that is not 32 and 32 bytes")


class HasCapability(Protocol):
    """Anything that has a bid and a secret."""

    @property
    def bid(self) -> bytes:
        """Which block."""

    @property
    def secret(self) -> bytes:
        """What opens it."""


class Receiver:
    """The vault's side of downloads."""

    def __init__(self, store: Store, quality: int) -> None:
        self._store = store
        self._quality = quality

    async def store_foreign(self, bid: bytes, span: Span) -> None:
        """Keep a block that was verified by its bid; the span stays the caller's. Durable with the next commit."""
        await self._store.make_log_room()
        stored = await self._store.write_foreign(bid, span)
        self._store.index.unhold(stored.number)

    async def wish(self, capability: HasCapability) -> None:
        """Remember that a root is wanted; durable on return."""
        store = self._store
        if capability.bid in store.index.wishes:
            return
        wish = Wish(capability.secret, store.wall_ms())
        packed = ops.encode_op(ops.WISH, capability.bid, wish.secret, wish.time_ms)

        def apply() -> None:
            store.index.wishes[capability.bid] = wish

        await store.committer.submit(packed, apply)

    async def unwish(self, capability: HasCapability) -> None:
        """Give a wish up; blocks that nothing else needs go."""
        store = self._store
        if capability.bid not in store.index.wishes:
            return
        await self._end_wish(capability)
        await self.drop_loose()

    def _forget(self, bid: bytes) -> None:
        self._store.index.wishes.pop(bid, None)

    async def drop_loose(self) -> None:
        """Drop foreign blocks that neither a root nor a wish needs."""
        candidates = set(self._store.index.foreign)  # what comes while we look is not loose
        needed: set[int] = set()
        for bid, wish in list(self._store.index.wishes.items()):
            needed |= await self._here(Capability(bid, wish.secret))
        await self._store.drop_loose(candidates - needed)

    async def _here(self, capability: HasCapability) -> set[int]:
        """Numbers of the blocks of a root that are here already."""
        index = self._store.index
        found: set[int] = set()
        todo: list[tuple[bytes, bytes, bool]] = [(capability.bid, capability.secret, True)]
        while todo:
            bid, secret, is_manifest = todo.pop()
            number = index.by_bid.get(bid)
            if number is None or number in found:
                continue
            found.add(number)
            if is_manifest:
                try:
                    manifest = await read_manifest(self._store, number, secret)
                except InosError:
                    continue  # what it names cannot be known; the download will fetch it again
                todo += [(ref.bid, ref.secret, kind == KIND_MANIFEST) for kind, ref in children_of(manifest)]
        return found

    async def manifest_of(self, capability: HasCapability) -> Manifest:
        """The root's manifest from the own disk. Raises NotFound and the classes of vault-format 1.5."""
        return await read_manifest(self._store, self._store.number_of(capability.bid), capability.secret)

    def root_of(self, capability: HasCapability) -> bytes | None:
        """The own root of what a link names; None: it is not here as a whole."""
        link = (capability.bid, capability.secret)
        roots = self._store.index.roots
        own = capability.bid in roots
        for root in roots.values():
            if link in (root.link, root.offer) or (own and root.bid == capability.bid):
                return root.bid
        return None

    async def adopt(self, capability: HasCapability, progress: Callable[[Progress], None] | None) -> bytes:
        """Verify every block and make the file one's own; the own root. Raises NotFound when a block is missing."""
        store = self._store
        link = (capability.bid, capability.secret)
        known = self.root_of(capability)
        if known is not None:
            await self._end_wish(capability)
            return known
        manifest = plain(await self.manifest_of(capability))
        held = [self._hold(capability.bid)]
        added: Future[None] | None = None
        try:
            chunks = await self.verify(manifest, held, progress)
            made = await seal_root(store, manifest, self._quality, None, held)
            root = root_of(store, manifest, made, held, counts=(chunks, chunks, 0), link=link)
            added = store.committer.submit(root.pack(), lambda: store.index.add_root(root))
            if not added.done:  # it was not refused: both go into one commit
                await self._end_wish(capability)
            await added
        finally:
            if added is None:
                store.unhold_all(held)
            else:  # cancelled meanwhile, the root may come all the same
                added.on_done(lambda: store.unhold_all(held))
        return root.bid

    async def _end_wish(self, capability: HasCapability) -> None:
        if capability.bid in self._store.index.wishes:
            packed = ops.encode_op(ops.UNWISH, capability.bid)
            await self._store.committer.submit(packed, lambda: self._forget(capability.bid))

    def _hold(self, bid: bytes) -> int:
        number = self._store.number_of(bid)
        self._store.index.hold(number)
        return number

    async def verify(self, manifest: Manifest, held: list[int], progress: Callable[[Progress], None] | None) -> int:
        """Open every chunk and check its hash; hold them and the manifests between. How many chunks there are."""
        done = 0

        def tell(length: int) -> None:
            nonlocal done
            done += length
            if progress is not None:
                progress(Progress(done, done, done, manifest.total_len))

        if manifest.kind == FILE:
            return await self._verify_file(manifest, held, tell)
        await measure(self._store, manifest)
        self._verify_folder(manifest)
        chunks = 0
        async with aclosing(below(self._store, manifest)) as found:
            async for one in found:
                held.append(self._hold(one.ref.bid))
                if one.manifest.kind == FILE:
                    chunks += await self._verify_file(one.manifest, held, tell)
                elif one.is_whole:
                    self._verify_folder(one.manifest)
        return chunks

    def _verify_folder(self, folder: Manifest) -> None:
        if folder_hash(folder, self._store.ports.hashes.hash) != folder.h_file:
            raise ContentMismatch("a folder that is not what its manifest says")

    async def _verify_file(self, manifest: Manifest, held: list[int], tell: Callable[[int], None]) -> int:
        store = self._store
        if manifest.inline is not None:
            if store.ports.hashes.hash(manifest.inline) != manifest.h_file:
                raise ContentMismatch("a file that is not what its manifest says")
            return 0
        chunks = 0
        leaves = Leaves(store, manifest, 0, manifest.total_len)
        fetcher = Fetcher(store, leaves, verify_only=True)
        try:
            while (leaf := await fetcher.next()) is not None:
                ref, _, _ = leaf
                if ref.covers == manifest.total_len and ref.h != manifest.h_file:
                    raise ContentMismatch("a file that is not what its manifest says")
                held.append(self._hold_ref(ref))
                chunks += 1
                fetcher.done()
                tell(ref.covers)
            held += [self._hold(part.bid) for part in leaves.parts]
        finally:
            fetcher.abandon()
        return chunks

    def _hold_ref(self, ref: Ref) -> int:
        number = self._store.number_of_ref(ref)
        self._store.index.hold(number)
        return number


def plain(manifest: Manifest) -> Manifest:
    """A root's manifest whose media type tells a folder from a file, whatever its author wrote."""
    if manifest.kind == DIR:
        return dataclasses.replace(manifest, media_type=DIR_MEDIA_TYPE)
    return dataclasses.replace(manifest, media_type="") if manifest.media_type == DIR_MEDIA_TYPE else manifest
