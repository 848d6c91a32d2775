"""What a failure detector remembers of a neighbour.

It is an entry of an agenda: ``due`` says when the detector is to look. Must not know: what it makes of it.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inos.membership.detector import Detector
    from inos.membership.view import Neighbour


class Watch:
    """Signs of life of one neighbour. Due when its window is over."""

    __slots__ = (
        "accusers",
        "answered",
        "asked_s",
        "detector",
        "due",
        "floor_s",
        "hastened_s",
        "late_looks",
        "neighbour",
        "nonce",
        "pace_ms",
        "planned_s",
        "reprieves",
        "suspected_s",
        "vouched_s",
    )

    def __init__(self, detector: Detector, neighbour: Neighbour, now: float) -> None:
        self.detector = detector
        self.neighbour = neighbour
        self.pace_ms = 0
        self.floor_s = now  # silence counts from here, if nothing was heard later
        self.planned_s = inf
        self.hastened_s = inf  # since when it is pinged quicker, as somebody else does not hear it
        self.nonce = 0
        self.reprieves = 0
        self.accusers: tuple[bytes, ...] = ()
        self.suspected_s = inf  # since when, while it is suspected
        self.late_looks = 0  # our own, since it is suspected
        self.asked_s = -inf  # when others were asked last
        self.vouched_s = -inf  # when others heard it
        self.answered = False  # by anybody who was asked, since it is suspected
        self.due = inf

    def on_due(self, now: float) -> None:
        """Look."""
        self.detector.look(self, now)
