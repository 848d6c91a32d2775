"""Manifests of files and folders: what is accepted is consistent, and has one encoding."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.mutate import mutate_cbor as mutate

from inos.vault import manifest
from inos.vault.manifest import DIR, FILE, Entry, Manifest, Ref, Refs

__all__ = ["mutate", "run", "seeds"]


def run(data: bytes) -> None:
    """See Target."""
    made = manifest.decode(data)
    assert manifest.encode(made) == data, "two encodings of one manifest"
    assert all(ref.covers > 0 for ref in made.refs)
    if made.level > 0 and len(made.refs) > 0:
        child = Manifest(made.kind, made.refs[0].covers, bytes(32), level=made.level - 1, refs=made.refs[:1])
        manifest.check_child(made, made.refs[0], child)


def ref(covers: int, raw_len: int | None = None) -> Ref:
    """A reference to a block that nobody has."""
    return Ref(b"b" * 32, b"s" * 32, b"h" * 32, covers, raw_len or covers, 80 + (raw_len or covers), 1, 6)


def seeds() -> Iterator[bytes]:
    """See Target."""
    time_ms = 1_764_000_000_000
    chunks = Refs.of([ref(300_000), ref(1_048_576), ref(7)])
    parts = Refs.of([ref(1 << 30, 90_000), ref(5_000, 400)])
    entries = (
        Entry("a folder", DIR, 0, None, ref=ref(0, 200)),
        Entry("big.bin", FILE, 1 << 40, time_ms, ref=ref(1 << 40, 3_000)),
        Entry("small.txt", FILE, 5, -1, inline=b"hello"),
        Entry("\u00e4\u4e2d\U0001f600", FILE, 0, None, inline=b""),
    )
    made = (
        Manifest(FILE, 5, b"f" * 32, inline=b"hello", name="hello.txt", media_type="text/plain", mtime_ms=time_ms),
        Manifest(FILE, 0, b"f" * 32, inline=b""),
        Manifest(FILE, 1_348_583, b"f" * 32, refs=chunks, name="three.bin", prev=b"p" * 32),
        Manifest(FILE, (1 << 30) + 5_000, b"f" * 32, refs=parts, level=1, extra={12: [1, {2: b"kept"}]}),
        Manifest(FILE, (1 << 30) + 5_000, b"f" * 32, refs=parts, level=3),
        Manifest(DIR, sum(entry.size for entry in entries), b"d" * 32, entries=entries, name="folder"),
        Manifest(DIR, (1 << 30) + 5_000, b"d" * 32, refs=parts, level=1),
        Manifest(DIR, 0, b"d" * 32),
    )
    return map(manifest.encode, made)
