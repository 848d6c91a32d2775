"""Dishonest nodes: honest meshes whose messages are kept back, changed and made up.

Nouns: a *conspiracy* knows all liars and the key that they want nobody to find; its members are *droppers* (take every request
and do nothing), *forgers* (answer at once, as if they were the closest, with each other's contacts and forged records) and
*replayers* (answer with true records of other keys, of other rooms, and changed ones). All of them refuse to store, and claim
links to the eclipsed key's neighbourhood, so that requests for it come to them.

Invariants: a liar signs with its own key only, as outside; what it says decodes. A *forged* record is one whose author did not
sign it for this key and room. Must not know: how many liars there are, what is measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle

from inos.dht.records import LABEL, WITHDRAWN
from inos.errors import ProtocolViolation
from inos.membership.contact import Known
from inos.membership.view import link_list, prefixes_in
from inos.wire.membership import Peers
from inos.wire.messages import Mesh as Message
from inos.wire.requests import (
    FIND_NODE,
    FIND_PROVIDERS,
    STORE,
    Found,
    Provider,
    Question,
    SignedProvider,
    decode,
    encode,
)
from inos.wire.routes import Answered, Route, Took
from inos_sim.mesh.network import LinkEnd
from inos_sim.mesh.node import Node
from inos_sim.mesh.population import contact_of
from inos_sim.mesh.world import World

DROP, FORGE, REPLAY = "drop", "forge", "replay"
KINDS = (DROP, FORGE, REPLAY)
CLAIMED = 4  # links into the eclipsed neighbourhood that a liar makes up
RECORDS_KEPT_MAX = 64
LIFE_MS = 1_800_000


class Conspiracy:
    """All liars of a world."""

    def __init__(self, world: World, nodes: Sequence[Node], eclipsed: bytes) -> None:
        self.world = world
        self.eclipsed = eclipsed
        self.rng = random.Random(f"{world.setting.seed}|liars")
        self.contacts: list[Known] = [contact_of(node) for node in nodes]
        self.victims = [contact_of(node) for node in world.nodes if node not in nodes]
        self.seen: list[bytes] = []  # true records, to be replayed
        self.lies = 0
        kinds = cycle(KINDS)
        for node in nodes:
            node.liar = Lying(self, node, next(kinds))

    def forged(self, key: bytes) -> bytes:
        """A record by somebody honest, who never signed it."""
        victim = self.rng.choice(self.victims)
        now_ms = self.world.wall_ms()
        provider = encode(Provider(key, victim.signed, now_ms, now_ms + LIFE_MS, 0))
        return encode(SignedProvider(provider, self.rng.randbytes(64)))

    def replayed(self, key: bytes, node: Node) -> bytes:
        """A true record where it does not belong: of another key, moved to this one, or signed for another room."""
        choice = self.rng.randrange(3)
        if choice == 0 and self.seen:
            return self.rng.choice(self.seen)
        if choice == 1 and self.seen:
            signed = decode(SignedProvider, self.rng.choice(self.seen))
            old = decode(Provider, signed.record)
            moved = Provider(key, old.contact, old.seq, old.expires_ms, old.flags & ~WITHDRAWN)
            return encode(SignedProvider(encode(moved), signed.signature))
        now_ms = self.world.wall_ms()
        own = contact_of(node)
        record = encode(Provider(key, own.signed, now_ms, now_ms + LIFE_MS, 0))
        other_room = self.world.hashes.hash(b"another room")
        return encode(SignedProvider(record, self.world.notary.sign(node.number, LABEL + other_room + record)))


class Lying:
    """One liar. Implements ``inos_sim.mesh.node.Liar``."""

    def __init__(self, conspiracy: Conspiracy, node: Node, kind: str) -> None:
        self._all = conspiracy
        self._node = node
        self._kind = kind
        self.is_mute = kind == DROP

    def says(self, end: LinkEnd, message: Message) -> bool:
        """A link list is embellished."""
        if not isinstance(message, Peers):
            return True
        base = int.from_bytes(self._all.eclipsed[:8], "big")
        made_up = {base ^ self._all.rng.getrandbits(40) for _ in range(CLAIMED)}
        self._all.world.network.send(end, Peers(link_list({*prefixes_in(message.links), *made_up})))
        return False

    def hears(self, end: LinkEnd, message: Message) -> bool:
        """A request ends here; all else is heard as by anybody."""
        if not isinstance(message, Route) or message.kind not in (FIND_NODE, FIND_PROVIDERS, STORE):
            return True
        self._all.lies += 1
        if message.kind == STORE and len(self._all.seen) < RECORDS_KEPT_MAX:
            self._all.seen.append(message.body)
        self._send(end, Took(message.id))
        if self._kind != DROP:
            self._send(end, Answered(message.id, encode(self._answer(message))))
        return False

    def _answer(self, route: Route) -> Found:
        own = contact_of(self._node)
        fellows = self._all.rng.sample(self._all.contacts, min(8, len(self._all.contacts)))
        records: list[bytes] = []
        if route.kind == FIND_PROVIDERS:
            try:
                key = decode(Question, route.body).key
            except ProtocolViolation:
                key = self._all.eclipsed
            make = self._all.forged if self._kind == FORGE else self._replayed
            records = [make(key) for _ in range(4)]
        return Found(route.path, own.signed, [known.signed for known in fellows], records)

    def _replayed(self, key: bytes) -> bytes:
        return self._all.replayed(key, self._node)

    def _send(self, end: LinkEnd, message: Message) -> None:
        self._all.world.network.send(end, message)
