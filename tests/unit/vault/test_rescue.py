"""Recovery without the log, or with a part of it: what lies on the disk, and the vault's secret, are enough."""

from __future__ import annotations

import pytest
from vault_world import World, copy_blocks, files_of, noise, opened

from inos.errors import StorageLost, VaultLocked
from inos.vault import log
from inos.vault.receive import Capability

Files = dict[str, bytes]


def reopen(world: World) -> World:
    world.boot()
    world.open()
    return world


def some_files() -> tuple[World, Files]:
    """A vault in which files came, shared chunks, and went; closed."""
    world = opened(refs_per_manifest=3)
    files = {f"f{n}": noise(size, n) for n, size in enumerate((0, 5, 16_384, 16_385, 24_000, 90_000))}
    files["twin"] = files["f5"][:60_000] + b"another end"
    for name, data in files.items():
        world.put(data, name)
    gone = [world.put(noise(30_000, 77), "gone").root, world.put(b"small and gone", "gone too").root]
    for root in gone:
        world.run(world.vault.remove(root))
    world.close()
    return world, files


def lose(world: World, *names: str) -> None:
    for name in names:
        world.disk.files.pop(name, None)


@pytest.mark.parametrize("names", [("log-a", "log-b"), ("log-a", "log-b", "sb0", "sb1"), ("log-a", "log-b", "sb0")])
def test_all_files_come_back_when_the_log_is_gone(names: tuple[str, ...]) -> None:
    world, files = some_files()
    lose(world, *names)
    reopen(world)
    assert files_of(world) == files
    assert any("files were found again" in finding for finding in world.vault.health())
    assert world.run(world.vault.check("data")).bad == []
    world.put(b"new", "new")
    world.close()
    reopen(world)
    assert world.vault.health() == []
    assert files_of(world) == files | {"new": b"new"}
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_without_the_keys_nothing_is_made_in_the_place_of_what_is_there() -> None:
    world, _ = some_files()
    before = {name: bytes(file.now) for name, file in world.disk.files.items()}
    lose(world, "log-a", "log-b", "sb0", "sb1", "keys")
    world.boot()
    with pytest.raises(VaultLocked):
        world.open()
    for name in ("seg-0000",):
        assert bytes(world.disk.files[name].now) == before[name]


def test_the_head_of_a_later_log_tells_that_there_was_a_vault() -> None:
    world, _ = some_files()
    reopen(world)
    world.run(world.vault.compact())
    world.close()
    lose(world, *(name for name in world.disk.files if name != "log-b"))
    del world.disk.files["log-b"].now[log.HEAD_BYTES :]
    world.boot()
    with pytest.raises(VaultLocked):
        world.open()


def test_received_files_come_back_through_their_manifests() -> None:
    giver, taker = opened(refs_per_manifest=3), opened(seed=2, refs_per_manifest=3)
    taker.keyring = giver.keyring
    data = noise(70_000, 5)
    capability = giver.run(giver.vault.share(giver.put(data, "sent").root))
    taker.run(taker.vault.wish(capability))
    copy_blocks(giver, taker)
    taker.run(taker.vault.adopt(capability))
    taker.put(b"own", "own")
    taker.close()
    lose(taker, "log-a", "log-b")
    reopen(taker)
    assert files_of(taker) == {"sent": data, "own": b"own"}
    assert taker.run(taker.vault.check("data")).bad == []


def test_a_removed_file_stays_removed_whichever_record_is_lost() -> None:
    for record in range(12):
        world = opened()
        kept = world.put(noise(20_000, 1), "kept")
        root = world.put(noise(20_000, 2), "gone").root
        world.run(world.vault.remove(root))
        world.put(b"later", "later")
        world.close()
        starts = record_starts(world)
        if record >= len(starts):
            assert record >= 5
            break
        at = starts[record]
        world.disk.files["log-a"].now[at + 60] ^= 1
        reopen(world)
        names = {info.name for info in world.vault.roots()}
        assert "gone" not in names, record
        assert {"kept", "later"} <= names, record
        assert world.get(kept.root) == noise(20_000, 1)


def record_starts(world: World, name: str = "log-a") -> list[int]:
    data = bytes(world.disk.files[name].now)
    starts, at = [], 64
    while data[at + 16 : at + 20] == b"INOB":
        starts.append(at)
        at += log.parse_frame(data, at).record_len
    return starts


def test_a_file_that_cannot_be_made_whole_is_listed_and_says_so() -> None:
    world, files = some_files()
    lose(world, "log-a", "log-b")
    segment = world.disk.files["seg-0000"].now
    at = segment.find(b"INOB")
    while int.from_bytes(segment[at + 8 : at + 12], "little") != 6_208:  # a chunk of the toy cutter
        at = segment.find(b"INOB", at + 1)
    segment[at + 200] ^= 1
    reopen(world)
    damaged = [info.name for info in world.vault.roots() if info.health == "damaged"]
    assert damaged
    assert any(f"{len(damaged)} files have lost blocks" in finding for finding in world.vault.health())
    whole = {info.name: world.get(info.root) for info in world.vault.roots() if info.health == "ok"}
    assert whole == {name: files[name] for name in whole}
    assert set(whole) | set(damaged) == set(files)
    with pytest.raises(StorageLost):
        raise_of(world, damaged[0])
    world.close()
    reopen(world)
    assert {info.name for info in world.vault.roots() if info.health == "damaged"} == set(damaged)


def test_a_manifest_that_is_lost_with_the_log_is_reported() -> None:
    world, files = some_files()
    lose(world, "log-a", "log-b")
    world.disk.files["seg-0000"].now[384 + 200] ^= 1  # f2's, with the file in it
    reopen(world)
    assert files_of(world) == {name: data for name, data in files.items() if name != "f2"}
    assert any("1 blocks on the disk are damaged" in finding for finding in world.vault.health())


def raise_of(world: World, name: str) -> None:
    root = next(info.root for info in world.vault.roots() if info.name == name)
    try:
        world.get(root)
    except Exception as error:
        raise StorageLost(str(error)) from error


def test_a_rescue_that_is_cut_short_anywhere_comes_to_the_same() -> None:
    for stop in range(0, 400, 7):
        world, files = some_files()
        lose(world, "log-a", "log-b")
        world.boot()
        task = world.start(world.vault.open())
        for _ in range(stop):
            if not task.done:
                world.step()
        world.reboot(keep_all=stop % 2 == 0)
        assert files_of(world) == files
        if task.done:
            break
    else:
        raise AssertionError("never came to the end")


def test_a_checkpoint_that_rots_is_damage_and_not_a_torn_tail() -> None:
    for index in range(3):
        world, files = some_files()
        reopen(world)
        world.run(world.vault.compact())
        world.close()
        name = "log-b" if len(world.disk.files["log-b"].now) else "log-a"
        starts = record_starts(world, name)
        at = starts[min(index, len(starts) - 1)]
        world.disk.files[name].now[at + 60] ^= 1
        reopen(world)
        assert world.vault.health() != []
        assert files_of(world) == files


def test_a_wish_survives_compaction() -> None:
    world = opened()
    capability = Capability(noise(32, 1), noise(32, 2))
    world.run(world.vault.wish(capability))
    world.run(world.vault.compact())
    world.close()
    reopen(world)
    assert world.vault.wishes() == [capability]
