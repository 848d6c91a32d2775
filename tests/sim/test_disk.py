"""The simulated disk: what may be left after a crash, and what may not."""

from __future__ import annotations

import random

from inos_sim.disk import KILLED, SECTOR_BYTES, SimDisk, Snapshot

OLD, NEW = b"o" * 2_000, b"n" * 2_000


def disk() -> SimDisk:
    """A durable file, overwritten and longer since."""
    made = SimDisk({"a": OLD})
    made.change("a", 100, NEW)
    return made


def image(made: SimDisk, label: str) -> dict[str, bytes]:
    found = made.snapshot().named(label, random.Random(1))
    assert not isinstance(found, Snapshot)
    return found


def test_what_was_not_flushed_is_lost_or_kept() -> None:
    assert image(disk(), "lost") == {"a": OLD}
    assert image(disk(), "kept") == {"a": OLD[:100] + NEW}


def test_a_flush_makes_one_file_durable_and_its_name() -> None:
    made = disk()
    made.change("b", 0, NEW)
    assert image(made, "lost") == {"a": OLD}
    made.flush("b")
    assert image(made, "lost") == {"a": OLD, "b": NEW}


def test_a_torn_write_lands_by_sectors() -> None:
    content = image(disk(), "alone-even")["a"]
    assert content[100:512] == NEW[:412]
    assert content[512:1024] == OLD[:512]
    assert content[1024:1536] == NEW[:512]
    assert len(content) == 2_100
    assert len(image(disk(), "alone-odd")["a"]) == 2_048  # the last sector, which is even, did not land


def test_sectors_hold_a_prefix_of_their_changes() -> None:
    made = SimDisk({"a": bytes(SECTOR_BYTES)})
    for value in b"123":
        made.change("a", 0, bytes([value]) * SECTOR_BYTES)
    found = {image(made, label)["a"][:1] for label in made.snapshot().classes(0) if label != KILLED}
    assert found == {b"\0", b"1", b"2", b"3"}
    assert image(made, "only-1")["a"] == bytes(SECTOR_BYTES)  # the first did not land, so neither did the second
    assert image(made, "without-1")["a"] == b"1" * SECTOR_BYTES


def test_sizes_land_in_order() -> None:
    made = SimDisk({"a": OLD})
    made.change("a", 0, None)
    made.change("a", 0, b"x")
    assert image(made, "lost") == {"a": OLD}
    assert image(made, "without-0") == {"a": OLD}
    assert image(made, "only-0") == {"a": b""}
    assert image(made, "kept") == {"a": b"x"}


def test_what_landed_beyond_the_size_is_not_there_and_holes_are_zero() -> None:
    made = SimDisk()
    made.change("a", 1_000, b"x" * 24)
    made.change("a", 0, None)
    made.change("a", 1_024, None)
    assert image(made, "kept") == {"a": bytes(1_024)}


def test_a_killed_program_leaves_the_page_cache() -> None:
    snapshot = disk().snapshot()
    assert snapshot.named(KILLED, random.Random(1)) is snapshot
    again = SimDisk(snapshot)
    assert again.image() == {"a": OLD[:100] + NEW}
    assert image(again, "lost") == {"a": OLD}


def test_random_images_mix_old_and_new_only() -> None:
    for seed in range(50):
        content = disk().snapshot().named("random-0", random.Random(seed))["a"]  # type: ignore[index]
        for at in range(len(content)):
            assert content[at : at + 1] in (b"o", b"n", b"\0")
        assert content[:100] == OLD[:100]
