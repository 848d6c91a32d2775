"""The growth policy: siblings on the ring, a link in each bucket, and what may be dropped."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from inos.membership import growth
from inos.membership.view import BUCKET, NEEDED, RANDOM, SIBLING, View, link_list

prefixes = st.integers(0, (1 << 64) - 1)


@given(own=prefixes, others=st.sets(prefixes, max_size=40))
def test_siblings_are_the_nearest_on_each_side_of_the_ring(own, others):
    others.discard(own)
    found = growth.siblings(own, sorted(others | {own}))
    assert found == growth.siblings(own, sorted(others)), "whether we are in it ourselves makes no difference"
    before = sorted(others, key=lambda p: (own - p) % growth.RING)[:2]
    after = sorted(others, key=lambda p: (p - own) % growth.RING)[:2]
    assert set(found) == set(before) | set(after)


def test_buckets_count_shared_bits():
    assert growth.bucket_of(0, 1 << 63) == 0
    assert growth.bucket_of(0b1010 << 60, 0b1000 << 60) == 2
    assert growth.bucket_of(5, 4) == 63


def a_view(nodes: int, seed: int) -> tuple[View, list[int]]:
    """A node of a mesh of so many, with its siblings and some others, who have told their links."""
    rng = random.Random(seed)
    ring = sorted(rng.getrandbits(64) for _ in range(nodes))
    own = ring[nodes // 2]
    view = View(own.to_bytes(8, "big") + bytes(24))
    linked = {*growth.siblings(own, ring), *rng.sample(ring, 20)} - {own}
    for prefix in sorted(linked):
        neighbour = view.add(prefix.to_bytes(8, "big") + bytes(24), 0.0)
        theirs = {*growth.siblings(prefix, ring), *rng.sample(ring, 15), own} - {prefix}
        view.set_links(neighbour, link_list(theirs))
    return view, ring


def test_the_size_of_the_mesh_is_seen_from_the_distances_of_siblings():
    for nodes in (60, 1_000, 20_000):
        guesses = []
        for seed in range(10):
            view, _ = a_view(nodes, seed)
            guesses.append(growth.RING / growth.gap_of(view, ()) / nodes)
        assert 0.6 < sorted(guesses)[5] < 1.6
        assert all(0.35 < guess < 2.5 for guess in guesses)


def test_a_few_liars_do_not_move_the_guess_of_the_size():
    view, _ = a_view(1_000, 1)
    honest = growth.gap_of(view, ())
    for neighbour in list(view.active.values())[:6]:
        view.set_links(neighbour, link_list({neighbour.prefix ^ n for n in range(1, 9)}))
    assert 0.5 < growth.gap_of(view, ()) / honest < 2


def test_missing_are_true_siblings_first_then_one_for_each_empty_bucket():
    view, ring = a_view(300, 3)
    own = view.prefix
    true = growth.siblings(own, ring)
    view.remove(true[0].to_bytes(8, "big") + bytes(24))
    wanted = growth.missing(view, ring, (), 1)
    assert wanted[0] == true[0]
    have = {growth.bucket_of(own, p) for p in view.by_prefix}
    empty = {growth.bucket_of(own, p) for p in ring if p != own} - have
    assert {growth.bucket_of(own, p) for p in wanted} >= empty
    assert not set(wanted) & set(view.by_prefix)


def test_only_what_neither_end_needs_is_dropped():
    view, _ = a_view(2_000, 4)
    roles = growth.assign(view, 1)
    assert roles.siblings == 4
    assert sum(bool(n.roles & SIBLING) for n in view.active.values()) == 4
    assert sum(bool(n.roles & RANDOM) for n in view.active.values()) <= 5
    least = growth.least_useful(view)
    assert least is not None
    assert not least.roles & (SIBLING | BUCKET | RANDOM | NEEDED)
    # Its own list says that it needs us now: as a sibling, or as its only link into our bucket.
    view.set_links(least, link_list({view.prefix}))
    growth.assign(view, 1)
    assert least.roles & NEEDED
    assert growth.least_useful(view) is not least
