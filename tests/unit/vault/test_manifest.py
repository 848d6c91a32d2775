"""Manifests: round trips, one encoding each, and every inconsistency."""

from __future__ import annotations

import dataclasses

import pytest

from inos import limits
from inos.errors import (
    BadArgument,
    BadName,
    LimitExceeded,
    ManifestInconsistent,
    ManifestMalformed,
    UnsupportedFeature,
    UnsupportedVersion,
)
from inos.vault.manifest import (
    DIR,
    FILE,
    REF_BYTES,
    Entry,
    Manifest,
    Ref,
    Refs,
    check_child,
    decode,
    encode,
    pack_refs,
    unpack_ref,
)
from inos.wire import cbor

H = bytes(range(32))
KIB16 = limits.INLINE_BYTES_MAX


def ref(raw_len=1000, covers=None, **fields):
    made = {"bid": b"b" * 32, "secret": b"s" * 32, "h": H, "block_len": 1088, "codec": 0, "quality": 0} | fields
    return Ref(raw_len=raw_len, covers=raw_len if covers is None else covers, **made)


def file_of(*refs, **fields):
    made = {"total_len": sum(r.covers for r in refs), "h_file": H} | fields
    return Manifest(FILE, refs=Refs.of(refs), **made)


INLINE = Manifest(FILE, 3, H, inline=b"abc", name="a.txt", media_type="text/plain", mtime_ms=1_790_000_000_000)
FOLDER = Manifest(
    DIR,
    3 + 100_000 + 5,
    H,
    entries=(
        Entry("a", FILE, 3, None, inline=b"abc"),
        Entry("b", FILE, 100_000, -1, ref=ref(500, 100_000)),
        Entry("sub", DIR, 5, 0, ref=ref(500, 5)),
        Entry("sub2", DIR, 0, 0, ref=ref(500, 0)),
        Entry("é", FILE, 0, 0, inline=b""),
    ),
)
GOOD = {
    "empty, inline": Manifest(FILE, 0, H, inline=b""),
    "empty": Manifest(FILE, 0, H),
    "inline": INLINE,
    "inline at its limit": Manifest(FILE, KIB16, H, inline=bytes(KIB16)),
    "one chunk": file_of(ref(), name="x"),
    "three chunks": file_of(
        ref(1), ref(limits.RAW_BYTES_MAX, block_len=limits.BLOCK_BYTES_MAX), ref(2), prev=b"p" * 32
    ),
    "level 3": file_of(ref(900, 1 << 40), ref(900, 1 << 41), level=3),
    "most references": file_of(*[ref()] * limits.MANIFEST_REFS_MAX),
    "folder": FOLDER,
    "split folder": Manifest(DIR, 7, H, level=1, refs=Refs.of([ref(500, 7)])),
    "empty folder": Manifest(DIR, 0, H),
    "later keys": dataclasses.replace(INLINE, extra={12: [1, {"x": b"y"}], 1 << 40: None}),
}


@pytest.mark.parametrize("manifest", GOOD.values(), ids=GOOD.keys())
def test_round_trip(manifest):
    encoded = encode(manifest)
    assert len(encoded) <= limits.MANIFEST_BYTES_MAX
    assert decode(encoded) == manifest
    assert encode(decode(encoded)) == encoded


def test_known_answer():
    expected = "a900010101020303" + "5820" + H.hex() + "050006" + "65612e747874" + "076a746578742f706c61696e"
    assert encode(INLINE).hex() == expected + "081b000001a0c4b93400".replace(
        "01a0c4b93400", f"{1_790_000_000_000:012x}"
    ) + ("0943616263")


BAD = {
    "two bytes too few": (file_of(ref(), total_len=1002), ManifestInconsistent),
    "inline of another length": (Manifest(FILE, 4, H, inline=b"abc"), ManifestInconsistent),
    "inline too long": (Manifest(FILE, KIB16 + 1, H, inline=bytes(KIB16 + 1)), LimitExceeded),
    "inline beside references": (file_of(ref(), inline=b""), ManifestInconsistent),
    "inline at level 1": (Manifest(FILE, 0, H, inline=b"", level=1), ManifestInconsistent),
    "level 4": (file_of(ref(), level=4), ManifestInconsistent),
    "negative level": (file_of(ref(), level=-1), ManifestInconsistent),
    "negative length": (Manifest(FILE, -1, H), LimitExceeded),
    "too long": (Manifest(FILE, limits.FILE_BYTES_MAX + 1, H), LimitExceeded),
    "covers that sum to too much": (file_of(*[ref(9, 1 << 63)] * 4, level=1, total_len=0), LimitExceeded),
    "covers that wrap to 0": (file_of(ref(9, (1 << 64) - 1), ref(9, 1), level=1, total_len=0), LimitExceeded),
    "too many references": (file_of(*[ref()] * (limits.MANIFEST_REFS_MAX + 1)), ManifestInconsistent),
    "chunk that covers more": (file_of(ref(5, 6)), ManifestInconsistent),
    "chunk of nothing": (file_of(ref(0)), ManifestInconsistent),
    "reference that covers nothing": (file_of(ref(5, 0), level=1), ManifestInconsistent),
    "plaintext too long": (file_of(ref(limits.RAW_BYTES_MAX + 1)), LimitExceeded),
    "block too long": (file_of(ref(block_len=limits.BLOCK_BYTES_MAX + 1)), LimitExceeded),
    "block too short": (file_of(ref(block_len=79)), ManifestInconsistent),
    "unknown codec": (file_of(ref(codec=2)), ManifestMalformed),
    "short hash": (Manifest(FILE, 0, b"h"), ManifestMalformed),
    "short prev": (Manifest(FILE, 0, H, prev=b"p"), ManifestMalformed),
    "bad name": (file_of(ref(), name="../x"), BadName),
    "media type with a newline": (file_of(ref(), media_type="a\nb"), ManifestMalformed),
    "media type not ASCII": (file_of(ref(), media_type="é"), ManifestMalformed),
    "media type too long": (file_of(ref(), media_type="a" * 128), ManifestMalformed),
    "no clock's time": (file_of(ref(), mtime_ms=1 << 60), ManifestInconsistent),
    "unknown type": (Manifest(3, 0, H), UnsupportedFeature),
    "file with entries": (Manifest(FILE, 0, H, entries=(Entry("a", FILE, 0, 0, inline=b""),)), ManifestInconsistent),
    "folder with inline": (Manifest(DIR, 0, H, inline=b""), ManifestInconsistent),
    "folder with references at level 0": (Manifest(DIR, 7, H, refs=Refs.of([ref(7)])), ManifestInconsistent),
    "folder with entries at level 1": (
        Manifest(DIR, 0, H, level=1, entries=(Entry("a", FILE, 0, 0, inline=b""),)),
        ManifestInconsistent,
    ),
}
ENTRIES_BAD = {
    "unsorted": ([Entry("b", FILE, 0, 0, b""), Entry("a", FILE, 0, 0, b"")], ManifestInconsistent),
    "twice": ([Entry("a", FILE, 0, 0, b""), Entry("a", FILE, 0, 0, b"")], ManifestInconsistent),
    "bad name": ([Entry("a/b", FILE, 0, 0, b"")], BadName),
    "inline of another length": ([Entry("a", FILE, 1, 0, b"")], ManifestInconsistent),
    "no data": ([Entry("a", FILE, 1, 0)], ManifestInconsistent),
    "inline of a folder": ([Entry("a", DIR, 1, 0, b"a")], ManifestInconsistent),
    "big without reference": ([Entry("a", FILE, KIB16 + 1, 0, bytes(KIB16 + 1))], ManifestInconsistent),
    "small with reference": ([Entry("a", FILE, 116, 0, None, ref(116))], ManifestInconsistent),
    "covers another size": ([Entry("a", FILE, 99_999, 0, None, ref(50, 99_998))], ManifestInconsistent),
    "reference out of bounds": ([Entry("a", FILE, 99_999, 0, None, ref(50, 99_999, codec=9))], ManifestMalformed),
    "unknown type": ([Entry("a", 7, 0, 0, None, ref(50, 0))], UnsupportedFeature),
    "negative size": ([Entry("a", DIR, -1, 0, None, ref(50, 0))], LimitExceeded),
    "no clock's time": ([Entry("a", FILE, 0, -(1 << 60), b"")], ManifestInconsistent),
}


@pytest.mark.parametrize(("manifest", "error"), BAD.values(), ids=BAD.keys())
def test_inconsistent(manifest, error):
    with pytest.raises(error):
        encode(manifest)


@pytest.mark.parametrize(("entries", "error"), ENTRIES_BAD.values(), ids=ENTRIES_BAD.keys())
def test_bad_entries(entries, error):
    with pytest.raises(error):
        encode(Manifest(DIR, sum(entry.size for entry in entries), H, entries=tuple(entries)))


BODY = {0: 1, 1: 1, 2: 3, 3: H, 5: 0, 9: b"abc"}
RAW_BAD = {
    "not a map": ([1], ManifestMalformed),
    "text keys": ({"a": 1}, ManifestMalformed),
    "no version": ({1: 1}, ManifestMalformed),
    "version true": (BODY | {0: True}, ManifestMalformed),
    "version 2": (BODY | {0: 2}, UnsupportedVersion),
    "critical extension": (BODY | {-1: 0}, UnsupportedFeature),
    "type 3": (BODY | {1: 3}, UnsupportedFeature),
    "type missing": ({0: 1, 2: 3, 3: H, 5: 0, 9: b"abc"}, ManifestMalformed),
    "length true": (BODY | {2: True}, ManifestMalformed),
    "length negative": (BODY | {2: -3}, LimitExceeded),
    "hash text": (BODY | {3: "x"}, ManifestMalformed),
    "level missing": ({0: 1, 1: 1, 2: 3, 3: H, 9: b"abc"}, ManifestMalformed),
    "references of 115 bytes": (BODY | {4: bytes(115)}, ManifestMalformed),
    "references of 0 bytes": (BODY | {4: b""}, ManifestMalformed),
    "empty name": (BODY | {6: ""}, BadName),
    "name bytes": (BODY | {6: b"x"}, ManifestMalformed),
    "name null": (BODY | {6: None}, ManifestMalformed),
    "empty media type": (BODY | {7: ""}, ManifestMalformed),
    "inline text": (BODY | {9: "abc"}, ManifestMalformed),
    "no entries": (BODY | {11: []}, ManifestMalformed),
    "entry not a row": (BODY | {1: 2, 11: [1]}, ManifestMalformed),
    "entry of four": (BODY | {1: 2, 11: [["a", 1, 0, 0]]}, ManifestMalformed),
    "entry with a text size": (BODY | {1: 2, 11: [["a", 1, "0", 0, b""]]}, ManifestMalformed),
    "entry with a text time": (BODY | {1: 2, 11: [["a", 1, 0, "0", b""]]}, ManifestMalformed),
    "entry with 115 bytes": ({0: 1, 1: 2, 2: 9, 3: H, 5: 0, 11: [["a", 2, 9, 0, bytes(115)]]}, ManifestMalformed),
    "entry with reserved bytes": (
        {0: 1, 1: 2, 2: 9, 3: H, 5: 0, 11: [["a", 2, 9, 0, ref(5, 9).pack()[:-1] + b"\1"]]},
        ManifestMalformed,
    ),
    "reserved bytes": ({0: 1, 1: 1, 2: 5, 3: H, 4: ref(5).pack()[:-1] + b"\1", 5: 0}, ManifestMalformed),
}


@pytest.mark.parametrize(("body", "error"), RAW_BAD.values(), ids=RAW_BAD.keys())
def test_bad_bytes(body, error):
    with pytest.raises(error):
        decode(cbor.encode(body))


def test_bytes_around_a_good_one():
    encoded = encode(INLINE)
    for broken in (encoded + b"\0", encoded[:-1], b"", bytes(limits.MANIFEST_BYTES_MAX + 1)):
        with pytest.raises(ManifestMalformed):
            decode(broken)


def test_a_manifest_beyond_its_limit():
    entries = tuple(Entry(f"{i:04}", FILE, KIB16, 0, inline=bytes(KIB16)) for i in range(65))
    with pytest.raises(LimitExceeded):
        encode(Manifest(DIR, 65 * KIB16, H, entries=entries))


def test_extra_keys_may_not_have_a_meaning():
    for key in (-1, 0, 11):
        with pytest.raises(BadArgument):
            encode(dataclasses.replace(INLINE, extra={key: 0}))


def test_refs_are_a_sequence_over_bytes():
    made = [ref(i + 1) for i in range(5)]
    refs = Refs.of(made)
    assert len(refs) == 5
    assert list(refs) == made
    assert refs[0] == made[0]
    assert refs[-1] == made[-1]
    assert list(refs[1:4:2]) == [made[1], made[3]]
    assert refs.packed == pack_refs(made) == b"".join(r.pack() for r in made)
    assert refs == Refs(refs.packed)
    assert hash(refs) == hash(Refs(refs.packed))
    assert refs != Refs()
    assert repr(refs) == "Refs(5)"
    with pytest.raises(IndexError):
        refs[5]
    assert unpack_ref(made[2].pack()) == made[2]
    assert len(made[2].pack()) == REF_BYTES


@pytest.mark.parametrize(
    "fields", [{"bid": b"x"}, {"secret": b""}, {"h": bytes(33)}, {"covers": -1}, {"raw_len": 1 << 32}, {"codec": 256}]
)
def test_a_reference_that_cannot_be_packed(fields):
    with pytest.raises(BadArgument):
        dataclasses.replace(ref(), **fields).pack()


def test_no_secret_in_a_repr():
    assert "ssss" not in repr(ref())


def test_children():
    child = file_of(ref(5), ref(6))
    parent = file_of(ref(300, 11), level=1)
    check_child(parent, parent.refs[0], child)
    for wrong in (
        dataclasses.replace(child, total_len=12),
        dataclasses.replace(child, level=1),
        dataclasses.replace(child, kind=DIR),
    ):
        with pytest.raises(ManifestInconsistent):
            check_child(parent, parent.refs[0], wrong)
