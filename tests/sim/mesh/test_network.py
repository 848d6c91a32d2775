"""The simulated network: order, loss, cuts, silence, and what a node measures of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sim.mesh.trivial import contact_of, linked, mesh_of, world_of

from inos import limits
from inos.wire.membership import Condition
from inos_sim.mesh.carrier import SILENT_LINK_S
from inos_sim.mesh.network import Weather
from inos_sim.mesh.node import Node
from inos_sim.mesh.world import World

LOSSY = Weather(loss=0.2, jitter=1.0)


def say(node: Node, peer: Node, number: int) -> bool:
    return node.carrier.send(peer.peer_id, Condition(0, number))


def heard_numbers(node: Node) -> list[int]:
    return [message.incarnation for message in mesh_of(node).said("message") if isinstance(message, Condition)]


def age_s(world: World, node: Node, peer: Node) -> float:
    heard = node.carrier.heard(peer.peer_id)
    assert heard is not None
    return world.clock.now - heard.last_heard_s


@pytest.mark.parametrize("weather", [Weather(), LOSSY], ids=["fair", "lossy"])
def test_messages_of_a_link_come_once_and_in_order(weather: Weather) -> None:
    world = world_of(2, weather=weather, wire=True)
    a, b = linked(world)
    for number in range(200):
        assert say(a, b, number)
        world.clock.run_for(0.01)
    world.clock.run_for(60.0)
    assert heard_numbers(b) == list(range(200))
    delays = [line[0] for line in mesh_of(b).lines if line[1] == "message"]
    late = [when - 0.01 * number for number, when in enumerate(delays)]
    assert (max(late) - min(late) > 0.4) == (
        weather is LOSSY
    )  # a lost packet costs a retransmission, nothing else does


def test_both_ends_are_told_once_of_a_link_whoever_dials() -> None:
    world = world_of(2)
    a, b = world.nodes
    a.carrier.dial(contact_of(b))
    b.carrier.dial(contact_of(a))
    a.carrier.dial(contact_of(b))
    world.clock.run_for(60.0)
    for node in (a, b):
        assert [line[1] for line in mesh_of(node).lines] == ["up"]
    assert (a.server_calls, b.server_calls) == (1, 1)


def test_only_a_first_contact_needs_the_server() -> None:
    world = world_of(3)
    a, _ = linked(world)
    linked(world, 0, 2)
    assert a.server_calls == 1


def test_a_dial_to_nobody_fails_when_its_time_is_up() -> None:
    world = world_of(2)
    a, b = world.nodes
    world.kill(b)
    a.carrier.dial(contact_of(b))
    world.clock.run_for(60.0)
    assert mesh_of(a).lines == [(limits.DIAL_TIMEOUT_S, "failed", b.peer_id, None)]


def test_some_pairs_cannot_connect() -> None:
    world = world_of(40, unreachable=0.3)
    for node in world.nodes[1:]:
        world.nodes[0].carrier.dial(contact_of(node))
    world.clock.run_for(60.0)
    failed = len(mesh_of(world.nodes[0]).said("failed"))
    assert failed + len(world.nodes[0].carrier.links) == 39
    assert 3 <= failed <= 25


def test_both_ends_are_told_once_that_a_link_ended() -> None:
    world = world_of(2)
    a, b = linked(world)
    say(a, b, 1)
    a.carrier.hang_up(b.peer_id, "spare")
    assert not say(a, b, 2)
    assert a.carrier.heard(b.peer_id) is None
    world.clock.run_for(60.0)
    assert mesh_of(a).said("down") == ["spare"]
    assert mesh_of(b).said("down") == ["closed"]
    assert heard_numbers(b) == [1]


def test_a_dead_peer_is_silence_and_then_a_closed_link() -> None:
    world = world_of(2)
    a, b = linked(world)
    world.clock.run_for(5.0)
    assert age_s(world, a, b) < 1.5
    world.kill(b)
    world.clock.run_for(3.0)
    assert 3.0 < age_s(world, a, b) < 4.5
    assert say(a, b, 1)
    world.clock.run_for(SILENT_LINK_S)
    assert mesh_of(a).said("down") == ["silent"]
    assert mesh_of(b).said("down") == []
    assert a.carrier.heard(b.peer_id) is None


def test_what_is_sent_during_a_short_cut_comes_after_it() -> None:
    world = world_of(2)
    a, b = linked(world)
    world.cut(a, b)
    for number in range(3):
        say(a, b, number)
    world.clock.run_for(2.0)
    assert heard_numbers(b) == []
    world.mend()
    world.clock.run_for(20.0)
    assert heard_numbers(b) == [0, 1, 2]
    assert mesh_of(a).said("down") == []
    assert age_s(world, a, b) < 1.5


def test_a_long_cut_ends_both_ends() -> None:
    world = world_of(4)
    a, b = linked(world)
    world.split([b])
    world.clock.run_for(60.0)
    assert mesh_of(a).said("down") == mesh_of(b).said("down") == ["silent"]
    world.mend()
    world.clock.run_for(1.0)
    assert linked(world) == (a, b)


def test_an_end_that_was_given_up_during_a_cut_is_noticed_after_it() -> None:
    world = world_of(2)
    a, b = linked(world)
    world.cut(a, b)
    a.carrier.hang_up(b.peer_id, "dead")
    world.clock.run_for(1.0)
    world.mend()
    world.clock.run_for(20.0)
    assert mesh_of(b).said("down") == ["silent"]


def test_a_frozen_node_says_nothing_and_finds_its_links_gone() -> None:
    world = world_of(2)
    a, b = linked(world)
    world.freeze(b)
    world.clock.run_for(30.0)
    assert mesh_of(a).said("down") == ["silent"]
    assert mesh_of(b).said("down") == []
    world.thaw(b)
    world.clock.run_for(30.0)
    assert mesh_of(b).said("down") == ["silent"]


def test_a_short_freeze_costs_nothing_but_time() -> None:
    world = world_of(2)
    a, b = linked(world)
    world.freeze(b)
    say(a, b, 7)
    world.clock.run_for(2.0)
    assert age_s(world, a, b) > 1.9
    world.thaw(b)
    world.clock.run_for(20.0)
    assert heard_numbers(b) == [7]
    assert mesh_of(a).said("down") == mesh_of(b).said("down") == []


def test_a_stalled_python_still_answers_pings_and_says_so() -> None:
    world = world_of(2)
    a, b = linked(world)
    a.carrier.pace(b.peer_id, 250)
    b.stall(6.0)
    say(a, b, 1)
    world.clock.run_for(5.5)
    assert age_s(world, a, b) < 0.75
    heard = a.carrier.heard(b.peer_id)
    assert heard is not None
    assert heard.brain_age_s == pytest.approx(5.5)
    assert heard_numbers(b) == []
    world.clock.run_for(1.0)
    assert heard_numbers(b) == [1]


@settings(deadline=None)  # worlds are built in it, on machines that are busy
@given(st.floats(0.05, 2.0), st.floats(0.0, 30.0), st.sampled_from([Weather(jitter=0.0), Weather(loss=0.05)]))
def test_pings_are_heard_at_their_pace(pace_s: float, wait_s: float, weather: Weather) -> None:
    world = world_of(2, weather=weather)
    a, b = linked(world)
    a.carrier.pace(b.peer_id, round(pace_s * 1_000))
    world.clock.run_for(wait_s)
    heard = a.carrier.heard(b.peer_id)
    assert heard is not None
    assert heard.last_heard_s <= world.clock.now
    missed = 20 if weather.loss else 1  # in a row: 0.1 ** 20 does not happen
    assert age_s(world, a, b) <= max(2.0, missed * pace_s + heard.rtt_s * 1.1 + 0.001)


def test_timers_of_a_throttled_node_fire_at_whole_multiples() -> None:
    world = world_of(1)
    node = world.nodes[0]
    mesh = mesh_of(node)
    for throttle_s, due, rung in ((0.0, 1.3, 1.3), (1.0, 2.4, 3.0), (60.0, 4.0, 60.0)):
        node.throttle_s, mesh.due = throttle_s, due
        node.pump()
        world.clock.run_until(rung)
        assert mesh.rings[-1] == rung
    assert len(mesh.rings) == 3


def test_a_slow_node_takes_its_time_for_each_message() -> None:
    world = world_of(2)
    a, b = linked(world)
    b.service_s = 0.5
    for number in range(4):
        say(a, b, number)
    world.clock.run_for(1.2)
    assert heard_numbers(b) == [0, 1]
    world.clock.run_for(2.0)
    assert heard_numbers(b) == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        world = world_of(3, weather=LOSSY)
        a, b = linked(world)
        _, c = linked(world, 1, 2)
        for number in range(50):
            say(a, b, number)
            say(b, c, number)
            world.clock.run_for(0.05)
        world.clock.run_for(30.0)
        runs.append([mesh_of(node).lines for node in world.nodes])
    assert runs[0] == runs[1]
