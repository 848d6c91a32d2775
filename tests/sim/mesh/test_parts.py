"""Clock, oracle, notary and the drawn links."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inos import limits
from inos_sim.mesh.clock import Clock
from inos_sim.mesh.keys import Notary
from inos_sim.mesh.oracle import Oracle
from inos_sim.mesh.prebuilt import Plan

IDS = st.binary(min_size=32, max_size=32)


def test_what_is_set_happens_in_order_of_time_then_of_setting() -> None:
    clock, seen = Clock(), []
    clock.at(2.0, seen.append, "c")
    clock.at(1.0, seen.append, "a")
    clock.at(2.0, seen.append, "d")
    clock.at(1.0, lambda: clock.at(0.0, seen.append, "b"))  # what is past happens next
    assert not clock.run_until(1.5)
    assert (seen, clock.now) == (["a", "b"], 1.5)
    assert clock.run_for(9.0, lambda: "d" in seen)
    assert (seen, clock.now, clock.events) == (["a", "b", "c", "d"], 2.0, 5)


@settings(deadline=None)
@given(st.sets(IDS, min_size=1, max_size=60), IDS, st.integers(1, 9), st.randoms())
def test_the_oracle_is_right(ids: set[bytes], target: bytes, count: int, rng: random.Random) -> None:
    near = [bytes([*target[:31], last]) for last in range(3)]
    ids |= set(near)
    oracle = Oracle(ids)
    gone = rng.sample(sorted(ids), len(ids) // 3)
    for peer_id in gone:
        oracle.remove(peer_id)
    for peer_id in gone[::2]:
        oracle.add(peer_id)
    alive = ids - set(gone[1::2])
    by_distance = sorted(alive, key=lambda other: int.from_bytes(other, "big") ^ int.from_bytes(target, "big"))
    assert oracle.closest(target, count) == by_distance[:count]
    assert len(oracle) == len(alive)


@pytest.mark.parametrize("real", [True, False])
def test_a_signature_is_one_device_and_one_text(real: bool) -> None:
    notary = Notary(1, real=real)
    one, other = notary.enrol(), notary.enrol()
    signature = notary.sign(0, b"text")
    assert (len(one), len(signature)) == (32, 64)
    assert one != other
    for _ in range(2):  # the second time from memory
        assert notary.verify(one, signature, b"text")
        assert not notary.verify(other, signature, b"text")
        assert not notary.verify(one, signature, b"texts")
        assert not notary.verify(one, bytes(64), b"text")


def test_modelled_keys_and_signatures_pass_the_strict_checks() -> None:
    from inos.ed25519_strict import precheck

    notary = Notary(1, real=False)
    for device in range(200):
        public_key = notary.enrol()
        assert precheck(public_key, notary.sign(device, b"text"))


@pytest.mark.parametrize("nodes", [2, 3, 9, 1_000])
def test_drawn_links_follow_the_policy(nodes: int) -> None:
    rng = random.Random(nodes)
    prefixes = [rng.getrandbits(64) for _ in range(nodes)]
    plan = Plan(prefixes, 1)
    order = sorted(range(nodes), key=prefixes.__getitem__)
    for at, one in enumerate(order):
        links = plan.links[one]
        assert one not in links
        assert all(one in plan.links[other] for other in links)
        assert len(links) <= limits.MESH_LINKS_MAX
        for step in range(1, limits.MESH_SIBLINGS_SIDE + 1):
            assert {order[(at - step) % nodes], order[(at + step) % nodes]} - {one} <= links
        buckets = {(prefixes[one] ^ prefix).bit_length() for prefix in prefixes} - {0}
        assert {(prefixes[one] ^ prefixes[other]).bit_length() for other in links} == buckets
    if nodes == 1_000:
        assert 17 <= sum(map(len, plan.links)) / nodes <= 22
    assert plan.pairs() == Plan(prefixes, 1).pairs()
    assert len(plan.pairs()) == sum(map(len, plan.links)) // 2
