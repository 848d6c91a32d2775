"""Effects of keys: the device's, a passphrase's, this run's. Part of ``inos.ports``, from where they are imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from inos.tasks import Effect


@dataclass(frozen=True, slots=True)
class WrapKey(Effect[bytes]):
    """AEAD of ``plain`` under the device's non-extractable key: nonce 12 | ciphertext | tag 16. AAD is authenticated."""

    plain: bytes
    aad: bytes


@dataclass(frozen=True, slots=True)
class UnwrapKey(Effect[bytes]):
    """Inverse of WrapKey. Errors: VaultLocked."""

    wrapped: bytes
    aad: bytes


@dataclass(frozen=True, slots=True)
class Stretch(Effect[bytes]):
    """Argon2id (RFC 9106) of a passphrase: 32 bytes. Bounds are the caller's (``inos.vault.stretching``). Errors: ArenaFull."""

    passphrase: bytes = field(repr=False)
    salt: bytes
    memory_kib: int
    passes: int
    lanes: int


@dataclass(frozen=True, slots=True)
class WrapWith(Effect[bytes]):
    """AES-256-GCM of ``plain`` under a given 32-byte key: nonce 12 | ciphertext | tag 16. Each nonce is used once."""

    key: bytes = field(repr=False)
    nonce: bytes
    plain: bytes = field(repr=False)
    aad: bytes


@dataclass(frozen=True, slots=True)
class UnwrapWith(Effect[bytes]):
    """Inverse of WrapWith. Errors: VaultLocked."""

    key: bytes = field(repr=False)
    wrapped: bytes
    aad: bytes


@dataclass(frozen=True, slots=True)
class DevicePublicKey(Effect[bytes]):
    """The device's Ed25519 public key, 32 bytes (made on first use, kept non-extractable)."""


@dataclass(frozen=True, slots=True)
class Sign(Effect[bytes]):
    """Ed25519 signature of ``data`` by the device key, 64 bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SignHead(Effect[bytes]):
    """By the Ed25519 key of a 32-byte ``seed``: its public key 32 | signature of ``data`` 64."""

    seed: bytes = field(repr=False)
    data: bytes


@dataclass(frozen=True, slots=True)
class Verify(Effect[bool]):
    """Whether ``signature`` is ``public_key``'s over ``data``. Strict checks come before (``inos.ed25519_strict``)."""

    public_key: bytes
    signature: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class BoxKey(Effect[bytes]):
    """The X25519 public key of this run of the node, 32 bytes (made on first use, forgotten at the end). Errors: Unsupported."""


@dataclass(frozen=True, slots=True)
class Agree(Effect[bytes]):
    """What this run's X25519 key and another public key share, 32 bytes. A point of low order is refused (AuthRefused)."""

    public_key: bytes
