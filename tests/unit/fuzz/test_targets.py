"""The fuzz targets on their corpora, and whether the engines would find anything."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fuzz import target as module
from tests.fuzz.mutate import mutate_bytes, mutate_cbor
from tests.fuzz.target import Finding, attempt, load, name_of, names

from inos.errors import BadLink
from inos.wire import cbor

CHANGES = 300


@pytest.mark.parametrize("name", names())
def test_every_input_of_the_corpus_is_taken_as_it_must_be(name: str) -> None:
    target = load(name)
    codes = [attempt(target, data) for data in target.inputs()]
    assert "" in codes, "nothing in the corpus is accepted, so nothing beyond the first check is tried"


@pytest.mark.parametrize("name", names())
def test_the_corpus_is_that_of_the_seeds(name: str) -> None:
    """After a change of format: `.venv/bin/python tests/fuzz/make_corpus.py`."""
    target = load(name)
    kept = {file.name for file in target.corpus.iterdir() if not file.name.startswith("found-")}
    assert kept == {name_of(data) for data in target.seeds()}
    assert kept == {
        name_of(file.read_bytes()) for file in target.corpus.iterdir() if not file.name.startswith("found-")
    }


@pytest.mark.parametrize("name", names())
def test_changes_of_the_corpus(name: str) -> None:
    """A short run of what `npm run fuzz` does for long."""
    target, rng = load(name), random.Random(name)
    inputs, codes = target.inputs(), set()
    for _ in range(CHANGES if name != "replay" else CHANGES // 10):
        codes.add(attempt(target, target.mutate(rng.choice(inputs), rng)))
    assert len(codes) > 1 or name == "replay", "every change meets with the same answer"


def _faulty(run) -> module.Target:
    return replace(load("cbor"), run=run)


def test_what_a_finding_is() -> None:
    def refuse(_: bytes) -> None:
        raise BadLink("typed")

    assert attempt(_faulty(refuse), b"") == "BadLink"
    with pytest.raises(Finding, match="KeyError"):
        attempt(_faulty(lambda _: {}[0]), b"")
    with pytest.raises(Finding, match="AssertionError: said"):
        attempt(_faulty(_fail), b"")
    with pytest.raises(Finding, match=" ms for 3 bytes"):
        attempt(_faulty(lambda _: _work(0.06)), b"abc")


def _work(seconds: float) -> None:
    ends_at = time.process_time() + seconds
    while time.process_time() < ends_at:
        pass


def _fail(_: bytes) -> None:
    raise AssertionError("said")


def test_what_was_slow_once_is_no_finding() -> None:
    naps = iter([0.06, 0.06])
    assert attempt(_faulty(lambda _: _work(next(naps, 0))), b"") == ""


def test_memory_is_seen() -> None:
    assert module.memory_of(_faulty(lambda _: bytearray(80 << 20)), b"") > module.MEMORY_BYTES_MAX


def test_the_drawn_engine_finds_a_fault_and_keeps_the_input(tmp_path: Path) -> None:
    """The real engine, in a process where the CBOR decoder looks at no map before it is decoded."""
    faulty = f"""
import sys
sys.argv[1:] = ["drawn", "cbor", "20", "1", {str(tmp_path)!r}, "unused"]
sys.path[:0] = [{str(module.HERE)!r}]
import child
from inos.wire import cbor
real = cbor._walk
cbor._walk = lambda data: len(data) if data[:1] > b"\\xa0" else real(data)
sys.exit(child.main(sys.argv[1:]))
"""
    done = subprocess.run([sys.executable, "-c", faulty], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    (found,) = tmp_path.iterdir()
    assert found.read_bytes()[:1] > b"\xa0"
    attempt(load("cbor"), found.read_bytes())  # without the fault it is none


def test_mutators_reach_what_they_should() -> None:
    rng = random.Random(1)
    tree = cbor.encode({1: [b"bytes", "text", 5], 2: cbor.encode([1, 2])})
    still = sum(_is_cbor(mutate_cbor(tree, rng)) for _ in range(500))
    plain = sum(_is_cbor(mutate_bytes(tree, rng)) for _ in range(500))
    assert still > 300 > plain


def _is_cbor(data: bytes) -> bool:
    try:
        cbor.decode(data)
    except module.InosError:
        return False
    return True
