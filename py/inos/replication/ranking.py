"""Who does what, where everybody must come to the same answer without asking.

Nouns: a *plan* is the order in which holders take care of a bundle that lacks copies: by XOR of BLAKE3(bundle || version) with
their ids, so that many bundles fall to many holders, and a new version to others than the last.

Invariants: equal arguments give equal answers on all nodes. Must not know: time, links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from inos.replication.needs import Neighbour

UPTIME_FULL_S = 3600.0
HEADLESS_WEIGHT = 2.0


def plan(hash_of: Callable[[bytes], bytes], bundle: bytes, version: int, holders: Iterable[bytes]) -> list[bytes]:
    """The holders in the order in which they act."""
    target = int.from_bytes(hash_of(bundle + version.to_bytes(4, "little")), "big")
    return sorted(holders, key=lambda peer: target ^ int.from_bytes(peer, "big"))


def stability(one: Neighbour) -> float:
    """How much closer a node counts than it is: 0.25 (just come, hidden) to 2 (headless)."""
    weight = 0.5 + 0.5 * min(one.uptime_s / UPTIME_FULL_S, 1.0)
    weight *= 1.0 - 0.5 * min(max(one.hidden_ratio, 0.0), 1.0)
    return weight * HEADLESS_WEIGHT if one.headless else weight


def order(bundle: bytes, candidates: Iterable[Neighbour], near: set[bytes]) -> list[Neighbour]:
    """Where a copy should go, best first: who has some of its blocks already (``near``), then XOR-closest by stability."""
    target = int.from_bytes(bundle[:8], "big")

    def rank(one: Neighbour) -> tuple[bool, float]:
        distance = target ^ int.from_bytes(one.peer_id[:8], "big")
        return one.peer_id not in near, (distance + 1) / stability(one)

    return sorted(candidates, key=rank)
