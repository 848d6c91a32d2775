"""One node's mesh in one room: membership, routing and look-up, put together behind one interface.

Nouns: *inputs* are what the carrier and the clock bring (``on_*``), *verbs* what the node asks, *reads* what it is told.

Invariants: nothing is kept running: ``next_due`` says when ``on_time`` wants to be called, everything else happens in inputs and
short tasks. ``on_message`` raises ``ProtocolViolation`` where the sender is at fault, and nothing else.

Must not know: the browser, how links are made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from inos.dht.lookup import Lookups, records_of
from inos.dht.providers import Providers
from inos.dht.records import Record, Records
from inos.dht.result import Lookup
from inos.dht.routes import Routes
from inos.errors import InosError
from inos.gossip.gossip import Subscriber
from inos.gossip.sealing import Sealer
from inos.membership import growth
from inos.membership.agenda import Agenda
from inos.membership.carrier import Carrier
from inos.membership.contact import Known, Notary, sign_contact
from inos.membership.detector import Detector
from inos.membership.members import Members
from inos.membership.shuffling import Shuffling
from inos.membership.view import Neighbour, View, prefixes_in
from inos.mesh.answering import Answering
from inos.mesh.events import EVENTS_MAX, LookupHop, MeshEvent, PeerAlive, PeerDead, PeerDown, PeerSuspected, PeerUp
from inos.mesh.gossiping import Gossiping
from inos.mesh.keeping import Keeping
from inos.mesh.signals import Signals
from inos.ports import Entropy, Hashes
from inos.tasks import Future, Task, Tasks
from inos.wire.custody import CustodyMessage
from inos.wire.membership import Accuse, Condition, Contact, Introduce, Peers, Probe, Probed, Refute, Shuffle, Shuffled
from inos.wire.messages import Mesh as MeshMessage
from inos.wire.requests import FIND_NODE, FIND_PROVIDERS, SHUFFLED, Contacts, encode
from inos.wire.routes import Answered, DeadEnd, Route, Took


class IdentityLike(Protocol):
    """Who we are: ``inos.links.identity.Identity``."""

    public_key: bytes
    session: bytes


class Mesh:
    """A node in a room's mesh."""

    __slots__ = (
        "_agenda",
        "_box_key",
        "_carrier",
        "_detector",
        "_entropy",
        "_events",
        "_flags",
        "_hashes",
        "_identity",
        "_lookups",
        "_members",
        "_notary",
        "_providers",
        "_records",
        "_routes",
        "_shuffling",
        "_signals",
        "_tasks",
        "_view",
        "_wall_ms",
        "gossip",
        "keeping",
        "listening",
        "on_dead",
        "room_id",
    )

    def __init__(
        self,
        tasks: Tasks,
        hashes: Hashes,
        entropy: Entropy,
        carrier: Carrier,
        *,
        room_id: bytes,
        wall_ms: Callable[[], int],
        identity: IdentityLike,
        box_key: bytes,
        flags: int = 0,
        room_secret: bytes | None = None,  # what topics' keys come from; the room's id where everybody may know it
        sealer: Sealer | None = None,  # None: relays can read rumors (simulations)
    ) -> None:
        self._tasks = tasks
        self._hashes = hashes
        self._entropy = entropy
        self._carrier = carrier
        self._wall_ms = wall_ms
        self._identity = identity
        self._box_key = box_key
        self._flags = flags
        self.room_id = room_id
        self.listening = False  # whether somebody drains events that are only for looking at
        self.on_dead: Callable[[bytes, str, float], None] | None = None
        self._events: deque[MeshEvent] | None = None
        self._agenda = Agenda()
        self._view = view = View(hashes.hash(identity.public_key))
        self._notary = Notary(hashes, room_id, wall_ms)
        self._records = Records(self._notary, room_id, wall_ms)
        self._routes = Routes(view, self._agenda, entropy, carrier.send, self.rtt_s)
        sight = self._routes.sight
        self._members = Members(tasks, view, self._agenda, carrier, entropy, self._notary, sight.all, self.lookup)
        self._detector = Detector(view, self._agenda, carrier, entropy, self._members, self)
        self._members.on_roles = self._detector.set_paces
        self._routes.on_silent = self._detector.doubt
        self._shuffling = Shuffling(
            tasks, view, self._agenda, carrier, entropy, self._notary, self._members, sight.all, self._reply_shuffle
        )
        self._lookups = Lookups(tasks, view, self._agenda, self._routes, self._notary, self._records, self._members)
        self._providers = Providers(
            tasks, view, self._agenda, self._routes, self._lookups, self._records, self._members, room_id, wall_ms
        )
        self._signals = Signals(tasks, self._agenda, self._routes, self._notary, self._members)
        self._routes.server = Answering(
            view.peer_id, self._lookups, self._records, self._providers, self._signals, self._shuffling
        )
        self.gossip = Gossiping(
            tasks, hashes, entropy, carrier, self, view, self._members.nodes, identity, wall_ms, room_secret, sealer
        )
        self.keeping = Keeping(tasks, hashes, view, self._members, self._detector, self.lookup)

    # --- inputs -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Sign our contact (again, when flags changed or it became old) and begin to tend links."""
        contact = Contact(
            self._identity.public_key, self._identity.session, self._box_key, self._wall_ms(), self._flags
        )
        known = await sign_contact(self._hashes, self.room_id, contact)
        self._members.start(known, self._tasks.now)
        if self._view.active:
            self._shuffling.begin(self._tasks.now)

    def on_link_up(self, peer_id: bytes, now: float) -> None:
        """An authenticated link in this room."""
        first = not self._view.active
        neighbour = self._members.on_link_up(peer_id, now)
        if neighbour is not None and neighbour.watch is None:
            self._detector.watch(neighbour, now)
            if first:
                self._shuffling.begin(now)
            self.gossip.on_up(peer_id)
            self._providers.on_change(now)
            self.keeping.on_up(peer_id, now)
            self.tell(PeerUp(peer_id))

    def on_link_down(self, peer_id: bytes, cause: str, now: float) -> None:
        """A link ended: the peer may live, and is dialled again where it is wanted."""
        if self._end(peer_id, now, comes_back=True) is not None:
            self.tell(PeerDown(peer_id, cause))

    def on_dial_failed(self, peer_id: bytes, now: float) -> None:
        """What ``carrier.dial`` was asked for did not come about."""
        self._members.dialling.on_failed(peer_id, now)

    def on_message(self, peer_id: bytes, message: MeshMessage, now: float) -> None:
        """From a neighbour. Raises ProtocolViolation."""
        neighbour = self._view.active.get(peer_id)
        if neighbour is None:
            return  # on its way when the link ended
        if self.gossip.on_message(peer_id, message):
            return
        if isinstance(message, Route | Took | Answered | DeadEnd):
            self._routes.on_message(neighbour, message, now)
        elif isinstance(message, Peers):
            self._members.on_peers(neighbour, message, now)
            self._providers.on_change(now)
        elif isinstance(message, Introduce):
            self._members.on_introduce(neighbour, message)
        elif isinstance(message, Condition):
            if self._members.on_said(neighbour, message):
                self._detector.on_said(neighbour, now)
        elif isinstance(message, Probe | Probed | Accuse | Refute):
            self._detector.on_message(neighbour, message, now)
        elif isinstance(message, Shuffle):
            self._shuffling.on_shuffle(neighbour, message, now)
        elif isinstance(message, Shuffled):
            self._shuffling.on_shuffled(message.contacts)
        elif isinstance(message, CustodyMessage):
            self.keeping.on_message(peer_id, message, now)

    def on_condition(self, condition: int, now: float) -> None:
        """Our page was shown, hidden, frozen (``inos.membership.view``)."""
        self._members.on_condition(condition, now)
        self.gossip.on_condition(condition)

    def on_time(self, now: float) -> None:
        """Do what is due."""
        self._agenda.on_time(now)
        self.gossip.on_time(now)
        self.keeping.on_time(now)

    def next_due(self) -> float:
        """When ``on_time`` wants to be called; inf: never."""
        return min(self._agenda.next_due(), self.gossip.next_due(), self.keeping.next_due())

    def leave(self, now: float) -> None:
        """Goodbye to all."""
        self._members.leave()

    def adopt(self, contact: bytes) -> None:
        """A signed contact from outside (a rendezvous, an invitation, memory): kept if it is good, dialled if wanted."""
        self._tasks.spawn(self._adopt(contact), "adopt a contact")

    # --- for simulations: a mesh that was built beforehand --------------------------------------------------------------

    def preset(self, own: Known) -> None:
        """Our contact, which everybody knows; chores begin with ``start``."""
        self._members.preset(own)

    def restore(self, known: Known, links: bytes, now: float) -> None:
        """A link that is up since long: all of it is known, nothing is said."""
        neighbour = self._view.add(known.peer_id, now)
        neighbour.known = known
        neighbour.links = links
        self._detector.watch(neighbour, now)

    @property
    def idle(self) -> bool:
        """Whether everything periodic is left out (tending, detection, shuffles, refreshes). Set it before links come up."""
        return self._members.idle

    @idle.setter
    def idle(self, idle: bool) -> None:
        self._members.idle = self._detector.idle = self._shuffling.idle = self._providers.idle = self.gossip.idle = idle

    # --- verbs --------------------------------------------------------------------------------------------------------

    def lookup(self, target: bytes) -> Future[Lookup]:
        """Who is closest to ``target``."""
        return self._begin(target, FIND_NODE)

    def find(self, key: bytes) -> Future[list[Record]]:
        """Who provides ``key``; each record was checked."""
        return records_of(self._begin(key, FIND_PROVIDERS))

    def provide(self, key: bytes) -> Future[int]:
        """Say that we hold what ``key`` names, now (soon, where many do) and every ten minutes; how many were told at once."""
        return self._providers.provide(key)

    def withdraw(self, key: bytes) -> Future[int]:
        """Say it no more, and that it is not so any more."""
        return self._providers.withdraw(key)

    def signal(self, peer_id: bytes, payload: bytes) -> Future[bytes]:
        """Bytes to one node, wherever it is; what it answers. Fails with PeerGone."""
        return self._signals.send(peer_id, payload, self._tasks.now)

    def on_signal(self, answer: Callable[[Known, bytes], Awaitable[bytes | None]]) -> None:
        """Who answers signals to us: gets the sender's checked contact and the payload."""
        self._signals.answer = answer

    def publish(self, topic: str, data: bytes) -> Task[bytes]:
        """Tell everybody in the room; see ``Gossip.publish``."""
        return self.gossip.get().publish(topic, data)

    def subscribe(self, topic: str, subscriber: Subscriber) -> Callable[[], None]:
        """Be told what others publish; see ``Gossip.subscribe``."""
        return self.gossip.get().subscribe(topic, subscriber)

    # --- reads --------------------------------------------------------------------------------------------------------

    @property
    def peer_id(self) -> bytes:
        """Our id."""
        return self._view.peer_id

    @property
    def contact(self) -> Known | None:
        """Our contact, once signed."""
        return self._members.own

    def neighbours(self) -> Iterable[Neighbour]:
        """Nodes with a link."""
        return self._view.active.values()

    def passive(self) -> Iterable[Known]:
        """Contacts without a link."""
        return self._view.passive.values()

    def stats(self) -> dict[str, object]:
        """Figures for the page; JSON-able."""
        view, counts = self._view, self._routes.counts
        return {
            "links": len(view.active),
            "known": len(view.passive),
            "estimate": self._members.nodes(),
            "buckets": growth.buckets(view),
            "routes": {name: getattr(counts, name) for name in counts.__slots__},
            "lookups": self._lookups.stats(),
            "providers": self._providers.stats(),
            "detector": {"health": self._detector.health, "false_alarms": self._detector.false_alarms},
        }

    def poll_events(self) -> list[MeshEvent]:
        """What happened since the last time."""
        events, self._events = self._events, None
        return list(events) if events else []

    # --- for the parts ------------------------------------------------------------------------------------------------

    def rtt_s(self, peer_id: bytes) -> float:
        """Measured on the link; 0: not known."""
        heard = self._carrier.heard(peer_id)
        return heard.rtt_s if heard is not None else 0.0

    def tell(self, event: MeshEvent) -> None:
        """Whoever watches."""
        self._events = self._events or deque(maxlen=EVENTS_MAX)
        self._events.append(event)

    # What the detector found.

    def on_suspect(self, neighbour: Neighbour) -> None:
        """It is silent."""
        self.tell(PeerSuspected(neighbour.peer_id))

    def on_alive(self, peer_id: bytes) -> None:
        """It lives after all."""
        self.tell(PeerAlive(peer_id))

    def on_gone(self, peer_id: bytes, cause: str, now: float) -> None:
        """It is gone, or its link does not carry; who was only cut off or frozen may be dialled again."""
        comes_back = cause in ("cut", "frozen", "brain")
        if self._end(peer_id, now, comes_back=comes_back or cause == "silent") is not None:
            self._carrier.hang_up(peer_id, cause)
        if cause == "cut":
            self.tell(PeerDown(peer_id, cause))
            return
        if not comes_back:
            if cause == "silent":
                self._shuffling.lose(peer_id, now)
            self._view.forget(peer_id)
        self.tell(PeerDead(peer_id, cause))
        self.keeping.on_dead(peer_id, cause, now)
        if self.on_dead is not None:
            self.on_dead(peer_id, cause, now)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _end(self, peer_id: bytes, now: float, *, comes_back: bool) -> Neighbour | None:
        neighbour = self._members.on_link_down(peer_id, now, comes_back=comes_back)
        if neighbour is not None:
            self._detector.forget(neighbour)
            self._routes.on_down(neighbour, now)
            self.gossip.on_down(peer_id)
            self._providers.on_change(now)
            self.keeping.on_down(peer_id, now)
        return neighbour

    def _reply_shuffle(self, peer_id: bytes, contacts: list[bytes]) -> None:
        self._routes.begin(None, SHUFFLED, peer_id, encode(Contacts(contacts)), self._tasks.now, exact=True)

    def _begin(self, key: bytes, kind: int) -> Future[Lookup]:
        future = self._lookups.begin(key, kind, self._tasks.now)
        if self.listening:
            future.on_done(lambda: self._tell_hops(future))
        return future

    def _tell_hops(self, future: Future[Lookup]) -> None:
        try:
            lookup = future.result()
        except InosError:
            return
        for path in lookup.paths:
            self.tell(LookupHop(lookup.key, tuple(prefixes_in(path))))

    async def _adopt(self, signed: bytes) -> None:
        try:
            known = await self._notary.check(signed)
        except InosError:
            return
        self._members.adopt(known, self._tasks.now)
