"""Nodes that keep copies for each other, in virtual time: a network of `Replication` objects and nothing else.

Nouns: a *keeper* is a node; its *shelf* is its disk, which survives a restart. Every message is encoded and decoded;
everybody has a link to everybody who lives and is not cut off; death is noticed DETECT_S later.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from inos.custody import Guest, HolderRecord
from inos.errors import InosError, NotFound, PeerGone, PeerStalled, ProtocolViolation, StorageFull
from inos.replication.needs import Lookup, Neighbour
from inos.replication.replication import Replication
from inos.tasks import Tasks
from inos.wire import messages

DETECT_S = 0.95
DISK_S = 0.02
STILL_MAX = 5_000
NETS: list[Net] = []  # of the test that runs: see conftest
WALL_MS = 1_790_000_000_000


class Hashes:
    """The only hash that is needed; any will do."""

    def hash(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()


class Entropy:
    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def random(self, length: int) -> bytes:
        return self._rng.randbytes(length)


class Shelf:
    """A disk: blocks, guests, what is remembered of holders."""

    def __init__(self, tasks: Callable[[], Tasks]) -> None:
        self._tasks = tasks
        self.own: dict[bytes, bytes] = {}
        self.blocks: dict[bytes, bytes] = {}
        self.kept: dict[bytes, Guest] = {}
        self.records: dict[bytes, HolderRecord] = {}
        self.coming: dict[bytes, set[bytes]] = {}
        self.is_full = False
        self.is_mute = False

    def block_len(self, bid: bytes) -> int | None:
        block = self.blocks.get(bid)
        return None if block is None else len(block)

    def guest_hold(self, bundle: bytes, bid: bytes) -> bool:
        if bid in self.blocks:
            self.coming.setdefault(bundle, set()).add(bid)
        return bid in self.blocks

    async def guest_store(self, bundle: bytes, bid: bytes, span: Any) -> None:
        await self._tasks().sleep(DISK_S)
        if self.is_full:
            raise StorageFull("full")
        assert hashlib.sha256(span).digest() == bid, "an unchecked block reached the disk"
        self.blocks[bid] = span
        self.coming.setdefault(bundle, set()).add(bid)

    async def guest_add(self, guest: Guest) -> None:
        await self._tasks().sleep(DISK_S)
        assert all(bid in self.blocks for bid in guest.bids)
        self.kept[guest.bundle] = guest
        self.coming.pop(guest.bundle, None)

    async def guest_drop(self, bundle: bytes) -> None:
        self.coming.pop(bundle, None)
        await self._tasks().sleep(DISK_S)
        self.kept.pop(bundle, None)
        needed = set(self.own).union(*self.coming.values(), *(guest.bids for guest in self.kept.values()))
        for bid in [bid for bid in self.blocks if bid not in needed]:
            del self.blocks[bid]

    def guests(self) -> Iterable[Guest]:
        damaged = self.damaged_guests()
        return [guest for name, guest in self.kept.items() if name not in damaged]

    def damaged_guests(self) -> list[bytes]:
        return [
            name for name, guest in self.kept.items() if not all(bid in self.blocks for bid in guest.bids)
        ]  # fmt: skip

    async def note_holders(self, name: bytes, record: HolderRecord | None) -> None:
        await self._tasks().sleep(DISK_S)
        if record is None:
            self.records.pop(name, None)
        else:
            self.records[name] = record

    def holder_records(self) -> dict[bytes, HolderRecord]:
        return dict(self.records)


class Proofs:
    """Slices without their tree: the chunk itself, and a hash over block and chunk number."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def prove(self, bid: bytes, chunk: int) -> tuple[bytes, bytes]:
        await self._keeper.tasks.sleep(1e6 if self._keeper.shelf.is_mute else DISK_S)
        block = self._keeper.shelf.blocks.get(bid)
        if block is None:
            raise NotFound("no such block")
        return b"c", hashlib.sha256(block + chunk.to_bytes(4, "little")).digest()

    def verify(self, bid: bytes, length: int, chunk: int, data: bytes, path: bytes) -> bool:
        block = self._keeper.shelf.blocks[bid]
        return path == hashlib.sha256(block + chunk.to_bytes(4, "little")).digest()


class Keeper:
    """One node."""

    def __init__(self, net: Net, name: int) -> None:
        self.net = net
        self.number = name
        self.id = hashlib.sha256(f"{net.seed} {name}".encode()).digest()
        self.shelf = Shelf(lambda: self.tasks)
        self.alive = False
        self.frozen = False
        self.lies = False
        self.unfit = False
        self.mail: list[tuple[Keeper, bytes]] = []
        self.penalties: list[tuple[bytes, str]] = []
        self.fetched: list[bytes] = []
        self.roots: dict[bytes, tuple[list[tuple[bytes, int]], int]] = {}
        self.names: list[bytes] = []
        self.lookup: Lookup | None = None
        self.dial: Callable[[bytes], bool] = lambda _: False
        self.tasks = Tasks()

    def boot(self) -> None:
        """Start, or start again with what is on the shelf."""
        net = self.net
        self.end_tasks()
        self.tasks = Tasks()
        self.tasks.now = net.now
        self.tasks.on_crash = self._crashed
        self.shelf.coming.clear()
        self.alive, self.frozen = True, False
        self.rep = Replication(
            self.tasks,
            Hashes(),
            Entropy(net.rng.randrange(1 << 30)),
            self.shelf,
            me=self.id,
            send=self.send,
            neighbours=self.neighbours,
            fetch_block=self.fetch_block,
            auditing=Proofs(self),
            wall_ms=lambda: WALL_MS + int(net.now * 1000),
            lookup=self.lookup,
            dial=self.dial,
            penalise=lambda peer, error: self.penalties.append((peer, error.code)),
        )
        self.rep.start(net.now)
        self.names = []
        for key, (blocks, copies) in self.roots.items():
            self.names += self.rep.keep(key, blocks, copies)
        self.rep.forget_others(self.names)
        for other in net.keepers:
            if other is not self and net.linked(self, other):
                self.rep.on_up(other.id, net.now)
                other.rep.on_up(self.id, net.now)

    def end_tasks(self) -> None:
        """Whatever it was at ends here, without a trace on the disk."""
        self.alive = False
        while self.tasks.alive:
            for task in list(self.tasks.alive):
                self.tasks.cancel(task)
            self.tasks.poll_effects()

    def _crashed(self, task: Any, error: BaseException) -> None:
        self.net.crashes.append((task.name, error))

    def put(self, count: int = 3, size: int = 2_000, copies: int = 3) -> list[bytes]:
        """Blocks of its own; the names of their bundles."""
        data = [self.net.rng.randbytes(size) for _ in range(count)]
        blocks = [(hashlib.sha256(one).digest(), len(one)) for one in data]
        for (bid, _), one in zip(blocks, data, strict=True):
            self.shelf.own[bid] = self.shelf.blocks[bid] = one
        key = blocks[0][0]
        self.roots[key] = (blocks, copies)
        names = self.rep.keep(key, blocks, copies)
        self.names += names
        return names

    def send(self, peer: bytes, message: Any) -> bool:
        other = self.net.by_id.get(peer)
        if other is None or not self.net.linked(self, other):
            return False
        data = messages.encode(message)
        assert len(data) <= 16_384
        self.net.sent += 1
        self.net.at(self.net.now + self.net.latency(self, other), lambda: self.net.deliver(self, other, data))
        return True

    def neighbours(self) -> list[Neighbour]:
        net = self.net
        return [
            Neighbour(other.id, fit=not other.unfit and not other.frozen)
            for other in net.keepers
            if other is not self and net.linked(self, other) and other.id not in self.rep.book.gone
        ]

    async def fetch_block(self, peer: bytes, bid: bytes, length: int, sink: Any) -> None:
        net, other = self.net, self.net.by_id[peer]
        await self.tasks.sleep(2 * net.latency(self, other) + length / net.rate)
        if not net.linked(self, other) or other.frozen:
            raise PeerGone("gone") if not other.alive else PeerStalled("silent")
        block = other.shelf.blocks.get(bid)
        if block is None or not other.rep.serves(self.id, bid):
            raise NotFound("missing")
        if len(block) != length:
            self.penalties.append((peer, "IdMismatch"))
            raise NotFound("another length")
        other.rep.on_served(self.id, bid, length, net.now)
        self.fetched.append(bid)
        await sink(block)


class Net:
    """All keepers and the time."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = 100.0
        self.rate = 10e6
        self.sent = 0
        self.crashes: list[tuple[str, BaseException]] = []
        self.violations: list[str] = []
        self.cuts: set[frozenset[int]] = set()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self.keepers: list[Keeper] = []
        self.by_id: dict[bytes, Keeper] = {}
        NETS.append(self)
        for _ in range(count):
            self.join()

    def close(self) -> None:
        """No coroutine of anybody is left."""
        for keeper in self.keepers:
            keeper.end_tasks()

    def join(self) -> Keeper:
        """One more node."""
        keeper = Keeper(self, len(self.keepers))
        self.by_id[keeper.id] = keeper
        keeper.boot()
        self.keepers.append(keeper)
        for other in self.keepers[:-1]:
            if self.linked(keeper, other):
                keeper.rep.on_up(other.id, self.now)
                other.rep.on_up(keeper.id, self.now)
        return keeper

    def linked(self, one: Keeper, other: Keeper) -> bool:
        return one.alive and other.alive and frozenset((one.number, other.number)) not in self.cuts

    def latency(self, one: Keeper, other: Keeper) -> float:
        return 0.005 + 0.02 * ((one.number * 7 + other.number * 7) % 5) / 5

    def at(self, when: float, action: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, action))

    def deliver(self, sender: Keeper, receiver: Keeper, data: bytes) -> None:
        if not receiver.alive or frozenset((sender.number, receiver.number)) in self.cuts:
            return
        if receiver.frozen:
            receiver.mail.append((sender, data))
            return
        try:
            receiver.rep.on_message(sender.id, messages.decode_control(data), self.now)
        except ProtocolViolation as error:
            self.violations.append(str(error))

    # --- what happens to nodes --------------------------------------------------------------------------------------------

    def kill(self, keeper: Keeper) -> None:
        """It is gone at once; the others notice."""
        keeper.alive = False
        keeper.end_tasks()
        self._noticed(keeper, "silent", DETECT_S)

    def leave(self, keeper: Keeper) -> None:
        keeper.end_tasks()
        self._noticed(keeper, "left", 0.01)

    def freeze(self, keeper: Keeper) -> None:
        keeper.frozen = True
        self._noticed(keeper, "frozen", 0.01)

    def thaw(self, keeper: Keeper) -> None:
        keeper.frozen = False
        mail, keeper.mail = keeper.mail, []
        for sender, data in mail:
            self.deliver(sender, keeper, data)
        for other in self.keepers:
            if other is not keeper and self.linked(keeper, other):
                other.rep.on_up(keeper.id, self.now)

    def _noticed(self, keeper: Keeper, cause: str, after_s: float) -> None:
        def tell(other: Keeper) -> None:
            if other.alive and (not keeper.alive or keeper.frozen):
                other.rep.on_dead(keeper.id, cause, self.now)

        for other in self.keepers:
            if other is not keeper:
                self.at(self.now + after_s, lambda other=other: tell(other))

    # --- time -------------------------------------------------------------------------------------------------------------

    def run(self, seconds: float = 10.0, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until the condition holds; whether it does."""
        end, still = self.now + seconds, 0
        while True:
            for keeper in self.keepers:
                if keeper.alive and not keeper.frozen:
                    effects = keeper.tasks.poll_effects()
                    assert not effects
            assert not self.crashes, self.crashes
            if until():
                return True
            times = [end]
            awake = [keeper for keeper in self.keepers if keeper.alive and not keeper.frozen]
            for keeper in awake:
                times.append(keeper.rep.next_due())
                times.append(keeper.tasks.next_deadline() or end)
            if self._heap:
                times.append(self._heap[0][0])
            when = max(self.now, min(times))
            if when >= end:
                self.now = end
                return until()
            still = still + 1 if when == self.now else 0
            assert still < STILL_MAX, "time stands still"
            self.now = when
            while self._heap and self._heap[0][0] <= self.now:
                heapq.heappop(self._heap)[2]()
            for keeper in awake:
                if keeper.alive and not keeper.frozen:
                    keeper.tasks.on_deadline(self.now)
                    if keeper.rep.next_due() <= self.now:
                        keeper.rep.on_time(self.now)

    # --- looking ----------------------------------------------------------------------------------------------------------

    def holders(self, name: bytes) -> list[Keeper]:
        """Who has a whole durable copy on a disk that is there."""
        return [keeper for keeper in self.keepers if keeper.alive and self.has(keeper, name)]

    def has(self, keeper: Keeper, name: bytes) -> bool:
        if name in keeper.shelf.kept:
            return all(bid in keeper.shelf.blocks for bid in keeper.shelf.kept[name].bids)
        return name in keeper.names

    def least(self, names: Iterable[bytes]) -> int:
        """Copies of what has the fewest."""
        return min(len(self.holders(name)) for name in names)

    def full(self, names: Iterable[bytes], copies: int = 3) -> bool:
        return all(len(self.holders(name)) >= copies for name in names)


def hash_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def errors_of(work: Coroutine[Any, Any, Any]) -> type[InosError] | None:
    """What a coroutine that waits for nothing raises."""
    try:
        work.send(None)
    except StopIteration:
        return None
    except InosError as error:
        return type(error)
    raise AssertionError("it waits")
