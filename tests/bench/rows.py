"""What the bench answers: rows, the figures in them, and the table that people read.

Nouns: a *sample* is one run's figure; a row's value is the median of its samples, a ratio the median of the runs' own ratios
(both sides of one run share its noise). Invariant: a ratio above 1 means that we are ahead, for rates (ours / theirs) as
for times (theirs / ours). A *target* is the least that a ratio should be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

Numbers = dict[str, float]


@dataclass
class Row:
    """One line of the results. `compared` maps a baseline's name to its figure in each run."""

    id: str
    unit: str
    method: str
    samples: list[float]
    compared: dict[str, list[float]] = field(default_factory=dict)
    own_ratios: dict[str, list[float]] = field(default_factory=dict)  # ratios that are no quotient with a baseline
    targets: Numbers = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_time(self) -> bool:
        """Whether less is better."""
        return self.unit == "ms"

    def ratios(self) -> Numbers:
        """By baseline: the median of the runs' ratios."""
        found: Numbers = {}
        for name, theirs in self.compared.items():
            pairs = zip(self.samples, theirs, strict=True)
            found[name] = median(other / ours if self.is_time else ours / other for ours, other in pairs)
        return {**found, **{name: median(runs) for name, runs in self.own_ratios.items()}}

    def missed(self) -> list[str]:
        """Targets that were not reached, in words."""
        ratios = self.ratios()
        return [
            f"{ratios[name]:.2f} x {name}, wanted {least:g}"
            for name, least in self.targets.items()
            if ratios[name] < least
        ]

    def as_json(self) -> dict[str, Any]:
        """The row as it goes into the JSON."""
        return {
            "id": self.id,
            "value": rounded(median(self.samples)),
            "unit": self.unit,
            "baselines": {name: rounded(median(runs)) for name, runs in self.compared.items()},
            "ratio": {name: rounded(value) for name, value in self.ratios().items()},
            "method": self.method,
            "runs": len(self.samples),
            "target": self.targets,
            "met": not self.missed(),
            "samples": [rounded(value) for value in self.samples],
            "details": self.details,
            "notes": [*self.missed(), *self.notes],
        }


def rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def table(rows: list[Row]) -> str:
    """The rows for people."""
    lines = [f"{'row':18} {'value':>9} {'unit':6} {'ratio (target) to':52} result"]
    for row in rows:
        ratios = row.ratios()
        result = "met" if not row.missed() else "MISSED"
        first = True
        for name in sorted(ratios, key=lambda name: name not in row.targets) or [""]:
            least = f" (>= {row.targets[name]:g})" if name in row.targets else ""
            text = f"{ratios[name]:.2f}{least} {name}" if name else ""
            head = f"{row.id:18} {median(row.samples):9.1f} {row.unit:6}" if first else " " * 35
            lines.append(f"{head} {text:52} {result if first and row.targets else ''}".rstrip())
            first = False
        lines += [f"{'':20}{note}" for note in [*row.missed(), *row.notes]]
    return "\n".join(lines)
