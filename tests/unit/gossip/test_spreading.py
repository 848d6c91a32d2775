"""Everybody who is connected gets every rumor once, in few hops and few copies, whatever dies."""

from __future__ import annotations

import pytest
from gossip_world import World

from inos import limits
from inos.errors import BadArgument, Busy, LimitExceeded, NotReady
from inos.gossip.missing import MissingTable


def hops_of(world: World) -> list[int]:
    return sorted(delivery.hops for node in world.live() for delivery in node.heard)


def percentile(values: list[int], share: float) -> int:
    return values[int(len(values) * share)]


def test_a_thousand_nodes_get_each_rumor_once_in_few_hops():
    world = World(1_000, 1)
    world.link_at_random(24)
    world.subscribe("news")
    copies = []
    for round in range(5):
        before = world.total("copies")
        world.publish(world.rng.choice(world.nodes), "news", b"%d" % round)
        world.run(12)
        assert percentile(hops_of(world), 0.99) <= 7
        assert [len(node.heard) for node in world.nodes].count(1) == 999
        copies.append((world.total("copies") - before) / 1_000)
        for node in world.nodes:
            node.heard.clear()
    assert copies[0] <= 4
    assert sum(copies[-2:]) / 2 < 0.75 * copies[0]


def test_one_author_who_goes_on_ends_at_about_one_copy():
    world = World(200, 2)
    world.link_at_random(16)
    world.subscribe("news")
    author = world.nodes[7]
    for round in range(12):
        before = world.total("copies")
        world.publish(author, "news", b"%d" % round)
        world.run(0.7)
    assert all(len(node.heard) == 12 for node in world.nodes if node is not author)
    assert (world.total("copies") - before) / 200 < 1.15


def test_the_dead_whom_nobody_has_noticed_do_not_cut_anybody_off():
    world = World(400, 3)
    world.link_at_random(16)
    world.subscribe("news")
    world.publish(world.nodes[0], "news", b"settle")
    world.run(3)
    for round in range(3):
        live = world.live()
        world.kill(world.rng.sample(live, 40))
        author = world.rng.choice(world.live())
        world.publish(author, "news", b"%d" % round)
        world.run(3)
        assert all(node.heard[-1].data == b"%d" % round for node in world.live() if node is not author)
    for node in world.live():
        assert len({delivery.data for delivery in node.heard}) == len(node.heard)


def test_without_grafts_the_dead_would_cut_somebody_off(monkeypatch):
    monkeypatch.setattr(MissingTable, "announced", lambda *_, **__: True)
    world = World(400, 3)
    world.link_at_random(16)
    world.subscribe("news")
    world.publish(world.nodes[0], "news", b"settle")
    world.run(3)
    world.kill(world.rng.sample(world.nodes[1:], 80))
    world.publish(world.nodes[0], "news", b"more")
    world.run(3)
    assert any(not node.heard or node.heard[-1].data != b"more" for node in world.live()[1:])


def test_a_nearer_lazy_link_takes_the_place_of_a_long_way():
    world = World(6, 4, delay=lambda one, other: 0.1 if {one.index, other.index} == {0, 5} else 0.01)
    for index in range(5):
        world.link(world.nodes[index], world.nodes[index + 1])
    world.link(world.nodes[0], world.nodes[5])
    world.subscribe("news")
    for _ in range(3):
        world.publish(world.nodes[0], "news", b"x")
        world.run(3)
    assert world.nodes[5].heard[0].hops == 5
    assert world.nodes[5].heard[-1].hops == 1


def test_only_subscribers_are_told_and_not_the_author():
    world = World(10, 5)
    world.link_at_random(4)
    world.subscribe("news", world.nodes[:5])
    world.publish(world.nodes[0], "news", b"x")
    world.publish(world.nodes[0], "else", b"y")
    world.run(1)
    assert [len(node.heard) for node in world.nodes] == [0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert world.nodes[1].heard[0].author == world.nodes[0].public_key
    assert world.total("received") == 18


def test_who_unsubscribes_is_told_no_more():
    world = World(2, 6)
    world.link(*world.nodes)
    heard: list[bytes] = []
    end = world.nodes[1].gossip.subscribe("news", lambda delivery: heard.append(delivery.data))
    world.publish(world.nodes[0], "news", b"1")
    world.run(1)
    end()
    end()
    world.publish(world.nodes[0], "news", b"2")
    world.run(1)
    assert heard == [b"1"]


def test_large_rumors_are_spared_where_they_would_come_twice():
    sizes = {}
    for size in (10, 5_000):
        world = World(60, 7, delay=lambda one, other: 0.01)
        world.link_at_random(12)
        # signatures take a while, in which the word can come that a copy is not needed
        for node in world.nodes:
            node.check_s = 0.05
        world.subscribe("news")
        world.publish(world.nodes[0], "news", bytes(size))
        world.run(3)
        assert all(len(node.heard) == 1 for node in world.nodes[1:])
        sizes[size] = world.total("duplicates")
    assert sizes[5_000] < 0.7 * sizes[10]


def test_a_link_that_comes_up_while_a_large_rumor_is_checked_is_told_too():
    world = World(3, 11)
    one, middle, late = world.nodes
    world.link(one, middle)
    world.subscribe("news")
    middle.check_s = 0.1
    world.publish(one, "news", bytes(2_000))
    world.run(0.06)
    assert middle.heard == []
    world.link(middle, late)
    world.run(1)
    assert len(late.heard) == 1


def test_what_may_be_published():
    world = World(2, 8)
    world.link(*world.nodes)
    gossip = world.nodes[0].gossip
    for name in ("", "x" * 65, "\ud800"):
        with pytest.raises(BadArgument):
            gossip.publish(name, b"")
        with pytest.raises(BadArgument):
            gossip.subscribe(name, print)
    for life_s in (0, -1, limits.GOSSIP_LIFE_S + 1):
        with pytest.raises(BadArgument):
            gossip.publish("news", b"", life_s)
    with pytest.raises(LimitExceeded, match="publish their link"):
        gossip.publish("news", bytes(limits.GOSSIP_DATA_BYTES_MAX + 1))
    world.subscribe("news")
    world.publish(world.nodes[0], "news", bytes(limits.GOSSIP_DATA_BYTES_MAX))
    world.run(1)
    assert len(world.nodes[1].heard[0].data) == limits.GOSSIP_DATA_BYTES_MAX
    world.nodes[1].public_key = b""
    with pytest.raises(NotReady):
        world.nodes[1].gossip.publish("news", b"")


def test_publishing_is_bounded():
    world = World(2, 9)
    world.link(*world.nodes)
    gossip = world.nodes[0].gossip
    for _ in range(limits.GOSSIP_PUBLISHING_MAX):
        gossip.publish("news", b"")
    with pytest.raises(Busy):
        gossip.publish("other", b"")
    world.nodes[0].settle()
    for _ in range(limits.GOSSIP_BURST - limits.GOSSIP_PUBLISHING_MAX):
        gossip.publish("news", b"")
    with pytest.raises(Busy):
        gossip.publish("news", b"")
    gossip.publish("other", b"")
    world.nodes[0].settle()


def test_a_busy_topic_still_reaches_everybody():
    """More announcements than are allowed in a second are sent together."""
    world = World(40, 10)
    world.link_at_random(8)
    world.subscribe("news")
    world.kill(world.nodes[30:34])
    for round in range(200):
        world.publish(world.nodes[round % 3], "news", b"%d" % round)
        world.run(0.02)
    world.run(5)
    for node in world.live()[3:]:
        assert len(node.heard) == 200
    assert world.total("dropped") == 0
