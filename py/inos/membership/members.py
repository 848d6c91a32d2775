"""What neighbours tell each other, and what a node does to have the links it wants.

Nouns: a *chore* is something done again and again; *tending* compares links with the growth policy and dials what is missing.

Invariants: every message of a neighbour is checked before it changes anything; dials are few at a time and spaced; a link is
dropped only above the soft cap, when neither end needs it; nobody whose dial failed is dialled again before its time, which
doubles. A node's contact is used only after its signature was checked.

Must not know: routes (a look-up is a callable), who lives (the detector).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log2
from typing import Any

from inos import limits
from inos.errors import Busy, InosError, ProtocolViolation
from inos.membership import growth
from inos.membership.agenda import Agenda
from inos.membership.carrier import Carrier
from inos.membership.contact import HEADLESS, Known, Notary, prefix_of
from inos.membership.dialling import Dialling
from inos.membership.view import FROZEN, HIDDEN, LEAVING, SHOWN, Neighbour, View, check_link_list
from inos.ports import Entropy
from inos.tasks import Future, Tasks
from inos.wire.membership import Condition, Introduce, Peers

JOIN_LOOKS_S = (0.3, 1.5, 4.0, 10.0)  # after the first link, for those closest to us
LOOK_INTERVAL_S = 120.0


class Chore:
    """Something to do at its time."""

    __slots__ = ("call", "due")

    def __init__(self, call: Callable[[float], None]) -> None:
        self.call = call
        self.due = inf

    def on_due(self, now: float) -> None:
        """Do it."""
        self.call(now)


class Members:
    """Membership of one node."""

    __slots__ = (
        "_agenda",
        "_carrier",
        "_closest",
        "_entropy",
        "_gap",
        "_gap_version",
        "_look",
        "_look_chore",
        "_looks",
        "_notary",
        "_own",
        "_peers_chore",
        "_seen",
        "_started",
        "_tasks",
        "_tend_chore",
        "_view",
        "condition",
        "dialling",
        "idle",
        "incarnation",
        "on_contact",
        "on_roles",
    )

    def __init__(
        self,
        tasks: Tasks,
        view: View,
        agenda: Agenda,
        carrier: Carrier,
        entropy: Entropy,
        notary: Notary,
        seen: Callable[[], Any],
        look: Callable[[bytes], Future[Any]],
    ) -> None:
        """``seen``: all prefixes that neighbours link to; ``look``: a look-up, whose contacts are told to ``learn``."""
        self._tasks = tasks
        self._view = view
        self._agenda = agenda
        self._carrier = carrier
        self._entropy = entropy
        self._notary = notary
        self._seen = seen
        self._look = look
        self._own: Known | None = None
        self._started = False
        self.dialling = Dialling(tasks, view, agenda, carrier, look, self._hurry, self.chance, self.links_max)
        self._gap = float(growth.RING)
        self._gap_version = -1
        self._looks = 0
        self._closest: int | None = None
        self._peers_chore = Chore(self._tell_links)
        self._tend_chore = Chore(self._tend)
        self._look_chore = Chore(self._look_around)
        self.condition = SHOWN
        self.incarnation = 0
        self.idle = False
        self.on_contact: Callable[[Neighbour], None] | None = None
        self.on_roles: Callable[[float], None] | None = None

    # --- reads --------------------------------------------------------------------------------------------------------

    @property
    def own(self) -> Known | None:
        """Our contact, once it is signed."""
        return self._own

    def gap(self) -> float:
        """The mean distance of nodes' prefixes."""
        if self._gap_version != self._view.version:
            self._gap_version = self._view.version
            self._gap = growth.gap_of(self._view, self._seen())
        return self._gap

    def nodes(self) -> int:
        """How many nodes there are, about."""
        return max(1, round(growth.RING / self.gap()))

    def walk_hops(self) -> int:
        """How many random hops reach anybody: log N in base of links, and one for luck."""
        return 1 + round(log2(1 + self.nodes()) / log2(2 + len(self._view.active)))

    def links_max(self) -> int:
        """How many links we take."""
        headless = self._own is not None and self._own.contact.flags & HEADLESS
        return limits.MESH_LINKS_HEADLESS_MAX if headless else limits.MESH_LINKS_MAX

    def _links_soft(self) -> int:
        return limits.MESH_LINKS_SOFT if self.nodes() < limits.MESH_BIG_NODES else limits.MESH_LINKS_SOFT_BIG

    def _per_bucket(self) -> int:
        return 1 if self.nodes() < limits.MESH_BIG_NODES else 2

    # --- our own ------------------------------------------------------------------------------------------------------

    def start(self, own: Known, now: float) -> None:
        """Our contact is signed (again): tell it."""
        self._own = own
        for peer_id in self._view.active:
            self._carrier.send(peer_id, Introduce(own.signed))
        if not self._started:
            self._started = True
            if not self.idle:
                self._agenda.put(self._tend_chore, now)
                self._agenda.put(self._look_chore, now + JOIN_LOOKS_S[0])

    def preset(self, own: Known) -> None:
        """As ``start``, where everybody knows; chores begin with the first change, or with ``start``."""
        self._own = own

    def adopt(self, known: Known, now: float) -> None:
        """A checked contact from outside the mesh: a first contact is dialled at once."""
        self._view.remember(known)
        if not self._view.active:
            self._hurry(now)

    def learn(self, known: Known) -> None:
        """A checked contact from a look-up or a shuffle."""
        self._view.remember(known)

    def on_condition(self, condition: int, now: float) -> None:
        """Ours changed: everybody is told."""
        self.condition = condition
        self.raise_incarnation()

    def leave(self) -> None:
        """Tend links no more; everybody is told."""
        self._started = False
        self._tend_chore.due = self._look_chore.due = inf
        self.condition = LEAVING
        self.raise_incarnation()

    def raise_incarnation(self, above: int = 0) -> None:
        """Whatever was said of us until now is void: say how we are, as of a later incarnation."""
        self.incarnation = max(self.incarnation, above) + 1
        for peer_id in list(self._view.active):
            self._carrier.send(peer_id, Condition(self.condition, self.incarnation))

    # --- links --------------------------------------------------------------------------------------------------------

    def on_link_up(self, peer_id: bytes, now: float) -> Neighbour | None:
        """A link; None if it is one too many and was ended."""
        self.dialling.on_link_up(peer_id)
        if peer_id in self._view.active:
            return self._view.active[peer_id]
        if len(self._view.active) >= self.links_max():
            self._carrier.hang_up(peer_id, "full")
            return None
        first = not self._view.active
        neighbour = self._view.add(peer_id, now)
        if self._own is not None:
            self._carrier.send(peer_id, Introduce(self._own.signed))
        self._carrier.send(peer_id, Peers(self._view.own_links()))
        self._carrier.send(peer_id, Condition(self.condition, self.incarnation))
        self._links_changed(now)
        if first and self._started and not self.idle:
            self._looks = 0
            self._agenda.put(self._look_chore, now + JOIN_LOOKS_S[0])
        return neighbour

    def on_link_down(self, peer_id: bytes, now: float, *, comes_back: bool) -> Neighbour | None:
        """It ended. ``comes_back``: remember the contact, it may be dialled again."""
        neighbour = self._view.remove(peer_id)
        if neighbour is None:
            return None
        if comes_back and neighbour.known is not None:
            self._view.remember(neighbour.known, proved=True)
        self._links_changed(now)
        return neighbour

    # --- messages -----------------------------------------------------------------------------------------------------

    def on_introduce(self, neighbour: Neighbour, message: Introduce) -> None:
        """Its contact: checked aside."""
        known = self._notary.checked(message.contact)
        if known is not None and known.peer_id == neighbour.peer_id:
            self._introduced(neighbour, known)
            return
        self._tasks.spawn(self._check_introduced(neighbour, message.contact), "check a contact")

    async def _check_introduced(self, neighbour: Neighbour, signed: bytes) -> None:
        try:
            known = await self._notary.check(signed)
            if known.peer_id != neighbour.peer_id:
                raise ProtocolViolation("somebody else's contact as an introduction")
        except Busy:
            return
        except InosError:
            self._carrier.hang_up(neighbour.peer_id, "ProtocolViolation")
            return
        self._introduced(neighbour, known)

    def _introduced(self, neighbour: Neighbour, known: Known) -> None:
        if neighbour.known is None or neighbour.known.contact.time_ms <= known.contact.time_ms:
            neighbour.known = known
            if self.on_contact is not None:
                self.on_contact(neighbour)

    def on_peers(self, neighbour: Neighbour, message: Peers, now: float) -> None:
        """Its links. Raises ProtocolViolation."""
        check_link_list(message.links)
        if message.links != neighbour.links:
            self._view.set_links(neighbour, message.links)
            self._hurry(now, limits.MESH_TEND_INTERVAL_S)

    def on_said(self, neighbour: Neighbour, message: Condition) -> bool:
        """How it is; whether that is news. Raises ProtocolViolation."""
        if message.state not in (SHOWN, HIDDEN, FROZEN, LEAVING):
            raise ProtocolViolation(f"condition {message.state}")
        if message.incarnation < neighbour.incarnation:
            return False
        news = (message.state, message.incarnation) != (neighbour.condition, neighbour.incarnation)
        neighbour.condition, neighbour.incarnation = message.state, message.incarnation
        return news

    # --- chores -------------------------------------------------------------------------------------------------------

    def _links_changed(self, now: float) -> None:
        if self._peers_chore.due == inf:
            self._agenda.put(self._peers_chore, now + limits.MESH_PEERS_DELAY_S)
        self._hurry(now)

    def _hurry(self, now: float, within_s: float = limits.MESH_DIAL_INTERVAL_S) -> None:
        """Tend soon, and not more often than dials may follow each other."""
        due = now + within_s
        if self._started and not self.idle and self._tend_chore.due > due:
            self._agenda.put(self._tend_chore, due)

    def _tell_links(self, now: float) -> None:
        message = Peers(self._view.own_links())
        for peer_id in list(self._view.active):
            self._carrier.send(peer_id, message)

    def _look_around(self, now: float) -> None:
        """Look for those closest to us, and at times for a random node (buckets nobody told of)."""
        if not self._view.active:
            return
        self._looks += 1
        wait_s = JOIN_LOOKS_S[self._looks] if self._looks < len(JOIN_LOOKS_S) else LOOK_INTERVAL_S
        self._agenda.put(self._look_chore, now + wait_s * (0.75 + self.chance() / 2))
        looked = self._look(self._view.peer_id)
        looked.on_done(lambda: self._found_closest(looked))
        if self._looks > 1:
            self._look(self._entropy.random(32))

    def _found_closest(self, looked: Future[Any]) -> None:
        """Whoever answered for our own id is the first to have a link to: it makes us reachable for all others."""
        try:
            answered = looked.result().answered
        except InosError:
            return
        self._closest = next((prefix_of(peer_id) for peer_id in answered if peer_id != self._view.peer_id), None)
        self._hurry(self._tasks.now, 0.0)

    def _tend(self, now: float) -> None:
        """Compare links with the policy: dial one of those missing, drop one that nobody needs."""
        view = self._view
        roles = growth.assign(view, self._per_bucket())
        if self.on_roles is not None:
            self.on_roles(now)
        # Who could not be reached is left out for a while, so that others are wanted in its place.
        failed = self.dialling.failed(now)
        known = {known.prefix for known in view.passive.values()} - failed
        seen = [prefix for prefix in self._seen() if prefix not in failed]
        wanted = growth.missing(view, seen, known, self._per_bucket())
        if self._closest is not None and self._closest not in view.by_prefix and self._closest not in failed:
            wanted.insert(0, self._closest)
        busy = any(self.dialling.approach(prefix, now) for prefix in wanted)
        if not busy and roles.spare < limits.MESH_RANDOM_LINKS:
            busy = self._dial_random(now)
        if len(view.active) > self._links_soft() + limits.MESH_LINKS_HYSTERESIS:
            spare = growth.least_useful(view)
            if spare is not None:
                self._carrier.hang_up(spare.peer_id, "spare")
                busy = True
        wait_s = (
            limits.MESH_DIAL_INTERVAL_S if busy else limits.MESH_TEND_INTERVAL_S if wanted else limits.MESH_TEND_IDLE_S
        )
        if self._tend_chore.due > now + wait_s:
            self._agenda.put(self._tend_chore, now + wait_s)

    def _dial_random(self, now: float) -> bool:
        passive = list(self._view.passive.values())
        return any(self.dialling.approach(passive[int(self.chance() * len(passive))].prefix, now) for _ in passive[:3])

    def random_below(self, bound: int) -> int:
        """A random number from 0 up to ``bound``, of 256 bits at most."""
        return int.from_bytes(self._entropy.random(32), "big") * bound >> 256

    def chance(self) -> float:
        """A random number from 0 to 1."""
        return int.from_bytes(self._entropy.random(4), "big") / (1 << 32)
