"""What takes room in a vault, and how much of it each choice would give back.

Nouns: a *line* is a file or folder with its versions (``versions``); *freed* bytes are those of blocks that nothing else
lists. Invariant: it only counts; blocks that two lines list come free with neither alone, so the parts may add up to less
than the whole. Must not know: disks, quotas, who decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inos.vault import ops
from inos.vault.index import Index
from inos.vault.log import align

_MANY = -1


@dataclass(frozen=True, slots=True)
class Room:
    """Of one line, by its current root: bytes that come free with all of it, and with its older versions alone."""

    root: bytes
    freed_bytes: int
    older_bytes: int


def room_of(index: Index, roots: Iterable[bytes]) -> list[Room]:
    """One row for each current root, in the order given. O(blocks that any version lists)."""
    current = list(roots)
    owner: dict[int, int] = {}  # block -> the line that lists it, or _MANY
    now: list[set[int]] = []
    for line, root in enumerate(current):
        now.append(set(index.roots[root].numbers()))
        for member in index.members(root):
            for number in now[line] if member == root else index.roots[member].numbers():
                if owner.setdefault(number, line) != line:
                    owner[number] = _MANY
    freed, older = [0] * len(current), [0] * len(current)
    for number, line in owner.items():
        entry = index.entries.get(number)
        if line == _MANY or entry is None:
            continue
        length = align(ops.block_len_of(entry))
        freed[line] += length
        if number not in now[line]:
            older[line] += length
    return [Room(*row) for row in zip(current, freed, older, strict=True)]
