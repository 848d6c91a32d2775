"""`python3 -m inos_sim --nodes N --scenario NAME [--seed S] [--json]`, and `npm run sim:mesh` for the whole set.

One scenario runs in this process. ``--scenario set`` runs what issue 5 asks for at each of ``--sizes``, every scenario in a
process of its own, ``--jobs`` at a time, and fits hops against the logarithm of the size. A failed expectation prints the
command that replays it, and the exit code is 1. Without --seed one is drawn, and printed.

Must not know: how scenarios work.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from inos_sim.mesh.bugs import BUGS
from inos_sim.mesh.report import Report, log_fit
from inos_sim.mesh.scenarios import SCENARIOS, Options

SIZES = (1_000, 10_000, 100_000)
SET = "set"
PARTS = {  # of the set, by the largest size that they run at
    "lookup": 100_000,
    "gossip": 100_000,
    "join": 100_000,
    "churn": 1_000,
    "partition": 1_000,
    "heal": 1_000,
    "byzantine": 1_000,
    "flashcrowd": 10_000,
}
FITTED = ("hops_p50", "hops_mean", "gossip_hops_p99")
COLUMNS = (
    "hops_p50",
    "hops_p99",
    "delivered",
    "gossip_hops_p99",
    "coverage",
    "messages_per_node",
    "duplicates_per_node",
)
COLUMNS_TOO = ("detect_p99_s", "repair_p99_s", "lost", "false_suspicions", "poisoned", "wall_s")
SEED_BITS = 32


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether all expectations were met."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
    if options.scenario == SET:
        return _run_set([int(size) for size in options.sizes.split(",")], seed, options.jobs, as_json=options.json)
    idle = True if options.idle else None
    report = run(
        Options(options.nodes, seed, options.scenario, wire=options.wire, idle=idle, seed_bug=options.seed_bug)
    )
    if options.json:
        print(json.dumps(report.as_json()), flush=True)
    else:
        for name, value in report.as_json().items():
            print(f"{name:28} {value}")
    _tell(report, options)
    return 1 if report.failures else 0


def run(options: Options) -> Report:
    """One scenario, with its time and memory."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    gc.collect()
    gc.freeze()
    gc.disable()  # millions of objects that live to the end; what is cyclic is little
    try:
        report = SCENARIOS[options.scenario](options)
    finally:
        gc.enable()
        gc.unfreeze()
    report.wall_s = round(time.perf_counter() - began_s, 1)
    report.details["cpu_s"] = round(time.process_time() - began_cpu_s, 1)
    report.details["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report


def _tell(report: Report, options: argparse.Namespace) -> None:
    if report.failures:
        more = (
            " --wire" * options.wire
            + " --idle" * options.idle
            + (f" --seed-bug {options.seed_bug}" if options.seed_bug else "")
        )
        print(f"seed {report.seed}: " + "; ".join(report.failures), file=sys.stderr)
        replay = f"--nodes {report.nodes} --scenario {report.scenario} --seed {report.seed}{more}"
        print(f"    npm run sim:mesh -- {replay}", file=sys.stderr)


def _run_set(sizes: list[int], seed: int, jobs: int, *, as_json: bool) -> int:
    todo = [(name, nodes) for name, nodes_max in PARTS.items() for nodes in sizes if nodes <= nodes_max]
    reports: list[dict[str, Any]] = []
    with ThreadPoolExecutor(jobs) as pool:
        for report in pool.map(lambda part: _in_process(part[0], part[1], seed), todo):
            reports.append(report)
            if not as_json:
                figures = {key: report.get(key) for key in (*COLUMNS, *COLUMNS_TOO) if report.get(key) is not None}
                shown = ", ".join(f"{key} {value}" for key, value in figures.items())
                print(f"{report['scenario']} {report['nodes']}: {shown}", flush=True)
    failed = any(report["failures"] for report in reports)
    fits = _fits(reports)
    for what, (fit, bad) in fits.items():
        failed |= bad
        if not as_json:
            print(f"{what} = {fit['at_1']} + {fit['per_doubling']} log2 N (r2 {fit['r2']}){' NOT LOGARITHMIC' * bad}")
    if as_json:
        figures = {what: fit for what, (fit, _) in fits.items()}
        print(json.dumps({"seed": seed, "reports": reports, "fits": figures, "failed": failed}), flush=True)
    return 1 if failed else 0


def _in_process(name: str, nodes: int, seed: int) -> dict[str, Any]:
    words = [sys.executable, str(Path(__file__).resolve().parents[1] / "__main__.py")]
    words += ["--scenario", name, "--nodes", str(nodes), "--seed", str(seed), "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # noqa: S603 - ourselves
    lines = done.stdout.splitlines()
    if not lines:
        return {"scenario": name, "nodes": nodes, "seed": seed, "failures": [f"ended with {done.returncode}"]}
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def _fits(reports: list[dict[str, Any]]) -> dict[str, tuple[dict[str, float], bool]]:
    """Of each figure that was measured at two sizes or more: its fit, and whether growth outruns the logarithm."""
    fits: dict[str, tuple[dict[str, float], bool]] = {}
    for scenario in ("lookup", "gossip"):
        for figure in FITTED:
            measured = [r for r in reports if r["scenario"] == scenario and r.get(figure) is not None]
            if len(measured) < 2:
                continue
            measured.sort(key=lambda report: int(report["nodes"]))
            sizes, values = [r["nodes"] for r in measured], [float(r[figure]) for r in measured]
            fit = log_fit(sizes, values)
            shown = {"at_1": round(fit.at_1, 3), "per_doubling": round(fit.per_doubling, 3), "r2": round(fit.r2, 4)}
            fits[f"{scenario} {figure}"] = (shown, _outruns(values))
    return fits


def _outruns(values: list[float]) -> bool:
    """Sizes grow tenfold each: a logarithm adds the same each time. One hop more than last time is noise."""
    steps = [after - before for before, after in pairwise(values)]
    return any(after > before + 1 for before, after in pairwise(steps))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="npm run sim:mesh --", description="Run a mesh in virtual time.")
    parser.add_argument("--scenario", choices=[*SCENARIOS, SET], default=SET)
    parser.add_argument("--nodes", type=int, default=SIZES[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="of --scenario set")
    parser.add_argument("--jobs", type=int, default=1, help="of --scenario set; one of 100,000 nodes takes 6 GiB")
    parser.add_argument("--seed", type=int, help="drawn if not given")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--wire", action="store_true", help="encode and decode each message")
    parser.add_argument("--idle", action="store_true", help="periodic work off, as in large meshes")
    parser.add_argument("--seed-bug", choices=sorted(BUGS), help="break the mesh so that the scenario must fail")
    return parser
