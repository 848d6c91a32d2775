"""ChaCha20-Poly1305 in Python against RFC 8439 and Wycheproof."""

from __future__ import annotations

import pytest

from inos.errors import AuthFailed, BadArgument, InosError
from inos.reference.chacha20poly1305 import ReferenceAead, chacha20_block, open_sealed, poly1305, seal

# RFC 8439, 2.8.2
KEY = bytes(range(0x80, 0xA0))
NONCE = bytes.fromhex("070000004041424344454647")
AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
PLAIN = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
SEALED = bytes.fromhex(
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6"
    "a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"
    "1ae10b594f09e26a7e902ecbd0600691"
)


def test_rfc_8439():
    assert seal(KEY, NONCE, PLAIN, AAD) == SEALED
    assert open_sealed(KEY, NONCE, SEALED, AAD) == PLAIN
    # 2.3.2
    block = chacha20_block(bytes(range(32)), 1, bytes.fromhex("000000090000004a00000000"))
    assert block.hex().startswith("10f1e7e4d13b5915500fdd1fa32071c4")
    # 2.5.2
    key = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    assert poly1305(key, b"Cryptographic Forum Research Group").hex() == "a8061dc1305136c6c22b8baf0c0127a9"


def test_wycheproof(vectors):
    found = vectors("wycheproof/chacha20_poly1305_test.json") or {"testGroups": []}
    count = 0
    for group in found["testGroups"]:
        for case in group["tests"]:
            key, nonce, aad, plain, ciphertext, tag = (
                bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            count += 1
            if case["result"] == "valid":
                assert seal(key, nonce, plain, aad) == ciphertext + tag, case["tcId"]
                assert open_sealed(key, nonce, ciphertext + tag, aad) == plain, case["tcId"]
            else:
                with pytest.raises(InosError):
                    open_sealed(key, nonce, ciphertext + tag, aad)
    assert count in (0, 325)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 63, 64, 65, 200])
def test_round_trip_and_every_flipped_byte(length):
    aead, plain = ReferenceAead(), bytes(length)
    sealed = aead.seal(KEY, NONCE, plain, AAD)
    assert aead.open(KEY, NONCE, sealed, AAD) == plain
    for at in range(0, len(sealed), 7):
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(AuthFailed):
            aead.open(KEY, NONCE, bytes(broken), AAD)
    with pytest.raises(AuthFailed):
        aead.open(KEY, NONCE, sealed, AAD + b"x")


def test_sizes_are_checked():
    with pytest.raises(AuthFailed):
        open_sealed(KEY, NONCE, b"short", b"")
    with pytest.raises(BadArgument):
        seal(KEY[1:], NONCE, b"", b"")
    with pytest.raises(BadArgument):
        seal(KEY, NONCE[1:], b"", b"")
