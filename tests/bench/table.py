"""The results for people: a table in the terminal, and what changed since an older measurement.

Nouns: a row's *noise* is the spread of its runs, half of (largest - smallest) over the median, and NOISE_OF_ONE where there was
one run, which tells nothing of it; a change is a *regression* when it is for the worse and larger than the noise of both
measurements together, and never below CHANGE_MIN.
"""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]

CHANGE_MIN = 0.05  # two runs of anything differ by as much
NOISE_OF_ONE = 0.25  # half of what single runs were seen to differ by on a busy machine
RATIOS_SHOWN = 4
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def figure(value: float | None, unit: str = "") -> str:
    """A number as people read it, three or four digits of it."""
    if value is None:
        return "-"
    if unit in {"ops/s", "msgs/s"}:
        for scale, letter in SCALES:
            if abs(value) >= scale:
                return f"{value / scale:.3g} {letter}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def verdict(row: Result) -> str:
    """What is said of the row in one word, the seed's figure before ours."""
    if row.get("error"):
        return "FAILED"
    if row["value"] is None:
        return "not measured"
    if row["meets_seed"] is False:
        return "MISSED"
    if row.get("met") is False:
        return "target missed"
    return "met" if row["meets_seed"] or row.get("met") else ""


def against(row: Result) -> list[str]:
    """Ratios in words, those with a target first."""
    targets = row.get("target", {})
    names = sorted(row["ratio"], key=lambda name: name not in targets)
    return [
        f"{row['ratio'][name]:.2f} x {name}" + (f" (>= {targets[name]:.2f})" if name in targets else "")
        for name in names
    ]


def table(rows: list[Result]) -> str:
    """All rows, their latencies, what is missed and why."""
    lines = [f"{'row':17} {'value':>9} {'unit':9} {'seed':34} {'':13} ahead of (above 1: we are)"]
    for row in rows:
        seed = (row["seed"] or {}).get("text", "")
        ratios = against(row)
        first = "; ".join(ratios[:RATIOS_SHOWN])
        value = figure(row["value"], row["unit"])
        lines.append(f"{row['id']:17} {value:>9} {row['unit']:9} {seed:34} {verdict(row):13} {first}".rstrip())
        if len(ratios) > RATIOS_SHOWN:
            lines.append(f"{'':86} {'; '.join(ratios[RATIOS_SHOWN:])}")
        if row["p50"] is not None:
            names = (("p50", "p50"), ("p99", "p99"), ("p99.9", "p999"), ("max", "max"))
            spread = ", ".join(f"{name} {figure(row[key])}" for name, key in names)
            lines.append(f"{'':19}{spread} {row['unit']}")
        lines += [f"{'':19}{note}" for note in row["notes"]]
    return "\n".join(lines)


def noise(row: Result) -> float:
    """Half the spread of the runs, as a share of the value."""
    samples = row["samples"]
    if len(samples) < 2 or not row["value"]:
        return NOISE_OF_ONE
    return abs((max(samples) - min(samples)) / 2 / row["value"])


def change(row: Result, old: Result, better: str) -> tuple[float, float, str]:
    """By what share the row got better (below 0: worse), the noise of both, and what that is called."""
    if not row["value"] or not old.get("value"):
        return 0.0, 0.0, "not comparable"
    share = row["value"] / old["value"] - 1 if better == "more" else old["value"] / row["value"] - 1
    both = noise(row) + noise(old)
    if abs(share) <= max(both, CHANGE_MIN):
        return share, both, "same"
    return share, both, "better" if share > 0 else "REGRESSION"


def compared(rows: list[Result], old_rows: list[Result], better: dict[str, str]) -> str:
    """Every row that both measurements have, beside the older one. `better` says by id whether more or less is."""
    olds = {row["id"]: row for row in old_rows}
    lines = [f"{'row':17} {'before':>9} {'now':>9} {'unit':9} {'change':>8} {'noise':>7}"]
    for row in rows:
        old = olds.get(row["id"])
        if old is None:
            continue
        if old["unit"] != row["unit"]:
            lines.append(f"{row['id']:17} measured in {old['unit']} before, in {row['unit']} now")
            continue
        share, both, word = change(row, old, better[row["id"]])
        before, now = figure(old["value"], row["unit"]), figure(row["value"], row["unit"])
        lines.append(f"{row['id']:17} {before:>9} {now:>9} {row['unit']:9} {share:+8.1%} {both:7.1%} {word}")
    return "\n".join(lines)


def regressions(rows: list[Result], old_rows: list[Result], better: dict[str, str]) -> list[str]:
    """Ids of rows that got worse by more than their noise."""
    olds = {row["id"]: row for row in old_rows}
    both = [(row, olds[row["id"]]) for row in rows if row["id"] in olds and row["unit"] == olds[row["id"]]["unit"]]
    return [row["id"] for row, old in both if change(row, old, better[row["id"]])[2] == "REGRESSION"]
