"""The chunker: known answers, and the windows a file is cut in."""

from __future__ import annotations

import pytest

from inos.errors import BadArgument
from inos.limits import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_NORMAL
from inos.reference.blake3 import derive_key
from inos.reference.chacha20poly1305 import chacha20
from inos.reference.gear64 import TABLE_BYTES, cut_lengths, gear_table

VRS = bytes(range(32))
CONTEXT = "INOS 2026-11-23 02:30:00 vault v1 chunker"
FIRST = (0xB5D32370B7F35C2B, 0xDE461AEC231F5E50, 0x9D5E5E4DAC9F3689, 0x92EB312401032CAC)


@pytest.fixture(scope="module")
def table():
    return gear_table(derive_key(CONTEXT, VRS, TABLE_BYTES))


@pytest.fixture(scope="module")
def noise():
    unit = chacha20(VRS, 0, bytes(12), bytes(200_000))
    return b"".join(bytes([i]) + unit for i in range(25))  # the extra byte shifts what follows


def test_the_table(table, vectors):
    assert table[:4] == FIRST
    assert len(table) == 256
    if found := vectors("inos_block_v1/gear64.json"):
        assert table[:4] == tuple(int(entry, 16) for entry in found["first_entries"])


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, []),
        (1, [1]),
        (CHUNK_BYTES_MIN, [CHUNK_BYTES_MIN]),
        (CHUNK_BYTES_MIN + 1, [CHUNK_BYTES_MIN + 1]),
    ],
)
def test_short_files_are_one_chunk(table, length, expected):
    assert cut_lengths(bytes(i % 251 for i in range(length)), table) == expected
    assert cut_lengths(bytes(length), table, final=False) == []


def test_zeros_are_cut_at_max(table):
    assert cut_lengths(bytes(5 << 20), table) == [CHUNK_BYTES_MAX, (5 << 20) - CHUNK_BYTES_MAX]
    assert cut_lengths(bytes(CHUNK_BYTES_MAX), table, final=False) == [CHUNK_BYTES_MAX]


def slow_lengths(data, table):
    """The definition, word for word."""
    lengths, start = [], 0
    while start < len(data):
        h, at = 0, start
        while at < len(data):
            offset = at - start
            at += 1
            if offset >= CHUNK_BYTES_MIN:
                h = ((h << 1) + table[data[at - 1]]) % (1 << 64)
                if h >> (42 if offset < CHUNK_BYTES_NORMAL else 46) == 0:
                    break
            if at - start == CHUNK_BYTES_MAX:
                break
        lengths.append(at - start)
        start = at
    return lengths


def test_equals_the_definition(table, noise):
    lengths = cut_lengths(noise, table)
    assert lengths == slow_lengths(noise, table)
    assert sum(lengths) == len(noise)
    assert len(lengths) > 1


@pytest.mark.parametrize("window_bytes", [CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 12_345, 8 << 20])
def test_windows_cut_as_the_whole_is_cut(table, noise, window_bytes):
    whole, lengths, at = cut_lengths(noise, table), [], 0
    while at < len(noise):
        window = noise[at : at + window_bytes]
        found = cut_lengths(window, table, final=at + len(window) == len(noise))
        assert found, "a window of the maximum always yields a chunk"
        lengths += found
        at += sum(found)
    assert lengths == whole


def test_pieces_max(table, noise):
    assert cut_lengths(noise, table, pieces_max=1) == cut_lengths(noise, table)[:1]


def test_a_table_of_another_size_is_refused():
    with pytest.raises(BadArgument):
        gear_table(b"")
