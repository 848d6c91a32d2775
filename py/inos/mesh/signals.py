"""Bytes to one node, over others, and its answer: how links are negotiated without a server.

Nouns: a *payload* is opaque here: sealed and signed by whoever makes links. A *call* is one of ours under way.

Invariants: a payload is answered once; where it comes again over another path, the same answer goes back, so a caller whose
answer was lost may try again. The sender's contact is checked before anything is done for it. Bounds hold.

Must not know: what payloads say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf

from inos import limits
from inos.dht.routes import Relay, Routes, Verdict
from inos.errors import Busy, InosError, NotReady, PeerGone
from inos.membership.agenda import Agenda
from inos.membership.contact import Known, Notary
from inos.membership.members import Members
from inos.tasks import Future, Tasks
from inos.wire.requests import SIGNAL, Delivered, decode, encode
from inos.wire.routes import BLIND

Answer = Callable[[Known, bytes], Awaitable[bytes | None]]


class Signals:
    """Signals from and to one node."""

    __slots__ = ("_agenda", "_answers", "_calls", "_members", "_notary", "_routes", "_serving", "_tasks", "answer")

    def __init__(self, tasks: Tasks, agenda: Agenda, routes: Routes, notary: Notary, members: Members) -> None:
        self._tasks = tasks
        self._agenda = agenda
        self._routes = routes
        self._notary = notary
        self._members = members
        self._answers: dict[bytes, Future[bytes]] | None = None  # by body, the latest
        self._serving = 0
        self._calls = 0
        self.answer: Answer | None = None

    def send(self, peer_id: bytes, payload: bytes, now: float) -> Future[bytes]:
        """The answer. Fails with PeerGone (no way, no answer), NotReady, Busy."""
        future: Future[bytes] = Future()
        own = self._members.own
        if own is None:
            future.fail(NotReady("the mesh has not started"))
        elif self._calls >= limits.LOOKUPS_MAX:
            future.fail(Busy("signals"))
        else:
            self._calls += 1
            _Call(self, peer_id, encode(Delivered(own.signed, payload)), future).go_on(now)
        return future

    def take(self, relay: Relay) -> Verdict:
        """One for us."""
        body = relay.route.body
        known = self._answers.get(body) if self._answers else None
        if known is not None:
            known.on_done(lambda: self._pass_on(relay, known))
        elif self.answer is not None and self._serving < limits.SIGNALS_PENDING_MAX:
            delivered = decode(Delivered, body)
            future: Future[bytes] = Future()
            if self._answers is None:
                self._answers = {}
            self._answers[body] = future
            if len(self._answers) > limits.SIGNALS_PENDING_MAX:
                del self._answers[next(iter(self._answers))]
            future.on_done(lambda: self._pass_on(relay, future))
            self._serving += 1
            self._tasks.spawn(self._serve(delivered, future), "answer a signal")
        return Verdict.LATER

    async def _serve(self, delivered: Delivered, future: Future[bytes]) -> None:
        try:
            sender = await self._notary.check(delivered.sender)
            self._members.learn(sender)
            assert self.answer is not None
            said = await self.answer(sender, delivered.payload)
            if said is not None:
                future.set(said)
        except InosError:
            pass  # whoever sent it gets no answer
        finally:
            self._serving -= 1

    def _pass_on(self, relay: Relay, future: Future[bytes]) -> None:
        self._routes.answer(relay, future.result())


class _Call:
    """A signal of ours. Due when another copy shall go out, or it is over."""

    __slots__ = ("_body", "_copies", "_future", "_open", "_peer_id", "_signals", "_used", "due")

    def __init__(self, signals: Signals, peer_id: bytes, body: bytes, future: Future[bytes]) -> None:
        self._signals = signals
        self._peer_id = peer_id
        self._body = body
        self._future = future
        self._open: list[Relay] = []
        self._used: set[int] = set()
        self._copies = 0
        self.due = inf

    def go_on(self, now: float) -> None:
        """Send the next copy, its first hop a new one; those after the first go by links that nobody can make up, the last takes
        some random hops before."""
        signals = self._signals
        if self._copies >= limits.SIGNAL_COPIES_MAX:
            self._end(None)
            return
        walk = (0, BLIND, BLIND | signals._members.walk_hops())[self._copies]
        self._copies += 1
        relay = signals._routes.begin(
            self, SIGNAL, self._peer_id, self._body, now, avoid=self._used, walk=walk, exact=True
        )
        if relay is not None:
            assert relay.hop is not None
            self._used.add(relay.hop.neighbour.prefix)
            self._open.append(relay)
        elif not self._open:
            self._end(None)
            return
        last = self._copies == limits.SIGNAL_COPIES_MAX
        signals._agenda.put(self, now + (limits.SIGNAL_ANSWER_TIMEOUT_S if last else limits.SIGNAL_RETRY_S))

    def on_answer(self, relay: Relay, body: bytes, now: float) -> None:
        """Whoever negotiates sees whether it is a true one."""
        self._end(body)

    def on_dead_end(self, relay: Relay, now: float) -> None:
        """Another way, at once."""
        if relay in self._open:
            self._open.remove(relay)
            self.go_on(now)

    def on_due(self, now: float) -> None:
        """No answer yet."""
        self.go_on(now)

    def _end(self, body: bytes | None) -> None:
        if self._future.done:
            return
        self.due = inf
        self._signals._calls -= 1
        for relay in self._open:
            self._signals._routes.drop(relay)
        if body is None:
            self._future.fail(PeerGone("no way, or no answer"))
        else:
            self._future.set(body)
