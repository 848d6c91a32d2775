"""The layout: no two things share a place, and what is generated from it is what is committed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from inos import limits
from inos.errors import STATUS_ERRORS, STATUS_OF, InosError, error_codes
from inos.memory import generate, layout

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("path", "text"),
    [("web/shared/layout.gen.js", generate.javascript), ("web/kernel/layout.gen.zig", generate.zig)],
)
def test_generated_files_are_up_to_date(path, text):
    assert (ROOT / path).read_text(encoding="utf-8") == text(), "run: python -m inos.memory.generate"


def test_main_writes_both(tmp_path):
    for folder in ("web/shared", "web/kernel"):
        (tmp_path / folder).mkdir(parents=True)
    generate.main(tmp_path)
    assert (tmp_path / "web/shared/layout.gen.js").read_text(encoding="utf-8") == generate.javascript()
    assert (tmp_path / "web/kernel/layout.gen.zig").read_text(encoding="utf-8") == generate.zig()


def test_regions_do_not_overlap():
    ranges = sorted((offset, offset + length, name) for name, (offset, length) in layout.REGIONS.items())
    assert ranges[0][0] >= layout.KERNEL_BYTES
    for (_, end, name), (start, _, after) in itertools.pairwise(ranges):
        assert end <= start, f"{name} reaches into {after}"
    assert ranges[-1][1] <= layout.ARENA_OFFSET < min(layout.MEMORY_TIERS_BYTES)
    for offset, _, name in ranges:
        assert offset % layout.LINE_BYTES == 0, name


def test_tables_fit_their_regions():
    def size(name):
        return layout.REGIONS[name][1]

    assert len(layout.HEADER_WORDS) * 4 <= layout.HEADER_BUILD_ID_OFFSET
    assert len(layout.EPOCHS) * layout.LINE_BYTES <= size("EPOCHS")
    assert size("JOB_TABLE") >= limits.JOBS_MAX * layout.JOB_BYTES
    assert size("JOB_RESULTS") >= limits.JOBS_MAX * layout.RESULT_BYTES
    assert size("KEY_SLOTS") >= layout.KEY_SLOTS_MAX * layout.KEY_SLOT_BYTES
    assert size("PEER_TABLE") >= limits.PEERS_MAX * layout.PEER_ROW_BYTES
    assert size("STACKS") >= layout.THREADS_MAX * layout.STACK_BYTES
    assert len(layout.METRICS_WORDS) * 4 <= size("METRICS")
    assert limits.MUSCLES_MAX + 3 <= layout.THREAD_COMPUTE, "brain, io, net and muscles have stacks of their own"
    assert layout.THREAD_COMPUTE + limits.COMPUTE_WORKERS_MAX <= layout.THREADS_MAX
    assert size("COMPUTE") >= limits.COMPUTE_WORKERS_MAX * layout.COMPUTE_BYTES
    assert len(layout.COMPUTE_WORDS) * 4 <= layout.COMPUTE_HELD_OFFSET
    assert layout.COMPUTE_HELD_OFFSET + limits.COMPUTE_HELD_MAX * 4 <= layout.COMPUTE_BYTES
    for queue in ("JOBS_URGENT", "JOBS_BULK", "JOBS_DONE"):
        assert size(queue) >= layout.QUEUE_CELLS_OFFSET + layout.QUEUE_CELLS * layout.QUEUE_CELL_BYTES
    assert layout.QUEUE_CELLS >= limits.JOBS_MAX
    assert layout.QUEUE_CELLS.bit_count() == 1


def fields_apart(fields, sizes, total):
    end_before = 0
    for name, offset in sorted(fields.items(), key=lambda item: item[1]):
        assert offset >= end_before, name
        end_before = offset + sizes(name)
    assert end_before <= total


def test_fields_do_not_overlap():
    ids = ("SECRET", "BID", "H", "CID", "SALT")
    bytes_of = {"CODEC": 1, "QUALITY": 1, "KIND": 1} | dict.fromkeys(ids, 32)
    fields_apart(layout.RESULT_FIELDS, lambda name: bytes_of.get(name, 4), layout.RESULT_BYTES)
    lengths = {"ID": 32, "SIV": 96, "ENC": 96, "CDC": 32, "LOC": 32, "GEAR": 2_048}
    fields_apart(layout.KEY_SLOT_FIELDS, lengths.__getitem__, layout.KEY_SLOT_BYTES)


@pytest.mark.parametrize("table", [layout.JOB_OPS, layout.NET_FRAMES, layout.IO_OPS, layout.STATUS])
def test_numbers_are_unique(table):
    assert len(set(table.values())) == len(table)


@pytest.mark.parametrize("names", [layout.HEADER_WORDS, layout.EPOCHS, layout.JOB_WORDS, layout.METRICS_WORDS])
def test_names_are_unique(names):
    assert len(set(names)) == len(names)


def test_constants_are_unique():
    names = [name for name, _ in generate.constants()]
    assert len(set(names)) == len(names)
    assert all(0 <= number < 1 << 53 for _, number in generate.constants())


def test_statuses_and_codes():
    assert all(status < 0 for status in STATUS_ERRORS)
    assert {STATUS_OF[error]: error for error in STATUS_ERRORS.values()} == STATUS_ERRORS
    codes = error_codes()
    assert codes["InosError"] is InosError
    for code, error in codes.items():
        assert error("why").code == code
        assert error.__doc__
    assert {error.__name__ for error in STATUS_ERRORS.values()} <= set(codes)
