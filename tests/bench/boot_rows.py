"""The row boot.page: first visits with a new profile, and later ones of a restarted browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from typing import Any

import catalog
from browser import Chromium, PageFailed, Server
from playwright.sync_api import Playwright
from relay import Relay
from rows import Result, result, rounded

ID = "boot.page"
RUNS = 5
WARM_MS_MAX = 1000.0
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


def page(playwright: Playwright, server: Server, folder: Path, runs: int) -> Result:
    """First visits with new profiles, and second visits of restarted browsers on the same ones.

    No runs: the visits whose bytes are counted are timed too, relay and all.
    """
    cold: list[dict[str, Any]] = []
    warm: list[dict[str, Any]] = []
    for number in range(runs):
        profile = folder / f"visit-{number}"
        cold.append(visit(playwright, profile, server.url))
        warm.append(visit(playwright, profile, server.url))
        shutil.rmtree(profile, ignore_errors=True)
    with Relay(server.port) as relay:
        counted = [visit(playwright, folder / "counted", relay.url)]
        cold_bytes = relay.take()
        counted.append(visit(playwright, folder / "counted", relay.url))
        warm_bytes = relay.take()
    if not runs:
        cold, warm = counted[:1], counted[1:]
    usable = [marks["usable"] for marks in warm]
    details = {"cold": summary(cold, cold_bytes), "warm": summary(warm, warm_bytes)}
    row = result(
        catalog.row(ID),
        usable,
        {"cold.usable": [marks["usable"] for marks in cold]},
        details=details,
        notes=[told(kind, figures) for kind, figures in details.items()],
    )
    row["ratio"]["limit of 1000 ms"] = rounded(median(WARM_MS_MAX / ms for ms in usable))
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
