"""Puts the figures of simulated meshes into py/inos_sim/mesh/README.md: `python tests/campaigns/mesh_table.py [--add]`.

`--add` reads from stdin what `npm run sim:mesh -- --json` printed, of one scenario or of the set (its last line), into mesh.jsonl
beside this file, one report a line, in the place of the one of the same scenario and size. Nothing of the table is typed by
hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.campaigns.table import replaced, shown, where  # noqa: E402 - the root comes first on the path

RESULTS = Path(__file__).with_name("mesh.jsonl")
README = ROOT / "py" / "inos_sim" / "mesh" / "README.md"
SCENARIOS = ("lookup", "gossip", "join", "churn", "partition", "heal", "byzantine", "flashcrowd")
OTHERS = (
    "failures",
    "scenario",
    "nodes",
    "seed",
    "events",
    "date",
    "machine",
    "false_cases",
    "copies",
    "gossip_hops_p99s",
)
TABLE = "<!-- meshes: begin (tests/campaigns/mesh_table.py) -->", "<!-- meshes: end -->"

Report = dict[str, Any]


def load(text: str) -> list[Report]:
    """The reports, in order of scenario and size."""
    reports = [json.loads(line) for line in text.splitlines() if line.strip()]
    return sorted(reports, key=lambda report: (SCENARIOS.index(report["scenario"]), report["nodes"]))


def added(reports: list[Report], new: list[Report]) -> list[Report]:
    """With further reports, each in the place of the one of the same scenario and size."""
    by_key = {(report["scenario"], report["nodes"]): report for report in [*reports, *new]}
    return load("\n".join(json.dumps(report) for report in by_key.values()))


def markdown(reports: list[Report]) -> str:
    """The table, and the machines below it."""
    machines: list[str] = []
    lines = ["| scenario | nodes | seed | figures | not met | machine |", "|---|---:|---:|---|---|---:|"]
    for report in reports:
        machine = report["machine"]
        facts = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"
        if facts not in machines:
            machines.append(facts)
        figures = [
            f"{name} {shown(value)}" for name, value in report.items() if name not in OTHERS and value is not None
        ]
        cells = [report["scenario"], shown(report["nodes"]), str(report["seed"]), ", ".join(figures)]
        cells += ["; ".join(report["failures"]), str(machines.index(facts) + 1)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", *(f"Machine {at}: {facts}." for at, facts in enumerate(machines, 1))])


def main(arguments: list[str]) -> int:
    """Rewrite the table; with --add, take in results first."""
    parser = argparse.ArgumentParser(description="Put the figures of simulated meshes into their README.md.")
    parser.add_argument("--add", action="store_true", help="reports, from stdin")
    options = parser.parse_args(arguments)
    reports = load(RESULTS.read_text("utf-8")) if RESULTS.exists() else []
    if options.add:
        printed = json.loads([line for line in sys.stdin.read().splitlines() if line.strip()][-1])
        date = datetime.now(UTC).date().isoformat()
        new = [{**report, "date": date, "machine": where()} for report in printed.get("reports", [printed])]
        reports = added(reports, new)
        RESULTS.write_text("".join(json.dumps(report) + "\n" for report in reports), "utf-8")
    text = README.read_text("utf-8")
    README.write_text(replaced(text, markdown(reports), TABLE), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
