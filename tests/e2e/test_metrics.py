"""The live figures: the page reads what Python reads, they move while a file is stored, and counting wakes nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from node import MIB, Data, NodeTab, open_node
from server import Server

from conftest import BROWSERS, Start

# What Python finds in the very words that the page reads; both at a moment at which nothing else goes on.
PYTHON_READS = """
import json
from inos.memory.metrics import read_metrics
json.dumps(read_metrics(memory))
"""
# These move by the question itself, and a sleeping muscle looks up every two seconds.
LOOKS_MAX = 20
MOVING = {
    "brainTurns",
    "brainSleeps",
    "brainSleptMs",
    "muscleSleeps",
    "muscleSleptMs",
    "pythonBytesRead",
    "pythonBytesWritten",
}
# Figures seen while a put is under way, and after it.
WATCH_PUT = """
async (length) => {
  const seen = [globalThis.inos.metrics()];
  const put = lab.put({ kind: "random", seed: 3, length }, "watched.bin");
  let isOver = false;
  put.finally(() => { isOver = true; });
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    seen.push(globalThis.inos.metrics());
  }
  await put;
  return [...seen, globalThis.inos.metrics()];
}
"""
# Counts how often the page reads the figures.
COUNT_LOOKS = """
() => {
  window.looks = 0;
  const read = globalThis.inos.metrics.bind(globalThis.inos);
  globalThis.inos.metrics = () => { window.looks += 1; return read(); };
}
"""
EPOCHS = """
import json
from inos.memory import layout
words = memory.words(layout.REGIONS["EPOCHS"][0], len(layout.EPOCHS) * 16)
json.dumps({name: words[index * 16] for index, name in enumerate(layout.EPOCHS)})
"""


def metrics(node: NodeTab) -> dict[str, int]:
    return dict(node.tab.call("() => globalThis.inos.metrics()"))


def python(node: NodeTab, source: str) -> Any:
    return json.loads(node.tab.call("(source) => globalThis.inos.python(source)", source))


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


@pytest.mark.parametrize("name", BROWSERS)
def test_page_python_and_stats_say_the_same(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server, "?room=none")  # the mesh's messages would be counted between the questions
    node.put(Data("text", 3 * MIB, seed=2), "counted.txt")
    read = {camel(key): value for key, value in python(node, PYTHON_READS).items()}
    here, stats = metrics(node), node.tab.call("() => globalThis.inos.stats()")
    assert read.keys() == here.keys()
    assert here.keys() <= stats.keys()
    for key in here.keys() - MOVING:
        assert read[key] == here[key] == stats[key], key
    for key in MOVING:
        assert read[key] <= here[key], key


@pytest.mark.parametrize("name", BROWSERS)
def test_the_figures_of_a_put(start: Start, server: Server, name: str) -> None:
    length = 24 * MIB
    node = open_node(start(name), server)
    seen = node.tab.call(WATCH_PUT, length, timeout_s=120)
    first, last = seen[0], seen[-1]
    for key in ("copyBytesIn", "jobsDone", "diskBytesWritten"):
        steps = [each[key] for each in seen]
        assert steps == sorted(steps), f"{key} went back"
        assert any(first[key] < step < last[key] for step in steps), f"{key} did not move while the file was stored"
    # The end of a window that gave no whole chunk is read again with the next window: a fifth of 4 MiB on average, by where this
    # vault's own chunker cuts; a chunk of random bytes is never longer than 2 MiB or so.
    assert length <= last["copyBytesIn"] - first["copyBytesIn"] <= 1.5 * length
    assert last["copyBytesOut"] == first["copyBytesOut"], "nothing is copied out"
    assert last["diskBytesWritten"] - first["diskBytesWritten"] >= length
    assert max(each["jobsRunning"] for each in seen) >= 1
    assert max(each["arenaBytesUsed"] for each in seen) > first["arenaBytesUsed"]
    assert (last["jobsQueued"], last["jobsRunning"], last["jobsFailed"]) == (0, 0, 0)
    assert last["jobsBusyMs"] > first["jobsBusyMs"]
    assert last["muscleSleeps"] > first["muscleSleeps"]
    assert last["brainSleeps"] > first["brainSleeps"]
    assert last["brainSleptMs"] > first["brainSleptMs"]
    assert last["eventsDropped"] == 0


def at_rest(node: NodeTab) -> tuple[dict[str, int], dict[str, float], int]:
    """Epochs, metrics, and how many looks it took, between two jobs: something of the mesh's may be under way."""
    for looks in range(1, LOOKS_MAX + 1):
        done = metrics(node)["jobsDone"]
        epochs, seen = python(node, EPOCHS), metrics(node)
        is_idle = (seen["jobsDone"], seen["jobsQueued"], seen["jobsRunning"]) == (done, 0, 0)
        if is_idle and epochs["IO_DONE"] == epochs["IO_QUEUE"]:
            return epochs, seen, looks
    raise AssertionError(f"never at rest in {LOOKS_MAX} looks: {epochs} {seen}")


def test_counting_wakes_nobody(start: Start, server: Server) -> None:
    """A job costs one publish to queue it and two when it is done, as before anything was counted."""
    node = open_node(start("chromium"), server)
    before, metrics_before, _ = at_rest(node)
    node.put(Data("random", 24 * MIB, seed=8), "published.bin")
    after, metrics_after, looks = at_rest(node)
    jobs = metrics_after["jobsDone"] - metrics_before["jobsDone"]
    moved = {name: after[name] - before[name] for name in after}
    assert (moved["JOBS"], moved["JOBS_DONE"]) == (jobs, jobs)
    assert moved["IO_DONE"] == moved["IO_QUEUE"]
    assert moved["BRAIN"] <= jobs + moved["IO_DONE"] + moved["NET_INBOX"] + 8 * looks  # and a few calls of the page


@pytest.mark.parametrize("name", BROWSERS)
def test_the_panel_follows_a_put_and_rests_when_closed(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    node.tab.call(COUNT_LOOKS)
    node.open_view("mesh")
    shown = "() => Number(document.querySelector('[data-stat=jobsDone]').textContent.replaceAll(',', '')) || 0"
    node.tab.wait_for("the figures are shown", "() => document.querySelector('[data-stat=muscles]').textContent > 0")
    before = node.tab.call(shown)
    job = node.tab.begin("() => lab.put({ kind: 'text', seed: 4, length: 64 * 2 ** 20 }, 'seen.txt')")
    node.tab.wait_for("the count of jobs grows", f"(before) => ({shown})() > before + 4", before, timeout_s=60)
    assert not job.ended(), "it was seen while the file was on its way"
    moved = "() => document.querySelector('.live .spark > path').getAttribute('d').split('L').length > 2"
    node.tab.wait_for("the line of the last minute is drawn", moved)
    job.result()
    node.open_view("files")
    # Two and a half intervals in which nothing may happen: there is no event to wait for.
    looks = (
        "async () => { const from = looks; await new Promise((end) => setTimeout(end, 2500)); return looks - from; }"
    )
    assert node.tab.call(looks) == 0
