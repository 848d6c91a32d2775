"""X25519."""

from __future__ import annotations

from dataclasses import dataclass

import node_crypto


@dataclass(frozen=True)
class X25519PublicKey:
    raw: bytes

    @classmethod
    def from_public_bytes(cls, raw: bytes) -> X25519PublicKey:
        return cls(raw)

    def public_bytes(self, _encoding: object, _format: object) -> bytes:
        return self.raw


@dataclass(frozen=True)
class X25519PrivateKey:
    seed: bytes

    @classmethod
    def from_private_bytes(cls, seed: bytes) -> X25519PrivateKey:
        return cls(seed)

    def public_key(self) -> X25519PublicKey:
        return X25519PublicKey(node_crypto.x25519_public(self.seed).to_bytes())

    def exchange(self, key: X25519PublicKey) -> bytes:
        shared = node_crypto.x25519_agree(self.seed, key.raw)
        if shared is None:
            raise ValueError("no shared secret")
        return shared.to_bytes()
