"""Whatever arrives, decoding gives a message or ProtocolViolation; a node fed with it stays up and bounded."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inos import limits
from inos.errors import ProtocolViolation
from inos.wire import custody as cu
from inos.wire import messages as m

ids = st.binary(min_size=32, max_size=32)
sessions = st.binary(min_size=16, max_size=16)
u32 = st.integers(0, 0xFFFF_FFFF)
wall = st.integers(0, 1 << 52)
sdps = st.text(max_size=400)
controls = st.one_of(
    st.builds(m.Hello, ids, ids, sessions, u32, u32),
    st.builds(m.Auth, st.binary(min_size=64, max_size=64), ids),
    st.builds(m.RoomProof, ids, ids),
    st.builds(m.Bye, st.from_regex(r"\A[A-Za-z]{0,32}\Z")),
    st.builds(m.Want, u32, ids),
    st.builds(m.Missing, u32),
    st.builds(m.Cancel, u32),
    st.builds(m.Have, ids),
    st.builds(m.AskGrant, ids),
    st.builds(m.Grant, ids, st.binary(min_size=1, max_size=1024)),
    st.builds(m.Revoked, ids),
)
packed_ids = st.lists(ids, unique=True, max_size=4).map(b"".join)
some_ids = st.lists(ids, unique=True, min_size=1, max_size=4).map(b"".join)
rows = st.lists(st.tuples(ids, st.integers(1, limits.BLOCK_BYTES_MAX)), max_size=4).map(cu.pack_rows)
u8 = st.integers(0, 255)
leases = st.integers(0, limits.LEASE_S)
nonces = st.integers(0, (1 << 63) - 1)
copies = st.integers(0, limits.COPIES_MAX)
parts = st.integers(1, limits.KEEP_PARTS_MAX)
custody = st.one_of(
    st.builds(cu.Keep, ids, ids, ids, u8, parts, rows, leases, copies, u32, packed_ids, st.just(b"") | ids),
    st.builds(cu.Taking, ids),
    st.builds(cu.Refused, ids, u8),
    st.builds(cu.Kept, some_ids),
    st.builds(cu.Release, some_ids),
    st.builds(cu.Renew, some_ids, leases),
    st.builds(cu.Holders, ids, u32, copies, packed_ids, packed_ids),
    st.builds(cu.Audit, nonces, ids, u32),
    st.builds(cu.Slice, nonces, st.binary(max_size=1024), packed_ids),
    st.builds(cu.Handing, ids, u8),
    st.builds(cu.Handed, ids, st.booleans()),
    st.builds(cu.Dropped, some_ids),
)
signals = st.one_of(
    st.builds(m.Announce, ids, sessions, sessions, wall, sessions, st.booleans()),
    st.builds(m.Offer, ids, sessions, sessions, wall, sessions, sdps),
    st.builds(m.Answer, ids, sessions, sessions, wall, sessions, sessions, sdps),
)
signeds = st.builds(m.Signed, signals.map(m.encode), st.binary(min_size=64, max_size=64))
DECODERS = (m.decode_control, m.decode_signal, m.decode_signed)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(),
    st.binary(max_size=70),
    st.text(max_size=40),
)
things = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def decoded(decode, data):
    try:
        return decode(data)
    except ProtocolViolation:
        return None


@given(controls)
def test_controls_survive(message):
    data = m.encode(message)
    assert len(data) <= 160
    assert m.decode_control(data) == message
    assert decoded(m.decode_signal, data) is None
    assert decoded(m.decode_signed, data) is None


@given(custody)
def test_custody_survives(message):
    data = m.encode(message)
    assert len(data) <= 1_700
    assert m.decode_control(data) == message
    assert decoded(m.decode_signal, data) is None


@given(st.binary(max_size=200), st.booleans())
def test_packed_names_are_whole_and_different_or_refused(data, again):
    data += data if again else b""
    names = [data[at : at + 32] for at in range(0, len(data), 32)]
    is_good = len(data) % 32 == 0 and len(set(names)) == len(names)
    assert decoded(cu.ids_of, data) == (names if is_good else None)


@given(st.lists(st.tuples(ids, st.sampled_from([0, 1, 9, 1 << 22, (1 << 22) + 1, 1 << 31])), max_size=3), st.booleans())
def test_packed_rows_are_blocks_or_refused(some, cut):
    data = cu.pack_rows(some)[: -1 if cut else None]
    is_good = not (cut and some) and all(0 < length <= limits.BLOCK_BYTES_MAX for _, length in some)
    assert decoded(cu.rows_of, data) == (some if is_good else None)


@given(signeds)
def test_signed_signals_survive(signed):
    data = m.encode(signed)
    assert m.decode_signed(data) == signed
    assert decoded(m.decode_control, data) is None
    assert decoded(m.decode_signal, data) is None


@given(signals)
def test_signals_survive(signal):
    data = m.encode(signal)
    assert m.decode_signal(data) == signal
    assert decoded(m.decode_control, data) is None
    assert decoded(m.decode_signed, data) is None


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes(data):
    for decode in DECODERS:
        message = decoded(decode, data)
        assert message is None or decode(m.encode(message)) == message


@given(st.tuples(st.integers(0, 50), *[things] * 5), st.integers(1, 6))
@settings(max_examples=500)
def test_any_fields(fields, count):
    data = msgspec.msgpack.encode(list(fields)[:count])
    for decode in DECODERS:
        message = decoded(decode, data)
        assert message is None or m.encode(message)


@given(controls | signals | signeds, st.data())
@settings(max_examples=300)
def test_changed_bytes(message, data):
    whole = m.encode(message)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
    for cut in (changed, whole[:at], whole + whole[:1]):
        for decode in DECODERS:
            decoded(decode, cut)
    for decode in DECODERS:
        assert decoded(decode, whole[:at]) is None, "a cut message is no message"
        assert decoded(decode, whole + b"\x00") is None, "trailing bytes"


@pytest.mark.parametrize(
    "data",
    [
        b"\x91" * 5_000 + b"\x01",  # nested deeper than the stack
        b"\xdd\xff\xff\xff\xff",  # an array of four thousand million
        b"\x93\x10\x01\xc6\xff\xff\xff\xff",  # bytes of four thousand million
        b"\x92\x04\xdb\xff\xff\xff\xff",
        b"\x92\x04\xa1\xff",  # text that is not UTF-8
        b"\x92\x04\xd9\x21" + b"A" * 33,
        b"\x93\x10\xcf" + b"\xff" * 8 + b"\xc4\x20" + bytes(32),  # a request number of 64 bits
        b"\x93\x10\xff\xc4\x20" + bytes(32),
        b"\x94\x10\x01\xc4\x20" + bytes(32) + b"\x00",  # one field too many
        b"\x92\xff\x01",
        b"\x92\x63\x01",
        bytes(limits.MESSAGE_CONTROL_BYTES_MAX + 1),
    ],
)
def test_bombs_and_lies(data):
    assert decoded(m.decode_control, data) is None
    assert decoded(m.decode_signed, data) is None
    assert decoded(m.decode_signal, data) is None
