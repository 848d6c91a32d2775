"""Putting: sizes around every bound, dedupe, levels, progress."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from vault_world import noise, opened

from inos.errors import BadArgument, BadName, LimitExceeded, NotFound, StorageLost
from inos.limits import INLINE_BYTES_MAX, READ_BYTES
from inos.ports import Cut, Seal, SourceRead
from inos.vault.put import Progress
from inos.vault.vault import Source


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 5_999, 6_000, 60_001])
def test_what_was_put_is_got(size: int) -> None:
    world = opened()
    data = noise(size)
    result = world.put(data)
    assert result.size == size
    assert result.chunks == result.new_chunks == (0 if size <= INLINE_BYTES_MAX else -(-size // 6_000))
    assert world.get(result.root) == data
    world.check_tidy()
    world.reboot()
    assert world.get(result.root) == data
    assert world.run(world.vault.check("data")).ok


def test_a_file_of_several_windows_keeps_its_bytes_and_stays_within_its_grant() -> None:
    world = opened(chunk_bytes=700_001)
    data = noise(3 * READ_BYTES + 12_345)
    peak = 0

    def hook(_: Any) -> None:
        nonlocal peak
        peak = max(peak, world.arena.used())

    world.hook = hook
    result = world.put(data)
    assert world.get(result.root) == data
    assert peak <= 12 << 20
    world.check_tidy()


def test_cuts_carry_the_rest_over() -> None:
    world = opened(chunk_bytes=3_000_000)
    reads: list[int] = []
    cuts = 0

    def hook(effect: Any) -> None:
        nonlocal cuts
        if isinstance(effect, SourceRead):
            reads.append(effect.offset)
        cuts += isinstance(effect, Cut)

    world.hook = hook
    result = world.put(noise(9_000_000))
    assert reads == [0, 3_000_000, 6_000_000]
    assert cuts == 3
    assert result.chunks == 3


def test_the_same_file_again_is_the_same_root_and_no_new_block() -> None:
    world = opened()
    data = noise(40_000)
    first = world.put(data, "name", media_type="text/plain", mtime_ms=1)
    blocks = world.vault.stats()["blocks"]
    again = world.put(data, "name", media_type="text/plain", mtime_ms=2)
    assert again.root == first.root
    assert (again.chunks, again.new_chunks, again.deduped) == (first.chunks, 0, 40_000)
    assert world.vault.stats()["blocks"] == blocks
    other = world.put(data, "another name")
    assert other.root != first.root
    assert other.new_chunks == 0
    assert world.vault.stats()["blocks"] == blocks + 1
    assert len(world.vault.roots()) == 2
    world.run(world.vault.remove(first.root))
    assert world.get(other.root) == data
    world.check_tidy()


def test_equal_chunks_in_one_file_and_in_parallel_puts_are_made_once() -> None:
    world = opened()
    seals = 0

    def hook(effect: Any) -> None:
        nonlocal seals
        seals += isinstance(effect, Seal) and effect.kind == 1

    world.hook = hook
    data = noise(6_000) * 10
    tasks = [world.start_put(data, f"f{n}") for n in range(4)]
    for task in tasks:
        world.run_until(task)
    assert seals == 1
    results = [task.result() for task in tasks]
    assert sum(result.new_chunks for result in results) == 1
    for result in results:
        assert world.get(result.root) == data
    world.check_tidy()
    for result in results[:3]:
        world.run(world.vault.remove(result.root))
    assert world.get(results[3].root) == data
    world.run(world.vault.remove(results[3].root))
    assert world.vault.stats()["blocks"] == 0


def test_equal_puts_at_the_same_time() -> None:
    for data in (b"tiny", noise(30_000)):
        world = opened()
        tasks = [world.start_put(data, "same") for _ in range(5)]
        for task in tasks:
            world.run_until(task)
        assert len({task.result().root for task in tasks}) == 1
        world.check_tidy()
        world.run(world.vault.remove(tasks[0].result().root))
        assert world.vault.stats()["blocks"] == 0
        world.reboot()
        assert world.vault.roots() == []


def test_a_put_that_joined_a_cancelled_one_goes_on() -> None:
    for at in range(3, 12):
        world = opened()
        data = noise(60_000)
        first = world.start_put(data, "first")
        for _ in range(at):
            world.step()
        second = world.start_put(data, "second")
        world.step()
        world.tasks.cancel(first)
        world.drain()
        if not second.done:
            world.run_until(second)
        from inos.errors import Cancelled

        try:
            root = second.result().root
        except Cancelled:
            pytest.fail("the second put was cancelled with the first")
        assert world.get(root) == data
        world.check_tidy()


@pytest.mark.parametrize(("refs", "level"), [(100, 0), (10, 1), (4, 2), (3, 3)])
def test_long_lists_of_references_go_into_levels(refs: int, level: int) -> None:
    world = opened(refs_per_manifest=refs, chunk_bytes=1_000)
    data = noise(50_000)
    result = world.put(data)
    capability = world.run(world.vault.share(result.root))
    assert world.run(world.vault.manifest_of(capability)).level == level
    assert world.get(result.root) == data
    for start, length in ((0, 0), (0, 1), (999, 2), (25_500, 10_000), (49_999, 1), (50_000, 0)):
        assert world.get(result.root, offset=start, length=length) == data[start : start + length]
    world.reboot()
    assert world.get(result.root) == data
    assert world.run(world.vault.check("data")).ok
    world.run(world.vault.remove(result.root))
    assert world.vault.stats()["blocks"] == 0
    world.check_tidy()


def test_too_many_levels_are_refused() -> None:
    world = opened(refs_per_manifest=2, chunk_bytes=500)
    with pytest.raises(LimitExceeded):
        world.put(noise(50_000))
    world.check_tidy()
    assert world.vault.stats()["blocks"] == 0


def test_a_source_that_ends_early_or_gives_little_at_a_time() -> None:
    world = opened()
    data = noise(40_000)

    def little(offset: int, view: memoryview) -> int:
        part = data[offset : offset + min(7_000, len(view))]
        view[: len(part)] = part
        return len(part)

    source = world.streams.add_reader(little)
    root = world.run(world.vault.put(Source(source, 40_000), name="slow")).root
    assert world.get(root) == data
    for size in (40_001, 10_000_000):
        with pytest.raises(StorageLost):
            world.run(world.vault.put(Source(source, size), name="short"))
    with pytest.raises(NotFound):
        world.run(world.vault.put(Source(999, 5), name="none"))
    world.check_tidy()
    assert len(world.vault.roots()) == 1


def test_bad_arguments() -> None:
    world = opened()
    with pytest.raises(BadName):
        world.put(b"", "../x")
    with pytest.raises(BadArgument):
        world.put(b"", "x", media_type="x" * 200)
    with pytest.raises(LimitExceeded):
        world.run(world.vault.put(Source(1, 1 << 60), name="x"))
    world.check_tidy()


def test_progress_reaches_the_end_and_never_goes_back() -> None:
    world = opened()
    seen: list[Progress] = []
    world.put(noise(100_000), progress=seen.append)
    assert seen[-1] == Progress(100_000, 100_000, 100_000, 100_000)
    for before, after in pairwise(seen):
        assert before.read <= after.read
        assert before.sealed <= after.sealed
        assert before.written <= after.written
    seen.clear()
    world.put(noise(100_000), "again", progress=seen.append)
    assert seen[-1].written == 100_000


def test_what_a_root_says_of_itself() -> None:
    world = opened(wall_offset_s=1_000.0)
    result = world.put(noise(12_000) + noise(12_000), "a name", media_type="text/plain")
    (info,) = world.vault.roots()
    assert (info.root, info.name, info.media_type, info.size) == (result.root, "a name", "text/plain", 24_000)
    assert (info.chunks, info.new_chunks, info.deduped, info.stored) == (4, 2, 12_000, result.stored)
    assert (info.received, info.shared, info.health) == (False, False, "ok")
    assert info.time_ms >= 1_000_000
    world.run(world.vault.share(result.root))
    assert world.vault.roots()[0].shared
    world.reboot()
    assert world.vault.roots()[0].shared
    assert len(world.vault.shared()) == 1
    world.run(world.vault.unshare(result.root))
    world.reboot()
    assert world.vault.shared() == []
