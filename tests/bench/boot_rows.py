"""Rows of the start: Python restored from the snapshot and Python workers beside stock Pyodide; first and later visits."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from typing import Any

from browser import Chromium, PageFailed, Server
from playwright.sync_api import Page, Playwright
from relay import Relay
from rows import Row

IDS = ("boot.brain", "boot.worker", "boot.page")
IMPORTS = ["asyncio", "msgspec", "cbor2", "inos.node"]
KINDS = ("restored", "stock", "cold")
WARM_MS_MAX = 1000.0
PAGE_RUNS_MIN = 5
WORKER_RUNS_MIN = 10
WORKERS_AT_ONCE = 10
WORKER_RATIO_MIN = 1 / 0.35
WORKER_PAGE = (Path(__file__).parent / "pages" / "worker.js").read_text("utf-8")
MIB = 1 << 20
# Runs before the page's own scripts: notes when the page is mounted and painted, and when its node is ready.
WATCH = """
(() => {
  let node;
  const started = Promise.withResolvers();
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  Object.defineProperty(globalThis, "inos", {
    configurable: true,
    get: () => node,
    set(value) {
      node = value;
      started.resolve();
    },
  });
  const usable = started.promise.then(frame).then(() => {
    const now = performance.now();
    const mounted = document.getElementById("drop")?.checkVisibility() && !document.getElementById("stalled");
    if (!mounted) throw new Error("the page ran its scripts, and #drop is not there");
    return now;
  });
  const ready = started.promise.then(() => node.ready).then((facts) => ({ facts, at: performance.now() }));
  globalThis.benchVisit = async () => {
    const { facts, at } = await ready;
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return { usable: await usable, ready: at, painted: paint.startTime, snapshot: facts.snapshot, stages: facts.stages };
  };
})();
"""
MARKS = "() => globalThis.benchVisit()"


def brain(page: Page, runs: int) -> Row:
    """Restored, stock and cold in turns."""
    measure = "([kind, imports]) => measureBoot(kind, imports)"
    for kind in ("restored", "stock"):
        page.evaluate(measure, [kind, IMPORTS])  # fills the pantry and the browser's caches
    made: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for _ in range(runs):
        for kind in KINDS:
            made[kind].append(page.evaluate(measure, [kind, IMPORTS]))
    hows = sorted({boot["how"] for boot in made["restored"]})
    if hows != ["snapshot"]:
        raise PageFailed(f"the snapshot was not restored: {made['restored'][0].get('why')}")
    started = {kind: [boot["startedMs"] for boot in boots] for kind, boots in made.items()}
    ready = {kind: [boot["readyMs"] for boot in boots] for kind, boots in made.items()}
    row = Row(
        "boot.brain",
        "ms",
        f"From asking a fresh worker until Python runs, restored from the snapshot, beside a stock loadPyodide; then until "
        f"{', '.join(IMPORTS)} are imported (ready), the same on both sides; files in the browser's storage or cache, in turns.",
        started["restored"],
        {"loadPyodide.started": started["stock"], "cold.started": started["cold"]},
        own_ratios={
            "loadPyodide.ready": [theirs / ours for ours, theirs in zip(ready["restored"], ready["stock"], strict=True)]
        },
        targets={"loadPyodide.started": 4.0, "loadPyodide.ready": 2.5},  # 0.25 and 0.4 of the stock times
    )
    stages: dict[str, list[float]] = {}
    for boot in made["restored"]:
        for stage in boot["stages"]:
            stages.setdefault(stage["name"], []).append(stage["ms"])
    row.details = {
        "readyMs": {kind: median(values) for kind, values in ready.items()},
        "restoredStagesMs": {name: round(median(values), 1) for name, values in stages.items()},
        "compileMs": page.evaluate("() => compileMs"),
    }
    return row


def worker(page: Page, runs: int) -> Row:
    """Python workers one after the other, beside stock Pyodide in turns; then ten at once."""
    page.evaluate("() => globalThis.inos.ready")
    page.evaluate(f"() => {{ {WORKER_PAGE} }}")
    for kind in ("spawn", "stock"):
        page.evaluate("(kind) => benchWorker[kind]()", kind)  # the first one shares the files, and fills the caches
    made: dict[str, list[float]] = {"spawn": [], "stock": []}
    for _ in range(max(runs, WORKER_RUNS_MIN)):
        for kind, times in made.items():
            times.append(page.evaluate("(kind) => benchWorker[kind]()", kind))
    at_once = {
        kind: page.evaluate("([kind, n]) => benchWorker.many(kind, n)", [kind, WORKERS_AT_ONCE]) for kind in made
    }
    last = {kind: max(times) for kind, times in at_once.items()}
    row = Row(
        "boot.worker",
        "ms",
        "From inos.spawn on the page until the first line of the source runs in its own Python, beside a stock loadPyodide in a "
        "worker of the same page (its thread's start not counted), in turns; at once: until the last of ten runs, once.",
        made["spawn"],
        {"loadPyodide": made["stock"]},
        own_ratios={f"loadPyodide, {WORKERS_AT_ONCE} at once": [last["stock"] / last["spawn"]]},
        targets={"loadPyodide": WORKER_RATIO_MIN},
    )
    row.details = {
        "atOnceMs": {kind: {"p50": median(times), "last": last[kind]} for kind, times in at_once.items()},
    }
    row.notes = [f"{WORKERS_AT_ONCE} at once: the last runs after {last['spawn']:.0f} ms, stock {last['stock']:.0f} ms"]
    return row


def visit(playwright: Playwright, profile: Path, url: str) -> dict[str, Any]:
    """One visit by a browser just started on the profile: milliseconds since the navigation began."""
    with Chromium(playwright, profile) as browser:
        page = browser.page()
        page.add_init_script(WATCH)
        page.goto(url + "/")
        marks = dict(page.evaluate(MARKS))
        if browser.problems:
            raise PageFailed("; ".join(browser.problems))
        return marks


def page(playwright: Playwright, server: Server, folder: Path, runs: int) -> Row:
    """First visits with new profiles, and second visits of restarted browsers on the same ones."""
    cold: list[dict[str, Any]] = []
    warm: list[dict[str, Any]] = []
    for number in range(max(runs, PAGE_RUNS_MIN)):
        profile = folder / f"visit-{number}"
        cold.append(visit(playwright, profile, server.url))
        warm.append(visit(playwright, profile, server.url))
        shutil.rmtree(profile, ignore_errors=True)
    with Relay(server.port) as relay:
        visit(playwright, folder / "counted", relay.url)
        cold_bytes = relay.take()
        visit(playwright, folder / "counted", relay.url)
        warm_bytes = relay.take()
    usable = [marks["usable"] for marks in warm]
    row = Row(
        "boot.page",
        "ms",
        "Second visit by a restarted browser on the same profile: from navigation until #drop is mounted and painted; cold is "
        "the first visit with a new profile; bytes are everything that crosses the connections, counted by a relay in visits of "
        "their own.",
        usable,
        {"cold.usable": [marks["usable"] for marks in cold]},
        own_ratios={"limit of 1000 ms": [WARM_MS_MAX / ms for ms in usable]},
        targets={"limit of 1000 ms": 1.0},
    )
    row.details = {"cold": summary(cold, cold_bytes), "warm": summary(warm, warm_bytes)}
    row.notes = [told("cold", row.details["cold"]), told("warm", row.details["warm"])]
    return row


def summary(visits: list[dict[str, Any]], received: int) -> dict[str, Any]:
    """Medians of visits."""
    names = ("painted", "usable", "ready")
    times = {f"{name}Ms": round(median(marks[name] for marks in visits), 1) for name in names}
    return {**times, "bytes": received, "restored": all(marks["snapshot"] for marks in visits)}


def told(what: str, figures: dict[str, Any]) -> str:
    """One line for people."""
    size = figures["bytes"] / MIB
    return (
        f"{what}: {size:.2f} MiB, usable in {figures['usableMs']:.0f} ms, Python ready in {figures['readyMs']:.0f} ms"
    )
