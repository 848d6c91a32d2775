"""Brotli exports beside the ``brotli`` package: 2,000 cases both ways, odd streams, bombs, bounded memory."""

from __future__ import annotations

import brotli
import pytest

from inos.memory import layout

CODEC_ERROR = layout.STATUS["CodecError"]
LIMIT_EXCEEDED = layout.STATUS["LimitExceeded"]
BAD_ARGUMENT = layout.STATUS["BadArgument"]
ARENA_FULL = layout.STATUS["ArenaFull"]
WORDS = b"the a of block chunk vault peer shared memory kernel \n { } ( ) = 0 1 return const 2026 \xc3\xa4 ".split(b" ")


def text(lengths, length):
    """Something like prose, with random bytes strewn in."""
    out = bytearray()
    while len(out) < length:
        out += lengths.random.choice(WORDS) + b" "
        if lengths.random.random() < 0.02:
            out += lengths.bytes(lengths.random.randrange(1, 20))
    return bytes(out[:length])


def decode(kernel, stream, raw_len):
    program = kernel.program()
    src, dst = kernel.desk + 1, kernel.desk + 1 + len(stream)
    program.write(src, stream)
    program.fill(dst, raw_len + 64, 0xA5)
    program.call("brotli_decode", src, len(stream), dst, raw_len)
    program.read(dst, raw_len)
    program.read(dst + raw_len, 64)
    status, raw, behind = program.run()
    assert behind == b"\xa5" * 64, "wrote past raw_len"
    return status, raw


def test_decode_what_the_package_encodes(kernel, lengths):
    def case(number):
        raw = text(lengths, lengths.length(1 << 18)) if number % 3 else lengths.bytes(lengths.length(1 << 16))
        stream = brotli.compress(raw, quality=number % 7, lgwin=10 + number % 15)
        src = kernel.desk + lengths.alignment()
        dst = src + len(stream) + lengths.random.randrange(64)

        def steps(program):
            program.write(src, stream)
            program.fill(dst + len(raw), 16, 0xA5)
            program.call("brotli_decode", src, len(stream), dst, len(raw))
            program.read(dst, len(raw))
            program.read(dst + len(raw), 16)
            return [0, raw, b"\xa5" * 16]

        return steps

    used = kernel.call("arena_used")
    assert kernel.verify(case(number) for number in range(1_000)) == 1_000
    assert kernel.call("arena_used") == used


def test_encode_what_the_package_decodes(kernel, lengths):
    used = kernel.call("arena_used")
    for number in range(1_000):
        raw = text(lengths, lengths.length(1 << 16)) if number % 3 else lengths.bytes(lengths.length(1 << 15))
        quality, lgwin = number % 12 if len(raw) < 4096 else number % 8, 10 + number % 15
        src = kernel.desk + lengths.alignment()
        dst, cap = src + len(raw) + lengths.random.randrange(64), len(raw) + 1024
        program = kernel.program()
        program.write(src, raw)
        program.call("brotli_encode", src, len(raw), dst, cap, quality, lgwin)
        program.read(dst, cap)
        length, stream = program.run()
        assert length > 0
        assert brotli.decompress(stream[:length]) == raw
    assert kernel.call("arena_used") == used


def test_encoder_stays_within_its_room(kernel, lengths):
    raw = text(lengths, 50_000)
    full = len(brotli.compress(raw, quality=6))
    for cap in (0, 1, 100, full // 2):
        program = kernel.program()
        dst = kernel.desk + len(raw)
        program.write(kernel.desk, raw)
        program.fill(dst, cap + 64, 0xA5)
        program.call("brotli_encode", kernel.desk, len(raw), dst, cap, 6, 18)
        program.read(dst + cap, 64)
        assert program.run() == [LIMIT_EXCEEDED, b"\xa5" * 64]
    assert kernel.call("brotli_encode", kernel.desk, 10, kernel.desk + 100, 100, 12, 18) == BAD_ARGUMENT
    assert kernel.call("brotli_encode", kernel.desk, 10, kernel.desk + 100, 100, 6, 25) == BAD_ARGUMENT
    assert kernel.call("brotli_encode", kernel.desk, 10, kernel.desk + 100, 100, 6, 9) == BAD_ARGUMENT


def test_wrong_lengths_and_trailing_bytes(kernel, lengths):
    for length in (0, 1, 100, 70_000):
        raw = text(lengths, length)
        stream = brotli.compress(raw, quality=5)
        assert decode(kernel, stream, length) == (0, raw)
        assert decode(kernel, stream, length + 1)[0] == CODEC_ERROR
        assert decode(kernel, stream + b"\0", length)[0] == CODEC_ERROR
        assert decode(kernel, stream[:-1], length)[0] == CODEC_ERROR
        if length:
            assert decode(kernel, stream, length - 1)[0] == CODEC_ERROR


def test_bombs_and_hostile_windows(kernel):
    used = kernel.call("arena_used")
    bomb = brotli.compress(bytes(64 << 20), quality=9, lgwin=24)
    assert decode(kernel, bomb, 100)[0] == CODEC_ERROR
    assert decode(kernel, bomb, 1 << 20)[0] == CODEC_ERROR
    # Window bits 24, then a metablock that says 16 MiB, then nothing: refused without 16 MiB being taken.
    assert decode(kernel, bytes.fromhex("0f") + b"\xff" * 40, 100)[0] == CODEC_ERROR
    # A large-window stream (RFC 7932 has none).
    assert decode(kernel, bytes.fromhex("111e0600"), 0)[0] == CODEC_ERROR
    assert kernel.call("arena_used") == used
    small = brotli.compress(b"x" * 1000, lgwin=24)
    assert decode(kernel, small, 1000) == (0, b"x" * 1000)


def test_random_damage_never_traps(kernel, lengths):
    raw = text(lengths, 3_000)
    stream = brotli.compress(raw, quality=9)
    used = kernel.call("arena_used")
    for _ in range(1_500):
        bad = bytearray(stream)
        for _ in range(lengths.random.randrange(1, 4)):
            bad[lengths.random.randrange(len(bad))] ^= 1 << lengths.random.randrange(8)
        status, _ = decode(kernel, bytes(bad), len(raw))
        assert status in {0, CODEC_ERROR}
    assert kernel.call("arena_used") == used


def test_no_room_is_arena_full(small_kernel, lengths):
    """The encoder runs out of arena at every depth: a status, and nothing left behind."""
    kernel, raw = small_kernel, text(lengths, 200_000)
    src = kernel.call("arena_alloc", 1 << 20)
    kernel.write(src, raw)
    used = kernel.call("arena_used")
    outcomes = set()
    for spare in (4096, 65536, 1 << 18, 1 << 20, 3 << 20, 8 << 20):
        fillers = []
        for size in (16 << 20, 4 << 20, 1 << 20, 65536, 4096):
            while kernel.call("arena_capacity") - kernel.call("arena_used") > spare + size:
                filler = kernel.call("arena_alloc", size)
                if filler == 0:
                    break
                fillers.append(filler)
        before = kernel.call("arena_used")
        length = kernel.call("brotli_encode", src, len(raw), src + len(raw), 300_000, 6, 18)
        outcomes.add(min(0, length))
        assert kernel.call("arena_used") == before
        for filler in fillers:
            assert kernel.call("arena_release", filler) == 0
    assert outcomes == {ARENA_FULL, 0}
    assert kernel.call("arena_used") == used


def test_googles_streams(kernel, shared):
    folder = shared / "vectors" / "brotli" / "testdata"
    if not folder.is_dir():
        pytest.skip("vectors/brotli is not beside the checkout ($INOS_SHARED)")
    ran = 0
    for file in sorted(folder.glob("*.compressed*")):
        raw = (folder / file.name.partition(".compressed")[0]).read_bytes()
        if len(raw) > 4 << 20:
            continue
        assert decode(kernel, file.read_bytes(), len(raw)) == (0, raw), file.name
        ran += 1
    assert ran > 20
