"""Joining: a whole mesh from nothing, each node by one contact; above SMALL_NODES, 1,000 joins into a mesh that stands.

A newcomer has *joined* when it has its true siblings on the ring of ids, which is what makes look-ups exact. Expectations: all
join within JOIN_MAX_S, the server is asked once by each and never again, the mesh is one, look-ups are exact.
"""

from __future__ import annotations

from bisect import bisect_left

from inos import limits
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import RESTING_NODES_MAX, arrive, one_mesh, standing, started
from inos_sim.mesh.report import Report, mean, percentile
from inos_sim.mesh.scenarios.asking import look_up, share_exact

SMALL_NODES = 1_000
JOINS = 1_000
SPACING_S = 0.1
SETTLE_S = 90.0
LOOK_S = 0.5
JOIN_MAX_S = 30.0  # issue 5: all joined, of 8 and 12 browsers
LOOKUPS = 200


def run(options: Options) -> Report:
    """The scenario."""
    report = Report(options.scenario, options.nodes, options.seed)
    if options.nodes <= SMALL_NODES:
        world = started(options, 1)
        count = options.nodes - 1
    else:
        world = standing(options, RESTING_NODES_MAX)
        count = min(JOINS, options.nodes)
    newcomers: list[Node] = []
    joined_s: dict[int, float] = {}
    began_s: dict[int, float] = {}
    world.network.sent.clear()

    def join() -> None:
        helper = world.rng.choice(world.alive())
        node = arrive(world, helper)
        began_s[node.number] = world.clock.now
        newcomers.append(node)

    for number in range(count):
        world.clock.after(number * SPACING_S, join)
    end_s = world.clock.now + count * SPACING_S + SETTLE_S
    while world.clock.now < end_s and not (len(newcomers) == count and len(joined_s) == count):
        world.clock.run_for(LOOK_S)
        ring = world.oracle.ring()
        for node in newcomers:
            if node.number not in joined_s and has_siblings(node, ring):
                joined_s[node.number] = world.clock.now - began_s[node.number]
    messages = sum(world.network.sent.values())
    world.clock.run_for(SETTLE_S)
    ring = world.oracle.ring()
    right = sum(has_siblings(node, ring) for node in newcomers)
    outcomes = look_up(world, LOOKUPS, world.rng, spacing_s=0.02, askers=newcomers)
    hops = [float(outcome.hops) for outcome in outcomes if outcome.exact]
    report.hops_p50, report.hops_p99 = percentile(hops, 0.5), percentile(hops, 0.99)
    report.delivered = share_exact(outcomes)
    calls = [node.server_calls for node in newcomers]
    report.details |= {
        "joins": count,
        "joined": len(joined_s),
        "join_p50_s": percentile(list(joined_s.values()), 0.5),
        "join_p99_s": percentile(list(joined_s.values()), 0.99),
        "with_true_siblings": right / count if count else 1.0,
        "server_calls_max": max(calls, default=0),
        "links_mean": mean([len(node.carrier.links) for node in newcomers]),
        "links_max": max(len(node.carrier.links) for node in world.alive()),
        "one_mesh": one_mesh(world),
        "messages_per_join": messages / max(1, count),
        "events": world.clock.events,
    }
    report.expect("newcomers that joined", len(joined_s), least=count)
    report.expect("newcomers with their true siblings at the end", right, least=count)
    report.expect("seconds to join at p99", report.details["join_p99_s"], most=JOIN_MAX_S)
    report.expect("calls of one node at the server", max(calls, default=0), most=1)
    report.expect("look-ups of newcomers that end at the true closest node", report.delivered, least=1.0)
    report.expect("nodes in the largest mesh", one_mesh(world), least=len(world.oracle))
    world.judge(report)
    return report


def has_siblings(node: Node, ring: list[bytes]) -> bool:
    """Whether it has links to its neighbours on the ring of all live ids."""
    at, size = bisect_left(ring, node.peer_id), len(ring)
    steps = range(1, min(limits.MESH_SIBLINGS_SIDE, (size - 1) // 2) + 1)
    true = {ring[(at + sign * step) % size] for step in steps for sign in (1, -1)}
    return all(peer_id in node.carrier.links for peer_id in true)
