"""Peers that may have what we lack: how much each is asked for at once, and what it does not have.

Nouns: a *window* is how many requests may be open at a source; a source *stalls* when requests are open and none of
their bytes arrives for STALL_TIMEOUT_S, or fewer than the floor for DRIP_TIMEOUT_S.

Invariants: the window follows the measured rate, so that about PIPELINE_S of work is open at each source: a slow one keeps
few blocks from the fast ones. A stalled source rests, twice as long each time, then gets one request to prove itself.

Must not know: which blocks are needed.
"""

from __future__ import annotations

from inos import limits
from inos.transfer.needs import Link, Step, Wire
from inos.transfer.requests import Request

WINDOW_FIRST = 3
WINDOW_MIN = 2
PIPELINE_S = 0.75
RATE_SMOOTHING = 0.3
MISSING_RETRY_S = 3.0
MISSING_REMEMBERED_MAX = 65_536
HOLDINGS_MAX = 256  # manifests of which one source's holdings are remembered
REST_FIRST_S = 4.0
REST_MAX_S = 64.0


class Source:
    """One link, as somewhere to ask."""

    def __init__(self, link: Link, peer_id: bytes, rooms: frozenset[bytes]) -> None:
        self.link = link
        self.peer_id = peer_id
        self.rooms = rooms
        self.open: list[Request] = []
        self.window = WINDOW_FIRST
        self.rate_bytes_per_s = 0.0
        self.rest_until = 0.0
        self._rest_s = REST_FIRST_S
        self._missing: dict[bytes, float] = {}
        self._holdings: dict[bytes, bytes] = {}  # by manifest: bits of what it holds, as it said
        self._last_done = 0.0
        self._moved_at = 0.0
        self._block_bytes_in = 0

    # --- asking -------------------------------------------------------------------------------------------------------

    def has_room(self, now: float) -> bool:
        """Whether one more request may be opened."""
        return len(self.open) < self.window and now >= self.rest_until

    def may_have(self, bid: bytes, now: float) -> bool:
        """Whether it is worth asking for this block."""
        return self._missing.get(bid, now) <= now

    def opened(self, request: Request, now: float) -> None:
        """A request was sent."""
        if not self.open:
            self._moved_at = now
        self.open.append(request)

    def ended(self, request: Request) -> None:
        """A request has its outcome."""
        if request in self.open:
            self.open.remove(request)

    # --- learning -----------------------------------------------------------------------------------------------------

    def lacks(self, bid: bytes, now: float) -> None:
        """It said that it does not have this block: ask again later, it may be downloading."""
        if len(self._missing) >= MISSING_REMEMBERED_MAX:
            self._missing.clear()
        self._missing[bid] = now + MISSING_RETRY_S

    def has_all(self) -> None:
        """It said that it has everything now."""
        self._missing.clear()
        self._holdings.clear()

    def tells(self, manifest: bytes, held: bytes) -> None:
        """It said what it holds of what a manifest names."""
        self._holdings.pop(manifest, None)
        if len(self._holdings) >= HOLDINGS_MAX:
            del self._holdings[next(iter(self._holdings))]
        self._holdings[manifest] = held

    @property
    def is_partial(self) -> bool:
        """Whether it said that it is fetching, too."""
        return bool(self._holdings)

    def holds(self, step: Step) -> bool:
        """Whether it holds a block, as far as it said; one that said nothing may hold everything."""
        held = self._holdings.get(step.parent)
        if held is None:
            return True
        byte = step.place >> 3
        return byte < len(held) and bool(held[byte] >> (step.place & 7) & 1)

    def delivered(self, request: Request, length: int, now: float) -> None:
        """A block arrived whole: measure and set the window."""
        took_s = max(now - max(request.asked_at, self._last_done), 1e-3)
        rate = length / took_s
        known = self.rate_bytes_per_s
        self.rate_bytes_per_s = rate if known == 0.0 else known + RATE_SMOOTHING * (rate - known)
        self._last_done = now
        self._rest_s = REST_FIRST_S
        window = int(self.rate_bytes_per_s * PIPELINE_S / length) + 1
        self.window = max(WINDOW_MIN, min(window, self.window + 1, limits.WANTS_PER_PEER_MAX))

    def is_stalled(self, wire: Wire, now: float) -> bool:
        """Whether open requests get nothing; looks at the net worker's counter."""
        row = wire.row(self.link)
        arrived = row.block_bytes_in if row is not None else 0
        # A drip is no progress: what counts is a floor's worth of bytes since the last look that counted.
        since_s, came = now - self._moved_at, arrived - self._block_bytes_in
        if not self.open or (since_s >= limits.DRIP_WINDOW_S and came >= limits.RATE_FLOOR_BYTES_PER_S * since_s):
            self._block_bytes_in, self._moved_at = arrived, now
            return False
        return since_s > (limits.DRIP_TIMEOUT_S if came else limits.STALL_TIMEOUT_S)

    def rest(self, now: float) -> None:
        """It stalled: leave it alone for a while."""
        self.window = 1
        self.rest_until = now + self._rest_s
        self._rest_s = min(self._rest_s * 2, REST_MAX_S)
        self._moved_at = now
