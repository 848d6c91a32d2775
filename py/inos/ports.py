"""What the core needs from outside, as ports (called at once) and effects (answered later).

Nouns: a *span* is a range of the arena, the shared memory in which all bulk bytes live; a *port* is a small synchronous
interface; an *effect* is awaited (``inos.tasks``). Adapters of equal shape: ``inos_web``, ``inos_host``, ``inos_sim``.

Invariants: whoever receives a span owns one reference and releases it; effects never take ownership of the spans they are
given. Offsets are of the whole shared memory, lengths are bytes, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from inos.errors import BadArgument
from inos.key_effects import (
    Agree,
    BoxKey,
    DevicePublicKey,
    Sign,
    SignHead,
    Stretch,
    UnwrapKey,
    UnwrapWith,
    Verify,
    WrapKey,
    WrapWith,
)
from inos.tasks import Effect

__all__ = [  # effects that lie elsewhere and are imported from here; all else of this module is public as well
    "Agree",
    "BoxKey",
    "DevicePublicKey",
    "Sign",
    "SignHead",
    "Stretch",
    "UnwrapKey",
    "UnwrapWith",
    "Verify",
    "WrapKey",
    "WrapWith",
]

KIND_CHUNK = 1
KIND_MANIFEST = 2
KIND_INDEX = 3
HASH_CHUNK_BYTES = 1_024  # a leaf of BLAKE3's tree


@dataclass(frozen=True, slots=True)
class Span:
    """A byte range of the arena."""

    offset: int
    length: int

    def part(self, start: int, length: int) -> Span:
        """A range inside this one; it shares this one's reference."""
        assert 0 <= start <= start + length <= self.length
        return Span(self.offset + start, length)


@dataclass(frozen=True, slots=True)
class View:
    """A span as bytes numbered from 0: nothing outside it can be reached. Valid as long as the span is held."""

    arena: Arena
    span: Span

    def read(self, at: int, length: int) -> bytes:
        """A copy of ``length`` bytes. Raises BadArgument where they are not all inside."""
        return self.arena.read(self._part(at, length))

    def write(self, at: int, data: bytes | bytearray | memoryview) -> None:
        """Copy ``data`` to ``at``. Raises BadArgument where it is not all inside."""
        self.arena.write(self._part(at, len(data)), data)

    def _part(self, at: int, length: int) -> Span:
        if at < 0 or length < 0 or at + length > self.span.length:
            raise BadArgument(f"{at}+{length} is outside a span of {self.span.length} bytes")
        return self.span.part(at, length)


# --- ports -----------------------------------------------------------------------------------------------------------


class Arena(Protocol):
    """Shared memory: allocate, share, look."""

    def alloc(self, length: int) -> Span:
        """A new span with one reference, 64-byte aligned. Raises ArenaFull."""

    def retain(self, span: Span) -> None:
        """One more reference to the allocation that starts at ``span.offset``."""

    def release(self, span: Span) -> None:
        """One reference less; freed at zero. Releasing what is not allocated raises BadArgument."""

    def read(self, span: Span) -> bytes:
        """A copy of the bytes."""

    def write(self, span: Span, data: bytes | bytearray | memoryview) -> None:
        """Copy ``data`` to the start of the span; ``len(data) <= span.length``."""

    def view(self, span: Span) -> View:
        """The span's bytes from 0 on, and nothing else."""

    def used(self) -> int:
        """Bytes allocated now."""


class Entropy(Protocol):
    """Randomness."""

    def random(self, length: int) -> bytes:
        """Bytes fit for keys."""


class Hashes(Protocol):
    """BLAKE3 of small things (<= 64 KiB); bulk goes through jobs."""

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """32 bytes under a 32-byte key."""

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        """BLAKE3 ``derive_key`` with a hard-coded context; ``length`` bytes of its XOF."""

    def stream_begin(self) -> Span:
        """An incremental hash in the arena, fed by ``Cut`` and ``HashUpdate``; release it after ``stream_finish``."""

    def stream_finish(self, state: Span) -> bytes:
        """32 bytes; the state stays usable."""


class Keys(Protocol):
    """Key slots: keys derived from one 32-byte secret, where kernels can use them."""

    def open(self, secret: bytes) -> int:
        """Derive and keep; returns a slot handle. Raises LimitExceeded when all slots are taken."""

    def close(self, slot: int) -> None:
        """Wipe and free the slot."""


@dataclass(frozen=True)
class Ports:
    """The synchronous ports, together."""

    arena: Arena
    entropy: Entropy
    hashes: Hashes
    keys: Keys


# --- kernel jobs (effects) ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HashSpan(Effect[bytes]):
    """BLAKE3 of a span: 32 bytes."""

    src: Span


@dataclass(frozen=True, slots=True)
class HashTree(Effect[None]):
    """BLAKE3's tree over a span: 32 bytes for each value of ``hash_levels``, level after level from the leaves, into ``dst``.

    Errors: BadArgument where ``dst`` is shorter than that.
    """

    src: Span
    dst: Span


def hash_levels(length: int) -> list[int]:
    """How many chaining values the levels of the tree over so many bytes have, below the root; none for a single chunk. An odd
    value at the end of a level is the same one in the next: BLAKE3's left subtrees are full."""
    counts: list[int] = []
    count = (length + HASH_CHUNK_BYTES - 1) // HASH_CHUNK_BYTES
    while count > 1:
        counts.append(count)
        count = (count + 1) // 2
    return counts


@dataclass(frozen=True, slots=True)
class HashUpdate(Effect[None]):
    """Feed a span to an incremental hash (from ``Hashes.stream_begin``). One at a time for a stream."""

    src: Span
    stream: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk that a cut found: its length, content hash and dedupe key."""

    length: int
    h: bytes
    cid: bytes


@dataclass(frozen=True, slots=True)
class CutDone:
    """``consumed`` = sum of the pieces' lengths; the rest of the window belongs to the next cut."""

    consumed: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Cut(Effect[CutDone]):
    """Cut a window into chunks by gear64 under ``keys`` and hash them.

    ``final``: the window ends the file, so the rest is the last chunk. ``stream``: an incremental hash (from
    ``Hashes.stream_begin``) fed with the consumed bytes, or None. At most 32 pieces per cut; more stay unconsumed.
    """

    src: Span
    final: bool
    keys: int
    stream: Span | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished block in the arena (the receiver owns ``block``)."""

    block: Span
    codec: int
    quality: int
    raw_len: int
    secret: bytes
    bid: bytes
    h: bytes
    cid: bytes


@dataclass(frozen=True, slots=True)
class Seal(Effect[Sealed]):
    """Plaintext -> block v1 under the keys of slot ``keys``. ``quality`` 0 stores raw. Errors: ArenaFull, LimitExceeded.

    ``piece``: what a cut said of the same bytes, so that their ids need not be computed again (a tenth of a raw chunk's seal).
    """

    src: Span
    kind: int
    quality: int
    keys: int
    urgent: bool = False
    piece: Piece | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Plaintext in the arena (the receiver owns ``raw``; None after ``verify_only``)."""

    raw: Span | None
    raw_len: int
    codec: int
    quality: int
    h: bytes


@dataclass(frozen=True, slots=True)
class Open(Effect[Opened]):
    """Block v1 -> plaintext. With ``secret``: a reader; without: the owner, by the keys of slot ``keys`` (checks the salt).

    ``bid`` and ``h`` are checked when given. Errors: every class of vault-format 1.5 for blocks, ArenaFull.
    """

    src: Span
    kind: int
    keys: int | None = None
    secret: bytes | None = None
    bid: bytes | None = None
    h: bytes | None = None
    raw_len_max: int = 3_932_160
    verify_only: bool = False
    urgent: bool = False


# --- disk (effects) ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileSize(Effect[int]):
    """Size of one of the vault's files; creates it empty if it does not exist."""

    name: str


@dataclass(frozen=True, slots=True)
class FileRead(Effect[int]):
    """Read into ``dst`` from ``offset``; answers bytes read (fewer at the end of the file)."""

    name: str
    offset: int
    dst: Span


@dataclass(frozen=True, slots=True)
class FileWrite(Effect[None]):
    """Write all of ``src`` at ``offset``. Errors: StorageFull (nothing may be assumed written), StorageLost."""

    name: str
    offset: int
    src: Span


@dataclass(frozen=True, slots=True)
class FileFlush(Effect[None]):
    """What was written to this file before is durable afterwards."""

    name: str


@dataclass(frozen=True, slots=True)
class FileTruncate(Effect[None]):
    """Set the size."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class FileClose(Effect[None]):
    """Close the handle; the next use opens it again."""

    name: str


@dataclass(frozen=True, slots=True)
class ListSegments(Effect[int]):
    """Numbers of the segment files that exist, u32 little-endian in any order, into ``dst``; answers the bytes of all of
    them (what did not fit was left out)."""

    dst: Span


# --- what a person gives and takes (effects) ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceRead(Effect[int]):
    """Read from a registered source (a dropped File) into ``dst``; answers bytes read, 0 at the end."""

    source: int
    offset: int
    dst: Span


@dataclass(frozen=True, slots=True)
class SinkWrite(Effect[None]):
    """Append ``src`` to a registered sink (a download, a page's buffer); answered when it has taken the bytes."""

    sink: int
    offset: int
    src: Span


@dataclass(frozen=True, slots=True)
class SinkClose(Effect[None]):
    """End of the stream: complete, or aborted (nothing partial may look complete)."""

    sink: int
    complete: bool
