"""Who lives: suspicion by silence, asking others, and being asked (SWIM, Lifeguard).

Nouns: a *watch* is what is known of one neighbour's signs of life; its *window* is how long it may be silent; ``health`` is our
own (1 is well, up to MESH_HEALTH_MAX), by which windows widen while our own clock ticks late.

Theory of operation. The net workers ping at the pace asked for and stamp when anything came; here those stamps are read, once
a window. Three paces of silence make a suspect, which is pinged more often from then on, so that a few lost packets are told
from a death, and neighbours that have a link to it too are asked when they heard it. Who heard it later vouches for it; when
nobody does in time it is dead here, at once, and those who also know it are told (``Accuse``). Who heard it just now answers by
``Refute``; who did not, passes the word to the accused, and refutes once the accused has raised its incarnation. Whoever is asked
about a neighbour that it has not heard just now, or told that it is dead, pings it quicker for a moment (it is *hastened*), and
suspects it too if it stays silent. Of somebody without a link to us the rumour counts after MESH_REFUTE_S, from two who say so.

Invariants: nobody is accused while we ourselves were late, or while most of our neighbours are silent at once (it is us); both
delay the verdict on a suspect by a bounded time, however unwell we are. An accusation counts only for the incarnation it names.
Must not know: what follows from a death.
"""

from __future__ import annotations

from math import inf
from typing import Protocol

from inos import limits
from inos.errors import ProtocolViolation
from inos.membership.agenda import Agenda
from inos.membership.carrier import Carrier
from inos.membership.members import Members
from inos.membership.rumours import Rumours
from inos.membership.view import FROZEN, HIDDEN, LEAVING, PARTNER, SIBLING, Neighbour, View
from inos.membership.watch import Watch
from inos.ports import Entropy
from inos.wire.membership import Accuse, Probe, Probed, Refute

UNKNOWN_AGE_MS = 0xFFFF_FFFF
REPRIEVES_MAX = 3  # how often others may vouch for a peer that we ourselves do not hear
DOUBT_PACES = 1.5  # silence that turns another's word into a suspicion
JUST_NOW_S = 0.4  # later than whoever accuses or suspects it can have heard it
VOUCHED_S = 0.75  # so long another's word that is older than that keeps a suspect from being held for dead
ALONE_S = 0.5  # of quick pings without an answer, where there is nobody to ask
SLACK_S = 0.02
LATE_S = 0.2  # of a look at who was hastened
LATE_LOOKS_MAX = 2  # at a suspect: then its stamps are believed
HEALTHY_AFTER_S = 5.0  # without being late: one step better


class Judgement(Protocol):
    """Whoever acts on it."""

    def on_suspect(self, neighbour: Neighbour) -> None:
        """It is silent."""

    def on_alive(self, peer_id: bytes) -> None:
        """It was suspected, or held for dead, and lives."""

    def on_gone(self, peer_id: bytes, cause: str, now: float) -> None:
        """It is gone: the link shall end, if there is one."""


class Detector:
    """Signs of life of all neighbours."""

    __slots__ = (
        "_agenda",
        "_carrier",
        "_entropy",
        "_judge",
        "_members",
        "_probes",
        "_rumours",
        "_view",
        "_well_since_s",
        "false_alarms",
        "health",
        "idle",
    )

    def __init__(
        self, view: View, agenda: Agenda, carrier: Carrier, entropy: Entropy, members: Members, judge: Judgement
    ) -> None:
        self._view = view
        self._agenda = agenda
        self._carrier = carrier
        self._entropy = entropy
        self._members = members
        self._judge = judge
        self._probes: dict[int, Watch] = {}
        self._rumours = Rumours(agenda, self._on_believed)
        self._well_since_s = 0.0
        self.health = 1
        self.false_alarms = 0
        self.idle = False

    # --- links --------------------------------------------------------------------------------------------------------

    def watch(self, neighbour: Neighbour, now: float) -> None:
        """A link is up."""
        if not self.idle:
            neighbour.watch = Watch(self, neighbour, now)
            self.set_paces(now)
        self._rumours.forget(neighbour.peer_id)

    def forget(self, neighbour: Neighbour) -> None:
        """Its link is gone."""
        watch = neighbour.watch
        if watch is not None:
            assert isinstance(watch, Watch)
            watch.due = inf
            self._probes.pop(watch.nonce, None)
            neighbour.watch = None

    def set_paces(self, now: float) -> None:
        """Links or roles changed. Siblings and partners are watched closely, as many as are allowed; where links are few, all:
        the other end of each has few as well, so that both ping."""
        all_close = len(self._view.active) <= limits.MESH_CLOSE_ALL
        close = [n.peer_id for n in self._view.active.values() if all_close or n.roles & (SIBLING | PARTNER)]
        del close[limits.MESH_CLOSE_ALL if all_close else limits.MESH_CLOSE_MAX :]
        for neighbour in self._view.active.values():
            is_close = neighbour.peer_id in close
            self._set_pace(neighbour, limits.MESH_PACE_CLOSE_MS if is_close else limits.MESH_PACE_FAR_MS, now)

    def _set_pace(self, neighbour: Neighbour, pace_ms: int, now: float) -> None:
        watch = neighbour.watch
        if not isinstance(watch, Watch):
            return
        if pace_ms != watch.pace_ms:
            heard_s, before_s = self._last_heard_s(watch), self._window_s(watch)
            watch.pace_ms = pace_ms
            spared_s = before_s - self._window_s(watch)
            if spared_s > 0:  # silence at the old pace says nothing at the new one; it ends no later than it would have
                watch.floor_s = min(now, heard_s + spared_s)
            if not neighbour.suspect and watch.hastened_s == inf:
                self._carrier.pace(neighbour.peer_id, pace_ms)
                self._plan(watch, self._last_heard_s(watch) + self._window_s(watch))

    def doubt(self, neighbour: Neighbour, now: float) -> None:
        """It did not do what it should have, or somebody accuses it: suspect it sooner if we do not hear it either."""
        watch = neighbour.watch
        if isinstance(watch, Watch) and not neighbour.suspect and neighbour.condition != HIDDEN:
            silent_s = now - self._last_heard_s(watch)
            if silent_s > DOUBT_PACES * watch.pace_ms / 1_000:
                self._suspect(watch, now)

    # --- messages -----------------------------------------------------------------------------------------------------

    def on_message(self, sender: Neighbour, message: Probe | Probed | Accuse | Refute, now: float) -> None:
        """From a neighbour. Raises ProtocolViolation."""
        if isinstance(message, Probe):
            self._on_probe(sender, message, now)
        elif isinstance(message, Probed):
            self._on_probed(sender, message, now)
        elif isinstance(message, Accuse):
            self._on_accuse(sender, message, now)
        else:
            self._on_refute(message)

    def on_said(self, neighbour: Neighbour, now: float) -> None:
        """Its condition changed: who leaves, or is frozen, is gone; who is hidden, may be slow."""
        if neighbour.condition in (LEAVING, FROZEN):
            self._die(neighbour, "left" if neighbour.condition == LEAVING else "frozen", now, accuse=False)
        elif isinstance(neighbour.watch, Watch):
            watch = neighbour.watch
            for accuser in watch.accusers:
                self._carrier.send(accuser, Refute(neighbour.peer_id, neighbour.incarnation))
            watch.accusers = ()
            watch.floor_s = now
            self._clear(watch, now)

    # --- looking ------------------------------------------------------------------------------------------------------

    def look(self, watch: Watch, now: float) -> None:
        """Its window, or its suspicion, is over."""
        neighbour = watch.neighbour
        heard = self._carrier.heard(neighbour.peer_id)
        if heard is None:
            self._plan(watch, now + self._window_s(watch))  # the carrier will tell that it ended
            return
        if now - watch.planned_s > 2 * watch.pace_ms / 1_000:  # we were late: say nothing of others
            if watch.planned_s > self._well_since_s:  # or it is the same lateness
                self.health = min(limits.MESH_HEALTH_MAX, self.health + 1)
            self._well_since_s = now
            if not neighbour.suspect:
                if watch.hastened_s == inf or not self._is_silent_still(watch, now):
                    watch.floor_s = now
                    self._plan(watch, now + self._window_s(watch))
                return
            watch.late_looks += 1
            if watch.late_looks <= LATE_LOOKS_MAX:  # it is pinged quickly all the while: judged a little later
                self._ask_others(watch, now, 1)
                return
        if watch.hastened_s < inf and not neighbour.suspect and self._is_silent_still(watch, now):
            return
        if self.health > 1 and now - self._well_since_s > HEALTHY_AFTER_S:
            self.health -= 1
            self._well_since_s = now
        silent_s, window_s = now - self._last_heard_s(watch), self._window_s(watch)
        heard_since = now - silent_s > watch.suspected_s  # a suspicion may begin before the window is over
        if heard_since or (silent_s < window_s - SLACK_S and not neighbour.suspect):
            if neighbour.suspect:
                self.false_alarms += 1
            watch.reprieves = 0
            if watch.accusers and silent_s > DOUBT_PACES * watch.pace_ms / 1_000 - SLACK_S:
                self._suspect(watch, now)
                return
            self._clear(watch, now)
            if heard.brain_age_s > limits.MESH_BRAIN_AGE_MAX_S * self._factor(neighbour):
                self._die(neighbour, "brain", now, accuse=False)
        elif not neighbour.suspect:
            self._suspect(watch, now)
        elif self._is_open(watch, silent_s, window_s, now):
            self._ask_others(watch, now, 1)
        else:
            self._die(neighbour, "silent", now, accuse=True)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _last_heard_s(self, watch: Watch) -> float:
        heard = self._carrier.heard(watch.neighbour.peer_id)
        return max(watch.floor_s, heard.last_heard_s) if heard is not None else watch.floor_s

    def _factor(self, neighbour: Neighbour) -> int:
        return limits.MESH_HIDDEN_FACTOR if neighbour.condition == HIDDEN else 1

    def _window_s(self, watch: Watch) -> float:
        return limits.MESH_MISSED_MAX * watch.pace_ms / 1_000 * self._factor(watch.neighbour) * self.health

    def _plan(self, watch: Watch, due: float) -> None:
        watch.planned_s = due
        self._agenda.put(watch, due)

    def _is_open(self, watch: Watch, silent_s: float, window_s: float, now: float) -> bool:
        """Whether it is too early to say that a suspect is dead."""
        if now - watch.vouched_s < VOUCHED_S:  # on the others' clocks: our own health has no part in it
            return True
        alone = not watch.answered and silent_s < window_s - SLACK_S  # suspected early, and nobody else has said a word
        if alone and now - watch.suspected_s < ALONE_S:
            return True
        return self._is_it_us() and now - watch.suspected_s < 2 * window_s / self.health

    def _is_it_us(self) -> bool:
        suspects = sum(1 for neighbour in self._view.active.values() if neighbour.suspect)
        return suspects > 2 and 2 * suspects > len(self._view.active)

    def _hasten(self, watch: Watch, now: float) -> None:
        """Somebody does not hear it: ping it quicker, and look soon whether it answers; unwell or not, two are silent to it."""
        neighbour = watch.neighbour
        due = now + self._patience_s(neighbour)
        if neighbour.suspect or neighbour.condition == HIDDEN or due >= watch.planned_s:
            return
        watch.hastened_s = now
        self._carrier.pace(neighbour.peer_id, limits.MESH_PACE_SUSPECT_MS)
        self._plan(watch, due)

    def _is_silent_still(self, watch: Watch, now: float) -> bool:
        """It was hastened: suspect it, or go back to its pace."""
        peer_id, since_s = watch.neighbour.peer_id, watch.hastened_s
        watch.hastened_s = inf
        if self._last_heard_s(watch) > since_s:
            self._carrier.pace(peer_id, watch.pace_ms)
            return False
        if now - watch.planned_s > LATE_S:  # it had no chance: we were late
            watch.hastened_s = now
            self._plan(watch, now + self._patience_s(watch.neighbour))
        else:
            self._suspect(watch, now)
        return True

    def _patience_s(self, neighbour: Neighbour) -> float:
        """Until an answer to quick pings, or to a question about it, should have come to somebody well."""
        heard = self._carrier.heard(neighbour.peer_id)
        return limits.MESH_PROBE_TIMEOUT_S + (heard.rtt_s if heard is not None else 0.0)

    def _suspect(self, watch: Watch, now: float) -> None:
        watch.neighbour.suspect = True
        watch.hastened_s = inf
        watch.suspected_s = now
        watch.answered = False
        watch.late_looks = 0
        self._carrier.pace(watch.neighbour.peer_id, limits.MESH_PACE_SUSPECT_MS)
        self._judge.on_suspect(watch.neighbour)
        self._ask_others(watch, now, self.health)

    def _ask_others(self, watch: Watch, now: float, patience: int) -> None:
        neighbour = watch.neighbour
        self._probes.pop(watch.nonce, None)
        watch.nonce = int.from_bytes(self._entropy.random(4), "big")
        self._probes[watch.nonce] = watch
        message = Probe(watch.nonce, neighbour.peer_id)
        for other in self._common(neighbour)[: limits.MESH_PROBES]:
            self._carrier.send(other.peer_id, message)
        watch.asked_s = now
        self._plan(watch, now + self._patience_s(neighbour) * patience)

    def _common(self, neighbour: Neighbour) -> list[Neighbour]:
        """Who has a link to both of us and is well, in an order of its own for each of us."""
        return [
            other
            for other in self._view.active.values()
            if other is not neighbour and not other.suspect and other.has_link_to(neighbour.prefix)
        ]

    def _clear(self, watch: Watch, now: float) -> None:
        """It lives: plan the next look."""
        neighbour = watch.neighbour
        watch.accusers = ()
        watch.suspected_s = inf
        self._probes.pop(watch.nonce, None)
        if neighbour.suspect:
            neighbour.suspect = False
            self._carrier.pace(neighbour.peer_id, watch.pace_ms)
            self._judge.on_alive(neighbour.peer_id)
        self._plan(watch, max(self._last_heard_s(watch) + self._window_s(watch), now + SLACK_S))

    def _die(self, neighbour: Neighbour, cause: str, now: float, *, accuse: bool) -> None:
        if accuse:
            message = Accuse(neighbour.peer_id, neighbour.incarnation)
            for other in self._common(neighbour):
                self._carrier.send(other.peer_id, message)
        self._judge.on_gone(neighbour.peer_id, cause, now)

    def _on_probe(self, sender: Neighbour, message: Probe, now: float) -> None:
        asked = self._view.active.get(message.peer)
        age_ms = UNKNOWN_AGE_MS
        heard = self._carrier.heard(message.peer) if asked is not None else None
        if heard is not None:
            age_ms = min(UNKNOWN_AGE_MS - 1, max(0, int((now - heard.last_heard_s) * 1_000)))
        self._carrier.send(sender.peer_id, Probed(message.nonce, age_ms))
        if asked is not None and isinstance(asked.watch, Watch) and age_ms > JUST_NOW_S * 1_000:
            self._hasten(asked.watch, now)

    def _on_probed(self, sender: Neighbour, message: Probed, now: float) -> None:
        watch = self._probes.get(message.nonce)
        if watch is None or not watch.neighbour.suspect:
            return
        watch.answered = True  # who has no link to it any more holds it for dead already
        soon_s = max(watch.asked_s + self._patience_s(watch.neighbour), now + SLACK_S)
        if soon_s < watch.planned_s:  # answers do come: no reason to wait longer for them than who is well
            self._plan(watch, soon_s)
        if message.age_ms == UNKNOWN_AGE_MS:
            return
        heard_s = watch.asked_s - message.age_ms / 1_000  # at least; the answer may have been on its way for long
        watch.vouched_s = max(watch.vouched_s, heard_s)
        if message.age_ms > JUST_NOW_S * 1_000 or heard_s <= self._last_heard_s(watch):
            return
        watch.reprieves += 1
        if watch.reprieves > REPRIEVES_MAX:  # it lives, but this link does not carry
            self._probes.pop(watch.nonce, None)
            self._judge.on_gone(watch.neighbour.peer_id, "cut", now)
            return
        self.false_alarms += 1
        watch.floor_s = max(watch.floor_s, heard_s)
        self._clear(watch, now)

    def _on_accuse(self, sender: Neighbour, message: Accuse, now: float) -> None:
        if message.peer == self._view.peer_id:
            if message.incarnation >= self._members.incarnation:
                self._members.raise_incarnation(message.incarnation)
            return
        if message.peer == sender.peer_id:
            raise ProtocolViolation("an accusation of oneself")
        accused = self._view.active.get(message.peer)
        if accused is None:
            if self._view.contact_of(message.peer) is not None:  # else nobody whom we know
                self._rumours.hear(sender.peer_id, message.peer, now)
            return
        if message.incarnation < accused.incarnation:
            self._carrier.send(sender.peer_id, Refute(message.peer, accused.incarnation))
            return
        watch = accused.watch
        if not isinstance(watch, Watch):
            return
        heard_s = self._last_heard_s(watch)
        if now - heard_s <= JUST_NOW_S:
            self._carrier.send(sender.peer_id, Refute(message.peer, message.incarnation))
            self._carrier.send(message.peer, message)  # it shall know, and raise its incarnation
        elif not accused.suspect and now - heard_s <= DOUBT_PACES * watch.pace_ms / 1_000:
            watch.accusers = (*watch.accusers, sender.peer_id)[: limits.MESH_CLOSE_MAX]
            self._carrier.send(message.peer, message)
            self._hasten(watch, now)
        else:
            self.doubt(accused, now)

    def _on_refute(self, message: Refute) -> None:
        self._rumours.forget(message.peer)
        if message.peer not in self._view.active:
            self._judge.on_alive(message.peer)

    def _on_believed(self, peer_id: bytes, now: float) -> None:
        if peer_id not in self._view.active:
            self._judge.on_gone(peer_id, "accused", now)
