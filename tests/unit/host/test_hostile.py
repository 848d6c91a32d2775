"""What hostile authors write, refused by the real algorithms: typed, and in little time and memory (vault-format 1.5).

Time is processor time, the best of several runs, since the machine may be busy; memory is what Python
allocated at most at once, and, for what libraries allocate by themselves, the growth of a process that did nothing else.
Figures are printed (`pytest -s`).
"""

from __future__ import annotations

import functools
import itertools
import json
import resource
import struct
import subprocess
import sys
import time
import tracemalloc
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from tests.fuzz.targets.block import KEYS, SECRET, SUITE, inner_of, sealed

from inos import limits
from inos.errors import (
    AuthFailed,
    BadName,
    CodecError,
    CorruptError,
    IdMismatch,
    InosError,
    LimitExceeded,
    ManifestInconsistent,
    ManifestMalformed,
)
from inos.limits import MIB
from inos.ports import Open
from inos.vault import block, manifest
from inos.vault.manifest import DIR, FILE, Entry, Manifest, Ref, Refs
from inos.vault.names import check_name, clean_name, show_name
from inos.wire import cbor
from inos_host import kernels as host
from inos_host.kernels import make_ports

SECONDS_MAX = 0.05
MEMORY_BYTES_MAX = 64 * MIB
RUNS = 7

# 256 MiB of zeros as one Brotli stream: a head, and sixteen times "16 MiB of the byte before".
BOMB = bytes.fromhex(
    "cfffff7f002400e2b14072effff9ffff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200715800baf7fffcffff07400220"
    "0e0b40f7fe9fffffff004800c46101e8defff3ffff1f000980382c00ddfb7ffeffff032001108705a07bffcfffff7f002400e2b00074effff9ff"
    "ff0f8004401c1680eefd3fffffff01900088c302d0bdffe7ffff3f001200715800baf7fffcffff074002200e0b40f7fe9fffffff004800c46101"
    "e8defff3ffff1f000980382c00ddfb7ffeffff032001108705a07bff3f"
)
BOMB_BYTES = 256 * MIB


def refused(what: str, expected: type[InosError], do: Callable[[], object], seconds_max: float = SECONDS_MAX) -> None:
    """It must raise this very error, each time, within the bounds."""
    best, peak = float("inf"), 0
    for run in range(RUNS):
        if run == 0:
            tracemalloc.start()
        started = time.process_time()
        try:
            with pytest.raises(InosError) as caught:
                do()
        finally:
            seconds = time.process_time() - started
            if run == 0:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
        assert type(caught.value) is expected, f"{what}: {caught.value!r}"
        best = min(best, seconds)
    print(f"{what}: {expected.__name__} in {best * 1000:.2f} ms, {peak / MIB:.1f} MiB")
    assert best <= seconds_max, f"{what}: {best * 1000:.0f} ms"
    assert peak <= MEMORY_BYTES_MAX, f"{what}: {peak / MIB:.0f} MiB"


# --- bombs --------------------------------------------------------------------------------------------------------------

LIES = (
    0,
    1,
    1_000,
    MIB,
    limits.RAW_BYTES_MAX - 1,
    limits.RAW_BYTES_MAX,
    limits.RAW_BYTES_MAX + 1,
    BOMB_BYTES,
    0xFFFF_FFFF,
)


def open_bomb(raw_len: int, cap: int = limits.RAW_BYTES_MAX) -> None:
    """A block whose tag is right, with the bomb inside and a promised length, through the kernel's port."""
    ports, kernels = _kernels()
    data = sealed(inner_of(BOMB, raw_len))
    src = ports.arena.alloc(len(data))
    ports.arena.write(src, data)
    try:
        kernels.perform(Open(src, 1, secret=SECRET, raw_len_max=cap))
    finally:
        ports.arena.release(src)
        assert ports.arena.used() == 0


@functools.cache
def _kernels() -> tuple[object, host.HostKernels]:
    return make_ports(2 * limits.BLOCK_BYTES_MAX)


def test_the_bomb_is_one() -> None:
    """Otherwise nothing below shows anything."""
    decoder, made, feed = brotli.Decompressor(), 0, BOMB
    while not decoder.is_finished():
        made += len(decoder.process(feed, output_buffer_limit=16 * MIB))
        feed = b""
    assert (len(BOMB), made) == (203, BOMB_BYTES)


@pytest.mark.parametrize("raw_len", LIES)
def test_a_brotli_bomb(raw_len: int) -> None:
    beyond = raw_len > limits.RAW_BYTES_MAX
    refused(
        f"a bomb that promises {raw_len:,} bytes", LimitExceeded if beyond else CodecError, lambda: open_bomb(raw_len)
    )


def test_a_bomb_where_a_manifest_is_expected() -> None:
    refused("a bomb under a cap", LimitExceeded, lambda: open_bomb(2 * MIB, cap=limits.MANIFEST_BYTES_MAX))


@pytest.mark.parametrize("raw_len", LIES)
def test_no_more_is_made_than_was_promised(monkeypatch: pytest.MonkeyPatch, raw_len: int) -> None:
    """Work is counted, whatever time it takes: the decoder gives at most one byte more than the promise, or none at all."""
    made = 0

    class Counting:
        def __init__(self) -> None:
            self._real = brotli.Decompressor()
            self.is_finished = self._real.is_finished

        def process(self, data: bytes, output_buffer_limit: int) -> bytes:
            nonlocal made
            part = self._real.process(data, output_buffer_limit=output_buffer_limit)
            made += len(part)
            return bytes(part)

    monkeypatch.setattr(host, "brotli", types.SimpleNamespace(Decompressor=Counting, error=brotli.error))
    with pytest.raises(CorruptError if raw_len <= limits.RAW_BYTES_MAX else LimitExceeded):
        open_bomb(raw_len)
    # The library hands out whole buffers: of 32 KiB at first, then twice as much each time.
    assert made <= (2 * raw_len + 64 * limits.KIB if raw_len <= limits.RAW_BYTES_MAX else 0)


def test_the_memory_that_the_library_takes() -> None:
    """The growth of a process of its own, which Python's own count does not see."""
    script = f"""
import json, resource, sys
sys.path[:0] = {sys.path!r}
import test_hostile
sys.stdout.write(json.dumps(test_hostile.grown_by_bombs()))
"""
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": here}
    )
    grown = json.loads(done.stdout)
    print(f"a process that opened {len(LIES)} bombs grew by {grown / MIB:.1f} MiB")
    assert MIB < grown <= MEMORY_BYTES_MAX  # a decoder's window at least: else nothing was measured


def open_a_good_one() -> None:
    """A good block, so that all code is loaded and the arena there."""
    data = sealed(inner_of(SUITE.compress(b"good", 6), 4))
    ports, kernels = _kernels()
    src = ports.arena.alloc(len(data))
    ports.arena.write(src, data)
    opened = kernels.perform(Open(src, 1, secret=SECRET))
    for span in (src, opened.raw):
        ports.arena.release(span)


def grown_by_bombs() -> int:
    """Bytes by which this process's peak grows while it opens every bomb (called in one that does nothing else)."""
    open_a_good_one()
    before = _peak_bytes()
    for raw_len in LIES:
        with pytest.raises(InosError):
            open_bomb(raw_len)
    return _peak_bytes() - before


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says includes the peak of the process that started this one
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize("lie", [-1, 1, 1_000])
@pytest.mark.parametrize("codec", [block.CODEC_RAW, block.CODEC_BROTLI])
def test_a_promised_length_that_is_not_the_real_one(codec: int, lie: int) -> None:
    raw = b"words and words and words " * 4_000
    payload = raw if codec == block.CODEC_RAW else SUITE.compress(raw, 6)
    data = sealed(inner_of(payload, len(raw) + lie, codec))
    refused(
        f"codec {codec}, {lie:+d} bytes", CodecError, lambda: block.open_block(data, 1, SUITE, secret=SECRET)
    )  # fmt: skip


# --- flips and cuts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [0, 6])
def test_every_bit_and_every_truncation_of_a_block(quality: int) -> None:
    """Of a real block, for its owner, for a reader, and for a holder who only has its name: each refused, none accepted."""
    raw = b"some text that is compressed, some text that is not. " * 4
    good = block.seal(raw, 1, quality, KEYS, SUITE)
    ways = {
        "owner": lambda data: block.open_block(data, 1, SUITE, keys=KEYS),
        "reader": lambda data: block.open_block(data, 1, SUITE, secret=good.secret),
        "holder": lambda data: _verify_name(data, good.bid),
    }
    bad = [_flipped(good.block, bit) for bit in range(8 * len(good.block))]
    bad += [good.block[:length] for length in range(len(good.block))]
    bad += [good.block + bytes([byte]) for byte in (0, 1, 255)]
    for way in ways.values():
        assert way(good.block) is not None
    accepted = {name: sum(_accepts(way, data) for data in bad) for name, way in ways.items()}
    print(f"{len(bad)} flips and cuts of a block of {len(good.block)} bytes: accepted {accepted}")
    assert accepted == dict.fromkeys(ways, 0)


def _verify_name(data: bytes, bid: bytes) -> bytes:
    block.outer_check(data)
    if SUITE.hashes.hash(data) != bid:
        raise IdMismatch("another block")
    return data


def _flipped(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def _accepts(way: Callable[[bytes], object], data: bytes) -> bool:
    try:
        way(data)
    except (CorruptError, LimitExceeded):
        return False
    return True


# --- manifests ----------------------------------------------------------------------------------------------------------


def ref(covers: int = 300_000, **fields: object) -> Ref:
    made = Ref(b"b" * 32, b"s" * 32, b"h" * 32, covers, min(covers, limits.RAW_BYTES_MAX), 400, 1, 6)
    return replace(made, **fields)  # type: ignore[arg-type]


def body(**changed: object) -> bytes:
    """A manifest of two chunks with some keys changed, around the checks of `encode`."""
    keys = {"kind": 1, "total": 2, "refs": 4, "level": 5, "inline": 9, "entries": 11}
    made: dict[int, object] = {
        0: 1, 1: FILE, 2: 600_000, 3: bytes(32), 4: ref().pack() * 2, 5: 0, **{keys[k]: v for k, v in changed.items()},
    }  # fmt: skip
    return cbor.encode({key: value for key, value in made.items() if value is not None})


def packed(covers: int, raw_len: int, block_len: int = 400) -> bytes:
    return struct.pack("<32s32s32sQIIBBH", b"b" * 32, b"s" * 32, b"h" * 32, covers, raw_len, block_len, 1, 6, 0)


LYING = {
    "a total that is not the sum": (body(total=599_999), ManifestInconsistent),
    "a negative total": (body(total=-1), LimitExceeded),
    "a total beyond any file": (body(total=limits.FILE_BYTES_MAX + 1), LimitExceeded),
    "a total of 2^64-1": (body(total=(1 << 64) - 1), LimitExceeded),
    "chunks that sum up to 2^64": (body(refs=packed(1 << 63, 9) * 2, level=1, total=0), LimitExceeded),
    "a chunk that covers more than it has": (body(refs=packed(600_000, 300_000)), ManifestInconsistent),
    "a chunk of 4 GiB": (body(refs=packed(0xFFFF_FFFF, 0xFFFF_FFFF), total=0xFFFF_FFFF), LimitExceeded),
    "a block of 4 GiB": (body(refs=packed(600_000, 600_000, 0xFFFF_FFFF)), LimitExceeded),
    "a block shorter than any": (body(refs=packed(600_000, 600_000, 79)), ManifestInconsistent),
    "chunks of nothing": (body(refs=packed(0, 0) * 8_192, total=0), ManifestInconsistent),
    "8,193 references": (body(refs=packed(1, 1) * 8_193, total=8_193), ManifestInconsistent),
    "a cut reference": (body(refs=ref().pack() * 2 + b"x"), ManifestMalformed),
    "level 4": (body(level=4), ManifestInconsistent),
    "level 2^63": (body(level=1 << 63), ManifestInconsistent),
    "level -1": (body(level=-1), ManifestInconsistent),
    "inline bytes beside references": (body(inline=b"x"), ManifestInconsistent),
    "16 KiB and one inline": (body(inline=bytes(16_385), refs=None, total=16_385), LimitExceeded),
    "inline bytes of another length": (body(inline=b"x", refs=None, total=2), ManifestInconsistent),
    "a small file of 16 KiB with one byte": (
        body(kind=DIR, refs=None, total=16_384, entries=[["a", FILE, 16_384, None, b"x"]]), ManifestInconsistent,
    ),
    "a folder's entry that covers more": (
        body(kind=DIR, refs=None, total=1 << 40, entries=[["a", FILE, 1 << 40, None, packed(5, 5)]]), ManifestInconsistent,
    ),
    "a folder with itself as a file": (
        body(kind=DIR, total=600_000, entries=[["a", FILE, 0, None, b""]]), ManifestInconsistent,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LYING)
def test_a_manifest_that_lies(what: str) -> None:
    data, expected = LYING[what]
    refused(what, expected, lambda: manifest.decode(data))


def test_the_manifest_that_the_lies_change_is_a_good_one() -> None:
    assert len(manifest.decode(body()).refs) == 2
    most = Manifest(FILE, 8_192 * 300_000, bytes(32), refs=Refs(ref().pack() * 8_192))
    assert len(manifest.decode(manifest.encode(most)).refs) == 8_192


# --- cycles, depth, width -----------------------------------------------------------------------------------------------


def test_levels_fall_by_one_so_no_chain_is_endless() -> None:
    """A manifest cannot know its own hash; what it can name by a wrong one is refused when it is opened, and by its level."""
    for parent_level, child_level in itertools.product(range(4), range(4)):
        parent = Manifest(FILE, 300_000, bytes(32), refs=Refs.of([ref()]), level=parent_level)
        child = Manifest(FILE, 300_000, bytes(32), refs=Refs.of([ref()]), level=child_level)
        if parent_level == child_level + 1:
            manifest.check_child(parent, parent.refs[0], child)
            continue
        refused(
            f"level {child_level} under {parent_level}",
            ManifestInconsistent,
            lambda parent=parent, child=child: manifest.check_child(parent, parent.refs[0], child),
        )


def test_a_manifest_under_a_name_that_is_not_its_own() -> None:
    """A folder that names its ancestor: by a wrong name, since the right one is not known before it is sealed."""
    names = itertools.count()

    def folder(inside: Ref | None) -> bytes:
        entries = () if inside is None else (Entry("again", DIR, 0, None, ref=inside),)
        return manifest.encode(Manifest(DIR, 0, bytes(32), name=f"f{next(names)}", entries=entries))

    wished = block.seal(folder(None), 2, 6, KEYS, SUITE)
    around = folder(ref(0, bid=wished.bid, secret=wished.secret, raw_len=200, block_len=len(wished.block)))
    made = block.seal(around, 2, 6, KEYS, SUITE)
    (entry,) = manifest.decode(around).entries
    assert entry.ref is not None
    for way in ({"secret": entry.ref.secret}, {"keys": KEYS}):
        refused(
            "the ancestor under another name",
            IdMismatch,
            lambda way=way, bid=entry.ref.bid: block.open_block(made.block, 2, SUITE, bid=bid, **way),
        )
    assert entry.ref.bid != made.bid
    refused(
        "the ancestor under another secret",
        AuthFailed,
        lambda: block.open_block(made.block, 2, SUITE, secret=wished.secret),
    )


@pytest.mark.parametrize("opener", [b"\x81", b"\xa1\x00", b"\x82\x00", b"\x9f", b"\xbf"])
def test_cbor_nested_for_ever(opener: bytes) -> None:
    data = opener * (limits.MANIFEST_BYTES_MAX // len(opener))
    refused(f"{data[:2].hex()} for a mebibyte", ManifestMalformed, lambda: manifest.decode(data))


MOST = limits.MANIFEST_BYTES_MAX
MANY = {
    "a mebibyte of zeros": b"\x9a" + (MOST - 5).to_bytes(4, "big") + bytes(MOST - 5),
    "as many items as may be": b"\x9a" + (cbor.ITEMS_MAX - 1).to_bytes(4, "big") + bytes(cbor.ITEMS_MAX - 1),
    "a mebibyte of empty arrays": b"\x9a" + (MOST - 5).to_bytes(4, "big") + b"\x80" * (MOST - 5),
    "100,000 keys": b"\xba"
    + (100_000).to_bytes(4, "big")
    + b"".join(cbor.encode(key) + b"\0" for key in range(100_000)),
}


@pytest.mark.parametrize("what", MANY)
def test_cbor_of_very_many_items(what: str) -> None:
    """What bounds the time is their number; as many as may be take 20 to 40 ms, and twice that on a busy machine."""
    refused(what, ManifestMalformed, lambda: manifest.decode(MANY[what]), 3 * SECONDS_MAX)


@pytest.mark.parametrize("entries", [limits.DIR_ENTRIES_MAX, limits.DIR_ENTRIES_MAX + 1])
def test_a_folder_of_very_many_entries_with_a_lying_total(entries: int) -> None:
    rows = [[f"{number:06}", FILE, 1, None, b"x"] for number in range(entries)]
    data = body(kind=DIR, refs=None, total=entries + 1, entries=rows)
    refused(f"{entries} entries", ManifestInconsistent, lambda: manifest.decode(data), 3 * SECONDS_MAX)


# --- names --------------------------------------------------------------------------------------------------------------

_PARTS = (
    "/", "\\", "\0", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\x9f", "\u061c", "\u200e", "\u200f", "\u202a", "\u202b",
    "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "e\u0301", "\u0041\u030a", "\u1100\u1161", "\u212b",
    "\ud800", "\udfff", "\x01", "\x08", "\x0b", "\x0c", "\x1f",
)  # fmt: skip
_AROUND = (
    "{}", "a{}", "{}a", "a{}b", "report{}.pdf", "../{}", "{}{}", "CON{}", "<b>{}</b>", "{}.exe\u200d", "\U0001f600{}", "é{}",
    "{}" + "x" * 200, "'; DROP TABLE files; --{}", "%2e%2e%2f{}", "${{window}}{}",
)  # fmt: skip
_WHOLE = (
    "",
    ".",
    "..",
    "a" * 256,
    "é" * 128,
    "\U0001f600" * 64,
    "\u0301" * 500,
    "x" * 1_000_000,
    "/" * 100_000,
    "\u202e" * 90_000,
)
HOSTILE_NAMES = tuple(dict.fromkeys([*(form.replace("{}", part) for part in _PARTS for form in _AROUND), *_WHOLE]))


def test_hostile_names() -> None:
    assert len(HOSTILE_NAMES) >= 500
    slowest = 0.0
    for name in HOSTILE_NAMES:
        started = time.process_time()
        with pytest.raises(BadName) as caught:
            check_name(name)
        slowest = max(slowest, time.process_time() - started)
        assert name not in str(caught.value) or not name or name in "..", "the error repeats the name"
        shown = show_name(name)
        assert shown.isprintable() or set(shown) & {"\u200c", "\u200d"}
        assert len(shown) < 6_000
    print(f"{len(HOSTILE_NAMES)} names refused, the slowest in {slowest * 1000:.2f} ms")


def test_hostile_names_in_manifests() -> None:
    """As the name of a file, and of an entry of a folder: refused by the decoder, whatever the encoder would have said."""
    tried = 0
    for name in HOSTILE_NAMES:
        if not name or any("\ud800" <= character <= "\udfff" for character in name) or len(name) > 200_000:
            continue  # CBOR has no such text, and no empty name: both are malformed
        tried += 1
        for data in (
            cbor.encode({0: 1, 1: FILE, 2: 0, 3: bytes(32), 5: 0, 6: name}),
            cbor.encode({0: 1, 1: DIR, 2: 0, 3: bytes(32), 5: 0, 11: [[name, FILE, 0, None, b""]]}),
        ):
            with pytest.raises(BadName):
                manifest.decode(data)
    assert tried >= 450
    refused("a name of a megabyte", BadName, lambda: check_name("x" * 1_000_000))
    refused("a megabyte of marks", BadName, lambda: check_name("\u0301" * 1_000_000))


def test_a_name_made_acceptable_takes_its_time_but_no_more() -> None:
    """`clean_name` is for a person's own files, whose names the browser gives: 255 bytes on most disks, 64 KiB at most."""
    worst = "e\u0301" * 16_384
    best = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        assert check_name(clean_name(worst))
        best = min(best, time.process_time() - started)
    assert best <= SECONDS_MAX
