"""Changing one entry of a folder: the manifests along its path are made anew, everything else stays as it is.

Nouns: a *change* takes an entry and gives the one to take its place, or None. Invariants: the folder that is given is not
touched; every manifest that is made is held by the caller. Must not know: roots, versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from inos.errors import BadArgument, NotFound
from inos.vault import ops
from inos.vault.manifest import DIR, Entry, Manifest, encode, folder_hash
from inos.vault.refs import Ref, Refs, unpack_ref
from inos.vault.store import Store
from inos.vault.tree import open_entry, open_part

Change = Callable[[Entry], Entry | None]


class Edit:
    """One change of one folder. ``held``: numbers of the manifests made; ``replaced``: bids of those they stand for."""

    def __init__(self, store: Store, quality: int) -> None:
        self._store = store
        self._quality = quality
        self.held: list[int] = []
        self.replaced: set[bytes] = set()

    async def run(self, folder: Manifest, names: list[str], change: Change) -> Manifest:
        """The folder after the change, not sealed. Raises NotFound, BadArgument when the new name is taken."""
        after = await self._run(folder, names, change)
        return dataclasses.replace(after, h_file=folder_hash(after, self._store.ports.hashes.hash))

    async def _run(self, folder: Manifest, names: list[str], change: Change) -> Manifest:
        if folder.kind != DIR:
            raise NotFound("not a folder")
        where, entry = await self._locate(folder, names[0])
        if len(names) == 1:
            new = change(entry)
        else:
            if entry.ref is None or entry.kind != DIR:
                raise NotFound(f"nothing at {names[0]!r}")
            child = await self.run(await open_entry(self._store, entry), names[1:], change)
            self.replaced.add(entry.ref.bid)
            new = dataclasses.replace(entry, size=child.total_len, ref=await self._seal(child))
        if new is not None and new.name != entry.name:
            with_it = await self._put(folder, await self._place(folder, new.name), new)
            where, _ = await self._locate(with_it, entry.name)
            return await self._drop(with_it, where, entry)
        if new is None:
            return await self._drop(folder, where, entry)
        return await self._swap(folder, where, entry, new)

    # --- where --------------------------------------------------------------------------------------------------------

    async def _place(self, folder: Manifest, name: str) -> int:
        """The part of a split folder in which a name is, or would be."""
        found = 0
        for at, ref in enumerate(folder.refs):
            part = await open_part(self._store, folder, ref)
            if part.entries and part.entries[0].name.encode() > name.encode():
                break
            found = at
        return found

    async def _locate(self, folder: Manifest, name: str) -> tuple[int, Entry]:
        at = await self._place(folder, name)
        part = await open_part(self._store, folder, folder.refs[at]) if folder.level else folder
        for entry in part.entries:
            if entry.name == name:
                return at, entry
        raise NotFound(f"nothing at {name!r}")

    # --- what ---------------------------------------------------------------------------------------------------------

    async def _swap(self, folder: Manifest, at: int, old: Entry, new: Entry) -> Manifest:
        return await self._change(folder, at, lambda entries: [new if entry == old else entry for entry in entries])

    async def _drop(self, folder: Manifest, at: int, old: Entry) -> Manifest:
        return await self._change(folder, at, lambda entries: [entry for entry in entries if entry != old])

    async def _put(self, folder: Manifest, at: int, new: Entry) -> Manifest:
        def insert(entries: list[Entry]) -> list[Entry]:
            if any(entry.name == new.name for entry in entries):
                raise BadArgument("there is something of that name already")
            return sorted([*entries, new], key=lambda entry: entry.name.encode())

        return await self._change(folder, at, insert)

    async def _change(self, folder: Manifest, at: int, change: Callable[[list[Entry]], list[Entry]]) -> Manifest:
        """A folder with the entries of one part changed; a part that is left empty goes."""
        if folder.level == 0:
            return _with(folder, change(list(folder.entries)))
        ref = folder.refs[at]
        part = await open_part(self._store, folder, ref)
        self.replaced.add(ref.bid)
        entries = change(list(part.entries))
        made = [await self._seal(_with(part, entries))] if entries else []
        refs = [*folder.refs[:at], *made, *folder.refs[at + 1 :]]
        total = sum(one.covers for one in refs)
        if not refs:
            return dataclasses.replace(folder, total_len=0, refs=Refs(), level=0)
        return dataclasses.replace(folder, total_len=total, refs=Refs.of(refs))

    async def _seal(self, manifest: Manifest) -> Ref:
        made = await self._store.seal_manifest(encode(manifest), self._quality)
        self.held.append(made.number)
        return unpack_ref(ops.ref_of(made.entry, manifest.total_len))


def _with(folder: Manifest, entries: list[Entry]) -> Manifest:
    return dataclasses.replace(folder, entries=tuple(entries), total_len=sum(entry.size for entry in entries))
