"""Rumors by random nodes under one topic, one after the other; then a tenth dies, and one more.

Expectations (issue 5): every live node gets every rumor, at p99 over at most 7, 9, 11 links at 1,000, 10,000, 100,000 nodes; at
most 4 copies a node of the first, and fewer once the trees have settled.
"""

from __future__ import annotations

from functools import partial

from inos.gossip.gossip import Delivery
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import LIVE_NODES_MAX, RESTING_NODES_MAX, START_S, standing
from inos_sim.mesh.report import Report, percentile
from inos_sim.mesh.world import World

RUMORS, RUMORS_BIG = 10, 3  # of more than LIVE_NODES_MAX nodes fewer, since each is millions of events
DEAD_SHARE = 0.1
SPREAD_S = 4.0
HOPS_MAX = ((1_000, 7), (10_000, 9), (100_000, 11))  # by size
COPIES_MAX = 4.0
SETTLED_COPIES_MAX = 2.5
TOPIC = "weather"


class Spread:
    """Who got what."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.reached: dict[bytes, dict[int, int]] = {}  # by rumor: hops by node
        self.seconds: list[float] = []
        self._began_s = 0.0
        for node in world.nodes:
            self.listen(node)

    def listen(self, node: Node) -> None:
        """This node wants to know, too."""
        node.mesh.subscribe(TOPIC, partial(self._got, node.number))

    def _got(self, number: int, delivery: Delivery) -> None:
        got = self.reached.setdefault(delivery.data, {})
        assert number not in got, "a rumor was delivered twice"
        got[number] = delivery.hops
        self.seconds.append(self._world.clock.now - self._began_s)

    def publish(self, author: Node, data: bytes) -> float:
        """Spread one; the share of all other live nodes that got it."""
        self._began_s, self.seconds = self._world.clock.now, []
        self.reached[data] = {}
        author.call(author.mesh.publish, TOPIC, data)
        others = len(self._world.oracle) - 1
        self._world.clock.run_for(SPREAD_S, lambda: False)
        alive = [number for number in self.reached[data] if self._world.nodes[number].alive]
        return len(alive) / others


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options, RESTING_NODES_MAX)
    report = Report(options.scenario, options.nodes, options.seed)
    spread = Spread(world)
    world.clock.run_for(START_S)
    coverage, copies, messages, hops, tops, seconds = [], [], [], [], [], []
    rumors = RUMORS if options.nodes <= LIVE_NODES_MAX else RUMORS_BIG
    for number in range(rumors):
        before = _totals(world)
        data = number.to_bytes(4, "big") * 16
        coverage.append(spread.publish(world.rng.choice(world.alive()), data))
        after = _totals(world)
        copies.append((after[0] - before[0]) / options.nodes)
        messages.append((after[1] - before[1]) / options.nodes)
        hops += list(spread.reached[data].values())
        tops.append(percentile([float(hop) for hop in spread.reached[data].values()], 0.99))
        seconds += spread.seconds
    for node in world.rng.sample(world.alive(), round(DEAD_SHARE * options.nodes)):
        world.kill(node)
    with_dead = spread.publish(world.rng.choice(world.alive()), b"after the storm")
    report.gossip_hops_p99 = percentile([float(hop) for hop in hops], 0.99)
    report.coverage = min(coverage)
    report.messages_per_node = messages[-1]
    report.duplicates_per_node = copies[0] - 1
    report.details |= {
        "copies_first": copies[0],
        "copies_last": copies[-1],
        "copies": [round(each, 2) for each in copies],
        "messages_first": messages[0],
        "gossip_hops_max": max(hops),
        "gossip_hops_p99s": tops,
        "spread_p99_s": percentile(seconds, 0.99),
        "coverage_with_dead": with_dead,
        "events": world.clock.events,
    }
    report.expect("coverage", report.coverage, least=1.0)
    report.expect("coverage with a tenth dead", with_dead, least=1.0)
    report.expect("copies of the first rumor a node", copies[0], most=COPIES_MAX)
    report.expect("copies of the later rumors a node", sum(copies[1:]) / (rumors - 1), most=SETTLED_COPIES_MAX)
    bounds = [hops_max for nodes, hops_max in HOPS_MAX if options.nodes <= nodes]
    if bounds:
        report.expect("hops of deliveries at p99", report.gossip_hops_p99, most=bounds[0])
    world.judge(report)
    return report


def _totals(world: World) -> tuple[int, int]:
    """Copies that came, messages that were sent."""
    copies = messages = 0
    for node in world.nodes:
        stats = node.mesh.gossip.stats
        copies += stats.copies
        messages += stats.messages
    return copies, messages
