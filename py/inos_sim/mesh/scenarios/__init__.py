"""What is done to a world, and what must hold.

Each module has a ``run(options) -> Report``. Must not know: the command line, wall clocks.
"""

from __future__ import annotations

from collections.abc import Callable

from inos_sim.mesh.options import Options
from inos_sim.mesh.report import Report
from inos_sim.mesh.scenarios import byzantine, churn, flashcrowd, gossip, heal, join, lookup, partition

SCENARIOS: dict[str, Callable[[Options], Report]] = {
    "join": join.run,
    "churn": churn.run,
    "partition": partition.run,
    "heal": heal.run,
    "byzantine": byzantine.run,
    "flashcrowd": flashcrowd.run,
    "lookup": lookup.run,
    "gossip": gossip.run,
}

__all__ = ["SCENARIOS", "Options"]
