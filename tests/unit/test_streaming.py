"""Ranges of a link's file, read from the real vault while they arrive; and what was fetched before a reload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Heartbeats, Peer, World

from inos import limits
from inos.errors import BadArgument, NoPeers
from inos.streaming import AHEAD_BYTES, LINGER_S
from inos.transfer.needs import Step
from inos.transfer.queue import Queue
from inos.vault.folder import Item
from inos.vault.put import Source

SIZE = 40 * limits.MIB


@pytest.fixture
def world() -> World:
    world = World(21, arena_bytes=192 * limits.MIB)
    world.beats = Heartbeats(world)
    return world


def ends(world: World, peer: Peer, coroutine: Any, seconds: float = 60) -> Any:
    task = peer.tasks.spawn(coroutine, "test")
    task.on_done(lambda: None)
    assert world.run(lambda: task.done, seconds)
    return task.result()


def sharing(world: World, folder: Path, size: int = SIZE) -> tuple[Peer, Peer, str, bytes]:
    """One who shares a large file, one who wants some of it, the link, the bytes."""
    data = world.rng.randbytes(size)
    holder, wanter = world.peer("h", folder=folder / "h"), world.peer("w", folder=folder / "w")
    assert world.run(lambda: holder.starting.done and wanter.starting.done, 10)
    put = ends(world, holder, holder.node.put(Source(holder.streams.add_bytes(data), size), name="film.bin"))
    return holder, wanter, ends(world, holder, holder.node.share(put.root)), data


def received(peer: Peer) -> int:
    return sum(end.row.block_bytes_in for end in peer.ends.values())


def read(world: World, peer: Peer, link: str, offset: int, length: int | None = None, **options: Any) -> bytes:
    sink = peer.streams.add_sink()
    result = ends(world, peer, peer.node.read_range(link, sink, offset, length, **options))
    taken = peer.streams.taken(sink)
    assert result.size == len(taken)
    return taken


def test_the_middle_of_a_large_file_comes_without_the_rest(world, tmp_path):
    holder, wanter, link, data = sharing(world, tmp_path)
    at = SIZE // 2
    assert read(world, wanter, link, at, 100_000) == data[at : at + 100_000]
    world.run(seconds=5)
    assert received(wanter) < 100_000 + AHEAD_BYTES + 2 * limits.CHUNK_BYTES_MAX < SIZE // 2
    before = received(wanter)
    assert read(world, wanter, link, at + 50_000, 50_000) == data[at + 50_000 : at + 100_000]
    assert received(wanter) - before < 3 * limits.CHUNK_BYTES_MAX  # a little more ahead, and nothing again
    world.run(seconds=LINGER_S + 5)
    assert not wanter.node.streaming._open
    assert wanter.crashes == holder.crashes == []
    assert wanter.lent_spans() == 0


def test_what_was_read_is_not_fetched_again_for_the_whole(world, tmp_path):
    holder, wanter, link, data = sharing(world, tmp_path, 12 * limits.MIB)
    read(world, wanter, link, 3 * limits.MIB, 4 * limits.MIB)
    root = ends(world, wanter, wanter.node.fetch(link))
    assert received(wanter) == sum(
        wanter.vault.block_len(bid) for bid in wanter.node._offered[next(iter(wanter.node._offered))]
    )
    sink = wanter.streams.add_sink()
    ends(world, wanter, wanter.node.vault.get(root, sink))
    assert wanter.streams.taken(sink) == data
    holder.die()
    assert read(world, wanter, link, 1_000_000, 5) == data[1_000_000:1_000_005]  # its own now


def test_a_range_goes_before_the_rest_of_a_fetch(world, tmp_path):
    _, wanter, link, data = sharing(world, tmp_path)
    world.faults.rate_bytes_per_s = 4e6
    fetch = wanter.fetch(link)
    assert world.run(lambda: received(wanter) > limits.MIB, 30)
    for at in (SIZE - 2_000_000, 5_000_000):
        before = received(wanter)
        assert read(world, wanter, link, at, 1_000_000) == data[at : at + 1_000_000]
        in_flight = limits.WANTS_PER_PEER_MAX * limits.CHUNK_BYTES_MAX
        assert received(wanter) - before < 1_000_000 + 2 * limits.CHUNK_BYTES_MAX + in_flight
    assert not fetch.done
    assert world.run(lambda: fetch.done, 60)


def test_a_fetch_that_comes_while_somebody_reads_takes_all(world, tmp_path):
    _, wanter, link, data = sharing(world, tmp_path, 12 * limits.MIB)
    world.faults.rate_bytes_per_s = 2e6
    sink = wanter.streams.add_sink()
    reading = wanter.tasks.spawn(wanter.node.read_range(link, sink, 0, 6 * limits.MIB), "read")
    assert world.run(lambda: len(wanter.streams.taken(sink)) > 0, 60)
    root = ends(world, wanter, wanter.node.fetch(link))
    assert world.run(lambda: reading.done, 30)
    assert wanter.streams.taken(sink) == data[: 6 * limits.MIB]
    assert wanter.node.vault.info(root).size == len(data)
    assert wanter.crashes == []


def test_a_whole_file_is_handed_out_while_it_arrives(world, tmp_path):
    _, wanter, link, data = sharing(world, tmp_path, 24 * limits.MIB)
    world.faults.rate_bytes_per_s = 4e6
    sink = wanter.streams.add_sink()
    task = wanter.tasks.spawn(wanter.node.read_range(link, sink), "save")
    assert world.run(lambda: len(wanter.streams.taken(sink)) > limits.MIB, 60)
    assert received(wanter) < 20 * limits.MIB
    assert world.run(lambda: task.done, 60)
    assert wanter.streams.taken(sink) == data


def test_small_files_and_the_edges(world, tmp_path):
    holder, wanter, link, data = sharing(world, tmp_path, 3_000)
    manifest = ends(world, wanter, wanter.node.look(link))
    assert (manifest.name, manifest.total_len) == ("film.bin", 3_000)
    assert ends(world, holder, holder.node.look(link)).name == "film.bin"
    assert read(world, wanter, link, 0) == data
    assert read(world, wanter, link, 2_999, 1) == data[-1:]
    assert read(world, wanter, link, 3_000, 0) == b""
    with pytest.raises(BadArgument):
        read(world, wanter, link, 2_999, 2)


def test_a_range_of_a_folder_is_refused(world, tmp_path):
    holder, wanter = world.peer("h", folder=tmp_path / "h"), world.peer("w", folder=tmp_path / "w")
    assert world.run(lambda: holder.starting.done and wanter.starting.done, 10)
    source = Source(holder.streams.add_bytes(b"text"), 4)
    put = ends(world, holder, holder.node.vault.put_folder([Item("a.txt", source, 0, "")], name="folder"))
    link = ends(world, holder, holder.node.share(put.root))
    with pytest.raises(Exception, match="folder"):
        read(world, wanter, link, 0, 1)


def test_nobody_there_is_told_in_time(world, tmp_path):
    holder, wanter, link, _ = sharing(world, tmp_path, 3_000_000)
    holder.die()
    with pytest.raises(NoPeers):
        read(world, wanter, link, 0, 10, timeout_s=5)
    world.run(seconds=LINGER_S + 10)
    assert not wanter.node.streaming._open
    assert wanter.crashes == []


def test_after_a_reload_nothing_comes_twice(world, tmp_path):
    holder, wanter, link, data = sharing(world, tmp_path, 12 * limits.MIB)
    wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stats()["foreign_blocks"] >= 5, 60)
    ends(world, wanter, wanter.vault.close())
    wanter.die()
    again = world.peer("w again", folder=tmp_path / "w", keyring=wanter.keyring)
    assert world.run(lambda: again.vault._state == "open", 10)
    (bids,) = holder.node._offered.values()
    lacking = [bid for bid in bids if again.vault.block_len(bid) is None]
    assert len(lacking) <= len(bids) - 5
    assert world.run(lambda: bool(again.vault.shared()), 120)
    assert received(again) == sum(holder.vault.block_len(bid) for bid in lacking)
    (file,) = again.node.list()
    sink = again.streams.add_sink()
    ends(world, again, again.node.vault.get(file.root, sink))
    assert again.streams.taken(sink) == data


# --- the order of asking -------------------------------------------------------------------------------------------------


def step(number: int, *, manifest: bool = False, at: int | None = None, covers: int = 10) -> Step:
    place = number * 10 if at is None else at
    return Step(bytes([number]) * 32, bytes(32), 10, manifest, at=place, covers=covers)


def root(queue: Queue) -> None:
    assert queue.open(step(200, manifest=True, at=0))
    queue.close(step(200).bid)


def taken(queue: Queue) -> list[int]:
    numbers = []
    while (found := queue.take(lambda _step: True)) is not None:
        numbers.append(found.bid[0])
    return numbers


def test_what_is_needed_comes_first_in_the_order_of_the_file():
    queue = Queue(whole=True)
    root(queue)
    for number in (5, 6, 7, 1, 2, 3):
        assert queue.open(step(number))
        queue.wait(step(number))
    need, later = queue.need(15, 31)
    assert later == []
    assert taken(queue) == [1, 2, 3, 5, 6, 7]
    for number in (1, 2):
        queue.close(step(number).bid)
        assert not need.met.done
    queue.put_back(step(3))
    queue.put_back(step(5))
    assert taken(queue) == [3, 5]
    queue.close(step(3).bid)
    assert need.met.done
    assert queue.needs == []


def test_nothing_is_asked_that_nobody_needs():
    queue = Queue(whole=False)
    root(queue)
    assert [queue.open(step(number)) for number in range(4)] == [False] * 4
    need, later = queue.need(10, 20)
    assert [found.bid[0] for found in later] == [1]
    queue.wait(later[0])
    assert taken(queue) == [1]
    queue.drop(need)
    assert sorted(found.bid[0] for found in queue.want_all()) == [0, 2, 3]
    assert queue.open(step(9))


def test_a_chunk_named_twice_is_found_in_both_places():
    queue = Queue(whole=False)
    need, _ = queue.need(50, 60)
    top = step(0, manifest=True, covers=1_000)
    assert queue.open(top)
    assert not queue.open(step(1))
    (found,) = queue.again(step(1, at=50))
    assert found.bid[0] == 1
    queue.wait(found)
    queue.close(top.bid)
    assert need.bids == {found.bid}
    assert not need.met.done
    queue.close(found.bid)
    assert need.met.done


def test_a_manifest_named_twice_makes_everything_needed():
    queue = Queue(whole=False)
    need, _ = queue.need(500, 510)
    top = step(0, manifest=True, covers=1_000)
    assert queue.open(top)
    assert not queue.open(step(1))
    (found,) = queue.again(step(2, manifest=True, at=500))
    queue.wait(found)
    queue.close(top.bid)
    assert not need.met.done
    queue.close(found.bid)
    assert need.met.done
