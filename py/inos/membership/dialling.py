"""Dials: few at a time, spaced, and not again too soon.

Nouns: a *dial* is a node that a link is wanted to, by prefix: being dialled (or looked up, where its contact is not known), or
waiting for its time after a failure.

Invariants: at most MESH_DIALS_PENDING_MAX are under way (healing's one besides), one each MESH_DIAL_INTERVAL_S; after a failure
the wait doubles; hearsay that fails twice is forgotten. Must not know: why a link is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from inos import limits
from inos.membership.agenda import Agenda
from inos.membership.carrier import Carrier
from inos.membership.contact import Known, prefix_of
from inos.membership.view import View
from inos.tasks import Future, Tasks
from inos.wire.membership import PREFIX_BYTES


class Dial:
    """A node that we want a link to: being dialled, or waiting for its time after a failure. Due when nobody said what
    became of it."""

    __slots__ = ("dialling", "due", "failures", "not_before_s", "pending", "prefix")

    def __init__(self, dialling: Dialling, prefix: int) -> None:
        self.dialling = dialling
        self.prefix = prefix
        self.pending = False
        self.failures = 0
        self.not_before_s = -inf
        self.due = inf

    def on_due(self, now: float) -> None:
        """The carrier forgot it."""
        self.dialling.on_failed(padded(self.prefix), now)


class Dialling:
    """The dials of one node."""

    __slots__ = (
        "_agenda",
        "_carrier",
        "_chance",
        "_dials",
        "_hurry",
        "_last_dial_s",
        "_links_max",
        "_look",
        "_tasks",
        "_view",
    )

    def __init__(
        self,
        tasks: Tasks,
        view: View,
        agenda: Agenda,
        carrier: Carrier,
        look: Callable[[bytes], Future[Any]],
        hurry: Callable[[float], None],
        chance: Callable[[], float],
        links_max: Callable[[], int],
    ) -> None:
        """``look``: a look-up that learns contacts; ``hurry``: think again of what is wanted, soon."""
        self._tasks = tasks
        self._view = view
        self._agenda = agenda
        self._carrier = carrier
        self._look = look
        self._hurry = hurry
        self._chance = chance
        self._links_max = links_max
        self._dials: dict[int, Dial] = {}  # by prefix
        self._last_dial_s = -inf

    def on_link_up(self, peer_id: bytes) -> None:
        """There is a link, whoever dialled."""
        dial = self._dials.pop(prefix_of(peer_id), None)
        if dial is not None:
            dial.due = inf

    def failed(self, now: float) -> set[int]:
        """Who could not be reached, and shall not be tried yet."""
        return {prefix for prefix, dial in self._dials.items() if dial.failures and dial.not_before_s > now}

    def on_failed(self, peer_id: bytes, now: float) -> None:
        """Wait longer each time; hearsay that fails twice is forgotten."""
        dial = self._dials.get(prefix_of(peer_id))
        if dial is None or not dial.pending:
            return
        self._failed(dial, now)
        if dial.failures > 1 and not self._view.is_proved(peer_id):
            self._view.forget(peer_id)

    def _failed(self, dial: Dial, now: float) -> None:
        dial.due = inf
        dial.pending = False
        dial.failures += 1
        wait_s = min(limits.MESH_DIAL_RETRY_S * 2 ** (dial.failures - 1), limits.MESH_DIAL_RETRY_MAX_S)
        dial.not_before_s = now + wait_s * (0.75 + self._chance() / 2)
        if len(self._dials) > 4 * limits.MESH_PASSIVE_MAX:
            self._dials = {p: d for p, d in self._dials.items() if d.pending or d.not_before_s > now}
        self._hurry(now)

    def approach(self, prefix: int, now: float) -> bool:
        """Dial a node that is wanted, or find its contact first; whether something was begun."""
        dial = self._dials.get(prefix)
        if dial is not None and (dial.pending or dial.not_before_s > now):
            return False
        if not self._may_dial(now):
            return False
        known = self._view.contact_at(prefix)
        dial = self._dials.setdefault(prefix, Dial(self, prefix))
        dial.pending = True
        self._last_dial_s = now
        if known is not None:
            self._agenda.put(dial, now + limits.MESH_DIAL_TIMEOUT_S)
            self._carrier.dial(known.contact)
        else:  # seen in a neighbour's list only
            looked = self._look(padded(prefix))
            looked.on_done(lambda: self._looked(dial))
        return True

    def dial_outside(self, known: Known, now: float) -> None:
        """Dial somebody who may be in another part of the mesh: a look there, whatever its failures before."""
        dial = self._dials.setdefault(known.prefix, Dial(self, known.prefix))
        if not dial.pending and known.prefix not in self._view.by_prefix and len(self._view.active) < self._links_max():
            dial.pending = True
            self._agenda.put(dial, now + limits.MESH_DIAL_TIMEOUT_S)
            self._carrier.dial(known.contact)

    def _looked(self, dial: Dial) -> None:
        """The look-up for a contact is over: it is among those learnt now, or nobody has that prefix."""
        now = self._tasks.now
        if not dial.pending:
            return
        dial.pending = False
        if self._view.contact_at(dial.prefix) is not None and dial.prefix not in self._view.by_prefix:
            self._last_dial_s = -inf
            self.approach(dial.prefix, now)
        elif dial.prefix not in self._view.by_prefix:
            self._failed(dial, now)

    def _may_dial(self, now: float) -> bool:
        pending = sum(1 for dial in self._dials.values() if dial.pending)
        return (
            pending < limits.MESH_DIALS_PENDING_MAX
            and now >= self._last_dial_s + limits.MESH_DIAL_INTERVAL_S * 0.9
            and len(self._view.active) < self._links_max()
        )


def padded(prefix: int) -> bytes:
    """An id that begins with this prefix."""
    return prefix.to_bytes(PREFIX_BYTES, "big") + bytes(32 - PREFIX_BYTES)
