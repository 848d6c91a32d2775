"""Audits: whoever says that it holds a block shows a chunk of it that nobody could foresee.

Nouns: an audit is of one random chunk of one random block of a bundle; its answer is a *slice* (``slices``).

Theory of operation. The owner of a bundle audits its holders, or, where the owner is dead, the first of the plan does: each
holder soon after it said Kept, then once an hour by a bundle drawn at random. A failed audit takes that copy out of the count
and has the next one of the same holder audited at once, so that a liar loses all it does not have.

Invariants: one audit at a time for each holder; the nonce and the peer must match; what we answer is bounded per peer.

Must not know: what follows when a copy is missing (it is told).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from inos import limits
from inos.errors import IdMismatch, InosError, PeerStalled
from inos.replication.bundle import Bundle
from inos.replication.common import Common
from inos.replication.needs import Auditing
from inos.replication.ranking import plan
from inos.wire import custody as wire

PAUSE_S = 1.2 * 60.0 / limits.AUDITS_PER_PEER_PER_MIN  # between two audits of one holder: slower than it must answer


@dataclass(frozen=True, slots=True)
class _Question:
    nonce: int
    bundle: bytes
    bid: bytes
    length: int
    chunk: int
    until: float


class Auditor:
    """Asks and answers."""

    __slots__ = ("_allowed", "_auditing", "_c", "_due", "_open", "_vouched", "on_failed", "on_passed")

    def __init__(self, common: Common, auditing: Auditing) -> None:
        self._c = common
        self._auditing = auditing
        self._due: dict[bytes, float] = {}  # holder -> when it is audited next
        self._vouched: dict[bytes, list[bytes]] = {}  # holder -> bundles that it is to be audited by first
        self._open: dict[bytes, _Question] = {}  # holder -> what it was asked
        self._allowed: dict[bytes, float] = {}  # peer -> up to when it has used its share of our answers
        self.on_failed: Callable[[bytes, Bundle], None] = lambda _peer, _bundle: None
        self.on_passed: Callable[[bytes, Bundle], None] = lambda _peer, _bundle: None

    # --- asking -----------------------------------------------------------------------------------------------------------

    def expect(self, peer: bytes, bundle: Bundle, after_s: float) -> None:
        """Audit this holder by this bundle, soon."""
        queue = self._vouched.setdefault(peer, [])
        if bundle.id not in queue and len(queue) < limits.BUNDLES_TOLD_MAX:
            queue.append(bundle.id)
        due = self._c.now + after_s
        self._due[peer] = min(self._due.get(peer, due), due)

    def first(self, peer: bytes, bundle: Bundle) -> None:
        """It holds this bundle since now: the first one of a holder is audited soon."""
        if self.is_ours(bundle) and self._due.get(peer, float("inf")) > self._c.now + 4 * limits.AUDIT_FIRST_S:
            self.expect(peer, bundle, limits.AUDIT_FIRST_S)

    def is_ours(self, bundle: Bundle) -> bool:
        """Whether its audits are our business."""
        c = self._c
        live = c.book.live(bundle)
        return bundle.owner == c.me or (bundle.owner not in live and plan(c.hash, bundle.id, 0, live)[0] == c.me)

    def on_up(self, peer: bytes) -> None:
        """A holder is here."""
        if peer in self._c.book.of_peer:
            self._due.setdefault(peer, self._c.now + limits.AUDIT_FIRST_S + self._c.below(10))

    def on_down(self, peer: bytes) -> None:
        """It answers nothing now, and need not."""
        self._open.pop(peer, None)
        self._due.pop(peer, None)
        self._vouched.pop(peer, None)

    def _choose(self, peer: bytes) -> Bundle | None:
        c = self._c
        queue = self._vouched.get(peer, [])
        while queue:
            bundle = c.book.bundles.get(queue.pop(0))
            if bundle is not None:
                return bundle
        self._vouched.pop(peer, None)
        names = list(c.book.of_peer.get(peer, ()))
        for _ in range(8):
            bundle = c.book.bundles[names[c.below(len(names))]] if names else None
            if bundle is not None and self.is_ours(bundle):
                return bundle
        return None

    def _ask(self, peer: bytes) -> None:
        c = self._c
        bundle = self._choose(peer)
        self._due[peer] = c.now + limits.AUDIT_INTERVAL_S * (0.75 + c.below(512) / 1024)
        if bundle is None:
            return
        rows = wire.rows_of(bundle.rows)
        bid, length = rows[c.below(len(rows))]
        chunk = c.below(-(-length // wire.CHUNK_BYTES))
        nonce = int.from_bytes(c.entropy.random(8), "little") >> 1
        if c.send(peer, wire.Audit(nonce, bid, chunk)):
            self._open[peer] = _Question(nonce, bundle.id, bid, length, chunk, c.now + limits.AUDIT_TIMEOUT_S)

    def on_slice(self, peer: bytes, message: wire.Slice) -> None:
        """An answer."""
        c = self._c
        asked = self._open.get(peer)
        if asked is None or asked.nonce != message.nonce:
            c.counts["ignored"] += 1
            return
        del self._open[peer]
        try:
            passed = self._auditing.verify(asked.bid, asked.length, asked.chunk, message.chunk, message.path)
        except InosError:
            passed = False
        bundle = c.book.bundles.get(asked.bundle)
        if not passed:
            if message.chunk:
                c.penalise(peer, IdMismatch("a slice that is not of the block"))
            self._failed(peer, bundle)
            return
        c.counts["audits_passed"] += 1
        if bundle is not None:
            self.on_passed(peer, bundle)
        if peer in self._vouched:
            self._due[peer] = c.now + PAUSE_S

    def _failed(self, peer: bytes, bundle: Bundle | None) -> None:
        c = self._c
        c.counts["audits_failed"] += 1
        c.distrust(peer)
        self._due[peer] = c.now + PAUSE_S
        if bundle is not None:
            self.on_failed(peer, bundle)

    # --- answering --------------------------------------------------------------------------------------------------------

    def on_audit(self, peer: bytes, message: wire.Audit) -> None:
        """Somebody wants to see a chunk."""
        c = self._c
        next_at = max(self._allowed.get(peer, 0.0), c.now) + 60.0 / limits.AUDITS_PER_PEER_PER_MIN
        length = c.store.block_len(message.bid) or 0
        is_here = message.bid in c.book.of_bid and message.chunk < -(-length // wire.CHUNK_BYTES)
        if not is_here or next_at > c.now + 60.0:
            c.send(peer, wire.Slice(message.nonce, b"", b""))
            return
        self._allowed[peer] = next_at
        c.spawn(self._prove(peer, message), "audit")

    async def _prove(self, peer: bytes, message: wire.Audit) -> None:
        chunk, path = b"", b""
        with suppress(InosError):  # empty says as it is: we cannot show it
            chunk, path = await self._auditing.prove(message.bid, message.chunk)
        self._c.send(peer, wire.Slice(message.nonce, chunk, path))

    # --- time -------------------------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        times = [due for peer, due in self._due.items() if peer not in self._open]
        times += [asked.until for asked in self._open.values()]
        return min(times, default=float("inf"))

    def on_time(self) -> None:
        """Time has passed."""
        c = self._c
        for peer, asked in list(self._open.items()):
            if asked.until <= c.now:
                del self._open[peer]
                if peer in c.book.up:
                    c.penalise(peer, PeerStalled("an audit without an answer"))
                    self._failed(peer, c.book.bundles.get(asked.bundle))
        for peer, due in list(self._due.items()):
            if due <= c.now and peer not in self._open:
                if peer in c.book.up and (peer in c.book.of_peer or peer in self._vouched):
                    self._ask(peer)
                else:
                    del self._due[peer]
        if len(self._allowed) > len(c.book.up) + 64:
            self._allowed = {peer: until for peer, until in self._allowed.items() if until > c.now}
