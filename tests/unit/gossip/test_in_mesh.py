"""Gossip over real meshes' links, which come and go."""

from __future__ import annotations

from mesh_world import World

from inos.gossip.gossip import Delivery
from inos.mesh.events import RumorSeen


def test_meshes_that_grew_by_themselves_tell_each_other_everything():
    world = World(1, wire=True)
    nodes = world.grow(24, apart_s=0.2, settle_s=10)
    heard: dict[bytes, list[Delivery]] = {node.peer_id: [] for node in nodes}
    for node in nodes:
        assert node.mesh.gossip.made is None  # nothing is kept where nothing was said
        node.mesh.listening = True
        node.mesh.subscribe("news", heard[node.peer_id].append)
    author = nodes[5]
    published = author.mesh.publish("news", b"hello")
    world.run(3)
    assert len(published.result()) == 16
    assert {len(heard[node.peer_id]) for node in nodes if node is not author} == {1}
    seen = [event for event in nodes[0].mesh.poll_events() if isinstance(event, RumorSeen)]
    assert [(event.hops, event.peer_id in nodes[0].links) for event in seen] == [
        (heard[nodes[0].peer_id][0].hops, True)
    ]
    assert all(not node.errors for node in nodes)


def test_who_joins_later_is_told_what_is_recent():
    world = World(2)
    nodes = world.grow(10, apart_s=0.2, settle_s=10)
    nodes[0].mesh.publish("news", b"hello")
    world.run(5)
    late = world.add()
    contact = nodes[3].mesh.contact
    assert contact is not None
    heard: list[Delivery] = []
    late.mesh.subscribe("news", heard.append)
    late.mesh.adopt(contact.signed)
    world.run(15, lambda: bool(heard))
    assert [delivery.data for delivery in heard] == [b"hello"]
