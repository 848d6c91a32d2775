"""Puts the figures of all campaigns into py/inos/vault/README.md: `python tests/campaigns/table.py [--add CAMPAIGN COMMAND]`.

The figures are in results.jsonl beside this file, one JSON object a line and one line for each command:

    {"campaign": "crash states", "command": "npm run sim:disk -- --states 1000000 --seed 1 --json",
     "figures": {"states": 1000000, "lost": 0}, "machine": {"cpu", "cores", "system"}, "date": "2026-11-26"}

`--add` reads what the command printed (its last line is the figures) from stdin and puts such an object into the file, in the
place of the one with the same command. Figures are copied as they are; nothing of the table is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from machine import cpu_model  # noqa: E402 - the benchmarks' folder comes first on the path

RESULTS = Path(__file__).with_name("results.jsonl")
README = ROOT / "py" / "inos" / "vault" / "README.md"
BEGIN = "<!-- campaigns: begin (tests/campaigns/table.py) -->"
END = "<!-- campaigns: end -->"

Result = dict[str, Any]


def where() -> Result:
    """The machine that the figures come from."""
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def load(text: str) -> list[Result]:
    """The results, in the order of the file. ValueError for what is none."""
    results = [json.loads(line) for line in text.splitlines() if line.strip()]
    for result in results:
        missing = {"campaign", "command", "figures", "machine", "date"} - set(result)
        if missing or not result["figures"]:
            raise ValueError(f"a result without {', '.join(sorted(missing)) or 'figures'}")
    return results


def added(results: list[Result], new: Result) -> list[Result]:
    """With another result, in the place of the one of the same command."""
    if any(old["command"] == new["command"] for old in results):
        return [new if old["command"] == new["command"] else old for old in results]
    return [*results, new]


def shown(value: object) -> str:
    """A figure."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def markdown(results: list[Result]) -> str:
    """The table, and the machines below it."""
    machines: list[str] = []
    lines = ["| campaign | command | figures | date | machine |", "|---|---|---|---|---:|"]
    for result in results:
        facts = f"{result['machine']['cpu']}, {result['machine']['cores']} cores, {result['machine']['system']}"
        if facts not in machines:
            machines.append(facts)
        figures = ", ".join(f"{name} {shown(value)}" for name, value in result["figures"].items())
        cells = [result["campaign"], f"`{result['command']}`", figures, result["date"], str(machines.index(facts) + 1)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", *(f"Machine {at}: {facts}." for at, facts in enumerate(machines, 1))])


def replaced(readme: str, text: str, markers: tuple[str, str] = (BEGIN, END)) -> str:
    """The README with the text between its markers. ValueError where they are not there once, in order."""
    begin, end = markers
    if readme.count(begin) != 1 or readme.count(end) != 1 or readme.index(begin) > readme.index(end):
        raise ValueError("the README has not both markers once, in order")
    before, _, rest = readme.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def main(arguments: list[str]) -> int:
    """Rewrite the table; with --add, take in a result first."""
    parser = argparse.ArgumentParser(description="Put the figures of all campaigns into the vault's README.md.")
    parser.add_argument("--add", nargs=2, metavar=("CAMPAIGN", "COMMAND"), help="a result, from stdin")
    options = parser.parse_args(arguments)
    results = load(RESULTS.read_text("utf-8")) if RESULTS.exists() else []
    if options.add is not None:
        campaign, command = options.add
        figures = json.loads([line for line in sys.stdin.read().splitlines() if line.strip()][-1])
        date = datetime.now(UTC).date().isoformat()
        new = {"campaign": campaign, "command": command, "figures": figures, "machine": where(), "date": date}
        results = added(results, new)
        RESULTS.write_text("".join(json.dumps(result) + "\n" for result in results), "utf-8")
    README.write_text(replaced(README.read_text("utf-8"), markdown(results)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
