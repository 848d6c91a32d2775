"""Two stories in which a good file was lost or called lost: each was a bug once."""

from __future__ import annotations

import pytest
from vault_world import World, noise

from inos.errors import CorruptError
from inos.limits import MIB
from inos.vault.get import open_manifest
from inos.vault.manifest import FILE, Manifest, encode
from inos.vault.ops import bid_of
from inos.vault.refs import Ref, Refs
from inos.vault.vault import Capability


@pytest.mark.parametrize("steps_before_the_put", range(16))
def test_space_that_is_freed_and_taken_again_is_not_overwritten(steps_before_the_put: int):
    """Removing overwrites a dead block's salt; by then a new block may lie there, written but not yet acknowledged."""
    world = World(chunk_bytes=100_000, segment_bytes=64 * MIB)
    world.open()
    first, _, third = (world.put(noise(90_000, seed), str(seed)).root for seed in (1, 2, 3))
    removals = [world.start(world.vault.remove(root)) for root in (first, third)]
    for _ in range(steps_before_the_put):
        world.step()
    put = world.start_put(noise(95_000, 4), "new")
    while not (put.done and all(removal.done for removal in removals)):
        world.step()
    world.drain()
    assert world.get(put.result().root) == noise(95_000, 4)
    assert world.run(world.vault.check("data")).ok


def test_a_strangers_manifest_cannot_call_a_good_block_lost():
    """Whoever knows the name of one of our blocks can list it with a wrong key; that says nothing about the block."""
    victim, stranger = World(chunk_bytes=20_000), World(seed=9)
    victim.open()
    stranger.open()
    data = noise(50_000, 1)
    root = victim.put(data, "mine").root
    index, store = victim.vault._index, victim.vault._store
    mine = victim.run(open_manifest(store, index.by_bid[root], None)).refs[0]
    wrong = Ref(mine.bid, bytes(32), bytes(32), mine.raw_len, mine.raw_len, mine.block_len, mine.codec, mine.quality)
    lure = Manifest(
        FILE, wrong.covers, bytes(32), refs=Refs.of([wrong]), level=0, name="cat.jpg", media_type="", mtime_ms=0
    )
    sealed = stranger.run(stranger.vault._store.seal_manifest(encode(lure), 6))
    block = stranger.arena.read(stranger.run(stranger.vault._store.read(sealed.number)))
    capability = Capability(bid_of(sealed.entry), sealed.entry[32:64])
    victim.run(victim.vault.wish(capability))
    span = victim.arena.alloc(len(block))
    victim.arena.write(span, block)
    victim.run(victim.vault.store_foreign(capability.bid, span))
    victim.arena.release(span)
    with pytest.raises(CorruptError):
        victim.run(victim.vault.adopt(capability))
    assert [info.health for info in victim.vault.roots()] == ["ok"]
    assert victim.get(root) == data
    assert victim.run(victim.vault.check("data")).ok
