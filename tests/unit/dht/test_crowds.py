"""What many provide is told of by one more later, not at once."""

from __future__ import annotations

from mesh_world import World

from inos import limits
from inos.dht.crowds import Crowds
from inos.wire.requests import RECORDS_MAX


def done(world: World, future):
    assert world.run(30.0, lambda: future.done), "no end"
    return future.result()


def test_a_crowd_is_what_fills_an_answer_and_is_forgotten():
    crowds = Crowds()
    crowds.note(b"few", RECORDS_MAX - 1, 0.0)
    crowds.note(b"many", RECORDS_MAX, 0.0)
    assert not crowds.has(b"few", 1.0)
    assert crowds.has(b"many", limits.CROWD_S - 1.0)
    assert not crowds.has(b"many", limits.CROWD_S)
    crowds.note(b"many", 1, 2.0)
    assert not crowds.has(b"many", 3.0), "the latest look-up counts"
    for number in range(limits.CROWDS_MAX + 1):
        crowds.note(number.to_bytes(2, "big"), RECORDS_MAX, 0.0)
    assert not crowds.has(bytes(2), 1.0), "the oldest goes first"


def test_one_more_of_many_tells_it_later():
    world = World(41)
    nodes = world.grow(24, apart_s=0.3)
    key, (*many, last) = world.rng.randbytes(32), nodes[: RECORDS_MAX + 3]
    for node in many:
        assert done(world, node.mesh.provide(key)) > 0, "whoever did not look does not know of others"
    world.run(2.0)
    assert len(done(world, last.mesh.find(key))) >= RECORDS_MAX
    assert done(world, last.mesh.provide(key)) == 0

    def is_kept() -> bool:
        others = [node for node in nodes if node is not last]
        return any(record.author == last.peer_id for node in others for record in node.mesh._records.all_of(key))

    assert not is_kept()
    assert world.run(limits.CROWD_TELL_S + 10.0, is_kept), "it is told in the end"
