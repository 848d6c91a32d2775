"""Bundles, and the book of all that a node knows of: its own, and those it keeps for others.

Nouns: as in the package. A *book* finds bundles by name, by holder and by block; a holder is *live* until the mesh says that
it is dead, also where we have no link to it.

Invariants: ``of_peer`` has a bundle under each of its holders but ourselves; a bundle in the book is held here, whole and
durable. Must not know: messages, who decides what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from inos import limits
from inos.wire.custody import ID_BYTES, ROW_BYTES, pack_rows

Block = tuple[bytes, int]
VERSION_MAX = (1 << 32) - 1
NO_EXTRAS: dict[bytes, float] = {}  # shared by all that have none, never changed
NOBODY: frozenset[bytes] = frozenset()


class Bundle:
    """A bundle that is held here. ``rows`` are packed; ``until_ms``: of our lease, 0 for an own bundle."""

    __slots__ = (
        "asker",
        "bytes",
        "copies",
        "deficient_since",
        "due",
        "extras",
        "holders",
        "id",
        "key",
        "leaving",
        "owner",
        "rows",
        "stands_for",
        "stands_until",
        "temporary",
        "until_ms",
        "version",
    )

    def __init__(self, name: bytes, owner: bytes, key: bytes, blocks: Iterable[Block], copies: int) -> None:
        blocks = list(blocks)
        self.id = name
        self.owner = owner
        self.key = key
        self.rows = pack_rows(blocks)
        self.bytes = sum(length for _, length in blocks)
        self.copies = copies
        self.holders: tuple[bytes, ...] = ()
        self.version = 0
        self.asker = owner
        self.until_ms = 0
        self.temporary = False
        self.stands_for = b""  # a holder whose place this copy takes
        self.stands_until = 0.0
        self.deficient_since = -1.0  # when a holder was found dead, while copies lack
        self.leaving = NOBODY  # holders that have no room: they hold it until others do
        self.due = -1.0  # when the placer looks at it; -1: not
        self.extras: dict[bytes, float] = NO_EXTRAS  # copies for demand, and until when

    def renew(self) -> None:
        """Another version. A holder may tell any number: from the last one on it stays, and only the plan's order with it."""
        self.version = min(self.version + 1, VERSION_MAX)

    def bids(self) -> Iterator[bytes]:
        """Names of its blocks."""
        for at in range(0, len(self.rows), ROW_BYTES):
            yield self.rows[at : at + ID_BYTES]


def bundle_id(hash_of: Callable[[bytes], bytes], bids: Iterable[bytes]) -> bytes:
    """The name of the bundle of these blocks."""
    return hash_of(b"".join(sorted(bids)))


def cut(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """The blocks of a root as bundles: in the order of their names, so that the same blocks make the same bundles."""
    part: list[Block] = []
    size = 0
    for bid, length in sorted(set(blocks)):
        if part and (size + length > limits.BUNDLE_BYTES_MAX or len(part) == limits.BUNDLE_BLOCKS_MAX):
            yield part
            part, size = [], 0
        part.append((bid, length))
        size += length
    if part:
        yield part


class Book:
    """All bundles that are held here."""

    __slots__ = ("_further", "bundles", "gone", "guest_bytes", "guests_of", "me", "of_bid", "of_peer", "up")

    def __init__(self, me: bytes) -> None:
        self.me = me
        self.bundles: dict[bytes, Bundle] = {}
        self.of_peer: dict[bytes, dict[bytes, None]] = {}  # names in order: one seed is one run
        self.of_bid: dict[bytes, bytes] = {}  # the first bundle that has the block
        self._further: dict[bytes, list[bytes]] = {}  # and others that have it
        self.up: set[bytes] = set()  # peers with a link now
        self.gone: dict[bytes, float] = {}  # peers that were found dead, and have not come back
        self.guests_of: dict[bytes, list[int]] = {}  # asker -> bundles and bytes that are kept for it
        self.guest_bytes = 0

    def add(self, bundle: Bundle) -> None:
        """It is here now."""
        assert bundle.id not in self.bundles
        self.bundles[bundle.id] = bundle
        for bid in bundle.bids():
            if self.of_bid.setdefault(bid, bundle.id) != bundle.id:
                self._further.setdefault(bid, []).append(bundle.id)
        if bundle.owner != self.me:
            self._count(bundle, 1)
        holders, bundle.holders = bundle.holders, ()
        self.set_holders(bundle, {*holders, self.me})

    def remove(self, bundle: Bundle) -> None:
        """It is not here any more, or not wanted."""
        self.set_holders(bundle, ())
        del self.bundles[bundle.id]
        for bid in bundle.bids():
            self._forget(bid, bundle.id)
        if bundle.owner != self.me:
            self._count(bundle, -1)

    def _forget(self, bid: bytes, name: bytes) -> None:
        further = self._further.get(bid, [])
        if self.of_bid[bid] == name:
            if not further:
                del self.of_bid[bid]
                return
            self.of_bid[bid] = further.pop(0)
        else:
            further.remove(name)
        if not further:
            del self._further[bid]

    def with_block(self, bid: bytes) -> list[Bundle]:
        """Every bundle that has a block."""
        first = self.of_bid.get(bid)
        return [] if first is None else [self.bundles[name] for name in (first, *self._further.get(bid, ()))]

    def _count(self, bundle: Bundle, sign: int) -> None:
        self.guest_bytes += sign * bundle.bytes
        kept = self.guests_of.setdefault(bundle.asker, [0, 0])
        kept[0] += sign
        kept[1] += sign * bundle.bytes
        if kept[0] == 0:
            del self.guests_of[bundle.asker]

    def set_holders(self, bundle: Bundle, holders: Iterable[bytes]) -> None:
        """Who holds it from now on."""
        after = tuple(sorted(set(holders)))
        for peer in bundle.holders:
            if peer not in after and peer != self.me:
                self.of_peer[peer].pop(bundle.id, None)
                if not self.of_peer[peer]:
                    del self.of_peer[peer]
        for peer in after:
            if peer != self.me:
                self.of_peer.setdefault(peer, {})[bundle.id] = None
        bundle.holders = after

    def live(self, bundle: Bundle) -> list[bytes]:
        """Holders that are not known to be dead, ourselves among them."""
        return [peer for peer in bundle.holders if peer not in self.gone]

    def shared_with(self, peer: bytes) -> list[Bundle]:
        """Bundles that this peer holds, too."""
        return [self.bundles[name] for name in self.of_peer.get(peer, ())]

    def is_own(self, bundle: Bundle) -> bool:
        """Whether we are its owner."""
        return bundle.owner == self.me

    def guest_keys(self, count: int) -> set[bytes]:
        """Names under which the guests that came last can be found."""
        keys: set[bytes] = set()
        for bundle in reversed(self.bundles.values()):
            if len(keys) < count and not self.is_own(bundle):
                keys.add(bundle.key)
        return keys

    def figures(self, lacks: Callable[[Bundle], int]) -> dict[str, int]:
        """How many there are, and how many lack copies. O(bundles)."""
        own = under = under_bytes = 0
        for bundle in self.bundles.values():
            own += bundle.owner == self.me
            if lacks(bundle):
                under += 1
                under_bytes += bundle.bytes
        return {
            "bundles": own,
            "guests": len(self.bundles) - own,
            "guest_bytes": self.guest_bytes,
            "under_replicated": under,
            "under_replicated_bytes": under_bytes,
            "partners": len(self.of_peer),
        }
