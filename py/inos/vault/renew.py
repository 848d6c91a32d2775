"""Manifests with the names that chunks have now, for a root that is given out after some of them were sealed again.

Invariants: a manifest under which nothing changed stays as it is, with its name; what is written is held by the caller's
list.
Must not know: links.
"""

from __future__ import annotations

from dataclasses import replace

from inos.vault import ops
from inos.vault.get import read_manifest
from inos.vault.manifest import DIR, FILE, Entry, Manifest, encode, folder_hash
from inos.vault.refs import Ref, Refs, unpack_ref
from inos.vault.store import Store, Stored


class Renewal:
    """One root's renewal; ``made`` are the new manifests, each with a hold."""

    def __init__(self, store: Store, quality: int) -> None:
        self._store = store
        self._quality = quality
        self.made: list[Stored] = []

    async def run(self, root: ops.Root) -> Stored | None:
        """The root's new manifest, or None if it names everything by its present name. Raises NotFound, CorruptError."""
        manifest = await read_manifest(self._store, self._store.number_of(root.bid), None)
        renewed = await self._renewed(manifest)
        return None if renewed is None else await self._seal(renewed)

    async def _seal(self, manifest: Manifest) -> Stored:
        made = await self._store.seal_manifest(encode(manifest), self._quality)
        self.made.append(made)
        return made

    async def _renewed(self, manifest: Manifest) -> Manifest | None:
        leaves = manifest.kind == FILE and manifest.level == 0
        refs = [await (self._chunk(ref) if leaves else self._part(ref)) for ref in manifest.refs]
        entries = [await self._entry(entry) for entry in manifest.entries]
        if refs == list(manifest.refs) and entries == list(manifest.entries):
            return None
        renewed = replace(manifest, refs=Refs.of(refs), entries=tuple(entries))
        if manifest.kind == DIR and manifest.h_file != ops.NO_ID:
            renewed = replace(renewed, h_file=folder_hash(renewed, self._store.ports.hashes.hash))
        return renewed

    async def _chunk(self, ref: Ref) -> Ref:
        entry = self._store.index.entries[self._store.number_of_ref(ref)]
        return ref if ops.bid_of(entry) == ref.bid else unpack_ref(ops.ref_of(entry, ref.covers))

    async def _part(self, ref: Ref) -> Ref:
        number = self._store.number_of(ref.bid)
        secret = ref.secret if ops.is_foreign(self._store.index.entries[number]) else None
        renewed = await self._renewed(await read_manifest(self._store, number, secret))
        return ref if renewed is None else unpack_ref(ops.ref_of((await self._seal(renewed)).entry, ref.covers))

    async def _entry(self, entry: Entry) -> Entry:
        return entry if entry.ref is None else replace(entry, ref=await self._part(entry.ref))
