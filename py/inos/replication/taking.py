"""Taking: bundles that others ask us to keep, fetched, checked, stored, and kept for as long as their lease.

Nouns: a *pull* is a bundle being fetched; its *sources* are who asked and the other holders. Whose quota a guest is on is who
asked: it is authenticated, what it says of an owner is not.

Invariants: Kept is said only when every block is durable here under its lease; at most PULLS_MAX bundles are fetched at a time
and PULLS_QUEUED_MAX wait; what is promised, waiting ones included, is within the quotas of the peer and of all.

Must not know: where copies should be; what blocks hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from inos import limits
from inos.custody import Guest
from inos.errors import Cancelled, InosError, LimitError, NotFound, ProtocolViolation, StorageError
from inos.ports import Span
from inos.replication.bundle import Block, Bundle, bundle_id
from inos.replication.common import Common
from inos.replication.needs import FetchBlock
from inos.wire import custody as wire


class Pull:
    """A bundle on its way here, by what its first asker said of it."""

    __slots__ = ("asker", "askers", "blocks", "bytes", "dead", "first", "parts", "told_at")

    def __init__(self, asker: bytes, first: wire.Keep, now: float) -> None:
        self.asker = asker
        self.askers = [asker]  # who waits for Kept
        self.first = first
        self.parts: dict[int, bytes] = {}
        self.blocks: list[Block] = []  # once all parts are here
        self.bytes = 0
        self.told_at = now
        self.dead = False  # it was released meanwhile


class Taker:
    """Keeps bundles for others."""

    __slots__ = (
        "_begun",
        "_c",
        "_fetch_block",
        "_waiting",
        "allowed_bytes",
        "generation",
        "make_room",
        "on_taken",
        "pulls",
    )

    def __init__(self, common: Common, fetch_block: FetchBlock) -> None:
        self._c = common
        self._fetch_block = fetch_block
        self.pulls: dict[bytes, Pull] = {}  # by bundle
        self._waiting: deque[bytes] = deque()
        self._begun = 0
        self.generation = 0  # changes when guests come
        self.allowed_bytes = limits.GUEST_BYTES_MAX
        self.make_room: Callable[[int], None] = lambda _: None
        self.on_taken: Callable[[Bundle], None] = lambda _: None

    # --- being asked ------------------------------------------------------------------------------------------------------

    def on_keep(self, peer: bytes, message: wire.Keep) -> None:
        """A peer asks. Raises ProtocolViolation."""
        c, name = self._c, message.bundle
        holders = wire.ids_of(message.holders)
        if len(message.stands_for) not in (0, wire.ID_BYTES) or message.part >= message.parts:
            raise ProtocolViolation("a Keep that cannot be")
        bundle = c.book.bundles.get(name)
        if bundle is not None:
            self._again(peer, bundle, message, holders)
            return
        pull = self.pulls.get(name)
        if pull is None:
            if len(self.pulls) >= limits.PULLS_QUEUED_MAX:
                self._refuse(peer, name, wire.REFUSED_BUSY)
                return
            pull = self.pulls[name] = Pull(peer, message, c.now)
        if pull.blocks:  # we are at it already: whoever asks waits with the others
            if peer not in pull.askers:
                pull.askers.append(peer)
            c.send(peer, wire.Taking(name))
        elif pull.asker != peer:
            self._refuse(peer, name, wire.REFUSED_BUSY)
        elif message.part in pull.parts or message.parts != pull.first.parts:
            del self.pulls[name]
            raise ProtocolViolation("parts of a Keep that do not fit together")
        else:
            pull.parts[message.part] = message.rows
            if len(pull.parts) == message.parts:
                self._consider(peer, pull)

    def _again(self, peer: bytes, bundle: Bundle, message: wire.Keep, holders: list[bytes]) -> None:
        """It is here already: a new lease where it is a guest."""
        c = self._c
        if not c.book.is_own(bundle) and (message.copies > 0 or bundle.temporary):
            bundle.temporary = bundle.temporary and message.copies == 0
            bundle.until_ms = max(bundle.until_ms, c.wall_ms() + 1_000 * message.lease_s)
            c.spawn(self._keep_longer(bundle), "guest lease")
        if peer in bundle.holders:
            c.book.set_holders(bundle, {*bundle.holders, *holders})
        c.send(peer, wire.Kept(bundle.id))

    async def _keep_longer(self, bundle: Bundle) -> None:
        try:
            await self._c.store.guest_add(guest_of(bundle))
        except InosError:
            return  # the lease that was there holds; the next renewal tries again

    def renew(self, bundle: Bundle, lease_s: int) -> None:
        """Its owner, or a co-holder, wants it for longer."""
        until_ms = self._c.wall_ms() + 1_000 * lease_s
        if until_ms > bundle.until_ms:
            bundle.until_ms = until_ms
            self._c.spawn(self._keep_longer(bundle), "guest lease")

    def _refuse(self, peer: bytes, name: bytes, reason: int) -> None:
        self._c.send(peer, wire.Refused(name, reason))

    def _consider(self, peer: bytes, pull: Pull) -> None:
        """All of it was said. Raises ProtocolViolation."""
        name = pull.first.bundle
        del self.pulls[name]
        rows = wire.rows_of(b"".join(pull.parts[part] for part in range(pull.first.parts)))
        if not rows or len({bid for bid, _ in rows}) != len(rows):
            raise ProtocolViolation("a bundle of no blocks, or of one twice")
        if bundle_id(self._c.hash, (bid for bid, _ in rows)) != name:
            raise ProtocolViolation("a bundle that is not what it is called")
        size = sum(length for _, length in rows)
        if size > limits.BUNDLE_BYTES_MAX or len(rows) > limits.BUNDLE_BLOCKS_MAX:
            self._refuse(peer, name, wire.REFUSED_SIZE)
        elif not self._has_room(peer, size):
            self._refuse(peer, name, wire.REFUSED_QUOTA)
        else:
            pull.parts.clear()
            pull.blocks, pull.bytes, pull.told_at = rows, size, self._c.now
            self.pulls[name] = pull
            self._waiting.append(name)
            self._c.send(peer, wire.Taking(name))
            self._pump()

    def _has_room(self, peer: bytes, size: int) -> bool:
        """Whether the quotas of this peer and of all allow it, after what may be evicted was."""
        book = self._c.book
        coming = sum(pull.bytes for pull in self.pulls.values())
        if book.guest_bytes + coming + size > self.allowed_bytes:
            self.make_room(book.guest_bytes + coming + size - self.allowed_bytes)
        count, kept = book.guests_of.get(peer, (0, 0))
        count += sum(pull.asker == peer for pull in self.pulls.values())
        kept += sum(pull.bytes for pull in self.pulls.values() if pull.asker == peer)
        return (
            book.guest_bytes + coming + size <= self.allowed_bytes
            and kept + size <= limits.GUEST_BYTES_PER_PEER_MAX
            and count < limits.GUESTS_PER_PEER_MAX
            and sum(rows[0] for rows in book.guests_of.values()) < limits.GUESTS_MAX
        )

    # --- fetching ---------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while self._waiting and self._begun < limits.PULLS_MAX:
            pull = self.pulls.get(self._waiting.popleft())
            if pull is not None:
                self._begun += 1
                self._c.spawn(self._pull(pull), "pull")

    async def _pull(self, pull: Pull) -> None:
        c, name = self._c, pull.first.bundle
        try:
            await self._take(pull)
            if name not in c.book.bundles:  # before anybody can ask for it again
                await self._drop(name)
        finally:
            self._begun -= 1
            del self.pulls[name]
        if name in c.book.bundles:
            told = [peer for peer in pull.askers if peer in c.book.up]
            for peer in told or (one for one in c.book.bundles[name].holders if one in c.book.up):
                c.send(peer, wire.Kept(name))
        else:
            for peer in pull.askers:
                c.send(peer, wire.Dropped(name))
        self._pump()

    async def _take(self, pull: Pull) -> None:
        c, name = self._c, pull.first.bundle
        if pull.dead:
            return
        try:
            await self._fetch_all(pull)
            bundle = self._made(pull)
            await c.store.guest_add(guest_of(bundle))
        except InosError as error:
            if isinstance(error, StorageError | LimitError):
                c.counts["no_room"] += 1
            return
        if not pull.dead and name not in c.book.bundles:
            self._taken(bundle)

    async def _drop(self, name: bytes) -> None:
        with suppress(InosError):  # at the next open nothing refers to it
            await self._c.store.guest_drop(name)

    async def _fetch_all(self, pull: Pull) -> None:
        """Every block that is not here. Raises the first error of a block that no source gave."""
        c, name = self._c, pull.first.bundle
        todo = deque((bid, length) for bid, length in pull.blocks if not c.store.guest_hold(name, bid))
        count = min(limits.PULL_LANES, len(todo))
        await c.tasks.gather(*(c.tasks.spawn(self._lane(pull, todo), "pull lane") for _ in range(count)))

    async def _lane(self, pull: Pull, todo: deque[Block]) -> None:
        while todo and not pull.dead:
            bid, length = todo.popleft()
            await self._fetch(pull, bid, length)

    async def _fetch(self, pull: Pull, bid: bytes, length: int) -> None:
        """From whoever asked, or another holder. Raises what the last of them said."""
        c = self._c

        async def keep(span: Span) -> None:
            await c.store.guest_store(pull.first.bundle, bid, span)

        known = [*pull.askers, *wire.ids_of(pull.first.holders)]
        sources = [one for one in dict.fromkeys(known) if one in c.book.up and one != c.me]
        error: InosError = NotFound("no holder is here")
        for source in sources:
            try:
                await self._fetch_block(source, bid, length, keep)
            except (StorageError, LimitError, Cancelled):
                raise
            except InosError as caught:
                error = caught
            else:
                return
        raise error

    def _made(self, pull: Pull) -> Bundle:
        c, first = self._c, pull.first
        bundle = Bundle(first.bundle, first.owner, first.key, pull.blocks, first.copies)
        bundle.asker = pull.asker
        bundle.temporary = first.copies == 0
        bundle.version = first.version
        bundle.until_ms = c.wall_ms() + 1_000 * first.lease_s
        bundle.stands_for = first.stands_for
        bundle.stands_until = c.now + limits.HINT_TTL_S if first.stands_for else 0.0
        bundle.holders = tuple(wire.ids_of(first.holders))
        return bundle

    def _taken(self, bundle: Bundle) -> None:
        c = self._c
        c.book.add(bundle)
        self.generation += 1
        c.counts["copies_taken"] += 1
        c.note(bundle)
        c.emit(bundle, "kept")
        self.on_taken(bundle)

    # --- time -------------------------------------------------------------------------------------------------------------

    def on_peer_gone(self, peer: bytes) -> None:
        """What it did not say to its end never comes; what it did may come from other holders."""
        for name in [name for name, pull in self.pulls.items() if pull.asker == peer and not pull.blocks]:
            del self.pulls[name]

    def release(self, peer: bytes, name: bytes) -> None:
        """It is not wanted any more by one who asked."""
        pull = self.pulls.get(name)
        if pull is not None and peer in pull.askers:
            pull.askers.remove(peer)
            pull.dead = not pull.askers

    def next_due(self) -> float:
        """When ``on_time`` has something to do."""
        return min((pull.told_at + limits.TAKING_INTERVAL_S for pull in self.pulls.values()), default=float("inf"))

    def on_time(self) -> None:
        """Say that we are at it; forget what was never said to its end."""
        c = self._c
        for name, pull in list(self.pulls.items()):
            if c.now < pull.told_at + limits.TAKING_INTERVAL_S:
                continue
            if not pull.blocks:
                del self.pulls[name]
                continue
            pull.told_at = c.now
            for peer in pull.askers:
                c.send(peer, wire.Taking(name))


def guest_of(bundle: Bundle) -> Guest:
    """What of a bundle survives a restart."""
    copies = 0 if bundle.temporary else bundle.copies
    bids = tuple(bundle.bids())
    return Guest(bundle.id, bundle.owner, bundle.key, bundle.asker, bundle.until_ms, copies, bids)
