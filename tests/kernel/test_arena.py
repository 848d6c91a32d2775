"""The arena: a random model, reuse, waste, wrong offsets, and several threads at once with Brotli among them."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
from pathlib import Path

import pytest

from inos.memory import layout

HERE = Path(__file__).parent
BLOCK_BYTES_MAX = 64 << 20
SEEDS = range(6)


def rounded(length):
    """What a block of ``length`` bytes takes: a power of two up to 2 KiB, else whole pages."""
    return max(64, 1 << (length - 1).bit_length()) if length <= 2048 else -(-length // 4096) * 4096


class Model:
    """What the arena must look like: live blocks with their lengths and reference counts."""

    def __init__(self, kernel, seed):
        self.kernel = kernel
        self.random = random.Random(seed)
        self.live = {}

    def alloc(self):
        length = self.random.choice([
            self.random.randrange(1, 3000), round(2 ** self.random.uniform(6, 24)), (1 << 20) + 80, 4 << 20,
        ])  # fmt: skip
        offset = self.kernel.call("arena_alloc", length)
        if offset == 0:
            assert self.used() + rounded(length) > self.kernel.call("arena_capacity") // 2, "full although half is free"
            return
        assert offset % 64 == 0
        assert offset >= layout.ARENA_OFFSET
        self.live[offset] = [length, 1]

    def retain(self, offset):
        self.live[offset][1] += 1
        assert self.kernel.call("arena_retain", offset) == self.live[offset][1]

    def release(self, offset):
        self.live[offset][1] -= 1
        assert self.kernel.call("arena_release", offset) == self.live[offset][1]
        if self.live[offset][1] == 0:
            del self.live[offset]

    def shrink(self, offset):
        length = self.live[offset][0]
        if length > 2048:
            length = self.random.randrange(2049, length + 1)
            assert self.kernel.call("arena_shrink", offset, length) == 0
            self.live[offset][0] = length

    def used(self):
        return sum(rounded(length) for length, _ in self.live.values())

    def check(self):
        assert self.kernel.call("arena_check") == 0
        assert self.kernel.call("arena_used") == self.used()
        assert self.kernel.call("arena_blocks") == len(self.live)
        spans = sorted((offset, offset + rounded(length)) for offset, (length, _) in self.live.items())
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), "blocks overlap"
        assert not spans or spans[-1][1] <= min(layout.MEMORY_TIERS_BYTES)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_model(small_kernel, seed):
    model = Model(small_kernel, seed)
    for step in range(700):
        choice = model.random.random()
        if choice < 0.45 or not model.live:
            model.alloc()
        else:
            offset = model.random.choice(list(model.live))
            (model.retain if choice < 0.55 else model.shrink if choice < 0.65 else model.release)(offset)
        if step % 20 == 0:
            model.check()
    for offset in list(model.live):
        while offset in model.live:
            model.release(offset)
    model.check()
    assert small_kernel.call("arena_used") == 0
    # Everything merged again: the largest block fits as it did at the start.
    assert small_kernel.call("arena_alloc", 32 << 20) != 0


def test_memory_comes_back(small_kernel):
    """Twice through the whole arena with chunks as they come: no drift, and little wasted on rounding."""
    kernel = small_kernel
    counts = []
    for _ in range(3):
        blocks = []
        while (offset := kernel.call("arena_alloc", (1 << 20) + 80)) != 0:
            blocks.append(offset)
        counts.append(len(blocks))
        for offset in blocks[::2] + blocks[1::2]:
            assert kernel.call("arena_release", offset) == 0
        assert kernel.call("arena_used") == 0
    assert len(set(counts)) == 1
    assert counts[0] * ((1 << 20) + 80) > 0.95 * kernel.call("arena_capacity")


def test_fragments_serve_again(small_kernel):
    """With every second small block freed, large blocks still come from what is free."""
    kernel = small_kernel
    blocks = [kernel.call("arena_alloc", 64 << 10) for _ in range(600)]
    assert all(blocks)
    for offset in blocks[::2]:
        kernel.call("arena_release", offset)
    again = [kernel.call("arena_alloc", 60 << 10) for _ in range(300)]
    assert set(again) <= set(blocks[::2])
    for offset in blocks[1::2] + again:
        assert kernel.call("arena_release", offset) == 0
    assert kernel.call("arena_alloc", 32 << 20) != 0


def test_wrong_offsets_are_refused(small_kernel):
    kernel = small_kernel
    large, small = kernel.call("arena_alloc", 100_000), kernel.call("arena_alloc", 100)
    wrong = [0, 1, 64, large + 64, large + 4096, large - 4096, small + 64, small + 128, small + 4096,
             layout.ARENA_OFFSET, min(layout.MEMORY_TIERS_BYTES), 0xFFFFFFC0]  # fmt: skip
    for name in ("arena_release", "arena_retain"):
        assert [kernel.call(name, offset) for offset in wrong] == [-1] * len(wrong)
    assert kernel.call("arena_shrink", large, 100_001) == -1
    assert kernel.call("arena_shrink", large + 4096, 10) == -1
    assert kernel.call("arena_release", large) == 0
    assert kernel.call("arena_release", large) == -1
    assert kernel.call("arena_release", small) == 0
    assert kernel.call("arena_release", small) == -1
    assert kernel.call("arena_alloc", BLOCK_BYTES_MAX + 1) == 0
    assert kernel.call("arena_alloc", 0xFFFFFFFF) == 0
    assert kernel.call("arena_check") == 0


def test_largest_block(kernel):
    used = kernel.call("arena_used")
    offset = kernel.call("arena_alloc", BLOCK_BYTES_MAX)
    assert offset != 0
    assert kernel.call("arena_release", offset) == 0
    assert kernel.call("arena_used") == used


def test_small_reference_counts_are_bounded(small_kernel):
    offset = small_kernel.call("arena_alloc", 64)
    assert [small_kernel.call("arena_retain", offset) for _ in range(255)] == [*range(2, 256), -1]
    for left in range(254, -1, -1):
        assert small_kernel.call("arena_release", offset) == left


def test_attach_refuses_what_is_no_arena(kernel):
    bad = layout.STATUS["BadArgument"]
    assert kernel.call("arena_attach", 3, 1 << 26) == bad
    assert kernel.call("arena_attach", layout.ARENA_OFFSET, 0xFFFF0000) == bad
    assert kernel.call("arena_attach", 64, 1 << 26) == bad
    assert kernel.call("arena_attach", layout.ARENA_OFFSET, 256 << 20) == 0


def test_threads(kernel_wasm):
    """Four threads allocate, share, shrink and release at random, two of them with Brotli between; patterns stay intact."""
    done = subprocess.run(
        ["node", str(HERE / "arena_threads.mjs"), str(kernel_wasm), "4", "4000"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["damaged"] == 0
    assert report["refused"] == 0
    assert report["used"] == 0
    assert report["check"] == 0
    assert report["allocations"] > 4_000
    assert report["brotli"] > 50
