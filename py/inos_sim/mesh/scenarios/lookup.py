"""Look-ups in a mesh at rest; then a tenth of all nodes dies at once, and look-ups before anybody has noticed.

Expectations (issue 5): all end at the true closest live node at rest, 99 % with the dead among them; hops at p99 within 5 at
1,000 nodes, at p50 within 5 at 100,000.
"""

from __future__ import annotations

from inos_sim.mesh.options import Options
from inos_sim.mesh.population import BIG_NODES, RESTING_NODES_MAX, START_S, standing
from inos_sim.mesh.report import Report, mean, percentile
from inos_sim.mesh.scenarios.asking import Outcome, look_up, share_exact

LOOKUPS = 300
DEAD_SHARE = 0.1
SMALL_NODES = 1_000
UNNOTICED_S = 0.3  # all are asked within this time after the death, when nobody can have missed three heartbeats
HOPS_MAX = 5


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options, RESTING_NODES_MAX)
    report = Report(options.scenario, options.nodes, options.seed)
    world.clock.run_for(START_S)
    world.network.sent.clear()
    calm = look_up(world, LOOKUPS, world.rng, spacing_s=0.02)
    messages = sum(world.network.sent.values())
    hops = [float(outcome.hops) for outcome in calm if outcome.exact]
    report.hops_p50, report.hops_p99 = percentile(hops, 0.5), percentile(hops, 0.99)
    report.delivered = share_exact(calm)
    for node in world.rng.sample(world.alive(), round(DEAD_SHARE * options.nodes)):
        world.kill(node)
    after = look_up(world, LOOKUPS, world.rng, spacing_s=UNNOTICED_S / LOOKUPS)
    report.details |= {
        "hops_mean": mean(hops),
        "seconds_p50": percentile(_seconds(calm), 0.5),
        "seconds_p99": percentile(_seconds(calm), 0.99),
        "delivered_with_dead": share_exact(after),
        "hops_p99_with_dead": percentile([float(outcome.hops) for outcome in after if outcome.exact], 0.99),
        "seconds_p99_with_dead": percentile(_seconds(after), 0.99),
        "messages_per_lookup": messages / LOOKUPS,
        "links_mean": mean([len(node.carrier.links) for node in world.alive()]),
        "events": world.clock.events,
    }
    report.expect("look-ups that end at the true closest node, at rest", report.delivered, least=1.0)
    report.expect("look-ups that end at the true closest node, with a tenth dead", share_exact(after), least=0.99)
    if options.nodes <= SMALL_NODES:
        report.expect("hops at p99", report.hops_p99, most=HOPS_MAX)
    elif options.nodes <= BIG_NODES:
        report.expect("hops at p50", report.hops_p50, most=HOPS_MAX)
    world.judge(report)
    return report


def _seconds(outcomes: list[Outcome]) -> list[float]:
    return [outcome.seconds for outcome in outcomes]
