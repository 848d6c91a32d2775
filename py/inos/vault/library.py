"""What people do with files and folders beyond putting and getting them: folders, names, versions.

Composition only: ``folder`` puts, ``tree`` looks, ``edit`` changes, ``versions`` keeps histories. Invariants: every change
is a new version of the root it is asked of, durable on return; what was there before stays until it is forgotten. Must not
know: peers, pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress

from inos.errors import CorruptError, LimitExceeded, NotFound, StorageLost
from inos.tasks import Semaphore
from inos.vault import ops, tree
from inos.vault.catalog import Catalog, Found
from inos.vault.edit import Change, Edit
from inos.vault.folder import FolderResult, Item, PutFolder
from inos.vault.manifest import DIR, DIR_MEDIA_TYPE, Entry, Manifest
from inos.vault.names import check_name
from inos.vault.put import Progress
from inos.vault.store import Store
from inos.vault.versions import Lines, root_of, seal_root
from inos.vault.walk import walk

ROWS_PER_STEP = 1_000  # of the catalog, between which others have their turn


class Library:
    """The files and folders of one open vault."""

    def __init__(self, store: Store, lines: Lines, quality: int, refs_max: int) -> None:
        self._store = store
        self._lines = lines
        self._quality = quality
        self._refs_max = refs_max
        self._catalog = Catalog()
        self._shelving = Semaphore(1)
        self._shelved = -1  # the generation of the index that the catalog agrees with

    # --- folders ------------------------------------------------------------------------------------------------------

    async def put_folder(
        self, items: Iterable[Item], name: str, replaces: bytes | None, progress: Callable[[Progress], None] | None
    ) -> FolderResult:
        """Keep a folder as one root."""
        put = PutFolder(
            self._store, self._lines, items, name, self._quality, progress, self._refs_max, replaces=replaces
        )
        return await put.run()

    async def entries(self, root: bytes, path: str = "") -> list[Entry]:
        """What a folder holds, without the contents. Raises NotFound."""
        held = self._store.hold_root(root)
        try:
            folder = await tree.open_root(self._store, root)
            if path:
                folder = await tree.manifest_at(self._store, folder, path)
            if folder.kind != DIR:
                raise NotFound("not a folder")
            return [dataclasses.replace(entry, inline=None) async for entry in tree.listing(self._store, folder)]
        finally:
            self._store.unhold_all(held)

    async def find(self, text: str) -> list[Found]:
        """Files and folders with these words in their names or paths. The first time folders are read for it."""
        await self.shelve(lambda: True)
        found = self._catalog.find(text)
        if not self._catalog.is_synced:  # it was in doubt, and is gone: once more
            await self.shelve(lambda: True)
            found = self._catalog.find(text)
        return found

    async def shelve(self, may_go_on: Callable[[], bool]) -> None:
        """Make the catalog agree with the index, folder by folder."""
        await self._shelving.acquire()
        try:
            await self._shelve(may_go_on)
        finally:
            self._shelving.release()

    async def _shelve(self, may_go_on: Callable[[], bool]) -> None:
        index = self._store.index
        if self._shelved != index.generation or not self._catalog.is_synced:
            roots = [root for root in index.roots.values() if index.is_current(root.bid)]
            self._catalog.sync(
                Found(root.bid, "", root.name, root.media_type == DIR_MEDIA_TYPE, root.size) for root in roots
            )
            self._shelved = index.generation
        while (bid := self._catalog.todo()) is not None and may_go_on():
            if not await self._shelve_folder(bid, may_go_on):
                return

    async def _shelve_folder(self, bid: bytes, may_go_on: Callable[[], bool]) -> bool:
        """Read a folder into the catalog, in steps that hold nobody up; whether it came to its end."""
        catalog = self._catalog
        catalog.begin(bid)
        rows: list[tuple[str, bool, int]] = []
        with suppress(CorruptError, NotFound, StorageLost, LimitExceeded):  # damaged: found as far as it can be read
            async with aclosing(self.walk(bid)) as found:
                async for path, entry in found:
                    rows.append((path, entry.kind == DIR, entry.size))
                    if len(rows) == ROWS_PER_STEP:
                        catalog.add(bid, rows)
                        rows = []
                        await self._store.tasks.sleep(0)
                        if not may_go_on():
                            return False
        catalog.add(bid, rows)
        catalog.finish(bid)
        return True

    def close(self) -> None:
        """Names do not outlive the open vault."""
        self._catalog.drop()

    async def entry(self, root: bytes, path: str) -> Entry:
        """What a folder says of one thing in it, without the contents. Raises NotFound."""
        held = self._store.hold_root(root)
        try:
            found = await tree.find(self._store, await tree.open_root(self._store, root), path)
            return dataclasses.replace(found, inline=None)
        finally:
            self._store.unhold_all(held)

    async def walk(self, root: bytes) -> AsyncGenerator[tuple[str, Entry], None]:
        """Everything in a folder, path and entry; nothing for a file."""
        held = self._store.hold_root(root)
        try:
            folder = await tree.open_root(self._store, root)
            if folder.kind == DIR:
                async for row in tree.walk(self._store, folder):
                    yield row
        finally:
            self._store.unhold_all(held)

    # --- versions -----------------------------------------------------------------------------------------------------

    async def restore(self, root: bytes) -> None:
        """Make an older version the current one."""
        await self._lines.restore(root)

    async def rename(self, root: bytes, name: str, path: str = "") -> bytes:
        """Another name for a file, a folder, or something in a folder; the new root. Raises BadName, BadArgument, NotFound."""
        check_name(name)
        if path:
            return await self._edit(root, path, lambda entry: dataclasses.replace(entry, name=name), drops=False)
        held = self._store.hold_root(root)
        made: list[int] = []
        try:
            manifest = await tree.open_root(self._store, root)
            if manifest.name == name:
                return root
            return await self._replace(root, dataclasses.replace(manifest, name=name, prev=None), set(), made)
        finally:
            self._store.unhold_all(held + made)

    async def remove_entry(self, root: bytes, path: str) -> bytes:
        """A folder without one of its entries; the new root."""
        return await self._edit(root, path, lambda _: None, drops=True)

    async def _edit(self, root: bytes, path: str, change: Change, *, drops: bool) -> bytes:
        held = self._store.hold_root(root)
        edit = Edit(self._store, self._quality)
        try:
            before = await tree.open_root(self._store, root)
            after = await edit.run(before, tree.split_path(path), change)
            numbers = await self._below(after) if drops else None
            # Two equal folders in one have one manifest: it stays while either needs it.
            still = {one.ref.bid async for one in tree.below(self._store, after, files=False)}
            replaced = {self._store.number_of(bid) for bid in edit.replaced - still}
            after = dataclasses.replace(after, prev=None)
            return await self._replace(root, after, replaced, edit.held, numbers)
        finally:
            self._store.unhold_all(held + edit.held)

    async def _below(self, manifest: Manifest) -> set[int]:
        walked = await walk(self._store, manifest)
        if walked.missing:
            raise NotFound("blocks of the folder are missing")
        return walked.numbers

    async def _replace(
        self, root: bytes, manifest: Manifest, replaced: set[int], held: list[int], numbers: set[int] | None = None
    ) -> bytes:
        """Make a manifest the next version of a root, whose blocks it lists too, but for those that were ``replaced``."""
        store, known = self._store, self._store.index.roots[root]
        made = await seal_root(store, manifest, self._quality, root, held)
        if numbers is None:
            numbers = set(ops.numbers_of(known.runs)) - replaced - {store.number_of(root)}
        new = root_of(store, manifest, made, numbers | set(held), counts=(known.chunks, 0, known.size))
        mine, held[:] = list(held), []
        await self._lines.add(new, root, lambda: store.unhold_all(mine))
        return new.bid
