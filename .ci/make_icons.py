"""The icons that installed applications need as pictures: `python .ci/make_icons.py` draws `static/icons/inos-{192,512}.png`.

The mark of `inos-square.svg` on its ground, from the same numbers: arcs, a stem and three dots, drawn by their distance, so no
picture library is needed. The whole square is ground and the mark lies in its inner half: the same files serve as maskable ones.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

ICONS = Path(__file__).resolve().parent.parent / "static" / "icons"
SIZES = (192, 512)
GROUND, INK = (0x10, 0x14, 0x15), (0x62, 0xD2, 0xC1)
VIEW = 64.0
SHIFT = 16.0  # the mark's own coordinates begin here
CENTRE, RADIUS, ARC_WIDTH = (16.0, 17.0), 11.0, 2.6
DOTS, DOT_RADIUS = ((16.0, 6.2), (25.53, 22.7), (6.47, 22.7)), 3.0
STEM, STEM_WIDTH = ((16.0, 13.4), (16.0, 20.4)), 4.4
# Each arc from one end to the other, clockwise.
ARCS = (((20.47, 7.15), (26.94, 18.35)), ((22.47, 26.1), (9.53, 26.1)), ((5.06, 18.35), (11.53, 7.15)))


def arc_distance(x: float, y: float, ends: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """From a point to the middle line of an arc with round ends."""
    start, end, here = (math.atan2(py - CENTRE[1], px - CENTRE[0]) for px, py in (*ends, (x, y)))
    if (here - start) % math.tau <= (end - start) % math.tau:
        return abs(math.hypot(x - CENTRE[0], y - CENTRE[1]) - RADIUS)
    return min(math.hypot(x - px, y - py) for px, py in ends)


def stem_distance(x: float, y: float) -> float:
    (px, top), (_, bottom) = STEM
    return math.hypot(x - px, y - min(max(y, top), bottom))


def coverage(x: float, y: float, pixel: float) -> float:
    """How much of a pixel the mark covers, its edges smoothed over one pixel."""
    outside = min(
        *(arc_distance(x, y, ends) - ARC_WIDTH / 2 for ends in ARCS),
        *(math.hypot(x - px, y - py) - DOT_RADIUS for px, py in DOTS),
        stem_distance(x, y) - STEM_WIDTH / 2,
    )
    return min(1.0, max(0.0, 0.5 - outside / pixel))


def rows(size: int) -> bytes:
    pixel = VIEW / size
    out = bytearray()
    for row in range(size):
        out.append(0)  # PNG: no filter
        for column in range(size):
            x, y = (column + 0.5) * pixel - SHIFT, (row + 0.5) * pixel - SHIFT
            part = coverage(x, y, pixel)
            out += bytes(round(ground + (ink - ground) * part) for ground, ink in zip(GROUND, INK, strict=True))
    return bytes(out)


def png(size: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows(size), 9))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    for size in SIZES:
        (ICONS / f"inos-{size}.png").write_bytes(png(size))
