"""Stories in which what was acknowledged was lost, what was removed came back, or a good file was called lost."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import pytest
from vault_world import World, copy_blocks, files_of, noise, opened, reopen, text

from inos.errors import ArenaFull, Busy, InosError, StorageFull
from inos.limits import BLOCK_BYTES_MAX
from inos.ports import Seal
from inos.tasks import Effect
from inos.vault import ops
from inos.vault.put import Source
from inos.vault.receive import Capability
from inos.vault.segments import SALT_BYTES


def reopen_without_log(world: World) -> None:
    world.close()
    for name in ("log-a", "log-b"):
        world.disk.files.pop(name, None)
    world.boot()
    world.open()


def test_a_block_of_others_that_became_ours_and_died_again_takes_its_record_along() -> None:
    """The log still said that it lies there, where another block lay by then: the next open destroyed that one."""
    giver, taker = opened(), opened(seed=1)
    data = noise(90_000, 1)
    root = giver.put(data, "shared").root
    capability = giver.run(giver.vault.share(root))
    taker.run(taker.vault.wish(capability))
    copy_blocks(giver, taker)  # equal seeds, equal secrets: what comes from others is what this vault would make
    taker.run(taker.vault.wish(Capability(bytes(32), bytes(32))))  # and with it, what was copied is in the log
    task = taker.start_put(data, "shared")
    while not any(number not in taker.vault._index.foreign for number in range(5)):
        taker.step()
    taker.tasks.cancel(task)
    with contextlib.suppress(InosError):
        taker.run_until(task)
    taker.run(taker.vault._store.swept())
    for wish in taker.vault.wishes():
        taker.run(taker.vault.unwish(wish))
    new = noise(80_000, 2)
    taker.put(new, "new")
    for _ in range(2):
        taker.reboot()
        assert files_of(taker) == {"new": new}


@pytest.mark.parametrize("steps", range(1, 60, 3))
def test_a_collection_that_is_cut_short_leaves_no_copy_of_what_is_removed_later(steps: int) -> None:
    world = opened(segment_bytes=BLOCK_BYTES_MAX)
    roots = [world.put(noise(40_000, n), f"f{n}").root for n in range(6)]
    world.run(world.vault.remove(roots[0]))
    left = [steps]

    def may_go_on() -> bool:
        left[0] -= 1
        return left[0] > 0

    world.run(world.vault.upkeep.collect(0.999, may_go_on))
    for root in roots[1:5]:
        world.run(world.vault.remove(root))
    reopen_without_log(world)
    assert set(files_of(world)) == {"f5"}


def test_what_could_not_be_logged_as_dropped_does_not_come_back_after_a_compaction() -> None:
    world = opened()
    gone = world.put(noise(30_000, 1), "gone").root
    world.put(noise(30_000, 2), "kept")
    committer = world.vault._committer
    submit = committer.submit

    def refusing(packed: bytes, apply: Any) -> Any:
        done = submit(packed, apply)
        if packed[1] == ops.DROP:
            committer._operations.pop()
            done.fail(StorageFull("quota"))
        return done

    committer.submit = refusing  # type: ignore[method-assign]
    world.run(world.vault.remove(gone))
    committer.submit = submit  # type: ignore[method-assign]
    world.run(world.vault.compact())
    reopen_without_log(world)
    assert set(files_of(world)) == {"kept"}


def test_a_damaged_file_that_is_put_again_as_its_own_next_version_stays_whole() -> None:
    world = opened()
    data = noise(30_000, 1)
    root = world.put(data, "file").root
    world.vault._index.roots[root].runs += ops.pack_runs([77])  # what damage to the log leaves
    world.vault._index.find_holes()
    world.run(world.vault.compact())
    reopen(world)
    assert world.vault.is_damaged(root)
    world.put(data, "file", replaces=root)
    assert not world.vault.is_damaged(root)
    reopen(world)
    assert not world.vault.is_damaged(root)
    assert world.get(root) == data


def test_a_file_that_is_given_out_while_chunks_are_sealed_again_keeps_its_blocks() -> None:
    world = opened(reencode_age_s=0)
    first = world.put(text(90_000, 1), "first").root
    second = world.put(text(90_000, 2), "second").root
    world.tasks.on_deadline(10)
    index = world.vault._index
    task = world.start(world.vault.tidy())
    while world.vault.upkeep.state.done < 2:
        world.step()
    for root in (first, second):
        world.run(world.vault.grant(root, hashlib.sha256(root).digest(), bytes(32)))
    names = {n: ops.bid_of(index.entries[n]) for root in index.roots.values() for n in root.numbers()}
    world.run_until(task)
    assert {n: ops.bid_of(index.entries[n]) for n in names} == names


def test_a_link_made_while_its_file_is_removed_leads_nowhere() -> None:
    world = opened()
    root = world.put(noise(90_000, 1), "file").root
    name = hashlib.sha256(root).digest()
    tasks = [world.start(world.vault.grant(root, name, bytes(32))), world.start(world.vault.remove(root))]
    for task in tasks:
        world.run_until(task)
    assert world.put(noise(90_000, 1), "file").root == root
    assert world.vault.grants()[name].revoked
    world.reboot()
    assert world.vault.grants()[name].revoked


def test_mending_a_file_leaves_its_revocable_links() -> None:
    world = opened()
    root = world.put(noise(30_000, 1), "file").root
    name = hashlib.sha256(root).digest()
    world.run(world.vault.grant(root, name, bytes(32)))
    world.vault._index.roots[root].runs += ops.pack_runs([77])
    world.vault._index.find_holes()
    world.run(world.vault.mend())
    assert not world.vault.is_damaged(root)
    assert not world.vault.grants()[name].revoked


def test_a_salt_that_waits_for_memory_is_not_written_over_a_new_block() -> None:
    world = opened()
    world.put(noise(20_000, 1), "first")
    gone = world.put(noise(20_000, 2), "gone").root
    store, arena = world.vault._store, world.arena
    pending = world.run(store.segments.append(arena.alloc(80_000)))
    alloc, is_short = arena.alloc, [True]

    def short(length: int) -> Any:
        if length == SALT_BYTES and is_short[0]:
            raise ArenaFull("others have it")
        return alloc(length)

    arena.alloc = short  # type: ignore[method-assign]
    removal = world.start(world.vault.remove(gone))
    while store.budget._freed is None:
        world.step()
    store.segments.abandon(*pending)
    data = noise(20_000, 3)
    put = world.start_put(data, "new")
    while len(world.vault._index.by_cid) < 7:
        world.step()
    is_short[0] = False
    world.run_until(removal)
    world.run_until(put)
    assert world.get(put.result().root) == data


def test_equal_next_versions_of_two_files_stay_two_files() -> None:
    world = opened()
    files = [world.put(noise(30_000, n), "same").root for n in range(2)]
    data = noise(30_000, 5)
    sources = [Source(world.streams.add_bytes(data), len(data)) for _ in files]
    tasks = [
        world.start(world.vault.put(source, name="same", replaces=root))
        for source, root in zip(sources, files, strict=True)
    ]
    for task in tasks:
        world.run_until(task)
    refused = next(at for at, task in enumerate(tasks) if isinstance(task._error, Busy))
    second = world.put(data, "same", replaces=files[refused]).root
    assert [world.get(info.root) for info in world.vault.roots()] == [data, data]
    world.run(world.vault.remove(second))
    assert [world.get(info.root) for info in world.vault.roots()] == [data]


def test_a_chunk_that_is_sealed_again_while_it_is_read_is_not_called_lost() -> None:
    world = opened(reencode_age_s=0)
    data = text(30_000, 1)
    root = world.put(data, "file").root
    world.tasks.on_deadline(10)
    index, arena = world.vault._index, world.arena
    number = min(index.by_cid.values())
    before = index.entries[number]
    alloc, length = arena.alloc, ops.block_len_of(before)
    gets: list[Any] = []
    sink = world.streams.add_sink()

    def hook(effect: Effect[Any]) -> None:
        if isinstance(effect, Seal) and not gets:
            gets.append(world.start(world.vault.get(root, sink)))

    def short(asked: int) -> Any:
        if gets and asked == length and index.entries[number] == before:
            raise ArenaFull("others have it")
        return alloc(asked)

    world.hook, arena.alloc = hook, short  # type: ignore[method-assign]
    tidy = world.start(world.vault.tidy())
    while not gets:
        world.step()
    world.run_until(gets[0])
    world.run_until(tidy)
    assert gets[0].result().size == len(data)
    assert index.lost == set()


def test_a_put_that_is_given_up_after_a_compaction_takes_its_records_along() -> None:
    """The checkpoint said where its blocks lay; another file's lay there by then, and the next open destroyed them."""
    world = opened()
    task = world.start_put(noise(2_000_000, 1), "given up")
    while len(world.vault._index.entries) < 5:
        world.step()
    world.run(world.vault.compact())
    world.tasks.cancel(task)
    with contextlib.suppress(InosError):
        world.run_until(task)
    while world.vault._index.entries:
        world.step()
    data = noise(80_000, 2)
    world.put(data, "new")
    for _ in range(2):
        world.reboot()
        assert files_of(world) == {"new": data}


@pytest.mark.parametrize("steps", range(0, 30, 2))
def test_a_removal_under_way_comes_to_its_end_before_the_vault_is_closed(steps: int) -> None:
    world = opened()
    removal = world.start(world.vault.remove(world.put(noise(30_000, 1), "gone").root))
    for _ in range(steps):
        world.step()
    world.run(world.vault.close())
    assert removal.done
    writes = world.disk.writes
    world.drain()
    assert world.disk.writes == writes
    assert not world.disk.opened


def test_an_archive_taken_while_chunks_are_sealed_again_has_the_files() -> None:
    world = opened(reencode_age_s=0)
    data = text(30_000, 1)
    world.put(data, "file")
    world.tasks.on_deadline(10)
    index, arena = world.vault._index, world.arena
    number = min(index.by_cid.values())
    before = index.entries[number]
    alloc, length = arena.alloc, ops.block_len_of(before)
    exports: list[Any] = []
    sink = world.streams.add_sink()

    def hook(effect: Effect[Any]) -> None:
        if isinstance(effect, Seal) and not exports:
            exports.append(world.start(world.vault.export_archive(sink, "quite a long one")))

    def short(asked: int) -> Any:
        if exports and asked == length and index.entries[number] == before:
            raise ArenaFull("others have it")
        return alloc(asked)

    world.hook, arena.alloc = hook, short  # type: ignore[method-assign]
    tidy = world.start(world.vault.tidy())
    while not exports:
        world.step()
    world.run_until(exports[0])
    world.run_until(tidy)
    assert exports[0].result().skipped == []
    assert index.lost == set()
    other, taken = opened(seed=5), world.streams.taken(sink)
    source = Source(other.streams.add_bytes(taken), len(taken))
    assert other.run(other.vault.import_archive(source, "quite a long one")).skipped == []
    assert files_of(other) == {"file": data}


def test_an_archive_heals_a_file_whose_blocks_are_not_known_any_more() -> None:
    world = opened()
    data = noise(30_000, 1)
    root = world.put(data, "file").root
    sink = world.streams.add_sink()
    world.run(world.vault.export_archive(sink, "quite a long one"))
    taken = world.streams.taken(sink)
    index = world.vault._index
    number = min(index.by_cid.values())
    index._unname(number, index.entries.pop(number))  # what damage to the log leaves
    index.find_holes()
    world.run(world.vault.compact())
    reopen(world)
    assert world.vault.is_damaged(root)
    source = Source(world.streams.add_bytes(taken), len(taken))
    assert world.run(world.vault.import_archive(source, "quite a long one")).files == 1
    reopen(world)
    assert files_of(world) == {"file": data}
    assert not world.vault.is_damaged(root)


@pytest.mark.parametrize("steps", range(1, 15))
def test_sharing_that_is_given_up_leaves_no_file_damaged(steps: int) -> None:
    world = opened(reencode_age_s=0)
    data = text(30_000, 1)
    root = world.put(data, "file").root
    world.tasks.on_deadline(10)
    world.run(world.vault.tidy())
    sharing = world.start(world.vault.share(root))
    for _ in range(steps):
        world.step()
    assert not sharing.done
    world.tasks.cancel(sharing)
    with contextlib.suppress(InosError):
        world.run_until(sharing)
    world.run(world.vault._store.swept())
    world.put(b"and with it all that was logged", "later")
    world.reboot()
    assert not world.vault.is_damaged(root)
    assert world.get(root) == data
