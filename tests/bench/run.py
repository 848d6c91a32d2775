"""`npm run bench -- [--only ID,ID] [--json FILE] [--runs N] [--mib N]`: what INOS reaches in a real browser, beside the rest.

Rows: blake3 seal open brotli.q6 vault.put.text vault.put.random vault.get boot.brain boot.worker boot.page. One JSON
(machine, data, rows), one table; a target that is missed is said, with the figure; results that are wrong end the run with exit code 1.
The last line printed is the JSON's path, or without --json the JSON itself.
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
import data  # noqa: E402
import kernel_rows  # noqa: E402
import machine  # noqa: E402
import vault_rows  # noqa: E402
from browser import Chromium, PageFailed, Server  # noqa: E402
from playwright.sync_api import Error, Playwright, sync_playwright  # noqa: E402
from rows import Row, table  # noqa: E402

import netns  # noqa: E402

IDS = (*kernel_rows.IDS, *vault_rows.IDS, *boot_rows.IDS)
MIB_DEFAULT = 64
RUNS_DEFAULT = 3


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; a bad one ends the program with code 2."""
    parser = argparse.ArgumentParser(prog="npm run bench --", description="Measure INOS in a real browser.")
    parser.add_argument("--only", default=",".join(IDS), help="rows, separated by commas (default: all)")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--runs", type=int, default=RUNS_DEFAULT, help=f"runs per row (default {RUNS_DEFAULT})")
    parser.add_argument(
        "--mib", type=int, default=MIB_DEFAULT, help=f"MiB of each kind of data (default {MIB_DEFAULT})"
    )
    options = parser.parse_args(arguments)
    options.only = options.only.split(",")
    unknown = [name for name in options.only if name not in IDS]
    if unknown:
        parser.error(f"no such row: {unknown[0]} (rows are {', '.join(IDS)})")
    if options.runs < 1 or not 1 <= options.mib <= 96:
        parser.error("--runs must be at least 1 and --mib between 1 and 96")
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
        self.rows: list[Row] = []
        self.machine: dict[str, Any] = {}
        self.data: dict[str, Any] = {}

    def measure(self) -> None:
        """All rows that were asked for; starts of the page last, since each needs a browser of its own."""
        wanted, runs = set(self._options.only), self._options.runs
        contention = machine.Contention()
        with Chromium(self._playwright, self._folder / "profile") as browser:
            self.machine = machine.facts(browser.version)
            if wanted & {*kernel_rows.IDS, *vault_rows.IDS}:
                self._with_data(browser, wanted, runs)
            if "boot.brain" in wanted:
                say("boot.brain ...")
                self.rows.append(boot_rows.brain(browser.bench_page(f"{self._server.url}/bench/boot.html"), runs))
            if "boot.worker" in wanted:
                say("boot.worker ...")
                self.rows.append(boot_rows.worker(browser.page(self._server.url + "/"), runs))
                if browser.problems:
                    raise PageFailed("; ".join(browser.problems))
            self.machine["othersCpuShare"] = contention.share()
        if "boot.page" in wanted:
            say("boot.page ...")
            self.rows.append(boot_rows.page(self._playwright, self._server, self._folder, runs))
        self.machine["loadAfter"] = machine.load()

    def _with_data(self, browser: Chromium, wanted: set[str], runs: int) -> None:
        mixture = data.assemble(self._folder / "data.bin", self._options.mib)
        self.data = {"mib": mixture.mib, "files": mixture.files, "bytesFrom": mixture.sources}
        say(f"data: {mixture.mib} MiB of {mixture.files} files")
        page = browser.bench_page(f"{self._server.url}/bench/kernel.html")
        page.set_input_files("#data", mixture.path)
        page.evaluate("() => bench.load('text')")
        say("kernel rows ...")
        self.rows += kernel_rows.measure(page, wanted, runs)
        if wanted & set(vault_rows.IDS):
            say("vault rows ...")
            url, mib = self._server.url, self._options.mib
            self.rows += vault_rows.measure(browser, page, url, mixture.path, mib, wanted, runs)
        page.close()
        if browser.problems:
            raise PageFailed("; ".join(browser.problems))

    def results(self) -> dict[str, Any]:
        """The JSON, rows in the order they were asked for."""
        by_id = {row.id: row.as_json() for row in self.rows}
        return {"machine": self.machine, "data": self.data, "rows": [by_id[name] for name in self._options.only]}


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
    results = bench.results()
    facts = bench.machine
    load = f"load {facts['loadBefore']} to {facts['loadAfter']}, others used {facts['othersCpuShare']:.0%} of the processors"
    print(f"{facts['cpu']}, {facts['cores']} cores, {facts['browser']}, {load}")
    print(table(bench.rows))
    print(f"{time.monotonic() - began:.0f} s")
    if options.json is None:
        print(json.dumps(results))
        return 0
    options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(options.json)
    return 0


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
