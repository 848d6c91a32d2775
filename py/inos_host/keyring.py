"""Device keys on CPython: wraps the vault secret and signs for the device.

Nouns: the *device key* is Ed25519; the *wrapping key* is ChaCha20-Poly1305; both come from one 32-byte seed, kept in a file that
only its owner may read, or in memory only. Invariants: the file is written whole and synced before a key of it is used;
wrapping draws a fresh nonce each time, and one seed wraps a handful of times, far below 2^32 random nonces.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import blake3
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from inos.ed25519_strict import precheck
from inos.errors import AuthRefused, BadArgument, StorageDenied, VaultLocked
from inos.ports import Agree, BoxKey, DevicePublicKey, Entropy, Sign, SignHead, UnwrapKey, Verify, WrapKey
from inos.tasks import Effect
from inos_host.entropy import HostEntropy

SEED_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_CONTEXT_PREFIX = "INOS 2026-11-23 02:30:00 host keyring v1 "
KEYRING_EFFECTS = (WrapKey, UnwrapKey, DevicePublicKey, Sign, SignHead, Verify, BoxKey, Agree)


class HostKeyring:
    """Keys of one device. ``path`` None keeps them in memory only. Tests that replay give the entropy."""

    def __init__(self, path: Path | None = None, entropy: Entropy | None = None) -> None:
        self._entropy = entropy or HostEntropy()
        seed = self._entropy.random(SEED_BYTES) if path is None else self._load(path)
        self._signing = Ed25519PrivateKey.from_private_bytes(_derive("device key", seed))
        self._box: X25519PrivateKey | None = None
        self._wrapping = ChaCha20Poly1305(_derive("wrapping key", seed))

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of KEYRING_EFFECTS. Raises VaultLocked, BadArgument."""
        match effect:
            case WrapKey(plain, aad):
                nonce = self._entropy.random(NONCE_BYTES)
                return nonce + self._wrapping.encrypt(nonce, plain, aad)
            case UnwrapKey(wrapped, aad):
                return self._unwrap(wrapped, aad)
            case DevicePublicKey():
                return self._signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            case Sign(data):
                return self._signing.sign(data)
            case SignHead(seed, data):
                key = Ed25519PrivateKey.from_private_bytes(seed)
                return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) + key.sign(data)
            case Verify(public_key, signature, data):
                return verify(public_key, signature, data)
            case BoxKey():
                return self._box_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            case Agree(public_key):
                return self._agree(public_key)
        raise BadArgument(f"not a keyring's effect: {type(effect).__name__}")

    def _box_key(self) -> X25519PrivateKey:
        if self._box is None:
            self._box = X25519PrivateKey.from_private_bytes(self._entropy.random(SEED_BYTES))
        return self._box

    def _agree(self, public_key: bytes) -> bytes:
        try:
            shared = self._box_key().exchange(X25519PublicKey.from_public_bytes(public_key))
        except ValueError as error:  # a point of low order, or not a point's length
            raise AuthRefused("no secret can be shared with this key") from error
        if shared == bytes(len(shared)):
            raise AuthRefused("a point of low order")
        return shared

    def _unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        if len(wrapped) < NONCE_BYTES + TAG_BYTES:
            raise VaultLocked("a wrapped key that is cut")
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], aad)
        except InvalidTag as error:
            raise VaultLocked("wrapped by another device, or changed") from error

    def _load(self, path: Path) -> bytes:
        try:
            seed = path.read_bytes()
        except FileNotFoundError:
            seed = self._create(path)
        except OSError as error:
            raise StorageDenied(f"cannot read the key file: {error.strerror}") from error
        if len(seed) != SEED_BYTES:
            raise VaultLocked(f"a key file of {len(seed)} bytes")
        return seed

    def _create(self, path: Path) -> bytes:
        seed = self._entropy.random(SEED_BYTES)
        partial = path.with_name(path.name + ".new")
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, seed)
                os.fsync(handle)
            finally:
                os.close(handle)
            partial.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the rename itself
            finally:
                os.close(folder)
        except OSError as error:
            raise StorageDenied(f"cannot write the key file: {error.strerror}") from error
        return seed


def _derive(purpose: str, seed: bytes) -> bytes:
    return blake3.blake3(seed, derive_key_context=_CONTEXT_PREFIX + purpose).digest()


def verify(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Strict Ed25519 (security 1.1)."""
    if not precheck(public_key, signature):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
