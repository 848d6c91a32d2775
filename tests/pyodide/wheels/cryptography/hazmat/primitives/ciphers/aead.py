"""ChaCha20-Poly1305."""

from __future__ import annotations

import node_crypto

from cryptography.exceptions import InvalidTag


class ChaCha20Poly1305:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        return node_crypto.seal(self._key, nonce, data, aad).to_bytes()

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        plain = node_crypto.open(self._key, nonce, data, aad)
        if not hasattr(plain, "to_bytes"):
            raise InvalidTag
        return plain.to_bytes()
