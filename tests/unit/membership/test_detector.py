"""Who lives: the dead are found in time, the living are not accused."""

from __future__ import annotations

from math import inf

import pytest
from mesh_world import Node, World

from inos import limits
from inos.errors import ProtocolViolation
from inos.membership.detector import LATE_LOOKS_MAX
from inos.membership.view import FROZEN, HIDDEN, SIBLING
from inos.mesh.events import PeerAlive, PeerDead, PeerSuspected
from inos.wire.membership import Accuse, Condition, Probe, Probed, Refute


@pytest.fixture(scope="module")
def grown() -> World:
    world = World(3)
    world.grow(24)
    return world


LOOK_S = 0.025


def events(world: World, kind: type) -> list[tuple[Node, object]]:
    return [
        (node, event) for node in world.nodes.values() for event in node.mesh.poll_events() if isinstance(event, kind)
    ]


def watchers(world: World, victim: Node) -> tuple[set[bytes], set[bytes]]:
    """Who has a link to it: at the close pace, and in all."""
    linked = {peer for peer, node in world.nodes.items() if victim.peer_id in node.links}
    return {p for p in linked if world.nodes[p].paces[victim.peer_id] == limits.MESH_PACE_CLOSE_MS}, linked


def test_three_quiet_minutes_accuse_nobody(grown):
    events(grown, PeerDead)
    grown.run(180.0)
    assert [e for _, e in events(grown, PeerDead | PeerSuspected | PeerAlive)] == []


def test_siblings_are_watched_closely_and_the_rest_is_not(grown):
    for node in [node for node in grown.nodes.values() if len(node.links) > limits.MESH_CLOSE_ALL]:
        close = {peer for peer, pace in node.paces.items() if peer in node.links and pace == limits.MESH_PACE_CLOSE_MS}
        assert 4 <= len(close) <= limits.MESH_CLOSE_MAX
        assert close >= {n.peer_id for n in node.mesh._view.active.values() if n.roles & SIBLING}


def test_where_links_are_few_all_are_watched_closely():
    world = World(4)
    for node in world.grow(limits.MESH_CLOSE_ALL + 1):
        assert {node.paces[peer] for peer in node.links} == {limits.MESH_PACE_CLOSE_MS}


@pytest.mark.parametrize("mute", [False, True], ids=["killed", "stuck"])
def test_the_dead_are_found_within_a_second_by_those_close_and_soon_by_all(grown, mute):
    for _ in range(3):
        victim = grown.rng.choice(list(grown.nodes.values()))
        close, linked = watchers(grown, victim)
        events(grown, PeerDead)
        if mute:
            grown.mute(victim)
        else:
            grown.kill(victim)
        began, found = grown.now, {}
        while grown.now < began + 5.0:
            grown.run(LOOK_S)
            for node, event in events(grown, PeerDead):
                if node is not victim:
                    assert event.peer_id == victim.peer_id, "somebody alive was held for dead"
                    assert event.cause == "silent"
                    found.setdefault(node.peer_id, grown.now - began)
        assert found.keys() >= linked  # who was linking to it just then finds out, too, and later
        assert max(found[peer] for peer in close) <= 1.2 + LOOK_S
        assert max(found[peer] for peer in linked) <= limits.MESH_MISSED_MAX * limits.MESH_PACE_FAR_MS / 1_000 + 0.5
        if mute:
            grown.kill(victim)
        grown.run(20.0)


def test_a_link_that_does_not_carry_is_ended_but_its_peer_is_not_dead(grown):
    node = next(iter(grown.nodes.values()))
    peer = next(p for p in node.links if node.paces[p] == limits.MESH_PACE_CLOSE_MS)
    grown.blocked[frozenset((node.peer_id, peer))] = grown.now
    events(grown, PeerDead)
    grown.run(15.0)
    assert peer not in node.links
    assert [e for n, e in events(grown, PeerDead) if n is not node and n.peer_id != peer] == []
    grown.blocked.clear()
    grown.run(30.0)


def test_who_leaves_or_freezes_is_gone_at_once():
    world = World(5)
    nodes = world.grow(8)
    for node in nodes:
        node.mesh.poll_events()
    nodes[0].mesh.leave(world.now)
    nodes[1].mesh.on_condition(FROZEN, world.now)
    world.run(0.3)
    told = {(e.peer_id, e.cause) for n in nodes[2:] for e in n.mesh.poll_events() if isinstance(e, PeerDead)}
    assert told == {(nodes[0].peer_id, "left"), (nodes[1].peer_id, "frozen")}


def test_a_hidden_peer_gets_four_windows():
    world = World(6)
    nodes = world.grow(6)
    hidden = nodes[0]
    hidden.mesh.on_condition(HIDDEN, world.now)
    world.run(1.0)
    for node in nodes:
        node.mesh.poll_events()
    world.mute(hidden)
    world.run(2.5)
    assert not [e for n in nodes[1:] for e in n.mesh.poll_events() if isinstance(e, PeerDead | PeerSuspected)]
    world.run(3.0)
    assert [e for n in nodes[1:] for e in n.mesh.poll_events() if isinstance(e, PeerDead)]


def test_who_was_late_itself_accuses_nobody():
    world = World(7)
    nodes = world.grow(8)
    sleeper = nodes[0]
    for node in nodes:
        node.mesh.poll_events()
    run, sleeper.run = sleeper.run, lambda: None  # its Python stands still; its net worker goes on answering
    began = world.now
    heard, sleeper.heard = (
        sleeper.heard,
        lambda peer: heard(peer)._replace(last_heard_s=began),
    )  # nor are its stamps newer
    world.run(4.0)
    sleeper.run = run
    sleeper.run()
    assert sleeper.mesh._detector.health > 1
    assert not [e for e in sleeper.mesh.poll_events() if isinstance(e, PeerDead | PeerSuspected)]
    sleeper.heard = heard
    world.run(30.0)
    assert sleeper.mesh._detector.health < 8
    assert not [e for n in world.nodes.values() for e in n.mesh.poll_events() if isinstance(e, PeerDead)]


def test_being_late_once_counts_once_whatever_was_due():
    world = World(7)
    nodes = world.grow(8)
    detector = nodes[0].mesh._detector
    watches = [n.watch for n in nodes[0].mesh._view.active.values()]
    assert len(watches) > 3
    for number, watch in enumerate(watches):  # what was due comes in two turns
        detector.look(watch, world.now + (2.0 if number < 3 else 2.1))
    assert detector.health == 2
    for watch in watches:
        detector.look(watch, world.now + 30.0)
    assert detector.health == 3


def test_whoever_is_unwell_believes_the_others_as_soon_as_anybody():
    world = World(7)
    nodes = world.grow(8)
    one, victim = nodes[:2]
    one.mesh._detector.health = limits.MESH_HEALTH_MAX
    world.kill(victim)
    assert world.run(4.5, lambda: victim.peer_id not in one.links), "what they heard is a second old at most"


@pytest.mark.parametrize("stalled", [False, True])
def test_whoever_is_unwell_suspects_as_soon_as_anybody_whom_others_suspect(stalled):
    world = World(7)
    nodes = world.grow(8)
    one, victim = nodes[:2]
    neighbour, detector = one.mesh._view.active[victim.peer_id], one.mesh._detector
    detector.health = limits.MESH_HEALTH_MAX
    world.kill(victim)
    killed_s = world.now
    assert world.run(1.0, lambda: neighbour.watch.hastened_s < inf)
    if stalled:
        detector.look(neighbour.watch, neighbour.watch.planned_s + 1.0)
        assert neighbour.watch.planned_s < neighbour.watch.hastened_s + 0.6
    else:
        assert world.run(1.0, lambda: neighbour.suspect)
        assert world.now - killed_s < 1.5


def test_being_late_does_not_clear_a_suspect():
    world = World(7)
    nodes = world.grow(8)
    one, victim = nodes[:2]
    world.kill(victim)
    neighbour = one.mesh._view.active[victim.peer_id]
    assert world.run(2.0, lambda: neighbour.suspect)
    watch = neighbour.watch
    late_s = watch.planned_s + 1.0
    one.mesh._detector.look(watch, late_s)
    assert neighbour.suspect
    assert watch.planned_s < late_s + 2 * limits.MESH_PACE_CLOSE_MS * limits.MESH_MISSED_MAX / 1_000, "and not for long"
    world.run(3.0)
    assert [e for e in one.mesh.poll_events() if isinstance(e, PeerDead) and e.peer_id == victim.peer_id]


def test_whoever_is_always_late_finds_the_dead_all_the_same():
    world = World(7)
    nodes = world.grow(8)
    one, victim = nodes[:2]
    detector = one.mesh._detector
    world.kill(victim)
    neighbour = one.mesh._view.active[victim.peer_id]
    assert world.run(2.0, lambda: neighbour.suspect)
    suspected_s = late_s = world.now
    detector.health = 4
    for _ in range(LATE_LOOKS_MAX + 1):
        assert neighbour.suspect
        assert victim.peer_id in one.mesh._view.active
        late_s = neighbour.watch.planned_s + 0.6
        detector.look(neighbour.watch, late_s)
    assert victim.peer_id not in one.mesh._view.active
    assert late_s - suspected_s < 4.0


def test_where_all_are_silent_at_once_it_is_us_but_not_for_long_however_unwell_we_are():
    world = World(7)
    nodes = world.grow(8)
    one = nodes[0]
    one.mesh._detector.health = 2
    began, heard = world.now, one.heard
    one.heard = lambda peer: heard(peer)._replace(last_heard_s=began)  # nothing comes in; what goes out arrives
    one.receive = lambda sender, message: None
    assert world.run(5.0, lambda: all(n.suspect for n in one.mesh._view.active.values()))
    suspected_s = world.now
    assert world.run(5.0, lambda: not one.mesh._view.active)
    assert 1.25 < world.now - suspected_s < 2.25


def test_the_answers_of_others_end_the_patience_of_whoever_is_unwell():
    world = World(7)
    nodes = world.grow(8)
    one, victim = nodes[:2]
    neighbour, detector = one.mesh._view.active[victim.peer_id], one.mesh._detector
    world.kill(victim)
    assert world.run(2.0, lambda: neighbour.suspect)
    detector.health = limits.MESH_HEALTH_MAX
    detector._ask_others(neighbour.watch, world.now, detector.health)
    asked_s = world.now
    assert neighbour.watch.planned_s > asked_s + 2.0
    assert world.run(2.0, lambda: victim.peer_id not in one.links)
    assert world.now - asked_s < 1.0


def test_an_answer_that_was_long_on_its_way_does_not_make_a_suspect_fresher():
    world = World(7)
    nodes = world.grow(8)
    one, victim, other = nodes[:3]
    neighbour, detector = one.mesh._view.active[victim.peer_id], one.mesh._detector
    world.kill(victim)
    assert world.run(2.0, lambda: neighbour.suspect)
    watch = neighbour.watch
    detector.on_message(one.mesh._view.active[other.peer_id], Probed(watch.nonce, 500), watch.asked_s + 3.0)
    assert watch.vouched_s == watch.asked_s - 0.5


def test_an_accusation_of_somebody_alive_is_refuted():
    world = World(8)
    nodes = world.grow(6)
    accuser, accused = nodes[0], nodes[1]
    said: list[object] = []
    receive = accuser.receive
    accuser.receive = lambda sender, message: (said.append(message), receive(sender, message))[1]
    before = accused.mesh._members.incarnation
    for peer in list(accuser.links):
        if peer != accused.peer_id:
            accuser.send(peer, Accuse(accused.peer_id, before))
    world.run(2.0)
    assert [m for m in said if isinstance(m, Refute) and m.peer == accused.peer_id]
    assert accused.mesh._members.incarnation > before
    assert [m for m in said if isinstance(m, Condition) and m.incarnation == accused.mesh._members.incarnation]
    assert all(accused.peer_id in world.nodes[p].links for p in accused.links)


@pytest.mark.parametrize("late", [False, True])
def test_who_is_asked_about_a_silent_neighbour_looks_itself_and_once_more_if_it_was_late(late):
    world = World(5)
    world.grow(30)
    node, far = next((n, p) for n in world.nodes.values() for p in n.links if n.paces[p] == limits.MESH_PACE_FAR_MS)
    neighbour, detector = node.mesh._view.active[far], node.mesh._detector
    asker = next(n for n in node.mesh._view.active.values() if n is not neighbour)
    world.mute(world.nodes[far])
    while world.now < world.heard(node, far).last_heard_s + 1.0:
        world.run(0.025)
    detector.on_message(asker, Probe(1, far), world.now)
    assert node.paces[far] == limits.MESH_PACE_SUSPECT_MS
    if late:
        neighbour.watch.due = inf  # as the agenda does
        detector.look(neighbour.watch, neighbour.watch.planned_s + 1.0)
        assert not neighbour.suspect
        assert neighbour.watch.due < neighbour.watch.hastened_s + 1.0
        world.run(1.0)
    world.run(0.6)
    assert neighbour.suspect or far not in node.links


def test_an_accusation_of_oneself_is_a_violation():
    world = World(9)
    one, two = world.grow(2)
    with pytest.raises(ProtocolViolation):
        two.mesh.on_message(one.peer_id, Accuse(one.peer_id, 0), world.now)


def test_a_suspect_of_whom_nobody_else_says_a_word_gets_its_whole_window_and_more_pings():
    world = World(9)
    node, other = world.grow(2)
    neighbour, detector = node.mesh._view.active[other.peer_id], node.mesh._detector
    window_s = limits.MESH_MISSED_MAX * limits.MESH_PACE_CLOSE_MS / 1_000
    for comes_back in (True, False):
        assert node.paces[other.peer_id] == limits.MESH_PACE_CLOSE_MS
        events(world, PeerDead)
        world.mute(other)
        muted = world.now
        while not neighbour.suspect:
            world.run(0.025)
            detector.doubt(neighbour, world.now)
        assert world.now - muted < window_s / 2, "sooner than without the doubt"
        assert node.paces[other.peer_id] == limits.MESH_PACE_SUSPECT_MS
        while world.now < muted + window_s - 0.1:
            world.run(0.025)
            assert other.peer_id in node.links
        if comes_back:
            other.mute = False
            del world.gone[other.peer_id]
        world.run(1.0)
        assert [event.cause for _, event in events(world, PeerDead)] == ([] if comes_back else ["silent"])
