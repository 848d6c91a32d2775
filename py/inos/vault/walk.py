"""From a manifest to everything it names.

Nouns: the *children* of a manifest are the blocks it names: chunks, the manifests of its parts, and in a folder those of
its entries. Invariants: a walk meets each block once, whatever the manifests say, and goes on past what is missing. Must
not know: logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from inos.errors import CorruptError, NotFound, StorageLost
from inos.ports import KIND_CHUNK, KIND_MANIFEST
from inos.vault import ops
from inos.vault.get import read_manifest
from inos.vault.manifest import FILE, Manifest
from inos.vault.refs import Ref
from inos.vault.store import Store


def children_of(manifest: Manifest) -> Iterator[tuple[int, Ref]]:
    """Kind and reference of every block that a manifest names itself."""
    kind = KIND_CHUNK if manifest.kind == FILE and manifest.level == 0 else KIND_MANIFEST
    for ref in manifest.refs:
        yield kind, ref
    for entry in manifest.entries:
        if entry.ref is not None:
            yield KIND_MANIFEST, entry.ref


@dataclass(slots=True)
class Walked:
    """What lies under a manifest: numbers of the blocks that are here, how many chunks there are, how many blocks are missing."""

    numbers: set[int] = field(default_factory=set)
    chunks: int = 0
    missing: int = 0


async def walk(store: Store, manifest: Manifest) -> Walked:
    """Everything under a manifest that was sealed here, or names its parts by their secrets."""
    walked = Walked()
    todo = [manifest]
    seen: set[bytes] = set()
    while todo:
        for kind, ref in children_of(todo.pop()):
            if ref.bid in seen:
                continue
            seen.add(ref.bid)
            walked.chunks += kind == KIND_CHUNK
            number = store.find_ref(ref) if kind == KIND_CHUNK else store.index.by_bid.get(ref.bid)
            if number is None:
                walked.missing += 1
                continue
            walked.numbers.add(number)
            if kind == KIND_MANIFEST:
                own = not ops.is_foreign(store.index.entries[number])
                try:
                    todo.append(await read_manifest(store, number, None if own else ref.secret))
                except (CorruptError, NotFound, StorageLost):
                    walked.missing += 1
    return walked
