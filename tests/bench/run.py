"""`npm run bench -- [--only ID,ID] [--quick] [--json FILE] [--compare OLD.json] [--runs N] [--mib N]`.

What INOS reaches in a real browser, beside what people use today: rows of web/page/bench/catalog.js, measured by the same code
that the page's own bench view runs, and what only a command can measure (native Brotli, a browser's memory, first visits).
One JSON (machine, data, rows), one table; a figure that is missed is said, with the reason; results that are wrong end the
run with exit code 1. The last line printed is the JSON's path, or without --json the JSON itself.
Runs in `.venv`, in a network namespace of its own where the system allows one (.ci/netns.py).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / ".ci")]

import boot_rows  # noqa: E402 - our own folders come first on the path
import catalog  # noqa: E402
import data  # noqa: E402
import host  # noqa: E402
import machine  # noqa: E402
import mesh_rows  # noqa: E402
import vault_rows  # noqa: E402
from browser import PROGRESS, Chromium, PageFailed, Server  # noqa: E402
from playwright.sync_api import Error, Page, Playwright, sync_playwright  # noqa: E402
from rows import Result, judged  # noqa: E402
from table import compared, regressions, table  # noqa: E402

import netns  # noqa: E402

MIB_DEFAULT, MIB_QUICK = 64, 4
RUNS_DEFAULT, RUNS_QUICK = 3, 1
DATA_INPUT, CORPUS_INPUT = "bench-data", "bench-corpus"
ADD_INPUTS = """(names) => {
  for (const name of names) {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", id: name, multiple: true });
    document.body.append(input);
  }
}"""
RUN = """async ([options, dataInput, corpusInput, prefix]) => {
  const { runRows } = await import("/web/page/bench/run.js");
  const filesOf = (id) => [...document.getElementById(id).files];
  let last = "";
  const onProgress = ({ id, part, text }) => {
    const line = `${id} ${Math.round(100 * part)} % ${text}`;
    if (text !== "waits" && line !== last) console.info(prefix + line);
    last = line;
  };
  return runRows({ ...options, data: filesOf(dataInput)[0], corpus: filesOf(corpusInput), onProgress });
}"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; a bad one ends the program with code 2."""
    parser = argparse.ArgumentParser(prog="npm run bench --", description="Measure INOS in a real browser.")
    parser.add_argument("--only", help="rows, separated by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help="short and rough: shows within 90 s that every row works")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--compare", type=Path, help="show what changed since these results, and the noise of both")
    parser.add_argument("--runs", type=int, help=f"runs per row (default {RUNS_DEFAULT}, quick {RUNS_QUICK})")
    parser.add_argument("--mib", type=int, help=f"MiB of each kind of data (default {MIB_DEFAULT}, quick {MIB_QUICK})")
    options = parser.parse_args(arguments)
    ids = catalog.ids()
    options.only = options.only.split(",") if options.only else ids
    unknown = [name for name in options.only if name not in ids]
    if unknown:
        parser.error(f"no such row: {unknown[0]} (rows are {', '.join(ids)})")
    if options.runs is None:
        options.runs = RUNS_QUICK if options.quick else RUNS_DEFAULT
    if options.mib is None:
        options.mib = MIB_QUICK if options.quick else MIB_DEFAULT
    if options.runs < 1 or not 1 <= options.mib <= 96:
        parser.error("--runs must be at least 1 and --mib between 1 and 96")
    try:
        options.old = json.loads(options.compare.read_text("utf-8"))["rows"] if options.compare else None
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"--compare {options.compare}: no results there ({type(error).__name__})")
    return options


def say(line: str) -> None:
    """What is going on, apart from the results."""
    print(line, file=sys.stderr, flush=True)


class Bench:
    """One run of the program."""

    def __init__(self, options: argparse.Namespace, playwright: Playwright, server: Server, folder: Path) -> None:
        self._options = options
        self._playwright = playwright
        self._server = server
        self._folder = folder
        self.rows: list[Result] = []
        self.machine: dict[str, Any] = {}
        self.data: dict[str, Any] = {}

    def measure(self) -> None:
        """All rows that were asked for; starts of the page last, since each needs a browser of its own."""
        wanted = list(self._options.only)
        contention = machine.Contention()
        mixture = data.assemble(self._folder / "data.bin", self._options.mib)
        self.data = mixture.as_json()
        say(f"data: {mixture.mib} MiB of {mixture.files} files")
        by_page = [name for name in wanted if name not in {boot_rows.ID, *mesh_rows.IDS}]
        with Chromium(self._playwright, self._folder / "profile") as browser, host.Native(mixture.path) as native:
            self.machine = machine.facts(browser.version)
            if by_page:
                self.rows = self._by_page(browser, native, by_page)
            if browser.problems:
                raise PageFailed("; ".join(browser.problems))
            # While the browser is there: what its processes used is left to nobody when they end before their parents.
            self.machine["othersCpuShare"] = contention.share()
        if boot_rows.ID in wanted:
            say(f"{boot_rows.ID} ...")
            runs = 0 if self._options.quick else max(self._options.runs, boot_rows.RUNS)
            self.rows.append(boot_rows.page(self._playwright, self._server, self._folder, runs))
        meshes = mesh_rows.Meshes(self._playwright, self._server, self._folder, self._options)
        for name in [name for name in wanted if name in mesh_rows.IDS]:
            say(f"{name} ...")
            self.rows.append(meshes.measure(name))
        self.machine["loadAfter"] = machine.load()
        by_id = {row["id"]: judged(row) for row in self.rows}
        self.rows = [by_id[name] for name in wanted]

    def _by_page(self, browser: Chromium, native: host.Native, ids: list[str]) -> list[Result]:
        page = self._page(browser, native)
        rows = self._run(page, ids)
        page.close()
        put = next((row for row in rows if row["id"] == vault_rows.ID and row["value"] is not None), None)
        if put is not None:
            self._with_muscles(browser, native, put)
        return rows

    def _with_muscles(self, browser: Chromium, native: host.Native, put: Result) -> None:
        """The counts that the page does not have by itself."""
        for muscles in vault_rows.FORCED:
            if vault_rows.ratio_name(muscles) in put["ratio"]:
                continue
            page = self._page(browser, native, f"?muscles={muscles}")
            [forced] = self._run(page, [vault_rows.ID])
            if forced["value"] is None:
                raise PageFailed("; ".join(forced["notes"]))
            vault_rows.add(put, forced)
            page.close()

    def _page(self, browser: Chromium, native: host.Native, query: str = "") -> Page:
        """The page that people use, with a ready node and the data at hand."""
        page = browser.page()
        host.offer(page, native)
        page.goto(f"{self._server.url}/{query}")
        page.evaluate("async () => { await globalThis.inos.ready; }")
        page.evaluate(ADD_INPUTS, [DATA_INPUT, CORPUS_INPUT])
        page.set_input_files(f"#{DATA_INPUT}", self._folder / "data.bin")
        page.set_input_files(f"#{CORPUS_INPUT}", data.corpus())
        return page

    def _run(self, page: Page, ids: list[str]) -> list[Result]:
        options = {"only": ids, "quick": self._options.quick, "runs": self._options.runs, "mib": self._options.mib}
        return list(page.evaluate(RUN, [options, DATA_INPUT, CORPUS_INPUT, PROGRESS]))

    def results(self) -> dict[str, Any]:
        """The JSON."""
        kind = {"quick": self._options.quick}
        return {"machine": self.machine, "data": self.data, "options": kind, "rows": self.rows}


def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="inos-bench-", ignore_cleanup_errors=True) as name,
        Server() as server,
        sync_playwright() as playwright,
    ):
        bench = Bench(options, playwright, server, Path(name))
        try:
            bench.measure()
        except (PageFailed, Error, ValueError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    facts, results = bench.machine, bench.results()
    load = f"load {facts['loadBefore']} to {facts['loadAfter']}, others used {facts['othersCpuShare']:.0%} of the processors"
    print(f"{facts['cpu']}, {facts['cores']} cores, {facts['browser']}, {load}")
    print(table(bench.rows))
    if options.old is not None:
        better = {row["id"]: row["better"] for row in catalog.rows()}
        print(compared(bench.rows, options.old, better))
        print(f"regressions: {', '.join(regressions(bench.rows, options.old, better)) or 'none'}")
    print(f"{time.monotonic() - began:.0f} s")
    if options.json is None:
        print(json.dumps(results))
    else:
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(options.json)
    return 1 if any("error" in row for row in bench.rows) else 0


def main(arguments: list[str]) -> int:
    """Enter the network namespace first, then measure."""
    options = parse(arguments)  # a bad command line is told before anything starts
    words, note = netns.wrapped([sys.executable, __file__, *arguments])
    if words[0] != sys.executable:
        say(f"network: {note}")
        return subprocess.run(words, check=False).returncode
    return run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
