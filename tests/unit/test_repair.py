"""Repair: lost blocks come back from the disk or from others; what does not is listed."""

from __future__ import annotations

from typing import Any

from vault_world import World, copy_blocks, noise, opened

from inos.errors import NoPeers
from inos.repair import RepairReport, repair
from inos.vault import ops


def nobody_has_it(*_: object) -> Any:
    async def fetch() -> None:
        raise NoPeers("nobody")

    return fetch()


def rot(world: World, numbers: list[int]) -> None:
    """Flip a bit in each of these blocks."""
    for number in numbers:
        segment, offset = ops.lies_at(world.vault._index.entries[number])
        world.disk.files[f"seg-{segment:04d}"].now[offset + 70] ^= 4


def numbers_of(world: World, root: bytes) -> list[int]:
    return sorted(set(world.vault._index.roots[root].numbers()))


def from_peer(giver: World, taker: World) -> Any:
    """A fetch that a whole copy at somebody else answers."""

    async def fetch(capability: Any, _timeout_s: float) -> None:
        await taker.vault.wish(capability)
        for bid in list(giver.vault._index.by_bid):
            if taker.vault.block_len(bid) is None:
                block = giver.run(giver.vault.read_block(bid))
                data = giver.arena.read(block)
                giver.arena.release(block)
                span = taker.arena.alloc(len(data))
                taker.arena.write(span, data)
                await taker.vault.store_foreign(bid, span.part(0, len(data)))
                taker.arena.release(span)
        await taker.vault.adopt(capability)

    return fetch


def test_blocks_that_rotted_come_back_from_others() -> None:
    giver, taker = opened(refs_per_manifest=3), opened(seed=2, refs_per_manifest=3)
    data = noise(90_000, 1)
    root = giver.put(data, "f").root
    capability = giver.run(giver.vault.share(root))
    taker.run(taker.vault.wish(capability))
    copy_blocks(giver, taker)
    received = taker.run(taker.vault.adopt(capability))
    for broken, whole, name, expected in ((taker, giver, received, received), (giver, taker, root, root)):
        rot(broken, numbers_of(broken, name)[:-1] if broken is taker else numbers_of(broken, name))
        assert len(broken.run(broken.vault.check("hash")).bad) >= 15
        report = broken.run(repair(broken.vault, from_peer(whole, broken)))
        assert report.repaired == [expected]
        assert report.unrepaired == []
        assert report.blocks >= 15
        assert broken.get(name) == data
        broken.close()
        broken.boot()
        broken.open()
        assert broken.get(name) == data
        assert broken.run(broken.vault.check("data")).ok
        assert broken.vault.wishes() == []


def test_what_nobody_has_is_listed_and_a_later_put_heals_it() -> None:
    world = opened()
    data = noise(50_000, 3)
    own = world.put(data, "own").root
    shared = world.put(noise(40_000, 4), "shared").root
    world.run(world.vault.share(shared))
    rot(world, [numbers_of(world, own)[2], numbers_of(world, shared)[1]])
    world.run(world.vault.check("hash"))
    steps: list[tuple[int, int]] = []
    report: RepairReport = world.run(repair(world.vault, nobody_has_it, lambda *step: steps.append(step)))
    assert report.repaired == []
    assert {(u.name, u.code) for u in report.unrepaired} == {("own", "StorageLost"), ("shared", "NoPeers")}
    assert steps[-1] == (2, 2)
    world.put(data, "own")
    assert world.get(own) == data
    assert [info.health for info in world.vault.roots()] == ["ok", "damaged"]


def test_a_second_copy_on_the_disk_takes_the_place_of_a_lost_block() -> None:
    world = opened()
    data = noise(50_000, 3)
    root = world.put(data, "own").root
    number = numbers_of(world, root)[2]
    segment, offset = ops.lies_at(world.vault._index.entries[number])
    length = ops.block_len_of(world.vault._index.entries[number])
    file = world.disk.files[f"seg-{segment:04d}"].now
    copy = bytes(file[offset : offset + length])
    world.disk.files.setdefault("seg-0007", type(world.disk.files["seg-0000"])()).now[:] = bytes(128) + copy
    rot(world, [number])
    world.run(world.vault.check("hash"))
    assert world.run(repair(world.vault, nobody_has_it)).repaired == [root]
    assert world.get(root) == data
    world.reboot()
    assert world.get(root) == data


def test_the_same_chunk_in_another_encoding_heals_too() -> None:
    world = opened(reencode_age_s=0)
    data = b"".join(bytes([n % 7]) * 50 for n in range(1_200))
    root = world.put(data, "f").root
    world.tasks.on_deadline(world.tasks.now + 1)
    world.run(world.vault.tidy())
    rot(world, [n for n in numbers_of(world, root) if ops.is_own_chunk(world.vault._index.entries[n])])
    world.run(world.vault.check("hash"))
    assert world.vault.is_damaged(root)
    world.put(data, "again")  # sealed at the lower quality: other blocks, the same contents
    assert not world.vault.is_damaged(root)
    assert world.get(root) == data
    world.reboot()
    assert world.get(root) == data
