"""What transfer needs of others: a store, a wire, somebody who reads manifests.

Nouns: a *link* is named by (channel, generation); a *capability* is a bid with the secret that opens its block; an *outline*
is what a manifest says of further blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from inos import limits
from inos.errors import InosError
from inos.ports import Span
from inos.wire.messages import Control

Link: TypeAlias = tuple[int, int]


class Capability(Protocol):
    """What a file link carries."""

    @property
    def bid(self) -> bytes:
        """Public name of the root manifest's block."""

    @property
    def secret(self) -> bytes:
        """What opens it."""


class Row(Protocol):
    """Counters of a link that only grow."""

    @property
    def bytes_out(self) -> int:
        """All bytes sent."""

    @property
    def block_bytes_in(self) -> int:
        """Bytes of wanted blocks that arrived."""


class Wire(Protocol):
    """Links, as transfer sees them. Calls on a link that is gone do nothing; lending calls say whether they lent."""

    def send(self, link: Link, message: Control) -> None:
        """Send a control message."""

    def send_block(self, link: Link, request: int, span: Span) -> bool:
        """Lend a span to be sent under the peer's request number."""

    def expect(self, link: Link, request: int, span: Span) -> bool:
        """Lend a span to be written by the answer to our request."""

    def unexpect(self, link: Link, request: int) -> None:
        """Ask for the span back."""

    def penalise(self, link: Link, error: InosError) -> None:
        """The peer did this."""

    def drop(self, link: Link, error: InosError) -> None:
        """End the link."""

    def row(self, link: Link) -> Row | None:
        """Its counters."""


class Store(Protocol):
    """Blocks, by public name."""

    def block_len(self, bid: bytes) -> int | None:
        """Length of a held block; None when it is not held."""

    async def read_block(self, bid: bytes) -> Span:
        """A held block; the receiver owns the span. Raises NotFound, StorageError."""

    async def store_foreign(self, bid: bytes, span: Span) -> None:
        """Keep a block whose hash was checked. Raises StorageError."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block that belongs to a root. ``block_len`` None: not known yet. ``context`` is the outliner's own. Of a file's content
    it holds, or leads to, ``covers`` bytes from ``at`` on; of a folder's nothing is said, and everything may be below. It is
    number ``place`` of what the manifest ``parent`` names."""

    bid: bytes
    secret: bytes
    block_len: int | None
    is_manifest: bool
    depth: int = 0
    context: object = None
    at: int = 0
    covers: int = limits.FILE_BYTES_MAX
    parent: bytes = b""
    place: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """What a manifest says: the blocks below it, and the length of the content they make."""

    steps: Iterable[Step]
    total_len: int
    entries: int = 0  # of a folder


# Plaintext of a manifest and the step that led to it -> its outline. Raises the CorruptError of whatever is wrong with it.
Outliner: TypeAlias = Callable[[bytes, Step], Outline]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is. Bytes are of blocks (sealed, compressed); totals grow while manifests are still coming in."""

    stage: str  # "waiting" (nobody online has what is missing), "fetching", "done"
    bytes_done: int
    bytes_total: int
    blocks_done: int
    blocks_total: int
    bytes_received: int  # over the net, in this fetch
    content_bytes: int  # of the whole file, 0 until its manifest is read
    sources: int
