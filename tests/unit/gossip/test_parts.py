"""What gossip is made of: the store, the trees, the table of what lacks, names and seals."""

from __future__ import annotations

import random
from itertools import count

import pytest
from gossip_world import SeededEntropy

from inos import limits
from inos.errors import CorruptError
from inos.gossip.missing import ANNOUNCERS_MAX, MissingTable
from inos.gossip.rumors import RoomKeys
from inos.gossip.sealing import BlockSealer
from inos.gossip.store import Entry, Store
from inos.gossip.trees import Trees
from inos.tasks import Tasks
from inos_host.kernels import make_ports


def entry_of(length: int, at: float) -> Entry:
    return Entry(bytes(length), bytes(64), bytes(16), 1 << 50, 1, b"peer", at)


def ids():
    return (number.to_bytes(16, "big") for number in count())


def test_what_is_kept_is_bounded_in_bytes_and_goes_by_age():
    store, names = Store(), ids()
    for at in range(400):
        store.keep(next(names), entry_of(15_000, at / 100), at / 100)
    assert len(store) == limits.GOSSIP_CACHE_BYTES_MAX // 15_000
    assert bytes(16) in store  # though its bytes are gone
    assert store.get(bytes(16)) is None
    store.sweep(4 + limits.GOSSIP_CACHE_S)
    assert len(store) == 0
    assert bytes(16) in store
    store.sweep(4 + limits.GOSSIP_SEEN_S)
    assert bytes(16) not in store


def test_what_is_seen_is_bounded():
    store, names = Store(), ids()
    for _ in range(limits.GOSSIP_SEEN_MAX + 10):
        store.see(next(names), 1.0)
    assert store.overflows == 10
    assert bytes(16) not in store


def test_only_what_has_not_expired_is_compared():
    store = Store()
    for number, expires_ms in enumerate((5, 20, 30)):
        entry = entry_of(1, 0)
        entry.expires_ms = expires_ms
        store.keep(bytes([9 - number]) * 16, entry, 0.0)
    assert store.ids(10, 100) == [b"\x07" * 16, b"\x08" * 16]
    assert store.ids(10, 1) == [b"\x07" * 16]


def test_trees_are_bounded_and_the_one_used_last_stays():
    trees, names = Trees(SeededEntropy(random.Random(1))), ids()
    peers = [bytes([number]) for number in range(20)]
    first = next(names)
    tree = trees.of(first, peers)
    assert len(tree.eager) == limits.GOSSIP_EAGER_LINKS
    for _ in range(limits.GOSSIP_TOPICS_MAX + 5):
        trees.of(next(names), peers)
        assert trees.of(first, peers) is tree
    assert len(trees) == limits.GOSSIP_TOPICS_MAX


def test_a_link_is_never_eager_and_pruned_and_leaves_nothing_behind():
    tree = Trees(SeededEntropy(random.Random(1))).of(bytes(16), [b"a", b"b"])
    tree.prune(b"a")
    assert (tree.eager, tree.pruned) == ({b"b"}, {b"a"})
    tree.graft(b"a")
    assert (tree.eager, tree.pruned) == ({b"a", b"b"}, set())
    tree.allow(b"a", 0.0)
    tree.prune(b"b")
    tree.forget(b"a")
    tree.forget(b"b")
    assert (tree.eager, tree.pruned, tree._buckets) == (set(), set(), {})


def test_lots_are_fair_and_without_repetition():
    trees = Trees(SeededEntropy(random.Random(1)))
    drawn = [trees.draw(list(range(10)), 3) for _ in range(2_000)]
    assert all(len(set(lot)) == 3 for lot in drawn)
    counts = [sum(number in lot for lot in drawn) for number in range(10)]
    assert min(counts) > 500
    assert max(counts) < 700


def test_announcers_are_asked_one_after_the_other_the_nearest_first():
    table = MissingTable()
    for number in range(ANNOUNCERS_MAX + 5):
        assert table.announced(b"r", b"%d" % number, 20 - number, 1.0)
        assert table.announced(b"r", b"%d" % number, 1, 1.0)  # once is enough
    asked = []
    now = 1.0
    while (due := table.take_due(now)) is not None:
        asked.append(due[1])
        now += 1
        table.asked(b"r", now)
    assert asked == [b"%d" % number for number in range(ANNOUNCERS_MAX - 1, -1, -1)]
    assert len(table) == 0
    assert table.next_due() == float("inf")


def test_nothing_is_asked_for_before_it_is_due_or_after_it_came():
    table = MissingTable()
    table.announced(b"r", b"peer", 1, 5.0)
    assert table.take_due(4.9) is None
    table.pop(b"r")
    assert table.take_due(9.0) is None


def test_names_differ_by_room_and_topic_and_do_not_tell_the_topic():
    hashes = make_ports(1 << 16)[0].hashes
    one, other = (RoomKeys(hashes, bytes(32), bytes([number]) * 32) for number in (1, 2))
    names = {keys.topic_id(topic) for keys in (one, other) for topic in ("a", "b")}
    assert len(names) == 4
    assert len({keys.topic_secret(topic) for keys in (one, other) for topic in ("a", "b")}) == 4
    assert one.rumor_id(b"x") != other.rumor_id(b"x")
    assert one.topic_id("a") == RoomKeys(hashes, bytes(32), bytes([1]) * 32).topic_id("a")


def test_bodies_are_sealed_for_who_knows_the_topic():
    ports, kernels = make_ports(1 << 20)
    sealer, tasks = BlockSealer(ports), Tasks()

    def play(coroutine):
        task = tasks.spawn(coroutine, "test")
        while not task.done:
            for id, effect in tasks.poll_effects():
                try:
                    tasks.on_done(id, kernels.perform(effect), 0.0)
                except CorruptError as error:
                    tasks.on_done(id, error, 0.0)
        return task.result()

    data = random.Random(1).randbytes(limits.GOSSIP_DATA_BYTES_MAX)
    body = play(sealer.seal(bytes(32), data))
    assert data[:16] not in body
    assert len(body) <= limits.GOSSIP_RUMOR_BYTES_MAX - 128
    assert play(sealer.open(bytes(32), body)) == data
    with pytest.raises(CorruptError):
        play(sealer.open(b"\1" * 32, body))
    with pytest.raises(CorruptError):
        play(sealer.open(bytes(32), body[:-1] + bytes([body[-1] ^ 1])))
    with pytest.raises(CorruptError):
        play(sealer.open(bytes(32), b"x"))
    assert ports.arena.used() == 0
    assert sealer._slots.free == sealer._slots.units
