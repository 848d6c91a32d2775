"""Brotli with the wheel's interface, by Node. A stream is decoded in one piece."""

from __future__ import annotations

import node_crypto


class error(Exception):  # noqa: N801 - the wheel's name
    """A stream that is broken."""


def compress(data: bytes, *, quality: int, lgwin: int) -> bytes:
    return node_crypto.brotli(data, quality, lgwin).to_bytes()


class Decompressor:
    def __init__(self) -> None:
        self._finished = False

    def is_finished(self) -> bool:
        return self._finished

    def process(self, data: bytes, output_buffer_limit: int) -> bytes:
        """All of the output; more than the limit, a cut stream and bytes after it are errors alike."""
        out = node_crypto.unbrotli(data, output_buffer_limit)
        if not hasattr(out, "to_bytes"):
            raise error
        self._finished = True
        return out.to_bytes()
