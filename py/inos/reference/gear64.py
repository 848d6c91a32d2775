"""gear64, the content-defined chunker (vault-format 1.3).

Nouns: the *table* is 256 numbers of 64 bits derived from the vault's secret; a *cut* is the end of a chunk. From the chunk's
offset ``min`` on, with h = 0 there: h = 2h + table[byte] (mod 2^64); cut after this byte if the top 22 bits of h are zero (before
``normal``) or the top 18 (from ``normal`` on); cut at ``max`` anyway.

Invariants: a byte's influence on h is shifted out after 64 more bytes, so cuts depend on nearby contents only and equal
contents are cut alike wherever they lie. Must not know: hashing, keys, windows of files.
"""

from __future__ import annotations

import struct
from operator import length_hint

from inos.errors import BadArgument
from inos.limits import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_NORMAL

TABLE_BYTES = 256 * 8
_BITS_EARLY = 22  # before CHUNK_BYTES_NORMAL: a cut every 4 MiB on average
_BITS_LATE = 18  # after it: every 256 KiB
_MASK = (1 << 64) - 1


def gear_table(material: bytes) -> tuple[int, ...]:
    """The table from 2,048 bytes of the chunker key's XOF."""
    if len(material) != TABLE_BYTES:
        raise BadArgument(f"a gear table of {len(material)} bytes")
    return struct.unpack("<256Q", material)


def _scan(data: memoryview, table: tuple[int, ...], h: int, bits: int) -> tuple[int, int]:
    """Bytes until and with the first cut (0: none), and h after the last byte."""
    below = 1 << (64 - bits)  # the top bits are zero exactly when h is below this
    mask = _MASK
    rest = iter(data.tobytes())
    for byte in rest:
        h = ((h << 1) + table[byte]) & mask
        if h < below:
            return len(data) - length_hint(rest), h
    return 0, h


def _first_cut(data: memoryview, table: tuple[int, ...]) -> int:
    """Length of the first chunk, 0 if the data ends before its cut is known. ``data`` has at most CHUNK_BYTES_MAX."""
    early = data[CHUNK_BYTES_MIN:CHUNK_BYTES_NORMAL]
    cut, h = _scan(early, table, 0, _BITS_EARLY)
    if cut:
        return CHUNK_BYTES_MIN + cut
    cut, _ = _scan(data[CHUNK_BYTES_NORMAL:], table, h, _BITS_LATE)
    if cut:
        return CHUNK_BYTES_NORMAL + cut
    return CHUNK_BYTES_MAX if len(data) == CHUNK_BYTES_MAX else 0


def cut_lengths(
    data: bytes | memoryview, table: tuple[int, ...], *, final: bool = True, pieces_max: int | None = None
) -> list[int]:
    """Lengths of the chunks at the start of ``data``.

    ``final``: the data ends the file, so what remains is the last chunk; otherwise it stays for the next call, together with
    whatever is beyond ``pieces_max`` chunks.
    """
    view = memoryview(data)
    lengths: list[int] = []
    at = 0
    while at < len(view) and (pieces_max is None or len(lengths) < pieces_max):
        rest = view[at : at + CHUNK_BYTES_MAX]
        length = _first_cut(rest, table)
        if length == 0:
            if not final:
                break
            length = len(rest)
        lengths.append(length)
        at += length
    return lengths
