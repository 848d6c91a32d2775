"""The store as its users see it: crashes at every step, full disks, cancelled work, two writers."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from vault_world import CHANGING, PowerLoss, World, noise, opened

from inos.errors import InosError, NotFound, NotReady, StorageBusy, StorageFull, StorageLost, VaultLocked
from inos.limits import MIB
from inos.ports import FileFlush, FileWrite, Seal
from inos.vault.vault import Capability

SMALL = b"some words " * 40
MIDDLE = noise(20_000)  # four toy chunks


def steps(world: World, acked: dict[str, bytes | None]) -> None:
    """Puts and removes one after another; ``acked`` says what was acknowledged (None: its removal)."""
    small = world.put(SMALL, "small").root
    acked["small"] = SMALL
    middle = world.put(MIDDLE, "middle").root
    acked["middle"] = MIDDLE
    acked["?middle"] = b""
    world.run(world.vault.remove(middle))
    acked["middle"] = None
    world.put(MIDDLE[:18_000] + SMALL, "other")
    acked["other"] = MIDDLE[:18_000] + SMALL
    acked["?small"] = b""
    world.run(world.vault.remove(small))
    acked["small"] = None
    world.put(b"", "empty")
    acked["empty"] = b""


def contents(world: World) -> dict[str, bytes]:
    return {info.name: world.get(info.root) for info in world.vault.roots()}


def verify(world: World, acked: dict[str, bytes | None], possible: dict[str, bytes]) -> None:
    found = contents(world)
    for name, data in acked.items():
        if name.startswith("?"):
            continue
        if data is None:
            assert name not in found, f"{name} came back"
        elif "?" + name not in acked:
            assert found.get(name) == data, f"{name} is lost"
    for name, data in found.items():
        assert data == possible[name]
    assert world.vault.health() == []
    assert world.run(world.vault.check("data")).ok


POSSIBLE = {"small": SMALL, "middle": MIDDLE, "other": MIDDLE[:18_000] + SMALL, "empty": b""}


def count_changes() -> int:
    world = World()
    seen = 0

    def hook(effect: Any) -> None:
        nonlocal seen
        seen += isinstance(effect, CHANGING)

    world.hook = hook
    world.open()
    steps(world, {})
    world.close()
    return seen


@pytest.mark.parametrize("mode", ["lost", "kept", "torn"])
def test_power_loss_before_every_change_loses_nothing_that_was_acknowledged(mode: str) -> None:
    total = count_changes()
    assert total > 30
    for stop_at in range(total + 1):
        world = World()
        acked: dict[str, bytes | None] = {}
        left = stop_at

        def hook(effect: Any) -> None:
            nonlocal left
            if isinstance(effect, CHANGING):
                if left == 0:
                    raise PowerLoss
                left -= 1

        world.hook = hook
        with suppress(PowerLoss):
            world.open()
            steps(world, acked)
            world.close()
        world.reboot(random.Random(stop_at) if mode == "torn" else None, keep_all=mode == "kept")
        verify(world, acked, POSSIBLE)
        world.check_tidy()
        world.put(MIDDLE + SMALL, "after")
        world.reboot()
        assert contents(world)["after"] == MIDDLE + SMALL


def test_power_loss_during_recovery_is_recovered_from() -> None:
    for stop_at in range(12):
        world = opened()
        world.put(MIDDLE, "kept")
        gone = world.put(noise(30_000, 2), "gone").root
        world.run(world.vault.remove(gone))
        world.start_put(noise(40_000, 3), "half")
        for _ in range(20):
            world.step()
        world.disk.crash(random.Random(stop_at))
        left = stop_at

        def hook(effect: Any) -> None:
            nonlocal left
            if isinstance(effect, CHANGING):
                if left == 0:
                    raise PowerLoss
                left -= 1

        world.hook = hook
        world.boot()
        with suppress(PowerLoss):
            world.open()
        world.reboot(random.Random(-stop_at))
        assert contents(world)["kept"] == MIDDLE
        assert "gone" not in contents(world)
        assert world.run(world.vault.check("data")).ok


@pytest.mark.parametrize("error", [StorageFull, StorageLost])
def test_an_error_of_any_change_is_typed_and_loses_nothing(error: type[InosError]) -> None:
    total = count_changes()
    for fail_at in range(total):
        world = World()
        acked: dict[str, bytes | None] = {}
        left = fail_at

        def hook(effect: Any) -> None:
            nonlocal left
            if isinstance(effect, CHANGING):
                left -= 1
                if left == -1:
                    raise error("injected")

        world.hook = hook
        with suppress(error):
            world.open()
            steps(world, acked)
            world.close()
        world.drain()
        assert world.arena.used() == 0
        world.reboot(keep_all=True)
        verify(world, acked, POSSIBLE)


def test_a_full_disk_fails_the_put_and_leaves_the_vault_usable() -> None:
    world = opened()
    kept = world.put(MIDDLE, "kept")
    used = sum(len(file.now) for file in world.disk.files.values())
    world.disk.quota_bytes = used + 60_000
    with pytest.raises(StorageFull):
        world.put(noise(500_000, 1), "too much")
    world.drain()
    assert world.get(kept.root) == MIDDLE
    assert sum(len(file.now) for file in world.disk.files.values()) <= used + 8_192
    small = world.put(noise(30_000, 2), "fits")
    assert world.get(small.root) == noise(30_000, 2)
    world.run(world.vault.remove(small.root))
    again = world.put(noise(30_000, 3), "fits again")
    world.check_tidy()
    world.reboot()
    assert set(contents(world)) == {"kept", "fits again"}
    assert world.get(again.root) == noise(30_000, 3)


def test_removing_works_on_a_disk_that_is_full_to_the_last_byte() -> None:
    world = opened()
    roots = [world.put(noise(20_000, n), f"f{n}").root for n in range(5)]
    world.disk.quota_bytes = 0
    for root in roots[:4]:
        world.run(world.vault.remove(root))
    world.drain()
    world.reboot()
    assert len(world.vault.roots()) == 1


def test_a_cancelled_put_leaves_nothing_behind() -> None:
    total = 0
    while True:
        world = opened()
        before = world.put(SMALL, "small")
        task = world.start_put(noise(60_000), "cancelled")
        for _ in range(total):
            if not task.done:
                world.step()
        if task.done:
            break
        world.tasks.cancel(task)
        world.drain()
        assert task.done
        world.check_tidy()
        # Cancelled in its commit, it is there whole.
        there = {info.name for info in world.vault.roots()}
        assert there == {"small"} or world.get(world.vault.roots()[1].root) == noise(60_000)
        assert world.vault.stats()["blocks"] == (1 if len(there) == 1 else 12)
        assert world.get(before.root) == SMALL
        total += 1
    assert total > 8


def test_a_cancelled_get_leaves_nothing_behind() -> None:
    total = 0
    while True:
        world = opened()
        root = world.put(noise(60_000), "big").root
        sink = world.streams.add_sink()
        task = world.start(world.vault.get(root, sink))
        for _ in range(total):
            if not task.done:
                world.step()
        if task.done:
            break
        world.tasks.cancel(task)
        world.check_tidy()
        assert not world.streams.complete.get(sink, False) or world.streams.taken(sink) == noise(60_000)
        total += 1
    assert total > 4


def test_who_was_taken_over_writes_no_more() -> None:
    world = opened()
    world.put(SMALL, "before")
    other = opened(disk=world.disk)  # another tab opens the same files; the old one still runs
    with pytest.raises(StorageBusy):
        world.put(b"too late", "late")
    with pytest.raises(StorageBusy):
        world.put(b"too late again", "late")
    world.check_tidy()
    other.put(b"in time", "new")
    assert contents(other) == {"before": SMALL, "new": b"in time"}


def test_another_device_cannot_open() -> None:
    from inos_sim.kernels import ToyKeyring

    world = opened()
    world.put(SMALL)
    world.close()
    world.keyring = ToyKeyring(b"another")
    world.boot()
    with pytest.raises(VaultLocked):
        world.open()


@pytest.mark.parametrize("damage", ["empty", "zero", "gone"])
def test_lost_keys_lock_the_vault_and_are_not_replaced(damage: str) -> None:
    world = opened()
    world.put(SMALL)
    world.close()
    if damage == "gone":
        del world.disk.files["keys"]
    else:
        world.disk.files["keys"].now[:] = b"" if damage == "empty" else bytes(8_192)
    world.boot()
    with pytest.raises(VaultLocked):
        world.open()
    assert not any(world.disk.files["keys"].now)


def test_one_damaged_copy_of_the_keys_is_enough() -> None:
    world = opened()
    world.put(SMALL, "small")
    world.close()
    world.disk.files["keys"].now[:4_096] = bytes(4_096)
    world.boot()
    world.open()
    assert contents(world) == {"small": SMALL}


def test_calls_need_an_open_vault() -> None:
    world = World()
    with pytest.raises(NotReady):
        world.put(SMALL)
    world.open()
    with pytest.raises(NotReady):
        world.open()
    world.close()
    with pytest.raises(NotReady):
        world.put(SMALL)
    world.run(world.vault.close())


def test_what_is_not_there_is_not_found() -> None:
    world = opened()
    for coro in (
        world.vault.remove(bytes(32)),
        world.vault.share(bytes(32)),
        world.vault.read_block(bytes(32)),
        world.vault.manifest_of(Capability(bytes(32), bytes(32))),
    ):
        with pytest.raises(NotFound):
            world.run(coro)
    world.check_tidy()


def test_removing_while_somebody_reads() -> None:
    world = opened()
    data = noise(80_000)
    root = world.put(data, "big").root
    sink = world.streams.add_sink()
    reading = world.start(world.vault.get(root, sink))
    for _ in range(6):
        world.step()
    world.run(world.vault.remove(root))
    world.run_until(reading)
    assert world.streams.taken(sink) == data
    world.check_tidy()
    assert world.vault.stats()["blocks"] == 0


def test_removed_blocks_are_unreadable_on_the_disk() -> None:
    world = opened()
    first = world.put(noise(7_000, 1) * 3, "first").root
    world.put(noise(20_000, 2), "second")
    segment = world.disk.files["seg-0000"]
    salts = [
        bytes(segment.now[at + 16 : at + 48])
        for at in range(0, len(segment.now), 64)
        if segment.now[at : at + 4] == b"INOB"
    ]
    world.run(world.vault.remove(first))
    left = [
        bytes(segment.now[at + 16 : at + 48])
        for at in range(0, len(segment.now), 64)
        if segment.now[at : at + 4] == b"INOB"
    ]
    assert left.count(bytes(32)) == len(salts) - len(set(left) - {bytes(32)})
    assert left.count(bytes(32)) > 0
    assert segment.durable == bytes(segment.now)
    world.reboot()
    assert world.run(world.vault.check("data")).ok


def test_a_segment_without_live_blocks_is_emptied_and_used_again() -> None:
    world = opened(segment_bytes=4 * MIB, chunk_bytes=200_000)
    roots = [world.put(noise(3_000_000, n), f"f{n}").root for n in range(4)]
    names = {name for name, file in world.disk.files.items() if name.startswith("seg-") and len(file.now)}
    assert len(names) > 2
    for root in roots[:3]:
        world.run(world.vault.remove(root))
    assert len(world.disk.files["seg-0000"].now) == 0
    for n in range(4, 7):
        world.put(noise(3_000_000, n), f"f{n}")
    again = {name for name, file in world.disk.files.items() if name.startswith("seg-") and len(file.now)}
    assert "seg-0000" in again
    assert len(again) <= len(names) + 1  # dead space between live blocks waits for the copying collector
    world.reboot()
    assert world.run(world.vault.check("data")).ok
    assert len(contents(world)) == 4


def test_a_missing_segment_damages_its_files_only_and_a_new_put_heals_them() -> None:
    world = opened(segment_bytes=4 * MIB, chunk_bytes=200_000)
    first, second = noise(3_900_000, 1), noise(2_000_000, 2)
    one = world.put(first, "first").root
    two = world.put(second, "second").root
    world.close()
    del world.disk.files["seg-0000"]
    world.boot()
    world.open()
    assert world.vault.health() != []
    healths = {info.name: info.health for info in world.vault.roots()}
    assert healths["first"] == "damaged"
    with pytest.raises((StorageLost, NotFound)):
        world.get(one)
    report = world.run(world.vault.check("quick"))
    assert not report.ok
    assert one in report.damaged_roots
    assert len(report.bad) > 10
    world.put(first, "first", mtime_ms=5)
    world.put(second, "second", mtime_ms=5)
    assert world.run(world.vault.check("data")).damaged_roots in ([], [one], [two], [one, two])
    names = [info.name for info in world.vault.roots() if info.health == "ok"]
    assert {"first", "second"} <= set(names)
    world.check_tidy()
    world.reboot()
    assert first in [world.get(info.root) for info in world.vault.roots() if info.health == "ok"]


def test_blocks_are_flushed_before_the_record_that_names_them() -> None:
    world = opened()
    order: list[str] = []

    def hook(effect: Any) -> None:
        if isinstance(effect, FileWrite | FileFlush):
            order.append(f"{type(effect).__name__} {effect.name[:3]}")

    world.hook = hook
    world.put(SMALL, "small")
    assert order[:4] == ["FileWrite seg", "FileFlush seg", "FileWrite log", "FileFlush log"]


def test_many_small_files_share_commits_and_writes() -> None:
    world = opened()
    before = world.vault.stats()["commits"], world.disk.writes
    tasks = [world.start_put(f"file number {n}".encode(), f"f{n}") for n in range(300)]
    for task in tasks:
        world.run_until(task)
    assert world.vault.stats()["commits"] - before[0] <= 4
    assert world.disk.writes - before[1] < 60
    world.check_tidy()
    world.reboot()
    assert {world.get(info.root) for info in world.vault.roots()} == {f"file number {n}".encode() for n in range(300)}


def test_kernel_errors_are_the_puts_error() -> None:
    from inos.errors import ArenaFull, LimitExceeded

    world = opened()
    world.put(SMALL, "small")
    left = 3

    def hook(effect: Any) -> None:
        nonlocal left
        if isinstance(effect, Seal):
            left -= 1
            if left == 0:
                raise LimitExceeded("injected")

    world.hook = hook
    with pytest.raises(LimitExceeded):
        world.put(noise(60_000), "big")
    world.check_tidy()

    def no_room(effect: Any) -> None:
        if isinstance(effect, Seal) and effect.kind == 1:
            raise ArenaFull("injected")

    world.hook = no_room
    with pytest.raises(ArenaFull):
        world.put(noise(60_000), "big")
    world.hook = lambda _: None
    world.check_tidy()
    assert world.vault.stats()["blocks"] == 1
    assert world.get(world.put(noise(60_000), "big").root) == noise(60_000)
