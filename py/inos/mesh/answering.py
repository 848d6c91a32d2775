"""What a request that comes by gets here, by its kind.

Must not know: how requests travel.
"""

from __future__ import annotations

from collections.abc import Iterable

from inos.dht.lookup import Lookups
from inos.dht.providers import Providers
from inos.dht.records import Record, Records
from inos.dht.routes import Relay, Verdict
from inos.membership.shuffling import Shuffling
from inos.mesh.signals import Signals
from inos.wire.requests import FIND_NODE, FIND_PROVIDERS, SHUFFLED, SIGNAL, STORE, Contacts, Question, decode


class Answering:
    """The ``Server`` of one node's routes."""

    __slots__ = ("_lookups", "_peer_id", "_providers", "_records", "_shuffling", "_signals")

    def __init__(
        self,
        peer_id: bytes,
        lookups: Lookups,
        records: Records,
        providers: Providers,
        signals: Signals,
        shuffling: Shuffling,
    ) -> None:
        self._peer_id = peer_id
        self._lookups = lookups
        self._records = records
        self._providers = providers
        self._signals = signals
        self._shuffling = shuffling

    def serve(self, relay: Relay, now: float, *, final: bool) -> bytes | Verdict:
        """Answer, take, or pass on. Raises ProtocolViolation."""
        route = relay.route
        if route.kind == FIND_NODE:
            return self._answer(relay, ()) if final else Verdict.PASS
        if route.kind == FIND_PROVIDERS:
            records = self._records.of(decode(Question, route.body).key)
            return self._answer(relay, records) if final or records else Verdict.PASS
        if route.target == self._peer_id:
            if route.kind == SIGNAL:
                return self._signals.take(relay)
            if route.kind == STORE:
                return self._providers.take(relay)
            if route.kind == SHUFFLED:
                self._shuffling.on_shuffled(decode(Contacts, route.body).contacts)
                return Verdict.LATER
        return Verdict.PASS

    def _answer(self, relay: Relay, records: Iterable[Record]) -> bytes | Verdict:
        key = decode(Question, relay.route.body).key
        return self._lookups.found(relay, key, [record.data for record in records]) or Verdict.PASS
