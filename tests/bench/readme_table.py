"""Puts the table of a measurement into README.md: `python tests/bench/readme_table.py RESULTS.json`.

What stands between the two markers is replaced whole; nothing of it is typed by hand. Results of `--quick` are refused, and
so are results with a row that failed: such figures would be quoted.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import figure  # noqa: E402 - our own folder comes first on the path

BEGIN = "<!-- measured: begin (tests/bench/readme_table.py) -->"
END = "<!-- measured: end -->"
LEAD = ["raw channel", "loadPyodide", "native", "libsodium", "hash-wasm", "brotli-wasm", "postMessage", "gzip", "fetch"]

Result = dict[str, Any]


def comparison(row: Result) -> str:
    """The baselines that say most, ours and theirs."""
    names = [name for name in LEAD if name in row["ratio"]][:2] or list(row["ratio"])[:1]
    return ", ".join(f"{row['ratio'][name]:.3g} × {name}" for name in names)


def said(row: Result) -> str:
    """Whether the document's figure was reached."""
    return {True: "reached", False: "missed", None: ""}[row["meets_seed"]]


def reasons(rows: list[Result]) -> list[str]:
    """Why figures were missed, in the words of the measurement."""
    found = []
    for row in rows:
        prefix = f"seed {row['seed']['text']}: MISSED. " if row["seed"] else ""
        found += [
            f"* `{row['id']}` {note.removeprefix(prefix)}"
            for note in row["notes"]
            if row["meets_seed"] is False and prefix and note.startswith(prefix)
        ]
    return found


def markdown(results: Result, titles: dict[str, str]) -> str:
    """The section's text."""
    machine, rows = results["machine"], results["rows"]
    day = datetime.fromisoformat(machine["date"]).date().isoformat()
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memoryMiB'] // 1024} GiB, {machine['system']}"
    share = machine.get("othersCpuShare")
    others = "" if share is None else f" Others used {share:.0%} of the processors meanwhile."
    lead = (
        f"Measured on {day}: {where}, {machine['browser']}.{others} "
        "× is how far ahead of the other we are; below 1 we are behind."
    )
    lines = [
        lead,
        "",
        "| row | what | figure | beside | the document says | |",
        "|---|---|---:|---|---|---|",
    ]
    for row in rows:
        value = "not measured" if row["value"] is None else f"{figure(row['value'], row['unit'])} {row['unit']}"
        seed = row["seed"]["text"] if row["seed"] else ""
        cells = [f"`{row['id']}`", titles[row["id"]], value, comparison(row), seed, said(row)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    why = reasons(rows)
    return "\n".join([*lines, *(["", "Missed, and why:", "", *why] if why else [])])


def replaced(readme: str, text: str) -> str:
    """The README with the text between its markers. ValueError where they are not there once, in order."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ValueError("README.md has not both markers once, in order")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def check(results: Result) -> None:
    """ValueError if these figures must not be quoted."""
    if results["options"]["quick"]:
        raise ValueError("these are results of --quick, which are rough")
    failed = [row["id"] for row in results["rows"] if row.get("error")]
    if failed:
        raise ValueError(f"rows failed: {', '.join(failed)}")


def main(arguments: list[str]) -> int:
    """Rewrite README.md."""
    import catalog

    parser = argparse.ArgumentParser(description="Put a measurement's table into README.md.")
    parser.add_argument("results", type=Path)
    results = json.loads(parser.parse_args(arguments).results.read_text("utf-8"))
    readme = ROOT / "README.md"
    try:
        check(results)
        text = replaced(
            readme.read_text("utf-8"), markdown(results, {row["id"]: row["title"] for row in catalog.rows()})
        )
    except ValueError as error:
        print(f"readme_table: {error}", file=sys.stderr)
        return 1
    readme.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
