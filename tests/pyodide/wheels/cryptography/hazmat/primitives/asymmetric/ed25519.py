"""Ed25519."""

from __future__ import annotations

from dataclasses import dataclass

import node_crypto

from cryptography.exceptions import InvalidSignature


@dataclass(frozen=True)
class Ed25519PublicKey:
    raw: bytes

    @classmethod
    def from_public_bytes(cls, raw: bytes) -> Ed25519PublicKey:
        return cls(raw)

    def public_bytes(self, _encoding: object, _format: object) -> bytes:
        return self.raw

    def verify(self, signature: bytes, data: bytes) -> None:
        if not node_crypto.ed25519_verify(self.raw, signature, data):
            raise InvalidSignature


@dataclass(frozen=True)
class Ed25519PrivateKey:
    seed: bytes

    @classmethod
    def from_private_bytes(cls, seed: bytes) -> Ed25519PrivateKey:
        return cls(seed)

    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey(node_crypto.ed25519_public(self.seed).to_bytes())

    def sign(self, data: bytes) -> bytes:
        return node_crypto.ed25519_sign(self.seed, data).to_bytes()
