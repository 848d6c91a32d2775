"""One node's part of each topic's tree: to whom it pushes rumors, and to whom it only says that it has them (PlumTree).

Nouns: an *eager* link gets copies, a *lazy* one ids; a link that is lazy because it was *pruned* brought or got a duplicate. A
tree is *unsettled* while duplicates come.

Invariants: no link is eager and pruned at once; at most GOSSIP_TOPICS_MAX trees, the longest unused is forgotten; nothing is
kept for a link that is down.
Must not know: rumors.
"""

from __future__ import annotations

from collections.abc import Iterable

from inos import limits
from inos.bucket import TokenBucket
from inos.ports import Entropy

UNSETTLED = 8  # rumors without a duplicate until a tree counts as settled


class Tree:
    """Of one topic."""

    __slots__ = ("_buckets", "eager", "pruned", "unsettled", "widened_until")

    def __init__(self, eager: set[bytes]) -> None:
        self.eager = eager
        self.pruned: set[bytes] = set()
        self.unsettled = UNSETTLED
        self.widened_until = 0.0
        self._buckets: dict[bytes, TokenBucket] = {}

    def graft(self, peer: bytes) -> None:
        """The link is eager now."""
        self.eager.add(peer)
        self.pruned.discard(peer)

    def prune(self, peer: bytes) -> None:
        """The link is lazy now, for having been of no use."""
        self.eager.discard(peer)
        self.pruned.add(peer)

    def forget(self, peer: bytes) -> None:
        """The link is down."""
        self.eager.discard(peer)
        self.pruned.discard(peer)
        self._buckets.pop(peer, None)

    def allow(self, peer: bytes, now: float) -> bool:
        """Whether this peer may bring one more rumor."""
        bucket = self._buckets.get(peer)
        if bucket is None:
            bucket = self._buckets[peer] = TokenBucket(limits.GOSSIP_RATE_PER_S, limits.GOSSIP_BURST)
        return bucket.take(now)


class Trees:
    """Of all topics."""

    __slots__ = ("_entropy", "_trees")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._trees: dict[bytes, Tree] = {}

    def __len__(self) -> int:
        return len(self._trees)

    def get(self, topic: bytes) -> Tree | None:
        """The tree of a topic that is known."""
        return self._trees.get(topic)

    def of(self, topic: bytes, neighbours: Iterable[bytes]) -> Tree:
        """The tree; a new one is eager to some of the neighbours, drawn by lot."""
        trees = self._trees
        tree = trees.get(topic)
        if tree is None:
            while len(trees) >= limits.GOSSIP_TOPICS_MAX:
                del trees[next(iter(trees))]
            tree = trees[topic] = Tree(set(self.draw(list(neighbours), limits.GOSSIP_EAGER_LINKS)))
        elif len(trees) > 1:
            del trees[topic]  # to the end: the one used last
            trees[topic] = tree
        return tree

    def forget(self, peer: bytes) -> None:
        """A link is down."""
        for tree in self._trees.values():
            tree.forget(peer)

    def draw(self, peers: list[bytes], count: int) -> list[bytes]:
        """So many of these, by lot; ``peers`` is used up."""
        if len(peers) <= count:
            return peers
        chance = int.from_bytes(self._entropy.random(8 + 2 * count), "little")
        chosen = []
        for _ in range(count):
            chance, place = divmod(chance, len(peers))
            chosen.append(peers[place])
            peers[place] = peers[-1]
            peers.pop()
        return chosen
