"""Look-ups: who is closest to a key, and who provides it, whatever some of those asked say.

Nouns: a *query* is one look-up under way; a *copy* is a request of it on its own first hops; a *candidate* is a node whose
contact was checked; a node *answered* when a copy ended at it. A distance is *plausible* if so near a node is to be expected
in a mesh of this size; a *source* of a node is another that named it, or a copy that ended at it. A *wide* query is one for those
who shall keep records.

Theory of operation. Two copies go out over disjoint first hops. Where they do not end at one node, or what they found is not
plausible, or has no record, more follow, which take a random hop first (R5N) and then go by everybody's own links only, so
that made-up link lists do not draw them; those for records go to random ids in the region of the key, so that each of its
keepers may be met, whoever lies in wait next to the key.
Answers name contacts, which prove by their signature that they exist, not that they live: the closest candidate of all answers
is asked by its exact id if it has not answered. So a node that says it is the closest without being it is beaten by any one
honest copy. A handful of liars who name each other are thinner than the mesh: with fewer than two sources for the closest
node, or a set of closest nodes that is too thin, more is asked. Records are checked one by one; whoever lies adds nothing.

Invariants: ``closest[0]`` has answered (or is ourselves); every contact and record in a result was checked; a query ends
within its rounds, whatever is answered. Must not know: how requests travel.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from inos import limits
from inos.dht.asked import Asked
from inos.dht.records import Record
from inos.dht.result import Lookup
from inos.dht.routes import Relay
from inos.errors import InosError, ProtocolViolation
from inos.membership.contact import Known, prefix_of
from inos.membership.dialling import padded
from inos.tasks import Future
from inos.wire.membership import PREFIX_BYTES
from inos.wire.requests import FIND_NODE, FIND_PROVIDERS, Found, Question, decode, encode
from inos.wire.routes import BLIND

if TYPE_CHECKING:
    from inos.dht.lookup import Lookups

PLAUSIBLE_GAPS = 12  # mean distances between nodes; of honest closest nodes one in e^12 is further away
THIN = 3  # times the mean distance: sets of closest nodes that are thinner are not believed
DENSE_CLOSEST = 4  # so many: siblings of whoever is closest, whom it knows
WIDE_ANSWERED = 5  # of the closest, for a wide query
WIDE_ROUNDS_MIN = 3  # where liars lie dense, they answer for each other, near enough to be believed
DIRECT_BATCH = 3
TAILS_MAX = 6  # last hops that are asked
NONE: frozenset[int] = frozenset()


class Query:
    """One look-up under way. Due when its round is over."""

    __slots__ = (
        "_all", "_answered", "_asked", "_candidates", "_checking", "_copies", "_ends", "_failed", "_first_hops", "_future",
        "_key", "_kind", "_number", "_open", "_overdue", "_own", "_paths", "_records", "_round", "_second", "_shunned",
        "_sources", "_tails", "_used", "_walk", "_wide", "due",
    )  # fmt: skip

    def __init__(
        self, all_: Lookups, key: bytes, kind: int, future: Future[Lookup], own: Known, *, wide: bool = False
    ) -> None:
        self._all = all_
        self._key = key
        self._number = int.from_bytes(key, "big")
        self._kind = kind
        self._wide = wide
        self._walk = BLIND if kind == FIND_PROVIDERS or wide else 0  # of who is asked by id
        self._future = future
        self._own = own
        self._candidates: dict[bytes, Known] = {own.peer_id: own}
        self._answered: dict[bytes, int] = {own.peer_id: 0}  # hops by id
        self._sources: dict[
            bytes, set[int]
        ] = {}  # prefixes of who named it; copies that ended there, as negative numbers
        self._first_hops: dict[bytes, int] = {}  # of the copies that each answered
        self._ends = 0
        self._asked = Asked(wide=wide)
        self._failed: set[bytes] = set()
        self._records: dict[bytes, Record] = {}
        self._open: dict[Relay, bytes | None] = {}  # and the exact id that is asked
        self._overdue: dict[Relay, bytes | None] = {}
        self._used: set[int] = set()  # first hops of copies
        self._second: set[int] = set()  # and second ones
        self._shunned: set[int] = set()  # neighbours that answered in place of whoever was asked
        self._paths: list[bytes] = []
        self._tails: set[int] = set()  # last hops of paths that were asked
        self._round = 0
        self._copies = 0
        self._checking = 0
        self.due = inf

    def begin(self, now: float) -> None:
        """Send the first copies, or see that nobody is closer."""
        for record in self._all._records.of(self._key):
            self._records[record.author] = record
        if self._wide or self._kind == FIND_PROVIDERS:
            self._know_neighbours()
        self._next_round(now)
        self._judge(now)

    def _know_neighbours(self) -> None:
        """Candidates that nobody can make up."""
        for neighbour in self._all.neighbours():
            self._candidates.setdefault(neighbour.peer_id, neighbour)

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
        assert relay.hop is not None
        first_hop = relay.hop.neighbour.prefix
        self._all._tasks.spawn(self._check(found, asked, relay.route.target, first_hop), "check an answer")

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
        if asked is not None and asked not in self._answered and not self._asked.may(asked):
            self._failed.add(asked)

    def _on_bad(self, asked: bytes | None) -> None:
        self._all.bad_answers += 1
        self._give_up(asked)

    async def _check(self, found: Found, asked: bytes | None, target: bytes, first_hop: int) -> None:
        notary = self._all._notary
        try:
            try:
                answerer = await notary.check(found.answerer)
            except InosError:
                self._on_bad(asked)
                return
            if answerer.peer_id != asked and not self._ask_round(target, asked, answerer, found.path):
                self._give_up(asked)  # it is gone, and whoever is closest to it answered
            for signed in found.closest[: limits.LOOKUP_CLOSEST]:
                with suppress(InosError):
                    known = await notary.check(signed)
                    self._candidates.setdefault(known.peer_id, known)
                    self._sources.setdefault(known.peer_id, set()).add(answerer.prefix)
            for data in found.records:
                with suppress(InosError):
                    record = await self._all._records.check(self._key, data)
                    old = self._records.get(record.author)
                    if old is None or old.seq < record.seq:
                        self._records[record.author] = record
            self._candidates[answerer.peer_id] = answerer
            self._failed.discard(answerer.peer_id)
            self._answered.setdefault(answerer.peer_id, len(found.path) // 8)
            if asked == answerer.peer_id or answerer.peer_id not in self._first_hops:
                self._first_hops[answerer.peer_id] = first_hop
            if target == self._key and asked is None:
                self._ends += 1
                self._sources.setdefault(answerer.peer_id, set()).add(-self._ends)
            self._paths.append(found.path)
        finally:
            self._checking -= 1
            self._judge(self._all._tasks.now)

    def _ask_round(self, target: bytes, asked: bytes | None, answerer: Known, path: bytes) -> bool:
        """Once for each: if a neighbour of ours answered in place of whoever was asked, ask past that neighbour; whether."""
        is_straight = asked is not None or prefix_of(target) in self._tails
        if not is_straight or len(path) > PREFIX_BYTES or answerer.prefix in (prefix_of(target), *self._shunned):
            return False
        self._shunned.add(answerer.prefix)
        return self._copy(target, self._all._tasks.now, walk=self._walk, asked=asked, straight=True)

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
            elif len(self._answered) > 2 and not self._wide:  # two and ourselves
                self._ask_closer(now)
            if self.due == inf:  # the round was over while an answer was checked, which may have led to a question
                self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
        elif self._is_complete() or not self._go_on(now):
            self._end()

    def _go_on(self, now: float) -> bool:
        """Ask further; whether anything was."""
        if not self._wide:
            return self._ask_closer(now) or self._next_round(now) or self._ask_tails(now) or self._ask_others(now)
        if self._round < WIDE_ROUNDS_MIN:  # whoever would be asked by name was perhaps named by a liar
            return self._next_round(now)
        return self._ask_tails(now) or self._ask_closer(now) or self._next_round(now)

    def _is_met(self) -> bool:
        """Whether the very node that was looked for has answered."""
        best = self._best()
        met = best.prefix == prefix_of(self._key) and best.peer_id in self._answered and best is not self._own
        return met and self._kind == FIND_NODE

    def _is_good(self) -> bool:
        """Whether what there is would do, though more may come."""
        if self._kind == FIND_PROVIDERS:
            return bool(self._records)
        return not self._wide and self._is_agreed()

    def _is_complete(self) -> bool:
        """Whether nothing is left to ask, with no copy on its way."""
        if self._kind == FIND_PROVIDERS:
            return bool(self._records)
        exhausted = self._round >= len(limits.LOOKUP_COPIES)
        if self._wide and self._round < WIDE_ROUNDS_MIN:
            return False
        if self._wide and any(known.peer_id not in self._answered for known in self._ranked()[:WIDE_ANSWERED]):
            return exhausted and self._asked.is_full
        return self._is_agreed() or (exhausted and self._best().peer_id in self._answered)

    def _is_agreed(self) -> bool:
        """Whether the closest candidate has answered and is what others found too, as near as it should be."""
        best = self._best()
        if best is self._own:
            return not self._copies or (len(self._answered) > 1 and self._is_dense())
        if best.peer_id not in self._answered or len(self._sources.get(best.peer_id, ())) < 2:
            return False
        return self._is_plausible(best) and self._is_dense()

    def _is_dense(self) -> bool:
        """Whether the closest candidates are as near as nodes of the whole mesh are, not of a part that names itself only."""
        target, gap = prefix_of(self._key), self._all._members.gap()
        ranked = self._ranked()[:DENSE_CLOSEST]
        return ranked[-1].prefix ^ target < THIN * DENSE_CLOSEST * gap

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
        settled = (*self._answered, *self._open.values())
        if self._wide:
            near = [known for known in self._ranked()[:WIDE_ANSWERED] if known.peer_id not in settled]
            return any([self._ask(known, now) for known in near])  # noqa: C419 - all of them are asked
        while (best := self._best()).peer_id not in settled and self._asked.may(best.peer_id):
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

    def _ask_tails(self, now: float) -> bool:
        """Ask, once, those who passed copies on at last. They are near the key and know who else is, and whoever passes on does
        not answer in another's place."""
        if self._tails or not self._walk:
            return False
        target, known = prefix_of(self._key), {prefix_of(peer_id) for peer_id in self._answered}
        ends = {int.from_bytes(path[-PREFIX_BYTES:], "big") for path in self._paths}
        self._tails = set(sorted(ends - known, key=target.__xor__)[:TAILS_MAX])
        sent = [self._copy(padded(prefix), now, walk=self._walk, straight=True) for prefix in self._tails]
        if any(sent):
            self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
        return any(sent)

    def _ask(self, known: Known, now: float) -> bool:
        peer_id = known.peer_id
        if self._asked.may(peer_id):
            # Once more by a random first hop, and by nobody's hearsay.
            again = BLIND | 1 if self._asked.note(peer_id) else 0
            if self._copy(peer_id, now, walk=self._walk | again, asked=peer_id, straight=True):
                self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
                return True
        self._failed.add(peer_id)
        return False

    def _next_round(self, now: float) -> bool:
        """Send further copies; whether any went."""
        sent = False
        while not sent and self._round < len(limits.LOOKUP_COPIES):
            later = self._round > 0
            if later:
                self._know_neighbours()
            self._round += 1
            if self._round == len(limits.LOOKUP_COPIES):
                self._used.clear()
            spread = self._wide or self._kind == FIND_PROVIDERS
            for number in range(limits.LOOKUP_COPIES[self._round - 1]):
                target = self._all.near(self._key) if later and (spread or number % 2) else self._key
                sent |= self._copy(target, now, walk=BLIND | 1 if later else 0)
        if sent:
            self._all._agenda.put(self, now + limits.LOOKUP_ROUND_S)
        return sent

    def _copy(
        self, target: bytes, now: float, *, walk: int = 0, asked: bytes | None = None, straight: bool = False
    ) -> bool:
        send = partial(self._all._routes.begin, self, self._kind, target, encode(Question(self._key)), now, walk=walk)
        if straight:
            hops = self._asked.hops if self._wide else NONE
            relay = send(avoid=self._shunned | hops, exact=True)
            if relay is None and hops:  # by all that there are
                self._asked.hops.clear()
                relay = send(avoid=self._shunned, exact=True)
        else:
            relay = send(avoid=self._used, shun=self._second)
        if relay is None:
            return False
        assert relay.hop is not None
        if straight:
            self._asked.hops.add(relay.hop.neighbour.prefix)
        else:
            self._used.add(relay.hop.neighbour.prefix)
            if relay.hop.via is not None:
                self._second.add(relay.hop.via)
        self._copies += 1
        self._open[relay] = asked
        return True

    def _ranked(self) -> list[Known]:
        """Candidates that did not fail, closest first."""
        return self._by_distance(known for peer_id, known in self._candidates.items() if peer_id not in self._failed)

    def _by_distance(self, knowns: Iterable[Known]) -> list[Known]:
        return sorted(knowns, key=lambda known: self._number ^ int.from_bytes(known.peer_id, "big"))

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
            [known.peer_id for known in self._by_distance(self._candidates.values())[: limits.LOOKUP_CLOSEST]],
            [record for record in self._records.values() if not record.withdrawn],
            self._answered[closest[0].peer_id],
            self._copies,
            self._paths,
            self._first_hops,
        )
        self._all._note(looked)
        self._future.set(looked)
