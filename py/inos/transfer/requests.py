"""Blocks asked of peers, and the memory they arrive in.

Nouns: a *request* is one block asked of one link; its span is *lent* while the net worker may write into it.

Theory of operation. ``ask`` takes bytes of the budget, allocates the span, lends it and sends the want; ``outcome`` is set
once (a length, or an error); ``close`` ends the use of the span, which is released at once, or when the net worker gives
it back: after a cancelled request it may still be writing.

Invariants: spans lent or in use never exceed the budget; every span is released exactly once, on every path.

Must not know: which blocks are needed, or whether the bytes are right.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import limits
from inos.errors import ArenaFull, IdMismatch, NotFound, PeerGone, PeerStalled
from inos.ports import Arena, Span
from inos.tasks import Future, Tasks
from inos.transfer.needs import Link, Wire
from inos.wire.messages import Cancel, Want

BUDGET_BYTES = limits.IN_FLIGHT_BYTES_MAX // 2

assert limits.BLOCK_BYTES_MAX <= BUDGET_BYTES


class Request:
    """One block asked of one link."""

    __slots__ = ("asked_at", "bid", "closed", "lent", "link", "number", "outcome", "span")

    def __init__(self, link: Link, number: int, bid: bytes, span: Span, now: float) -> None:
        self.link = link
        self.number = number
        self.bid = bid
        self.span = span
        self.asked_at = now
        self.lent = True
        self.closed = False
        self.outcome: Future[int] = Future()  # length; NotFound, IdMismatch, PeerGone, PeerStalled


class Requests:
    """All open requests of a node."""

    def __init__(self, tasks: Tasks, arena: Arena, wire: Wire, budget_bytes: int = BUDGET_BYTES) -> None:
        self._tasks = tasks
        self._arena = arena
        self._wire = wire
        self._free_bytes = budget_bytes
        self._open: dict[tuple[Link, int], Request] = {}
        self._number = 0
        self.on_free: Callable[[], None] = lambda: None

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, link: Link, bid: bytes, capacity: int) -> Request | None:
        """Ask for a block of at most ``capacity`` bytes. None: no memory now, or the link is gone."""
        if capacity > self._free_bytes:
            return None
        try:
            span = self._arena.alloc(capacity)
        except ArenaFull:
            return None
        self._number = (self._number + 1) & 0xFFFF_FFFF
        number = self._number
        if not self._wire.expect(link, number, span):
            self._arena.release(span)
            return None
        self._free_bytes -= capacity
        request = Request(link, number, bid, span, self._tasks.now)
        self._open[link, number] = request
        self._wire.send(link, Want(number, bid))
        return request

    def close(self, request: Request) -> None:
        """The span is not used any more."""
        if request.closed:
            return
        request.closed = True
        if request.lent:
            self._wire.unexpect(request.link, request.number)
            self._wire.send(request.link, Cancel(request.number))
        else:
            self._release(request)

    # --- what came ----------------------------------------------------------------------------------------------------

    def on_block_done(self, link: Link, number: int, length: int) -> None:
        """The block is in its span."""
        request = self._back(link, number)
        if request is not None:
            if 0 < length <= request.span.length:
                request.outcome.set(length)
            else:
                request.outcome.fail(IdMismatch("a block of an impossible length"))

    def on_block_failed(self, link: Link, number: int) -> None:
        """The peer's data did not fit, or we took the request back."""
        request = self._back(link, number)
        if request is not None:
            request.outcome.fail(IdMismatch("data that does not fit what was asked"))

    def on_missing(self, link: Link, number: int) -> None:
        """The peer does not have it. Late answers to cancelled requests are normal."""
        request = self._open.get((link, number))
        if request is not None:
            request.outcome.fail(NotFound("the peer does not have it"))

    def on_peer_gone(self, link: Link) -> None:
        """No answers will come; spans stay lent."""
        for request in [r for r in self._open.values() if r.link == link]:
            request.outcome.fail(PeerGone("the link ended"))

    def on_settled(self, link: Link) -> None:
        """The net worker has let go of all spans of this link."""
        for request in [r for r in self._open.values() if r.link == link]:
            self._back(link, request.number)
            request.outcome.fail(PeerGone("the channel closed"))

    def stall(self, requests: list[Request]) -> None:
        """Nothing arrives for these."""
        for request in requests:
            request.outcome.fail(PeerStalled("nothing arrives"))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _back(self, link: Link, number: int) -> Request | None:
        """The net worker gives the span back."""
        request = self._open.pop((link, number), None)
        if request is not None:
            request.lent = False
            if request.closed:
                self._release(request)
        return request

    def _release(self, request: Request) -> None:
        self._arena.release(request.span)
        self._free_bytes += request.span.length
        self.on_free()
