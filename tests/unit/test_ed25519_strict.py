"""The strict checks, with the low-order points computed here from the curve itself."""

from __future__ import annotations

import pytest

from inos.ed25519_strict import L, P, precheck

D = -121665 * pow(121666, -1, P) % P
# RFC 8032, 7.1, test 2
PUBLIC_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1


def square_roots(value):
    root = pow(value, (P + 3) // 8, P)
    return [r for r in (root, root * ROOT % P) if r * r % P == value]


def low_order_ys():
    """The y of every point whose order divides 8: the multiples of a point of order 8.

    Such a point doubles to one with y = 0, hence x = iy, and -x^2 + y^2 = 1 + d x^2 y^2 becomes d y^4 + 2 y^2 - 1 = 0.
    """
    for root in square_roots((1 + D) % P):
        for square in ((root - 1) * pow(D, -1, P) % P, (-root - 1) * pow(D, -1, P) % P):
            for y in square_roots(square):
                point = total = (ROOT * y % P, y)
                ys = {y}
                for _ in range(7):
                    total = add(total, point)
                    ys.add(total[1])
                assert total == (0, 1)
                return ys
    raise AssertionError("the curve has such a point")


def encodings():
    """Every way to write a low-order point in 32 bytes."""
    for y in low_order_ys():
        for written in (y, y + P):
            for sign in (0, 1 << 255):
                if written < 1 << 255:
                    yield (written | sign).to_bytes(32, "little")


def test_there_are_fourteen_and_all_are_refused():
    found = list(encodings())
    assert len(set(found)) == 14
    for encoded in found:
        assert not precheck(encoded, SIGNATURE)
        assert not precheck(PUBLIC_KEY, encoded + SIGNATURE[32:])


def test_a_good_one():
    assert precheck(PUBLIC_KEY, SIGNATURE)


@pytest.mark.parametrize("y", [P, P + 1, P + 2, P + 9, P + 18])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_y_beyond_the_field(y, sign):
    encoded = (y | sign).to_bytes(32, "little")
    assert not precheck(encoded, SIGNATURE)
    assert not precheck(PUBLIC_KEY, encoded + SIGNATURE[32:])


def test_s_beyond_the_order():
    r, s = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:], "little")
    assert precheck(PUBLIC_KEY, r + (L - 1).to_bytes(32, "little"))
    for wrong in (L, L + 1, s + L, (1 << 256) - 1):
        assert not precheck(PUBLIC_KEY, r + wrong.to_bytes(32, "little"))


def test_lengths():
    assert not precheck(b"", b"")
    assert not precheck(PUBLIC_KEY + b"\0", SIGNATURE)
    assert not precheck(PUBLIC_KEY, SIGNATURE[:-1])


def test_wycheproof_valid_ones_pass(vectors):
    found = vectors("wycheproof/ed25519_test.json") or {"testGroups": []}
    for group in found["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            if case["result"] == "valid":
                assert precheck(key, bytes.fromhex(case["sig"])), case["tcId"]
