"""How often a peer may say something: just so often passes, more ends the link."""

from __future__ import annotations

import pytest
from harness import Heartbeats, Peer, World

from inos import limits
from inos.bucket import TokenBucket
from inos.links import commands as c
from inos.wire import messages as m


def test_a_bucket_holds_a_burst_and_fills_at_its_rate():
    bucket = TokenBucket(rate_per_s=8, burst=5)
    assert [bucket.take(100.0) for _ in range(6)] == [True] * 5 + [False]
    assert not bucket.take(100.0625)
    assert bucket.take(100.125)
    assert not bucket.take(99.0), "time that runs backwards gives nothing"
    assert not bucket.take(100.125)
    assert [bucket.take(1e6) for _ in range(6)] == [True] * 5 + [False], "and no more than a burst, however long it was"


@pytest.mark.parametrize("per_s", [7, 1_000])
def test_no_span_gets_more_than_burst_and_rate(per_s):
    world = World(5)
    bucket = TokenBucket(per_s, burst=20)
    now, taken = 0.0, []
    for _ in range(3_000):
        now += world.rng.choice([0.0, 0.0, 0.001, world.rng.expovariate(per_s)])
        if bucket.take(now):
            taken.append(now)
    assert len(taken) > 100
    for first in range(0, len(taken), 50):
        for last in range(first, len(taken)):
            assert last - first + 1 <= 20 + per_s * (taken[last] - taken[first]) + 1e-6


@pytest.fixture
def linked() -> tuple[World, Peer, tuple[int, int]]:
    """A holder, and its link to somebody who has just fetched from it."""
    world = World(31)
    world.beats = Heartbeats(world)
    holder, wanter = world.peer("h"), world.peer("w")
    task = wanter.fetch(holder.share(holder.vault.put([world.rng.randbytes(2_000)])))
    assert world.run(lambda: task.done, 10)
    world.run(seconds=2)  # the bucket is full again
    return world, holder, holder.linked()[0].link


def hears(world: World, holder: Peer, link: tuple[int, int], count: int) -> None:
    for _ in range(count):
        holder.links.on_control(*link, m.encode(m.Cancel(1)), world.now)
    holder.turn()


def test_a_burst_passes_and_one_more_ends_the_link(linked):
    world, holder, link = linked
    hears(world, holder, link, limits.CONTROLS_BURST_MAX)
    assert holder.links.is_up(link)
    hears(world, holder, link, 1)
    assert not holder.links.is_up(link)
    assert holder.saw(c.PeerDown)[-1].cause == "ProtocolViolation"


def test_a_want_a_block_passes_at_any_speed_of_the_wire(linked):
    """600 blocks a second, each wanted and cancelled every other time, looked at ten times a second; then too much."""
    world, holder, link = linked
    for _ in range(200):
        world.run(seconds=0.1)
        hears(world, holder, link, 90)
    assert holder.links.is_up(link)
    for _ in range(100):
        world.run(seconds=0.1)
        hears(world, holder, link, 120)
    assert not holder.links.is_up(link)
    assert holder.saw(c.PeerDown)[-1].cause == "ProtocolViolation"
