"""A checkpoint says the same as the log it stands for."""

from __future__ import annotations

import random

from vault_world import World, facts, noise, opened, replayed

from inos.vault import checkpoint, ops
from inos.vault.index import Index
from inos.vault.receive import Capability


def busy_world(seed: int) -> World:
    """A vault in which most things happened."""
    world, rng = opened(refs_per_manifest=3), random.Random(seed)
    for n in range(12):
        result = world.put(noise(rng.choice([0, 900, 20_000, 60_000]), rng.randrange(6)), f"f{n % 5}")
        roll = rng.random()
        if roll < 0.3 and any(info.root == result.root for info in world.vault.roots()):
            world.run(world.vault.remove(result.root))
        elif roll < 0.6:
            world.run(world.vault.share(result.root))
            if roll < 0.4:
                world.run(world.vault.unshare(result.root))
    world.run(world.vault.wish(Capability(noise(32, 1), noise(32, 2))))
    for n, info in enumerate(world.vault.roots()[:3]):
        world.run(world.vault.grant(info.root, noise(32, n), noise(32, n + 9)))
    world.run(world.vault.revoke(noise(32, 0)))
    world.run(world.vault.remove(world.vault.roots()[1].root))
    return world


def test_a_replayed_checkpoint_is_the_index() -> None:
    for seed in range(8):
        index = busy_world(seed).vault._index
        again = replayed(index)
        assert facts(again) == facts(index)
        assert again.complete
        assert replayed(again).roots == again.roots


def test_blocks_that_are_not_durable_are_left_out() -> None:
    index = busy_world(3).vault._index
    gone = set(list(index.entries)[::2])
    fresh = Index()
    packed = list(checkpoint.operations_of(index, without=gone))
    fresh.apply(1, ops.decode_body(ops.encode_body(1, 0, packed)).operations)
    assert set(fresh.entries) == set(index.entries) - gone
    assert fresh.next_number == index.next_number
