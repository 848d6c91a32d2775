"""The archive: byte-exact elsewhere, nothing new at home, cut or changed anywhere without harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vault_world import World, noise, opened

from inos.errors import (
    AuthFailed,
    BadArgument,
    BadMagic,
    Cancelled,
    CorruptError,
    InosError,
    LimitExceeded,
    MalformedHeader,
    StorageFull,
    Truncated,
    UnsupportedVersion,
)
from inos.ports import SinkWrite
from inos.vault import archive, ops
from inos.vault.importing import Imported
from inos.vault.reencode import Reencoder
from inos.vault.vault import Source

FILES: dict[str, bytes | None] = {
    "a/x": b"x", "a/y": noise(20_000), "b/y": noise(20_000), "big": noise(50_000, 1), "empty/": None, "z": b"",
}  # fmt: skip
FILES["hollow"] = FILES.pop("empty/")


def export(world: World, passphrase: str = "correct horse") -> bytes:
    sink = world.streams.add_sink()
    world.run(world.vault.export_archive(sink, passphrase))
    assert world.streams.complete[sink]
    return world.streams.taken(sink)


def restore(world: World, data: bytes, passphrase: str = "correct horse") -> Imported:
    source = world.streams.add_bytes(data)
    result = world.run(world.vault.import_archive(Source(source, len(data)), passphrase))
    assert isinstance(result, Imported)
    world.check_tidy()
    return result


def contents(world: World) -> dict[str, tuple[bytes, bool]]:
    """Name -> bytes (of a folder: of its .zip), and whether it is shared."""
    return {info.name: (world.get(info.root), info.shared) for info in world.vault.roots()}


def histories(world: World) -> dict[str, list[tuple[str, int, bytes]]]:
    return {
        info.name: [(v.name, v.time_ms, world.get(v.root)) for v in world.vault.versions(info.root)]
        for info in world.vault.roots()
    }


def full_world(**more: Any) -> World:
    """A vault with everything in it: files of each size, a folder, versions, shared and received ones."""
    world = opened(refs_per_manifest=4, wall_offset_s=1_000.0, **more)
    for size in (0, 5, 17_000, 90_000):
        world.put(noise(size), f"file {size}", media_type="text/plain")
    folder = world.put_folder(FILES, "folder").root
    world.run(world.vault.use(lambda library: library.rename(folder, "yy", "a/y")))
    first = world.put(noise(30_000, 7), "versions").root
    second = world.put(noise(31_000, 8), "versions", replaces=first).root
    third = world.put(b"third", "versions now", replaces=second).root
    world.run(world.vault.use(lambda library: library.restore(first)))
    world.run(world.vault.forget(third))
    shared = world.put(noise(12_000, 9), "shared").root
    world.run(world.vault.share(shared))
    world.run(world.vault.share(second))
    return world


def test_everything_is_there_elsewhere_and_nothing_is_new_at_home() -> None:
    world = full_world()
    data = export(world)
    before = (contents(world), histories(world), world.vault.stats()["blocks"])
    at_home = restore(world, data)
    assert (at_home.files, at_home.known, at_home.bytes, at_home.skipped) == (0, 7, 0, [])
    assert (contents(world), histories(world), world.vault.stats()["blocks"]) == before
    other = opened(seed=77, refs_per_manifest=4)
    result = restore(other, data)
    assert (result.files, result.known, result.skipped) == (7, 0, [])
    for again in (False, True):
        if again:
            other.reboot()
        assert contents(other) == contents(world)
        assert histories(other) == histories(world)
        assert not any(info.received for info in other.vault.roots())
        assert other.run(other.vault.check("data")).ok
        assert other.vault.health() == []
    twice = restore(other, data)
    assert (twice.files, twice.known, twice.bytes, twice.skipped) == (0, 7, 0, [])
    for info in other.vault.roots():
        other.run(other.vault.remove(info.root))
    assert other.vault.stats()["blocks"] == 0
    other.check_tidy()


def test_links_given_out_lead_to_the_same_blocks_from_the_other_vault() -> None:
    world = full_world()
    links = {(cap.bid, cap.secret) for cap in world.vault.shared()}
    other = opened(seed=77)
    restore(other, export(world))
    assert {(cap.bid, cap.secret) for cap in other.vault.shared()} == links
    other.reboot()
    for cap in other.vault.shared():
        manifest = other.run(other.vault.manifest_of(cap))
        assert all(other.vault.block_len(ref.bid) == ref.block_len for ref in manifest.refs)


def test_an_archive_of_an_imported_vault_is_as_good() -> None:
    world, second, third = full_world(), opened(seed=2), opened(seed=3)
    restore(second, export(world))
    restore(third, export(second, "another"), "another")
    assert contents(third) == contents(world)
    assert histories(third) == histories(world)
    assert third.run(third.vault.check("data")).ok


def test_chunks_that_were_sealed_again_are_in_it_under_their_present_names() -> None:
    world = opened(refs_per_manifest=3)
    data = bytes(range(256)) * 400
    world.put(data, "text")
    world.put_folder({"a/text": data, "b": b"b"}, "folder")
    archive_before = export(world)
    renamed = 0
    original = Reencoder._one

    async def one(self: Reencoder, number: int, may_go_on: Callable[[], bool]) -> None:
        nonlocal renamed
        before = self._store.index.entries[number]
        await original(self, number, may_go_on)
        renamed += self._store.index.entries[number][:32] != before[:32]

    world.tasks.now += 10_000
    Reencoder._one = one  # type: ignore[method-assign]
    try:
        world.run(Reencoder(world.vault._store, age_min_s=0).run(lambda: True))
    finally:
        Reencoder._one = original  # type: ignore[method-assign]
    assert renamed
    assert world.run(world.vault.check("data")).ok
    other = opened(seed=5)
    assert restore(other, export(world)).skipped == []
    assert contents(other) == contents(world)
    assert restore(other, archive_before).files == 0
    assert restore(world, export(world)).files == 0
    assert restore(world, archive_before).files == 0


def test_an_older_archive_does_not_roll_back_and_a_newer_one_goes_on() -> None:
    world, other = opened(), opened(seed=8)
    root = world.put(b"1", "f").root
    archives = [export(world)]
    for n in (2, 3, 4):
        root = world.put(b"%d" % n, "f", replaces=root).root
        archives.append(export(world))
    assert restore(other, archives[1]).files == 1
    assert [data for _, _, data in histories(other)["f"]] == [b"2", b"1"]
    assert restore(other, archives[0]).files == 0
    assert restore(other, archives[3]).files == 1
    assert [data for _, _, data in histories(other)["f"]] == [b"4", b"3", b"2", b"1"]
    for old in archives:
        result = restore(other, old)
        assert (result.files, result.known, result.skipped) == (0, 1, [])
    assert len(other.vault.roots()) == 1
    other.reboot()
    assert other.vault.health() == []
    assert [data for _, _, data in histories(other)["f"]] == [b"4", b"3", b"2", b"1"]


def test_at_home_an_older_archive_changes_nothing_and_gives_back_what_was_lost() -> None:
    world = opened()
    root = world.put(noise(20_000), "f").root
    new = world.put(noise(20_000, 1), "f", replaces=root).root
    data = export(world)
    world.put(b"3", "f", replaces=new)
    before = histories(world)
    assert restore(world, data).known == 1
    assert histories(world) == before
    file = world.disk.files["seg-0000"]
    for number in list(ops.numbers_of(world.vault._index.roots[root].runs)):
        place = ops.place_of(world.vault._index.entries[number])
        file.now[place.offset + 90] ^= 1
    assert root in world.run(world.vault.check("data")).damaged_roots
    result = restore(world, data)
    assert (result.known, result.skipped) == (1, [])
    assert histories(world) == before
    assert world.run(world.vault.check("data")).ok


def test_a_disk_that_went_back_in_time_gets_its_versions_from_the_archive_under_the_same_heads() -> None:
    world = opened()
    root = world.put(b"1", "f").root
    second = world.put(b"2", "f", replaces=root).root
    world.close()
    image = {name: bytes(file.now) for name, file in world.disk.files.items()}
    world.boot()
    world.open()
    world.put(b"3", "f", replaces=second)
    lines, data = dict(world.vault._index.lines), export(world)
    for name, content in image.items():
        world.disk.files[name].now[:] = content
        world.disk.files[name].durable = content
    world.boot()
    world.open()
    assert len(histories(world)["f"]) == 2
    assert restore(world, data).files == 1
    assert world.vault._index.lines == lines
    # One that went on by itself meanwhile is a fork.
    for name, content in image.items():
        world.disk.files[name].now[:] = content
        world.disk.files[name].durable = content
    world.boot()
    world.open()
    world.put(b"3 again", "f", replaces=second)
    assert restore(world, data).skipped == [("f", "ForkDetected")]
    assert sorted(world.get(info.root) for info in world.vault.roots()) == [b"3", b"3 again"]


def test_what_went_another_way_is_kept_beside_it() -> None:
    world, other = opened(), opened(seed=8)
    root = world.put(b"1", "f").root
    restore(other, export(world))
    world.put(b"2 here", "f", replaces=root)
    (mine,) = other.vault.roots()
    other.put(b"2 there", "f", replaces=mine.root)
    data = export(world)
    result = restore(other, data)
    assert (result.files, result.skipped) == (1, [("f", "ForkDetected")])
    assert sorted(other.get(info.root) for info in other.vault.roots()) == [b"2 here", b"2 there"]
    again = restore(other, data)
    assert (again.files, again.known, again.skipped) == (0, 1, [])


def test_another_passphrase_and_what_is_no_archive() -> None:
    world = full_world()
    data = export(world)
    other = opened(seed=2)
    for spoilt, passphrase, error in (
        (data, "wrong", AuthFailed),
        (data, "", BadArgument),
        (b"", "x", Truncated),
        (data[:47], "x", Truncated),
        (b"X" + data[1:], "x", BadMagic),
        (data[:8] + b"\2" + data[9:], "x", UnsupportedVersion),
        (data[:12] + b"\1" + data[13:], "x", MalformedHeader),
        (data[:16] + b"\xff\xff\xff\xff" + data[20:], "x", LimitExceeded),
        (data[:48], "correct horse", Truncated),
        (data[:100], "correct horse", Truncated),
    ):
        with pytest.raises(error):
            restore(other, spoilt, passphrase)
        assert other.vault.roots() == []
        assert other.vault.stats()["blocks"] == 0
        other.check_tidy()
    with pytest.raises(BadArgument):
        export(world, "")


def test_a_cut_archive_gives_the_whole_files_before_the_cut() -> None:
    world = opened()
    for n in range(4):
        world.put(noise(9_000, n), f"{n}")
    data = export(world)
    seen: set[int] = set()
    for cut in range(300, len(data), 3_999):
        other = opened(seed=cut)
        result = restore(other, data[:cut])
        assert [code for _, code in result.skipped] == ["Truncated"]
        assert contents(other) == {f"{n}": (noise(9_000, n), False) for n in range(result.files)}
        seen.add(result.files)
        assert other.run(other.vault.check("data")).ok
        # The rest comes with the whole one, without what is here already.
        assert restore(other, data).files == 4 - result.files
        assert contents(other) == contents(world)
    assert {0, 1, 2, 3} <= seen


def test_any_changed_byte_costs_at_most_what_it_is_in() -> None:
    world = opened()
    for n in range(3):
        world.put(noise(7_000, n), f"{n}")
    data = export(world)
    wanted = contents(world)
    for at in range(0, len(data), 331):
        other = opened(seed=at)
        spoilt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            result = restore(other, spoilt)
        except InosError:
            assert other.vault.roots() == []
            continue
        assert result.skipped
        assert result.files < 3 or result.skipped == [("", "ContentMismatch")] or at > len(data) - 400
        for name, kept in contents(other).items():
            assert kept == wanted[name]
        assert other.run(other.vault.check("data")).ok


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    at, found = archive.HEAD_BYTES, []
    while at < len(data):
        frame = archive.parse_frame(data[at : at + archive.FRAME_BYTES])
        end = at + archive.FRAME_BYTES + frame.length
        found.append((frame.kind, data[at:end]))
        at = end
    return found


def test_frames_that_are_left_out_doubled_or_moved_are_noticed() -> None:
    world = opened()
    for n in range(3):
        world.put(noise(7_000, n), f"{n}")
    data = export(world)
    frames = frames_of(data)
    assert [kind for kind, _ in frames].count(archive.ITEM) == 3
    head = data[: archive.HEAD_BYTES]
    for at in range(1, len(frames) - 1):
        for changed in (
            [*frames[:at], *frames[at + 1 :]],
            [*frames[: at + 1], *frames[at:]],
            [*frames[:at], frames[at + 1], frames[at], *frames[at + 2 :]],
        ):
            other = opened(seed=at)
            result = restore(other, head + b"".join(frame for _, frame in changed))
            assert result.skipped
            assert other.run(other.vault.check("data")).ok
    for changed in ([frames[0], *frames], [*frames, frames[1]], [*frames, frames[-1]]):
        other = opened(seed=1)
        result = restore(other, head + b"".join(frame for _, frame in changed))
        assert [code for _, code in result.skipped] == ["MalformedHeader"]
    with pytest.raises(MalformedHeader):
        restore(opened(seed=1), head + b"".join(frame for _, frame in frames[1:]))


def test_what_is_damaged_here_is_left_out_and_named() -> None:
    world = opened()
    world.put(noise(20_000, 1), "good")
    bad = world.put(noise(20_000, 2), "bad").root
    first = world.put(noise(20_000, 3), "old is bad").root
    world.put(b"new", "old is bad", replaces=first)
    file = world.disk.files["seg-0000"]
    for root in (bad, first):
        number = next(iter(ops.numbers_of(world.vault._index.roots[root].runs)))
        place = ops.place_of(world.vault._index.entries[number])
        file.now[place.offset + 100] ^= 1
    sink = world.streams.add_sink()
    result = world.run(world.vault.export_archive(sink, "p"))
    assert [name for name, _ in result.skipped] == ["bad"]
    other = opened(seed=3)
    assert restore(other, world.streams.taken(sink), "p").skipped == []
    assert contents(other) == {"good": (noise(20_000, 1), False), "old is bad": (b"new", False)}
    world.check_tidy()


def test_a_sink_that_fails_and_a_put_off_export() -> None:
    world = full_world()
    writes = 0

    def hook(effect: Any) -> None:
        nonlocal writes
        if isinstance(effect, SinkWrite):
            writes += 1
            raise StorageFull("injected")

    world.hook = hook
    sink = world.streams.add_sink()
    with pytest.raises(StorageFull):
        world.run(world.vault.export_archive(sink, "p"))
    assert writes == 1
    assert world.streams.complete[sink] is False
    world.hook = lambda _: None
    world.check_tidy()
    for steps in range(0, 60, 3):
        task = world.start(world.vault.export_archive(world.streams.add_sink(), "p"))
        for _ in range(steps):
            world.step()
        world.tasks.cancel(task)
        world.drain()
        with pytest.raises(Cancelled):
            task.result()
        world.check_tidy()


def test_an_import_that_is_cancelled_anywhere_leaves_whole_files() -> None:
    world = opened()
    for n in range(3):
        world.put(noise(7_000, n), f"{n}")
    world.put(b"again", "0 again", replaces=world.vault.roots()[0].root)
    data = export(world)
    wanted = contents(world)
    steps = 0
    while True:
        other = opened(seed=4)
        source = other.streams.add_bytes(data)
        task = other.start(other.vault.import_archive(Source(source, len(data)), "correct horse"))
        for _ in range(steps):
            other.step()
        if task.done:
            break
        other.tasks.cancel(task)
        other.drain()
        with pytest.raises(Cancelled):
            task.result()
        other.check_tidy()
        for name, kept in contents(other).items():
            assert name == "0" or kept == wanted[name]  # the older version of what is called otherwise now
        assert other.run(other.vault.check("data")).ok
        steps += 2
    assert steps > 20


def test_the_vaults_own_secret_is_not_in_an_archive() -> None:
    """What opens an archive opens nothing else: another key, and no block of the vault beyond its items'."""
    world = opened()
    world.put(b"tiny", "f")
    data = export(world)
    slot = world.kernels.slots[world.vault._store.keys]
    assert not any(key in data for key in (slot.id, slot.cdc, *slot.enc, world.vault._store.head_seed))
    assert export(world) != data


def test_numbers_of_items_are_checked() -> None:
    good = archive.Version(bytes(32), bytes(32), bytes(32), 5, True, (bytes(32), bytes(32)))  # noqa: FBT003
    item = archive.Item(b"", (good,), ())
    assert archive.unpack_item(item.pack()) == item
    from inos.wire import cbor

    row = [bytes(32), bytes(32), bytes(32), 5, True, bytes(32), bytes(32)]
    for bad in (
        [b"", [], []],
        [b"x", [row], []],
        [bytes(32), [row], []],
        [b"", [row], [b"head"]],
        [b"", [row[:6]], []],
        [b"", [[*row[:3], -1, *row[4:]]], []],
        [b"", [[*row[:4], 1, *row[5:]]], []],
        [b"", [[b"short", *row[1:]]], []],
        [b"", [row]],
        {},
    ):
        with pytest.raises(CorruptError):
            archive.unpack_item(cbor.encode(bad))
    info = archive.Info(1, 2, 3, "about")
    assert archive.unpack_info(info.pack()) == info
    for bad in ([-1, 2, 3, ""], [1, 2, 3, "x" * 2_000], [1, 2, 3]):
        with pytest.raises(CorruptError):
            archive.unpack_info(cbor.encode(bad))
    with pytest.raises(LimitExceeded):
        archive.unpack_info(cbor.encode([1, 1 << 40, 3, ""]))
