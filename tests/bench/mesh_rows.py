"""The rows of the mesh: two browsers side by side with a raw channel between them, the simulator, and four browsers of which
some are killed (``tests/chaos/mesh.py``)."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import catalog
from browser import Chromium, PageFailed, Server
from playwright.sync_api import Page, Playwright
from rows import Result, result, rounded

GOODPUT = "mesh.goodput"
SIMULATED = {"mesh.hops": ("lookup", "hops_p99"), "mesh.gossip": ("gossip", "gossip_hops_p99")}
LIVED = {
    "mesh.join": "join_s",
    "mesh.replication": "replication_mib_s",
    "mesh.detect": "detect_s",
    "mesh.repair": "repair_s",
}
IDS = (GOODPUT, *SIMULATED, *LIVED)
WHY = {  # a figure of the document is missed
    "mesh.gossip": "The figure is that of the last node in a hundred, and everybody passes a message on to few.",
    "mesh.replication": "Both copies go through data channels (`mesh.goodput`) while four browsers share the processors; finding "
    "who keeps them, and writing them to disk, is in the time.",
}
ROOT = Path(__file__).resolve().parents[2]
NODES, NODES_QUICK = 1_000, 100
SEEDS = (1, 2, 3)
MIB = 1 << 20
RAW_MESSAGE_KIB = (64, 128, 256)
BLOCKED_MS_MAX = 50
SEED = 5
# One copy of a file: else the other page keeps sealed copies before it asks for anything, and there is nothing to transfer.
READY = "async () => { await globalThis.inos.ready; await globalThis.inos.setReplication(1); }"
# The main thread's longest task while a transfer runs.
WATCH = """() => {
  globalThis.benchBlocked = 0;
  globalThis.benchWatch = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.benchBlocked = Math.max(globalThis.benchBlocked, duration);
  });
  globalThis.benchWatch.observe({ type: "longtask" });
}"""
BLOCKED = "() => { globalThis.benchWatch.disconnect(); return globalThis.benchBlocked; }"
ADD_INPUT = (
    "() => document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'bench-give' }))"
)
PUT = """async ([input, name]) => {
  const file = document.getElementById(input).files[0];
  const { root } = await globalThis.inos.put(file, { name });
  const { stored } = (await globalThis.inos.list()).find((row) => row.root === root);
  return { link: await globalThis.inos.share(root), stored };
}"""
# From the first bytes that came until the file is verified and on disk (they are not counted), and from the call on.
FETCH = """async (link) => {
  const started = performance.now();
  let first = null;
  const onProgress = ({ bytes, total }) => {
    if (bytes > 0 && bytes < total) first ??= { ms: performance.now() - started, part: bytes / total };
  };
  const { root } = await globalThis.inos.fetch(link, { onProgress });
  const ms = performance.now() - started;
  const { ms: waited, part } = first ?? { ms: 0, part: 0 };
  return { ms, flowMs: (ms - waited) / (1 - part), root };
}"""
REMOVE = "(root) => globalThis.inos.remove(root)"
RAW = (
    "async () => { const { RawEnd } = await import('/web/page/bench/raw_channel.js'); globalThis.raw = new RawEnd(); }"
)
# In parts of what the server's source gives at a time, one after another on one connection.
DOWNLOAD = """async (bytes) => {
  const partBytesMax = 16 << 20;
  const started = performance.now();
  for (let left = bytes; left > 0; left -= partBytesMax) {
    const wanted = Math.min(left, partBytesMax);
    const response = await fetch(`/bench/source?bytes=${wanted}`);
    let got = 0;
    for await (const part of response.body) got += part.length;
    if (got !== wanted) throw new Error(`${got} bytes came`);
  }
  return performance.now() - started;
}"""


@contextmanager
def two_pages(playwright: Playwright, server: Server, folder: Path) -> Iterator[tuple[Page, Page]]:
    """Two browsers of their own on the page that people use, their nodes ready."""
    with ExitStack() as stack:
        browsers = [stack.enter_context(Chromium(playwright, folder / f"mesh-{name}")) for name in "ab"]
        pages = [browser.page(server.url + "/") for browser in browsers]
        for page in pages:
            page.evaluate(READY)
        yield pages[0], pages[1]
        for browser in browsers:
            if browser.problems:
                raise PageFailed("; ".join(browser.problems))


def connect_raw(giver: Page, taker: Page) -> None:
    """A raw channel between workers of both pages."""
    for page in (giver, taker):
        page.evaluate(RAW)
    answer = taker.evaluate("(sdp) => raw.answer(sdp)", giver.evaluate("() => raw.offer()"))
    giver.evaluate("(sdp) => raw.accept(sdp)", answer)
    for page in (giver, taker):
        page.evaluate("async () => { await raw.opened(); }")


def raw_rate(giver: Page, taker: Page, size: int, message_kib: int) -> float:
    """MiB/s of a raw channel with messages of this size."""
    taker.evaluate("(bytes) => raw.receive(bytes)", size)
    ms = float(giver.evaluate("([bytes, each]) => raw.send(bytes, each)", [size, message_kib * 1024]))
    return size / MIB / ms * 1000


def give(giver: Page, path: Path) -> dict[str, Any]:
    """Put a file and share it: the link and what is stored of it."""
    giver.set_input_files("#bench-give", path)
    return dict(giver.evaluate(PUT, ["bench-give", path.name]))


class Meshes:
    """Rows as they are asked for; browsers are killed once for all rows that tell of it."""

    def __init__(self, playwright: Playwright, server: Server, folder: Path, options: argparse.Namespace) -> None:
        self._playwright = playwright
        self._server = server
        self._folder = folder
        self._options = options
        self._lived: dict[str, Any] | None = None

    def measure(self, name: str) -> Result:
        """One of IDS."""
        if name in SIMULATED:
            return self._simulated(name, *SIMULATED[name])
        if name in LIVED:
            return self._by_kills(name, LIVED[name])
        return goodput(self._playwright, self._server, self._folder, self._options.mib, self._options.runs)

    def _simulated(self, name: str, scenario: str, key: str) -> Result:
        quick = self._options.quick
        nodes = NODES_QUICK if quick else NODES
        reports = [
            last_line("-m", "inos_sim", "--nodes", str(nodes), "--scenario", scenario, "--seed", str(seed), "--json")
            for seed in SEEDS[: 1 if quick else self._options.runs]
        ]
        notes = [f"{nodes} nodes, seeds {', '.join(str(report['seed']) for report in reports)}"]
        if scenario == "gossip":
            copies = [float(report["duplicates_per_node"]) + 1 for report in reports]
            notes.append(
                f"coverage {min(report['coverage'] for report in reports):.0%}, {rounded(max(copies))} copies a node"
            )
        samples = [float(report[key]) for report in reports]
        return result(catalog.row(name), samples, {}, why=WHY.get(name, ""), notes=notes)

    def _by_kills(self, name: str, key: str) -> Result:
        if self._lived is None:
            rounds = 1 if self._options.quick else 3
            self._lived = last_line(
                "tests/chaos/mesh.py",
                "--nodes",
                "4",
                "--rounds",
                str(rounds),
                "--quiet-s",
                "5",
                "--no-limits",
                "--json",
            )
        lived = self._lived
        notes = [f"{lived['rounds']} rounds, {lived['lost']} lost, {lived['false_suspicions']} falsely suspected"]
        samples = [float(sample) for sample in lived[key]]
        notes.append(f"at worst {rounded(min(samples) if name == 'mesh.replication' else max(samples))}")
        return result(catalog.row(name), samples, {}, why=WHY.get(name, ""), notes=notes)


def last_line(*words: str) -> dict[str, Any]:
    """Run one of our programs, and read the JSON that it ends with."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "py")}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PageFailed(f"{words[0]}: {done.stderr.strip()[-400:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def goodput(playwright: Playwright, server: Server, folder: Path, mib: int, runs: int) -> Result:
    """A file from tab to tab, beside the best raw channel between the same tabs and a download from the server."""
    size = mib * MIB
    samples: list[float] = []
    baselines: dict[str, list[float]] = {"raw channel": [], "fetch": []}
    whole: list[float] = []
    blocked = 0.0
    best: dict[int, list[float]] = {kib: [] for kib in RAW_MESSAGE_KIB}
    rng = random.Random(SEED)
    with two_pages(playwright, server, folder) as (giver, taker):
        giver.evaluate(ADD_INPUT)
        connect_raw(giver, taker)
        for number in range(runs + 1):  # the first warms everything up
            path = folder / f"give-{number}.bin"
            path.write_bytes(rng.randbytes(size if number else MIB))
            given = give(giver, path)
            path.unlink()
            rates = {kib: raw_rate(giver, taker, size if number else MIB, kib) for kib in RAW_MESSAGE_KIB}
            for page in (giver, taker):
                page.evaluate(WATCH)
            took = dict(taker.evaluate(FETCH, given["link"]))
            tasks = [float(page.evaluate(BLOCKED)) for page in (giver, taker)]
            ms = float(taker.evaluate(DOWNLOAD, size if number else MIB))
            taker.evaluate(REMOVE, took["root"])
            if number == 0:
                continue
            blocked = max(blocked, *tasks)
            samples.append(mib / took["flowMs"] * 1000)
            whole.append(mib / took["ms"] * 1000)
            for kib, rate in rates.items():
                best[kib].append(rate)
            baselines["raw channel"].append(max(rates.values()))
            baselines["fetch"].append(mib / ms * 1000)
        logical = compressible(giver, taker, folder, mib)
        for page in (giver, taker):
            page.evaluate("() => raw.close()")
    row = catalog.row(GOODPUT)
    notes = [
        f"raw: {', '.join(f'{kib} KiB {rounded(max(rates))}' for kib, rates in best.items())} MiB/s at best",
        f"with finding each other: {rounded(sorted(whole)[len(whole) // 2])} MiB/s",
        f"text: {rounded(logical['rate'])} MiB/s of the file, {rounded(logical['wire'])} MiB/s on the wire",
        f"longest task of either page: {rounded(blocked)} ms",
    ]
    if blocked > BLOCKED_MS_MAX:
        notes.insert(0, f"a page was blocked for {rounded(blocked)} ms, wanted {BLOCKED_MS_MAX}")
    raw = rounded(median(baselines["raw channel"]))
    why = f"The best raw channel between the same two pages makes {raw} MiB/s here."
    return result(row, samples, baselines, why=why, notes=notes)


def compressible(giver: Page, taker: Page, folder: Path, mib: int) -> dict[str, float]:
    """The same with text: rates of the file's bytes and of those that travelled."""
    rng = random.Random(SEED)
    words = [rng.randbytes(rng.randrange(2, 6)).hex() for _ in range(4_000)]
    text = " ".join(rng.choices(words, k=mib * MIB // 7)).encode()[: mib * MIB]
    path = folder / "give.txt"
    path.write_bytes(text)
    given = give(giver, path)
    path.unlink()
    took = dict(taker.evaluate(FETCH, given["link"]))
    seconds = took["flowMs"] / 1000
    return {"rate": len(text) / MIB / seconds, "wire": given["stored"] / MIB / seconds}
