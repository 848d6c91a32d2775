"""What a failure detector remembers: of a neighbour, and of somebody who is said to be gone.

Both are entries of an agenda: ``due`` says when the detector is to look. Must not know: what it makes of them.
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
        "detector",
        "due",
        "floor_s",
        "hastened_s",
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
        self.vouched_s = -inf  # when others heard it
        self.answered = False  # by anybody who was asked, since it is suspected
        self.due = inf

    def on_due(self, now: float) -> None:
        """Look."""
        self.detector.look(self, now)


class Rumour:
    """Somebody without a link to us is said to be gone. Due when it counts."""

    __slots__ = ("accusers", "detector", "due", "incarnation", "peer_id")

    def __init__(self, detector: Detector, peer_id: bytes, incarnation: int) -> None:
        self.detector = detector
        self.peer_id = peer_id
        self.incarnation = incarnation
        self.accusers: set[bytes] = set()
        self.due = inf

    def on_due(self, now: float) -> None:
        """Nobody refuted it."""
        self.detector.on_rumour(self, now)
