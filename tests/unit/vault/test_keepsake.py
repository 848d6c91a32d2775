"""What is kept beside the log: the last that was written, or the one before, or nothing."""

from __future__ import annotations

import random

import pytest
from vault_world import World, opened

from inos import limits
from inos.errors import LimitExceeded
from inos.vault.keepsake import KEPT_FILE, PLACE_BYTES


def read(world: World) -> bytes:
    data = world.run(world.vault.keepsake.read())
    assert isinstance(data, bytes)
    return data


def write(world: World, data: bytes) -> None:
    world.run(world.vault.keepsake.write(data))


def test_what_was_written_last_is_found_after_a_power_cut() -> None:
    world = opened()
    assert read(world) == b""
    for number in range(5):
        write(world, b"%d" % number * 500)
        assert read(world) == b"%d" % number * 500
        world.reboot()
        assert read(world) == b"%d" % number * 500
    write(world, bytes(limits.KEPT_BYTES_MAX))
    with pytest.raises(LimitExceeded):
        write(world, bytes(limits.KEPT_BYTES_MAX + 1))
    assert read(world) == bytes(limits.KEPT_BYTES_MAX)
    world.close()


@pytest.mark.parametrize("seed", range(20))
def test_a_torn_write_leaves_the_one_before(seed: int) -> None:
    world = opened()
    write(world, b"first")
    write(world, b"second")
    task = world.start(world.vault.keepsake.write(b"third"))
    for _ in range(seed):
        if not task.done:
            world.step()
    done = task.done
    task.on_done(lambda: None)
    world.reboot(random.Random(seed))
    assert read(world) in ({b"third"} if done else {b"second", b"third"})


def test_what_is_damaged_reads_as_the_one_before_and_then_as_nothing() -> None:
    world = opened()
    write(world, b"first")
    write(world, b"second")
    file = world.disk.files[KEPT_FILE].now
    file[70] ^= 1  # the second is in the first place
    world.vault.keepsake._seq = -1
    assert read(world) == b"first"
    file[PLACE_BYTES + 70] ^= 1
    assert read(world) == b""
    write(world, b"third")
    assert read(world) == b"third"


def test_another_vault_reads_nothing() -> None:
    one, two = opened(seed=1), opened(seed=2)
    write(one, b"a secret of one")
    assert b"a secret of one" not in bytes(one.disk.files[KEPT_FILE].now)
    two.disk.files[KEPT_FILE] = one.disk.files[KEPT_FILE]
    assert read(two) == b""
