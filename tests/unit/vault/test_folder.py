"""Folders: what was put is listed, got by path, saved as a .zip, and costs about its own size."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from vault_world import World, noise, opened

from inos.errors import (
    BadArgument,
    BadName,
    Cancelled,
    ContentMismatch,
    InosError,
    LimitExceeded,
    NotFound,
    StorageLost,
)
from inos.limits import DIR_PART_BYTES, FOLDER_DEPTH_MAX, INLINE_BYTES_MAX
from inos.ports import Seal, SourceRead
from inos.vault import hand_out
from inos.vault.folder import Item
from inos.vault.put import Progress
from inos.vault.vault import Source

FILES: dict[str, bytes | None] = {
    "readme": b"hello",
    "empty": b"",
    "a/one": noise(900),
    "a/two": noise(INLINE_BYTES_MAX, 2),
    "a/large": noise(INLINE_BYTES_MAX + 1, 3),
    "a/b/c/deep": noise(40_000, 4),
    "a/b/c/deeper": noise(40_000, 4),
    "a-b/x": b"sorts between a and its contents, if paths were compared as texts",
    "hollow": None,
    "\u00e9t\u00e9/\u65e5\u672c": b"names are UTF-8",
}


def unzipped(data: bytes) -> dict[str, bytes | None]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: None if info.is_dir() else archive.read(info) for info in archive.infolist()}


def listed(world: World, root: bytes, path: str = "") -> dict[str, tuple[int, int]]:
    entries = world.run(world.vault.use(lambda library: library.entries(root, path)))
    return {entry.name: (entry.kind, entry.size) for entry in entries}


def contents(world: World, root: bytes) -> dict[str, bytes | None]:
    """A folder as it was put, by way of its .zip."""
    found = unzipped(world.get(root))
    name = world.vault.info(root).name
    assert found.pop(name + "/") is None
    folders = [path for path, data in found.items() if data is None]
    hollow = [path for path in folders if not any(other != path and other.startswith(path) for other in found)]
    files = {path: data for path, data in found.items() if data is not None}
    return {
        path.removeprefix(name + "/").rstrip("/"): data for path, data in {**files, **dict.fromkeys(hollow)}.items()
    }


def test_what_was_put_is_listed_got_and_saved() -> None:
    world = opened(refs_per_manifest=4)
    result = world.put_folder(FILES, "all of it")
    assert (result.files, result.size) == (9, sum(len(data or b"") for data in FILES.values()))
    for again in (False, True):
        if again:
            world.reboot()
        (info,) = world.vault.roots()
        assert (info.root, info.name, info.size, info.is_folder) == (result.root, "all of it", result.size, True)
        assert listed(world, result.root) == {
            "a": (2, 900 + 2 * INLINE_BYTES_MAX + 1 + 80_000), "a-b": (2, 65), "empty": (1, 0), "hollow": (2, 0),
            "readme": (1, 5), "\u00e9t\u00e9": (2, 15),
        }  # fmt: skip
        assert list(listed(world, result.root, "a/b")) == ["c"]
        assert listed(world, result.root, "hollow") == {}
        for path, data in FILES.items():
            if data is not None:
                assert world.get(result.root, path=path) == data
        assert world.get(result.root, path="a/b/c/deep", offset=39_000, length=500) == noise(40_000, 4)[39_000:39_500]
        assert contents(world, result.root) == FILES
        assert unzipped(world.get(result.root, path="a/b"))["b/c/deep"] == FILES["a/b/c/deep"]
        assert world.run(world.vault.check("data")).ok
    world.check_tidy()
    world.run(world.vault.remove(result.root))
    assert world.vault.stats()["blocks"] == 0
    world.check_tidy()


def test_what_is_not_there_is_not_found() -> None:
    world = opened()
    root = world.put_folder(FILES).root
    file = world.put(b"a file").root
    for path in (
        "nothing",
        "a/nothing",
        "readme/x",
        "a/b/c/deep/x",
        "a//b",
        "/a",
        "a/",
        "x" * 1000,
        "/".join("a" * 40),
    ):
        with pytest.raises(NotFound):
            world.get(root, path=path)
        with pytest.raises(NotFound):
            listed(world, root, path)
    for path in ("readme", "a/large"):
        with pytest.raises(NotFound):
            listed(world, root, path)
    with pytest.raises(NotFound):
        listed(world, file)
    with pytest.raises(NotFound):
        world.get(file, path="x")
    with pytest.raises(BadArgument):
        world.get(root, offset=1)
    world.check_tidy()


def test_the_same_folder_again_is_the_same_root() -> None:
    world = opened()
    first = world.put_folder(FILES)
    blocks = world.vault.stats()["blocks"]
    assert world.put_folder(FILES).root == first.root
    assert world.vault.stats()["blocks"] == blocks
    assert len(world.vault.roots()) == 1
    other = world.put_folder({**FILES, "more": b"1"})
    assert other.root != first.root
    # Only the manifest of the folder itself is new: everything below it is as it was.
    assert world.vault.stats()["blocks"] == blocks + 1
    world.check_tidy()


@pytest.mark.parametrize("count", [1, 1_800])
def test_many_small_files_cost_few_effects_and_about_their_size(count: int) -> None:
    world = opened()
    files: dict[str, bytes | None] = {f"{n % 3}/{n:05}.bin": noise(1024, n) for n in range(count)}
    reads: list[int] = []
    seals = 0

    def hook(effect: Any) -> None:
        nonlocal seals
        if isinstance(effect, SourceRead):
            reads.append(effect.dst.length)
        seals += isinstance(effect, Seal)

    world.hook = hook
    result = world.put_folder(files)
    assert len(reads) <= 2 + count * 1024 // (1 << 20)
    assert sum(reads) == count * 1024
    assert seals <= 8 + 2 * count * 1100 // DIR_PART_BYTES
    assert result.stored <= 1.25 * result.size + 2_000
    if count > 1:
        manifest = world.run(world.vault.manifest_of(world.run(world.vault.share(result.root))))
        assert len(manifest.entries) == 3
        for n in (0, 1, 2, 900, 1_798, 1_799):
            assert world.get(result.root, path=f"{n % 3}/{n:05}.bin") == files[f"{n % 3}/{n:05}.bin"]
        assert len(listed(world, result.root, "1")) == 600
        with pytest.raises(NotFound):
            world.get(result.root, path="1/zzz")
        with pytest.raises(NotFound):
            world.get(result.root, path="1/!")
    assert contents(world, result.root) == files
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_thousands_of_empty_files_in_a_split_folder() -> None:
    world = opened()
    files: dict[str, bytes | None] = {f"{n:05}" + "x" * 200: b"" for n in range(3_000)}
    root = world.put_folder(files).root
    assert world.run(world.vault.manifest_of(world.run(world.vault.share(root)))).level == 1
    assert len(listed(world, root)) == 3_000
    assert world.get(root, path="02999" + "x" * 200) == b""
    world.reboot()
    assert world.run(world.vault.check("data")).ok


def test_memory_stays_flat_however_many_small_files_there_are() -> None:
    world = opened()
    put: list[int] = []

    def hook(effect: Any) -> None:
        if isinstance(effect, Seal):
            put.append(effect.src.length)

    world.hook = hook
    files: dict[str, bytes | None] = {f"{n:05}": noise(INLINE_BYTES_MAX, n) for n in range(400)}
    world.put_folder(files)
    # No manifest is much longer than a part, and they were sealed one after the other, not all at the end.
    assert max(put) <= DIR_PART_BYTES + INLINE_BYTES_MAX + 1024
    assert len(put) >= 12
    world.check_tidy()


@pytest.mark.parametrize(
    ("paths", "error"),
    [
        (["a", "a"], BadArgument),
        (["a", "a/b"], BadArgument),
        (["a/b/c", "a/b"], BadArgument),
        (["a/../b"], BadName),
        (["a//b"], BadName),
        ([""], BadName),
        (["/a"], BadName),
        (["a/\x00"], BadName),
        (["/".join("d" * (FOLDER_DEPTH_MAX + 1))], LimitExceeded),
    ],
)
def test_paths_that_are_refused(paths: list[str], error: type[InosError]) -> None:
    world = opened()
    with pytest.raises(error):
        world.run(world.vault.put_folder([Item(path, None) for path in paths], name="x"))
    assert world.vault.roots() == []
    world.check_tidy()


def test_the_deepest_folder_that_may_be() -> None:
    world = opened()
    path = "/".join("d" * FOLDER_DEPTH_MAX)
    root = world.put_folder({path: b"deep"}).root
    assert world.get(root, path=path) == b"deep"
    assert contents(world, root) == {path: b"deep"}
    with pytest.raises(BadName):
        world.put_folder({}, "a/b")


def test_a_source_that_is_not_what_it_was() -> None:
    world = opened()
    files: dict[str, bytes | None] = {f"{n}": noise(2_000, n) for n in range(20)} | {"large": noise(50_000)}
    data = b"".join(data or b"" for data in files.values())
    for cut in (100, len(data) - 1):
        source = world.streams.add_bytes(data[:cut])
        items, offset = [], 0
        for path in sorted(files):
            length = len(files[path] or b"")
            items.append(Item(path, Source(source, length, offset)))
            offset += length
        with pytest.raises(StorageLost):
            world.run(world.vault.put_folder(items, name="x"))
        world.check_tidy()
    assert world.vault.roots() == []
    assert world.vault.stats()["blocks"] == 0


def test_a_put_that_is_cancelled_anywhere_leaves_nothing_or_everything() -> None:
    steps = 0
    while True:
        world = opened()
        files = {f"{n}/x": noise(20_000 if n % 2 else 300, n) for n in range(4)}
        source = world.streams.add_bytes(b"".join(files.values()))
        items, offset = [], 0
        for path, data in files.items():
            items.append(Item(path, Source(source, len(data), offset)))
            offset += len(data)
        task = world.start(world.vault.put_folder(items, name="x"))
        for _ in range(steps):
            world.step()
        if task.done:
            break
        world.tasks.cancel(task)
        world.drain()
        with pytest.raises(Cancelled):
            task.result()
        world.check_tidy()
        stats = world.vault.stats()
        assert stats["blocks"] == 0 or stats["roots"] == 1
        steps += 1
    assert steps > 10


def test_progress_reaches_the_end() -> None:
    world = opened()
    seen: list[Progress] = []
    result = world.put_folder(FILES, progress=seen.append)
    assert seen[-1].written == seen[-1].total == result.size
    seen.clear()
    world.get(result.root, progress=seen.append)
    assert seen[-1].total == result.size


def test_a_folder_of_which_a_block_rots_is_never_handed_out_as_whole() -> None:
    world = opened()
    root = world.put_folder(FILES).root
    for entry in list(world.vault._index.entries.values()):
        from inos.vault import ops

        place = ops.place_of(entry)
        at = place.offset + place.block_len // 2
        world.disk.files["seg-0000"].now[at] ^= 1
        sink = world.streams.add_sink()
        with pytest.raises(InosError):
            world.run(world.vault.get(root, sink))
        assert world.streams.complete[sink] is False
        assert not world.run(world.vault.check("data")).ok
        world.disk.files["seg-0000"].now[at] ^= 1
        world.close()
        world.boot()
        world.open()
        assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_times_in_a_zip() -> None:
    assert hand_out.zip_time(None) == (1980, 1, 1, 0, 0, 0)
    assert hand_out.zip_time(-1) == (1980, 1, 1, 0, 0, 0)
    assert hand_out.zip_time(8_640_000_000_000_000) == (2107, 12, 31, 23, 59, 58)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    for days in range(3_652, 50_000, 7):
        when = epoch + dt.timedelta(days=days, seconds=days % 86_400)
        ms = round((when - epoch).total_seconds() * 1000) + 999
        assert hand_out.zip_time(ms) == (when.year, when.month, when.day, when.hour, when.minute, when.second)


def test_a_file_that_says_it_is_a_folder_is_none() -> None:
    world = opened()
    root = world.put(b"x", "x", media_type="inode/directory").root
    assert not world.vault.info(root).is_folder
    assert world.get(root) == b"x"


def test_a_whole_inline_file_is_still_checked_against_its_hash() -> None:
    world = opened()
    root = world.put(b"right", "file").root
    original = world.kernels.hashes.hash
    world.kernels.hashes.hash = lambda data: original(data + b"!")  # type: ignore[method-assign]
    with pytest.raises(ContentMismatch):
        world.get(root)
