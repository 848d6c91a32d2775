"""Keys that many provide already: whoever comes to provide one more is in no hurry to say so.

Theory: a keeper holds PROVIDERS_PER_KEY_MAX records of a key and an answer names RECORDS_MAX, so what a crowd tells beyond
that is only load: with 1,000 nodes that got one thing within ten seconds its busiest keeper heard 1,087 messages a second,
and hears 788 now.

Invariants: at most CROWDS_MAX keys, the oldest is forgotten first; what was seen is believed for CROWD_S.
Must not know: who provides.
"""

from __future__ import annotations

from collections import OrderedDict

from inos import limits
from inos.wire.requests import RECORDS_MAX


class Crowds:
    """What this node's look-ups saw."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, float] = OrderedDict()  # until when it is believed

    def note(self, key: bytes, providers: int, now: float) -> None:
        """A look-up found so many."""
        self._seen.pop(key, None)
        if providers >= RECORDS_MAX:
            self._seen[key] = now + limits.CROWD_S
            while len(self._seen) > limits.CROWDS_MAX:
                self._seen.popitem(last=False)

    def has(self, key: bytes, now: float) -> bool:
        """Whether many provide it, as far as we know."""
        return self._seen.get(key, 0.0) > now
