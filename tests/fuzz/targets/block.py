"""Blocks, from outside and from inside: bytes from anybody, and what an author who holds the secret may have encrypted.

The first byte of an input says what the rest is: a block as it came; an inner header with payload and padding, which are
sealed under a secret that is known; or a payload for which a header that fits is made, with the length that bytes 1-4 promise.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

from inos import limits
from inos.errors import InosError
from inos.vault import block
from inos.vault.contexts import BLOCK_AEAD, derive_keys
from inos_host.kernels import make_ports

OUTER, INNER, PAYLOAD = range(3)
PORTS, KERNELS = make_ports(1 << 20)
SUITE = KERNELS.suite
KEYS = derive_keys(bytes(32), SUITE.hashes)
SECRET = b"s" * 32


def run(data: bytes) -> None:
    """See Target."""
    mode, body = data[:1], data[1:]
    if mode == bytes([INNER]):
        _open_hostile(sealed(body))
    elif mode == bytes([PAYLOAD]):
        _open_hostile(sealed(inner_of(body[4:], int.from_bytes(body[:4], "little"))))
    else:
        _open_foreign(body)


def _open_foreign(data: bytes) -> None:
    """Whatever the owner accepts must be the very block that was sealed; a reader with another secret accepts nothing."""
    block.outer_check(data)
    with contextlib.suppress(InosError):
        block.open_block(data, 1, SUITE, secret=SECRET)
        raise AssertionError("a block opened under a secret that is not its own")
    made = block.open_block(data, 1, SUITE, keys=KEYS)
    assert block.seal(made.raw, 1, made.quality, KEYS, SUITE).block == data, "a forged block"


def _open_hostile(data: bytes) -> None:
    opened = block.open_block(data, 1, SUITE, secret=SECRET)
    assert len(opened.raw) <= limits.RAW_BYTES_MAX


def sealed(inner: bytes) -> bytes:
    """A block with a valid tag around any inner bytes."""
    material = SUITE.hashes.derive(BLOCK_AEAD, SECRET, 44)
    head = block.prefix(limits.BLOCK_HEADER_BYTES + len(inner) + limits.BLOCK_TAG_BYTES) + bytes(32)
    return head + SUITE.aead.seal(material[:32], material[32:], inner, head + b"\1")


def inner_of(payload: bytes, raw_len: int, codec: int = block.CODEC_BROTLI, enc_len: int | None = None) -> bytes:
    """An inner header of which only the promised length may be a lie, the payload, and canonical padding."""
    enc_len = len(payload) if enc_len is None else enc_len
    inner = struct.pack("<BBBBIII", 1, codec, 6, 0, raw_len, enc_len, 0) + payload
    return inner.ljust(block.padme(len(inner)), b"\0")


def seeds() -> Iterator[bytes]:
    """See Target."""
    text = b"the same words again and again, " * 40
    for raw, quality in ((b"", 0), (b"x", 0), (text, 6), (bytes(range(256)) * 4, 11)):
        yield bytes([OUTER]) + block.seal(raw, 1, quality, KEYS, SUITE).block
        yield bytes([INNER]) + inner_of(raw, len(raw), block.CODEC_RAW)
        packed = SUITE.compress(raw, 6)
        yield bytes([INNER]) + inner_of(packed, len(raw))
        yield bytes([PAYLOAD]) + len(raw).to_bytes(4, "little") + packed
    bomb = SUITE.compress(bytes(1 << 22), 9)
    yield bytes([PAYLOAD]) + (1 << 21).to_bytes(4, "little") + bomb
