"""Lodging: the index's part about others, guests here and holders elsewhere.

Nouns: a *lodger* is a guest as the index knows it: block numbers, not names; a *record* says who else holds a bundle.

Invariants: a lodger refers to its blocks as a root does, so that none of them dies while it is there, and both may; replaying
GUEST, UNGUEST and HOLDERS in the order of the log gives the same lodging. Must not know: disks, leases' ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from inos.custody import HolderRecord
from inos.vault import ops

ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Lodger:
    """What a GUEST operation says of its bundle."""

    owner: bytes
    key: bytes
    asker: bytes
    until_ms: int
    copies: int
    runs: bytes

    def numbers(self) -> Iterator[int]:
        """Its blocks."""
        return ops.numbers_of(self.runs)

    def pack(self, bundle: bytes) -> bytes:
        """As an operation."""
        return ops.encode_op(
            ops.GUEST, bundle, self.owner, self.key, self.asker, self.until_ms, self.copies, self.runs
        )  # fmt: skip


class Blocks(Protocol):
    """The index, as far as it is needed."""

    entries: dict[int, bytes]
    lost: set[int]
    refs: dict[int, int]
    next_number: int
    pins: int

    def hold(self, number: int) -> None:
        """One more reference."""

    def unhold(self, number: int) -> None:
        """One reference less."""


class Lodging:
    """Guests and holders of one vault."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.lodgers: dict[bytes, Lodger] = {}  # oldest first
        self.records: dict[bytes, HolderRecord] = {}
        self.bytes = 0  # of lodgers' blocks; those of two count twice

    def apply(self, code: int, args: list[Any]) -> None:
        """One operation, at open."""
        if code == ops.GUEST:
            self.add(args[0], Lodger(*args[1:]))
        elif code == ops.UNGUEST:
            self.remove(args[0])
        elif code == ops.HOLDERS:
            self.note(args[0], unpack_record(args[1], args[2]))

    def add(self, bundle: bytes, lodger: Lodger) -> None:
        """A guest, or a new lease for one."""
        for number in lodger.numbers():
            self._blocks.hold(number)
            self._blocks.next_number = max(self._blocks.next_number, number + 1)
        self.remove(bundle)
        self.lodgers[bundle] = lodger
        self.bytes += self._bytes(lodger)

    def remove(self, bundle: bytes) -> None:
        """A guest goes; its blocks may be loose then."""
        before = self.lodgers.pop(bundle, None)
        if before is not None:
            self.bytes -= self._bytes(before)
            for number in before.numbers():
                self._blocks.unhold(number)

    def _bytes(self, lodger: Lodger) -> int:
        entries = self._blocks.entries
        return sum(ops.block_len_of(entries[number]) for number in lodger.numbers() if number in entries)

    def note(self, name: bytes, record: HolderRecord | None) -> None:
        """Remember, or (None) forget."""
        self._blocks.pins += 1
        if record is None:
            self.records.pop(name, None)
        else:
            self.records[name] = record

    def is_whole(self, lodger: Lodger) -> bool:
        """Whether all its blocks are known and not lost."""
        blocks = self._blocks
        return all(number in blocks.entries and number not in blocks.lost for number in lodger.numbers())

    def damaged(self) -> list[bytes]:
        """Bundles that are not here any more, whatever was said."""
        return [bundle for bundle, lodger in self.lodgers.items() if not self.is_whole(lodger)]

    def operations(self) -> Iterator[bytes]:
        """What says all this, in the fewest operations."""
        for bundle, lodger in self.lodgers.items():
            yield lodger.pack(bundle)
        for name, record in self.records.items():
            yield pack_record(name, record)


def pack_record(name: bytes, record: HolderRecord | None) -> bytes:
    """A HOLDERS operation; None packs as no copies and nobody."""
    copies, peers = record or HolderRecord(0, ())
    return ops.encode_op(ops.HOLDERS, name, copies, b"".join(peers))


def unpack_record(copies: int, peers: bytes) -> HolderRecord | None:
    """Inverse of ``pack_record``."""
    names = tuple(peers[at : at + ID_BYTES] for at in range(0, len(peers), ID_BYTES))
    return HolderRecord(copies, names) if copies or names else None
