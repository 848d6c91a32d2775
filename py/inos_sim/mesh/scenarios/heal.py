"""Wounds: links that are cut between nodes that live, and nodes that lose all their siblings at once.

A node is *whole* when it has its true siblings on the ring. Expectations: nobody whose links are cut is held for dead by those it
can still talk to, all are whole again within WHOLE_MAX_S, look-ups are exact afterwards.
"""

from __future__ import annotations

from inos_sim.mesh.network import Weather
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import START_S, one_mesh, standing
from inos_sim.mesh.report import Report, mean, percentile
from inos_sim.mesh.scenarios.asking import look_up, share_exact
from inos_sim.mesh.scenarios.join import has_siblings
from inos_sim.mesh.scenarios.watching import Watching
from inos_sim.mesh.world import World

CUT_SHARE = 0.1
CUT_S = 20.0
BEREFT_SHARE = 0.03
LOOK_S = 0.5
WATCH_S = 90.0
WHOLE_MAX_S = 60.0
LOOKUPS = 200


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options, weather=Weather(loss=0.01))
    report = Report(options.scenario, options.nodes, options.seed)
    watching = Watching(world)
    world.clock.run_for(START_S)
    ends = [end for node in world.nodes for end in node.carrier.links.values() if node.number < end.peer.number]
    for end in world.rng.sample(ends, round(CUT_SHARE * len(ends))):
        world.cut(end.node, end.peer)
    world.clock.run_for(CUT_S)
    during = look_up(world, LOOKUPS, world.rng, spacing_s=0.02)
    held_for_dead = watching.false
    world.mend()
    uncut_s = time_to_whole(world, world.alive())
    bereft = [
        node for node in world.rng.sample(world.alive(), max(1, round(BEREFT_SHARE * options.nodes))) if node.alive
    ]
    for node in bereft:
        for sibling in siblings_of(world, node):
            if sibling.alive and sibling not in bereft:
                watching.kill(sibling)
    whole_s = time_to_whole(world, world.alive())
    after = look_up(world, LOOKUPS, world.rng, spacing_s=0.02)
    watching.fill(report)
    report.delivered = share_exact(after)
    report.repair_p99_s = percentile(whole_s, 0.99)
    report.details |= {
        "cut": round(CUT_SHARE * len(ends)),
        "delivered_while_cut": share_exact(during),
        "held_for_dead_while_cut": held_for_dead,
        "whole_after_cuts_p99_s": percentile(uncut_s, 0.99),
        "killed": len(world.nodes) - len(world.oracle),
        "whole_p50_s": percentile(whole_s, 0.5),
        "whole": len(whole_s),
        "links_mean": mean([len(node.carrier.links) for node in world.alive()]),
        "one_mesh": one_mesh(world),
        "events": world.clock.events,
    }
    report.expect("nodes that are whole after the cuts", len(uncut_s), least=options.nodes)
    report.expect("nodes that are whole after the deaths", len(whole_s), least=len(world.oracle))
    report.expect("seconds until whole at p99", report.repair_p99_s, most=WHOLE_MAX_S)
    report.expect("live nodes held for dead", report.false_suspicions, most=0)
    report.expect("look-ups that end at the true closest node, while links are cut", share_exact(during), least=0.99)
    report.expect("look-ups that end at the true closest node, afterwards", report.delivered, least=1.0)
    report.expect("nodes in the largest mesh", one_mesh(world), least=len(world.oracle))
    world.judge(report)
    return report


def siblings_of(world: World, node: Node) -> list[Node]:
    """Its two on each side of the ring."""
    ring = world.oracle.ring()
    at = ring.index(node.peer_id)
    return [world.by_id[ring[(at + step) % len(ring)]] for step in (-2, -1, 1, 2)]


def time_to_whole(world: World, nodes: list[Node]) -> list[float]:
    """How long each of them takes, of those that get there within WATCH_S."""
    began_s, ring = world.clock.now, world.oracle.ring()
    left, seconds = list(nodes), []
    while left and world.clock.now - began_s < WATCH_S:
        whole = [node for node in left if has_siblings(node, ring)]
        seconds += [world.clock.now - began_s] * len(whole)
        left = [node for node in left if node not in whole]
        world.clock.run_for(LOOK_S)
    return seconds
