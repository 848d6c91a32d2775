"""Rows of the vault: put and get through `globalThis.inos` of the real page, beside what bounds them in the same run.

A run, for data of one kind: the measuring page (kernel and libraries) takes its figures, then the real page puts, gets,
compares SHA-256 and removes, once per number of muscles. So every ratio has both sides from the same minute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browser import Chromium, PageFailed
from playwright.sync_api import Page
from rows import Row

IDS = ("vault.put.text", "vault.put.random", "vault.get")
HERE = Path(__file__).resolve().parent
IN_PAGE = (HERE / "pages" / "vault.js").read_text("utf-8")
PROFILE = (HERE / "profile_brain.py").read_text("utf-8")
READY = """async () => { const { cores } = await globalThis.inos.ready; return cores; }"""
LIBRARIES = "brotli-wasm+hash-wasm+libsodium"
FORCED = (1, 2)
MIB = 1 << 20

Numbers = dict[str, float]


@dataclass
class Run:
    """One run's figures: what bounds the vault, and what it did by muscles."""

    bounds: Numbers
    by_muscles: dict[int, dict[str, Any]] = field(default_factory=dict)


class VaultPage:
    """The real page with a ready node."""

    def __init__(self, browser: Chromium, url: str, data: Path, mib: int) -> None:
        self._page = browser.page()
        self._url = url
        self._data = data
        self._mib = mib

    def open(self, kind: str, muscles: int | None) -> int:
        """Load the page with that many muscles and the data of that kind; how many muscles it has."""
        self._page.goto(f"{self._url}/" + (f"?muscles={muscles}" if muscles else ""))
        cores = int(self._page.evaluate(READY))
        self._page.evaluate(IN_PAGE)
        if kind == "text":
            self._page.set_input_files("#bench-data", self._data)
        self._page.evaluate(
            "([kind, random]) => benchVault.load(kind, random)", [kind, self._mib * MIB if kind == "random" else 0]
        )
        return cores

    def run(self, kind: str) -> dict[str, Any]:
        """Put, get, compare, remove."""
        return dict(self._page.evaluate("(kind) => benchVault.run(kind)", kind))

    def profile(self, kind: str) -> dict[str, Any]:
        """Where the time of one put and one get goes; this run counts for no figure."""
        self._python()
        put = self._page.evaluate("(kind) => benchVault.put(kind)", kind)
        put_counts = self._python()
        got = self._page.evaluate("(root) => benchVault.get(root)", put["root"])
        get_counts = self._python()
        self._page.evaluate("(root) => inos.remove(root)", put["root"])
        return {"put": spent(put["ms"], put_counts), "get": spent(got["ms"], get_counts)}

    def _python(self) -> dict[str, Any]:
        return dict(json.loads(self._page.evaluate("(source) => inos.python(source)", PROFILE)))


def spent(ms: float, counts: dict[str, Any]) -> dict[str, Any]:
    """The profile of one operation with rounded figures."""
    rows = {what: {name: round(value, 1) for name, value in row.items()} for what, row in sorted(counts.items())}
    return {"ms": round(ms, 1), **rows}


ONE = "([side, op, kind]) => bench.only(side, op, kind)"
PAIR = "([op, kind]) => bench.pair(op, kind)"


def bounds_of(bench: Page, kind: str) -> Numbers:
    """MiB/s of the parts, measured alone on the same kind of bytes. `sealJob` is all that a muscle does to a chunk."""
    found = {op: bench.evaluate(ONE, ["ours", op, kind]) for op in ("hash", "cut", "disk", "seal", "open", "sealJob")}
    found["store"] = bench.evaluate(ONE, ["theirs", "store", kind])
    found["restore"] = bench.evaluate(ONE, ["theirs", "restore", kind])
    # h, the file's hash, the salt and the block's name are four passes; the chunker is a fifth.
    found["series"] = 1 / (1 / found["seal"] + 4 / found["hash"] + 1 / found["cut"])
    return found


class Measurement:
    """All runs of all kinds that the wanted rows need."""

    def __init__(self, browser: Chromium, bench: Page, vault: VaultPage, runs: int) -> None:
        self._browser = browser
        self._bench = bench
        self._vault = vault
        self._runs = runs
        self.default_muscles = 0
        self.profiles: dict[str, Any] = {}

    def of(self, kind: str) -> list[Run]:
        """`runs` runs, after one that does not count."""
        self.default_muscles = self._vault.open(kind, None)
        self._vault.run(kind)
        counts = sorted({self.default_muscles, *(FORCED if kind == "text" else ())})
        runs = []
        for _ in range(self._runs):
            run = Run(bounds_of(self._bench, kind))
            for muscles in counts:
                self._vault.open(kind, muscles)
                run.by_muscles[muscles] = self._between(kind, muscles)
            runs.append(run)
        for muscles in counts:
            self._vault.open(kind, muscles)
            self.profiles[f"{kind}, {muscles} muscles"] = self._vault.profile(kind)
        if self._browser.problems:
            raise PageFailed("; ".join(self._browser.problems))
        return runs

    def _between(self, kind: str, muscles: int) -> dict[str, Any]:
        """A run of the vault between two of the kernel's own, so that a neighbour's noise meets both."""
        if kind != "text":
            return self._vault.run(kind)
        before = self._bench.evaluate(ONE, ["ours", "encode", kind])
        made = self._vault.run(kind)
        after = self._bench.evaluate(ONE, ["ours", "encode", kind])
        made["encode"] = 2 / (1 / before + 1 / after)
        if muscles > 1:
            made["encodePair"] = self._bench.evaluate(PAIR, ["encode", kind])
        return made


def put_text(measurement: Measurement, runs: list[Run]) -> Row:
    """Put of text, by muscles, beside one kernel's own q6 rate."""
    default = measurement.default_muscles
    row = Row(
        "vault.put.text",
        "MiB/s",
        "inos.put of a file of text and binaries on the real page, until it is durable, by number of muscles m; kernel.q6 is one "
        "kernel's Brotli q6 on 1 MiB chunks of the same file, alone, just before and just after; the libraries compress, hash "
        "four times and encrypt in one worker, without chunker or disk.",
        [run.by_muscles[default]["put"] for run in runs],
        {
            "kernel.q6": [run.by_muscles[default]["encode"] for run in runs],
            LIBRARIES: [run.bounds["store"] for run in runs],
        },
    )
    for muscles in FORCED:
        name = f"{muscles} x kernel.q6"
        row.own_ratios[name] = [
            made["put"] / (muscles * made["encode"]) for made in (run.by_muscles[muscles] for run in runs)
        ]
        row.targets[name] = 0.75
    row.own_ratios["2 kernels.q6 side by side"] = [
        made["put"] / made["encodePair"] for made in (run.by_muscles[2] for run in runs)
    ]
    return row


def get_text(measurement: Measurement, runs: list[Run]) -> Row:
    """Get of text beside its put."""
    default = measurement.default_muscles
    return Row(
        "vault.get",
        "MiB/s",
        "inos.get of the same file into one buffer of the page, every block checked by name, tag and hash; SHA-256 compared "
        "afterwards; the libraries do the way back in one worker, from memory.",
        [run.by_muscles[default]["get"] for run in runs],
        {
            "vault.put.text": [run.by_muscles[default]["put"] for run in runs],
            LIBRARIES: [run.bounds["restore"] for run in runs],
        },
        targets={"vault.put.text": 3.0},
    )


def put_random(measurement: Measurement, runs: list[Run]) -> Row:
    """Put of random bytes beside disk, and seal and hashes."""
    default = measurement.default_muscles
    return Row(
        "vault.put.random",
        "MiB/s",
        "inos.put of random bytes made in the page, until durable; disk is the same amount written to OPFS in 1 MiB writes and "
        "flushed once by a worker; series is seal, four BLAKE3 passes and the chunker one after the other in one kernel, all in "
        "the same run.",
        [run.by_muscles[default]["put"] for run in runs],
        {
            "min(disk, series)": [min(run.bounds["disk"], run.bounds["series"]) for run in runs],
            "disk": [run.bounds["disk"] for run in runs],
            "series": [run.bounds["series"] for run in runs],
            LIBRARIES: [run.bounds["store"] for run in runs],
        },
        targets={"min(disk, series)": 0.6},
    )


def measure(browser: Chromium, bench: Page, url: str, data: Path, mib: int, wanted: set[str], runs: int) -> list[Row]:
    """The rows asked for."""
    measurement = Measurement(browser, bench, VaultPage(browser, url, data, mib), runs)
    rows: list[Row] = []
    if wanted & {"vault.put.text", "vault.get"}:
        made = measurement.of("text")
        rows += [row for row in (put_text(measurement, made), get_text(measurement, made)) if row.id in wanted]
        describe(rows, made, measurement, "text")
    if "vault.put.random" in wanted:
        bench.evaluate("(bytes) => bench.load('random', bytes)", mib * MIB)
        made = measurement.of("random")
        rows.append(put_random(measurement, made))
        describe(rows[-1:], made, measurement, "random")
    return rows


def describe(rows: list[Row], runs: list[Run], measurement: Measurement, kind: str) -> None:
    """What stands behind the figures, for whoever asks why."""
    for row in rows:
        row.details = {
            "defaultMuscles": measurement.default_muscles,
            "runs": [{"boundsMiBps": run.bounds, "byMuscles": run.by_muscles} for run in runs],
            "profile": {name: value for name, value in measurement.profiles.items() if name.startswith(kind)},
        }
