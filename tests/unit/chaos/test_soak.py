"""What the soak run would notice: memory that grows, a disk that fills."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.soak import DISK_BYTES_MAX, GIB, MIB, Measured

GOOD = Measured(
    put_bytes=GIB, files=9, disk=[100 * MIB] * 20, kept=[20 * MIB] * 20, memory=[900 * MIB] * 4 + [500 * MIB] * 16,
    disk_before=MIB, disk_after=2 * MIB,
)  # fmt: skip


def test_a_good_run_has_no_faults() -> None:
    assert GOOD.faults() == []
    assert GOOD.memory_ends() == (500 * MIB, 500 * MIB), "what was high before the warm-up was over does not count"


def test_memory_that_grows() -> None:
    grown = replace(GOOD, memory=[(500 + 8 * cycle) * MIB for cycle in range(20)])
    assert "memory grew" in grown.faults()[0]


def test_a_disk_that_fills_and_one_that_stays_full() -> None:
    full = replace(GOOD, disk=[*GOOD.disk[:-1], DISK_BYTES_MAX + 21 * MIB])
    assert "more than what was in it" in full.faults()[0]
    assert "left on the disk" in replace(GOOD, disk_after=20 * MIB).faults()[0]
