"""Sends blocks to peers that ask.

Policy: any block of a shared, received or wished-for root goes to any authenticated peer, whatever room it was met in: it
is ciphertext, its name is public, and whoever knows the name has it from a manifest. What was never shared is answered as
missing, so that nobody can probe what else is in the vault.

Fairness: what a block needs is counted before it is read, and the next block goes to the client with the fewest bytes out. A
client may hold as many bytes as it leaves free, or BLOCK_BYTES_MAX where that is more; and as many blocks as it leaves to
others, or one (the dynamic thresholds of Choudhury and Hahne, 1998). So one client alone gets at most half, of n busy ones
each gets 1/(n+1), and there is room for a newcomer until several are slow at once: 16, 8, 4 and 4 MiB fill the budget.

Invariants: at most SERVES_PER_PEER_MAX blocks out to one peer and SERVES_TOTAL_MAX to all, within a budget of bytes; what
waits beyond that is bounded, and more is a broken protocol. A span that was lent to the net worker is released only when
it says so. A peer that takes less than FLOOR_BYTES_PER_S while we have something for it is dropped, since it keeps
memory from the others.

Must not know: how the store finds blocks, who a peer is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from inos import limits
from inos.errors import InosError, NotFound, PeerStalled, ProtocolViolation
from inos.ports import Arena
from inos.tasks import Future, Tasks
from inos.transfer.needs import Link, Store, Wire
from inos.wire.messages import Missing

QUEUED_PER_PEER_MAX = 64
BUDGET_BYTES = limits.IN_FLIGHT_BYTES_MAX // 2
FLOOR_BYTES_PER_S = 16 * limits.KIB
FLOOR_INTERVAL_S = 10.0

assert limits.BLOCK_BYTES_MAX <= BUDGET_BYTES
assert 2 * limits.SERVES_PER_PEER_MAX <= limits.SERVES_TOTAL_MAX


class Wanted(NamedTuple):
    """A block that a peer asked for."""

    request: int
    bid: bytes
    length: int  # 0: not ours to give


class Client:
    """One peer that asks."""

    def __init__(self) -> None:
        self.queue: deque[Wanted] = deque()
        self.held_bytes = 0  # of blocks that are being read or sent
        self.turn = 0  # when it was last given one, counted in blocks
        self.active: set[int] = set()
        self.cancelled: set[int] = set()
        self.sending: dict[int, Future[bool]] = {}
        self.bytes_out = 0
        self.slow_since: float | None = None  # start of the interval in which ``bytes_out`` is compared
        self.gone = False


class Server:
    """Serves all peers. ``offers(link, bid)`` says whether a block may be given to a peer."""

    def __init__(
        self,
        tasks: Tasks,
        arena: Arena,
        wire: Wire,
        store: Store,
        offers: Callable[[Link, bytes], bool],
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self._tasks = tasks
        self._arena = arena
        self._wire = wire
        self._store = store
        self._offers = offers
        self._free_bytes = budget_bytes
        self._clients: dict[Link, Client] = {}
        self._turn = 0
        self._active = 0
        self._watching = False
        self.on_sent: Callable[[Link, bytes, int], None] = lambda _link, _bid, _length: None
        self.blocks_sent = 0
        self.bytes_sent = 0

    # --- what came ----------------------------------------------------------------------------------------------------

    def on_want(self, link: Link, request: int, bid: bytes) -> None:
        """A peer asks. Raises ProtocolViolation: the number is in use, or far too many are waiting."""
        client = self._clients.setdefault(link, Client())
        if request in client.active or any(request == wanted.request for wanted in client.queue):
            raise ProtocolViolation("a request number twice")
        if len(client.queue) >= QUEUED_PER_PEER_MAX:
            raise ProtocolViolation("too many requests")
        length = self._store.block_len(bid) if self._offers(link, bid) else None
        client.queue.append(Wanted(request, bid, length or 0))
        self._pump()

    def on_cancel(self, link: Link, request: int) -> None:
        """A peer does not want it any more; what is being sent is sent to its end."""
        client = self._clients.get(link)
        if client is None:
            return
        if request in client.active:
            client.cancelled.add(request)
        client.queue = deque(wanted for wanted in client.queue if wanted.request != request)

    def on_block_sent(self, link: Link, request: int, ok: bool) -> None:
        """The net worker gives a span back."""
        client = self._clients.get(link)
        sent = client.sending.pop(request, None) if client is not None else None
        if sent is not None:
            sent.set(ok)

    def on_peer_gone(self, link: Link) -> None:
        """No more answers to this peer."""
        client = self._clients.get(link)
        if client is not None:
            client.gone = True
            client.queue.clear()

    def on_settled(self, link: Link) -> None:
        """The net worker has let go of all spans of this link."""
        client = self._clients.pop(link, None)
        if client is not None:
            client.gone = True
            client.queue.clear()
            for sent in list(client.sending.values()):
                sent.set(False)

    def is_busy(self, link: Link) -> bool:
        """Whether something is on its way to this peer."""
        client = self._clients.get(link)
        return client is not None and bool(client.active or client.queue)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Start what the limits allow: each time the client with the fewest bytes out, of equals the longest waiting."""
        while willing := [item for item in self._clients.items() if self._may_take(item[1])]:
            link, client = min(willing, key=lambda item: (item[1].held_bytes, item[1].turn))
            wanted = client.queue.popleft()
            self._turn += 1
            client.turn = self._turn
            client.active.add(wanted.request)
            client.held_bytes += wanted.length
            self._free_bytes -= wanted.length
            self._active += 1
            self._tasks.spawn(self._serve(link, client, wanted), "serve")

    def _may_take(self, client: Client) -> bool:
        """Whether the client's next block fits, and leaves as much free as the client then has."""
        if not client.queue or self._active >= limits.SERVES_TOTAL_MAX:
            return False
        count, free_count = len(client.active) + 1, limits.SERVES_TOTAL_MAX - self._active - 1
        length = client.queue[0].length
        held_bytes, free_bytes = client.held_bytes + length, self._free_bytes - length
        return (
            count <= limits.SERVES_PER_PEER_MAX
            and count <= max(1, free_count)
            and free_bytes >= 0
            and held_bytes <= max(limits.BLOCK_BYTES_MAX, free_bytes)
        )

    async def _serve(self, link: Link, client: Client, wanted: Wanted) -> None:
        try:
            await self._give(link, client, wanted)
        except InosError:
            self._wire.send(
                link, Missing(wanted.request)
            )  # or our disk's or memory's fault: it asks elsewhere, or again
        finally:
            client.active.discard(wanted.request)
            client.cancelled.discard(wanted.request)
            client.held_bytes -= wanted.length
            self._free_bytes += wanted.length
            self._active -= 1
            self._pump()

    async def _give(self, link: Link, client: Client, wanted: Wanted) -> None:
        """Read and send. Raises NotFound."""
        request = wanted.request
        if not wanted.length:
            raise NotFound("not here, or not offered")
        if client.gone or request in client.cancelled:
            return
        span = await self._store.read_block(wanted.bid)
        try:
            if span.length != wanted.length:
                raise NotFound("another length than the index says")
            sent: Future[bool] = Future()
            if not (client.gone or request in client.cancelled) and self._wire.send_block(link, request, span):
                client.sending[request] = sent
                self._watch(link, client)
                if await sent:
                    self.blocks_sent += 1
                    self.bytes_sent += wanted.length
                    self.on_sent(link, wanted.bid, wanted.length)
        finally:
            self._arena.release(span)

    # --- slow takers --------------------------------------------------------------------------------------------------

    def _watch(self, link: Link, client: Client) -> None:
        if client.slow_since is None:
            client.slow_since = self._tasks.now
            client.bytes_out = self._bytes_out(link)
        if not self._watching:
            self._watching = True
            self._tasks.spawn(self._drop_slow(), "serve floor")

    async def _drop_slow(self) -> None:
        while any(client.sending for client in self._clients.values()):
            await self._tasks.sleep(FLOOR_INTERVAL_S / 4)
            now = self._tasks.now
            for link, client in list(self._clients.items()):
                if not client.sending:
                    client.slow_since = None
                elif client.slow_since is not None and now - client.slow_since >= FLOOR_INTERVAL_S and not client.gone:
                    taken, client.bytes_out = self._bytes_out(link) - client.bytes_out, self._bytes_out(link)
                    if taken < FLOOR_BYTES_PER_S * (now - client.slow_since):
                        self._wire.drop(link, PeerStalled("takes nothing"))
                    client.slow_since = now
        self._watching = False

    def _bytes_out(self, link: Link) -> int:
        row = self._wire.row(link)
        return row.bytes_out if row is not None else 0
