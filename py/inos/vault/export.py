"""Writing an archive (``inos.vault.archive``): everything that is in the vault, to one sink.

Nouns: as there. Invariants: each block is written once, before the first item that needs it; a manifest that names a chunk
which was sealed again since is written anew, with the name that the chunk has now, so that every item can be read with what
is in the archive alone; memory holds one manifest of each level and one block. Must not know: where sinks lead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from inos.errors import CorruptError, InosError, NotFound, StorageLost
from inos.ports import KIND_INDEX, KIND_MANIFEST, HashSpan, Seal, Sealed, SinkClose, Span
from inos.vault import archive, ops, stretching
from inos.vault.archive import BLOCK, END, INFO, ITEM, Chain, Info, Item, Version
from inos.vault.budget import SLACK_BYTES
from inos.vault.get import read_manifest
from inos.vault.manifest import DIR, FILE, Entry, Manifest, encode, folder_hash
from inos.vault.outflow import Outflow
from inos.vault.put import Progress
from inos.vault.refs import Ref, Refs
from inos.vault.store import Store

DAMAGE = (CorruptError, NotFound, StorageLost)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an archive holds. ``skipped``: name and error code of what is damaged here and is not in it."""

    items: int
    blocks: int
    bytes: int
    skipped: list[tuple[str, str]]


class Export:
    """One archive on its way out."""

    def __init__(
        self, store: Store, sink: int, quality: int, progress: Callable[[Progress], None] | None, about: str = ""
    ) -> None:
        self._store = store
        self._sink = sink
        self._quality = quality
        self._progress = progress
        self._about = about
        self._out = Outflow(store, sink)
        self._written: set[bytes] = set()
        self._keys = -1
        self._total = sum(map(ops.block_len_of, store.index.entries.values()))
        self._done = 0

    async def run(self, passphrase: str) -> Exported:
        """Do it, and close the sink. Raises StorageError classes, BadArgument for what is no passphrase."""
        try:
            done = await self._run(passphrase)
        except BaseException:
            with suppress(InosError):
                await SinkClose(self._sink, complete=False)
            raise
        finally:
            if self._keys >= 0:
                self._store.ports.keys.close(self._keys)
        await SinkClose(self._sink, complete=True)
        return done

    async def _run(self, passphrase: str) -> Exported:
        store, index = self._store, self._store.index
        params = stretching.new_params(store.ports.entropy)
        self._keys = store.ports.keys.open(await stretching.stretch(passphrase, params))
        head = archive.encode_head(params)
        self._chain = Chain(head, store.ports.hashes.hash)
        self._out.write(head)
        roots = [bid for bid in index.roots if index.is_current(bid)]
        await self._sealed(INFO, Info(store.wall_ms(), len(roots), self._total, self._about).pack())
        skipped: list[tuple[str, str]] = []
        for bid in roots:
            root = index.roots.get(bid)
            if root is None:
                continue  # removed meanwhile
            try:
                await self._item(root)
            except DAMAGE as error:
                if self._out.failed:
                    raise
                skipped.append((root.name, error.code))
        await self._sealed(END, self._chain.end())
        await self._out.drain(everything=True)
        counts = self._chain.counts
        return Exported(counts[ITEM], counts[BLOCK], self._out.sent, skipped)

    # --- items --------------------------------------------------------------------------------------------------------

    async def _item(self, root: ops.Root) -> None:
        index = self._store.index
        line = index.line_of.get(root.bid, b"")
        heads = tuple(index.lines.get(line, ()))
        members = index.members(root.bid)
        held = [number for member in members for number in self._store.hold_root(member)]
        try:
            versions = []
            for member in members:
                try:
                    versions.append(await self._version(index.roots[member]))
                except DAMAGE:  # of an older version it is no reason to leave the file out
                    if member == root.bid or self._out.failed:
                        raise
            await self._sealed(ITEM, Item(line, tuple(versions), heads).pack())
        finally:
            self._store.unhold_all(held)

    async def _version(self, root: ops.Root) -> Version:
        store = self._store
        number = store.number_of(root.bid)
        manifest = await read_manifest(store, number, None)
        fresh = await self._below(manifest)
        capability = (root.bid, root.secret)
        if fresh is None:
            await self._block(number)
        else:
            sealed = await self._seal_manifest(fresh)
            capability = (sealed.bid, sealed.secret)
        offered = root.offer or root.link or (root.bid, root.secret)
        if root.shared:
            for one in {store.number_of(offered[0]), *ops.numbers_of(root.offer_runs)}:
                await self._block(one)
        return Version(root.bid, *capability, root.time_ms, root.shared, offered)

    # --- manifests ------------------------------------------------------------------------------------------------------

    async def _below(self, manifest: Manifest) -> Manifest | None:
        """Write everything under a manifest; the manifest as it must be in the archive, or None if it may stay."""
        leaves = manifest.kind == FILE and manifest.level == 0
        refs = [await (self._chunk(ref) if leaves else self._part(ref)) for ref in manifest.refs]
        entries = [await self._entry(entry) for entry in manifest.entries]
        if refs == list(manifest.refs) and entries == list(manifest.entries):
            return None
        fresh = dataclasses.replace(manifest, refs=Refs.of(refs), entries=tuple(entries))
        if manifest.kind == DIR and manifest.h_file != ops.NO_ID:
            fresh = dataclasses.replace(fresh, h_file=folder_hash(fresh, self._store.ports.hashes.hash))
        return fresh

    async def _chunk(self, ref: Ref) -> Ref:
        entry = await self._block(self._store.number_of_ref(ref))
        if ops.bid_of(entry) == ref.bid:
            return ref
        place = ops.place_of(entry)
        return dataclasses.replace(
            ref, bid=ops.bid_of(entry), secret=entry[32:64],
            block_len=place.block_len, codec=place.codec, quality=place.quality,
        )  # fmt: skip

    async def _part(self, ref: Ref) -> Ref:
        if ref.bid in self._written:
            return ref
        number = self._store.number_of(ref.bid)
        fresh = await self._below(await read_manifest(self._store, number, ref.secret, ref.h))
        if fresh is None:
            await self._block(number)
            return ref
        sealed = await self._seal_manifest(fresh)
        return dataclasses.replace(
            ref, bid=sealed.bid, secret=sealed.secret, h=sealed.h, raw_len=sealed.raw_len,
            block_len=sealed.block.length, codec=sealed.codec, quality=sealed.quality,
        )  # fmt: skip

    async def _entry(self, entry: Entry) -> Entry:
        return entry if entry.ref is None else dataclasses.replace(entry, ref=await self._part(entry.ref))

    async def _seal_manifest(self, manifest: Manifest) -> Sealed:
        """Seal a manifest for the archive alone, and write it; its span is gone when this returns."""
        sealed = await self._seal(encode(manifest), KIND_MANIFEST, self._store.keys, self._quality)
        try:
            if sealed.bid not in self._written:
                self._written.add(sealed.bid)
                await self._frame(BLOCK, sealed.block, sealed.bid)
        finally:
            self._store.budget.free(sealed.block)
        return sealed

    # --- frames -------------------------------------------------------------------------------------------------------

    async def _block(self, number: int) -> bytes:
        """Write a block, unless it is there already; the entry of what was written."""
        entry = self._store.index.entries[number]
        while not await self._wrote(number, entry):
            entry = self._store.index.entries[number]
        return entry

    async def _wrote(self, number: int, entry: bytes) -> bool:
        """Whether the archive has what this entry describes; False if it was sealed again, or moved, meanwhile."""
        store = self._store
        bid = ops.bid_of(entry)
        if bid in self._written:
            return True
        grant = ops.block_len_of(entry) + SLACK_BYTES
        await store.budget.take(grant)
        try:
            block = await store.read(number)
            try:
                if store.index.entries.get(number, entry) != entry:
                    return False
                if await store.budget.run(HashSpan(block), lane=False) != bid:
                    store.index.lose(number)
                    store.number_of(bid)  # raises NotFound: it is lost now
                await self._frame(BLOCK, block, bid)
                self._written.add(bid)
            finally:
                store.budget.free(block)
        finally:
            store.budget.give(grant)
        self._done += ops.block_len_of(entry)
        if self._progress is not None:
            self._progress(Progress(self._done, self._done, self._done, self._total))
        return True

    async def _sealed(self, kind: int, data: bytes) -> None:
        sealed = await self._seal(data, KIND_INDEX, self._keys, 6)
        try:
            await self._frame(kind, sealed.block, sealed.bid)
        finally:
            self._store.budget.free(sealed.block)

    async def _seal(self, data: bytes, kind: int, keys: int, quality: int) -> Sealed:
        budget = self._store.budget
        span = await budget.alloc(len(data))
        try:
            self._store.ports.arena.write(span, data)
            return await budget.run(Seal(span, kind, quality, keys, urgent=True), lane=False)
        finally:
            budget.free(span)

    async def _frame(self, kind: int, payload: Span, digest: bytes) -> None:
        frame = archive.encode_frame(kind, payload.length)
        self._out.write(frame)
        await self._out.pass_on(payload)
        self._chain.add(frame, kind, digest)
