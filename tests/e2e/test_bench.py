"""Rows of the bench on a page of the ordinary server: it measures, and says what it had nothing to compare with.

Chromium only: scripts of Firefox's driver import modules into a world of their own. There, `test_bench_page.py` runs rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from node import NodeTab, open_node
from server import Server

from conftest import Start

TIMEOUT_S = 120.0
RUN = """async (only) => {
  const { runRows } = await import("/web/page/bench/run.js");
  const seen = [];
  const rows = await runRows({ only, quick: true, onProgress: ({ id, part }) => seen.push([id, part]) });
  return { rows, seen };
}"""
STOP = """async (only) => {
  const { runRows } = await import("/web/page/bench/run.js");
  const wish = new AbortController();
  return runRows({ only, quick: true, signal: wish.signal, onProgress: () => wish.abort(new Error("enough")) })
    .then(() => "it ran on", (error) => error.message);
}"""


@pytest.fixture(scope="module")
def chromium_node(launch: Start, server: Server) -> Iterator[NodeTab]:
    """A page with a ready node, one for all tests here."""
    with contextlib.closing(launch("chromium")) as browser:
        yield open_node(browser, server)


@pytest.fixture
def node(chromium_node: NodeTab) -> Iterator[NodeTab]:
    """It; it must be silent during the test."""
    before = len(chromium_node.tab.problems())
    yield chromium_node
    assert chromium_node.tab.problems()[before:] == []


def rows_of(node: NodeTab, *ids: str) -> dict[str, dict[str, Any]]:
    """Measured rows by id."""
    answer = node.tab.call(RUN, list(ids), timeout_s=TIMEOUT_S)
    assert [row["id"] for row in answer["rows"]] == sorted(ids, key=[row["id"] for row in answer["rows"]].index)
    assert {name for name, part in answer["seen"] if part == 1} == set(ids)
    for row in answer["rows"]:
        assert not row.get("error"), row["notes"]
    return {row["id"]: row for row in answer["rows"]}


def test_rows_run_on_the_page_that_people_use(node: NodeTab) -> None:
    ids = ("sab.read.1m", "epoch.js", "epoch.ops", "ring.1k", "load.100", "pipeline", "sab.pointer.py", "ring.100k.py")
    node.tab.allow_problems("bench/source")  # the ordinary server has no such route, and browsers log that
    rows = rows_of(node, *ids)
    for row in rows.values():
        assert row["value"] > 0, row["notes"]
        assert row["runs"] == len(row["samples"]) == 1
        assert row["meets_seed"] in {True, False}
    latency = rows["epoch.js"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p999"] <= latency["max"]
    assert latency["value"] == latency["p50"]
    assert latency["ratio"]["postMessage"] > 0
    assert rows["pipeline"]["details"]["copiesPerByte"] == 1
    assert "fetch" not in rows["sab.read.1m"]["baselines"]
    assert any(note.startswith("fetch is not there") for note in rows["sab.read.1m"]["notes"])


def test_libraries_that_are_not_served_are_left_out(node: NodeTab) -> None:
    node.tab.allow_problems("build/baselines")
    row = rows_of(node, "blake3")["blake3"]
    assert row["value"] > 0
    assert row["baselines"] == row["ratio"] == {}
    assert "hash-wasm is not there, so it is left out" in row["notes"]


def test_what_only_the_command_can_measure_is_said_and_not_made_up(node: NodeTab) -> None:
    rows = node.tab.call(RUN, ["scale.memory", "boot.page"], timeout_s=TIMEOUT_S)["rows"]
    for row in rows:
        assert row["value"] is None
        assert row["meets_seed"] is None
        assert "only the command" in row["notes"][0]


def test_a_run_can_be_stopped(node: NodeTab) -> None:
    assert node.tab.call(STOP, ["epoch.js"], timeout_s=TIMEOUT_S) == "enough"


def test_the_vault_rows_leave_nothing_behind(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    node.tab.allow_problems("build/baselines")
    rows = rows_of(node, "vault.put.text", "vault.get", "vault.roundtrip", "vault.put.random")
    assert rows["vault.put.text"]["ratio"]["kernel.q6"] > 0
    assert rows["vault.roundtrip"]["value"] < rows["vault.get"]["value"]
    assert node.tab.call("() => inos.list()") == []
