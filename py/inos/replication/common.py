"""What the parts of replication share: the book, the way out, the store, and how a change of a bundle's holders is told.

Nouns: a peer *rests* when it is not asked for a while: it refused, did not answer, or was caught lying.

Invariants: whoever changes holders calls ``changed``; what is to be remembered of holders is written by one coroutine, each
bundle once however often it changed meanwhile. Must not know: why holders change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from inos import limits
from inos.custody import HolderRecord
from inos.errors import InosError
from inos.ports import Entropy, Hashes
from inos.replication.bundle import Book, Bundle
from inos.replication.needs import Neighbour, ReplicaChanged, ReplicaEvent, Send, Store
from inos.tasks import Task, Tasks
from inos.wire import custody as wire

EVENTS_MAX = 1_024
COUNTERS = (
    "audits_failed",
    "audits_passed",
    "copies_made",
    "copies_taken",
    "demand_copies",
    "evicted",
    "handed",
    "ignored",
    "no_room",
    "refused",
    "repairs",
)


class Common:
    """Shared by the parts."""

    __slots__ = (
        "_dirty",
        "_noting",
        "at",
        "book",
        "counts",
        "entropy",
        "events",
        "hash",
        "liars",
        "neighbours",
        "penalise",
        "resting",
        "send",
        "stale",
        "store",
        "tasks",
        "wall_ms",
    )

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        entropy: Entropy,
        store: Store,
        *,
        me: bytes,
        send: Send,
        neighbours: Callable[[], Iterable[Neighbour]],
        wall_ms: Callable[[], int],
        penalise: Callable[[bytes, InosError], None],
    ) -> None:
        self.tasks = tasks
        self.hash = hashes.hash
        self.entropy = entropy
        self.store = store
        self.send = send
        self.neighbours = neighbours
        self.wall_ms = wall_ms
        self.penalise = penalise
        self.at = 0.0  # when we last were told something
        self.stale = True  # something may be due sooner than was last said
        self.book = Book(me)
        self.resting: dict[bytes, float] = {}
        self.liars: dict[
            bytes, float
        ] = {}  # peers that failed an audit: what they or others say of their copies does not count
        self.events: deque[ReplicaEvent] = deque(maxlen=EVENTS_MAX)
        self.counts = dict.fromkeys(COUNTERS, 0)
        self._dirty: dict[bytes, HolderRecord | None] = {}
        self._noting: Task[None] | None = None

    @property
    def now(self) -> float:
        """Seconds; coroutines go on when nobody told us anything."""
        return max(self.at, self.tasks.now)

    @property
    def me(self) -> bytes:
        """Our id."""
        return self.book.me

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> Task[None]:
        """A short coroutine. What it raises of ours is its own affair."""
        return self.tasks.spawn(work, name)

    def below(self, count: int) -> int:
        """A random number below ``count``."""
        return int.from_bytes(self.entropy.random(8), "little") % max(count, 1)

    # --- holders ------------------------------------------------------------------------------------------------------

    def changed(self, bundle: Bundle, holders: Iterable[bytes], cause: str, coming: Iterable[bytes] = ()) -> None:
        """Other holders than before: remember them and tell the others."""
        self.book.set_holders(bundle, holders)
        bundle.renew()
        self.note(bundle)
        self.tell(bundle, coming)
        self.emit(bundle, cause)

    def tell(self, bundle: Bundle, coming: Iterable[bytes] = (), to: Iterable[bytes] | None = None) -> None:
        """Say who holds a bundle to its other holders (or to some)."""
        message = wire.Holders(
            bundle.id,
            bundle.version,
            bundle.copies,
            b"".join(bundle.holders[: limits.HOLDERS_MAX]),
            b"".join(list(coming)[: limits.HOLDERS_MAX]),
        )
        for peer in bundle.holders if to is None else to:
            if peer in self.book.up:
                self.send(peer, message)

    def tell_names(self, kind: Callable[[bytes], wire.CustodyMessage], peer: bytes, names: Iterable[bytes]) -> None:
        """Kept, Dropped or Release of any number of bundles."""
        todo = list(names)
        for at in range(0, len(todo), limits.BUNDLES_TOLD_MAX):
            self.send(peer, kind(b"".join(todo[at : at + limits.BUNDLES_TOLD_MAX])))

    def emit(self, bundle: Bundle, cause: str) -> None:
        """For people."""
        live = len(self.book.live(bundle))
        self.events.append(ReplicaChanged(bundle.id, bundle.key, live, bundle.copies, cause))

    # --- what is remembered ---------------------------------------------------------------------------------------------

    def note(self, bundle: Bundle) -> None:
        """Its holders survive a restart."""
        others = tuple(peer for peer in bundle.holders if peer != self.me)
        self.note_record(bundle.id, HolderRecord(bundle.copies, others[: limits.HOLDERS_MAX]))

    def note_record(self, name: bytes, record: HolderRecord | None) -> None:
        """Remember, or (None) forget."""
        self._dirty[name] = record
        if self._noting is None or self._noting.done:
            self._noting = self.spawn(self._note(), "holders")

    async def _note(self) -> None:
        while self._dirty:
            name = next(iter(self._dirty))
            record = self._dirty.pop(name)
            try:
                await self.store.note_holders(name, record)
            except InosError:
                return  # no room, or the vault is closing: after a restart it is found out anew

    # --- peers ----------------------------------------------------------------------------------------------------------

    def rest(self, peer: bytes, seconds: float) -> None:
        """Do not ask this peer for a while."""
        self.resting[peer] = max(self.resting.get(peer, 0.0), self.now + seconds)

    def distrust(self, peer: bytes) -> None:
        """It did not show what it said it had."""
        self.rest(peer, limits.DISTRUST_S)
        self.liars = {liar: until for liar, until in self.liars.items() if until > self.now}
        self.liars[peer] = self.now + limits.DISTRUST_S

    def is_liar(self, peer: bytes) -> bool:
        """Whether it was caught lately."""
        return self.liars.get(peer, 0.0) > self.now

    def is_resting(self, peer: bytes) -> bool:
        """Whether it is not to be asked now."""
        until = self.resting.get(peer)
        if until is not None and until <= self.now:
            del self.resting[peer]
            return False
        return until is not None
