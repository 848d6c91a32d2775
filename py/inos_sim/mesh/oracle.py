"""Who is really closest: what look-ups are judged by.

Invariants: knows every node that lives, and nothing of links. Distances are XOR of 256-bit ids, as everywhere.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

BITS = 256


class Oracle:
    """The ids of all live nodes, ascending."""

    def __init__(self, peer_ids: Iterable[bytes] = ()) -> None:
        self._ids = sorted(int.from_bytes(peer_id, "big") for peer_id in peer_ids)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, peer_id: bytes) -> None:
        """It lives."""
        insort(self._ids, int.from_bytes(peer_id, "big"))

    def remove(self, peer_id: bytes) -> None:
        """It is gone."""
        number = int.from_bytes(peer_id, "big")
        at = bisect_left(self._ids, number)
        assert self._ids[at] == number
        del self._ids[at]

    def ring(self) -> list[bytes]:
        """All of them, ascending."""
        return [number.to_bytes(BITS // 8, "big") for number in self._ids]

    def block(self, target: int, bits: int) -> tuple[int, int]:
        """Where those are that share the target's first ``bits`` bits."""
        low = target >> (BITS - bits) << (BITS - bits)
        return bisect_left(self._ids, low), bisect_left(self._ids, low + (1 << (BITS - bits)))

    def closest(self, target: bytes, count: int = 1) -> list[bytes]:
        """The ``count`` closest to the target, nearest first; fewer where fewer live."""
        number = int.from_bytes(target, "big")
        count = min(count, len(self._ids))
        low, high = 0, BITS  # the longest shared prefix that still has enough members
        while low < high:
            middle = (low + high + 1) // 2
            first, end = self.block(number, middle)
            low, high = (middle, high) if end - first >= count else (low, middle - 1)
        first, end = self.block(number, low)
        near = sorted(self._ids[first:end], key=lambda other: other ^ number)
        return [other.to_bytes(BITS // 8, "big") for other in near[:count]]
