"""Guests: what the vault keeps for others, and what it remembers of others that keep its own (``inos.custody``).

Nouns: a bundle is *coming* from its first block to ``guest_add`` or ``guest_drop``: what is there of it has holds.

Invariants: what ``guest_add`` returns for is durable, blocks and lease; a guest's blocks go when the guest does, unless something
else needs them; no guest is ever listed as a file. Must not know: peers, when leases end.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from inos.custody import Guest, HolderRecord
from inos.errors import NotFound
from inos.ports import Span
from inos.vault import ops
from inos.vault.lodging import Lodger, pack_record
from inos.vault.receive import Receiver
from inos.vault.store import Store
from inos.vault.upkeep import Upkeep

T = TypeVar("T")


class Call(Protocol):
    """Run work that ``Vault.close`` waits for. Raises NotReady."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]: ...


class Guests:
    """The part of a vault that replication uses."""

    def __init__(self, store: Store, receiver: Receiver, upkeep: Upkeep, call: Call) -> None:
        self._store = store
        self._receiver = receiver
        self._upkeep = upkeep
        self._call = call
        self._coming: dict[bytes, list[int]] = {}

    # --- blocks of others -------------------------------------------------------------------------------------------------

    def block_len(self, bid: bytes) -> int | None:
        """Bytes of a block that is here, or None."""
        index = self._store.index
        number = index.by_bid.get(bid)
        return None if number is None else ops.block_len_of(index.entries[number])

    def guest_hold(self, bundle: bytes, bid: bytes) -> bool:
        """Keep a block that is here already while its bundle is coming; whether it is here."""
        number = self._store.index.by_bid.get(bid)
        if number is None:
            return False
        self._hold(bundle, number)
        return True

    def _hold(self, bundle: bytes, number: int) -> None:
        self._store.index.hold(number)
        self._coming.setdefault(bundle, []).append(number)

    async def guest_store(self, bundle: bytes, bid: bytes, span: Span) -> None:
        """Keep a block that was verified by its bid; the span stays the caller's. Raises StorageError, LimitExceeded."""
        await self._call(self._upkeep.with_room(lambda: self._put(bundle, bid, span)))

    async def _put(self, bundle: bytes, bid: bytes, span: Span) -> None:
        await self._store.make_log_room()
        stored = await self._store.write_foreign(bid, span)
        self._coming.setdefault(bundle, []).append(stored.number)  # with the hold that it came with

    async def guest_add(self, guest: Guest) -> None:
        """All its blocks are here: durable on return. Raises NotFound where one is not."""
        await self._call(self._add(guest))

    async def _add(self, guest: Guest) -> None:
        index = self._store.index
        numbers = [index.by_bid.get(bid, -1) for bid in guest.bids]
        if -1 in numbers:
            raise NotFound("a block of a guest is not here")
        runs = ops.pack_runs(numbers)
        lodger = Lodger(guest.owner, guest.key, guest.asker, guest.until_ms, guest.copies, runs)
        coming = self._coming.pop(guest.bundle, [])
        done = self._store.committer.submit(
            lodger.pack(guest.bundle), lambda: index.lodging.add(guest.bundle, lodger)
        )  # fmt: skip
        done.on_done(lambda: self._store.unhold_all(coming))  # cancelled meanwhile, the guest may come all the same
        await done

    async def guest_drop(self, bundle: bytes) -> None:
        """Forget a guest, or one that is coming; blocks that nothing else needs go."""
        await self._call(self._drop(bundle))

    async def _drop(self, bundle: bytes) -> None:
        index = self._store.index
        self._store.unhold_all(self._coming.pop(bundle, []))
        if bundle in index.lodging.lodgers:
            packed = ops.encode_op(ops.UNGUEST, bundle)
            await self._store.committer.submit(packed, lambda: index.lodging.remove(bundle))
        await self._receiver.drop_loose()

    def guests(self) -> Iterator[Guest]:
        """Whole ones, those longest here first."""
        index = self._store.index
        for bundle, lodger in list(index.lodging.lodgers.items()):
            if index.lodging.is_whole(lodger):
                bids = tuple(ops.bid_of(index.entries[number]) for number in lodger.numbers())
                yield Guest(
                    bundle, lodger.owner, lodger.key, lodger.asker, lodger.until_ms, lodger.copies, bids
                )  # fmt: skip

    def damaged_guests(self) -> list[bytes]:
        """Bundles of which blocks are lost."""
        return self._store.index.lodging.damaged()

    # --- own blocks elsewhere -----------------------------------------------------------------------------------------------

    async def note_holders(self, name: bytes, record: HolderRecord | None) -> None:
        """Remember who else holds a bundle, or (None) forget it; durable on return."""
        lodging = self._store.index.lodging
        if lodging.records.get(name) != record:
            await self._call(self._note(name, record))

    async def _note(self, name: bytes, record: HolderRecord | None) -> None:
        lodging = self._store.index.lodging
        await self._store.committer.submit(pack_record(name, record), lambda: lodging.note(name, record))

    def holder_records(self) -> dict[bytes, HolderRecord]:
        """All that is remembered."""
        return dict(self._store.index.lodging.records)

    def blocks_of(self, root: bytes) -> Iterable[tuple[bytes, int]]:
        """Names and lengths of all blocks that a file lists and that are here. Raises NotFound."""
        index = self._store.index
        known = index.roots.get(root)
        if known is None:
            raise NotFound(f"no file {root.hex()}")
        entries = [index.entries[number] for number in known.numbers() if number in index.entries]
        return {(ops.bid_of(entry), ops.block_len_of(entry)) for entry in entries}

    def own_roots(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Every file that was put here, older versions too, oldest first; with something that changes when its blocks do."""
        roots = self._store.index.roots.values()
        return {root.bid: (root.runs, root.offer_runs) for root in roots if root.link is None}

    def keep_as_they_are(self, abroad: Callable[[], set[bytes]]) -> None:
        """Says of which roots others have blocks: those are not sealed again under other names."""
        self._store.index.abroad = abroad

    @property
    def generation(self) -> int:
        """Changes when files do."""
        return self._store.index.generation
