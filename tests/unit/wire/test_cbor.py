"""Deterministic CBOR: what is written, and everything that is refused."""

from __future__ import annotations

import pytest

from inos.errors import BadArgument, LimitExceeded, ManifestMalformed, ProtocolViolation
from inos.wire import cbor

# RFC 8949 appendix A, the rows that are within our subset
ROWS = [
    (0, "00"), (1, "01"), (10, "0a"), (23, "17"), (24, "1818"), (25, "1819"), (100, "1864"), (1000, "1903e8"),
    (1000000, "1a000f4240"), (1000000000000, "1b000000e8d4a51000"), (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"), (-1, "20"), (-10, "29"), (-100, "3863"), (-1000, "3903e7"),
    (False, "f4"), (True, "f5"), (None, "f6"), (b"", "40"), (b"\1\2\3\4", "4401020304"), ("", "60"), ("a", "6161"),
    ("IETF", "6449455446"), ('"\\', "62225c"), ("ü", "62c3bc"), ("水", "63e6b0b4"), ("𐅑", "64f0908591"),
    ([], "80"), ([1, 2, 3], "83010203"), ([1, [2, 3], [4, 5]], "8301820203820405"), ({}, "a0"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"), ({1: 2, 3: 4}, "a201020304"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"), (["a", {"b": "c"}], "826161a161626163"),
]  # fmt: skip

REFUSED = {
    "nothing": "",
    "two items": "0000",
    "an integer cut": "19",
    "an integer cut later": "1a0000",
    "bytes cut": "44010203",
    "bytes of 2**64-1": "5bffffffffffffffff",
    "an array of 2**32": "9a80000000",
    "an array cut": "8201",
    "a map cut": "a101",
    "a map of 2**63": "bb8000000000000000",
    "one in two bytes": "1801",
    "255 in three bytes": "1900ff",
    "65535 in five bytes": "1a0000ffff",
    "2**32-1 in nine bytes": "1b00000000ffffffff",
    "a length that is not shortest": "5801aa",
    "a duplicate key": "a201000100",
    "unsorted keys": "a202000100",
    "a negative key before a positive one": "a22000" + "0000",
    "length-first order, as RFC 7049 had it": "a3000120021818" + "03",
    "a key that is an array": "a18000",
    "a key that is a map": "a1a000",
    "a key that is true": "a1f500",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "an indefinite array": "9f01ff",
    "an indefinite map": "bf0101ff",
    "a break": "ff",
    "a reserved length": "1c",
    "a tag": "c000",
    "a big number": "c249010000000000000000",
    "a date": "c11a514b67b0",
    "half float": "f93c00",
    "single float": "fa47c35000",
    "double float": "fb3ff199999999999a",
    "undefined": "f7",
    "simple 16": "f0",
    "simple in two bytes": "f818",
    "text that is not UTF-8": "61ff",
    "text with a surrogate": "63eda080",
    "nine levels": "81" * 9 + "00",
    "nine maps": "a100" * 9 + "00",
}


@pytest.mark.parametrize(("value", "encoded"), ROWS)
def test_rfc_8949_rows(value, encoded):
    assert cbor.encode(value).hex() == encoded
    decoded = cbor.decode(bytes.fromhex(encoded))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("encoded", REFUSED.values(), ids=REFUSED.keys())
def test_refused(encoded):
    with pytest.raises(ManifestMalformed):
        cbor.decode(bytes.fromhex(encoded))
    with pytest.raises(ProtocolViolation):
        cbor.decode(bytes.fromhex(encoded), error=ProtocolViolation)


def test_keys_are_in_the_order_of_their_bytes():
    value = {-1: 0, 24: 0, 0: 0, "a": 0, b"z": 0, 300: 0, "": 0}
    encoded = cbor.encode(value)
    assert list(cbor.decode(encoded)) == [0, 24, 300, -1, b"z", "", "a"]
    assert cbor.encode(dict(reversed(value.items()))) == encoded


def test_eight_levels_are_fine():
    encoded = bytes.fromhex("81" * 8 + "00")
    assert cbor.encode(cbor.decode(encoded)) == encoded
    assert cbor.decode(bytes.fromhex("81" * 7 + "80")) is not None


def test_size_is_looked_at_first():
    with pytest.raises(ManifestMalformed):
        cbor.decode(b"\xff" * 11, bytes_max=10)
    with pytest.raises(LimitExceeded):
        cbor.encode(b"x" * 10, bytes_max=10)
    assert cbor.decode(cbor.encode(b"x" * 9, bytes_max=10), bytes_max=10) == b"x" * 9


@pytest.mark.parametrize(
    "value", [1.5, {1.5: 1}, {True: 1}, {(1,): 1}, {1}, object(), 1 << 64, -(1 << 64) - 1, "\ud800", bytearray(b"x")]
)
def test_what_has_no_encoding(value):
    with pytest.raises(BadArgument):
        cbor.encode(value)


def test_too_many_items():
    most = [0] * (cbor.ITEMS_MAX - 1)
    assert len(cbor.decode(cbor.encode(most))) == len(most)
    with pytest.raises(LimitExceeded):
        cbor.encode([*most, 0])
    with pytest.raises(ManifestMalformed):
        cbor.decode(b"\x9a" + (len(most) + 1).to_bytes(4, "big") + bytes(len(most) + 1))
    assert cbor.decode(cbor.encode(bytes(cbor.ITEMS_MAX * 2)))


def test_a_value_too_deep():
    value = []
    for _ in range(8):
        value = [value]
    with pytest.raises(LimitExceeded):
        cbor.encode(value)
