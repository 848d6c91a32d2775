"""Every parser of the vault's formats under arbitrary and nearly right bytes: only typed errors, bounded memory, one encoding."""

from __future__ import annotations

import dataclasses
import tracemalloc

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from inos import limits
from inos.errors import BadLink, BadName, InosError, ManifestMalformed
from inos.reference.gear64 import cut_lengths, gear_table
from inos.vault import block, keyslots, manifest
from inos.vault.contexts import derive_keys
from inos.vault.manifest import DIR, FILE, Entry, Manifest, Ref, Refs
from inos.vault.names import check_name, clean_name, show_name
from inos.wire import cbor, link
from inos_host.kernels import make_ports

ports, kernels = make_ports(1 << 20)
hash_bytes = ports.hashes.hash
SUITE = kernels.suite
KEYS = derive_keys(bytes(32), SUITE.hashes)
TABLE = gear_table(KEYS.gear)

ids = st.binary(min_size=32, max_size=32)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 64), (1 << 64) - 1), st.binary(max_size=40), st.text(max_size=20)
)
keys_of_maps = st.one_of(st.integers(-(1 << 64), (1 << 64) - 1), st.binary(max_size=8), st.text(max_size=8))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys_of_maps, inner, max_size=5), max_leaves=20
)
raw_lengths = st.integers(1, limits.RAW_BYTES_MAX)
refs = st.builds(
    lambda bid, secret, h, raw_len, block_len, codec, quality: Ref(
        bid, secret, h, raw_len, raw_len, block_len, codec, quality
    ),
    ids, ids, ids, raw_lengths, st.integers(80, limits.BLOCK_BYTES_MAX), st.integers(0, 1), st.integers(0, 255),
)  # fmt: skip
names = st.text(max_size=60).map(clean_name)
times = st.none() | st.integers(-manifest.MTIME_MS_MAX, manifest.MTIME_MS_MAX)
extras = st.dictionaries(st.integers(12, (1 << 64) - 1), values, max_size=3)


@st.composite
def files(draw):
    made = {
        "kind": FILE,
        "h_file": draw(ids),
        "name": draw(names | st.just("")),
        "media_type": draw(st.sampled_from(("", "text/plain"))),
        "mtime_ms": draw(times),
        "prev": draw(st.none() | ids),
        "extra": draw(extras),
    }
    if draw(st.booleans()):
        inline = draw(st.binary(max_size=200))
        return Manifest(total_len=len(inline), inline=inline, **made)
    found = draw(st.lists(refs, max_size=6))
    return Manifest(total_len=sum(ref.covers for ref in found), refs=Refs.of(found), **made)


@st.composite
def folders(draw):
    entries = []
    for name in sorted(draw(st.sets(names, max_size=5)), key=str.encode):
        ref = draw(st.none() | refs)
        if ref is None:
            inline = draw(st.binary(max_size=130))
            entries.append(Entry(name, FILE, len(inline), draw(times), inline=inline))
        else:
            size = draw(st.integers(limits.INLINE_BYTES_MAX + 1, 1 << 40))
            kind = draw(st.sampled_from((FILE, DIR)))
            entries.append(Entry(name, kind, size, draw(times), ref=dataclasses.replace(ref, covers=size)))
    total = sum(entry.size for entry in entries)
    return Manifest(DIR, total, draw(ids), entries=tuple(entries), extra=draw(extras))


@st.composite
def mutated(draw, originals):
    """Bytes that were right, with a few changes."""
    data = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(("flip", "cut", "insert", "drop", "double")))
        if change == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif change == "cut":
            del data[at:]
        elif change == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=9))
        elif change == "drop":
            del data[at : at + draw(st.integers(1, 9))]
        elif change == "double":
            data += data[at : at + 200]
    return bytes(data)


@given(values)
def test_cbor_round_trip(value):
    encoded = cbor.encode(value)
    decoded = cbor.decode(encoded)
    assert decoded == value
    assert cbor.encode(decoded) == encoded


@given(st.binary(max_size=200) | mutated(values.map(cbor.encode)))
@example(b"\x9b" + b"\xff" * 8)
@example(b"\x5b" + b"\xff" * 8)
@example(b"\x81" * 100_000)
@example(b"\xa1\x00" * 100_000)
def test_cbor_accepts_only_what_it_would_write(data):
    try:
        value = cbor.decode(data)
    except ManifestMalformed:
        return
    assert cbor.encode(value) == data


@given(files() | folders())
def test_manifest_round_trip(made):
    encoded = manifest.encode(made)
    assert manifest.decode(encoded) == made
    assert manifest.encode(manifest.decode(encoded)) == encoded


@given(
    st.binary(max_size=300)
    | st.dictionaries(st.integers(-1, 13), values, max_size=9).map(cbor.encode)
    | mutated((files() | folders()).map(manifest.encode))
)
def test_manifest_accepts_only_what_it_would_write(data):
    try:
        made = manifest.decode(data)
    except InosError:
        return
    assert manifest.encode(made) == data


slots = st.builds(keyslots.Slot, st.integers(1, 255), st.binary(max_size=60), st.binary(max_size=80))
key_files = st.builds(
    keyslots.KeyFile, st.integers(0, (1 << 64) - 1), st.lists(slots, min_size=1, max_size=6).map(tuple)
)


def written(keys):
    return keyslots.encode(keys, hash_bytes)


@given(key_files)
def test_keys_round_trip(keys):
    copy = written(keys)
    assert keyslots.decode(copy + copy, hash_bytes) == keys
    assert written(keyslots.decode(copy, hash_bytes)) == copy


@given(st.binary(max_size=300) | mutated(key_files.map(written).map(lambda copy: copy.rstrip(b"\0"))))
def test_keys_only_typed_errors(data):
    try:
        keys = keyslots.decode(data, hash_bytes)
    except InosError:
        return
    assert written(keys).startswith(data[: len(written(keys).rstrip(b"\0"))].rstrip(b"\0"))


def with_check(body):
    return body + hash_bytes(body)[:16]


@given(st.integers(0, 255), st.integers(0, 400), st.binary(max_size=400))
def test_keys_with_a_check_that_fits(count, length, records):
    """Past the hash: slot records of any shape."""
    body = b"INOK\1" + bytes([count]) + length.to_bytes(2, "little") + bytes(8) + records
    try:
        keys = keyslots.decode(with_check(body), hash_bytes)
    except InosError:
        return
    assert len(keys.slots) == count


@given(st.binary(max_size=2_000), st.integers(1, 3), st.sampled_from((0, 1, 6)))
def test_block_round_trip(raw, kind, quality):
    sealed = block.seal(raw, kind, quality, KEYS, SUITE)
    assert block.seal(raw, kind, quality, KEYS, SUITE) == sealed
    for how in ({"keys": KEYS}, {"secret": sealed.secret}):
        assert block.open_block(sealed.block, kind, SUITE, bid=sealed.bid, h=sealed.h, **how).raw == raw


sealed_blocks = st.binary(max_size=300).map(lambda raw: block.seal(raw, 1, 1, KEYS, SUITE).block)


@given(st.binary(max_size=300) | mutated(sealed_blocks))
def test_block_only_typed_errors(data):
    try:
        opened = block.open_block(data, 1, SUITE, keys=KEYS)
    except InosError:
        return
    assert block.seal(opened.raw, 1, 1, KEYS, SUITE).block == data


@given(st.binary(min_size=16, max_size=300), st.booleans())
def test_inner_bytes_of_a_hostile_author(inner, is_padded):
    """Past the tag: an author who holds the secret may encrypt anything."""
    if is_padded:
        inner = b"\1\1\0\0" + inner[4:8] + (len(inner) - 16).to_bytes(4, "little") + bytes(4) + inner[16:]
        inner = inner.ljust(block.padme(len(inner)), b"\0")
    secret = bytes(32)
    head = block.prefix(64 + len(inner)) + bytes(32)
    material = SUITE.hashes.derive("INOS 2026-11-23 02:30:00 vault v1 block aead", secret, 44)
    data = head + SUITE.aead.seal(material[:32], material[32:], inner, head + b"\1")
    try:
        opened = block.open_block(data, 1, SUITE, secret=secret)
    except InosError:
        return
    assert len(opened.raw) <= limits.RAW_BYTES_MAX


@given(st.text())
def test_names(name):
    cleaned = clean_name(name)
    assert check_name(cleaned) == cleaned == clean_name(cleaned)
    shown = show_name(name)
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    try:
        assert check_name(name) == cleaned
    except BadName:
        assert cleaned != name


@given(st.text(alphabet=st.characters(codec=None)))
def test_names_with_surrogates(name):
    assert check_name(clean_name(name))
    show_name(name).encode()


links = st.builds(link.Link, ids, ids)


@given(links)
def test_link_round_trip(made):
    text = link.encode(made, "https://host/")
    assert link.parse(text) == made


@given(st.text() | st.text(alphabet="#inos1r.-_AZaz09=", max_size=120).map("#inos1.".__add__))
def test_links_only_typed_errors(text):
    try:
        made = link.parse(text)
    except BadLink:
        return
    assert link.encode(made)[1:] in text


@given(st.binary(max_size=4_000), st.integers(0, 255), st.booleans())
@settings(max_examples=20)
def test_chunks_are_the_file(noise, byte, final):
    data = noise + bytes([byte]) * 300_000 + noise
    lengths = cut_lengths(data, TABLE, final=final)
    assert all(length > 0 for length in lengths)
    assert sum(lengths) == len(data) if final else sum(lengths) <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x9a" + (limits.MANIFEST_BYTES_MAX - 5).to_bytes(4, "big") + bytes(limits.MANIFEST_BYTES_MAX - 5),
        b"\x9a" + (cbor.ITEMS_MAX - 1).to_bytes(4, "big") + bytes(cbor.ITEMS_MAX - 1),
        b"\x99\x80\x00" + b"\x80" * 0x8000,
        b"\x59\xff\xff" + bytes(0xFFFF),
        bytes(limits.MANIFEST_BYTES_MAX),
        b"\x7a\x00\x0f\xff\x00" + b"\xff" * 0xFFF00,
    ],
)
def test_the_worst_mebibyte_stays_within_bounds(data):
    """The most that bytes can become is one small object an item, and items are bounded."""
    tracemalloc.start()
    try:
        with pytest.raises(InosError):
            manifest.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 16 * limits.MIB
    finally:
        tracemalloc.stop()
