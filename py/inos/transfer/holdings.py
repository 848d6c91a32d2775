"""What a download tells its sources of what it holds, so that they, if they are fetching too, know whom to ask for what.

Nouns: the *bits* of a manifest say which of the blocks it names are held, in its order.

Invariants: a source is told of a manifest when it first may want to know and then at most every TELL_INTERVAL_S, and only what
has grown since. Must not know: who asks for what.
"""

from __future__ import annotations

from collections.abc import Iterable

from inos.transfer.needs import Step, Wire
from inos.transfer.sources import Source
from inos.wire.messages import Holdings

TELL_INTERVAL_S = 0.25
TELL_MAX = 16  # manifests told at once


class Told:
    """Of one download."""

    def __init__(self) -> None:
        self._bits: dict[bytes, bytearray] = {}  # by manifest
        self._grown: dict[bytes, None] = {}  # in order
        self._again: dict[bytes, list[Step]] = {}  # further places of blocks that are named more than once
        self._told: set[tuple[int, int]] = set()  # links that know what did not grow
        self._told_at = float("-inf")

    def opened(self, manifest: bytes, children: Iterable[Step]) -> None:
        """What a manifest names is known."""
        count = 1 + max((step.place for step in children if step.parent == manifest), default=-1)
        if count:
            self._bits.setdefault(manifest, bytearray((count + 7) // 8))

    def again(self, step: Step, *, held: bool) -> None:
        """A block is named in one more place."""
        if held:
            self._set(step)
        else:
            self._again.setdefault(step.bid, []).append(step)

    def held(self, step: Step) -> None:
        """A block is held."""
        for place in (step, *self._again.pop(step.bid, ())):
            self._set(place)

    def _set(self, step: Step) -> None:
        bits = self._bits.get(step.parent)
        if bits is not None:
            bits[step.place >> 3] |= 1 << (step.place & 7)
            self._grown[step.parent] = None

    def tell(self, wire: Wire, sources: list[Source], now: float) -> None:
        """Tell what has grown to all, and everything to those who are new."""
        fresh = [source for source in sources if source.link not in self._told]
        if not self._bits or not (fresh or (self._grown and now - self._told_at >= TELL_INTERVAL_S)):
            return
        self._told_at = now
        grown = list(self._grown)[:TELL_MAX]
        for manifest in grown:
            del self._grown[manifest]
        for source in sources:
            for manifest in list(self._bits)[:TELL_MAX] if source in fresh else grown:
                wire.send(source.link, Holdings(manifest, bytes(self._bits[manifest])))
        self._told = {source.link for source in sources}


def rarity_of(sources: list[Source], step: Step) -> int:
    """How many hold a block, as far as they said."""
    return sum(source.holds(step) for source in sources)
