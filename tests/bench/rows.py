"""Results as dictionaries of the JSON: what the command itself measures, and what it adds to the page's rows.

Nouns: a *sample* is one run's figure; a row's value is the median of its samples, a ratio the median of the runs' own ratios
(both sides of one run share its noise). Invariant: a ratio above 1 means that we are ahead, for rates (ours / theirs) as
for times (theirs / ours). A *target* is the least that a ratio should be.
"""

from __future__ import annotations

from statistics import median
from typing import Any

Result = dict[str, Any]


def rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def ratio_of_runs(better: str, ours: list[float], theirs: list[float]) -> float:
    """The median of the runs' own ratios."""
    pairs = zip(ours, theirs, strict=True)
    return median(own / other if better == "more" else other / own for own, other in pairs)


def result(
    row: Result, samples: list[float], baselines: dict[str, list[float]], *, why: str = "", **more: Any
) -> Result:
    """A row of the catalog with what the command measured. ``why``: the first note where the document's figure is missed, in the
    words that the page uses."""
    value = median(samples)
    seed = row["seed"] or {}
    meets = value >= seed["least"] if "least" in seed else value <= seed["most"] if "most" in seed else None
    told = [f"seed {seed['text']}: MISSED. {why}"] if why and meets is False else []
    return {
        "id": row["id"],
        "value": rounded(value),
        "unit": row["unit"],
        "p50": None,
        "p99": None,
        "p999": None,
        "max": None,
        "seed": row["seed"],
        "meets_seed": meets,
        "baselines": {name: rounded(median(theirs)) for name, theirs in baselines.items()},
        "ratio": {name: rounded(ratio_of_runs(row["better"], samples, runs)) for name, runs in baselines.items()},
        "target": row.get("targets", {}),
        "method": row["method"],
        "runs": len(samples),
        "samples": [rounded(sample) for sample in samples],
        "details": {},
        **more,
        "notes": [*told, *more.get("notes", [])],
    }


def missed(row: Result) -> list[str]:
    """Targets that were not reached, in words; one whose baseline was not there is none."""
    ratios, targets = row["ratio"], row.get("target", {})
    return [
        f"target: {ratios[name]:.2f} x {name}, wanted {least:.2f}"
        for name, least in targets.items()
        if name in ratios and ratios[name] < least
    ]


def judged(row: Result) -> Result:
    """The row with its missed targets among the notes, and whether all were met (None: there were none to meet)."""
    reached = any(name in row["ratio"] for name in row.get("target", {}))
    failures = missed(row)
    return {**row, "met": not failures if reached else None, "notes": [*failures, *row["notes"]]}
