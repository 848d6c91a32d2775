"""Inputs that are lists: pieces with a kind and a length, so that what is cut or swapped is still a list."""

from __future__ import annotations

LENGTH_BYTES = 2
PIECES_MAX = 32


def unpack(data: bytes, kinds: int) -> list[tuple[int, bytes]]:
    """Kind and bytes of each piece."""
    pieces, at = [], 0
    while at < len(data) and len(pieces) < PIECES_MAX:
        start = at + 1 + LENGTH_BYTES
        length = int.from_bytes(data[at + 1 : start], "little")
        pieces.append((data[at] % kinds, data[start : start + length]))
        at = start + length
    return pieces


def pack(pieces: list[tuple[int, bytes]]) -> bytes:
    """Inverse of ``unpack``; a piece too long for its length is cut."""
    cut = ((kind, piece[: (1 << 8 * LENGTH_BYTES) - 1]) for kind, piece in pieces)
    return b"".join(bytes([kind]) + len(piece).to_bytes(LENGTH_BYTES, "little") + piece for kind, piece in cut)
