"""Which hop is next: greedy by XOR, with the sight of two hops (NoN).

Nouns: a *hop* is a neighbour and, when the aim is one of its own links, that link's prefix (``via``); the *floor* is the
distance that a hop must beat.

Theory: neighbours tell their link lists, so a node sees some 25 x 25 nodes. All their prefixes lie in one sorted array; the
closest to a target shares the longest run of leading bits with it: the array is walked as the trie that it is. It is made when
first needed after a change (some 100 us) and then answers in a few.

Invariants: every hop beats the floor, so a chain of hops without failures gets strictly closer with each commitment and
cannot loop; visited nodes are never chosen. Must not know: messages, time-outs.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

from inos.membership.view import Neighbour, View, prefixes_in

BITS = 64
LEAF = 8  # so few are sorted rather than split further
_NONE: frozenset[int] = frozenset()


class Hop(NamedTuple):
    """The neighbour to send to, and the second hop to ask of it (None: it is the aim, or shall choose)."""

    neighbour: Neighbour
    via: int | None


class Sight:
    """What a node sees from where it stands."""

    __slots__ = ("_owners", "_prefixes", "_version", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self._version = -1
        self._prefixes: array[int] = array("Q")
        self._owners: list[Neighbour] = []  # by place in _prefixes

    def choose(
        self,
        target: int,
        floor: int,
        visited: Collection[int] = _NONE,
        tried: Collection[int] = _NONE,
        missed: Collection[int] = _NONE,
        *,
        blind: bool = False,
    ) -> Hop | None:
        """The best hop towards ``target`` that beats ``floor`` (a distance).

        Never to or through ``visited`` nodes, not to a neighbour in ``tried``, not through to a node in ``missed``. ``blind``: by
        our own links only, which are to nodes that proved their ids; what neighbours say of theirs is not looked at.
        """
        direct = self.view.by_prefix.get(target)
        if direct is not None and target not in tried and target not in visited and floor:
            return Hop(direct, None)
        if blind:
            own = (
                n for p, n in self.view.by_prefix.items() if p ^ target < floor and p not in tried and p not in visited
            )
            best = min(own, key=lambda n: (n.suspect, n.prefix ^ target), default=None)
            return Hop(best, None) if best is not None else None
        spare: Hop | None = None
        for prefix in self._nearest(target, floor):
            if prefix in visited or prefix in missed:
                continue
            hop = self._towards(prefix, visited, tried)
            if hop is None:
                continue
            if not hop.neighbour.suspect:
                return hop
            spare = spare or hop
        return spare

    def closest(self, target: int, count: int) -> list[int]:
        """Prefixes of those we see closest to ``target``, neighbours and theirs, nearest first."""
        return list(islice(self._nearest(target, 1 << BITS), count))

    def all(self) -> array[int]:
        """Everybody we see, ascending, once for each neighbour that leads there."""
        self._look()
        return self._prefixes

    # --- inside -------------------------------------------------------------------------------------------------------

    def _towards(self, prefix: int, visited: Collection[int], tried: Collection[int]) -> Hop | None:
        direct = self.view.by_prefix.get(prefix)
        if direct is not None and prefix not in tried and not direct.suspect:
            return Hop(direct, None)
        prefixes, best = self._prefixes, None
        at = bisect_left(prefixes, prefix)
        while at < len(prefixes) and prefixes[at] == prefix:
            owner = self._owners[at]
            at += 1
            if owner.prefix in tried or owner.prefix in visited or (owner is direct):
                continue
            if not owner.suspect:
                return Hop(owner, prefix)
            best = best or Hop(owner, prefix)
        if direct is not None and prefix not in tried:
            return Hop(direct, None)
        return best

    def _nearest(self, target: int, floor: int) -> Iterator[int]:
        """Distinct prefixes closer to ``target`` than ``floor``, nearest first."""
        self._look()
        prefixes = self._prefixes
        last = -1
        # Ranges of the array whose prefixes agree above ``bit``: as in a trie, the half that agrees with the target goes first.
        ranges = [(0, len(prefixes), BITS - 1)]
        while ranges:
            low, high, bit = ranges.pop()
            if high - low > LEAF and bit >= 0:
                middle = bisect_left(prefixes, (prefixes[low] >> bit | 1) << bit, low, high)
                halves = ((low, middle, bit - 1), (middle, high, bit - 1))
                ranges += halves if target >> bit & 1 else halves[::-1]
                continue
            for prefix in sorted(prefixes[low:high], key=target.__xor__):
                if prefix ^ target >= floor:
                    return
                if prefix != last:
                    yield prefix
                    last = prefix

    def _look(self) -> None:
        if self._version == self.view.version:
            return
        own = self.view.prefix
        pairs: list[tuple[int, Neighbour]] = []
        for neighbour in self.view.active.values():
            pairs.append((neighbour.prefix, neighbour))
            pairs += [(prefix, neighbour) for prefix in prefixes_in(neighbour.links) if prefix != own]
        pairs.sort(key=lambda pair: pair[0])
        self._prefixes = array("Q", [prefix for prefix, _ in pairs])
        self._owners = [neighbour for _, neighbour in pairs]
        self._version = self.view.version
