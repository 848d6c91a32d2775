"""gear64 in the kernel beside the readable one, and its known answers."""

from __future__ import annotations

import json

import pytest
from blake3 import blake3

from inos.limits import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN
from inos.memory import layout

CONTEXT = layout.CONTEXT_PREFIX + "chunker"
SECRET = bytes(range(32))
MASK = (1 << 64) - 1


def table_of(secret):
    material = blake3(secret, derive_key_context=CONTEXT).digest(length=2048)
    return [int.from_bytes(material[8 * i : 8 * i + 8], "little") for i in range(256)]


def cut_of(table, data, start=CHUNK_BYTES_MIN):
    """The plain loop of vault-format 1.3, for a chunk that is the last of its file."""
    if len(data) <= CHUNK_BYTES_MIN:
        return len(data)
    h = 0
    for offset in range(start, min(len(data), CHUNK_BYTES_MAX)):
        h = ((h << 1) + table[data[offset]]) & MASK
        if h >> (42 if offset < 1 << 20 else 46) == 0:
            return offset + 1
    return min(len(data), CHUNK_BYTES_MAX)


def test_table(kernel, lengths):
    for _ in range(50):
        secret = lengths.bytes(32)
        program = kernel.program()
        program.write(kernel.desk, secret)
        program.call("gear_table", kernel.desk, kernel.desk + 33)
        program.read(kernel.desk + 33, 2048)
        assert program.run()[1] == blake3(secret, derive_key_context=CONTEXT).digest(length=2048)


def cuts(kernel, data, alignment=0):
    """All cuts of a file that lies in the kernel's memory at once."""
    table, src = kernel.desk, kernel.desk + 4096 + alignment
    kernel.write(table + 2048, SECRET)
    kernel.call("gear_table", table + 2048, table)
    kernel.write(src, data)
    at, found = 0, []
    while at < len(data):
        at += kernel.call("gear_cut", table, src + at, len(data) - at, 1)
        found.append(at)
    return found


def test_beside_the_plain_loop(kernel, lengths):
    """600 cuts around every bound. One table entry is 0, and a run of its byte makes the hash fall to nothing bit by bit,
    so that the exact place of the cut depends on every one of the 64 bytes before it."""
    table = [lengths.random.getrandbits(64) for _ in range(256)]
    table[7] = 0
    src = kernel.desk + 4096
    kernel.write(kernel.desk, b"".join(entry.to_bytes(8, "little") for entry in table))
    # A period of 1,000 bytes has 1,000 hashes, none of them a cut; random bytes would have cuts of their own.
    period = lengths.bytes(1_000).replace(b"\x07", b"\x08")
    base = (period * (CHUNK_BYTES_MAX // 1_000 + 2))[: CHUNK_BYTES_MAX + 100]
    assert cut_of(table, base[: (1 << 20) + 2_000], (1 << 20) - 64) == (1 << 20) + 2_000
    kernel.write(src, base)
    bounds = (CHUNK_BYTES_MIN, CHUNK_BYTES_MIN + 5_000, 700_000, 1 << 20, 2_500_000, CHUNK_BYTES_MAX)
    for number in range(600):
        run = bounds[number % len(bounds)] + lengths.random.randrange(-100, 30)
        length = run + lengths.random.randrange(20, 70)
        data = base[:run] + b"\x07" * (length - run) + base[length : length + 40]
        kernel.write(src + run - 1, data[run - 1 :])
        expected = cut_of(table, data, max(CHUNK_BYTES_MIN, run - 300))
        assert kernel.call("gear_cut", kernel.desk, src, len(data), 1) == expected
        kernel.write(src + run - 1, base[run - 1 : len(data)])


def test_more_bytes_change_nothing(kernel, lengths):
    """A cut found in a part is the cut of the whole; a part without one asks for more."""
    data = lengths.bytes(CHUNK_BYTES_MAX + 1000)
    first = cuts(kernel, data)[0]
    src = kernel.desk + 4096
    for part in (0, 1, CHUNK_BYTES_MIN, first - 1):
        assert kernel.call("gear_cut", kernel.desk, src, part, 0) == 0
        assert kernel.call("gear_cut", kernel.desk, src, part, 1) == part
    for part in (first, first + 1, len(data)):
        assert kernel.call("gear_cut", kernel.desk, src, part, 0) == first
    zeros = bytes(CHUNK_BYTES_MAX + 5)
    assert cuts(kernel, zeros, 7) == [CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 5]
    assert kernel.call("gear_cut", kernel.desk, src + 7, CHUNK_BYTES_MAX, 0) == CHUNK_BYTES_MAX


def test_known_answers(kernel, shared):
    file = shared / "vectors" / "inos_block_v1" / "gear64.json"
    if not file.is_file():
        pytest.skip("vectors/inos_block_v1 is not beside the checkout ($INOS_SHARED)")
    known = json.loads(file.read_text())
    assert known["context"] == CONTEXT
    assert [f"{entry:#018x}" for entry in table_of(bytes.fromhex(known["vrs"]))[:4]] == known["first_entries"]
    inputs = {
        "xof": blake3(b"gear64 known answer").digest(length=12 << 20),
        "zeros": bytes(5 << 20),
        "short": bytes(i % 251 for i in range(262_145)),
        "exact min": bytes(i % 251 for i in range(262_144)),
        "empty": b"",
    }
    for case in known["cases"]:
        assert len(inputs[case["name"]]) == case["length"]
        assert cuts(kernel, inputs[case["name"]], 3) == case["cuts"]
