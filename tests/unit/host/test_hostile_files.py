"""Whole files that hostile authors made, received by a vault with the real algorithms: each refused, by a count of work.

The blocks are sound, so that they are kept; what they say of each other is not. Nothing of them becomes a file of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.host.test_vault import Machine

from inos.errors import ContentMismatch, InosError, ManifestInconsistent
from inos.limits import INLINE_BYTES_MAX, MANIFEST_REFS_MAX, MIB
from inos.ports import Open
from inos.tasks import Effect
from inos.vault import block, manifest
from inos.vault.contexts import derive_keys
from inos.vault.manifest import FILE, Manifest, Ref, Refs
from inos.vault.vault import Capability
from inos_host.kernels import KERNEL_EFFECTS
from inos_host.keyring import HostKeyring

OTHERS_SECRET = b"o" * 32
MEMORY_BYTES_MAX = 64 * MIB


class Author:
    """Somebody with keys of their own, and a victim's vault that is given blocks by them."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine(folder, HostKeyring())
        self.machine.runner.run(self.machine.vault.open())
        self.suite = self._kernels().suite
        self._keys = derive_keys(OTHERS_SECRET, self.suite.hashes)
        self.opened = 0
        perform = self.machine.runner._perform_by_type
        perform[Open] = self._counting(perform[Open])

    def _kernels(self) -> Any:
        return self.machine.runner._perform_by_type[KERNEL_EFFECTS[0]].__self__

    def _counting(self, perform: Any) -> Any:
        def counted(effect: Effect[Any]) -> object:
            self.opened += 1
            return perform(effect)

        return counted

    def give(self, raw: bytes, kind: int, covers: int) -> Ref:
        """A block of theirs is in the victim's vault; a reference to it."""
        sealed = block.seal(raw, kind, 6, self._keys, self.suite)
        arena = self.machine.ports.arena
        span = arena.alloc(len(sealed.block))
        arena.write(span, sealed.block)
        self.machine.runner.run(self.machine.vault.store_foreign(sealed.bid, span))
        arena.release(span)
        h, length = sealed.h, len(sealed.block)
        return Ref(sealed.bid, sealed.secret, h, covers, len(raw), length, sealed.codec, sealed.quality)

    def give_manifest(self, made: Manifest, covers: int | None = None) -> Ref:
        """The same for a manifest."""
        return self.give(manifest.encode(made), 2, made.total_len if covers is None else covers)

    def refused(self, root: Ref) -> InosError:
        """Receiving this must fail, and leave nothing behind."""
        self.opened = 0
        with pytest.raises(InosError) as caught:
            self.machine.runner.run(self.machine.vault.adopt(Capability(root.bid, root.secret)))
        assert self.machine.vault.roots() == []
        return caught.value


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    made = Author(tmp_path)
    yield made
    made.machine.end()


def of(refs: list[Ref], level: int = 0, **fields: Any) -> Manifest:
    return Manifest(FILE, sum(ref.covers for ref in refs), bytes(32), refs=Refs.of(refs), level=level, **fields)


def test_a_file_that_is_honest_is_received(author: Author) -> None:
    """Otherwise nothing below shows anything."""
    chunks = [author.give(bytes([number]) * 20_000, 1, 20_000) for number in range(3)]
    data = b"".join(bytes([number]) * 20_000 for number in range(3))
    part = author.give_manifest(of(chunks))
    root = author.give_manifest(replace(of([part], 1), h_file=author.suite.hashes.hash(data), name="honest"))
    own = author.machine.runner.run(author.machine.vault.adopt(Capability(root.bid, root.secret)))
    assert author.machine.get(own) == data


def test_pieces_of_a_byte_listed_for_ever(author: Author) -> None:
    """A chunk of one byte, 8,192 times in each of 8,192 parts: 67 million pieces in blocks of less than 2 KiB."""
    chunk = author.give(b"x", 1, 1)
    part = author.give_manifest(of([chunk] * MANIFEST_REFS_MAX))
    root = author.give_manifest(of([part] * MANIFEST_REFS_MAX, 1, name="wide"))
    assert isinstance(author.refused(root), ManifestInconsistent)
    pieces_max = MANIFEST_REFS_MAX**2 // INLINE_BYTES_MAX + MANIFEST_REFS_MAX
    print(f"{author.opened:,} of {MANIFEST_REFS_MAX**2:,} pieces were looked at")
    assert author.opened <= pieces_max + 100


def test_three_levels_of_the_same_part(author: Author) -> None:
    """A file may repeat itself: 80 MB in five small blocks. That it is not what its hash says shows when it is handed out."""
    refs = [author.give(b"y" * 20_000, 1, 20_000)]
    for level in range(3):
        refs = [author.give_manifest(of(refs * 8, level))]
    root = author.give_manifest(of(refs * 8, 3, name="deep"))
    own = author.machine.runner.run(author.machine.vault.adopt(Capability(root.bid, root.secret)))
    assert author.opened <= sum(8**level for level in range(5)) + 1
    with pytest.raises(ContentMismatch):
        author.machine.get(own)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_part_of_a_level_that_does_not_fall(author: Author, level: int) -> None:
    chunk = author.give(b"z" * 20_000, 1, 20_000)
    part = author.give_manifest(of([chunk], level))
    for above in range(1, 4):
        if above != level + 1:
            root = author.give_manifest(of([part], above, name=f"{above} over {level}"))
            assert isinstance(author.refused(root), ManifestInconsistent)
            assert author.opened <= 4


def test_a_part_that_covers_another_length_than_it_was_said_to(author: Author) -> None:
    chunk = author.give(b"z" * 20_000, 1, 20_000)
    part = author.give_manifest(of([chunk]), covers=20_001)
    assert isinstance(author.refused(author.give_manifest(of([part], 1, name="longer"))), ManifestInconsistent)


@pytest.mark.parametrize("lie", [-1, 1, 100_000])
def test_a_chunk_of_another_length_than_it_was_said_to(author: Author, lie: int) -> None:
    chunk = author.give(b"z" * 200_000, 1, 200_000)
    lying = replace(chunk, raw_len=200_000 + lie, covers=200_000 + lie)
    error = author.refused(author.give_manifest(of([lying], name="another length")))
    assert error.code == ("LimitExceeded" if lie < 0 else "ManifestInconsistent")


def test_a_chunk_in_the_place_of_a_part_and_the_reverse(author: Author) -> None:
    chunk = author.give(b"z" * 20_000, 1, 20_000)
    part = author.give_manifest(of([chunk]))
    assert author.refused(author.give_manifest(of([chunk], 1, name="a chunk as a part"))).code == "AuthFailed"
    as_chunk = replace(part, covers=part.raw_len)
    assert author.refused(author.give_manifest(of([as_chunk], name="a part as a chunk"))).code == "AuthFailed"
