"""ChaCha20-Poly1305 exports beside ``cryptography``: 3,000 cases, RFC 8439's example, Wycheproof where present."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from inos.memory import layout

AUTH_FAILED = layout.STATUS["AuthFailed"]
# RFC 8439, 2.8.2
RFC_KEY = bytes(range(0x80, 0xA0))
RFC_NONCE = bytes.fromhex("070000004041424344454647")
RFC_AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
RFC_PLAIN = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
RFC_TAG = bytes.fromhex("1ae10b594f09e26a7e902ecbd0600691")


class Desk:
    """Where a case's parts lie."""

    def __init__(self, kernel, alignment=0):
        self.key = kernel.desk + alignment
        self.nonce = self.key + 32
        self.tag = self.nonce + 12
        self.aad = self.tag + 16

    def put(self, program, key, nonce, aad, message):
        self.message = self.aad + len(aad)
        self.args = (self.key, self.nonce, self.aad, len(aad), self.message, len(message), self.tag)
        program.write(self.key, key + nonce)
        program.write(self.aad, aad)
        program.write(self.message, message)


def seal(kernel, key, nonce, aad, plain):
    program, desk = kernel.program(), Desk(kernel)
    desk.put(program, key, nonce, aad, plain)
    program.call("aead_seal", *desk.args)
    program.read(desk.message, len(plain))
    program.read(desk.tag, 16)
    _, sealed, tag = program.run()
    return sealed, tag


def open_(kernel, key, nonce, aad, sealed, tag):
    program, desk = kernel.program(), Desk(kernel)
    desk.put(program, key, nonce, aad, sealed)
    program.write(desk.tag, tag)
    program.call("aead_open", *desk.args)
    program.read(desk.message, len(sealed))
    return program.run()


def test_rfc_8439_example(kernel):
    sealed, tag = seal(kernel, RFC_KEY, RFC_NONCE, RFC_AAD, RFC_PLAIN)
    assert tag == RFC_TAG
    assert sealed[:8].hex() == "d31a8d34648e60db"
    assert open_(kernel, RFC_KEY, RFC_NONCE, RFC_AAD, sealed, tag) == [0, RFC_PLAIN]


def test_seal_and_open(kernel, lengths):
    def case(number):
        length = number if number < 600 else lengths.length()
        plain, key, nonce = lengths.bytes(length), lengths.bytes(32), lengths.bytes(12)
        aad = lengths.bytes(lengths.random.randrange(100))
        desk = Desk(kernel, lengths.alignment())

        def steps(program):
            desk.put(program, key, nonce, aad, plain)
            program.call("aead_seal", *desk.args)
            program.read(desk.message, length)
            program.read(desk.tag, 16)
            program.call("aead_open", *desk.args)
            program.read(desk.message, length)
            sealed = ChaCha20Poly1305(key).encrypt(nonce, plain, aad)
            return [0, sealed[:-16], sealed[-16:], 0, plain]

        return steps

    assert kernel.verify(case(number) for number in range(1_500)) * 2 == 3_000


def test_limbs_at_their_bounds(kernel):
    """Messages whose key stream is cancelled out, so that Poly1305 sees all ones, all zeros and mixtures."""
    key, nonce = RFC_KEY, RFC_NONCE
    stream = ChaCha20Poly1305(key).encrypt(nonce, bytes(4096), b"")[:4096]
    for fill in (0xFF, 0x00, 0xFE, 0x80):
        for length in (16, 17, 64, 127, 128, 255, 256, 257, 1024, 4096):
            plain = bytes(a ^ fill for a in stream[:length])
            sealed, tag = seal(kernel, key, nonce, bytes([fill]) * 64, plain)
            assert sealed + tag == ChaCha20Poly1305(key).encrypt(nonce, plain, bytes([fill]) * 64)


def test_open_leaves_nothing_when_it_fails(kernel, lengths):
    for length in (1, 16, 100, 5_000):
        key, nonce, aad, plain = lengths.bytes(32), lengths.bytes(12), lengths.bytes(20), lengths.bytes(length)
        sealed, tag = seal(kernel, key, nonce, aad, plain)
        for bit in range(128):
            wrong = (int.from_bytes(tag, "little") ^ (1 << bit)).to_bytes(16, "little")
            assert open_(kernel, key, nonce, aad, sealed, wrong) == [AUTH_FAILED, sealed]
        for place in {0, length // 2, length - 1}:
            wrong = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
            assert open_(kernel, key, nonce, aad, wrong, tag) == [AUTH_FAILED, wrong]
        assert open_(kernel, key, nonce, aad + b"x", sealed, tag) == [AUTH_FAILED, sealed]
        assert open_(kernel, key, nonce, aad, sealed, tag) == [0, plain]


def test_wycheproof(kernel, shared):
    file = shared / "vectors" / "wycheproof" / "chacha20_poly1305_test.json"
    if not file.is_file():
        pytest.skip("vectors/wycheproof is not beside the checkout ($INOS_SHARED)")
    ran = 0
    for group in json.loads(file.read_text())["testGroups"]:
        for test in group["tests"]:
            key, nonce, aad, plain, sealed, tag = (
                bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            if len(nonce) != 12 or len(key) != 32:
                continue
            ran += 1
            if test["result"] == "valid":
                assert seal(kernel, key, nonce, aad, plain) == (sealed, tag), test["tcId"]
                assert open_(kernel, key, nonce, aad, sealed, tag) == [0, plain], test["tcId"]
            else:
                assert open_(kernel, key, nonce, aad, sealed, tag) == [AUTH_FAILED, sealed], test["tcId"]
    assert ran > 300
