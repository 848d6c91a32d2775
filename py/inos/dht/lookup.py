"""All look-ups of one node: begun here, counted, and questions of others answered. How one goes is in ``inos.dht.query``."""

from __future__ import annotations

from collections import deque

from inos import limits
from inos.dht.crowds import Crowds
from inos.dht.query import Query
from inos.dht.records import Record, Records
from inos.dht.result import Lookup
from inos.dht.routes import Relay, Routes
from inos.errors import Busy, InosError, NotReady
from inos.membership.agenda import Agenda
from inos.membership.contact import Known, Notary, prefix_of
from inos.membership.members import Members
from inos.membership.view import View
from inos.tasks import Future, Tasks
from inos.wire.requests import Found, encode

HOPS_KEPT, LAST_KEPT = 64, 8  # of look-ups, for the page


def records_of(looked: Future[Lookup]) -> Future[list[Record]]:
    """The records of a look-up, as a future of their own."""
    future: Future[list[Record]] = Future()

    def hand_over() -> None:
        try:
            future.set(looked.result().records)
        except InosError as error:
            future.fail(error)

    looked.on_done(hand_over)
    return future


class Lookups:
    """The queries of one node."""

    __slots__ = (
        "_agenda",
        "_count",
        "_hops",
        "_last",
        "_members",
        "_notary",
        "_open",
        "_records",
        "_routes",
        "_tasks",
        "_view",
        "bad_answers",
        "crowds",
    )

    def __init__(
        self,
        tasks: Tasks,
        view: View,
        agenda: Agenda,
        routes: Routes,
        notary: Notary,
        records: Records,
        members: Members,
    ) -> None:
        self._tasks = tasks
        self._view = view
        self._agenda = agenda
        self._routes = routes
        self._notary = notary
        self._records = records
        self._members = members
        self._open = 0
        self._count = 0
        self._hops: deque[int] | None = None  # of the latest
        self._last: deque[Lookup] | None = None
        self.bad_answers = 0
        self.crowds = Crowds()

    def begin(self, key: bytes, kind: int, now: float, *, wide: bool = False) -> Future[Lookup]:
        """Look ``key`` up (FIND_NODE, FIND_PROVIDERS); ``wide``: for several closest nodes that have answered.

        The future may fail with Busy, NotReady."""
        future: Future[Lookup] = Future()
        own = self._members.own
        if own is None:
            future.fail(NotReady("the mesh has not started"))
        elif self._open >= limits.LOOKUPS_MAX:
            future.fail(Busy("look-ups"))
        else:
            self._open += 1
            Query(self, key, kind, future, own, wide=wide).begin(now)
        return future

    def found(self, relay: Relay, key: bytes, records: list[bytes]) -> bytes | None:
        """Our answer to a question about ``key``; None as long as we have no contact ourselves."""
        own = self._members.own
        if own is None:
            return None
        shunned = {*relay.tried, *relay.missed}
        target = prefix_of(key)
        known = [contact for contact in self._view.contacts() if not self._is_lost(contact, shunned)]
        known.sort(key=lambda contact: contact.prefix ^ target)
        closest = [contact.signed for contact in known[: limits.LOOKUP_CLOSEST]]
        return encode(Found(relay.route.path, own.signed, closest, records))

    def neighbours(self) -> list[Known]:
        """Checked contacts of those that we have a link with."""
        return [n.known for n in self._view.active.values() if n.known is not None and not n.suspect]

    def near(self, key: bytes) -> bytes:
        """A random id in the region of the LOOKUP_CLOSEST nodes around a key."""
        region = min(1 << 256, limits.LOOKUP_CLOSEST * int(self._members.gap()) << 192)
        return (int.from_bytes(key, "big") ^ self._members.random_below(region)).to_bytes(32, "big")

    def stats(self) -> dict[str, object]:
        """For the page: how many, and the latest."""
        last = [
            {"target": looked.key.hex(), "path": path.hex(), "hops": looked.hops, "ok": len(looked.closest) > 1}
            for looked in self._last or ()
            for path in looked.paths[:1]
        ]
        return {"count": self._count, "bad_answers": self.bad_answers, "hops": list(self._hops or ()), "last": last}

    def _note(self, looked: Lookup) -> None:
        self._open -= 1
        self._count += 1
        self.crowds.note(looked.key, len(looked.records), self._tasks.now)
        if self._hops is None or self._last is None:
            self._hops, self._last = deque(maxlen=HOPS_KEPT), deque(maxlen=LAST_KEPT)
        self._hops.append(looked.hops)
        self._last.append(looked)

    def _is_lost(self, known: Known, shunned: set[int]) -> bool:
        """A neighbour that did not take a copy in time may be late only: as long as we hear it, whoever asks shall know of it."""
        neighbour = self._view.active.get(known.peer_id)
        return known.prefix in shunned if neighbour is None else neighbour.suspect
