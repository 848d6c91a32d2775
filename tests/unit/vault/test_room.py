"""What takes room: exactly what comes free is said, and what two files share comes free with neither alone."""

from __future__ import annotations

from vault_world import World, noise, opened

from inos.vault.room import Room


def live_bytes(world: World) -> int:
    return world.vault.stats()["live_bytes"]


def by_root(world: World) -> dict[bytes, Room]:
    return {row.root: row for row in world.vault.room()}


def test_what_is_said_comes_free() -> None:
    world = opened()
    kept = world.put(noise(40_000), "kept").root
    first = world.put(noise(50_000, 1), "draft").root
    second = world.put(noise(20_000, 2), "draft", replaces=first).root
    rows = by_root(world)
    assert list(rows) == [kept, second]
    assert rows[kept].older_bytes == 0
    assert rows[second].older_bytes > 50_000

    before = live_bytes(world)
    world.run(world.vault.forget(first))
    assert before - live_bytes(world) == rows[second].older_bytes
    assert by_root(world)[second].older_bytes == 0
    world.run(world.vault.remove(second))
    assert before - live_bytes(world) == rows[second].freed_bytes
    assert by_root(world) == {kept: rows[kept]}


def test_shared_blocks_come_free_with_neither() -> None:
    world = opened()
    data = noise(60_000)
    one, two = world.put(data, "one").root, world.put(data, "two").root
    rows = by_root(world)
    assert all(0 < rows[root].freed_bytes < 30_000 for root in (one, two))  # its manifest, not the contents
    world.run(world.vault.remove(one))
    assert by_root(world)[two].freed_bytes > 60_000


def test_a_version_that_only_has_another_name_frees_next_to_nothing() -> None:
    world = opened()
    root = world.put(noise(80_000), "before").root
    renamed = world.run(world.vault.use(lambda library: library.rename(root, "after")))
    row = by_root(world)[renamed]
    assert 0 < row.older_bytes < 10_000
    assert row.freed_bytes > 80_000
