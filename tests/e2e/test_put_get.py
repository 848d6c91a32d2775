"""What goes into the vault comes out byte for byte, whatever its size and kind."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from pathlib import Path

import pytest
from node import KIB, MIB, Data, NodeTab
from server import ROOT

from inos import limits

CORPUS = Path(os.environ.get("INOS_SHARED", ROOT.parent / "shared")) / "corpus" / "canterbury"
EDGES = (0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, MIB - 1, MIB, MIB + 1)
ROUNDS_MAX = 60

# Lengths of the chunks that a root was cut into, by the vault's own public calls.
CHUNK_LENGTHS = """
async (root) => JSON.parse(await globalThis.inos.python(`
import json
manifest = await vault.manifest_of(await vault.share(bytes.fromhex("${root}")))
json.dumps([ref.covers for ref in manifest.refs])
`))
"""


def real_files() -> list[Path]:
    """The Canterbury corpus where it is present, else files that every installation has: text, sources and a binary."""
    if CORPUS.is_dir():
        return sorted(CORPUS.iterdir())
    sources = Path(sysconfig.get_path("stdlib"))
    names = ("argparse.py", "pickletools.py", "tarfile.py", "turtle.py")
    return [*(sources / name for name in names), ROOT / "LICENSE", ROOT / "static" / "build" / "kernel.wasm"]


@pytest.mark.parametrize("kind", ["text", "random"])
@pytest.mark.parametrize("length", EDGES)
def test_round_trip_at_the_edges_of_sizes(node: NodeTab, length: int, kind: str) -> None:
    done = node.put(Data(kind, length, seed=length + 7), f"{kind}-{length}")
    assert done["bytes"] == length
    assert node.hash_of(done["root"]) == (length, done["sha256"])


def test_round_trip_of_real_files(node: NodeTab) -> None:
    for file in real_files():
        content = file.read_bytes()
        done = node.put(Data.of(content), file.name)
        assert done["sha256"] == hashlib.sha256(content).hexdigest()
        assert node.hash_of(done["root"]) == (len(content), done["sha256"]), file.name
        assert done["stored"] < max(len(content), 4 * KIB), f"{file.name} was not compressed"


def test_round_trip_of_the_longest_chunk(node: NodeTab) -> None:
    # one value repeated gives the chunker no place to cut
    done = node.put(Data.of(bytes(limits.CHUNK_BYTES_MAX)), "longest chunk")
    assert done["chunks"] == 1
    assert node.hash_of(done["root"]) == (limits.CHUNK_BYTES_MAX, done["sha256"])


def test_round_trip_of_a_block_of_the_maximum_size(node: NodeTab) -> None:
    """Random bytes, changed wherever this vault's own chunker cuts them, until they are one chunk as large as chunks get."""
    length = limits.CHUNK_BYTES_MAX
    node.tab.call("(length) => { window.largest = lab.make({ kind: 'random', seed: 5, length }); }", length)
    for _ in range(ROUNDS_MAX):
        done = node.tab.call("() => globalThis.inos.put(window.largest, { name: 'largest block' })")
        if done["chunks"] == 1:
            break
        lengths = node.tab.call(CHUNK_LENGTHS, done["root"])
        node.tab.call(
            """async (root, lengths) => {
              let at = 0;
              for (const length of lengths.slice(0, -1)) {
                at += length;
                window.largest[at - 1] += 1; // the byte after which it was cut
              }
              await globalThis.inos.remove(root);
            }""",
            done["root"],
            lengths,
        )
    assert done["chunks"] == 1
    assert done["stored"] > length, "it was compressed after all"
    expected = node.tab.call("() => lab.sha256(window.largest)")
    assert node.hash_of(done["root"]) == (length, expected)


@pytest.mark.parametrize("kind", ["text", "random"])
def test_round_trip_of_64_mib(node: NodeTab, kind: str) -> None:
    done = node.put(Data(kind, 64 * MIB, seed=64), f"big {kind}")
    assert done["chunks"] > 16
    assert done["stored"] < 48 * MIB if kind == "text" else done["stored"] < 65 * MIB
    assert node.hash_of(done["root"]) == (64 * MIB, done["sha256"])


def test_equal_contents_are_stored_once(node: NodeTab) -> None:
    data = Data("random", 8 * MIB, seed=99)
    first = node.put(data, "first")
    second = node.put(data, "second")
    assert second["newChunks"] == 0
    assert second["root"] != first["root"], "the name is part of the manifest"
    rows = {row["root"]: row for row in node.list()}
    assert rows[second["root"]]["dedupedBytes"] == 8 * MIB
    node.tab.call("(root) => globalThis.inos.remove(root)", first["root"])
    assert node.hash_of(second["root"]) == (8 * MIB, first["sha256"])


def test_a_check_of_all_data_finds_nothing_wrong(node: NodeTab) -> None:
    node.put(Data("text", 3 * MIB, seed=4), "to be checked")
    report = node.tab.call("() => globalThis.inos.check('data')")
    assert report["blocks"] > 0
    assert (report["bad"], report["lost"]) == ([], [])
