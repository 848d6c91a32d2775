"""Block v1: known answers, every bad input, and the order in which things are noticed."""

from __future__ import annotations

import struct
import zlib

import pytest

from inos import limits
from inos.errors import (
    AuthFailed,
    BadArgument,
    BadMagic,
    CodecError,
    ContentMismatch,
    CorruptError,
    IdMismatch,
    InosError,
    LimitExceeded,
    MalformedHeader,
    MalformedInner,
    Truncated,
    UnsupportedSuite,
    UnsupportedVersion,
)
from inos.reference.blake3 import ReferenceHashes, blake3
from inos.reference.chacha20poly1305 import ReferenceAead
from inos.vault.block import (
    CODEC_BROTLI,
    CODEC_RAW,
    Suite,
    block_len_of,
    open_block,
    outer_check,
    padme,
    seal,
    seal_payload,
)
from inos.vault.contexts import derive_keys, kind_index

VRS = bytes(range(32))
# kind, raw length, secret, bid; of raw bytes i mod 251 under VRS
EMBEDDED = (
    (
        1,
        0,
        "535df7aca1dbbc3855e4cd76d17b97bd2173404ba448951bbfb081a1956cf02b",
        "f639a2db48ba317a98dbf250b7f642bf1f4096eb9ef96e8b64992f9b709f2272",
    ),
    (
        1,
        65,
        "7939a4bd27c0ec65bafd03be09b70204bd4c61528664b91da43074d971361f34",
        "681a35f8ddac3d442071d89050b0dd6691f5954cebe4ecbe36519e587c997609",
    ),
    (
        2,
        1025,
        "929756f93246d7aec0485524df8c9b107dfa5f016f92ff0fe4fd8a9f6caa365c",
        "4a9b46c717a37d351df0a491f2a95c97d9525f932de303c1c345796be64ce2e3",
    ),
)
RAW_LEN_MAX = 2_000  # plain Python: the big known answers run over the wheels in tests/unit/host


def inflate(payload, raw_len):
    """A stand-in for Brotli with the same contract, since Pyodide has no ``brotli``."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(payload, raw_len + 1)
    except zlib.error as error:
        raise CodecError from error
    if len(raw) != raw_len or not stream.eof or stream.unused_data:
        raise CodecError
    return raw


SUITE = Suite(ReferenceHashes(), ReferenceAead(), lambda raw, quality: zlib.compress(raw, min(quality, 9)), inflate)


@pytest.fixture(scope="module")
def keys():
    return derive_keys(VRS, SUITE.hashes)


def pattern(length):
    return bytes(i % 251 for i in range(length))


def test_known_answers(keys, vectors):
    cases = [dict(zip(("kind", "raw_len", "secret", "bid"), case, strict=True)) for case in EMBEDDED]
    if found := vectors("inos_block_v1/kat.json"):
        cases += [case for case in found["cases"] if case["codec"] == 0 and case["raw_len"] <= RAW_LEN_MAX]
    for case in cases:
        raw = pattern(case["raw_len"])
        sealed = seal(raw, case["kind"], 0, keys, SUITE)
        assert (sealed.secret.hex(), sealed.bid.hex()) == (case["secret"], case["bid"])
        assert sealed.h == blake3(raw)
        for name in ("block", "h", "cid"):
            if case.get(name):
                assert getattr(sealed, name).hex() == case[name]
        assert open_block(sealed.block, case["kind"], SUITE, keys=keys, bid=sealed.bid, h=sealed.h).raw == raw
        assert open_block(sealed.block, case["kind"], SUITE, secret=sealed.secret).raw == raw


def test_keys(keys, vectors):
    assert len({keys.id, *keys.siv, *keys.enc, keys.cdc, keys.loc}) == 9
    if found := vectors("inos_block_v1/kat.json"):
        expected = found["keys"]
        assert keys.id.hex() == expected["id"]
        names = ("chunk", "manifest", "index")
        assert [key.hex() for key in keys.siv] == [expected["siv"][name] for name in names]
        assert [key.hex() for key in keys.enc] == [expected["enc"][name] for name in names]
    with pytest.raises(BadArgument):
        derive_keys(b"short", SUITE.hashes)


def test_padme():
    assert [padme(n) for n in (0, 1, 2, 9, 16, 17, 31, 33, 1000, 65_552)] == [0, 1, 2, 10, 16, 18, 32, 36, 1024, 67_584]
    for length in range(2, 5000):
        assert length <= padme(length) <= length * 1.12 + 1
        assert padme(padme(length)) == padme(length)
    assert block_len_of(limits.RAW_BYTES_MAX) <= limits.BLOCK_BYTES_MAX


def test_compression_is_kept_only_where_it_gains(keys):
    text = b"all work and no play " * 50
    packed = seal(text, 1, 6, keys, SUITE)
    assert (packed.codec, packed.quality) == (CODEC_BROTLI, 6)
    assert len(packed.block) < len(text)
    opened = open_block(packed.block, 1, SUITE, keys=keys, h=packed.h)
    assert (opened.raw, opened.codec, opened.quality) == (text, CODEC_BROTLI, 6)
    noise = b"".join(blake3(bytes([i])) for i in range(20))
    plain = seal(noise, 1, 6, keys, SUITE)
    assert (plain.codec, plain.quality) == (CODEC_RAW, 0)
    assert plain.block == seal(noise, 1, 0, keys, SUITE).block
    assert packed.cid == seal(text, 1, 0, keys, SUITE).cid
    assert packed.bid != seal(text, 1, 0, keys, SUITE).bid
    assert seal(b"", 1, 6, keys, SUITE).codec == CODEC_RAW


def test_every_flip_and_cut_of_a_block_is_noticed(keys):
    sealed = seal(pattern(40), 1, 0, keys, SUITE)
    for bit in range(0, len(sealed.block) * 8, 3):
        broken = bytearray(sealed.block)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InosError) as caught:
            open_block(bytes(broken), 1, SUITE, keys=keys)
        assert isinstance(caught.value, CorruptError | LimitExceeded)
        with pytest.raises(InosError):
            open_block(bytes(broken), 1, SUITE, secret=sealed.secret)
    for length in range(len(sealed.block)):
        with pytest.raises((Truncated, MalformedHeader)):
            outer_check(sealed.block[:length])
    with pytest.raises(MalformedHeader):
        outer_check(sealed.block + b"\0")


def changed(block, at, value):
    return block[:at] + value + block[at + len(value) :]


def test_the_header(keys):
    block = seal(pattern(40), 1, 0, keys, SUITE).block
    outer_check(block)
    for at, value, error in (
        (0, b"X", BadMagic),
        (4, b"\2", UnsupportedVersion),
        (5, b"\2", UnsupportedSuite),
        (6, b"\1", MalformedHeader),
        (12, b"\1", MalformedHeader),
        (8, struct.pack("<I", len(block) + 1), MalformedHeader),
        (8, struct.pack("<I", limits.BLOCK_BYTES_MAX + 1), LimitExceeded),
    ):
        with pytest.raises(error):
            outer_check(changed(block, at, value))
    with pytest.raises(Truncated):
        outer_check(b"")
    with pytest.raises(LimitExceeded):
        outer_check(block + bytes(limits.BLOCK_BYTES_MAX))


def test_the_order_of_checks(keys):
    sealed = seal(pattern(40), 1, 0, keys, SUITE)
    bad_everything = changed(changed(sealed.block, 0, b"X"), 60, b"????")
    with pytest.raises(BadMagic):
        open_block(bad_everything, 1, SUITE, keys=keys, bid=bytes(32), h=bytes(32))
    bad_body = changed(sealed.block, 60, b"????")
    with pytest.raises(IdMismatch):
        open_block(bad_body, 1, SUITE, keys=keys, bid=sealed.bid, h=bytes(32))
    with pytest.raises(AuthFailed):
        open_block(bad_body, 1, SUITE, keys=keys, bid=blake3(bad_body), h=bytes(32))
    with pytest.raises(ContentMismatch):
        open_block(sealed.block, 1, SUITE, keys=keys, bid=sealed.bid, h=bytes(32))
    with pytest.raises(AuthFailed):
        open_block(sealed.block, 2, SUITE, secret=sealed.secret)
    with pytest.raises(AuthFailed):
        open_block(sealed.block, 1, SUITE, keys=derive_keys(bytes(32), SUITE.hashes))
    with pytest.raises(BadArgument):
        open_block(sealed.block, 1, SUITE)
    for kind in (0, 4, -1):
        with pytest.raises(BadArgument):
            kind_index(kind)


def craft(keys, inner, kind=1):
    """A block that verifies around any inner bytes, as a hostile author who holds the keys could make it."""
    head = struct.pack("<4sBBHII", b"INOB", 1, 1, 0, 64 + len(inner), 0)
    salt = SUITE.hashes.keyed(keys.siv[kind - 1], head + inner)
    secret = SUITE.hashes.keyed(keys.enc[kind - 1], salt)
    material = SUITE.hashes.derive("INOS 2026-11-23 02:30:00 vault v1 block aead", secret, 44)
    return head + salt + SUITE.aead.seal(material[:32], material[32:], inner, head + salt + bytes([kind]))


def inner_of(kind=1, codec=0, quality=0, flags=0, raw_len=16, enc_len=16, zero=0, payload=bytes(16), padding=b""):
    return struct.pack("<BBBBIII", kind, codec, quality, flags, raw_len, enc_len, zero) + payload + padding


def test_the_inner_header(keys):
    assert open_block(craft(keys, inner_of()), 1, SUITE, keys=keys).raw == bytes(16)
    for inner, error in (
        (inner_of(kind=2), MalformedInner),
        (inner_of(flags=1), MalformedInner),
        (inner_of(zero=1), MalformedInner),
        (inner_of(enc_len=17), MalformedInner),
        (inner_of(enc_len=0xFFFFFFFF), MalformedInner),
        (inner_of(enc_len=0), MalformedInner),
        (inner_of(padding=bytes(4)), MalformedInner),
        (inner_of(enc_len=15, raw_len=15, payload=bytes(15) + b"\1"), MalformedInner),
        (inner_of(codec=2), CodecError),
        (inner_of(raw_len=15), CodecError),
        (inner_of(raw_len=17), CodecError),
        (inner_of(codec=1), CodecError),
        (inner_of(raw_len=limits.RAW_BYTES_MAX + 1), LimitExceeded),
        (inner_of(codec=1, raw_len=0xFFFFFFFF), LimitExceeded),
    ):
        with pytest.raises(error):
            open_block(craft(keys, inner), 1, SUITE, keys=keys)
    with pytest.raises(LimitExceeded):
        open_block(craft(keys, inner_of()), 1, SUITE, keys=keys, raw_len_max=15)


def test_a_salt_of_other_bytes_is_refused_to_the_owner(keys):
    """A block that verifies under a chosen salt: readers cannot tell (they check ``h``), the owner can."""
    inner = inner_of()
    head = struct.pack("<4sBBHII", b"INOB", 1, 1, 0, 64 + len(inner), 0)
    salt = bytes(32)
    secret = SUITE.hashes.keyed(keys.enc[0], salt)
    material = SUITE.hashes.derive("INOS 2026-11-23 02:30:00 vault v1 block aead", secret, 44)
    block = head + salt + SUITE.aead.seal(material[:32], material[32:], inner, head + salt + b"\1")
    assert open_block(block, 1, SUITE, secret=secret).raw == bytes(16)
    with pytest.raises(AuthFailed):
        open_block(block, 1, SUITE, keys=keys)


def test_a_bomb_stops(keys):
    bomb = zlib.compress(bytes(1 << 20), 9)
    sealed = seal_payload(bomb, 100, blake3(bytes(100)), 1, CODEC_BROTLI, 6, keys, SUITE)
    with pytest.raises(CodecError):
        open_block(sealed.block, 1, SUITE, keys=keys)


def test_bad_arguments(keys):
    with pytest.raises(LimitExceeded):
        seal(bytes(limits.RAW_BYTES_MAX + 1), 1, 0, keys, SUITE)
    with pytest.raises(BadArgument):
        seal(b"", 1, 12, keys, SUITE)
    with pytest.raises(BadArgument):
        seal(b"", 4, 0, keys, SUITE)


def test_no_secret_in_a_repr(keys):
    sealed = seal(b"x", 1, 0, keys, SUITE)
    assert repr(sealed.secret) not in repr(sealed)
    assert repr(keys.id) not in repr(keys)
