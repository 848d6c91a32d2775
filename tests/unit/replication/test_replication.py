"""Copies are made, counted, lost and made again; nothing is lost while one holder lives."""

from __future__ import annotations

from custody_world import DETECT_S, WALL_MS, Keeper, Net, hash_of

from inos import limits
from inos.replication.needs import Lookup, Neighbour


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


def test_the_closest_node_is_dialled_for_a_new_copy_and_not_waited_for_long() -> None:
    net = Net(12)
    owner = net.keepers[0]
    dialled: list[bytes] = []
    owner.lookup, owner.dial = closest_without_a_link, lambda peer: not dialled.append(peer)
    owner.boot()
    names = owner.put()
    assert net.run(limits.KEEP_DIAL_S + 3, lambda: net.full(names))
    assert dialled == [unlinked(name) for name in names]


def test_a_lost_copy_goes_to_a_neighbour_without_a_look_up() -> None:
    net = Net(12)
    names = [name for _ in range(20) for name in net.keepers[0].put()]
    assert net.run(20, lambda: net.full(names))
    net.run(30)
    for keeper in net.keepers:
        keeper.lookup, keeper.dial = closest_without_a_link, lambda _: True
        keeper.boot()
    net.run(30)
    killed_at = net.now
    net.kill(next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept))
    assert net.run(5, lambda: net.full(names))
    assert net.now - killed_at < DETECT_S + 2.0 < limits.KEEP_DIAL_S


def test_a_holder_without_a_link_is_asked_after_and_its_death_found_out() -> None:
    net = Net(7)
    names = net.keepers[0].put()
    assert net.run(20, lambda: net.full(names))
    net.run(5)
    one, other, third = net.holders(names[0])
    asked: list[bytes] = []

    def look_up_for(asker: Keeper) -> Lookup:
        async def found(peer: bytes) -> list[Neighbour]:
            asked.append(peer)
            await asker.tasks.sleep(0.5)
            alive = [keeper for keeper in net.keepers if keeper.alive and keeper is not asker]
            return [Neighbour(keeper.id) for keeper in sorted(alive, key=lambda keeper: keeper.id != peer)]

        return found

    for keeper in net.keepers:
        keeper.lookup = look_up_for(keeper)
        keeper.boot()
    net.cuts |= {frozenset((one.number, third.number)), frozenset((other.number, third.number))}
    for keeper in (one, other):
        keeper.rep.on_down(third.id, net.now)
        third.rep.on_down(keeper.id, net.now)
    net.run(120)
    assert {one.id, other.id, third.id} == set(asked)
    assert len(net.holders(names[0])) == 3, "whoever is found lives"
    third.end_tasks()
    killed_at = net.now
    assert net.run(40, lambda: net.full(names))
    assert net.now - killed_at < 30
    assert len(asked) < 120, "not more often than is needed"


def unlinked(bundle: bytes) -> bytes:
    """Nobody could be closer to it."""
    return bundle[:8] + bytes(24)


async def closest_without_a_link(bundle: bytes) -> list[Neighbour]:
    return [Neighbour(unlinked(bundle), linked=False)]


def test_the_owner_dies_and_its_copies_do_not() -> None:
    net = Net(6)
    names = [name for _ in range(10) for name in net.keepers[0].put()]
    assert net.run(20, lambda: net.full(names))
    net.kill(net.keepers[0])
    assert net.run(6, lambda: net.full(names))


def test_a_holder_that_froze_has_ten_seconds() -> None:
    net = Net(5)
    names = net.keepers[0].put()
    assert net.run(20, lambda: net.full(names))
    net.run(5)
    frozen = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    copied = [keeper.rep.stats()["copies_taken"] for keeper in net.keepers]
    net.freeze(frozen)
    net.run(8)
    net.thaw(frozen)
    net.run(60)
    assert [keeper.rep.stats()["copies_taken"] for keeper in net.keepers] == copied
    net.freeze(frozen)
    assert net.run(14, lambda: sum(keeper.rep.stats()["copies_taken"] for keeper in net.keepers) > sum(copied))


def test_whoever_comes_back_gets_its_place_back() -> None:
    net = Net(5)
    owner = net.keepers[0]
    names = [name for _ in range(5) for name in owner.put()]
    assert net.run(20, lambda: net.full(names))
    before = {name: {keeper.number for keeper in net.holders(name)} for name in names}
    victim = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    net.kill(victim)
    net.run(20)
    assert all(len(net.holders(name)) == 3 for name in names)
    victim.boot()
    net.run(120)
    assert {name: {keeper.number for keeper in net.holders(name)} for name in names} == before
    assert sum(keeper.rep.stats()["handed"] for keeper in net.keepers) >= 1


def test_nothing_is_copied_again_after_a_restart_of_all() -> None:
    net = Net(4)
    names = net.keepers[0].put()
    assert net.run(20, lambda: net.full(names))
    net.run(2)
    for keeper in net.keepers:
        keeper.alive = False
        keeper.fetched.clear()
    net.run(30)
    for keeper in net.keepers:
        keeper.boot()
        net.run(3)
    net.run(100)
    assert [keeper.fetched for keeper in net.keepers] == [[]] * 4
    assert [len(net.holders(name)) for name in names] == [3] * len(names)


def test_a_holder_that_lost_its_disk_is_found_out_when_it_comes_back() -> None:
    net = Net(3)
    names = net.keepers[0].put()
    assert net.run(20, lambda: net.full(names))
    net.run(2)
    victim = net.keepers[1]
    victim.alive = False
    victim.shelf.blocks.clear()
    victim.shelf.kept.clear()
    victim.boot()
    assert net.run(5, lambda: net.full(names) and bool(victim.fetched))


def test_a_liar_is_found_out_by_audits_and_replaced() -> None:
    net = Net(4)
    owner = net.keepers[0]
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    liar = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    liar.shelf.blocks = {bid: bytes(len(data)) for bid, data in liar.shelf.blocks.items()}
    other = next(keeper for keeper in net.keepers[1:] if not keeper.shelf.kept)
    assert net.run(2 * limits.AUDIT_INTERVAL_S, lambda: names[0] in other.shelf.kept)
    assert owner.penalties == [(liar.id, "IdMismatch")]
    assert liar.id not in owner.rep.book.bundles[names[0]].holders
    assert owner.rep.stats()["audits_failed"] == 1


def test_an_audit_without_an_answer_is_a_failed_one() -> None:
    net = Net(4)
    owner = net.keepers[0]
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    mute = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    mute.shelf.is_mute = True
    net.run(2 * limits.AUDIT_INTERVAL_S, lambda: bool(owner.penalties))
    assert owner.penalties == [(mute.id, "PeerStalled")]
    assert net.run(10, lambda: mute.id not in owner.rep.book.bundles[names[0]].holders)


def test_what_is_forgotten_is_released_also_by_who_was_away() -> None:
    net = Net(4)
    owner = net.keepers[0]
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    net.run(2)
    away = next(keeper for keeper in net.keepers[1:] if keeper.shelf.kept)
    away.alive = False
    owner.rep.on_down(away.id, net.now)
    owner.roots.clear()
    owner.names.clear()
    owner.rep.forget_others([])
    net.run(2)
    assert net.holders(names[0]) == []
    net.kill(owner)
    owner.boot()
    away.boot()
    assert net.run(5, lambda: not away.shelf.kept)
    assert owner.shelf.records == {}


def test_leases_run_out_and_are_renewed_while_somebody_cares() -> None:
    net = Net(3)
    owner, *others = net.keepers
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    net.run(3 * limits.RENEW_INTERVAL_S)
    until = [keeper.shelf.kept[names[0]].until_ms for keeper in others]
    assert all(one > (limits.LEASE_S + limits.RENEW_INTERVAL_S) * 1000 + WALL_MS for one in until)
    net.kill(owner)
    others[0].alive = False  # nobody renews: the other one cannot
    net.run(limits.LEASE_S + 2 * limits.RENEW_INTERVAL_S)
    assert others[1].shelf.kept == {}
    others[0].boot()
    net.run(120)
    assert [keeper.shelf.kept for keeper in others] == [{}, {}]
    assert [keeper.shelf.blocks for keeper in others] == [{}, {}]


def test_quotas_hold_and_the_next_one_takes_it() -> None:
    net = Net(4)
    owner = net.keepers[0]
    small = min(net.keepers[1:], key=lambda keeper: keeper.id)
    small.rep.taker.allowed_bytes = 15_000
    names = [name for _ in range(12) for name in owner.put(2, 2_000)]
    assert net.run(60, lambda: net.full(names))
    net.run(2)
    assert small.rep.book.guest_bytes <= 15_000
    assert owner.rep.stats()["under_replicated"] == 0


def test_a_full_disk_hands_over_and_never_drops_below() -> None:
    net = Net(6)
    owner = net.keepers[0]
    names = [name for _ in range(8) for name in owner.put(2, 2_000)]
    assert net.run(20, lambda: net.full(names))
    net.run(5)
    tight = max(net.keepers[1:], key=lambda keeper: keeper.rep.book.guest_bytes)
    before = tight.rep.book.guest_bytes
    tight.rep.allow_bytes(int(before / 2 / limits.GUEST_DISK_SHARE))
    assert net.run(60, lambda: tight.rep.book.guest_bytes <= before / 2), "others took it"
    assert net.least(names) >= 3


def test_nobody_else_lives_nothing_is_dropped() -> None:
    net = Net(3)
    names = net.keepers[0].put()
    assert net.run(20, lambda: net.full(names))
    last = net.keepers[1]
    net.kill(net.keepers[0])
    net.kill(net.keepers[2])
    net.run(20)
    last.rep.allow_bytes(0)
    net.run(200)
    assert [keeper.number for keeper in net.holders(names[0])] == [1]


def test_demand_makes_copies_for_a_while() -> None:
    net = Net(8)
    owner = net.keepers[0]
    names = owner.put(1, 5_000)
    assert net.run(20, lambda: net.full(names))
    net.run(5)
    holder = next(keeper for keeper in net.holders(names[0]) if keeper is not owner)
    bid = next(owner.rep.book.bundles[names[0]].bids())
    for _ in range(40):
        for keeper in (owner, holder):
            keeper.rep.on_served(bytes(32), bid, 5_000, net.now)
        net.run(1)
    assert 4 <= len(net.holders(names[0])) <= 3 + limits.DEMAND_COPIES_MAX
    assert owner.rep.copies_of(names)[0][1:] == (owner.rep.book.live(owner.rep.book.bundles[names[0]]), 3)
    net.run(2 * limits.DEMAND_LEASE_S)
    assert len(net.holders(names[0])) == 3


def test_more_and_fewer_copies_when_it_is_said_so() -> None:
    net = Net(6)
    owner = net.keepers[0]
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    key, (blocks, _) = next(iter(owner.roots.items()))
    owner.rep.keep(key, blocks, 5)
    assert net.run(10, lambda: net.full(names, 5))
    owner.rep.keep(key, blocks, 2)
    assert net.run(limits.SURPLUS_GRACE_S + 10, lambda: len(net.holders(names[0])) == 2)
    net.run(60)
    assert len(net.holders(names[0])) == 2


def test_a_file_of_many_parts_is_spread_in_bundles() -> None:
    net = Net(5)
    owner = net.keepers[0]
    names = owner.put(2_500, 40)
    assert len(names) == 3
    assert net.run(60, lambda: net.full(names))


def test_what_shares_blocks_goes_to_the_same_holders() -> None:
    net = Net(9)
    owner = net.keepers[0]
    first = owner.put(4, 2_000)
    assert net.run(20, lambda: net.full(first))
    net.run(2)
    _key, (blocks, _) = next(iter(owner.roots.items()))
    more = net.rng.randbytes(2_000)
    bid = hash_of(more)
    owner.shelf.own[bid] = owner.shelf.blocks[bid] = more
    second = owner.rep.keep(bid, [*blocks, (bid, 2_000)])
    owner.names += second
    assert net.run(20, lambda: net.full(second))
    assert {k.number for k in net.holders(second[0])} == {k.number for k in net.holders(first[0])}
    assert sum(len(keeper.fetched) for keeper in net.keepers) == 2 * 4 + 2, "only what was new travelled"
