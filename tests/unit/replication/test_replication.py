"""Copies are made, counted, lost and made again; nothing is lost while one holder lives."""

from __future__ import annotations

from custody_world import DETECT_S, Net

from inos import limits


def test_a_put_comes_to_three_copies() -> None:
    net = Net(5)
    owner = net.keepers[0]
    names = owner.put()
    safe = owner.rep.safe(names)
    assert not safe.done
    assert net.run(3, lambda: safe.done)
    assert all(len(net.holders(name)) >= limits.WRITE_QUORUM for name in names), "told safe before it was"
    assert net.run(3, lambda: net.full(names))
    net.run(200)
    assert [len(net.holders(name)) for name in names] == [3] * len(names)
    assert owner.rep.stats()["audits_passed"] >= 2
    assert owner.rep.stats()["under_replicated"] == 0


def test_one_copy_stays_here() -> None:
    net = Net(4)
    names = net.keepers[0].put(copies=1)
    safe = net.keepers[0].rep.safe(names)
    net.run(20)
    assert safe.done
    assert len(net.holders(names[0])) == 1


def test_a_dead_holder_is_replaced_at_once() -> None:
    net = Net(6)
    names = [name for _ in range(20) for name in net.keepers[0].put()]
    assert net.run(20, lambda: net.full(names))
    victim = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    net.run(30)
    killed_at = net.now
    net.kill(victim)
    assert net.run(5, lambda: net.full(names))
    assert net.now - killed_at < DETECT_S + 2.0
    net.run(120)
    assert {len(net.holders(name)) for name in names} == {3}


def test_the_owner_dies_and_its_copies_do_not() -> None:
    net = Net(6)
    names = [name for _ in range(10) for name in net.keepers[0].put()]
    assert net.run(20, lambda: net.full(names))
    net.kill(net.keepers[0])
    assert net.run(6, lambda: net.full(names))
