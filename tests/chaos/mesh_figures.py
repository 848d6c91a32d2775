"""What `npm run chaos:mesh` measures, and the limits that issue 5 sets.

Nouns: a *loss* is one end of a holder, *killed* (SIGKILL) or *frozen* (SIGSTOP); its times count from the signal.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

KINDS = ("killed", "frozen")
JOIN_S = 30.0
SUSPECT_MS_P50, SUSPECT_MS_MAX = 1_000.0, 1_500.0
REPAIR_MS_P50 = 5_000.0


@dataclass
class Losses:
    """All of one kind."""

    suspect_ms: list[float] = field(default_factory=list)  # of each survivor, in each round
    dead_ms: list[float] = field(default_factory=list)
    repair_ms: list[float] = field(default_factory=list)  # of each round

    def as_json(self, kind: str) -> dict[str, float]:
        """Round figures."""
        return {
            f"{kind}_suspected_p50_ms": p50(self.suspect_ms),
            f"{kind}_suspected_max_ms": most(self.suspect_ms),
            f"{kind}_dead_p50_ms": p50(self.dead_ms),
            f"{kind}_dead_max_ms": most(self.dead_ms),
            f"{kind}_repaired_p50_ms": p50(self.repair_ms),
            f"{kind}_repaired_max_ms": most(self.repair_ms),
        }

    def faults(self, kind: str) -> list[str]:
        """What is beyond its limit."""
        said = []
        if p50(self.suspect_ms) > SUSPECT_MS_P50 or most(self.suspect_ms) > SUSPECT_MS_MAX:
            said.append(f"{kind}: suspected after {p50(self.suspect_ms)} ms at p50, {most(self.suspect_ms)} ms at most")
        if p50(self.repair_ms) > REPAIR_MS_P50:
            said.append(f"{kind}: repaired after {p50(self.repair_ms)} ms at p50")
        return said


@dataclass
class Figures:
    """All of a run. The lists of seconds and rates are samples for `npm run bench`."""

    join_s: list[float] = field(default_factory=list)
    replication_mib_s: list[float] = field(default_factory=list)
    detect_s: list[float] = field(default_factory=list)
    repair_s: list[float] = field(default_factory=list)
    losses: dict[str, Losses] = field(default_factory=lambda: {kind: Losses() for kind in KINDS})
    false_suspicions: int = 0  # while nothing happened
    suspicions_in_rounds: int = 0  # of others than the lost, while browsers start and files are copied
    thawed_s: list[float] = field(default_factory=list)
    healed_s: dict[str, float] = field(default_factory=dict)
    lost: int = 0

    def as_json(self) -> dict[str, Any]:
        """Round figures."""
        both = [times for kind in KINDS for times in self.losses[kind].suspect_ms]
        found: dict[str, Any] = {
            "joined_s": round(max(self.join_s, default=0.0), 1),
            "suspected_p50_ms": p50(both),
            "suspected_max_ms": most(both),
            "repaired_p50_ms": p50([times for kind in KINDS for times in self.losses[kind].repair_ms]),
        }
        for kind in KINDS:
            found |= self.losses[kind].as_json(kind)
        found |= {
            "lost": self.lost,
            "false_suspicions": self.false_suspicions,
            "suspicions_in_rounds": self.suspicions_in_rounds,
            "healed_s": {how: round(took_s, 1) for how, took_s in self.healed_s.items()},
        }
        samples = ("join_s", "replication_mib_s", "detect_s", "repair_s", "thawed_s")
        return found | {name: [round(value, 3) for value in getattr(self, name)] for name in samples}

    def faults(self) -> list[str]:
        """What is beyond its limit."""
        said = [fault for kind in KINDS for fault in self.losses[kind].faults(kind)]
        if max(self.join_s, default=0.0) > JOIN_S:
            said.append(f"joined in {max(self.join_s):.1f} s")
        if self.false_suspicions:
            said.append(f"{self.false_suspicions} false suspicions")
        if self.lost:
            said.append(f"{self.lost} files lost")
        return said


def p50(values: list[float]) -> float:
    """The median, 0 of none."""
    return round(statistics.median(values)) if values else 0.0


def most(values: list[float]) -> float:
    """The largest, 0 of none."""
    return round(max(values, default=0.0))
