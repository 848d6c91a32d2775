"""What others say of somebody without a link to us: that it is gone, or that it lives after all.

Nouns: a *rumour* is that one peer is gone, with who said so; it counts once MESH_REFUTE_S went by without a refutation, and if
two said it.

Invariants: there is one rumour of a peer, and MESH_ACCUSED_MAX in all; what more is said is not heard. Must not know: links.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from inos import limits
from inos.membership.agenda import Agenda


class Rumour:
    """Somebody is said to be gone. Due when it counts."""

    __slots__ = ("accusers", "due", "peer_id", "rumours")

    def __init__(self, rumours: Rumours, peer_id: bytes) -> None:
        self.rumours = rumours
        self.peer_id = peer_id
        self.accusers: set[bytes] = set()
        self.due = inf

    def on_due(self, now: float) -> None:
        """Nobody refuted it."""
        self.rumours.on_unrefuted(self, now)


class Rumours:
    """All that are heard and neither refuted nor believed."""

    __slots__ = ("_agenda", "_of", "_on_believed")

    def __init__(self, agenda: Agenda, on_believed: Callable[[bytes, float], None]) -> None:
        self._agenda = agenda
        self._on_believed = on_believed
        self._of: dict[bytes, Rumour] = {}

    def hear(self, accuser: bytes, peer_id: bytes, now: float) -> None:
        """``accuser`` says that ``peer_id`` is gone."""
        rumour = self._of.get(peer_id)
        if rumour is None:
            if len(self._of) >= limits.MESH_ACCUSED_MAX:
                return
            rumour = self._of[peer_id] = Rumour(self, peer_id)
            self._agenda.put(rumour, now + limits.MESH_REFUTE_S)
        rumour.accusers.add(accuser)

    def forget(self, peer_id: bytes) -> None:
        """It lives, or we see for ourselves."""
        rumour = self._of.pop(peer_id, None)
        if rumour is not None:
            rumour.due = inf

    def on_unrefuted(self, rumour: Rumour, now: float) -> None:
        """Its time to be refuted is over."""
        del self._of[rumour.peer_id]
        if len(rumour.accusers) > 1:
            self._on_believed(rumour.peer_id, now)
