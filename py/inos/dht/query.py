"""Look-ups: who is closest to a key, and who provides it, whatever some of those asked say.

Nouns: a *query* is one look-up under way; a *copy* is a request of it on its own first hops; a *candidate* is a node whose
contact was checked; a node *answered* when a copy ended at it. A distance is *plausible* if so near a node is to be expected
in a mesh of this size.

Theory of operation. Two copies go out over disjoint first hops, two and four more where those fail or what they found is
not plausible; those take some random hops first (R5N), which leads around dead ends and around nodes that lie in wait near a
key. Answers name contacts, which prove by their signature that they exist, not that they live: the closest candidate of all
answers is asked by its exact id if it has not answered. So a node that says it is the closest without being it is beaten by
any one honest copy. Records are checked one by one; whoever lies adds nothing.

Invariants: ``closest[0]`` has answered (or is ourselves); every contact and record in a result was checked; a query ends
within its rounds, whatever is answered. Must not know: how requests travel.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from inos import limits
from inos.dht.records import Record
from inos.dht.routes import Relay
from inos.errors import InosError, ProtocolViolation
from inos.membership.contact import Known, prefix_of
from inos.tasks import Future
from inos.wire.membership import Contact
from inos.wire.requests import FIND_NODE, FIND_PROVIDERS, Found, Question, decode, encode

if TYPE_CHECKING:
    from inos.dht.lookup import Lookups

PLAUSIBLE_GAPS = 12  # mean distances between nodes; of honest closest nodes one in e^12 is further away
DIRECT_BATCH = 3
NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found: the ``closest`` nodes and their ids, ``closest[0]`` and some others have ``answered`` (closest first),
    ``hops`` is how far the closest node was, ``paths`` the ways that copies went."""

    key: bytes
    closest: list[Contact]
    peer_ids: list[bytes]
    answered: list[bytes]
    records: list[Record]
    hops: int
    copies: int
    paths: list[bytes]


class Query:
    """One look-up under way. Due when its round is over."""

    __slots__ = (
        "_all",
        "_answered",
        "_asked",
        "_candidates",
        "_checking",
        "_copies",
        "_failed",
        "_future",
        "_key",
        "_kind",
        "_number",
        "_open",
        "_overdue",
        "_own",
        "_paths",
        "_records",
        "_round",
        "_second",
        "_used",
        "due",
    )

    def __init__(self, all_: Lookups, key: bytes, kind: int, future: Future[Lookup], own: Known) -> None:
        self._all = all_
        self._key = key
        self._number = int.from_bytes(key, "big")
        self._kind = kind
        self._future = future
        self._own = own
        self._candidates: dict[bytes, Known] = {own.peer_id: own}
        self._answered: dict[bytes, int] = {own.peer_id: 0}  # hops by id
        self._asked: set[bytes] = set()  # by exact id
        self._failed: set[bytes] = set()
        self._records: dict[bytes, Record] = {}
        self._open: dict[Relay, bytes | None] = {}  # and the exact id that is asked
        self._overdue: dict[Relay, bytes | None] = {}
        self._used: set[int] = set()  # first hops of copies
        self._second: set[int] = set()  # and second ones
        self._paths: list[bytes] = []
        self._round = 0
        self._copies = 0
        self._checking = 0
        self.due = inf

    def begin(self, now: float) -> None:
        """Send the first copies, or see that nobody is closer."""
        for record in self._all._records.of(self._key):
            self._records[record.author] = record
        self._next_round(now)
        self._judge(now)

    # --- what comes ---------------------------------------------------------------------------------------------------

    def on_answer(self, relay: Relay, body: bytes, now: float) -> None:
        """A copy's answer: check what it says, aside."""
        asked = self._pop(relay)
        try:
            found = decode(Found, body)
        except ProtocolViolation:
            self._on_bad(asked)
            self._judge(now)
            return
        self._checking += 1
        self._all._tasks.spawn(self._check(asked, found), "check an answer")

    def on_dead_end(self, relay: Relay, now: float) -> None:
        """A copy found no way."""
        self._give_up(self._pop(relay))
        self._judge(now)

    def on_due(self, now: float) -> None:
        """The round is over: what is still open is not waited for, but may yet come."""
        if self._is_good():
            self._end()
            return
        for asked in self._open.values():
            self._give_up(asked)
        self._overdue |= self._open
        self._open.clear()
        self._judge(now)

    def _pop(self, relay: Relay) -> bytes | None:
        return (self._open if relay in self._open else self._overdue).pop(relay)

    def _give_up(self, asked: bytes | None) -> None:
        if asked is not None and asked not in self._answered:
            self._failed.add(asked)

    def _on_bad(self, asked: bytes | None) -> None:
        self._all.bad_answers += 1
        self._give_up(asked)

    async def _check(self, asked: bytes | None, found: Found) -> None:
        notary = self._all._notary
        try:
            try:
                answerer = await notary.check(found.answerer)
            except InosError:
                self._on_bad(asked)
                return
            if answerer.peer_id != asked:
                self._give_up(asked)  # it is gone, and whoever is closest to it answered
            for signed in found.closest[: limits.LOOKUP_CLOSEST]:
                with suppress(InosError):
                    known = await notary.check(signed)
                    self._candidates.setdefault(known.peer_id, known)
            for data in found.records:
                with suppress(InosError):
                    record = await self._all._records.check(self._key, data)
                    old = self._records.get(record.author)
                    if old is None or old.seq < record.seq:
                        self._records[record.author] = record
            self._candidates[answerer.peer_id] = answerer
            self._failed.discard(answerer.peer_id)
            self._answered.setdefault(answerer.peer_id, len(found.path) // 8)
            self._paths.append(found.path)
        finally:
            self._checking -= 1
            self._judge(self._all._tasks.now)

    # --- what follows -------------------------------------------------------------------------------------------------

    def _judge(self, now: float) -> None:
        """End, wait, or ask further."""
        if self._future.done:
            return
        if self._is_met():
            self._end()
        elif self._open or self._checking:
            if self._is_good():
                grace = now + limits.LOOKUP_GRACE_S
                if grace < self.due:
                    self._all._agenda.put(self, grace)
            elif len(self._answered) > 2:  # two and ourselves
                self._ask_closer(now)
        elif self._is_complete() or not (self._ask_closer(now) or self._next_round(now) or self._ask_others(now)):
            self._end()

    def _is_met(self) -> bool:
        """Whether the very node that was looked for has answered."""
        best = self._best()
        met = best.prefix == prefix_of(self._key) and best.peer_id in self._answered and best is not self._own
        return met and self._kind == FIND_NODE

    def _is_good(self) -> bool:
        """Whether what there is would do, though more may come."""
        if self._kind == FIND_PROVIDERS:
            return bool(self._records)
        best = self._best()
        return len(self._answered) > 1 and best.peer_id in self._answered and self._is_plausible(best)

    def _is_complete(self) -> bool:
        """Whether nothing is left to ask, with no copy on its way."""
        if self._kind == FIND_PROVIDERS:
            return bool(self._records)
        best = self._best()
        if best.peer_id not in self._answered:
            return False
        heard = len(self._answered) - 1
        return (heard >= 1 or not self._copies) and (
            self._is_plausible(best) or self._round >= len(limits.LOOKUP_COPIES)
        )

    def _best(self) -> Known:
        live = (known for peer_id, known in self._candidates.items() if peer_id not in self._failed)
        return min(live, key=lambda known: self._number ^ int.from_bytes(known.peer_id, "big"))

    def _is_plausible(self, best: Known) -> bool:
        return (
            best.peer_id == self._key or best.prefix ^ prefix_of(self._key) < PLAUSIBLE_GAPS * self._all._members.gap()
        )

    def _ask_closer(self, now: float) -> bool:
        """Ask the closest candidate itself, if it has not answered."""
        if self._kind == FIND_PROVIDERS:
            return False
        while (best := self._best()).peer_id not in self._answered and best.peer_id not in self._asked:
            if self._ask(best, now):
                return True
        return False

    def _ask_others(self, now: float) -> bool:
        """Ask some of the closest candidates that were not asked, for records."""
        if self._kind != FIND_PROVIDERS:
            return False
        left = [
            known
            for known in self._ranked()
            if known.peer_id not in self._answered and known.peer_id not in self._asked
        ]
        return any([self._ask(known, now) for known in left[:DIRECT_BATCH]])  # noqa: C419 - all of them are asked

    def _ask(self, known: Known, now: float) -> bool:
        peer_id = known.peer_id
        if len(self._asked) < limits.LOOKUP_DIRECT_MAX:
            self._asked.add(peer_id)
            if self._copy(peer_id, now, asked=peer_id):
                self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
                return True
        self._failed.add(peer_id)
        return False

    def _next_round(self, now: float) -> bool:
        """Send further copies; whether any went."""
        sent = False
        while not sent and self._round < len(limits.LOOKUP_COPIES):
            walk = self._all._members.walk_hops() if self._round else 0
            self._round += 1
            if self._round == len(limits.LOOKUP_COPIES):
                self._used.clear()
            for _ in range(limits.LOOKUP_COPIES[self._round - 1]):
                sent |= self._copy(self._key, now, walk=walk)
        if sent:
            self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
        return sent

    def _copy(self, target: bytes, now: float, *, walk: int = 0, asked: bytes | None = None) -> bool:
        avoid, shun = (self._used, self._second) if asked is None else (NONE, NONE)
        body = encode(Question(self._key))
        relay = self._all._routes.begin(self, self._kind, target, body, now, avoid=avoid, shun=shun, walk=walk)
        if relay is None:
            return False
        assert relay.hop is not None
        if asked is None:
            self._used.add(relay.hop.neighbour.prefix)
            if relay.hop.via is not None:
                self._second.add(relay.hop.via)
        self._copies += 1
        self._open[relay] = asked
        return True

    def _ranked(self) -> list[Known]:
        """Candidates that did not fail, closest first."""
        live = [known for peer_id, known in self._candidates.items() if peer_id not in self._failed]
        return sorted(live, key=lambda known: self._number ^ int.from_bytes(known.peer_id, "big"))

    def _end(self) -> None:
        for relay in (*self._open, *self._overdue):
            self._all._routes.drop(relay)
        self._open.clear()
        self._overdue.clear()
        self.due = inf
        live = self._ranked()
        while live[0].peer_id not in self._answered:
            del live[0]
        closest = live[: limits.LOOKUP_CLOSEST]
        for known in closest:
            self._all._members.learn(known)
        looked = Lookup(
            self._key,
            [known.contact for known in closest],
            [known.peer_id for known in closest],
            [known.peer_id for known in live if known.peer_id in self._answered],
            [record for record in self._records.values() if not record.withdrawn],
            self._answered[closest[0].peer_id],
            self._copies,
            self._paths,
        )
        self._all._note(looked)
        self._future.set(looked)
