"""The checks in front of every Ed25519 backend, so that all of them give one answer (security 1.1).

Nouns: ``A`` is the public key and ``R`` the first half of a signature, both encoded points: 255 bits of y and the sign of x;
``S`` is the second half, a number. A *low-order* point has an order of at most 8: as a key it makes one signature fit many
messages.

Why: Chromium and Firefox disagree on low-order ``A`` and on nothing else that was tried, and two peers that disagree about a
signature split the mesh. Invariants: what passes here is judged alike by WebCrypto, OpenSSL and dalek's ``verify_strict``. Must
not know: messages. No arithmetic on secrets happens here, so timing says nothing.
"""

from __future__ import annotations

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

P = (1 << 255) - 19  # the field
L = (1 << 252) + 27742317777372353535851937790883648493  # the order of the base point
_SIGN = 1 << 255
# The y of a point of order 8; the other one is its negation.
_Y8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
# Order 4, 1, 2, 8, 8. With p and p + 1 (which are 0 and 1 again, and refused as y >= p) and either sign: 14 encodings.
_LOW_ORDER_Y = frozenset((0, 1, P - 1, _Y8, P - _Y8))


def _is_sound_point(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") & ~_SIGN
    return y < P and y not in _LOW_ORDER_Y


def precheck(public_key: bytes, signature: bytes) -> bool:
    """Whether a backend may be asked at all; False means that the signature is invalid."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    return _is_sound_point(public_key) and _is_sound_point(signature[:32])
