"""Block v1 in Python: the readable form of what the kernel does, byte for byte (vault-format 1.3).

    0 "INOB" | 4 version 1 | 5 suite 1 | 6 u16 0 | 8 u32 block_len | 12 u32 0 | 16 salt 32
    48 encrypted: inner header 16 (kind, codec, quality, flags 0, u32 raw_len, u32 enc_len, u32 0) | payload | zero padding
    end tag 16

Nouns: ``bid`` = hash of the whole block, its public name; ``secret`` opens it; ``h`` = hash of the plaintext; ``cid`` =
keyed hash of ``h``, the dedupe key. A *suite* is the algorithms, injected, so that wheels or ``inos.reference`` serve
alike.

Invariants: sealing draws no randomness: salt, secret, key and nonce follow from the bytes sealed, so a key is never used
for two messages and the same input gives the same block; nothing is decompressed before its length is within the cap;
failures are the classes of vault-format 1.5, in the order header, bid, tag (and the owner's salt), inner and padding,
codec, h.
Must not know: memory, disks, manifests.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from inos.errors import (
    AuthFailed,
    BadArgument,
    BadMagic,
    CodecError,
    ContentMismatch,
    IdMismatch,
    LimitExceeded,
    MalformedHeader,
    MalformedInner,
    Truncated,
    UnsupportedSuite,
    UnsupportedVersion,
)
from inos.limits import (
    BLOCK_BYTES_MAX,
    BLOCK_HEADER_BYTES,
    BLOCK_INNER_BYTES,
    BLOCK_OVERHEAD_BYTES,
    BLOCK_TAG_BYTES,
    RAW_BYTES_MAX,
)
from inos.vault.contexts import BLOCK_AEAD, BlockKeys, SmallHashes, kind_index

MAGIC = b"INOB"
VERSION = 1
SUITE = 1
CODEC_RAW = 0
CODEC_BROTLI = 1
GAIN_DIVISOR = 64  # Brotli is kept only if it saves at least 1/64
_PREFIX_BYTES = 16  # the header before the salt
_KEY_BYTES = 32
_NONCE_BYTES = 12

_PREFIX = struct.Struct("<4sBBHII")
_INNER = struct.Struct("<BBBBIII")
assert _PREFIX.size == _PREFIX_BYTES
assert _INNER.size == BLOCK_INNER_BYTES


class Aead(Protocol):
    """ChaCha20-Poly1305 (RFC 8439)."""

    def seal(self, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""

    def open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Plaintext. Raises AuthFailed."""


Compress = Callable[[bytes, int], bytes]  # raw, quality
Decompress = Callable[[bytes, int], bytes]  # payload, raw_len; CodecError; makes at most raw_len + 1 bytes


@dataclass(frozen=True, slots=True)
class Suite:
    """The algorithms of suite 1, from wherever they come."""

    hashes: SmallHashes
    aead: Aead
    compress: Compress
    decompress: Decompress


@dataclass(frozen=True, slots=True)
class SealedBytes:
    """A finished block and its names."""

    block: bytes = field(repr=False)
    secret: bytes = field(repr=False)
    bid: bytes
    h: bytes
    cid: bytes
    codec: int
    quality: int


@dataclass(frozen=True, slots=True)
class OpenedBytes:
    """A block's plaintext."""

    raw: bytes = field(repr=False)
    h: bytes
    codec: int
    quality: int


def padme(length: int) -> int:
    """The padded length (Nikitin et al., PETS 2019): at most 12 % more, and leaks O(log log length) bits."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask


def block_len_of(enc_len: int) -> int:
    """Length of the block whose payload has ``enc_len`` bytes."""
    return BLOCK_HEADER_BYTES + padme(BLOCK_INNER_BYTES + enc_len) + BLOCK_TAG_BYTES


def prefix(block_len: int) -> bytes:
    """The sixteen clear bytes before the salt."""
    return _PREFIX.pack(MAGIC, VERSION, SUITE, 0, block_len, 0)


def outer_check(block: bytes) -> None:
    """What can be said about a block without any key or name. Raises vault-format 1.5, rows 1 and 2."""
    if len(block) < BLOCK_OVERHEAD_BYTES:
        raise Truncated(f"a block of {len(block)} bytes")
    magic, version, suite, reserved, block_len, reserved_too = _PREFIX.unpack_from(block)
    if magic != MAGIC:
        raise BadMagic("not a block")
    if version != VERSION:
        raise UnsupportedVersion(f"block version {version}")
    if suite != SUITE:
        raise UnsupportedSuite(f"block suite {suite}")
    if reserved != 0 or reserved_too != 0:
        raise MalformedHeader("reserved bytes that are not zero")
    if max(block_len, len(block)) > BLOCK_BYTES_MAX:
        raise LimitExceeded(f"a block of {max(block_len, len(block))} bytes")
    if block_len != len(block):
        raise MalformedHeader(f"a block of {len(block)} bytes that says {block_len}")


def seal(raw: bytes, kind: int, quality: int, keys: BlockKeys, suite: Suite) -> SealedBytes:
    """Plaintext -> block. ``quality`` 0 stores raw, else Brotli where it saves 1/64. Raises LimitExceeded, BadArgument."""
    if len(raw) > RAW_BYTES_MAX:
        raise LimitExceeded(f"{len(raw)} bytes in one block")
    if not 0 <= quality <= 11:
        raise BadArgument(f"Brotli has no quality {quality}")
    h = suite.hashes.hash(raw)
    codec, payload = CODEC_RAW, raw
    if quality > 0 and raw:
        packed = suite.compress(raw, quality)
        if len(packed) <= len(raw) - max(len(raw) // GAIN_DIVISOR, 1):
            codec, payload = CODEC_BROTLI, packed
    quality = quality if codec == CODEC_BROTLI else 0
    return seal_payload(payload, len(raw), h, kind, codec, quality, keys, suite)


def seal_payload(
    payload: bytes, raw_len: int, h: bytes, kind: int, codec: int, quality: int, keys: BlockKeys, suite: Suite
) -> SealedBytes:
    """The half of ``seal`` after compression, for payloads that already are what ``codec`` says."""
    index = kind_index(kind)
    block_len = block_len_of(len(payload))
    inner = _INNER.pack(kind, codec, quality, 0, raw_len, len(payload), 0) + payload
    inner = inner.ljust(block_len - BLOCK_HEADER_BYTES - BLOCK_TAG_BYTES, b"\0")
    head = prefix(block_len)
    # Synthetic: another plaintext, kind or length gives another salt, hence another key and nonce.
    salt = suite.hashes.keyed(keys.siv[index], head + inner)
    secret = suite.hashes.keyed(keys.enc[index], salt)
    key, nonce = _key_and_nonce(secret, suite)
    block = head + salt + suite.aead.seal(key, nonce, inner, head + salt + bytes([kind]))
    return SealedBytes(
        block=block,
        secret=secret,
        bid=suite.hashes.hash(block),
        h=h,
        cid=suite.hashes.keyed(keys.id, h),
        codec=codec,
        quality=quality,
    )


def _key_and_nonce(secret: bytes, suite: Suite) -> tuple[bytes, bytes]:
    material = suite.hashes.derive(BLOCK_AEAD, secret, _KEY_BYTES + _NONCE_BYTES)
    return material[:_KEY_BYTES], material[_KEY_BYTES:]


def open_block(
    block: bytes,
    kind: int,
    suite: Suite,
    *,
    secret: bytes | None = None,
    keys: BlockKeys | None = None,
    bid: bytes | None = None,
    h: bytes | None = None,
    raw_len_max: int = RAW_BYTES_MAX,
) -> OpenedBytes:
    """Block -> plaintext, as a reader (``secret``) or as the owner (``keys``, which also checks the salt).

    ``bid`` and ``h`` are checked when given. Raises every block class of vault-format 1.5.
    """
    index = kind_index(kind)
    outer_check(block)
    if bid is not None and suite.hashes.hash(block) != bid:
        raise IdMismatch("a block that does not hash to its name")
    head, salt = block[:_PREFIX_BYTES], block[_PREFIX_BYTES:BLOCK_HEADER_BYTES]
    if secret is None:
        if keys is None:
            raise BadArgument("neither a secret nor keys")
        secret = suite.hashes.keyed(keys.enc[index], salt)
        inner = _decrypt(block, kind, secret, suite)
        if suite.hashes.keyed(keys.siv[index], head + inner) != salt:
            raise AuthFailed("a salt that is not the one of these bytes")
    else:
        inner = _decrypt(block, kind, secret, suite)
    return _unpack(inner, kind, suite, h, raw_len_max)


def _decrypt(block: bytes, kind: int, secret: bytes, suite: Suite) -> bytes:
    key, nonce = _key_and_nonce(secret, suite)
    aad = block[:BLOCK_HEADER_BYTES] + bytes([kind])
    return suite.aead.open(key, nonce, block[BLOCK_HEADER_BYTES:], aad)


def _unpack(inner: bytes, kind: int, suite: Suite, h: bytes | None, raw_len_max: int) -> OpenedBytes:
    """What was encrypted -> plaintext."""
    inner_kind, codec, quality, flags, raw_len, enc_len, zero = _INNER.unpack_from(inner)
    if inner_kind != kind or flags != 0 or zero != 0:
        raise MalformedInner("an inner header that contradicts itself")
    end = BLOCK_INNER_BYTES + enc_len
    if end > len(inner) or padme(end) != len(inner) or inner[end:].strip(b"\0"):
        raise MalformedInner("padding that is not canonical")
    if codec not in (CODEC_RAW, CODEC_BROTLI):
        raise CodecError(f"codec {codec}")
    if raw_len > min(raw_len_max, RAW_BYTES_MAX):
        raise LimitExceeded(f"a plaintext of {raw_len} bytes")
    payload = inner[BLOCK_INNER_BYTES:end]
    raw = payload if codec == CODEC_RAW else suite.decompress(payload, raw_len)
    if len(raw) != raw_len:
        raise CodecError(f"{len(raw)} bytes where {raw_len} were promised")
    raw_h = suite.hashes.hash(raw)
    if h is not None and raw_h != h:
        raise ContentMismatch("a plaintext that does not hash to what its manifest says")
    return OpenedBytes(raw, raw_h, codec, quality)
