"""Rumors that came lately, and the ids of those that came not quite so lately.

Nouns: a rumor is *seen* for GOSSIP_SEEN_S, and its bytes are *kept* for GOSSIP_CACHE_S.

Invariants: both are bounded, the oldest goes first; what is kept is seen. Time never runs backwards here.
Must not know: links.
"""

from __future__ import annotations

from inos import limits


class Entry:
    """A rumor, as it came to this node first (or, since, over fewer hops)."""

    __slots__ = ("announced", "at", "expires_ms", "heard", "hops", "resends", "rumor", "sender", "signature", "topic")

    def __init__(
        self,
        rumor: bytes,
        signature: bytes,
        topic: bytes,
        expires_ms: int,
        hops: int,
        sender: bytes | None,
        at: float,
    ) -> None:
        self.rumor = rumor
        self.signature = signature
        self.topic = topic
        self.expires_ms = expires_ms
        self.hops = hops  # links it came over; 0: our own
        self.sender = sender  # its parent here; None: our own
        self.at = at
        self.heard: set[bytes] | None = set()  # peers who have it; None once the others were told
        self.announced = False  # to all neighbours, before it was checked
        self.resends: dict[bytes, int] | None = None  # to whom it was sent on asking


class Store:
    """Of one node."""

    __slots__ = ("_bytes", "_kept", "_seen", "overflows")

    def __init__(self) -> None:
        self._seen: dict[bytes, float] = {}  # by age
        self._kept: dict[bytes, Entry] = {}  # by age
        self._bytes = 0
        self.overflows = 0  # ids forgotten before their time

    def __contains__(self, id: bytes) -> bool:
        return id in self._seen

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, id: bytes) -> Entry | None:
        """The rumor, while it is kept."""
        return self._kept.get(id)

    def see(self, id: bytes, now: float) -> None:
        """Remember the id alone."""
        self._seen[id] = now
        while len(self._seen) > limits.GOSSIP_SEEN_MAX:
            oldest = next(iter(self._seen))
            del self._seen[oldest]
            self._drop(oldest)
            self.overflows += 1

    def keep(self, id: bytes, entry: Entry, now: float) -> None:
        """Remember the rumor."""
        self.sweep(now)
        self.see(id, now)
        self._kept[id] = entry
        self._bytes += len(entry.rumor)
        while self._bytes > limits.GOSSIP_CACHE_BYTES_MAX:
            self._drop(next(iter(self._kept)))

    def sweep(self, now: float) -> None:
        """Forget what is old."""
        while self._kept:
            id, entry = next(iter(self._kept.items()))
            if now - entry.at < limits.GOSSIP_CACHE_S:
                break
            self._drop(id)
        while self._seen:
            id, at = next(iter(self._seen.items()))
            if now - at < limits.GOSSIP_SEEN_S:
                break
            del self._seen[id]

    def ids(self, wall_ms: int, count_max: int) -> list[bytes]:
        """The newest rumors that have not expired, ascending by id."""
        fresh = [id for id, entry in self._kept.items() if entry.expires_ms > wall_ms]
        return sorted(fresh[-count_max:])

    def _drop(self, id: bytes) -> None:
        entry = self._kept.pop(id, None)
        if entry is not None:
            self._bytes -= len(entry.rumor)
