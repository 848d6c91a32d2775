"""The links that a mesh of N nodes would have after it has grown for long, drawn at once.

Policy as in ``inos.membership``: so many siblings on each side by number, so many links a bucket (counting those that others
made), and some random ones. Invariants: symmetric, nobody to itself, nobody with more links than a node keeps; the same seed
draws the same. Must not know: meshes, time.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence

from inos import limits

ID_BITS = 64  # of a prefix: what tells nodes apart
PER_BUCKET, PER_BUCKET_BIG = 1, 2


class Plan:
    """Who is linked to whom, by number of node. Nodes are given by the prefixes of their ids."""

    def __init__(self, prefixes: Sequence[int], seed: int) -> None:
        self._prefixes = prefixes
        self._order = sorted(range(len(prefixes)), key=prefixes.__getitem__)
        self._sorted = [prefixes[number] for number in self._order]
        self._rng = random.Random(f"{seed}|prebuilt")
        self.links: list[set[int]] = [set() for _ in prefixes]
        is_big = len(prefixes) > limits.MESH_BIG_NODES
        per_bucket = PER_BUCKET_BIG if is_big else PER_BUCKET
        soft = limits.MESH_LINKS_SOFT_BIG if is_big else limits.MESH_LINKS_SOFT
        self._links_max = (
            soft + limits.MESH_LINKS_HYSTERESIS
        )  # nobody keeps more, so there is room for siblings to come
        self._siblings()
        numbers = list(range(len(prefixes)))
        self._rng.shuffle(numbers)
        for number in numbers:
            self._buckets(number, per_bucket)
        for number in numbers:
            self._random(number)

    def pairs(self) -> list[tuple[int, int]]:
        """Each link once."""
        return [(one, other) for one, others in enumerate(self.links) for other in sorted(others) if one < other]

    def _link(self, one: int, other: int) -> bool:
        links = self.links
        if one == other or other in links[one]:
            return False
        if max(len(links[one]), len(links[other])) >= self._links_max:
            return False
        links[one].add(other)
        links[other].add(one)
        return True

    def _siblings(self) -> None:
        """The numbers are a ring: the highest lies next to the lowest."""
        order = self._order
        for at, one in enumerate(order):
            for step in range(1, limits.MESH_SIBLINGS_SIDE + 1):
                self._link(one, order[(at + step) % len(order)])

    def _buckets(self, number: int, per_bucket: int) -> None:
        prefix = self._prefixes[number]
        filled: dict[int, int] = {}
        for other in self.links[number]:
            bucket = (prefix ^ self._prefixes[other]).bit_length()
            filled[bucket] = filled.get(bucket, 0) + 1
        for bucket in range(ID_BITS, 0, -1):  # of those whose distance has so many bits
            low = (prefix >> bucket << bucket) | ((prefix >> bucket - 1 & 1 ^ 1) << bucket - 1)
            first, end = bisect_left(self._sorted, low), bisect_left(self._sorted, low + (1 << bucket - 1))
            missing = min(per_bucket, end - first) - filled.get(bucket, 0)
            for _ in range(3 * missing):  # some draws may be taken already
                if missing > 0 and self._link(number, self._order[self._rng.randrange(first, end)]):
                    missing -= 1
            if self._alone(prefix, bucket - 1):
                break

    def _alone(self, prefix: int, bits: int) -> bool:
        """Whether nobody else shares all but the last ``bits`` bits."""
        low = prefix >> bits << bits
        return bisect_left(self._sorted, low + (1 << bits)) - bisect_left(self._sorted, low) <= 1

    def _random(self, number: int) -> None:
        """Half of them: each link is a random one for its other end, too."""
        wanted = (limits.MESH_RANDOM_LINKS + self._rng.randrange(2)) // 2
        for _ in range(3 * wanted):
            if wanted > 0 and self._link(number, self._rng.randrange(len(self.links))):
                wanted -= 1
