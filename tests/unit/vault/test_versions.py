"""Versions: one step after the other, durable, signed; nothing that was there is lost until it is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from vault_world import World, noise, opened

from inos.errors import BadArgument, BadName, Cancelled, ForkDetected, LimitExceeded, NotFound, RollbackDetected
from inos.ports import FileFlush, SignHead
from inos.vault import checkpoint, heads, ops
from inos.vault.index import Index


def rows(world: World, root: bytes) -> list[tuple[int, bytes, bool]]:
    return [(version.seq, version.root, version.current) for version in world.vault.versions(root)]


def rename(world: World, root: bytes, name: str, path: str = "") -> bytes:
    new = world.run(world.vault.use(lambda library: library.rename(root, name, path)))
    assert isinstance(new, bytes)
    return new


def restore(world: World, root: bytes) -> None:
    world.run(world.vault.use(lambda library: library.restore(root)))


def forget(world: World, root: bytes) -> None:
    world.run(world.vault.forget(root))


def listed(world: World) -> list[bytes]:
    return [info.root for info in world.vault.roots()]


def test_a_file_and_its_versions_through_its_life() -> None:
    world = opened(wall_offset_s=500.0)
    first = world.put(noise(30_000), "draft").root
    assert rows(world, first) == [(1, first, True)]
    second = world.put(noise(31_000, 1), "draft", replaces=first).root
    third = world.put(b"tiny now", "draft", replaces=second).root
    assert listed(world) == [third]
    for again in (False, True):
        if again:
            world.reboot()
        assert listed(world) == [third]
        for root in (first, second, third):
            assert rows(world, root) == [(3, third, True), (2, second, False), (1, first, False)]
        assert world.get(first) == noise(30_000)
        assert world.get(second) == noise(31_000, 1)
        assert world.run(world.vault.check("data")).ok
    restore(world, first)
    assert listed(world) == [first]
    assert rows(world, third)[0] == (4, first, True)
    restore(world, first)
    assert len(rows(world, first)) == 4
    with pytest.raises(BadArgument):
        forget(world, first)
    forget(world, second)
    with pytest.raises(NotFound):
        world.get(second)
    world.reboot()
    assert rows(world, first) == [(4, first, True), (3, third, False), (1, first, False)]
    assert world.vault.health() == []
    world.run(world.vault.remove(third))
    assert listed(world) == []
    assert world.vault.stats()["blocks"] == 0
    world.reboot()
    assert world.vault.stats()["roots"] == 0
    assert not world.vault._index.lines
    assert not world.vault._index.line_of
    world.check_tidy()


def test_putting_what_an_older_version_was_makes_it_current() -> None:
    world = opened()
    first = world.put(noise(9_000), "f").root
    second = world.put(noise(9_000, 1), "f", replaces=first).root
    assert world.put(noise(9_000, 1), "f", replaces=second).root == second
    assert len(rows(world, second)) == 2
    assert world.put(noise(9_000), "f", replaces=second).root == first
    assert rows(world, second) == [(3, first, True), (2, second, False), (1, first, False)]
    world.reboot()
    assert listed(world) == [first]
    world.check_tidy()


def test_a_root_belongs_to_one_line() -> None:
    world = opened()
    one = world.put(b"one", "f").root
    two = world.put(b"two", "f", replaces=one).root
    # What is an older version there is a file of its own here, under another name.
    apart = world.put(b"one", "f").root
    assert apart not in (one, two)
    assert sorted(listed(world)) == sorted([two, apart])
    assert world.put(b"one", "f").root == apart
    # The next version of another file may not be it either.
    other = world.put(b"other", "g").root
    third = world.put(b"two", "f", replaces=other).root
    assert third != two
    assert sorted(listed(world)) == sorted([two, apart, third])
    world.run(world.vault.remove(two))
    assert world.get(apart) == b"one"
    assert world.get(third) == b"two"
    world.reboot()
    assert sorted(listed(world)) == sorted([apart, third])
    assert rows(world, third) == [(2, third, True), (1, other, False)]
    # Forgotten in one line, it is still not free for another.
    forget(world, other)
    back = world.put(b"other", "g").root
    assert back != other
    assert world.put(b"other", "g", replaces=third).root != back
    world.check_tidy()


def test_a_file_is_renamed_without_a_new_chunk() -> None:
    world = opened()
    root = world.put(noise(60_000), "old", media_type="text/plain").root
    blocks = world.vault.stats()["blocks"]
    new = rename(world, root, "new")
    assert world.vault.stats()["blocks"] == blocks + 1
    world.reboot()
    (info,) = world.vault.roots()
    assert (info.root, info.name, info.media_type, info.size) == (new, "new", "text/plain", 60_000)
    assert world.get(new) == noise(60_000)
    assert rename(world, new, "new") == new
    with pytest.raises(BadName):
        rename(world, new, "a/b")
    with pytest.raises(NotFound):
        rename(world, bytes(32), "x")
    forget(world, root)
    assert world.vault.stats()["blocks"] == blocks
    assert world.get(new) == noise(60_000)
    assert rename(world, new, "old") == root
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


FILES: dict[str, bytes | None] = {
    "a/x": b"x", "a/y": noise(20_000), "b/x": b"x", "b/y": noise(20_000), "big": noise(50_000, 1), "z": b"z",
}  # fmt: skip


def paths(world: World, root: bytes) -> list[str]:
    async def walk(library: Any) -> list[str]:
        return [path async for path, entry in library.walk(root) if entry.kind == 1]

    return world.run(world.vault.use(walk))


def test_entries_of_a_folder_are_renamed_and_removed() -> None:
    world = opened()
    root = world.put_folder(FILES).root
    second = rename(world, root, "first of all", "a/y")
    assert paths(world, second) == ["a/first of all", "a/x", "b/x", "b/y", "big", "z"]
    assert paths(world, root) == ["a/x", "a/y", "b/x", "b/y", "big", "z"]
    third = rename(world, second, "c", "a")
    assert paths(world, third) == ["b/x", "b/y", "big", "c/first of all", "c/x", "z"]
    with pytest.raises(BadArgument):
        rename(world, third, "z", "big")
    with pytest.raises(NotFound):
        rename(world, third, "q", "b/nothing")
    with pytest.raises(NotFound):
        rename(world, third, "q", "big/x")
    fourth = world.run(world.vault.use(lambda library: library.remove_entry(third, "big")))
    fifth = world.run(world.vault.use(lambda library: library.remove_entry(fourth, "c/first of all")))
    assert paths(world, fifth) == ["b/x", "b/y", "c/x", "z"]
    assert world.vault.info(fifth).size == 20_003
    assert world.get(fifth, path="b/y") == noise(20_000)  # the same contents as what was removed
    world.reboot()
    assert listed(world) == [fifth]
    for old in (root, second, third, fourth):
        forget(world, old)
    assert world.run(world.vault.check("data")).ok
    assert world.get(fifth, path="b/y") == noise(20_000)
    with pytest.raises(NotFound):
        world.get(root, path="z")
    fresh = opened(seed=9)
    fresh.put_folder({path: data for path, data in FILES.items() if path in ("b/x", "b/y", "z")} | {"c/x": b"x"})
    assert world.vault.stats()["blocks"] == fresh.vault.stats()["blocks"]
    world.check_tidy()


def test_entries_of_a_split_folder() -> None:
    world = opened()
    files: dict[str, bytes | None] = {f"{n:04}": noise(9_000, n) for n in range(160)}
    root = world.put_folder(files).root
    new = rename(world, root, "9999", "0000")
    new = rename(world, new, "0080b", "0159")
    for n in range(50, 130, 25):
        new = world.run(world.vault.use(lambda library, n=n, new=new: library.remove_entry(new, f"{n:04}")))
    gone = {"0000", "0159", "0050", "0075", "0100", "0125"}
    assert paths(world, new) == sorted({*files, "9999", "0080b"} - gone)
    assert world.get(new, path="9999") == files["0000"]
    assert world.get(new, path="0080b") == files["0159"]
    assert world.get(new, path="0101") == files["0101"]
    world.reboot()
    assert world.run(world.vault.check("data")).ok
    world.check_tidy()


def test_a_folder_is_emptied_entry_by_entry() -> None:
    world = opened()
    root = world.put_folder({"a": b"1", "b": b"2"}).root
    for path in ("a", "b"):
        root = world.run(world.vault.use(lambda library, path=path, root=root: library.remove_entry(root, path)))
    assert paths(world, root) == []
    assert world.vault.info(root).size == 0
    again = world.put_folder({"a": b"1", "b": b"2"}, replaces=root).root
    assert paths(world, again) == ["a", "b"]
    assert len(rows(world, again)) == 4
    world.check_tidy()


def test_steps_of_one_line_at_the_same_time_come_one_after_the_other() -> None:
    world = opened()
    root = world.put(b"0", "f").root
    tasks = []
    for n in range(1, 6):
        data = b"%d" % n
        source = world.streams.add_bytes(data)
        from inos.vault.vault import Source

        tasks.append(world.start(world.vault.put(Source(source, len(data)), name="f", replaces=root)))
    tasks.append(world.start(world.vault.use(lambda library: library.rename(root, "g"))))
    for task in tasks:
        world.run_until(task)
    assert [version.seq for version in world.vault.versions(root)] == [7, 6, 5, 4, 3, 2, 1]
    assert len(listed(world)) == 1
    world.reboot()
    assert world.vault.health() == []
    assert len(rows(world, root)) == 7
    world.check_tidy()


def test_replacing_what_is_removed_meanwhile_fails_and_leaves_nothing() -> None:
    world = opened()
    root = world.put(b"0", "f").root
    source = world.streams.add_bytes(b"1")
    from inos.vault.vault import Source

    remove = world.start(world.vault.remove(root))
    put = world.start(world.vault.put(Source(source, 1), name="f", replaces=root))
    world.run_until(remove)
    world.run_until(put)
    with pytest.raises(NotFound):
        put.result()
    with pytest.raises(NotFound):
        world.put(b"2", "f", replaces=root)
    with pytest.raises(NotFound):
        world.vault.versions(root)
    assert world.vault.stats()["blocks"] == 0
    world.check_tidy()


def test_a_replacement_is_there_with_its_head_or_not_at_all() -> None:
    """Power is lost before every flush, and a put is cancelled at every step."""
    for at in range(40):
        world = opened()
        root = world.put(noise(7_000), "f").root
        flushes = 0

        def hook(effect: Any, world: World = world, at: int = at) -> None:
            nonlocal flushes
            if isinstance(effect, FileFlush):
                flushes += 1
                if flushes > at:
                    raise KeyboardInterrupt

        world.hook = hook
        try:
            new = world.put(noise(7_000, 1), "f", replaces=root).root
        except KeyboardInterrupt:
            new = None
        world.reboot()
        if new is not None:
            assert listed(world) == [new]
            break
        assert len(listed(world)) == 1
        assert len(rows(world, listed(world)[0])) == (1 if listed(world) == [root] else 2)
        assert world.get(root) == noise(7_000)
    else:
        pytest.fail("the put never came to its end")
    steps = 0
    while True:
        world = opened()
        root = world.put(noise(7_000), "f").root
        from inos.vault.vault import Source

        source = world.streams.add_bytes(noise(7_000, 1))
        task = world.start(world.vault.put(Source(source, 7_000), name="f", replaces=root))
        for _ in range(steps):
            world.step()
        if task.done:
            break
        world.tasks.cancel(task)
        world.drain()
        with pytest.raises(Cancelled):
            task.result()
        assert len(listed(world)) == 1
        # Whoever comes next is not held up, and does not fork the line.
        world.put(b"next", "f", replaces=listed(world)[0])
        world.reboot()
        assert world.vault.health() == []
        assert len(listed(world)) == 1
        world.check_tidy()
        steps += 1
    assert steps > 5


def test_a_head_that_is_missing_from_the_log_is_reported() -> None:
    world = opened()
    root = world.put(b"0", "f").root
    world.put(b"1", "f", replaces=root)
    world.put(b"2", "f", replaces=root)
    (line,) = world.vault._index.lines.values()
    assert world.run(world.vault.check("data")).ok
    del line[1]
    assert world.vault._lines.damage() == ["the histories of 1 files have gaps"]


def test_a_forged_head_is_found_by_check() -> None:
    world = opened()
    root = world.put(b"0", "f").root
    new = world.put(b"1", "f", replaces=root).root
    (line,) = world.vault._index.lines.values()
    line[0] = heads.SignedHead(line[0].head, line[0].data, bytes(64))
    assert world.run(world.vault.check("hash")).ok
    report = world.run(world.vault.check("data"))
    assert [(bad.bid, bad.code) for bad in report.bad] == [(new, "HeadMalformed")]


def test_a_checkpoint_keeps_lines() -> None:
    world = opened()
    root = world.put(noise(9_000), "f").root
    for n in range(1, 5):
        root = world.put(noise(9_000, n), "f", replaces=root).root
    older = world.vault.versions(root)
    forget(world, older[2].root)
    restore(world, older[3].root)
    index, fresh = world.vault._index, Index()
    fresh.apply(1, ops.decode_body(ops.encode_body(1, 0, list(checkpoint.operations_of(index)))).operations)
    assert fresh.lines == index.lines
    assert fresh.line_of == index.line_of
    assert fresh.roots == index.roots
    assert [bid for bid in fresh.roots if fresh.is_current(bid)] == listed(world)


def test_a_line_takes_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    world = opened()
    monkeypatch.setattr("inos.vault.versions.VERSIONS_MAX", 3)
    root = world.put(b"0", "f").root
    for n in range(2):
        world.put(b"%d" % (n + 1), "f", replaces=root)
    with pytest.raises(LimitExceeded):
        world.put(b"too many", "f", replaces=root)
    assert len(rows(world, root)) == 3
    world.check_tidy()


def test_the_vaults_key_is_the_same_at_every_open_and_another_vaults_is_not() -> None:
    seeds: list[bytes] = []

    def hook(effect: Any) -> None:
        if isinstance(effect, SignHead):
            seeds.append(effect.seed)
            assert effect.seed.hex() not in repr(effect)

    for seed in (1, 1, 2):
        world = opened(seed=seed)
        world.hook = hook
        root = world.put(b"0", "f").root
        world.put(b"1", "f", replaces=root)
        world.reboot()
        world.hook = hook
        world.put(b"2", "f", replaces=root)
    assert len(set(seeds)) == 2


def line_of_heads(count: int, *, root: int = 0) -> list[heads.SignedHead]:
    world = opened()
    line: list[heads.SignedHead] = []
    for n in range(count):
        head = heads.following(line, b"p" * 32, b"l" * 32, bytes([root + n]) * 32, n, world.kernels.hashes.hash)
        line.append(heads.SignedHead(head, heads.encode(head), bytes(64)))
    return line


def test_rollback_and_fork_are_told_apart() -> None:
    hash_of = opened().kernels.hashes.hash
    line = line_of_heads(4)
    heads.check_line(line, hash_of)
    heads.check_against(line[:2], line)
    for bad, error in (
        (line[1:], RollbackDetected),
        ([line[0], line[0]], RollbackDetected),
        ([line[0], line[2]], RollbackDetected),
        ([line_of_heads(1, root=9)[0], line[1]], ForkDetected),
    ):
        with pytest.raises(error):
            heads.check_line(bad, hash_of)
    with pytest.raises(RollbackDetected):
        heads.check_against(line, line[:3])
    with pytest.raises(ForkDetected):
        heads.check_against(line, line_of_heads(5, root=9))
    with pytest.raises(ForkDetected):
        heads.check_against(line, [*line[:3], *line_of_heads(4, root=1)[3:]])
