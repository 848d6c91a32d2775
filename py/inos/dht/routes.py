"""Recursive requests: copies of a request on their way, and answers on theirs.

Nouns: a *relay* is one copy of a request that this node has taken (or begun) and what became of it; its *asker* is whoever
began it here; a *server* answers what ends here.

Theory of operation. Each copy has a random id. A hop takes it (``Took``) and makes it its business: it answers, or sends it
on. What is not taken in time, or comes back as ``DeadEnd``, is sent another way, a few times, then ``DeadEnd`` goes back to the
hop before: a depth-first search that the ttl bounds, since every failure costs one. Whoever finds nobody closer than all
nodes on the path is the end if it is itself the closest of them. Answers go back to the earliest node of the path that we
have a link to.

Invariants: a node takes a copy once (``DeadEnd`` to whoever sends it again, so there are no loops whatever others do); an
answer is passed on once, only for a copy that we hold; nothing is kept longer than ROUTE_LIFETIME_S; bounds hold.

Must not know: what bodies say, what a request is for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum
from math import inf
from typing import Protocol

from inos import limits
from inos.dht.routing import BITS, Hop, Sight
from inos.errors import ProtocolViolation
from inos.membership.agenda import Agenda
from inos.membership.contact import prefix_of
from inos.membership.view import Neighbour, View, prefixes_in
from inos.ports import Entropy
from inos.wire.membership import PREFIX_BYTES
from inos.wire.messages import Mesh
from inos.wire.routes import BLIND, Answered, DeadEnd, Route, RouteMessage, Took

ID_BYTES = 16


class Verdict(Enum):
    """What a server says of a request, if not its answer."""

    PASS = 0  # not for me: send it on
    LATER = 1  # mine: I shall answer by ``Routes.answer``, or not at all


class Asker(Protocol):
    """Whoever began a request."""

    def on_answer(self, relay: Relay, body: bytes, now: float) -> None:
        """The answer to a copy; nothing of it is checked."""

    def on_dead_end(self, relay: Relay, now: float) -> None:
        """No way was found for this copy."""


class Server(Protocol):
    """Answers what ends here."""

    def serve(self, relay: Relay, now: float, *, final: bool) -> bytes | Verdict:
        """``final``: nobody closer is known. Raises ProtocolViolation, which is the sender's fault or its sender's."""


class Relay:
    """One copy of a request, here. Due when the next hop must have taken it."""

    __slots__ = (
        "asker",
        "born_s",
        "due",
        "exact",
        "failures",
        "hop",
        "missed",
        "previous",
        "route",
        "routes",
        "tried",
        "ttl",
        "waited",
    )

    def __init__(self, routes: Routes, route: Route, previous: bytes | None, asker: Asker | None, now: float) -> None:
        self.routes = routes
        self.route = route
        self.previous = previous  # None: begun here
        self.asker = asker
        self.born_s = now
        self.exact = False  # begun here, for one node and nobody else
        self.ttl = route.ttl
        self.hop: Hop | None = None
        self.failures = 0
        self.waited = False  # longer than usual, for the target itself
        self.tried: set[int] | tuple[int, ...] = ()
        self.missed: set[int] | tuple[int, ...] = ()
        self.due = inf

    def on_due(self, now: float) -> None:
        """The hop did not take it."""
        self.routes.on_silence(self, now)


class Counts:
    """What happened, for ``stats``."""

    __slots__ = ("answered", "begun", "dead_ends", "late", "relayed", "relayed_bytes", "silences")

    def __init__(self) -> None:
        self.answered = self.begun = self.dead_ends = self.late = self.silences = 0
        self.relayed = self.relayed_bytes = 0


class Routes:
    """Copies of requests at one node."""

    __slots__ = ("_agenda", "_entropy", "_relays", "_rtt", "_send", "_view", "counts", "on_silent", "server", "sight")

    def __init__(
        self,
        view: View,
        agenda: Agenda,
        entropy: Entropy,
        send: Callable[[bytes, Mesh], bool],
        rtt: Callable[[bytes], float],
    ) -> None:
        self._view = view
        self._agenda = agenda
        self._entropy = entropy
        self._send = send
        self._rtt = rtt
        self._relays: dict[bytes, Relay | float] = {}  # by id; a number is when a copy came that is done with
        self.sight = Sight(view)
        self.counts = Counts()
        self.server: Server  # set by whoever puts the parts together
        self.on_silent: Callable[[Neighbour, float], None] | None = None  # who did not take a copy in time

    # --- our own ------------------------------------------------------------------------------------------------------

    def begin(
        self,
        asker: Asker | None,
        kind: int,
        target: bytes,
        body: bytes,
        now: float,
        *,
        avoid: Collection[int] = (),
        shun: Collection[int] = (),
        walk: int = 0,
        exact: bool = False,
        first: int | None = None,
    ) -> Relay | None:
        """Send a copy, its first hop ``first`` or none of ``avoid``, its second none of ``shun`` if that can be.

        None: nobody else is closer to the target than we are. (Our own id leads to whoever is closest to us.) ``exact``: only
        the node of this very id will do, so that it goes by the best link there is, be it a further one: who has just come
        has no nearer one to those next to it.
        """
        route = Route(self._entropy.random(ID_BYTES), kind, limits.ROUTE_HOPS_MAX, walk, target, b"", b"", body)
        relay = Relay(self, route, None, asker, now)
        relay.tried, relay.missed, relay.exact = set(avoid), set(shun), exact
        chosen = None if first is None else self._view.by_prefix.get(first)
        hop = self._next(relay) if chosen is None else Hop(chosen, None)
        if hop is None and shun:
            relay.missed = ()
            hop = self._next(relay)
        if hop is None:
            return None
        self.counts.begun += 1
        self._keep(relay, now)
        self._forward(relay, hop, now)
        return relay

    def drop(self, relay: Relay) -> None:
        """The asker does not wait for this copy any more."""
        self._finish(relay)

    def answer(self, relay: Relay, body: bytes) -> None:
        """What the server said LATER to."""
        if self._relays.get(relay.route.id) is relay:
            self._answer(relay, body)

    # --- messages -----------------------------------------------------------------------------------------------------

    def on_message(self, sender: Neighbour, message: RouteMessage, now: float) -> None:
        """From a neighbour. Raises ProtocolViolation."""
        if isinstance(message, Route):
            self._on_route(sender, message, now)
            return
        relay = self._relays.get(message.id)
        if not isinstance(relay, Relay):
            self.counts.late += 1
        elif isinstance(message, Answered):
            self._on_answered(relay, message.body, now)
        elif relay.hop is None or relay.hop.neighbour is not sender:
            self.counts.late += 1
        elif isinstance(message, Took):
            self._agenda.put(relay, inf)
        else:
            if relay.hop.via is not None:
                relay.missed = {*relay.missed, relay.hop.via}
            self._fail(relay, now)

    def on_silence(self, relay: Relay, now: float) -> None:
        """A hop was not taken in time."""
        self.counts.silences += 1
        if relay.hop is not None:
            if self.on_silent is not None:
                self.on_silent(relay.hop.neighbour, now)
            if relay.hop.neighbour.prefix == prefix_of(relay.route.target) and not relay.waited:
                relay.waited = True  # nobody else will do, and a lost packet is sent again
                self._agenda.put(relay, now + limits.ROUTE_PATIENCE_S)
                return
        self._fail(relay, now)

    def on_down(self, neighbour: Neighbour, now: float) -> None:
        """A link is gone: what was sent through it lately goes another way."""
        for relay in list(self._relays.values()):
            if isinstance(relay, Relay) and relay.hop is not None and relay.hop.neighbour is neighbour:
                self._fail(relay, now)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _on_route(self, sender: Neighbour, route: Route, now: float) -> None:
        path = route.path
        if len(path) % PREFIX_BYTES or path[-PREFIX_BYTES:] != sender.peer_id[:PREFIX_BYTES]:
            raise ProtocolViolation("a path that does not end at its sender")
        if len(path) // PREFIX_BYTES + route.ttl > limits.ROUTE_HOPS_MAX or len(route.via) not in (0, PREFIX_BYTES):
            raise ProtocolViolation("a route that is longer than allowed")
        if route.id in self._relays:
            self._send(sender.peer_id, DeadEnd(route.id))
            return
        relay = Relay(self, route, sender.peer_id, None, now)
        said = self.server.serve(relay, now, final=False)
        self._keep(relay, now)
        self._send(sender.peer_id, Took(route.id))
        if said is Verdict.PASS:
            self.counts.relayed += 1
            self.counts.relayed_bytes += len(route.body)
            self._go_on(relay, now)
        elif isinstance(said, bytes):
            self._answer(relay, said)

    def _keep(self, relay: Relay, now: float) -> None:
        relays = self._relays
        relays[relay.route.id] = relay
        while True:
            oldest = next(iter(relays))
            kept = relays[oldest]
            born_s = kept.born_s if isinstance(kept, Relay) else kept
            if now - born_s < limits.ROUTE_LIFETIME_S and len(relays) <= limits.ROUTE_RELAYS_MAX:
                return
            if isinstance(kept, Relay):
                self._finish(kept)
            del relays[oldest]

    def _finish(self, relay: Relay) -> None:
        relay.due = inf
        if self._relays.get(relay.route.id) is relay:
            self._relays[relay.route.id] = relay.born_s

    def _next(self, relay: Relay) -> Hop | None:
        route, view = relay.route, self._view
        if relay.previous is not None and route.via:  # the hop before has chosen for us
            via = int.from_bytes(route.via, "big")
            chosen = view.by_prefix.get(via)
            if chosen is not None and via not in relay.tried and route.via not in _prefixes(route.path):
                return Hop(chosen, None)
        visited = prefixes_in(route.path)
        if route.walk & ~BLIND:
            choice = [
                n for p, n in view.by_prefix.items() if p not in relay.tried and p not in visited and not n.suspect
            ]
            if choice:
                return Hop(choice[int.from_bytes(self._entropy.random(2), "big") % len(choice)], None)
        target = prefix_of(route.target)
        floor = self._floor(target, visited)
        blind = bool(route.walk & BLIND)
        hop = self.sight.choose(target, floor, visited, relay.tried, relay.missed, blind=blind)
        if hop is None and relay.exact:
            hop = self.sight.choose(target, 1 << BITS, visited, relay.tried, relay.missed, blind=blind)
        return hop

    def _go_on(self, relay: Relay, now: float) -> None:
        """Send a copy to its next hop, answer it, or give it back."""
        may_go = relay.ttl > 0 and relay.failures < limits.ROUTE_FAILURES_MAX
        hop = self._next(relay) if may_go and now - relay.born_s < limits.ROUTE_LIFETIME_S else None
        if hop is not None:
            self._forward(relay, hop, now)
            return
        if relay.previous is not None and self._is_end(relay):  # also after failures: all that seemed closer is silent
            said = self.server.serve(relay, now, final=True)
            if isinstance(said, bytes):
                self._answer(relay, said)
                return
            if said is Verdict.LATER:
                return
        self._give_back(relay, now)

    def _floor(self, target: int, visited: list[int]) -> int:
        """What the next hop must beat: we, and all before us, but the origin, who may ask for those closest to itself."""
        own = self._view.prefix ^ target
        if visited:
            return min([own, *(prefix ^ target for prefix in visited[1:])])
        return own or 1 << BITS

    def _is_end(self, relay: Relay) -> bool:
        target = prefix_of(relay.route.target)
        return self._view.prefix ^ target == self._floor(target, prefixes_in(relay.route.path))

    def _forward(self, relay: Relay, hop: Hop, now: float) -> None:
        route, own = relay.route, self._view.peer_id[:PREFIX_BYTES]
        via = b"" if hop.via is None else hop.via.to_bytes(PREFIX_BYTES, "big")
        walk = route.walk - 1 if route.walk & ~BLIND else route.walk
        relay.hop = hop
        peer_id = hop.neighbour.peer_id
        out = Route(route.id, route.kind, relay.ttl - 1, walk, route.target, via, route.path + own, route.body)
        sent = self._send(peer_id, out)
        # No link, or its queue is full: as good as silence, but told later, not from inside of whoever called.
        self._agenda.put(relay, now + (max(limits.ROUTE_TIMEOUT_MIN_S, 3 * self._rtt(peer_id)) if sent else 0.0))

    def _fail(self, relay: Relay, now: float) -> None:
        assert relay.hop is not None
        failed = relay.hop.neighbour.prefix
        relay.tried = {*relay.tried, failed}
        relay.missed = {*relay.missed, failed}  # nor through others: they would find the same silence
        relay.hop = None
        relay.due = inf
        relay.failures += 1
        relay.ttl -= 1
        self._go_on(relay, now)

    def _give_back(self, relay: Relay, now: float) -> None:
        self.counts.dead_ends += 1
        self._finish(relay)
        if relay.previous is not None:
            self._send(relay.previous, DeadEnd(relay.route.id))
        elif relay.asker is not None:
            relay.asker.on_dead_end(relay, now)

    def _on_answered(self, relay: Relay, body: bytes, now: float) -> None:
        if relay.previous is not None:
            self._answer(relay, body)
            return
        self._finish(relay)
        if relay.asker is not None:
            relay.asker.on_answer(relay, body, now)

    def _answer(self, relay: Relay, body: bytes) -> None:
        self._finish(relay)
        self.counts.answered += 1
        message = Answered(relay.route.id, body)
        for prefix in prefixes_in(relay.route.path):
            neighbour = self._view.by_prefix.get(prefix)
            if neighbour is not None and not neighbour.suspect and self._send(neighbour.peer_id, message):
                return


def _prefixes(path: bytes) -> list[bytes]:
    return [path[at : at + PREFIX_BYTES] for at in range(0, len(path), PREFIX_BYTES)]
