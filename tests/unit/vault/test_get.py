"""Getting: ranges, damage, slow sinks; and files that came from others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vault_world import World, noise, opened

from inos.errors import BadArgument, ContentMismatch, CorruptError, InosError, NotFound, StorageFull
from inos.ports import KIND_MANIFEST, HashUpdate, Open, Seal, SinkWrite
from inos.vault.manifest import DIR, Manifest, encode
from inos.vault.vault import Capability


@pytest.mark.parametrize("size", [100, 60_000])
def test_ranges(size: int) -> None:
    world = opened()
    data = noise(size)
    root = world.put(data).root
    for start, length in ((0, None), (0, 1), (size // 2, 10), (size - 1, None), (size, None), (1, size - 2)):
        stop = size if length is None else start + length
        assert world.get(root, offset=start, length=length) == data[start:stop]
    for start, length in ((-1, None), (0, size + 1), (size + 1, None), (5, -1)):
        sink = world.streams.add_sink()
        with pytest.raises(BadArgument):
            world.run(world.vault.get(root, sink, offset=start, length=length))
        assert world.streams.complete[sink] is False
    world.check_tidy()


def test_a_changed_byte_is_an_error_and_never_handed_out() -> None:
    world = opened()
    data = noise(60_000)
    root = world.put(data).root
    file = world.disk.files["seg-0000"]
    for at in range(0, len(file.now) - 64, 3_001):
        file.now[at] ^= 1
        sink = world.streams.add_sink()
        try:
            world.run(world.vault.get(root, sink))
        except (CorruptError, NotFound):
            assert world.streams.complete[sink] is False
        else:
            assert world.streams.taken(sink) == data  # between blocks
        assert data.startswith(world.streams.taken(sink))
        file.now[at] ^= 1
        world.check_tidy()
        world.reboot(keep_all=True)
    assert world.get(root) == data


def test_a_sink_that_fails_ends_the_get() -> None:
    world = opened()
    root = world.put(noise(60_000)).root

    def hook(effect: Any) -> None:
        if isinstance(effect, SinkWrite) and effect.offset > 10_000:
            raise StorageFull("injected")

    world.hook = hook
    with pytest.raises(StorageFull):
        world.get(root)
    world.check_tidy()
    with pytest.raises(NotFound):
        world.get(bytes(32))


def test_blocks_are_opened_ahead_and_no_more_than_allowed() -> None:
    world = opened(lanes=2)
    root = world.put(noise(200_000)).root
    open_now = peak = 0

    def hook(effect: Any) -> None:
        nonlocal open_now, peak
        if isinstance(effect, Open) and effect.kind == 1:
            open_now += 1
            peak = max(peak, open_now)
        elif isinstance(effect, SinkWrite):
            open_now -= 1

    world.hook = hook
    world.get(root)
    assert 3 <= peak <= 6


# --- from one vault to another --------------------------------------------------------------------------------------------


def hand_over(source: World, target: World, root: bytes, *, leave_out: int = 0) -> Capability:
    """What a transfer does: copy the shared file's blocks."""
    capability = source.run(source.vault.share(root))
    bids = [source.vault._index.entries[n][:32] for n in sorted(source.vault._index.refs)]
    for bid in bids[: len(bids) - leave_out]:
        span = source.run(source.vault.read_block(bid))
        block = source.arena.read(span)
        source.arena.release(span)
        into = target.arena.alloc(len(block))
        target.arena.write(into, block)
        target.run(target.vault.store_foreign(bid, into))
        target.arena.release(into)
    assert isinstance(capability, Capability)
    return capability


@pytest.mark.parametrize(("size", "refs"), [(0, 10), (100, 10), (60_000, 100), (60_000, 3)])
def test_a_received_file_becomes_ones_own(size: int, refs: int) -> None:
    source, target = opened(refs_per_manifest=refs), opened(seed=2)
    data = noise(size)
    root = source.put(data, "from afar", media_type="text/plain").root
    capability = source.run(source.vault.share(root))
    target.run(target.vault.wish(capability))
    hand_over(source, target, root)
    target.reboot()
    assert target.vault.wishes() == [capability]
    hand_over(source, target, root)
    own = target.run(target.vault.adopt(capability))
    assert own != root
    assert target.vault.wishes() == []
    assert target.get(own) == data
    (info,) = target.vault.roots()
    assert (info.name, info.media_type, info.received, info.size) == ("from afar", "text/plain", True, size)
    assert target.run(target.vault.share(own)) == capability
    assert target.vault.shared() == [capability]
    assert target.run(target.vault.adopt(capability)) == own
    assert target.run(target.vault.check("data")).ok
    target.reboot()
    assert target.get(own) == data
    assert target.run(target.vault.check("data")).ok
    assert target.vault.block_len(capability.bid) is not None
    target.run(target.vault.remove(own))
    assert target.vault.stats()["blocks"] == 0
    target.check_tidy()
    source.check_tidy()


def test_adopting_needs_every_block() -> None:
    source, target = opened(), opened(seed=2)
    root = source.put(noise(60_000)).root
    capability = hand_over(source, target, root, leave_out=3)
    target.run(target.vault.wish(capability))
    with pytest.raises(NotFound):
        target.run(target.vault.adopt(capability))
    target.check_tidy()
    assert target.vault.wishes() == [capability]
    hand_over(source, target, root)
    assert target.get(target.run(target.vault.adopt(capability))) == noise(60_000)


def test_adopting_opens_every_block() -> None:
    source, target = opened(), opened(seed=2)
    root = source.put(noise(60_000)).root
    capability = hand_over(source, target, root)
    target.run(target.vault.wish(capability))
    target.disk.files["seg-0000"].now[20_000] ^= 1
    with pytest.raises((CorruptError, NotFound)):
        target.run(target.vault.adopt(capability))
    assert target.vault.roots() == []
    target.check_tidy()
    # The block that was found bad is wanted again, and takes its place.
    hand_over(source, target, root)
    target.run(target.vault.adopt(capability))


def test_an_abandoned_wish_takes_its_blocks_along_and_no_others() -> None:
    source, target = opened(), opened(seed=2)
    first, second = source.put(noise(60_000), "first").root, None
    capability = hand_over(source, target, first, leave_out=2)
    target.run(target.vault.wish(capability))
    other = opened(seed=3)
    second = other.put(noise(50_000, 1), "second").root
    wanted = hand_over(other, target, second)
    target.run(target.vault.wish(wanted))
    blocks = target.vault.stats()["foreign_blocks"]
    target.run(target.vault.unwish(capability))
    assert 0 < target.vault.stats()["foreign_blocks"] < blocks
    assert target.get(target.run(target.vault.adopt(wanted))) == noise(50_000, 1)
    target.check_tidy()
    target.reboot()
    assert [info.name for info in target.vault.roots()] == ["second"]
    assert target.run(target.vault.check("data")).ok


def test_foreign_blocks_that_nobody_wants_go_at_the_next_open() -> None:
    source, target = opened(), opened(seed=2)
    hand_over(source, target, source.put(noise(60_000)).root)
    assert target.vault.stats()["foreign_blocks"] > 5
    target.close()
    target.boot()
    target.open()
    assert target.vault.stats()["foreign_blocks"] == 0
    target.check_tidy()


def test_a_cancelled_adopt_leaves_the_wish() -> None:
    at = 0
    while True:
        source, target = opened(), opened(seed=2)
        capability = hand_over(source, target, source.put(noise(30_000)).root)
        target.run(target.vault.wish(capability))
        task = target.start(target.vault.adopt(capability))
        for _ in range(at):
            if not task.done:
                target.step()
        if task.done:
            break
        target.tasks.cancel(task)
        target.check_tidy()
        if not target.vault.roots():
            assert target.vault.wishes() == [capability]
        own = target.run(target.vault.adopt(capability))
        assert target.get(own) == noise(30_000)
        target.check_tidy()
        at += 1
    assert at > 5


def hand_over_manifest(source: World, target: World, manifest: Manifest) -> Capability:
    """A manifest that somebody made by hand."""
    data = encode(manifest)
    span = source.arena.alloc(len(data))
    source.arena.write(span, data)
    sealed = source.kernels.perform(Seal(span, KIND_MANIFEST, 6, 0))
    source.arena.release(span)
    block = source.arena.read(sealed.block)  # type: ignore[attr-defined]
    source.arena.release(sealed.block)  # type: ignore[attr-defined]
    into = target.arena.alloc(len(block))
    target.arena.write(into, block)
    target.run(target.vault.store_foreign(sealed.bid, into))  # type: ignore[attr-defined]
    target.arena.release(into)
    return Capability(sealed.bid, sealed.secret)  # type: ignore[attr-defined]


def adopt_a_liar(source: World, target: World, data: bytes) -> bytes:
    """A file whose chunks are right and whose hash is another's, in ``target``; its root there."""
    capability = source.run(source.vault.share(source.put(data).root))
    manifest = source.run(source.vault.manifest_of(capability))
    hand_over(source, target, capability.bid)
    liar = hand_over_manifest(source, target, replace(manifest, h_file=source.kernels.hashes.hash(b"another")))
    root = target.run(target.vault.adopt(liar))
    assert isinstance(root, bytes)
    return root


@pytest.mark.parametrize("refs", [100, 3])
def test_a_file_that_is_not_what_its_manifest_says(refs: int) -> None:
    source, target = opened(refs_per_manifest=refs), opened(seed=2)
    data = noise(60_000)
    honest = target.put(noise(50_000, 1), "honest").root
    root = adopt_a_liar(source, target, data)
    sink = target.streams.add_sink()
    with pytest.raises(ContentMismatch):
        target.run(target.vault.get(root, sink))
    assert target.streams.complete[sink] is False
    assert len(target.streams.taken(sink)) < len(data)
    assert target.get(root, offset=1) == data[1:]  # a range cannot tell
    assert target.run(target.vault.check("hash")).ok
    report = target.run(target.vault.check("data"))
    assert [(bad.bid, bad.code) for bad in report.bad] == [(root, "ContentMismatch")]
    assert report.damaged_roots == [root]
    assert report.blocks == target.vault.stats()["blocks"]
    assert target.get(honest) == noise(50_000, 1)
    target.check_tidy()


def test_a_hash_of_a_file_that_cannot_be_had_is_an_error_and_no_leak() -> None:
    world = opened()
    root = world.put(noise(60_000)).root

    def hook(effect: Any) -> None:
        if isinstance(effect, HashUpdate):
            raise BadArgument("injected")

    world.hook = hook
    with pytest.raises(BadArgument):
        world.get(root)
    world.check_tidy()


def test_what_a_manifest_must_not_say() -> None:
    source, target = opened(), opened(seed=2)

    def foreign(manifest: Manifest) -> Capability:
        return hand_over_manifest(source, target, manifest)

    file = Manifest(1, 5, source.kernels.hashes.hash(b"right"), name="x", inline=b"wrong")
    with pytest.raises(ContentMismatch):
        target.run(target.vault.adopt(foreign(file)))
    with pytest.raises(ContentMismatch):
        target.run(target.vault.adopt(foreign(Manifest(DIR, 0, bytes(32), name="x"))))
    right = foreign(replace(file, inline=b"right"))
    assert target.get(target.run(target.vault.adopt(right))) == b"right"
    with pytest.raises(InosError):
        Capability(b"short", bytes(32))
    target.check_tidy()
