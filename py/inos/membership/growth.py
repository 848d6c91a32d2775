"""The growth policy: which links a node wants, which it keeps, which it can spare.

Nouns: the *ring* is all prefixes by number, the highest next to the lowest; *siblings* are the nearest on the ring, two on each
side; *bucket* i holds those that share exactly i leading bits with us; the *gap* is the mean distance of nodes on the ring.

Theory: one link into every bucket that has nodes makes greedy routing exact (each step fixes a leading bit), siblings make
sure that the deep, nearly empty buckets are known, and random links keep the graph an expander for gossip and for healing.
A link serves both ends, so what the other end needs it for, which its link list tells, is a reason too.

Invariants: pure functions of the view. Must not know: messages, time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from inos import limits
from inos.membership.view import BUCKET, NEEDED, PARTNER, RANDOM, SIBLING, Neighbour, View, prefixes_in

RING = 1 << 64
BITS = 64
SIDE = limits.MESH_SIBLINGS_SIDE
KEPT = SIBLING | BUCKET | PARTNER | NEEDED


def bucket_of(own: int, other: int) -> int:
    """How many leading bits they share."""
    return BITS - (own ^ other).bit_length()


def siblings(own: int, ring: Sequence[int], side: int = SIDE) -> list[int]:
    """Those nearest to ``own`` on each side of it, of the others in ``ring`` (ascending, distinct)."""
    at = bisect_left(ring, own)
    after = at + (at < len(ring) and ring[at] == own)
    others = len(ring) - (after - at)
    if others <= 2 * side:
        return [prefix for prefix in ring if prefix != own]
    size = len(ring)
    return [ring[(at - 1 - i) % size] for i in range(side)] + [ring[(after + i) % size] for i in range(side)]


def span_gap(own: int, ring: Sequence[int]) -> float | None:
    """The mean gap as it looks from ``own``; None where too few are known for a guess."""
    if len(ring) <= 2 * SIDE:
        return None
    near = siblings(own, ring)
    return ((near[-1] - near[SIDE - 1]) % RING) / (2 * SIDE)


def gap_of(view: View, seen: Iterable[int]) -> float:
    """The mean distance of nodes: the median of what we and each neighbour see around ourselves, and no more than what
    all that we see would make. A few liars do not move a median."""
    gaps = [span_gap(view.prefix, sorted(view.by_prefix))]
    gaps += [span_gap(n.prefix, prefixes_in(n.links)) for n in view.active.values()]
    told = [gap for gap in gaps if gap]
    most = RING / (1 + len(set(seen)))
    return min(most, median(told)) if told else most


def buckets(view: View) -> list[tuple[int, int, int]]:
    """Index, links and other contacts of each bucket that has any."""
    found: dict[int, list[int]] = {}
    for prefix in view.by_prefix:
        found.setdefault(bucket_of(view.prefix, prefix), [0, 0])[0] += 1
    for known in view.passive.values():
        found.setdefault(bucket_of(view.prefix, known.prefix), [0, 0])[1] += 1
    return [(index, links, known) for index, (links, known) in sorted(found.items())]


class Roles(NamedTuple):
    """How many links there are of each kind."""

    siblings: int
    buckets: int
    spare: int


def assign(view: View, per_bucket: int) -> Roles:
    """Give every neighbour its roles (PARTNER stays as it is)."""
    own = view.prefix
    near = set(siblings(own, sorted(view.by_prefix)))
    filled: dict[int, int] = {}
    spare = 0
    for neighbour in view.active.values():  # the oldest first
        roles = neighbour.roles & PARTNER
        bucket = bucket_of(own, neighbour.prefix)
        if neighbour.prefix in near:
            roles |= SIBLING
        if filled.get(bucket, 0) < per_bucket and not neighbour.suspect:
            filled[bucket] = filled.get(bucket, 0) + 1
            roles |= BUCKET
        if is_needed_by(neighbour, own):
            roles |= NEEDED
        if not roles & (SIBLING | BUCKET):
            spare += 1
            if spare <= limits.MESH_RANDOM_LINKS:
                roles |= RANDOM
        neighbour.roles = roles
    return Roles(len(near), len(filled), spare)


def is_needed_by(neighbour: Neighbour, own: int) -> bool:
    """Whether the other end has us as a sibling, or as its only link into our bucket."""
    if not neighbour.links:
        return True  # it has not told yet
    ring = prefixes_in(neighbour.links)
    if own in siblings(neighbour.prefix, ring):
        return True
    bucket = bucket_of(neighbour.prefix, own)
    return not any(other != own and bucket_of(neighbour.prefix, other) == bucket for other in ring)


def missing(view: View, seen: Sequence[int], known: Iterable[int], per_bucket: int) -> list[int]:
    """Prefixes of those that a link is wanted to, most wanted first: siblings, then empty buckets from the widest on.

    ``seen``: all that the neighbours link to; ``known``: passive contacts.
    """
    own, linked = view.prefix, view.by_prefix
    ring = sorted({*seen, *known, *linked} - {own})
    wanted = [prefix for prefix in siblings(own, ring) if prefix not in linked]
    filled: dict[int, int] = {}
    for prefix in linked:
        bucket = bucket_of(own, prefix)
        filled[bucket] = filled.get(bucket, 0) + 1
    choice: dict[int, list[int]] = {}
    for prefix in ring:
        bucket = bucket_of(own, prefix)
        if filled.get(bucket, 0) < per_bucket and prefix not in linked:
            choice.setdefault(bucket, []).append(prefix)
    # Everybody prefers another one of a bucket, or one node would be everybody's.
    wanted += [min(choice[bucket], key=lambda prefix: mix(prefix ^ own)) for bucket in sorted(choice)]
    return list(dict.fromkeys(wanted))


def mix(number: int) -> int:
    """Spread 64 bits evenly (splitmix64), so that order says nothing of distance."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % RING
    number = (number ^ number >> 27) * 0x94D049BB133111EB % RING
    return number ^ number >> 31


def least_useful(view: View) -> Neighbour | None:
    """A link that neither end has a reason for: of those, one whose other end has the most links."""
    spare = [n for n in view.active.values() if not n.roles & (KEPT | RANDOM)]
    return max(spare, key=lambda n: (len(n.links), n.prefix)) if spare else None
