"""Checking finds what is wrong, at the level that can, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from vault_world import noise, opened

from inos.errors import BadArgument
from inos.ports import HashUpdate
from inos.vault import ops
from inos.vault.put import Progress


def test_an_empty_vault_is_well() -> None:
    world = opened()
    for level in ("quick", "hash", "data"):
        assert world.run(world.vault.check(level)).ok
    with pytest.raises(BadArgument):
        world.run(world.vault.check("deep"))
    world.check_tidy()


@pytest.mark.parametrize("level", ["hash", "data"])
def test_one_flipped_bit_in_any_block_is_found_and_named(level: str) -> None:
    world = opened()
    root = world.put(noise(40_000), "file").root
    other = world.put(b"other", "other").root
    file = world.disk.files["seg-0000"]
    for entry in list(world.vault._index.entries.values()):
        place = ops.place_of(entry)
        at = place.offset + place.block_len * 2 // 3
        file.now[at] ^= 0x10
        assert world.run(world.vault.check("quick")).ok
        report = world.run(world.vault.check(level))
        assert [bad.bid for bad in report.bad] == [ops.bid_of(entry)]
        assert report.damaged_roots in ([root], [other])
        assert not report.ok
        damaged = [info.root for info in world.vault.roots() if info.health == "damaged"]
        assert damaged == report.damaged_roots
        file.now[at] ^= 0x10
        world.close()
        world.boot()
        world.open()
    assert world.run(world.vault.check(level)).ok
    world.check_tidy()


def test_a_chunk_of_two_files_is_checked_for_both_and_counted_once() -> None:
    world = opened()
    data = noise(60_000)
    roots = [world.put(data, "first").root, world.put(data + noise(5_000, 1), "second").root]
    report = world.run(world.vault.check("data"))
    assert report.ok
    assert report.blocks == world.vault.stats()["blocks"]
    world.disk.files["seg-0000"].now[20_000] ^= 1
    report = world.run(world.vault.check("data"))
    assert len(report.bad) == 1
    assert sorted(report.damaged_roots) == sorted(roots)
    world.check_tidy()


def test_chunks_of_a_file_are_hashed_one_at_a_time_whatever_is_bad() -> None:
    world = opened(lanes=2)
    world.put(noise(100_000), "file")
    places = [ops.place_of(entry) for entry in world.vault._index.entries.values()]
    for bad in range(8):
        at = places[bad].offset + places[bad].block_len // 2
        world.disk.files["seg-0000"].now[at] ^= 1
        asked: list[int] = []
        poll = world.tasks.poll_effects

        def counted(poll: Any = poll, asked: Any = asked) -> Any:
            effects = poll()
            asked.append(sum(isinstance(effect, HashUpdate) for _, effect in effects))
            return effects

        world.tasks.poll_effects = counted  # type: ignore[method-assign]
        assert len(world.run(world.vault.check("data")).bad) == 1
        assert max(asked) == 1
        assert sum(asked) == len(places) - 2  # all but the bad one and the manifest
        world.disk.files["seg-0000"].now[at] ^= 1
        world.reboot(keep_all=True)
    world.check_tidy()


def test_a_shortened_segment_is_found_at_once() -> None:
    world = opened()
    world.put(noise(40_000), "file")
    del world.disk.files["seg-0000"].now[20_000:]
    report = world.run(world.vault.check("quick"))
    assert not report.ok
    assert {bad.code for bad in report.bad} == {"StorageLost"}
    assert len(report.damaged_roots) == 1


def test_a_put_heals_what_a_check_found() -> None:
    world = opened()
    data = noise(40_000)
    root = world.put(data, "file").root
    world.disk.files["seg-0000"].now[10_000] ^= 1
    assert not world.run(world.vault.check("data")).ok
    world.put(data, "same bytes")
    assert world.run(world.vault.check("data")).ok
    assert world.get(root) == data
    world.reboot()
    assert world.get(root) == data
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_progress_and_counts() -> None:
    world = opened()
    world.put(noise(40_000), "file")
    seen: list[Progress] = []
    report = world.run(world.vault.check("hash", seen.append))
    assert report.blocks == world.vault.stats()["blocks"]
    assert seen[-1].written == seen[-1].total == report.block_bytes


def test_a_file_removed_during_a_check_is_no_finding() -> None:
    for at in range(1, 20, 3):
        world = opened()
        root = world.put(noise(60_000), "file").root
        world.put(b"other", "other")
        check = world.start(world.vault.check("data"))
        for _ in range(at):
            world.step()
        world.run(world.vault.remove(root))
        world.run_until(check)
        assert check.result().ok
        world.check_tidy()
