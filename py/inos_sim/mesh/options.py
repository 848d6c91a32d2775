"""What a scenario is run with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to run it.

    ``wire``: messages are encoded and decoded for real. ``idle``: periodic work is off; None: as the size asks for.
    ``seed_bug``: a name of ``inos_sim.mesh.bugs``.
    """

    nodes: int
    seed: int
    scenario: str = ""
    wire: bool = False
    idle: bool | None = None
    seed_bug: str | None = None
