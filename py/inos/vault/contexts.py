"""The derive-key contexts of INOS: hard-coded, dated, never built from input.

Nouns: a *context* is the string that separates one use of BLAKE3 ``derive_key`` from every other (vault-format 1.3); *block
keys* are what one 32-byte secret yields. Kinds are numbered 1..3 as in ``inos.ports``, so index ``kind - 1`` holds a kind's
keys.

Invariants: a context is used for one purpose only; changing one changes every id below it, so they change only together
with the format's version. Must not know: where secrets come from, where keys are kept, or rooms (``inos.links`` has their
contexts).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from inos.errors import BadArgument
from inos.memory.layout import CONTEXT_PREFIX

SECRET_BYTES = 32
KIND_NAMES = ("chunk", "manifest", "index")

# From the vault's secret.
CHUNK_ID = CONTEXT_PREFIX + "chunk id"
BLOCK_SIV = tuple(CONTEXT_PREFIX + "block siv " + name for name in KIND_NAMES)
BLOCK_ENC = tuple(CONTEXT_PREFIX + "block enc " + name for name in KIND_NAMES)
CHUNKER = CONTEXT_PREFIX + "chunker"
LOCATOR = CONTEXT_PREFIX + "locator"
HEAD_SIGNING = CONTEXT_PREFIX + "head signing"  # the seed of the vault's Ed25519 key

# From a block's own secret: 44 bytes, key 32 | nonce 12. The secret is unique to the block's contents, so the pair is too.
BLOCK_AEAD = CONTEXT_PREFIX + "block aead"

# From what a passkey's PRF answers: the key that wraps the vault's secret.
PASSKEY_KEY = CONTEXT_PREFIX + "passkey key"

GEAR_TABLE_BYTES = 256 * 8


class SmallHashes(Protocol):
    """The part of ``inos.ports.Hashes`` that formats need."""

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """32 bytes under a 32-byte key."""

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        """``length`` bytes of ``derive_key``."""


@dataclass(frozen=True, slots=True)
class BlockKeys:
    """What a vault (or any other owner of blocks) derives from its secret."""

    id: bytes = field(repr=False)
    siv: tuple[bytes, ...] = field(repr=False)
    enc: tuple[bytes, ...] = field(repr=False)
    cdc: bytes = field(repr=False)
    loc: bytes = field(repr=False)
    gear: bytes = field(repr=False)  # 256 little-endian u64


def derive_keys(secret: bytes, hashes: SmallHashes) -> BlockKeys:
    """All keys of one secret. Raises BadArgument unless it has 32 bytes."""
    if len(secret) != SECRET_BYTES:
        raise BadArgument(f"a secret of {len(secret)} bytes")
    gear = hashes.derive(CHUNKER, secret, GEAR_TABLE_BYTES)
    return BlockKeys(
        id=hashes.derive(CHUNK_ID, secret),
        siv=tuple(hashes.derive(context, secret) for context in BLOCK_SIV),
        enc=tuple(hashes.derive(context, secret) for context in BLOCK_ENC),
        cdc=gear[:SECRET_BYTES],
        loc=hashes.derive(LOCATOR, secret),
        gear=gear,
    )


def kind_index(kind: int) -> int:
    """Where a kind's keys are. Raises BadArgument for a number that is no kind."""
    if not 1 <= kind <= len(KIND_NAMES):
        raise BadArgument(f"no block kind {kind}")
    return kind - 1
