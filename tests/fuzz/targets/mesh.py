"""A node of a mesh and what its three neighbours say to it, one after another. Time passes between messages."""

from __future__ import annotations

import random
from collections.abc import Iterator

from mesh_world import WALL_OFFSET_MS, World
from tests.fuzz.pieces import pack, unpack
from tests.fuzz.spoken import SPEAKERS, mutate_talk
from tests.fuzz.targets import mesh_wire

from inos.errors import InosError
from inos.wire import membership, requests, routes
from inos.wire.messages import Mesh as MeshMessage
from inos.wire.messages import decode_control, encode

SETTLE_S = 0.3
BETWEEN_S = 0.25


class Ground:
    """A world of four, in which everybody is linked with the first."""

    def __init__(self) -> None:
        self.world = World(3)
        self.victim, *self.others = [self.world.add() for _ in range(1 + SPEAKERS)]
        for other in self.others:
            self.world.connect(self.victim, other.peer_id)
        self.world.run(SETTLE_S)

    def say(self, speaker: int, message: MeshMessage) -> None:
        """And see that the victim only ever refuses."""
        self.victim.receive(self.others[speaker].peer_id, message)
        self.world.run(BETWEEN_S)
        for error in self.victim.errors:
            if not isinstance(error, InosError):
                raise error


def run(data: bytes) -> None:
    """See Target."""
    talk = [(speaker, decode_control(piece)) for speaker, piece in unpack(data, SPEAKERS)]
    ground = Ground()
    for speaker, message in talk[:8]:
        if isinstance(message, MeshMessage):
            ground.say(speaker, message)
    for error in ground.victim.errors:
        raise error


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    return mutate_talk(data, rng)


def seeds() -> Iterator[bytes]:
    """See Target."""
    ground = Ground()
    one, two, _ = ground.others
    came = [other.peer_id[:8] for other in ground.others]  # a path that has one hop
    known = one.mesh.contact
    assert known is not None
    signed = known.signed
    key, nonce = bytes(range(32)), bytes(range(16))
    wall_ms = int(ground.world.now * 1_000) + WALL_OFFSET_MS
    provider = requests.Provider(key, signed, 1, wall_ms + 60_000, 0)
    record = requests.encode(requests.SignedProvider(requests.encode(provider), bytes(64)))
    found = requests.encode(requests.Found(bytes(8), signed, [signed], [record]))
    talks: list[list[MeshMessage]] = [
        [membership.Introduce(signed), membership.Peers(two.peer_id[:8]), membership.Condition(1, 1)],
        [membership.Probe(5, two.peer_id), membership.Accuse(two.peer_id, 0), membership.Refute(two.peer_id, 1)],
        [membership.Accuse(ground.victim.peer_id, 9), membership.Condition(3, 2), membership.Condition(0, 3)],
        [membership.Shuffle(4, [signed]), membership.Shuffled([signed]), membership.Shuffle(0, [signed, signed])],
        [
            routes.Route(nonce, kind, 8, 2, key, b"", came[1], requests.encode(requests.Question(key)))
            for kind in range(1, 8)
        ],
        [routes.Route(nonce, 2, 1, 0, ground.victim.peer_id, b"", came[2], found), routes.Took(nonce)],
        [routes.Route(nonce, 1, 8, 0, key, b"", came[0], record), routes.Answered(nonce, found), routes.DeadEnd(nonce)],
    ]
    for speaker, talk in enumerate(talks):
        yield pack([(speaker % SPEAKERS, encode(message)) for message in talk])
    for data in mesh_wire.seeds():  # gossip and custody, each by itself
        try:
            message = decode_control(data)
        except InosError:
            continue
        if isinstance(message, MeshMessage) and data[1] >= 96:
            yield pack([(0, data), (1, data)])
