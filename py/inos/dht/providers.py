"""Provider records told to the nodes closest to their keys, and kept there as those nodes change.

Nouns: an *offer* is a key that this node provides: told, told again every ten minutes (with chance, so that many do not
come at once), withdrawn by a later record; a *handover* gives what we keep of a key to a node that has become one of the closest.

Invariants: few offers are told at once; who keeps a record hands it over only where it is itself among the two closest keepers,
so that a newcomer gets it twice, not eight times. A record is kept only by nodes that see few others closer to the key.

Must not know: what keys mean.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import inf

from inos import limits
from inos.dht.lookup import Lookups
from inos.dht.records import WITHDRAWN, Record, Records, sign_record
from inos.dht.result import Lookup
from inos.dht.routes import Relay, Routes, Verdict
from inos.errors import Busy, InosError
from inos.membership.agenda import Agenda
from inos.membership.contact import NO_DUTY, prefix_of
from inos.membership.dialling import padded
from inos.membership.members import Chore, Members
from inos.membership.view import View
from inos.tasks import Future, Tasks
from inos.wire.requests import FIND_NODE, STORE, Provider, SignedProvider, decode
from inos.wire.routes import BLIND

KEEPERS_SEEN_MAX = 2 * limits.LOOKUP_CLOSEST  # who sees so many nodes closer to a key keeps nothing of it
HANDING = 2
NOWHERE: Mapping[bytes, int] = {}


class Offer:
    """A key that we provide. Due when it is to be told again."""

    __slots__ = ("due", "flags", "keepers", "key", "providers", "waiting")

    def __init__(self, providers: Providers, key: bytes) -> None:
        self.providers = providers
        self.key = key
        self.flags = 0
        self.keepers: list[bytes] = []  # who was told the last times, the latest first
        self.waiting: list[Future[int]] = []
        self.due = inf

    def on_due(self, now: float) -> None:
        """Tell it again."""
        self.providers.queue(self)


class Providers:
    """What this node provides, and hands over."""

    __slots__ = (
        "_agenda",
        "_handover_chore",
        "_lookups",
        "_members",
        "_offers",
        "_queue",
        "_records",
        "_room_id",
        "_routes",
        "_seen_closest",
        "_tasks",
        "_telling",
        "_view",
        "_wall_ms",
        "idle",
        "refused",
        "stored",
    )

    def __init__(
        self,
        tasks: Tasks,
        view: View,
        agenda: Agenda,
        routes: Routes,
        lookups: Lookups,
        records: Records,
        members: Members,
        room_id: bytes,
        wall_ms: Callable[[], int],
    ) -> None:
        self._tasks = tasks
        self._view = view
        self._agenda = agenda
        self._routes = routes
        self._lookups = lookups
        self._records = records
        self._members = members
        self._room_id = room_id
        self._wall_ms = wall_ms
        self._offers: dict[bytes, Offer] = {}
        self._queue: deque[Offer] = deque()
        self._telling = 0
        self._seen_closest: dict[bytes, frozenset[int]] = {}  # by key that we keep: who was closest when we looked last
        self._handover_chore = Chore(self._hand_over)
        self.idle = False
        self.stored = 0
        self.refused = 0

    # --- what we provide ----------------------------------------------------------------------------------------------

    def provide(self, key: bytes) -> Future[int]:
        """From now on. How many nodes were told at once, none where many provide it; the future may fail with Busy, NotReady."""
        return self._offer(key, 0)

    def withdraw(self, key: bytes) -> Future[int]:
        """From now on not any more."""
        return self._offer(key, WITHDRAWN)

    def provided(self) -> list[bytes]:
        """All keys that we provide."""
        return [key for key, offer in self._offers.items() if not offer.flags & WITHDRAWN]

    def queue(self, offer: Offer) -> None:
        """Tell it, in its turn."""
        if offer not in self._queue:
            self._queue.append(offer)
        self._tell_next()

    # --- what we keep -------------------------------------------------------------------------------------------------

    def take(self, relay: Relay) -> Verdict:
        """A record for us to keep: checked aside, then answered."""
        signed = decode(SignedProvider, relay.route.body)
        key = decode(Provider, signed.record).key
        own = self._members.own
        if own is None or own.contact.flags & NO_DUTY or not self._is_near(key):
            self.refused += 1
            return Verdict.PASS
        self._tasks.spawn(self._keep(relay, key), "keep a record")
        return Verdict.LATER

    def on_change(self, now: float) -> None:
        """Neighbours changed: look, a little later, whether others have become closest."""
        if self._seen_closest and not self.idle and self._handover_chore.due == inf:
            self._agenda.put(self._handover_chore, now + limits.HANDOVER_DELAY_S)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _offer(self, key: bytes, flags: int) -> Future[int]:
        future: Future[int] = Future()
        offer = self._offers.get(key)
        if offer is None:
            if flags & WITHDRAWN:
                future.set(0)
                return future
            if len(self._offers) >= limits.PROVIDES_MAX:
                future.fail(Busy("provided keys"))
                return future
            offer = self._offers[key] = Offer(self, key)
            if self._lookups.crowds.has(key, self._tasks.now):
                self._agenda.put(offer, self._tasks.now + limits.CROWD_TELL_S * self._members.chance())
                future.set(0)
                return future
        offer.flags = flags
        offer.waiting.append(future)
        self.queue(offer)
        return future

    def _tell_next(self) -> None:
        while self._queue and self._telling < limits.PROVIDES_PENDING_MAX:
            offer = self._queue.popleft()
            offer.due = inf
            self._telling += 1
            self._tasks.spawn(self._tell(offer), "tell a record")

    async def _tell(self, offer: Offer) -> None:
        """Sign, find the closest nodes, send to each."""
        flags, waiting, offer.waiting = offer.flags, offer.waiting, []
        own = self._members.own
        try:
            looked: Future[Lookup] = self._lookups.begin(offer.key, FIND_NODE, self._tasks.now, wide=True)
            lookup = await looked
            assert own is not None  # or the look-up had failed
            record = await sign_record(self._room_id, own, offer.key, self._wall_ms(), flags)
            self._records.add(record)
            # Also to those that could not be asked: a liar on the way may have answered in their place.
            keepers = list(dict.fromkeys([*lookup.peer_ids, *lookup.named]))
            told = self._send(record, keepers, lookup.first_hops)
            if flags & WITHDRAWN:
                self._send(record, [peer_id for peer_id in offer.keepers if peer_id not in keepers])
            offer.keepers = list(dict.fromkeys([*keepers, *offer.keepers]))[:KEEPERS_SEEN_MAX]
            for future in waiting:
                future.set(told)
        except InosError as error:
            for future in waiting:
                future.fail(error)
        finally:
            self._telling -= 1
            if flags & WITHDRAWN and not offer.flags & ~flags and not offer.waiting:
                self._offers.pop(offer.key, None)
            elif not self.idle:
                jitter = (2 * self._members.chance() - 1) * limits.PROVIDER_REFRESH_JITTER_S
                self._agenda.put(offer, self._tasks.now + limits.PROVIDER_REFRESH_S + jitter)
            self._tell_next()

    def _send(self, record: Record, peer_ids: list[bytes], first_hops: Mapping[bytes, int] = NOWHERE) -> int:
        """To these nodes, by their exact ids, once the way that each answered by, or the nearest, and once by any first hop: the
        nearest ways to all of them are much the same, and one liar there would take them all. To how many it is on its way."""
        sent, now = 0, self._tasks.now
        for peer_id in peer_ids:
            if peer_id == self._view.peer_id:
                continue
            begin = partial(self._routes.begin, None, STORE, peer_id, record.data, now, exact=True)
            way = first_hops.get(peer_id)
            relay = begin(walk=0 if way is None else BLIND, first=way)
            if relay is not None:
                sent += 1
                assert relay.hop is not None
                if relay.hop.neighbour.peer_id != peer_id:
                    begin(avoid=(relay.hop.neighbour.prefix,), walk=BLIND | 1)
        return sent

    async def _keep(self, relay: Relay, key: bytes) -> None:
        try:
            record = await self._records.check(key, relay.route.body)
        except InosError:
            return
        if self._records.add(record):
            self.stored += 1
            self._seen_closest.setdefault(key, frozenset(self._closest(key)))
        self._routes.answer(relay, b"")

    def _closest(self, key: bytes) -> list[int]:
        """The closest that we see, ourselves among them."""
        target = prefix_of(key)
        seen = self._routes.sight.closest(target, limits.LOOKUP_CLOSEST)
        return sorted([*seen, self._view.prefix], key=target.__xor__)[: limits.LOOKUP_CLOSEST]

    def _is_near(self, key: bytes) -> bool:
        """Whether few are closer to the key than we are: by how many nodes there are, or by all that we see. Neighbours may say
        that they have links to anybody, and crowd us out of what we see."""
        target = prefix_of(key)
        if self._view.prefix ^ target < KEEPERS_SEEN_MAX * self._members.gap():
            return True
        seen = self._routes.sight.closest(target, KEEPERS_SEEN_MAX)
        return len(seen) < KEEPERS_SEEN_MAX or self._view.prefix ^ target < seen[-1] ^ target

    def _hand_over(self, now: float) -> None:
        """Give the records of keys whose closest nodes changed to those that are new among them."""
        self._records.expire()
        left = limits.HANDOVERS_PER_TURN_MAX
        for key in list(self._seen_closest):
            records = self._records.all_of(key)
            if not records:
                del self._seen_closest[key]
                continue
            before, closest = self._seen_closest[key], self._closest(key)
            fresh = [prefix for prefix in closest if prefix not in before]
            if not fresh:
                continue
            if left <= 0:
                self._agenda.put(self._handover_chore, now + limits.HANDOVER_DELAY_S)
                return
            keepers = [prefix for prefix in closest if prefix in before]
            self._seen_closest[key] = frozenset(closest)
            if self._view.prefix in keepers[:HANDING]:
                left -= self._give(records, fresh)

    def _give(self, records: list[Record], prefixes: list[int]) -> int:
        for prefix in prefixes:
            known = self._view.contact_at(prefix)
            if known is not None:
                self._give_to(records, known.peer_id)
            else:  # seen in a neighbour's list only
                looked = self._lookups.begin(padded(prefix), FIND_NODE, self._tasks.now)
                looked.on_done(partial(self._found, looked, records, prefix))
        return len(records) * len(prefixes)

    def _found(self, looked: Future[Lookup], records: list[Record], prefix: int) -> None:
        with suppress(InosError):
            peer_id = looked.result().peer_ids[0]
            if prefix_of(peer_id) == prefix:
                self._give_to(records, peer_id)

    def _give_to(self, records: list[Record], peer_id: bytes) -> None:
        for record in records:
            self._send(record, [peer_id])

    def stats(self) -> dict[str, int]:
        """For the page."""
        return {"provided": len(self._offers), "stored": self.stored, "refused": self.refused, **self._records.stats()}
