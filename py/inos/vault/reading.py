"""Manifests from the own disk.

Invariants: what comes back was opened under the right key and decoded whole; the caller says by which secret, or that the
vault's own keys do. Must not know: what is done with a manifest.
"""

from __future__ import annotations

from inos.errors import UnsupportedFeature
from inos.limits import MANIFEST_BYTES_MAX
from inos.ports import KIND_MANIFEST, Open
from inos.vault.manifest import FILE, Manifest, decode
from inos.vault.refs import Ref
from inos.vault.store import Store


async def open_any(store: Store, number: int, secret: bytes | None, h: bytes | None = None) -> Manifest:
    """A file's or folder's manifest; ``secret`` None for one that was sealed here. Raises the classes of vault-format 1.5."""
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


async def open_manifest(store: Store, number: int, secret: bytes | None) -> Manifest:
    """A file's manifest. Raises UnsupportedFeature for a folder's."""
    manifest = await open_any(store, number, secret)
    if manifest.kind != FILE:
        raise UnsupportedFeature("a folder's manifest")
    return manifest


async def open_ref(store: Store, ref: Ref) -> Manifest:
    """The manifest that a reference names. Raises NotFound when it is not here."""
    return await open_any(store, store.number_of(ref.bid), ref.secret, ref.h)
