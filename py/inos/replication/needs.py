"""What replication needs of others: a store, a wire, somebody who knows the neighbours; and what it tells.

Must not know: Mesh, Vault, Node, which fulfil these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from inos.custody import Guest, HolderRecord
from inos.ports import Span
from inos.wire.custody import CustodyMessage


class Store(Protocol):
    """The vault's side: guest blocks and what is remembered of holders."""

    def block_len(self, bid: bytes) -> int | None:
        """Length of a block that is here; None when it is not."""

    def guest_hold(self, bundle: bytes, bid: bytes) -> bool:
        """Keep a block that is here already while the bundle is being fetched; whether it is here."""

    async def guest_store(self, bundle: bytes, bid: bytes, span: Span) -> None:
        """Keep a block whose hash was checked. Raises StorageError, LimitExceeded."""

    async def guest_add(self, guest: Guest) -> None:
        """All blocks are here: durable on return, with its lease. The same bundle again: a new lease."""

    async def guest_drop(self, bundle: bytes) -> None:
        """Forget a bundle, or the fetch of one; blocks that nothing else needs go."""

    def guests(self) -> Iterable[Guest]:
        """Whole bundles that are kept, those longest here first."""

    def damaged_guests(self) -> list[bytes]:
        """Bundles of which blocks are lost."""

    async def note_holders(self, name: bytes, record: HolderRecord | None) -> None:
        """Remember, or (None) forget."""

    def holder_records(self) -> dict[bytes, HolderRecord]:
        """All that is remembered, by bundle or root."""


class Auditing(Protocol):
    """Proofs that a block is held; ``inos.replication.slices``, or something cheaper in a simulation."""

    async def prove(self, bid: bytes, chunk: int) -> tuple[bytes, bytes]:
        """The chunk and its path. Raises NotFound, StorageError."""

    def verify(self, bid: bytes, length: int, chunk: int, data: bytes, path: bytes) -> bool:
        """Whether only somebody with the block can have said this."""


class Neighbour(NamedTuple):
    """A node that a copy may go to. ``linked``: it can be spoken to now; else ``dial`` first."""

    peer_id: bytes
    linked: bool = True
    fit: bool = True  # shown, not suspected, not leaving
    uptime_s: float = 0.0
    hidden_ratio: float = 0.0
    headless: bool = False


# Fetch a block from a peer, check it against its bid, hand it to the sink, give its memory back. Raises NotFound, PeerGone,
# PeerStalled, IdMismatch (the peer was penalised already), and what the sink raises.
Sink: TypeAlias = Callable[[Span], Awaitable[None]]
FetchBlock: TypeAlias = Callable[[bytes, bytes, int, Sink], Coroutine[Any, Any, None]]
# The nodes closest to an id, the closest first, which has answered. Raises what a look-up raises.
Lookup: TypeAlias = Callable[[bytes], Awaitable[list[Neighbour]]]
Send: TypeAlias = Callable[[bytes, CustodyMessage], bool]


@dataclass(frozen=True, slots=True)
class ReplicaChanged:
    """Of one bundle: how many of its holders live and how many shall. ``cause``: kept, told, dead, back, dropped, handed, lost,
    forgotten."""

    bundle: bytes
    key: bytes
    live: int
    copies: int
    cause: str


@dataclass(frozen=True, slots=True)
class RedundancyRestored:
    """A bundle that lacked copies lacks none; so long after a holder was found dead."""

    bundle: bytes
    took_s: float


ReplicaEvent: TypeAlias = ReplicaChanged | RedundancyRestored
