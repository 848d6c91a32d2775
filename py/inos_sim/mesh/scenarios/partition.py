"""A mesh is cut in two for 60 s, then the cut heals.

Chunks have copies on both sides; each side repairs what it lacks. Expectations: one mesh again within ONE_MESH_MAX_S, all
siblings true within WHOLE_MAX_S, look-ups exact, no chunk lost, a rumor reaches both sides.
"""

from __future__ import annotations

import math

from inos_sim.mesh.keeper import Keepers
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import START_S, one_mesh, standing
from inos_sim.mesh.report import Report, percentile
from inos_sim.mesh.scenarios.asking import look_up, share_exact
from inos_sim.mesh.scenarios.gossip import Spread
from inos_sim.mesh.scenarios.heal import time_to_whole
from inos_sim.mesh.scenarios.watching import Watching

SPLIT_S = 60.0
PLACED_S = 30.0
CHUNKS_PER_NODE = 0.1
COPIES = 3
LOOK_S = 0.5
ONE_MESH_MAX_S = 60.0
WHOLE_MAX_S = 90.0
SETTLE_S = 30.0
LOOKUPS = 200


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options)
    report = Report(options.scenario, options.nodes, options.seed)
    world.server_heals = True
    watching = Watching(world)
    keepers = Keepers(world)
    spread = Spread(world)
    world.clock.run_for(START_S)
    for node in world.nodes:
        keepers.equip(node)
    for _ in range(math.ceil(CHUNKS_PER_NODE * options.nodes)):
        keepers.put(world.rng.choice(world.nodes), COPIES)
    world.clock.run_for(PLACED_S)
    world.split(world.rng.sample(world.nodes, options.nodes // 2))
    world.clock.run_for(SPLIT_S)
    apart = one_mesh(world)
    world.mend()
    mended_s = world.clock.now
    while one_mesh(world) < options.nodes and world.clock.now - mended_s < WHOLE_MAX_S:
        world.clock.run_for(LOOK_S)
    one_s = world.clock.now - mended_s
    whole_s = [one_s + seconds for seconds in time_to_whole(world, world.alive())]
    world.clock.run_for(SETTLE_S)
    outcomes = look_up(world, LOOKUPS, world.rng, spacing_s=0.02)
    coverage = spread.publish(world.rng.choice(world.alive()), b"together again")
    watching.fill(report)
    report.delivered, report.coverage = share_exact(outcomes), coverage
    report.lost = sum(not keepers.live(bid) for bid in keepers.holders)
    report.repair_p99_s = percentile(whole_s, 0.99)
    report.details |= {
        "one_mesh_s": one_s,
        "one_mesh": one_mesh(world),
        "largest_while_split": apart,
        "whole": len(whole_s),
        "whole_p50_s": percentile(whole_s, 0.5),
        "chunks": len(keepers.holders),
        "server_calls": sum(node.server_calls for node in world.nodes),
        "events": world.clock.events,
    }
    report.expect("nodes of the larger side", apart, most=math.ceil(options.nodes / 2))
    report.expect("seconds until one mesh", one_s, most=ONE_MESH_MAX_S)
    report.expect("nodes with their true siblings", len(whole_s), least=options.nodes)
    report.expect("seconds until true siblings at p99", report.repair_p99_s, most=WHOLE_MAX_S)
    report.expect("chunks lost", report.lost, most=0)
    report.expect("live nodes held for dead", report.false_suspicions, most=0)
    report.expect("look-ups that end at the true closest node", report.delivered, least=1.0)
    report.expect("coverage of a rumor", coverage, least=1.0)
    world.judge(report)
    return report
