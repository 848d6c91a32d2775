"""What a scenario found, and what it had to find.

Nouns: a *report* has the figures of issue's table, None where a scenario does not measure one, and ``details`` to judge them by;
an *expectation* is a sentence that is true or has failed. Must not know: worlds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Figure = float | int | None


@dataclass
class Report:
    """Figures of one run."""

    scenario: str
    nodes: int
    seed: int
    hops_p50: Figure = None
    hops_p99: Figure = None
    delivered: Figure = None  # share of look-ups that ended at the true closest node
    gossip_hops_p99: Figure = None  # relay depth of deliveries
    coverage: Figure = None  # share of live nodes that a rumor reached, the worst of all rumors
    messages_per_node: Figure = None  # of a rumor
    duplicates_per_node: Figure = None  # payload copies beyond the first
    detect_p99_s: Figure = None
    repair_p99_s: Figure = None
    lost: Figure = None  # chunks of which a holder lives, and nobody gets them
    false_suspicions: Figure = None  # nodes held for dead that lived
    poisoned: Figure = None  # records accepted that their author did not sign
    wall_s: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def expect(self, what: str, figure: Figure, *, least: float = -math.inf, most: float = math.inf) -> None:
        """The figure must be there and within these bounds."""
        if figure is None or not least <= figure <= most:
            bounds = " and ".join(
                [f">= {least:g}"] * (least != -math.inf) + [f"<= {most:g}"] * (most != math.inf),
            )
            self.failures.append(f"{what} is {figure if figure is None else f'{figure:g}'}, not {bounds}")

    def as_json(self) -> dict[str, Any]:
        """All of it, flat."""
        figures = {name: value for name, value in vars(self).items() if name not in {"details", "failures"}}
        return {
            **{name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()},
            **{name: round(value, 4) if isinstance(value, float) else value for name, value in self.details.items()},
            "failures": self.failures,
        }


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below or at which that share of them lies (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Fit:
    """``value = at_1 + per_doubling * log2(nodes)``; ``r2`` is the share of the variance that it explains."""

    at_1: float
    per_doubling: float
    r2: float


def log_fit(sizes: Sequence[int], values: Sequence[float]) -> Fit:
    """Least squares over log2 of the sizes, of which there are two or more."""
    logs = [math.log2(size) for size in sizes]
    middle, level = sum(logs) / len(logs), sum(values) / len(values)
    spread = sum((x - middle) ** 2 for x in logs)
    slope = sum((x - middle) * (y - level) for x, y in zip(logs, values, strict=True)) / spread
    rest = sum((y - level - slope * (x - middle)) ** 2 for x, y in zip(logs, values, strict=True))
    variance = sum((y - level) ** 2 for y in values)
    return Fit(level - slope * middle, slope, 1.0 if variance == 0 else 1 - rest / variance)
