"""What goes into the vault comes out byte for byte, whatever its size and kind."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from node import KIB, MIB, Data, NodeTab
from server import ROOT

from inos import limits

CORPUS = Path(os.environ.get("INOS_SHARED", ROOT.parent / "shared")) / "corpus" / "canterbury"
EDGES = sorted({0, 1, *(16 * KIB + d for d in (-1, 0, 1)), *(MIB + d for d in (-1, 0, 1))})


@pytest.mark.parametrize("kind", ["text", "random"])
@pytest.mark.parametrize("length", EDGES)
def test_round_trip_at_the_edges_of_sizes(node: NodeTab, length: int, kind: str) -> None:
    done = node.put(Data(kind, length, seed=length + 7), f"{kind}-{length}")
    assert done["bytes"] == length
    assert node.hash_of(done["root"]) == (length, done["sha256"])


def test_round_trip_of_a_block_of_the_maximum_size(node: NodeTab) -> None:
    # zeros give the chunker no place to cut, so this is one chunk of the largest raw size
    done = node.put(Data.of(bytes(limits.CHUNK_BYTES_MAX)), "longest chunk")
    assert node.hash_of(done["root"]) == (limits.CHUNK_BYTES_MAX, done["sha256"])
