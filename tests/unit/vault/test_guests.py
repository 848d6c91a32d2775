"""What is kept for others stays for as long as it shall, and is nobody's file; what others keep is remembered."""

from __future__ import annotations

import random

import pytest
from vault_world import World, facts, noise, opened, reopen, replayed

from inos.custody import Guest, HolderRecord
from inos.errors import LogDamaged, NotFound, StorageFull
from inos.vault import ops

OWNER, ASKER, BUNDLE = (noise(32, seed) for seed in (1, 2, 3))


def blocks(count: int = 3, seed: int = 0) -> list[tuple[bytes, bytes]]:
    """Somebody's blocks, by name. Nothing looks into them."""
    world = World()
    data = [noise(3_000 + n, seed * 100 + n) for n in range(count)]
    return [(world.kernels.hashes.hash(one), one) for one in data]


def guest(some: list[tuple[bytes, bytes]], bundle: bytes = BUNDLE, until_ms: int = 5_000) -> Guest:
    return Guest(bundle, OWNER, some[0][0], ASKER, until_ms, 3, tuple(sorted(bid for bid, _ in some)))


def store(world: World, some: list[tuple[bytes, bytes]], bundle: bytes = BUNDLE) -> None:
    for bid, data in some:
        if world.vault.guests.guest_hold(bundle, bid):
            continue
        span = world.arena.alloc(len(data))
        world.arena.write(span, data)
        try:
            world.run(world.vault.guests.guest_store(bundle, bid, span))
        finally:
            world.arena.release(span)


def keep(world: World, some: list[tuple[bytes, bytes]], bundle: bytes = BUNDLE) -> None:
    store(world, some, bundle)
    world.run(world.vault.guests.guest_add(guest(some, bundle)))


def read(world: World, bid: bytes) -> bytes:
    span = world.run(world.vault.read_block(bid))
    data = world.arena.read(span)
    world.arena.release(span)
    return data


def sorted_guests(world: World) -> list[Guest]:
    return [
        Guest(one.bundle, one.owner, one.key, one.asker, one.until_ms, one.copies, tuple(sorted(one.bids)))
        for one in world.vault.guests.guests()
    ]


def test_a_guest_survives_power_loss_and_is_no_file() -> None:
    world, some = opened(), blocks()
    keep(world, some)
    world.reboot()
    assert sorted_guests(world) == [guest(some)]
    assert [read(world, bid) for bid, _ in some] == [data for _, data in some]
    assert world.vault.roots() == []
    stats = world.vault.stats()
    assert (stats["guests"], stats["guest_bytes"]) == (1, sum(len(data) for _, data in some))
    world.check_tidy()


def test_a_guest_that_was_not_acknowledged_leaves_nothing() -> None:
    world = opened()
    store(world, blocks())
    world.drain()
    reopen(world)
    assert list(world.vault.guests.guests()) == []
    assert world.vault.stats()["blocks"] == 0


def test_what_is_coming_is_not_swept_by_a_wish_that_ends() -> None:
    world, some = opened(), blocks()
    store(world, some)
    world.run(world.vault.guests.guest_drop(noise(32, 99)))  # of another bundle: looks for loose blocks, too
    world.run(world.vault.guests.guest_add(guest(some)))
    assert sorted_guests(world) == [guest(some)]


def test_guests_go_and_so_do_their_blocks_unless_shared() -> None:
    world, some = opened(), blocks(4)
    other = noise(32, 9)
    keep(world, some[:3])
    keep(world, some[2:], other)
    world.run(world.vault.guests.guest_drop(BUNDLE))
    world.drain()
    assert world.vault.stats()["blocks"] == 2
    assert read(world, some[2][0]) == some[2][1]
    with pytest.raises(NotFound):
        read(world, some[0][0])
    world.run(world.vault.guests.guest_drop(other))
    world.drain()
    reopen(world)
    assert world.vault.stats()["blocks"] == 0
    world.check_tidy()


def test_own_blocks_that_are_guests_outlive_their_file() -> None:
    world = opened()
    root = world.put(noise(20_000, 5)).root
    own = sorted(world.vault.guests.blocks_of(root))
    assert all(world.vault.guests.guest_hold(BUNDLE, bid) for bid, _ in own)
    world.run(world.vault.guests.guest_add(guest([(bid, b"") for bid, _ in own])))
    world.run(world.vault.remove(root))
    world.drain()
    reopen(world)
    assert world.vault.stats()["blocks"] == len(own)
    world.run(world.vault.guests.guest_drop(BUNDLE))
    world.drain()
    assert world.vault.stats()["blocks"] == 0


def test_collecting_and_compacting_move_guests_along() -> None:
    world, some = opened(segment_bytes=64 * 1024, block_bytes_max=32 * 1024), blocks(5)
    roots = [world.put(noise(9_000, n), f"f{n}").root for n in range(4)]
    keep(world, some)
    for root in roots:
        world.run(world.vault.remove(root))
    world.run(world.vault.collect())
    world.run(world.vault.compact())
    world.reboot()
    assert [read(world, bid) for bid, _ in some] == [data for _, data in some]
    assert world.run(world.vault.check("hash")).ok


def test_a_damaged_guest_is_told_apart() -> None:
    world, some = opened(), blocks()
    keep(world, some)
    index = world.vault._index
    index.lose(index.by_bid[some[1][0]])
    assert list(world.vault.guests.guests()) == []
    assert world.vault.guests.damaged_guests() == [BUNDLE]
    assert world.run(world.vault.check("quick")).damaged_guests == [BUNDLE]
    world.run(world.vault.guests.guest_drop(BUNDLE))
    world.drain()
    assert world.vault.stats()["blocks"] == 0


def test_a_full_disk_refuses_a_guest_and_keeps_the_rest() -> None:
    world, some = opened(), blocks()
    root = world.put(noise(9_000, 1)).root
    world.disk.quota_bytes = sum(len(file.now) for file in world.disk.files.values()) + 1_000
    with pytest.raises(StorageFull):
        store(world, some)
    world.run(world.vault.guests.guest_drop(BUNDLE))
    world.disk.quota_bytes = 1 << 40
    assert world.get(root) == noise(9_000, 1)
    keep(world, some)
    world.check_tidy()


def test_holders_are_remembered_and_forgotten() -> None:
    world = opened()
    guests = world.vault.guests
    peers = tuple(noise(32, n) for n in range(3))
    world.run(guests.note_holders(BUNDLE, HolderRecord(3, peers)))
    world.run(guests.note_holders(OWNER, HolderRecord(0, peers[:1])))
    world.run(guests.note_holders(ASKER, HolderRecord(5, ())))
    world.run(guests.note_holders(BUNDLE, HolderRecord(3, peers[:2])))
    world.reboot()
    expected = {BUNDLE: HolderRecord(3, peers[:2]), OWNER: HolderRecord(0, peers[:1]), ASKER: HolderRecord(5, ())}
    assert world.vault.guests.holder_records() == expected
    for name in expected:
        world.run(world.vault.guests.note_holders(name, None))
    world.reboot()
    assert world.vault.guests.holder_records() == {}


@pytest.mark.parametrize("seed", range(6))
def test_a_replayed_checkpoint_has_the_same_lodging(seed: int) -> None:
    world, rng = opened(), random.Random(seed)
    some = blocks(8, seed)
    for n in range(10):
        name = noise(32, rng.randrange(4))
        if rng.random() < 0.4:
            world.run(world.vault.guests.guest_drop(name))
        else:
            keep(world, rng.sample(some, rng.randrange(1, 5)), name)
        world.run(world.vault.guests.note_holders(name, HolderRecord(n % 4, (name,)) if n % 3 else None))
    world.drain()
    index = world.vault._index
    again = replayed(index)
    assert facts(again) == facts(index)
    assert again.lodging.lodgers == index.lodging.lodgers
    assert again.lodging.records == index.lodging.records
    assert again.lodging.bytes == index.lodging.bytes
    assert world.run(world.vault.check("quick")).ok


@pytest.mark.parametrize(
    "args",
    [
        (ops.GUEST, BUNDLE, OWNER, OWNER, ASKER, 1, 3, b"\0" * 7),
        (ops.GUEST, BUNDLE, OWNER, OWNER, ASKER[:31], 1, 3, b""),
        (ops.GUEST, BUNDLE, OWNER, OWNER, ASKER, -1, 3, b""),
        (ops.UNGUEST, BUNDLE[:5]),
        (ops.HOLDERS, BUNDLE, 3, OWNER + b"x"),
        (ops.HOLDERS, BUNDLE, 3),
    ],
)
def test_operations_that_cannot_be_are_damage(args: tuple[object, ...]) -> None:
    with pytest.raises(LogDamaged):
        ops.decode_body(ops.encode_body(1, 0, [ops.encode_op(*args)]))
