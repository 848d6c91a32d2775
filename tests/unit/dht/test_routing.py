"""The next hop: the best by brute force, never a loop, exact on random meshes."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from inos.dht.routing import BITS, Sight
from inos.membership import growth
from inos.membership.view import View, link_list

small = st.integers(0, 1023).map(lambda n: n << 54 | n)  # few, close to each other: many ties of leading bits


def peer_id(prefix: int) -> bytes:
    return prefix.to_bytes(8, "big") + bytes(24)


def a_view(own: int, links: dict[int, set[int]], suspects: set[int] = frozenset()) -> View:
    view = View(peer_id(own))
    for prefix, theirs in links.items():
        if prefix != own:
            neighbour = view.add(peer_id(prefix), 0.0)
            neighbour.suspect = prefix in suspects
            view.set_links(neighbour, link_list(theirs - {prefix}))
    return view


@settings(max_examples=300)
@given(
    own=small,
    links=st.dictionaries(small, st.sets(small, max_size=6), max_size=8),
    target=small,
    shut=st.tuples(st.sets(small, max_size=4), st.sets(small, max_size=4), st.sets(small, max_size=4)),
    suspects=st.sets(small, max_size=3),
    blind=st.booleans(),
)
def test_the_hop_is_the_best_there_is(own, links, target, shut, suspects, blind):
    visited, tried, missed = shut
    view = a_view(own, links, suspects)
    floor = own ^ target
    hop = Sight(view).choose(target, floor, visited, tried, missed, blind=blind)
    ways = [(p, p) for p in view.by_prefix]
    if not blind:
        ways += [(n.prefix, p) for n in view.active.values() for p in links[n.prefix] if p not in (own, n.prefix)]
    aims = {
        (first, aim)
        for first, aim in ways
        if aim ^ target < floor
        and first not in tried
        and first not in visited
        and aim not in visited
        and (aim not in missed or (aim == target and first == aim) or blind)
    }
    sound = {way for way in aims if way[0] not in suspects}
    if hop is None:
        assert not aims
        return
    way = (hop.neighbour.prefix, hop.neighbour.prefix if hop.via is None else hop.via)
    assert way in aims
    if sound and way != (target, target):
        assert way[1] ^ target == min(aim ^ target for _, aim in sound)
        assert not hop.neighbour.suspect


@given(
    own=small,
    links=st.dictionaries(small, st.sets(small, max_size=9), max_size=9),
    target=small,
    count=st.integers(0, 40),
)
def test_the_closest_in_sight_are_the_closest(own, links, target, count):
    view = a_view(own, links)
    seen = set(view.by_prefix) | {p for n in view.active.values() for p in links[n.prefix]} - {own}
    for neighbour in view.active.values():
        seen |= links[neighbour.prefix] - {own}
    assert Sight(view).closest(target, count) == sorted(seen, key=target.__xor__)[:count]


def test_sight_follows_changes():
    view = a_view(0, {5 << 60: {7 << 60}})
    sight = Sight(view)
    assert list(sight.all()) == [5 << 60, 7 << 60]
    view.set_links(view.by_prefix[5 << 60], b"")
    assert list(sight.all()) == [5 << 60]
    view.remove(peer_id(5 << 60))
    assert list(sight.all()) == []


def a_mesh(nodes: int, seed: int) -> dict[int, Sight]:
    """The policy's links: siblings, one random link into each bucket, symmetric; lists told."""
    rng = random.Random(seed)
    ring = sorted({rng.getrandbits(BITS) for _ in range(nodes)})
    links: dict[int, set[int]] = {p: set() for p in ring}
    for own in ring:
        chosen = set(growth.siblings(own, ring))
        buckets: dict[int, list[int]] = {}
        for other in ring:
            if other != own:
                buckets.setdefault(growth.bucket_of(own, other), []).append(other)
        chosen |= {rng.choice(bucket) for bucket in buckets.values()}
        for other in chosen:
            links[own].add(other)
            links[other].add(own)
    return {own: Sight(a_view(own, {n: links[n] for n in links[own]})) for own in ring}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), nodes=st.integers(2, 120), blind=st.booleans())
def test_greedy_routing_ends_at_the_closest_of_all_without_a_loop(seed, nodes, blind):
    mesh = a_mesh(nodes, seed)
    rng = random.Random(seed)
    for _ in range(20):
        target, at = rng.getrandbits(BITS), rng.choice(list(mesh))
        path, via = [at], None
        while True:
            if via is not None:
                at, via = via, None
            else:
                hop = mesh[at].choose(target, min(p ^ target for p in path), path, blind=blind)
                if hop is None:
                    break
                at, via = hop.neighbour.prefix, hop.via
            assert at not in path
            path.append(at)
        assert at == min(mesh, key=target.__xor__)
        assert len(path) <= 16
