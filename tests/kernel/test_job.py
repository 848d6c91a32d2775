"""Job descriptors: HASH and CUT beside the libraries, hostile descriptors, and what is worth compressing."""

from __future__ import annotations

import itertools
import random
import struct
import time

import pytest
from blake3 import blake3

from inos.limits import RAW_BYTES_MAX
from inos.memory import layout
from inos.ports import hash_levels
from inos.reference.blake3 import parent_hash, tree

STATUS = layout.STATUS
SECRET = bytes(range(32))
MEMORY_BYTES = 256 << 20
KIB = 1024


@pytest.fixture
def run(kernel):
    """Runs one descriptor of sixteen words: status, value, result."""
    kernel.write(kernel.desk, SECRET)
    kernel.call("keys_derive", kernel.desk, kernel.slot)

    def run_words(op, flags=0, src=0, src_len=0, dst=0, cap=0, keys=kernel.slot, result=kernel.result, *args):
        words = [op, flags, src, src_len, dst, cap, keys, result, *args]
        program = kernel.program()
        program.write(kernel.job, struct.pack("<16I", *words, *[0] * (16 - len(words))))
        program.call("job_run", kernel.job)
        program.read(kernel.job + 52, 8)
        program.read(kernel.result, 256)
        status, state, answer = program.run()
        assert struct.unpack_from("<i", state)[0] == status
        return status, struct.unpack_from("<I", state, 4)[0], answer

    return run_words


def test_hash(kernel, run, lengths):
    for _ in range(200):
        data = lengths.bytes(lengths.length(1 << 16))
        src = kernel.desk + 4096 + lengths.alignment()
        kernel.write(src, data)
        status, value, result = run(1, 0, src, len(data), 0, 0, 0)
        assert (status, value) == (0, len(data))
        assert result[layout.RESULT_FIELDS["BID"] :][:32] == blake3(data).digest()


def test_cut_a_file_in_windows(kernel, run, lengths):
    """A file that comes in windows gives the same rows as the whole; the running hash covers what was consumed."""
    data = lengths.bytes(4 << 20) + bytes(5 << 20) + lengths.bytes(300_000)
    table = kernel.slot + layout.KEY_SLOT_FIELDS["GEAR"]
    src, rows, state = kernel.desk + (1 << 20), kernel.desk + 8192, kernel.desk + 4096
    kernel.write(src, data)
    expected, at = [], 0
    while at < len(data):
        at += kernel.call("gear_cut", table, src + at, len(data) - at, 1)
        expected.append(at)
    kernel.call("blake3_init", state)
    found, start, end = [], 0, 0
    while start < len(data):
        end = min(len(data), max(end, start) + lengths.random.randrange(1, 4 << 20))
        final = int(end == len(data))
        status, count, result = run(
            2, final, src + start, end - start, rows, 3 * 72 + 5, kernel.slot, kernel.result, state
        )
        assert status == 0
        assert count <= 3
        packed = kernel.read(rows, 72 * count)
        for length, zero, h, cid in struct.iter_unpack("<II32s32s", packed):
            chunk = data[start : start + length]
            assert zero == 0
            assert h == blake3(chunk).digest()
            assert (
                cid
                == blake3(
                    h, key=blake3(SECRET, derive_key_context=layout.CONTEXT_PREFIX + "chunk id").digest()
                ).digest()
            )
            start += length
            found.append(start)
        assert start - (found[-count - 1] if len(found) > count else 0) == struct.unpack_from("<I", result)[0]
    assert found == expected
    kernel.call("blake3_final", state, rows, 32)
    assert kernel.read(rows, 32) == blake3(data).digest()


def test_hash_on(kernel, run, lengths):
    """HASH with a state feeds it and answers nothing; a state that cannot be one is refused."""
    state, src = kernel.desk + 4096, kernel.desk + 8192
    data = lengths.bytes(300_000)
    kernel.write(src, data)
    kernel.call("blake3_init", state)
    at = 0
    while at < len(data):
        length = min(len(data) - at, lengths.length(1 << 16))
        status, value, result = run(1, 0, src + at, length, 0, 0, 0, kernel.result, state)
        assert (status, value) == (0, length)
        assert result == bytes(256)
        at += length
    kernel.call("blake3_final", state, kernel.desk, 32)
    assert kernel.read(kernel.desk, 32) == blake3(data).digest()
    kernel.write(src, b"\xff" * 4096)
    for bad in (state + 1, MEMORY_BYTES - 8, MEMORY_BYTES, 8, src):
        assert run(1, 0, src, 64, 0, 0, 0, kernel.result, bad)[0] == STATUS["BadArgument"]


STACKS = layout.REGIONS["STACKS"]
KERNELS_OWN = [
    STACKS[0],
    STACKS[0] - 1,
    sum(STACKS) - 4,
    layout.ARENA_OFFSET,
    layout.ARENA_OFFSET - 1,
    layout.ARENA_OFFSET + 2_000,
]


def test_hostile_descriptors(kernel, run):
    """Every field out of range, alone and together: BadArgument (or a lawful answer), never a trap, nothing leaked."""
    used = kernel.call("arena_used")
    offsets = [
        0,
        1,
        64,
        layout.KERNEL_BYTES - 1,
        MEMORY_BYTES - 1,
        MEMORY_BYTES,
        0x7FFFFFFF,
        0xFFFFFFFF,
        kernel.desk + 4096,
    ]
    lengths = [0, 1, 79, 5_000, MEMORY_BYTES, 0xFFFFFFFF]
    outcomes = set()
    for op, src, src_len in itertools.product([0, 1, 2, 3, 4, 5, 0xFFFFFFFF], offsets, lengths):
        status, _, result = run(op, 0, src, src_len, kernel.desk, 7200, kernel.slot, kernel.result, 1, 0, 1000)
        outcomes.add(status)
        if status == 0 and op == 3:
            assert kernel.call("arena_release", struct.unpack_from("<I", result)[0]) == 0
    assert outcomes <= {0, STATUS["BadArgument"], STATUS["LimitExceeded"], STATUS["Truncated"], STATUS["BadMagic"]}
    for offset in offsets[:-1]:
        assert run(1, 0, kernel.desk, 10, 0, 0, 0, offset)[0] == STATUS["BadArgument"]
        assert run(2, 1, kernel.desk, 10, offset, 7200)[0] == STATUS["BadArgument"]
        if offset:
            assert run(3, 0, kernel.desk, 10, 0, 0, offset, kernel.result, 1, 0)[0] == STATUS["BadArgument"]
            assert (
                run(2, 1, kernel.desk, 10, kernel.desk, 7200, kernel.slot, kernel.result, offset)[0]
                == STATUS["BadArgument"]
            )
        for flags in (1, 2, 4):
            status = run(4, flags, kernel.desk, 100, 0, 0, kernel.slot, kernel.result, 1, offset, 10)[0]
            assert status == STATUS["BadArgument"]
        assert kernel.call("job_run", offset) == STATUS["BadArgument"]
    for offset in KERNELS_OWN:
        assert run(1, 0, kernel.desk, 10, 0, 0, 0, offset)[0] == STATUS["BadArgument"]
        assert run(1, 0, offset, 10)[0] == STATUS["BadArgument"]
        assert run(2, 1, kernel.desk, 10, offset, 7200)[0] == STATUS["BadArgument"]
        assert kernel.call("job_run", offset) == STATUS["BadArgument"]
    for args in ((0, 0), (4, 0), (0xFFFFFFFF, 0), (1, 12), (1, 0xFFFFFFFF)):
        assert run(3, 0, kernel.desk, 10, 0, 0, kernel.slot, kernel.result, *args)[0] == STATUS["BadArgument"]
    assert run(3, 0, kernel.desk, 10, 0, 0, 0, kernel.result, 1, 0)[0] == STATUS["BadArgument"]
    assert run(4, 0, kernel.desk, 100, 0, 0, 0, kernel.result, 1, 0, 10)[0] == STATUS["BadArgument"]
    assert kernel.call("arena_used") == used


def test_random_descriptors_never_trap(kernel, run):
    """3,000 descriptors of random words near and far from what is lawful. Blocks that a lawful one made are released."""
    chance = random.Random(1)
    places = [kernel.desk + 4096, kernel.slot, 0, MEMORY_BYTES - 5, 0xFFFFFFF0, chance.getrandbits(32)]
    used = kernel.call("arena_used")
    kernel.write(kernel.desk, random.Random(2).randbytes(1 << 16))
    for _ in range(3_000):
        op = chance.randrange(6)
        small = [0, 1, 2, 3, 7, 80, 500, 70_000, 0xFFFFFFFF]
        anything = [*small[:5], *places]
        words = [op, chance.randrange(16), chance.choice(places), chance.choice(small)]
        words += [kernel.desk + (1 << 20), chance.choice(small[:8]), chance.choice(places[:3]), kernel.result]
        words += [chance.choice(anything), chance.choice(anything), chance.choice(small)]
        status, _, result = run(*words)
        assert status <= 0
        if status == 0 and op in {3, 4} and (offset := struct.unpack_from("<I", result)[0]):
            assert kernel.call("arena_release", offset) == 0
    assert kernel.call("arena_used") == used


def seal_codec(kernel, run, data, quality=6):
    src = kernel.desk + (1 << 20)
    kernel.write(src, data)
    start = time.perf_counter()
    status, _, result = run(3, 0, src, len(data), 0, 0, kernel.slot, kernel.result, 1, quality)
    took = time.perf_counter() - start
    assert status == 0
    assert kernel.call("arena_release", struct.unpack_from("<I", result)[0]) == 0
    return result[layout.RESULT_FIELDS["CODEC"]], struct.unpack_from("<I", result, 12)[0], took


def compressible():
    """Data that a cheap look could take for random."""
    chance = random.Random(7)
    noise = chance.randbytes(RAW_BYTES_MAX)
    sentence = b"The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. "
    half = 512 * KIB
    mixed = bytearray(noise[: 1 << 20])
    for at in range(100_000, 1 << 20, 200_000):
        mixed[at : at + 8_000] = (sentence * 100)[:8_000]
    pieces = [noise[i * 300 : i * 300 + 300] for i in range(100)]
    return {
        "text": sentence * 12_000,
        "one block of noise, repeated": noise[:65_536] * 16,
        "noise and the same noise far away": noise[:half] + noise[:half],
        "a little of the noise again": noise[: 1 << 20] + noise[5_000:45_000],
        "text strewn into noise": bytes(mixed),
        "records with a constant byte": b"".join(b"\0" + noise[7 * i : 7 * i + 7] for i in range(100_000)),
        "pieces of noise in any order": b"".join(chance.choice(pieces) for _ in range(3_000)),
        "doubles": b"".join(struct.pack("<d", chance.gauss(0, 1)) for _ in range(100_000)),
        "hexadecimal": noise[: 1 << 19].hex().encode(),
        "counters": b"".join(struct.pack("<I", i) for i in range(200_000)),
    }


def test_compressible_data_is_not_misjudged(kernel, run):
    for name, data in compressible().items():
        codec, enc_len, _ = seal_codec(kernel, run, data)
        assert codec == 1, name
        assert enc_len < len(data) * 63 / 64


def test_random_data_is_stored_raw_and_fast(kernel, run):
    noise = random.Random(3).randbytes(RAW_BYTES_MAX)
    text = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(400_000))[:RAW_BYTES_MAX]
    text_took = min(seal_codec(kernel, run, text)[2] for _ in range(2))
    raw_took = min(seal_codec(kernel, run, noise, 0)[2] for _ in range(3))
    judged_took = min(seal_codec(kernel, run, noise)[2] for _ in range(3))
    assert seal_codec(kernel, run, noise)[0] == 0
    assert judged_took - raw_took < 0.1 * text_took


def test_hash_tree(kernel, run, lengths):
    """The values of every level, at any alignment; nothing is written where they do not fit."""
    for length in (0, 1, 1024, 1025, 3 * KIB, 4 * KIB, 9 * KIB + 1, 32 * KIB, 45 * KIB + 7):
        data = lengths.bytes(length)
        src, dst = kernel.desk + (1 << 20) + lengths.alignment(), kernel.desk + (2 << 20) + lengths.alignment()
        kernel.write(src, data)
        values = sum(hash_levels(length))
        kernel.write(dst, b"\xee" * (32 * values + 32))
        assert run(1, layout.HASH_TREE, src, length, dst, 32 * values, 0)[:2] == (0, values)
        assert kernel.read(dst, 32 * values) == tree(data)
        assert kernel.read(dst + 32 * values, 32) == b"\xee" * 32
        if values:
            assert run(1, layout.HASH_TREE, src, length, dst, 32 * values - 1, 0)[0] == STATUS["BadArgument"]
            assert run(1, layout.HASH_TREE, src, length, MEMORY_BYTES - 32, 64 * values, 0)[0] == STATUS["BadArgument"]


def test_hash_tree_of_the_largest_block(kernel, run, lengths):
    data = lengths.bytes(4 << 20)
    src, dst = kernel.desk + (1 << 20), kernel.desk + (8 << 20)
    kernel.write(src, data)
    values = sum(hash_levels(len(data)))
    begun = time.perf_counter()
    assert run(1, layout.HASH_TREE, src, len(data), dst, 32 * values, 0)[:2] == (0, values)
    assert time.perf_counter() - begun < 1
    top = kernel.read(dst + 32 * (values - 2), 64)
    assert parent_hash(top[:32], top[32:]) == blake3(data).digest()
