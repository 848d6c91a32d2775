"""ChaCha20-Poly1305 in plain Python, after RFC 8439.

Nouns: a *key* has 32 bytes, a *nonce* 12, a *tag* 16; the *AAD* is authenticated and not encrypted. Invariants: ``open_sealed``
returns nothing unless the tag verifies; a key and nonce pair is for one message, which is the caller's to ensure. Python's
integers do not run in constant time: this checks other implementations and opens what a person has, it serves no strangers.
"""

from __future__ import annotations

import struct

from inos.errors import AuthFailed, BadArgument

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
BLOCK_BYTES = 64
ROUNDS = 20

_SIGMA = struct.unpack("<4I", b"expand 32-byte k")
_WORDS = struct.Struct("<16I")
_LANES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
_M32 = 0xFFFFFFFF
_P1305 = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """64 bytes of key stream."""
    start = (*_SIGMA, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce))
    v = list(start)
    for _ in range(ROUNDS // 2):
        for a, b, c, d in _LANES:
            va = (v[a] + v[b]) & _M32
            vd = v[d] ^ va
            vd = (vd << 16) & _M32 | (vd >> 16)
            vc = (v[c] + vd) & _M32
            vb = v[b] ^ vc
            vb = (vb << 12) & _M32 | (vb >> 20)
            va = (va + vb) & _M32
            vd ^= va
            vd = (vd << 8) & _M32 | (vd >> 24)
            vc = (vc + vd) & _M32
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, (vb << 7) & _M32 | (vb >> 25), vc, vd
    return _WORDS.pack(*((word + first) & _M32 for word, first in zip(v, start, strict=True)))


def chacha20(key: bytes, counter: int, nonce: bytes, data: bytes) -> bytes:
    """``data`` XOR the key stream from block ``counter`` on."""
    blocks = (len(data) + BLOCK_BYTES - 1) // BLOCK_BYTES
    stream = b"".join(chacha20_block(key, counter + i, nonce) for i in range(blocks))[: len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")


def poly1305(key: bytes, message: bytes) -> bytes:
    """The tag of a message under a one-time key."""
    r = int.from_bytes(key[:16], "little") & _CLAMP
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\x01", "little")) * r % _P1305
    return ((total + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(TAG_BYTES, "little")


def _tag(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    lengths = struct.pack("<QQ", len(aad), len(ciphertext))
    message = aad + bytes(-len(aad) % 16) + ciphertext + bytes(-len(ciphertext) % 16) + lengths
    return poly1305(chacha20_block(key, 0, nonce)[:32], message)


def _check_sizes(key: bytes, nonce: bytes) -> None:
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise BadArgument(f"a key of {len(key)} and a nonce of {len(nonce)} bytes")


def seal(key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
    """Ciphertext and tag."""
    _check_sizes(key, nonce)
    ciphertext = chacha20(key, 1, nonce, plain)
    return ciphertext + _tag(key, nonce, ciphertext, aad)


def open_sealed(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Plaintext. Raises AuthFailed."""
    _check_sizes(key, nonce)
    if len(sealed) < TAG_BYTES:
        raise AuthFailed("fewer bytes than a tag")
    ciphertext, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    if tag != _tag(key, nonce, ciphertext, aad):
        raise AuthFailed("a tag that does not verify")
    return chacha20(key, 1, nonce, ciphertext)


class ReferenceAead:
    """The AEAD as an object, as ``inos.vault.block`` wants it."""

    def seal(self, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""
        return seal(key, nonce, plain, aad)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Plaintext. Raises AuthFailed."""
        return open_sealed(key, nonce, sealed, aad)
