"""The log: framing, operations, replay past torn tails and damage."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from vault_world import World, noise, opened

from inos.errors import (
    BadMagic,
    CorruptError,
    IdMismatch,
    LimitExceeded,
    LogDamaged,
    MalformedHeader,
    Truncated,
    UnsupportedVersion,
)
from inos.ports import FileFlush, FileWrite
from inos.vault import log, ops
from inos.vault.ops import Place, Root
from inos.wire import cbor


def hash_bytes(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


# --- framing ------------------------------------------------------------------------------------------------------------


def test_head_round_trip_and_refusals() -> None:
    head = log.encode_head(bytes(range(16)), 3, 7, hash_bytes)
    parsed = log.parse_head(head, hash_bytes)
    assert (parsed.vault_id, parsed.generation, parsed.base, parsed.chain) == (bytes(range(16)), 3, 7, head[48:])
    for data, error in (
        (head[:63], Truncated),
        (bytes(64), BadMagic),
        (head[:8] + b"\x02" + head[9:], UnsupportedVersion),
        (head[:20] + b"\x00" + head[21:], IdMismatch),
    ):
        with pytest.raises(error):
            log.parse_head(data, hash_bytes)
    body = head[:12] + b"\x01" + head[13:48]
    with pytest.raises(MalformedHeader):
        log.parse_head(body + hash_bytes(body)[:16], hash_bytes)


def a_block(length: int) -> bytes:
    return b"INOB\x01\x01\x00\x00" + length.to_bytes(4, "little") + bytes(length - 12)


def test_records_are_aligned_and_found_by_a_scan() -> None:
    for length in (80, 96, 97, 128, 1_000):
        start = log.encode_record_start(a_block(length), 5)
        record = start + bytes(16)
        assert len(record) % 64 == 0
        frame = log.parse_frame(bytes(128) + record, 128)
        assert (frame.block_len, frame.seq, frame.record_len) == (length, 5, len(record))
        assert log.find_candidate(bytes(128) + record, 0) == 128
        assert log.find_candidate(bytes(128) + record, 192) is None
    assert log.find_candidate(bytes(10) + a_block(100), 0) is None


def test_frames_that_contradict_themselves_are_refused() -> None:
    good = log.encode_record_start(a_block(100), 1)
    for at, value, error in (
        (16, b"X", BadMagic),
        (4, b"\x02", MalformedHeader),
        (6, b"\x01", MalformedHeader),
        (8, b"\x00", MalformedHeader),
        (0, b"\x65", MalformedHeader),
        (3, b"\x7f", LimitExceeded),
    ):
        with pytest.raises(error):
            log.parse_frame(good[:at] + value + good[at + 1 :])
    with pytest.raises(Truncated):
        log.parse_frame(good[:20])
    with pytest.raises(MalformedHeader):
        log.parse_frame(log.encode_record_start(a_block(79), 1))


# --- operations ---------------------------------------------------------------------------------------------------------

PLACE = Place(5, 144, 1, 6, 1, 0, 3, 4_096)
ROOT = Root(bytes(32), b"\1" * 32, "a", "", 5, 144, 1, 1, 99, 0, b"\2" * 32, None, ops.pack_runs([7, 8, 9, 20]))


def test_entries_hold_what_was_packed() -> None:
    entry = ops.pack_entry(b"b" * 32, b"s" * 32, b"h" * 32, b"c" * 32, PLACE)
    assert len(entry) == ops.ENTRY_BYTES
    assert ops.place_of(entry) == PLACE
    assert ops.bid_of(entry) == b"b" * 32
    assert ops.cid_of(entry) == b"c" * 32
    assert entry[128:] == ops.pack_place(PLACE)


def test_references_are_what_manifests_read() -> None:
    from inos.vault.refs import unpack_ref

    entry = ops.pack_entry(b"b" * 32, b"s" * 32, b"h" * 32, b"c" * 32, PLACE)
    ref = unpack_ref(ops.ref_of(entry, 5))
    assert (ref.bid, ref.secret, ref.h) == (b"b" * 32, b"s" * 32, b"h" * 32)
    assert (ref.covers, ref.raw_len, ref.block_len, ref.codec, ref.quality) == (5, 5, 144, 1, 6)


@pytest.mark.parametrize("numbers", [[], [0], [3, 1, 2], [5, 5, 5], [0, 2, 4, 5], list(range(1_000))])
def test_runs_name_the_same_numbers(numbers: list[int]) -> None:
    assert list(ops.numbers_of(ops.pack_runs(numbers))) == sorted(set(numbers))
    ops.check_runs(ops.pack_runs(numbers))


def test_bodies_round_trip() -> None:
    entry = ops.pack_entry(b"b" * 32, b"s" * 32, b"h" * 32, b"c" * 32, PLACE)
    shared = Root(*[getattr(ROOT, name) for name in ROOT.__slots__[:11]], (b"l" * 32, b"k" * 32), ROOT.runs)
    packed = [
        ops.encode_op(ops.BLOCKS, 4, entry * 2),
        ROOT.pack(),
        shared.pack(),
        ops.encode_op(ops.SHARE, bytes(32)),
        ops.encode_op(ops.DROP, ops.pack_runs([1])),
        ops.encode_op(ops.WISH, bytes(32), bytes(32), 5),
        ops.encode_op(ops.SCRUBBED, 2),
    ]
    body = ops.decode_body(ops.encode_body(9, 8, packed))
    assert (body.seq, body.durable) == (9, 8)
    assert [code for code, _ in body.operations] == [1, 2, 2, 3, 6, 8, 7]
    assert body.operations[0][1] == [4, entry * 2]
    assert body.operations[1][1] == [ROOT]
    assert body.operations[2][1] == [shared]
    assert list(ops.entries_of(entry * 2)) == [entry, entry]


@pytest.mark.parametrize(
    "value",
    [
        5,
        [1, 0],
        [1, 1, []],
        ["1", 0, []],
        [2, 1, [5]],
        [2, 1, [b""]],
        [2, 1, [cbor.encode([])]],
        [2, 1, [cbor.encode([99])]],
        [2, 1, [cbor.encode([ops.SHARE])]],
        [2, 1, [cbor.encode([ops.SHARE, b"short"])]],
        [2, 1, [cbor.encode([ops.SHARE, 5])]],
        [2, 1, [cbor.encode([ops.SCRUBBED, -1])]],
        [2, 1, [cbor.encode([ops.BLOCKS, 0, b"odd"])]],
        [2, 1, [cbor.encode([ops.BLOCKS, (1 << 32) - 1, bytes(148)])]],
        [2, 1, [cbor.encode([ops.DROP, bytes(7)])]],
        [2, 1, [cbor.encode([ops.DROP, b"\xff" * 8])]],
        [2, 1, [cbor.encode([ops.ROOT, 1])]],
    ],
)
def test_bodies_that_are_none_are_damage(value: Any) -> None:
    with pytest.raises(LogDamaged):
        ops.decode_body(cbor.encode(value))


def test_roots_with_wrong_fields_are_damage() -> None:
    good = cbor.decode(ROOT.pack())[1:]
    for at, wrong in (
        (0, b""),
        (1, b"x"),
        (2, 5),
        (4, -1),
        (10, b""),
        (11, [1]),
        (11, [b"", b""]),
        (12, b"1"),
        (9, "x"),
    ):
        with pytest.raises(LogDamaged):
            ops.unpack_root([*good[:at], wrong, *good[at + 1 :]])


# --- replay -------------------------------------------------------------------------------------------------------------


def records(world: World) -> list[int]:
    """Where the log's records begin."""
    data = bytes(world.disk.files["log-a"].now)
    found, at = [], 64
    while True:
        try:
            frame = log.parse_frame(data, at)
        except (CorruptError, LimitExceeded):
            return [*found, at]
        found.append(at)
        at += frame.record_len


def three_files() -> World:
    world = opened()
    for n in range(3):
        world.put(noise(20_000, n), f"f{n}")
    world.close()
    return world


def names(world: World) -> set[str]:
    return {info.name for info in world.vault.roots()}


def reopen(world: World) -> World:
    world.boot()
    world.open()
    return world


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 64, 100])
def test_a_torn_last_record_is_cut(cut: int) -> None:
    world = three_files()
    file = world.disk.files["log-a"]
    start, end = records(world)[-3:-1]  # the last one only says goodbye
    del file.now[end - cut :]
    reopen(world)
    assert names(world) == {"f0", "f1"}
    assert world.vault.health() == []
    assert len(world.disk.files["log-a"].now) <= start + (1 << 20)
    world.put(b"after", "after")
    world.close()
    assert names(reopen(world)) == {"f0", "f1", "after"}
    assert world.run(world.vault.check("data")).ok


def test_garbage_and_zeros_after_the_last_record_are_nothing() -> None:
    for tail in (b"\0" * 5_000, b"\xff" * 5_000, noise(70_000), a_block(96) * 5):
        world = three_files()
        file = world.disk.files["log-a"]
        end = records(world)[-1]
        file.now[end:] = tail
        reopen(world)
        assert names(world) == {"f0", "f1", "f2"}
        assert world.vault.health() == []
        world.check_tidy()


@pytest.mark.parametrize("at", [0, 5, 8, 16, 40, 100, 400])
def test_a_damaged_record_is_reported_and_the_rest_kept(at: int) -> None:
    world = three_files()
    second = records(world)[1]
    world.disk.files["log-a"].now[second + at] ^= 0x55
    reopen(world)
    assert names(world) == {"f0", "f1", "f2"}  # the lost record's file, from what lies on the disk
    assert "2" in world.vault.health()[0]
    assert {world.get(info.root) for info in world.vault.roots()} == {noise(20_000, n) for n in range(3)}
    assert not world.run(world.vault.check("quick")).ok
    # Nothing is dropped or overwritten.
    size = len(world.disk.files["seg-0000"].now)
    world.put(b"more", "more")
    assert len(world.disk.files["seg-0000"].now) > size
    world.close()
    # The log was written anew.
    reopen(world)
    assert names(world) == {"f0", "f1", "f2", "more"}
    assert world.vault.health() == []
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_damage_of_two_records_in_a_row_and_of_their_chain() -> None:
    world = three_files()
    world.boot()
    world.open()
    for n in range(3, 6):
        world.put(noise(100, n), f"f{n}")
    world.close()
    starts = records(world)
    file = world.disk.files["log-a"]
    file.now[starts[1] : starts[3]] = noise(starts[3] - starts[1])
    reopen(world)
    assert names(world) == {f"f{n}" for n in range(6)}
    assert "2 to 3" in world.vault.health()[0]


def test_half_a_commit_is_cut_although_its_second_half_arrived() -> None:
    """The disk wrote the second record of an unflushed commit and not the first: nobody was told of either."""
    world = opened()
    world.put(b"before", "before")
    start = records(world)[-1]
    tasks = [world.start_put(f"{n}".encode() * 50, f"f{n}") for n in range(400)]
    flushes = 0

    def hook(effect: Any) -> None:
        nonlocal flushes
        flushes += isinstance(effect, FileFlush) and effect.name == "log-a"

    world.hook = hook
    while not flushes:
        world.step()
    assert len(records(world)) > 4
    frame = log.parse_frame(bytes(world.disk.files["log-a"].now), start)
    world.disk.files["log-a"].now[start : start + frame.record_len] = bytes(frame.record_len)
    assert not all(task.done for task in tasks[-5:])
    world.disk.files["log-a"].durable = bytes(world.disk.files["log-a"].now)
    world.disk.files["log-a"].changes = []
    reopen(world)
    assert names(world) == {"before"}
    assert world.vault.health() == []


def test_a_failed_commit_leaves_no_ghost() -> None:
    world = opened()
    world.put(b"before", "before")
    left = 1

    def hook(effect: Any) -> None:
        nonlocal left
        if isinstance(effect, FileFlush) and effect.name == "log-a":
            left -= 1
            if left == 0:
                raise LimitExceeded("injected")

    world.hook = hook
    tasks = [world.start_put(f"{n}".encode() * 50, f"f{n}") for n in range(400)]
    for task in tasks:
        world.run_until(task)
    world.drain()
    failed = {f"f{n}" for n, task in enumerate(tasks) if _failed(task)}
    assert len(failed) > 100
    world.reboot(keep_all=True)
    assert names(world) == {"before", *(f"f{n}" for n in range(400))} - failed
    assert world.vault.health() == []
    assert world.run(world.vault.check("data")).ok


def _failed(task: Any) -> bool:
    try:
        task.result()
    except LimitExceeded:
        return True
    return False


def test_damaged_superblocks_are_lived_without() -> None:
    for broken in (["sb0"], ["sb1"], ["sb0", "sb1"]):
        world = three_files()
        world.boot()
        world.open()
        world.close()
        for name in broken:
            world.disk.files[name].now[100] ^= 1
        reopen(world)
        assert names(world) == {"f0", "f1", "f2"}
        assert bool(world.vault.health()) == (len(broken) == 2)
        world.put(b"more", "more")


def test_a_lost_log_head_is_not_an_empty_vault() -> None:
    world = three_files()
    world.disk.files["log-a"].now[:64] = bytes(64)
    reopen(world)
    assert names(world) == {"f0", "f1", "f2"}
    assert "the head of log-a" in world.vault.health()[0]
    world.check_tidy()


def test_random_damage_never_gives_wrong_bytes_or_untyped_errors() -> None:
    rng = random.Random(7)
    for _ in range(60):
        world = three_files()
        name = rng.choice(["log-a", "log-a", "sb0", "sb1", "keys", "seg-0000"])
        file = world.disk.files[name]
        end = records(world)[-1] if name == "log-a" else len(file.now)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(end)
            length = rng.choice([1, 1, 64, 600])
            file.now[at : at + length] = rng.randbytes(len(file.now[at : at + length]))
        world.boot()
        from inos.errors import InosError

        try:
            world.open()
            for info in world.vault.roots():
                assert world.get(info.root) == noise(20_000, int(info.name[1:]))
            world.run(world.vault.check("data"))
        except InosError:
            pass
        world.drain()
        assert world.arena.used() == 0


def test_the_log_s_bound_is_an_error_in_words_and_removing_still_works() -> None:
    world = opened(log_bytes=(1 << 20) + 6_000)

    def fill() -> None:
        for n in range(100):
            world.put(f"{n}".encode(), f"f{n}")

    with pytest.raises(LimitExceeded, match="log is full"):
        fill()
    roots = [info.root for info in world.vault.roots()]
    assert len(roots) > 3
    for root in roots:
        world.run(world.vault.remove(root))
    world.check_tidy()
    assert world.vault.stats()["blocks"] == 0


def test_records_larger_than_a_hash_at_once() -> None:
    """Thousands of scattered blocks in one root make a large operation: it is hashed by a job."""
    world = opened(chunk_bytes=8, refs_per_manifest=4_096)
    data = b"".join(bytes([n % 251, n // 251]) + b"abcdef" for n in range(12_000))
    world.put(data, "dense")
    kept = data[::1]
    root = world.put(b"".join(kept[at : at + 8] for at in range(0, len(kept), 16)) + b"end", "every other").root
    assert len(world.disk.files["log-a"].now) > 100_000
    world.close()
    world.boot()
    world.open()
    assert world.get(root).endswith(b"end")
    assert world.run(world.vault.check("quick")).ok


def test_nothing_is_written_while_a_commit_waits_for_more() -> None:
    world = opened()
    world.put(b"one", "one")
    now = world.tasks.now
    writes: list[float] = []

    def hook(effect: Any) -> None:
        if isinstance(effect, FileWrite) and effect.name == "log-a":
            writes.append(world.tasks.now)

    world.hook = hook
    world.put(b"two", "two")
    assert writes
    assert writes[0] - now <= 0.05 + 1e-9
