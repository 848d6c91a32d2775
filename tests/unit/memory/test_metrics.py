"""The live figures: each is read from where it is kept, in bytes, and wraps where it must."""

from __future__ import annotations

import struct

from inos.memory import layout
from inos.memory.metrics import read_metrics


class Memory:
    """The regions below the arena, as bytes."""

    def __init__(self) -> None:
        self.bytes = bytearray(layout.ARENA_OFFSET)

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self.bytes, offset)

    def put(self, offset: int, value: int) -> None:
        struct.pack_into("<I", self.bytes, offset, value)


def test_every_word_has_a_figure_of_its_own():
    memory = Memory()
    at = layout.REGIONS["METRICS"][0]
    for index in range(len(layout.METRICS_WORDS)):
        memory.put(at + 4 * index, index + 1)
    found = read_metrics(memory)
    for index, name in enumerate(layout.METRICS_WORDS):
        unit = 1024 if name.endswith("_KIB") else 1
        assert found[name.removesuffix("_KIB").lower()] == (index + 1) * unit, name


def test_sizes_come_from_the_header():
    memory = Memory()
    at = layout.REGIONS["HEADER"][0]
    for value, name in enumerate(("MEMORY_BYTES", "ARENA_BYTES", "MUSCLES"), 7):
        memory.put(at + 4 * layout.HEADER_WORDS.index(name), value)
    found = read_metrics(memory)
    assert (found["memory_bytes"], found["arena_bytes"], found["muscles"]) == (7, 8, 9)


def test_queued_jobs_are_those_of_both_queues_across_the_wrap():
    memory = Memory()
    for name, taken, given in (("JOBS_URGENT", 0xFFFFFFFE, 1), ("JOBS_BULK", 5, 9), ("JOBS_DONE", 0, 7)):
        at = layout.REGIONS[name][0]
        memory.put(at + layout.QUEUE_DEQUEUE_OFFSET, taken)
        memory.put(at + layout.QUEUE_ENQUEUE_OFFSET, given)
    assert read_metrics(memory)["jobs_queued"] == 3 + 4


def test_a_ring_answers_for_its_own_drops():
    memory = Memory()
    for value, ring in enumerate(layout.RINGS, 1):
        memory.put(layout.REGIONS[ring][0] + layout.RING_DROPPED_OFFSET, value)
    found = read_metrics(memory)
    assert [found[f"{ring.lower()}_dropped"] for ring in layout.RINGS] == [1, 2, 3, 4, 5]
