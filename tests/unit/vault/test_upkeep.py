"""Upkeep: compaction, collection, sealing again, scrubbing; by command, by need, and cut short anywhere."""

from __future__ import annotations

import hashlib
import random

import pytest
from vault_world import World, copy_blocks, files_of, noise, opened, reopen, text

from inos.errors import StorageFull
from inos.limits import BLOCK_BYTES_MAX, MIB
from inos.ports import FileFlush, FileTruncate
from inos.vault import ops
from inos.vault.receive import Capability


def with_holes(**settings: object) -> tuple[World, dict[str, bytes]]:
    """A vault in whose segment two of three files are gone."""
    world = opened(**settings)
    files = {f"f{n}": noise(40_000, n) for n in range(12)}
    roots = {name: world.put(data, name).root for name, data in files.items()}
    for n in range(12):
        if n % 3 != 2:
            world.run(world.vault.remove(roots[f"f{n}"]))
            del files[f"f{n}"]
    return world, files


# --- compaction ---------------------------------------------------------------------------------------------------------


def test_compaction_makes_the_log_short_and_changes_nothing_else() -> None:
    world, files = with_holes()
    before = world.vault.stats()["log_bytes"]
    world.run(world.vault.compact())
    assert world.vault.stats()["log_bytes"] < before / 2
    assert len(world.disk.files["log-a"].now) == 0
    assert files_of(world) == files
    world.put(b"after", "after")
    reopen(world)
    assert files_of(world) == files | {"after": b"after"}
    world.run(world.vault.compact())
    assert len(world.disk.files["log-b"].now) == 0
    reopen(world)
    assert files_of(world) == files | {"after": b"after"}
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_compaction_beside_puts_and_removes() -> None:
    world = opened()
    files = {}
    for n in range(30):
        data = noise(20_000, n)
        task = world.start_put(data, f"f{n}")
        compaction = world.start(world.vault.compact())
        world.run_until(compaction)
        world.run_until(task)
        files[f"f{n}"] = data
        if n % 3 == 0:
            world.run(world.vault.remove(task.result().root))
            del files[f"f{n}"]
    world.reboot()
    assert files_of(world) == files
    assert world.vault.health() == []
    assert world.run(world.vault.check("data")).ok


def test_a_full_disk_leaves_the_old_log_in_its_place() -> None:
    world, files = with_holes()
    world.disk.quota_bytes = sum(len(file.now) for file in world.disk.files.values()) + 100
    with pytest.raises(StorageFull):
        world.run(world.vault.compact())
    assert files_of(world) == files
    world.disk.quota_bytes = 1 << 40
    world.put(b"after", "after")
    reopen(world)
    assert files_of(world) == files | {"after": b"after"}


def test_a_log_that_is_mostly_history_is_compacted_by_need() -> None:
    world = opened(log_bytes=(1 << 20) + 40_000)
    kept = world.put(b"kept", "kept").root
    for n in range(400):  # more than the log has room for
        root = world.put(f"{n}".encode(), f"f{n}").root
        world.run(world.vault.remove(root))
    assert world.get(kept) == b"kept"
    reopen(world)
    assert files_of(world) == {"kept": b"kept"}


# --- collection ---------------------------------------------------------------------------------------------------------


def test_collection_gives_dead_space_back() -> None:
    world, files = with_holes(segment_bytes=BLOCK_BYTES_MAX)
    before = world.vault.stats()
    done = world.run(world.vault.collect())
    after = world.vault.stats()
    assert done.freed_bytes > 0
    assert after["live_bytes"] == before["live_bytes"]
    assert after["segment_bytes"] == after["live_bytes"]
    on_disk = sum(len(file.now) for name, file in world.disk.files.items() if name.startswith("seg-"))
    assert on_disk == after["segment_bytes"]
    assert files_of(world) == files
    reopen(world)
    assert files_of(world) == files
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_nothing_is_cut_while_somebody_reads_it() -> None:
    world, files = with_holes()
    root = world.vault.roots()[0].root
    sink = world.streams.add_sink()
    getting = world.start(world.vault.get(root, sink))
    world.step()
    world.run(world.vault.collect())
    world.run_until(getting)
    assert world.streams.taken(sink) == files["f2"]


def test_a_block_that_rotted_is_not_copied_and_its_segment_stays() -> None:
    world, _ = with_holes()
    number = min(world.vault._index.entries)
    segment, offset = ops.lies_at(world.vault._index.entries[number])
    world.disk.files[f"seg-{segment:04d}"].now[offset + 100] ^= 1
    size = len(world.disk.files["seg-0000"].now)
    assert world.run(world.vault.collect()).segments == 0
    assert len(world.disk.files["seg-0000"].now) == size
    assert world.vault.stats()["lost_blocks"] == 1


def test_a_put_on_a_full_disk_gets_the_room_of_what_is_dead() -> None:
    world, files = with_holes(segment_bytes=BLOCK_BYTES_MAX)
    used = sum(len(file.now) for file in world.disk.files.values())
    world.disk.quota_bytes = used + 180_000  # room for the copies, not for the file as well
    data = noise(250_000, 50)
    world.put(data, "large")
    assert files_of(world) == files | {"large": data}


def test_a_loop_of_puts_and_removes_takes_no_more_room_in_the_end() -> None:
    world = opened(segment_bytes=BLOCK_BYTES_MAX)
    kept: dict[str, bytes] = {}
    rng = random.Random(3)
    for n in range(150):
        data = noise(200_000, n)
        root = world.put(data, f"f{n}").root
        if rng.random() < 0.1:
            kept[f"f{n}"] = data
        else:
            world.run(world.vault.remove(root))
    world.run(world.vault.tidy())
    world.drain()
    stats = world.vault.stats()
    assert stats["segment_bytes"] < 1.3 * stats["live_bytes"] + 5 * MIB
    assert files_of(world) == kept
    world.check_tidy()


# --- sealing again ------------------------------------------------------------------------------------------------------


def shrunk() -> tuple[World, dict[str, bytes]]:
    """A vault in which everything that could was sealed again."""
    world = opened(refs_per_manifest=3, reencode_age_s=0)
    files = {f"f{n}": text(50_000, n) for n in range(4)} | {"noise": noise(30_000, 9)}
    for name, data in files.items():
        world.put(data, name)
    world.tasks.on_deadline(world.tasks.now + 1)
    world.run(world.vault.tidy())
    return world, files


def test_chunks_are_sealed_again_smaller_and_stay_what_they_are() -> None:
    world, files = shrunk()
    assert world.vault.upkeep.state.saved_bytes > 0
    assert reencoder_candidates(world) == []
    assert files_of(world) == files
    assert world.run(world.vault.check("data")).ok
    deduped = world.put(files["f1"] + b"and more", "like f1")
    assert deduped.new_chunks < deduped.chunks
    reopen(world)
    assert files_of(world) == files | {"like f1": files["f1"] + b"and more"}
    assert world.run(world.vault.check("data")).ok
    saved = world.vault.stats()["live_bytes"]
    world.run(world.vault.tidy())
    assert world.vault.stats()["live_bytes"] == saved
    world.check_tidy()


def test_sealed_again_and_without_a_log_the_files_come_back() -> None:
    world, files = shrunk()
    world.close()
    del world.disk.files["log-a"], world.disk.files["log-b"]
    world.boot()
    world.open()
    assert files_of(world) == files


@pytest.mark.parametrize("revocable", [False, True])
def test_what_was_given_out_is_not_touched_and_what_is_given_out_later_has_the_new_names(revocable: bool) -> None:
    def give_out(root: bytes) -> Capability:
        if revocable:
            world.run(world.vault.grant(root, hashlib.sha256(root).digest(), bytes(32)))
            return world.vault.capability(root)
        return world.run(world.vault.share(root))

    world = opened(refs_per_manifest=3, reencode_age_s=0)
    shared = world.put(text(50_000, 1), "shared").root
    own = world.put(text(50_000, 2), "own").root
    link = give_out(shared)
    world.run(world.vault.revoke(hashlib.sha256(shared).digest()) if revocable else world.vault.unshare(shared))
    before = {
        n: e for n, e in world.vault._index.entries.items() if n in set(world.vault._index.roots[shared].numbers())
    }
    world.tasks.on_deadline(world.tasks.now + 1)
    world.run(world.vault.tidy())
    assert {n: world.vault._index.entries[n] for n in before} == before
    assert give_out(shared) == link
    later = give_out(own)
    assert later.bid != own
    for _ in range(2):
        for capability, data in ((link, text(50_000, 1)), (later, text(50_000, 2))):
            assert received(world, capability) == data
        reopen(world)
        world.run(world.vault.compact())
    assert give_out(own) == later
    world.run(world.vault.remove(own))
    world.run(world.vault.remove(shared))
    assert world.vault.stats()["blocks"] == 0
    world.check_tidy()


def received(giver: World, capability: object) -> bytes:
    """What somebody gets who has the capability, and every block that is there by its name."""
    taker = opened(seed=5, refs_per_manifest=3)
    taker.run(taker.vault.wish(capability))
    copy_blocks(giver, taker)
    return taker.get(taker.run(taker.vault.adopt(capability)))


def test_a_chunk_that_rotted_is_not_sealed_again() -> None:
    world = opened(reencode_age_s=0)
    world.put(text(50_000, 1), "f")
    number = next(n for n, e in world.vault._index.entries.items() if ops.is_own_chunk(e))
    segment, offset = ops.lies_at(world.vault._index.entries[number])
    world.disk.files[f"seg-{segment:04d}"].now[offset + 100] ^= 1
    before = world.vault._index.entries[number]
    world.tasks.on_deadline(world.tasks.now + 1)
    world.run(world.vault.tidy())
    assert world.vault._index.entries[number] == before
    assert world.vault.roots()[0].health == "damaged"


def test_idle_upkeep_stops_when_somebody_calls_and_goes_on_later() -> None:
    world = opened(reencode_age_s=0)
    files = {f"f{n}": text(60_000, n) for n in range(3)}
    for name, data in files.items():
        world.put(data, name)
    world.tasks.on_deadline(world.tasks.now + 1)
    world.vault.upkeep.on_idle()
    while world.vault.upkeep.state.done < 3:
        world.step()
    world.put(b"somebody calls", "call")
    world.drain()
    assert world.vault.upkeep.state.saved_bytes >= 3
    left = len(reencoder_candidates(world))
    assert left > 0
    world.vault.upkeep.paused = True
    world.vault.upkeep.on_idle()
    world.drain()
    assert len(reencoder_candidates(world)) == left
    world.vault.upkeep.paused = False
    world.vault.upkeep.on_idle()
    world.drain()
    assert reencoder_candidates(world) == []
    assert files_of(world) == files | {"call": b"somebody calls"}


def reencoder_candidates(world: World) -> list[int]:
    from inos.vault.reencode import Reencoder

    return Reencoder(world.vault._store, 0).candidates()


# --- everything, cut short ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", ["nothing", "all", "some"])
def test_upkeep_that_is_cut_short_anywhere_loses_nothing(keep: str) -> None:
    stop = 0
    while True:
        world = opened(refs_per_manifest=3, reencode_age_s=0)
        files = {f"f{n}": text(25_000, n) for n in range(6)}
        roots = {name: world.put(data, name).root for name, data in files.items()}
        for name in ("f0", "f1", "f3"):
            world.run(world.vault.remove(roots[name]))
            del files[name]
        world.tasks.on_deadline(world.tasks.now + 1)

        async def everything(world: World = world) -> None:
            await world.vault.collect()
            await world.vault.compact()
            await world.vault.tidy()

        changes = 0

        def hook(effect: object) -> None:
            nonlocal changes
            changes += isinstance(effect, FileFlush | FileTruncate)

        world.hook = hook
        task = world.start(everything())
        while not task.done and changes <= stop:
            world.step()
        finished = task.done
        world.reboot(random.Random(stop) if keep == "some" else None, keep_all=keep == "all")
        assert files_of(world) == files
        assert world.vault.health() == []
        assert world.run(world.vault.check("data")).ok
        world.close()
        del world.disk.files["log-a"], world.disk.files["log-b"]
        world.boot()
        world.open()
        assert files_of(world) == files  # and what was removed is not found on the disk either
        if finished:
            return
        stop += 1


# --- scrubbing ----------------------------------------------------------------------------------------------------------


def test_a_scrub_finds_what_rotted() -> None:
    world = opened()
    roots = [world.put(noise(30_000, n), f"f{n}").root for n in range(3)]
    lost: list[int] = []
    world.vault.upkeep.on_lost = lost.append
    number = next(n for n in world.vault._index.roots[roots[1]].numbers())
    segment, offset = ops.lies_at(world.vault._index.entries[number])
    world.disk.files[f"seg-{segment:04d}"].now[offset + 70] ^= 1
    world.vault.upkeep.on_idle()
    world.drain()
    assert lost == [number]
    assert [info.health for info in world.vault.roots()] == ["ok", "damaged", "ok"]
    world.check_tidy()


def test_a_block_that_is_being_moved_is_neither_moved_again_nor_dropped_before_that_is_known() -> None:
    world, files = with_holes()
    store = world.vault._store
    root = next(info.root for info in world.vault.roots() if info.name == "f2")
    number = min(world.vault._index.roots[root].numbers())
    entry = store.index.entries[number]

    async def move() -> bool:
        """Begun by somebody who is gone before the record is written."""
        block = await store.read(number)
        segment, offset = await store.segments.append(block)
        store.budget.free(block)
        after = entry[:128] + ops.pack_place(ops.moved(ops.place_of(entry), segment, offset))
        return store.relocate(number, entry, after).done

    assert not world.run(move())
    assert store.moving == {number}
    removing, collecting = world.start(world.vault.remove(root)), world.start(world.vault.collect())
    world.run_until(removing)
    world.run_until(collecting)
    world.drain()
    assert store.moving == set()
    assert number not in store.index.entries
    del files["f2"]
    for keep_all in (True, False):
        world.reboot(keep_all=keep_all)
        assert files_of(world) == files
        assert world.vault.health() == []
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()
