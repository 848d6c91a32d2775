"""Bit rot: one bit flipped in each of many blocks; a check finds every one, and good copies heal them.

Nouns: a *copy* is a block's bytes as they were, such as a peer keeps them. Invariants: the check names the rotted blocks and no
other; what is put again, or comes back from somebody else, takes the place of what was lost; in the end the vault checks clean
and every file is what it was, also after it was opened again. Must not know: how blocks are checked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from inos.limits import KIB
from inos.vault import ops
from inos_sim.disk import SimDisk
from inos_sim.kernels import Memory
from inos_sim.machine import Machine, Sizes, toy_parts
from inos_sim.script import chunk

CHUNKS_PER_FILE = 3
SIZES = Sizes(segment_bytes=64 * KIB, log_bytes=1024 * KIB)


@dataclass(slots=True)
class Rot:
    """What came of it, in blocks. ``false``: called bad without a bit flipped."""

    flipped: int = 0
    found: int = 0
    false: int = 0
    healed: int = 0
    files_whole: bool = False

    @property
    def ok(self) -> bool:
        """All were found, no other was, all are healed."""
        return self.flipped == self.found == self.healed and not self.false and self.files_whole


class RotCampaign:
    """One vault of at least ``blocks`` blocks, on a disk that rots."""

    def __init__(self, blocks: int, seed: int) -> None:
        self._count = blocks
        self._rng = random.Random(seed)
        self._disk = SimDisk()
        self._machine = Machine(self._disk, toy_parts(SIZES, Memory()))
        self._files: dict[bytes, tuple[str, bytes]] = {}
        self._copies: dict[bytes, bytes] = {}

    def run(self) -> Rot:
        """Do it."""
        machine, result = self._machine, Rot()
        machine.open()
        self._fill()
        rotted = self._flip()
        result.flipped = len(rotted)
        report = machine.run(machine.vault.check("hash"))
        bad = {block.bid for block in report.bad}
        result.found, result.false = len(bad & rotted), len(bad - rotted)
        self._heal()
        result.healed = result.found - machine.vault.stats()["lost_blocks"]
        result.files_whole = self._is_whole(machine)
        machine.run(machine.vault.close())
        machine.drain()
        again = Machine(self._disk, toy_parts(SIZES, Memory()))
        again.open()
        result.files_whole = self._is_whole(again) and result.files_whole
        return result

    def _fill(self) -> None:
        machine = self._machine
        while machine.vault.stats()["blocks"] < self._count:
            number = len(self._files)
            content = b"".join(chunk(f"rot {number} {at}") for at in range(CHUNKS_PER_FILE))
            put = machine.start_put(content, f"file-{number}")
            machine.run_until(put)
            self._files[put.result().root] = (f"file-{number}", content)
        machine.drain()

    def _flip(self) -> set[bytes]:
        """Keep a copy of every block, then flip a bit in some; their bids."""
        entries = sorted(self._machine.vault._index.entries.values())
        rotted = set()
        for entry in self._rng.sample(entries, self._count):
            segment, offset = ops.lies_at(entry)
            length, bid = ops.block_len_of(entry), ops.bid_of(entry)
            content = self._disk.files[f"seg-{segment:04d}"].now
            self._copies[bid] = bytes(content[offset : offset + length])
            self._disk.rot(f"seg-{segment:04d}", offset + self._rng.randrange(length), self._rng.randrange(8))
            rotted.add(bid)
        return rotted

    def _heal(self) -> None:
        """Half of the files are put again; what is lost then comes from copies."""
        machine = self._machine
        for name, content in list(self._files.values())[::2]:
            machine.run_until(machine.start_put(content, name))
        for bid, data in self._copies.items():
            if machine.vault.block_len(bid) is None:
                span = machine.arena.alloc(len(data))
                machine.arena.write(span, data)
                machine.run(machine.vault.store_foreign(bid, span))
                machine.arena.release(span)
        machine.run(machine.vault.mend())
        machine.drain()

    def _is_whole(self, machine: Machine) -> bool:
        if not machine.run(machine.vault.check("data")).ok:
            return False
        return all(machine.get(root) == content for root, (_, content) in self._files.items())
