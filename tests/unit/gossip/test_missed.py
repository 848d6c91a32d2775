"""What spreading misses: cut-off nodes, new neighbours, and the comparison of recent ids."""

from __future__ import annotations

import random

import pytest
from gossip_world import World
from hypothesis import given
from hypothesis import strategies as st

from inos import limits
from inos.errors import ProtocolViolation
from inos.gossip.sync import compare, opening
from inos.wire.gossip import Range
from inos_host.kernels import make_ports

HASHES = make_ports(1 << 16)[0].hashes


def reconcile(one: list[bytes], other: list[bytes]) -> tuple[set[bytes], set[bytes], int]:
    """Play it to the end: what the one and the other learn to lack, and in how many messages."""
    sides = (sorted(one), sorted(other))
    lacks: tuple[set[bytes], set[bytes]] = (set(), set())
    ranges, turn, messages = opening(HASHES, sides[0]), 1, 1
    while ranges:
        found = compare(HASHES, sides[turn], ranges)
        lacks[turn].update(found.lacking)
        lacks[1 - turn].update(found.extra)
        ranges, turn = found.answer, 1 - turn
        messages += bool(ranges)
        assert messages < 12
    return lacks[0], lacks[1], messages


IDS = st.sets(st.binary(min_size=16, max_size=16), max_size=60)


@given(common=IDS, one=IDS, other=IDS)
def test_both_learn_exactly_what_they_lack(common, one, other):
    one, other = common | one, common | other
    lacks_one, lacks_other, _ = reconcile(list(one), list(other))
    assert lacks_one == other - one
    assert lacks_other == one - other


def test_large_sets_that_differ_little_are_compared_in_few_messages():
    rng = random.Random(1)
    common = [rng.randbytes(16) for _ in range(4_000)]
    more = [rng.randbytes(16) for _ in range(12)]
    lacks_one, lacks_other, messages = reconcile(common + more[:5], common + more[5:])
    assert lacks_one == set(more[5:])
    assert lacks_other == set(more[:5])
    assert messages <= 6


def test_sets_that_have_nothing_in_common_do_not_make_long_messages():
    rng = random.Random(2)
    one, other = ([rng.randbytes(16) for _ in range(4_096)] for _ in range(2))
    lacks_one, lacks_other, _ = reconcile(one, other)
    assert lacks_one <= set(other)
    assert lacks_other <= set(one)
    assert len(lacks_other) > 300


def test_ranges_out_of_order_are_refused():
    mine = [bytes(16)]
    settled = [Range(b"\2" * 16, listed=False, data=b""), Range(b"\1" * 16, listed=False, data=b"")]
    with pytest.raises(ProtocolViolation):
        compare(HASHES, mine, settled)
    with pytest.raises(ProtocolViolation):
        compare(HASHES, mine, [Range(b"", listed=True, data=bytes(17))])
    assert not compare(HASHES, mine, settled[:1]).answer


def test_who_was_cut_off_for_twenty_seconds_gets_what_it_missed():
    world = World(60, 1)
    world.link_at_random(8)
    world.subscribe("news")
    lost = world.nodes[13]
    links = list(lost.links.values())
    world.publish(world.nodes[0], "news", b"before")
    world.run(3)
    for other in links:
        world.unlink(lost, other)
    for round in range(10):
        world.publish(world.nodes[round], "news", b"%d" % round)
        world.run(2)
    world.link(lost, links[0])
    world.run(1)
    assert sorted(delivery.data for delivery in lost.heard) == sorted(
        [b"before", *(b"%d" % round for round in range(10))]
    )
    assert world.total("dropped") == 0


def test_a_silent_cut_of_ten_seconds_is_mended_by_comparison():
    """Links stay up, and what was sent over them is lost: only the comparison can find it."""
    world = World(40, 2)
    world.link_at_random(8)
    world.subscribe("news")
    lost = world.nodes[13]
    world.cut = lambda one, other: lost in (one, other)
    for round in range(5):
        world.publish(world.nodes[round], "news", b"%d" % round)
        world.run(2)
    assert lost.heard == []
    world.cut = lambda one, other: False
    lost.gossip.catch_up()
    lost.settle()
    world.run(3)
    assert len(lost.heard) == 5


def test_neighbours_compare_by_themselves():
    world = World(30, 3)
    world.link_at_random(8)
    world.subscribe("news")
    lost = world.nodes[13]
    world.run(20)
    world.cut = lambda one, other: lost in (one, other)
    world.publish(world.nodes[0], "news", b"x")
    world.run(2)
    world.cut = lambda one, other: False
    world.run(limits.GOSSIP_CACHE_S - 3)
    assert [delivery.data for delivery in lost.heard] == [b"x"]


def test_idle_nodes_have_nothing_to_do():
    world = World(2, 4)
    world.link(*world.nodes)
    gossip = world.nodes[0].gossip
    assert gossip.next_due() < float("inf")
    gossip.idle = True
    assert gossip.next_due() == float("inf")


def test_more_than_a_second_may_ask_for_comes_over_some_seconds():
    world = World(3, 5)
    world.link(world.nodes[0], world.nodes[1])
    for topic in range(4):
        for round in range(90):
            world.publish(world.nodes[0], f"news {topic}", b"%d" % round)
        world.run(1)
    world.run(2)
    late = world.nodes[2]
    world.link(late, world.nodes[1])
    world.run(12)
    assert late.gossip.stats.received == 360
    assert world.total("dropped") == 0
