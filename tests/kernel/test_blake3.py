"""BLAKE3 exports beside the ``blake3`` package: 4,300 cases of random lengths and alignments, and known answers."""

from __future__ import annotations

import json

import pytest
from blake3 import blake3

CONTEXT = "INOS 2026-11-23 02:30:00 kernel test"
# From the BLAKE3 project's published vectors: input byte i = i mod 251.
KNOWN = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    64: "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98",
}
EDGES = [n + d for n in (64, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 1 << 20) for d in (-1, 0, 1)]


def pattern(length):
    return bytes(i % 251 for i in range(length))


@pytest.mark.parametrize("length", KNOWN)
def test_known_answers(kernel, length):
    kernel.write(kernel.desk, pattern(length))
    kernel.call("blake3_hash", kernel.desk, length, kernel.desk + 4096)
    assert kernel.read(kernel.desk + 4096, 32).hex() == KNOWN[length]


def test_hash_and_keyed(kernel, lengths):
    def case(length):
        data, key = lengths.bytes(length), lengths.bytes(32)
        src = kernel.desk + 256 + lengths.alignment()
        dst = src + length + lengths.random.randrange(64)

        def steps(program):
            program.write(src, data)
            program.call("blake3_hash", src, length, dst)
            program.read(dst, 32)
            program.write(dst + 64, key)
            program.call("blake3_keyed", dst + 64, src, length, dst)
            program.read(dst, 32)
            return [0, blake3(data).digest(), 0, blake3(data, key=key).digest()]

        return steps

    todo = [*EDGES, *(lengths.length() for _ in range(2_000))]
    assert kernel.verify(case(length) for length in todo) * 2 >= 4_000


def test_derive_and_long_output(kernel, lengths):
    def case():
        length, out = lengths.length(1 << 16), lengths.random.randrange(300)
        data, context = lengths.bytes(length), CONTEXT[: lengths.random.randrange(1, len(CONTEXT))]
        src = kernel.desk + 256 + lengths.alignment()

        def steps(program):
            program.write(kernel.desk, context.encode())
            program.write(src, data)
            program.call("blake3_derive", kernel.desk, len(context), src, length, src + length, out)
            program.read(src + length, out)
            return [0, blake3(data, derive_key_context=context).digest(length=out) if out else b""]

        return steps

    assert kernel.verify(case() for _ in range(700)) == 700


def test_incremental(kernel, lengths):
    state_bytes = kernel.call("blake3_state_bytes")

    def case(number):
        data, key = lengths.bytes(lengths.length()), lengths.bytes(32)
        state, src = kernel.desk + 8 * (number % 8), kernel.desk + 4096 + lengths.alignment()
        cuts = sorted(lengths.random.randrange(len(data) + 1) for _ in range(lengths.random.randrange(6)))

        def steps(program):
            expected = [0]
            program.write(src, data)
            program.write(kernel.desk + 3072, key)
            if number % 2:
                program.call("blake3_init", state)
            else:
                program.call("blake3_init_keyed", state, kernel.desk + 3072)
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                program.call("blake3_update", state, src + start, end - start)
                program.call("blake3_final", state, src + len(data), 32)
                program.read(src + len(data), 32)
                hasher = blake3(data[:end]) if number % 2 else blake3(data[:end], key=key)
                expected += [0, 0, hasher.digest()]
            return expected

        return steps

    assert state_bytes <= 3072
    assert kernel.verify(case(number) for number in range(1_000)) == 1_000


def test_a_state_that_is_none(kernel):
    state = kernel.desk
    kernel.write(state, bytes(4096))
    bad = -1
    assert kernel.call("blake3_update", state, state, 1) == bad
    assert kernel.call("blake3_final", state, state, 32) == bad
    assert kernel.call("blake3_init", state + 1) == bad
    assert kernel.call("blake3_init", 0) == bad
    assert kernel.call("blake3_init", 0xFFFFFF00) == bad


def test_published_vectors(kernel, shared):
    file = shared / "vectors" / "blake3" / "test_vectors.json"
    if not file.is_file():
        pytest.skip("vectors/blake3 is not beside the checkout ($INOS_SHARED)")
    vectors = json.loads(file.read_text())
    context, key = vectors["context_string"].encode(), vectors["key"].encode()
    for case in vectors["cases"]:
        length = case["input_len"]
        src, dst = kernel.desk + 128, kernel.desk + 128 + length
        program = kernel.program()
        program.write(kernel.desk, context)
        program.write(src, pattern(length))
        program.call("blake3_derive", kernel.desk, len(context), src, length, dst, len(case["derive_key"]) // 2)
        program.read(dst, len(case["derive_key"]) // 2)
        program.write(kernel.desk, key)
        program.call("blake3_keyed", kernel.desk, src, length, dst)
        program.read(dst, 32)
        program.call("blake3_init_keyed", dst - dst % 64 + 64, kernel.desk)
        program.call("blake3_update", dst - dst % 64 + 64, src, length)
        program.call("blake3_final", dst - dst % 64 + 64, kernel.desk + (4 << 20), len(case["keyed_hash"]) // 2)
        program.read(kernel.desk + (4 << 20), len(case["keyed_hash"]) // 2)
        _, derived, _, keyed, _, _, _, long = program.run()
        assert derived.hex() == case["derive_key"]
        assert keyed.hex() == case["keyed_hash"][:64]
        assert long.hex() == case["keyed_hash"]
