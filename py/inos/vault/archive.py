"""The archive: a whole vault, or what was in it, in one file.

    0   8   "INOSARC1"
    8   4   version = 1
    12  4   zero
    16  28  how the passphrase is stretched (``stretching``): the result is the secret of the archive's own keys
    44  4   zero

and then frames, one after the other, each

    0   4   "IARC"     8   4   length of the payload     16  ..  payload
    4   4   kind       12  4   zero

kind 1, info: first of all, once. 2, block: a block of the vault, verbatim. 3, item: a file or folder with its versions; all
blocks it needs came before. 4, end: last of all. All but blocks are sealed: a block v1 of kind 3 under the archive's keys,
of CBOR:

    info  [time_ms, items, block bytes, about]
    item  [line or empty, [version, ...], [signed head, ...]]
          version: [root, bid, secret, time_ms, shared, bid it was offered by, secret of that]
    end   [blocks, items, chain]

The *chain* runs through every frame before the end: c0 = BLAKE3 of the head, then c = BLAKE3(c || frame head || BLAKE3 of
the payload), so that a whole archive is told from one that was cut, and nothing can be left out of it, repeated or moved.

The archive's secret is not the vault's: whoever guesses the passphrase reads what is in the archive, and nothing else of
the vault, neither what it will hold later nor its signing key. Numbers are little-endian.

Nouns: a *version*'s bid and secret are what opens its manifest; what it was *offered* by is what links that were given out
name.
Invariants: the parsers raise CorruptErrors and LimitExceeded only, look at no more than they are given, and trust no number
before it was checked; ``Reader`` never holds a payload. Must not know: disks, the index.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inos.errors import (
    BadMagic,
    ContentMismatch,
    LimitExceeded,
    MalformedHeader,
    ManifestMalformed,
    Truncated,
    UnsupportedVersion,
)
from inos.limits import BLOCK_BYTES_MAX, BLOCK_OVERHEAD_BYTES, MANIFEST_BYTES_MAX, ROOTS_MAX, VERSIONS_MAX
from inos.vault import stretching
from inos.vault.heads import HEAD_BYTES_MAX, SIGNATURE_BYTES, SignedHead, parse
from inos.vault.stretching import Params
from inos.wire import cbor

MAGIC = b"INOSARC1"
VERSION = 1
FRAME_MAGIC = b"IARC"
INFO, BLOCK, ITEM, END = range(1, 5)
KIND_NAMES = {INFO: "info", BLOCK: "block", ITEM: "item", END: "end"}
HEAD_BYTES = 48
FRAME_BYTES = 16
ITEM_BYTES_MAX = 3_500_000  # sealed in one block; a line of VERSIONS_MAX versions takes as much
ABOUT_BYTES_MAX = 1_024
FRAMES_MAX = 1 << 32

_HEAD = struct.Struct(f"<8sII{stretching.PARAMS_BYTES}sI")
_FRAME = struct.Struct("<4sIII")
assert _HEAD.size == HEAD_BYTES
assert _FRAME.size == FRAME_BYTES
assert ITEM_BYTES_MAX > VERSIONS_MAX * (HEAD_BYTES_MAX + SIGNATURE_BYTES)
assert ITEM_BYTES_MAX + ITEM_BYTES_MAX // 8 + BLOCK_OVERHEAD_BYTES < BLOCK_BYTES_MAX

Hash = Callable[[bytes], bytes]


def encode_head(params: Params) -> bytes:
    """48 bytes."""
    return _HEAD.pack(MAGIC, VERSION, 0, params.pack(), 0)


def parse_head(data: bytes) -> Params:
    """Inverse of ``encode_head``. Raises Truncated, BadMagic, UnsupportedVersion, MalformedHeader, LimitExceeded."""
    if len(data) < HEAD_BYTES:
        raise Truncated(f"an archive of {len(data)} bytes")
    magic, version, zero, params, zeros = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise BadMagic("not an archive")
    if version != VERSION:
        raise UnsupportedVersion(f"archive version {version}")
    if zero or zeros:
        raise MalformedHeader("reserved bytes of an archive's head")
    return stretching.unpack(params)


def encode_frame(kind: int, length: int) -> bytes:
    """16 bytes, before a payload."""
    return _FRAME.pack(FRAME_MAGIC, kind, length, 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """What comes next, and its bytes as they are in the chain."""

    kind: int
    length: int
    head: bytes


def parse_frame(data: bytes) -> Frame:
    """Inverse of ``encode_frame``. Raises Truncated, BadMagic, MalformedHeader, LimitExceeded."""
    if len(data) < FRAME_BYTES:
        raise Truncated("an archive that ends within a frame")
    head = data[:FRAME_BYTES]
    magic, kind, length, zero = _FRAME.unpack(head)
    if magic != FRAME_MAGIC:
        raise BadMagic("no frame where one should be")
    if kind not in KIND_NAMES or zero:
        raise MalformedHeader("a frame of no kind")
    if length > BLOCK_BYTES_MAX:
        raise LimitExceeded(f"a frame of {length} bytes")
    if length < BLOCK_OVERHEAD_BYTES:
        raise MalformedHeader("a frame shorter than any block")
    return Frame(kind, length, head)


@dataclass(frozen=True, slots=True)
class Info:
    """What an archive says of itself at its beginning; ``about`` is for people."""

    time_ms: int
    items: int
    block_bytes: int
    about: str

    def pack(self) -> bytes:
        """CBOR."""
        return cbor.encode([self.time_ms, self.items, self.block_bytes, self.about])


def unpack_info(data: bytes) -> Info:
    """Inverse of ``Info.pack``. Raises ManifestMalformed, LimitExceeded."""
    fields = _fields(data, (int, int, int, str))
    if any(number < 0 for number in fields[:3]) or len(fields[3]) > ABOUT_BYTES_MAX:
        raise ManifestMalformed("an archive's info")
    if fields[1] > ROOTS_MAX:
        raise LimitExceeded(f"an archive of {fields[1]} files")
    return Info(*fields)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an item. ``root`` is what heads call it; ``shared``: it was given out under what it is ``offered`` by."""

    root: bytes
    bid: bytes
    secret: bytes = field(repr=False)
    time_ms: int
    shared: bool
    offered: tuple[bytes, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder: its versions whose contents are here, oldest first, and its line, if it has one."""

    line: bytes
    versions: tuple[Version, ...]
    heads: tuple[SignedHead, ...]

    def pack(self) -> bytes:
        """CBOR."""
        rows = [[v.root, v.bid, v.secret, v.time_ms, v.shared, *v.offered] for v in self.versions]
        return cbor.encode([self.line, rows, [head.pack() for head in self.heads]], bytes_max=ITEM_BYTES_MAX)


def unpack_item(data: bytes) -> Item:
    """Inverse of ``Item.pack``; checks the form of heads, neither chain nor signatures. Raises CorruptError classes."""
    line, rows, packed = _fields(data, (bytes, list, list), ITEM_BYTES_MAX)
    if len(line) not in (0, 32) or bool(line) != bool(packed) or not 1 <= len(rows) <= VERSIONS_MAX:
        raise ManifestMalformed("an item's fields")
    if len(packed) > VERSIONS_MAX or any(type(head) is not bytes for head in packed):
        raise ManifestMalformed("an item's heads")
    heads = tuple(parse(head) for head in packed)
    if any(head.head.line != line for head in heads):
        raise ManifestMalformed("a head of another line")
    return Item(line, tuple(_version(row) for row in rows), heads)


def _version(row: object) -> Version:
    if type(row) is not list or len(row) != 7:
        raise ManifestMalformed("a version that is not a row of seven")
    root, bid, secret, time_ms, shared, *offered = row
    if any(type(part) is not bytes or len(part) != 32 for part in (root, bid, secret, *offered)):
        raise ManifestMalformed("a version's ids")
    if type(time_ms) is not int or time_ms < 0 or type(shared) is not bool:
        raise ManifestMalformed("a version's fields")
    return Version(root, bid, secret, time_ms, shared, (offered[0], offered[1]))


def _fields(data: bytes, types: tuple[type, ...], bytes_max: int = MANIFEST_BYTES_MAX) -> list[Any]:
    fields = cbor.decode(data, bytes_max=bytes_max)
    if type(fields) is not list or len(fields) != len(types):
        raise ManifestMalformed(f"not an array of {len(types)}")
    if any(type(value) is not kind for value, kind in zip(fields, types, strict=True)):
        raise ManifestMalformed("a field of the wrong type")
    return fields


class Chain:
    """What both ends keep of an archive: the chain and the counts."""

    def __init__(self, head: bytes, hash_of: Hash) -> None:
        self._hash = hash_of
        self._value = hash_of(head)
        self.counts = {INFO: 0, BLOCK: 0, ITEM: 0, END: 0}

    def add(self, frame: bytes, kind: int, digest: bytes) -> None:
        """One more frame, whose payload hashes to ``digest``."""
        self._value = self._hash(self._value + frame + digest)
        self.counts[kind] += 1

    def end(self) -> bytes:
        """What the end frame says."""
        return cbor.encode([self.counts[BLOCK], self.counts[ITEM], self._value])


class Reader:
    """An archive's order: which frame may come, and whether the end is right. Payloads are somebody else's.

    ``head`` once, then for each frame ``frame``, and ``took`` with its payload's hash; for the end frame ``finish``.
    """

    def __init__(self, hash_of: Hash) -> None:
        self._hash = hash_of
        self._chain: Chain | None = None
        self.is_whole = False

    @property
    def has_begun(self) -> bool:
        """Whether the info was there, and could be opened."""
        return self._chain is not None and self._chain.counts[INFO] > 0

    def head(self, data: bytes) -> Params:
        """The first HEAD_BYTES."""
        params = parse_head(data)
        self._chain = Chain(data[:HEAD_BYTES], self._hash)
        return params

    def frame(self, data: bytes) -> Frame:
        """The next FRAME_BYTES. Raises also for a frame that may not come here."""
        assert self._chain is not None
        if self.is_whole:
            raise MalformedHeader("something after the end of an archive")
        frame = parse_frame(data)
        counts = self._chain.counts
        if (frame.kind == INFO) != (counts[INFO] == 0):
            raise MalformedHeader("info is the first frame, and only that")
        if sum(counts.values()) >= FRAMES_MAX or counts[ITEM] > ROOTS_MAX:
            raise LimitExceeded("an archive of too many frames")
        return frame

    def took(self, frame: Frame, digest: bytes) -> None:
        """A frame's payload was dealt with."""
        assert self._chain is not None
        self._chain.add(frame.head, frame.kind, digest)

    def finish(self, payload: bytes) -> None:
        """What the end frame says, opened. Raises ContentMismatch when it is not what came before it."""
        assert self._chain is not None
        if payload != self._chain.end():
            raise ContentMismatch("an archive of which something is missing, or comes twice")
        self.is_whole = True
