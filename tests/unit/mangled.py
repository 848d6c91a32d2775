"""Bytes that were good and are not any more, for properties of parsers; and a hash that runs everywhere."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st


def hash_bytes(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


@st.composite
def changed(draw: st.DrawFn, good: bytes) -> bytes:
    """Bytes with some of them replaced, cut or doubled."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 2)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[at : at + 8]
    return bytes(data)
