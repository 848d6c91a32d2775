"""Manifests: what a file (or a folder) consists of (vault-format 1.3).

Nouns: a *reference* says where some of a file's bytes are: the block's name, the secret that opens it, the hash of what is
inside, and how many bytes of the file it *covers*; at *level* 0 references are to chunks, at 1..3 to manifests of the level
below. *Inline* bytes replace references for small files. *Entries* are what a folder holds.

Invariants: ``decode(encode(m)) == m``; equal manifests have equal bytes; whatever ``decode`` returns is consistent (covers
sum to the length, names are acceptable, numbers are in bounds) and keeps unknown positive keys. An entry's data is inline
exactly when it is a file of at most INLINE_BYTES_MAX, so 116 bytes are never ambiguous. A folder's length is the sum of its
entries' sizes. Must not know: blocks, hashing, disks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inos import limits
from inos.errors import (
    BadArgument,
    LimitExceeded,
    ManifestInconsistent,
    ManifestMalformed,
    UnsupportedFeature,
    UnsupportedVersion,
)
from inos.vault.names import check_name
from inos.vault.refs import HASH_BYTES, REF_BYTES, Ref, Refs, check_refs, pack_refs, unpack_ref
from inos.wire import cbor

__all__ = [
    "DIR", "FILE", "REF_BYTES", "Entry", "Manifest", "Ref", "Refs",
    "check", "check_child", "check_entry", "decode", "encode", "folder_hash", "pack_refs", "unpack_ref",
]  # fmt: skip

VERSION = 1
FILE = 1
DIR = 2
DIR_MEDIA_TYPE = "inode/directory"  # of a folder's root, and of no file's
MTIME_MS_MAX = 8_640_000_000_000_000  # what a JavaScript Date can say, either side of 1970
_HASH_PIECE_BYTES = 32 * limits.KIB
_KEY_VERSION, _KEY_KIND, _KEY_TOTAL, _KEY_HASH, _KEY_REFS, _KEY_LEVEL = range(6)
_KEY_NAME, _KEY_MEDIA_TYPE, _KEY_MTIME, _KEY_INLINE, _KEY_PREV, _KEY_ENTRIES = range(6, 12)
KNOWN_KEYS = frozenset(range(12))


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder in a folder. A file of up to 16 KiB is here whole, a bigger one and a folder by reference."""

    name: str
    kind: int
    size: int
    mtime_ms: int | None
    inline: bytes | None = None
    ref: Ref | None = None


@dataclass(frozen=True)
class Manifest:
    """What one manifest block says. Empty ``name`` and ``media_type`` mean that there is none."""

    kind: int
    total_len: int
    h_file: bytes
    refs: Refs = field(default_factory=Refs)
    level: int = 0
    name: str = ""
    media_type: str = ""
    mtime_ms: int | None = None
    inline: bytes | None = None
    prev: bytes | None = None
    entries: tuple[Entry, ...] = ()
    extra: dict[int, object] = field(default_factory=dict)  # unknown positive keys, kept


def encode(manifest: Manifest) -> bytes:
    """Deterministic CBOR. Raises what ``decode`` would raise for it, LimitExceeded beyond 1 MiB, BadArgument."""
    check(manifest)
    if any(key < 0 or key in KNOWN_KEYS for key in manifest.extra):
        raise BadArgument("an extra key that is critical or has a meaning")
    body: dict[int, object] = {
        _KEY_VERSION: VERSION,
        _KEY_KIND: manifest.kind,
        _KEY_TOTAL: manifest.total_len,
        _KEY_HASH: manifest.h_file,
        _KEY_LEVEL: manifest.level,
    }
    optional: tuple[tuple[int, object, bool], ...] = (
        (_KEY_REFS, manifest.refs.packed, len(manifest.refs) > 0),
        (_KEY_NAME, manifest.name, manifest.name != ""),
        (_KEY_MEDIA_TYPE, manifest.media_type, manifest.media_type != ""),
        (_KEY_MTIME, manifest.mtime_ms, manifest.mtime_ms is not None),
        (_KEY_INLINE, manifest.inline, manifest.inline is not None),
        (_KEY_PREV, manifest.prev, manifest.prev is not None),
        (_KEY_ENTRIES, [_entry_row(entry) for entry in manifest.entries], len(manifest.entries) > 0),
    )
    body |= {key: value for key, value, present in optional if present}
    return cbor.encode(body | manifest.extra)


def _entry_row(entry: Entry) -> list[object]:
    data = entry.inline if entry.ref is None else entry.ref.pack()
    return [entry.name, entry.kind, entry.size, entry.mtime_ms, data]


def decode(data: bytes) -> Manifest:
    """Parse and check everything that can be checked without keys. Raises the classes of vault-format 1.5."""
    body = cbor.decode(data)
    if not isinstance(body, dict) or not all(type(key) is int for key in body):
        raise ManifestMalformed("not a map with integer keys")
    if type(body.get(_KEY_VERSION)) is not int:
        raise ManifestMalformed("no version")
    if body[_KEY_VERSION] != VERSION:
        raise UnsupportedVersion(f"manifest version {body[_KEY_VERSION]}")
    critical = [key for key in body if key < 0]
    if critical:
        raise UnsupportedFeature(f"critical extension {critical[0]}")
    kind = _required(body, _KEY_KIND, int)
    if kind not in (FILE, DIR):
        raise UnsupportedFeature(f"manifest type {kind}")
    name = _optional(body, _KEY_NAME, str, None)
    manifest = Manifest(
        kind=kind,
        total_len=_required(body, _KEY_TOTAL, int),
        h_file=_required(body, _KEY_HASH, bytes),
        refs=Refs(_optional(body, _KEY_REFS, bytes, b"")),
        level=_required(body, _KEY_LEVEL, int),
        name="" if name is None else check_name(name),
        media_type=_optional(body, _KEY_MEDIA_TYPE, str, ""),
        mtime_ms=_optional(body, _KEY_MTIME, int, None),
        inline=_optional(body, _KEY_INLINE, bytes, None),
        prev=_optional(body, _KEY_PREV, bytes, None),
        entries=tuple(_parse_entry(row) for row in _optional(body, _KEY_ENTRIES, list, [])),
        extra={key: value for key, value in body.items() if key not in KNOWN_KEYS},
    )
    check(manifest)
    return manifest


def _required(body: dict[int, Any], key: int, kind: type) -> Any:
    value = body.get(key)
    if type(value) is not kind:  # not isinstance: True is an int
        raise ManifestMalformed(f"key {key} is missing or of the wrong type")
    return value


def _optional(body: dict[int, Any], key: int, kind: type, absent: object) -> Any:
    if key not in body:
        return absent
    value = _required(body, key, kind)
    if value == absent:  # there is one encoding: without the key
        raise ManifestMalformed(f"key {key} says nothing")
    return value


def _parse_entry(row: object) -> Entry:
    if not isinstance(row, list) or len(row) != 5:
        raise ManifestMalformed("an entry that is not a row of five")
    name, kind, size, mtime_ms, data = row
    types_fit = type(name) is str and type(kind) is int and type(size) is int and type(data) is bytes
    if not types_fit or not (mtime_ms is None or type(mtime_ms) is int):
        raise ManifestMalformed("an entry with a field of the wrong type")
    if _is_inline(kind, size):
        return Entry(name, kind, size, mtime_ms, inline=data)
    return Entry(name, kind, size, mtime_ms, ref=unpack_ref(data))


def _is_inline(kind: int, size: int) -> bool:
    return kind == FILE and size <= limits.INLINE_BYTES_MAX


def check(manifest: Manifest) -> None:
    """Whether a manifest's numbers and names hold together. Raises the classes of vault-format 1.5."""
    if manifest.kind not in (FILE, DIR):
        raise UnsupportedFeature(f"manifest type {manifest.kind}")
    if len(manifest.h_file) != HASH_BYTES or (manifest.prev is not None and len(manifest.prev) != HASH_BYTES):
        raise ManifestMalformed("a hash that is not 32 bytes")
    if len(manifest.media_type) > limits.MEDIA_TYPE_BYTES_MAX or not _is_plain(manifest.media_type):
        raise ManifestMalformed("a media type that is not short ASCII")
    if manifest.name:
        check_name(manifest.name)
    _check_time(manifest.mtime_ms)
    if not 0 <= manifest.level <= limits.MANIFEST_LEVEL_MAX:
        raise ManifestInconsistent(f"level {manifest.level}")
    if not 0 <= manifest.total_len <= limits.FILE_BYTES_MAX:
        raise LimitExceeded(f"a length of {manifest.total_len} bytes")
    covered = check_refs(manifest.refs, manifest.level, may_be_empty=manifest.kind == DIR and manifest.level > 0)
    if manifest.kind == FILE:
        _check_file(manifest)
    else:
        _check_dir(manifest)
    held = covered + len(manifest.inline or b"") + sum(entry.size for entry in manifest.entries)
    if held != manifest.total_len:
        raise ManifestInconsistent(f"{held} bytes in what should have {manifest.total_len}")


def _is_plain(text: str) -> bool:
    return text.isascii() and (text == "" or text.isprintable())


def _check_time(mtime_ms: int | None) -> None:
    if mtime_ms is not None and abs(mtime_ms) > MTIME_MS_MAX:
        raise ManifestInconsistent("a time that no clock shows")


def _check_file(manifest: Manifest) -> None:
    if manifest.entries:
        raise ManifestInconsistent("a file with entries")
    if manifest.inline is not None:
        if len(manifest.inline) > limits.INLINE_BYTES_MAX:
            raise LimitExceeded(f"{len(manifest.inline)} inline bytes")
        if len(manifest.refs) > 0 or manifest.level != 0:
            raise ManifestInconsistent("inline bytes beside references")


def _check_dir(manifest: Manifest) -> None:
    if len(manifest.entries) > limits.DIR_ENTRIES_MAX:
        raise ManifestInconsistent(f"{len(manifest.entries)} entries, at most {limits.DIR_ENTRIES_MAX}")
    if manifest.inline is not None:
        raise ManifestInconsistent("a folder with inline bytes")
    if manifest.level > 1:
        raise ManifestInconsistent(f"a folder of level {manifest.level}")
    if (manifest.level == 0 and len(manifest.refs) > 0) or (manifest.level > 0 and manifest.entries):
        raise ManifestInconsistent("entries and references of a folder at one level")
    previous = b""
    for entry in manifest.entries:
        _check_row(entry)
        encoded = entry.name.encode()
        if encoded <= previous:
            raise ManifestInconsistent("entries that are not sorted by name, or not unique")
        previous = encoded


def _check_row(entry: Entry) -> None:
    check_name(entry.name)
    _check_time(entry.mtime_ms)
    if entry.kind not in (FILE, DIR):
        raise UnsupportedFeature(f"entry type {entry.kind}")
    if not 0 <= entry.size <= limits.FILE_BYTES_MAX:
        raise LimitExceeded(f"an entry of {entry.size} bytes")
    if _is_inline(entry.kind, entry.size):
        if entry.ref is not None or entry.inline is None or len(entry.inline) != entry.size:
            raise ManifestInconsistent("inline bytes of another length than the entry says")
        return
    if entry.ref is None or entry.inline is not None:
        raise ManifestInconsistent("an entry without a reference")
    # Level 1: the reference is to a manifest, whatever lies below it. Only a folder may cover nothing.
    if entry.ref.covers != entry.size:
        raise ManifestInconsistent(f"an entry of {entry.size} bytes that covers {entry.ref.covers}")
    check_refs(Refs(entry.ref.pack()), 1, may_be_empty=entry.kind == DIR)


def folder_hash(folder: Manifest, hash_of: Callable[[bytes], bytes]) -> bytes:
    """``h_file`` of a folder: of what it holds, whatever it is called itself. What is below it is in by its hash.

    A chain of hashes of pieces, since short ones are hashed at once (``inos.ports.Hashes``).
    """
    rows = []
    for entry in folder.entries:
        name = entry.name.encode()
        mtime_ms = "none" if entry.mtime_ms is None else entry.mtime_ms
        rows.append(f"{len(name)} {entry.kind} {entry.size} {mtime_ms} ".encode() + name)
        rows.append(entry.ref.h if entry.ref is not None else entry.inline or b"")
    data = b"".join(rows)
    data += b"".join(ref.h for ref in folder.refs)
    digest = bytes(HASH_BYTES)
    for at in range(0, max(1, len(data)), _HASH_PIECE_BYTES):
        digest = hash_of(digest + data[at : at + _HASH_PIECE_BYTES])
    return digest


def check_child(parent: Manifest, ref: Ref, child: Manifest) -> None:
    """Whether ``child`` is what ``ref`` of ``parent`` promised; levels fall by one, so no chain of manifests is endless."""
    if child.kind != parent.kind or child.level != parent.level - 1 or child.total_len != ref.covers:
        raise ManifestInconsistent("a manifest that is not what its parent says")


def check_entry(entry: Entry, child: Manifest) -> None:
    """Whether ``child`` is what an entry of a folder promised."""
    if child.kind != entry.kind or child.total_len != entry.size:
        raise ManifestInconsistent("a manifest that is not what its folder says")
