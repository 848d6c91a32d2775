"""What a scenario is run with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """``wire``: messages are encoded and decoded for real. ``seed_bug``: a name of ``inos_sim.mesh.bugs``."""

    nodes: int
    seed: int
    scenario: str = ""
    wire: bool = False
    seed_bug: str | None = None
