"""Passphrases on CPython: Argon2id, and AES-256-GCM under the key that it gives, both by ``cryptography``.

Invariants: the same bytes as the browser's (``web/worker/brain/passphrase.js``), so that a vault's or an archive's passphrase
works in both. Must not know: what is wrapped.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from inos.errors import ArenaFull, BadArgument, VaultLocked
from inos.ports import Stretch, UnwrapWith, WrapWith
from inos.tasks import Effect

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
PASSPHRASE_EFFECTS = (Stretch, WrapWith, UnwrapWith)


class HostPassphrase:
    """Answers PASSPHRASE_EFFECTS."""

    def perform(self, effect: Effect[Any]) -> object:
        """Raises VaultLocked, ArenaFull, BadArgument."""
        match effect:
            case Stretch():
                return _stretch(effect)
            case WrapWith(key, nonce, plain, aad):
                return nonce + AESGCM(key).encrypt(nonce, plain, aad)
            case UnwrapWith(key, wrapped, aad):
                return _unwrap(key, wrapped, aad)
        raise BadArgument(f"not a passphrase's effect: {type(effect).__name__}")


def _stretch(job: Stretch) -> bytes:
    try:
        argon = Argon2id(
            salt=job.salt, length=KEY_BYTES, iterations=job.passes, lanes=job.lanes, memory_cost=job.memory_kib
        )
        return argon.derive(job.passphrase)
    except MemoryError as error:
        raise ArenaFull(f"no {job.memory_kib} KiB of memory for a passphrase") from error


def _unwrap(key: bytes, wrapped: bytes, aad: bytes) -> bytes:
    if len(wrapped) < NONCE_BYTES + TAG_BYTES:
        raise VaultLocked("a wrapped key that is cut")
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], aad)
    except InvalidTag as error:
        raise VaultLocked("wrapped under another key, or changed") from error
