"""BLAKE3 with the wheel's interface, by the kernel."""

from __future__ import annotations

import node_crypto


class blake3:  # noqa: N801 - the wheel's name
    """A hash that keeps what it is fed until it is asked."""

    def __init__(self, data: bytes = b"", *, key: bytes | None = None, derive_key_context: str | None = None) -> None:
        self._data = bytearray(data)
        self._mode = "keyed" if key is not None else "hash" if derive_key_context is None else "derive"
        self._name = key if key is not None else (derive_key_context or "").encode()

    def update(self, data: bytes | memoryview) -> blake3:
        self._data += data
        return self

    def digest(self, length: int = 32) -> bytes:
        return node_crypto.blake3(self._mode, self._name, bytes(self._data), length).to_bytes()
