"""Everybody wants one thing at once: nodes look up who provides it within seconds, get it, and provide it too.

A getter asks one of the providers it found, at random; what is asked of each is its *load*. Expectations: all find it; nobody is
asked by more than LOAD_MAX, or by those who come within ALONE_S (until the first of them has it, and has told, there is one
provider); the busiest node hears at most MESSAGES_PER_S_MAX messages a second.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

from inos import limits
from inos.dht.records import Record
from inos.errors import InosError
from inos.tasks import Future
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import RESTING_NODES_MAX, START_S, standing
from inos_sim.mesh.report import Report, percentile
from inos_sim.mesh.world import World

CROWD_MAX = 1_000
WITHIN_S = 10.0
GET_S = 1.0  # from knowing a provider to having the thing
WAIT_S = 30.0
LOAD_MAX = 100
ALONE_S = 4.0
MESSAGES_PER_S_MAX = limits.CONTROLS_PER_S_MAX  # what one neighbour alone may send


class Crowd:
    """Who wants it, who got it, who was asked."""

    def __init__(self, world: World, key: bytes) -> None:
        self._world = world
        self._key = key
        self.asked: Counter[bytes] = Counter()
        self.seconds: list[float] = []
        self.failed = 0

    def want(self, node: Node) -> None:
        """It looks for a provider."""
        future = node.call(node.mesh.find, self._key)
        future.on_done(partial(self._found, node, self._world.clock.now, future))

    def _found(self, node: Node, began_s: float, future: Future[list[Record]]) -> None:
        try:
            providers = future.result()
        except InosError:
            providers = []
        if not providers:
            self.failed += 1
            return
        self.seconds.append(self._world.clock.now - began_s)
        self.asked[self._world.rng.choice(sorted(record.author for record in providers))] += 1
        self._world.clock.after(GET_S, self._got, node)

    def _got(self, node: Node) -> None:
        node.call(node.mesh.provide, self._key)


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options, RESTING_NODES_MAX)
    report = Report(options.scenario, options.nodes, options.seed)
    world.clock.run_for(START_S)
    key = world.rng.randbytes(32)
    first = world.rng.choice(world.nodes)
    first.call(first.mesh.provide, key)
    world.clock.run_for(5.0)
    crowd = Crowd(world, key)
    nodes = [node for node in world.rng.sample(world.nodes, min(CROWD_MAX, options.nodes)) if node is not first]
    heard_before = [node.received for node in world.nodes]
    began_s = world.clock.now
    for number, node in enumerate(nodes):
        world.clock.after(WITHIN_S * number / len(nodes), crowd.want, node)
    world.clock.run_for(WITHIN_S + WAIT_S, lambda: len(crowd.seconds) + crowd.failed == len(nodes))
    took_s = world.clock.now - began_s
    heard = [node.received - before for node, before in zip(world.nodes, heard_before, strict=True)]
    load = crowd.asked.most_common(1)[0][1] if crowd.asked else None
    report.delivered = len(crowd.seconds) / len(nodes)
    report.details |= {
        "crowd": len(nodes),
        "find_p50_s": percentile(crowd.seconds, 0.5),
        "find_p99_s": percentile(crowd.seconds, 0.99),
        "sources": len(crowd.asked),
        "load_max": load,
        "messages_per_s_max": max(heard) / took_s,
        "messages_per_s_p99": (percentile([float(count) for count in heard], 0.99) or 0.0) / took_s,
        "messages_per_s_mean": sum(heard) / len(heard) / took_s,
        "events": world.clock.events,
    }
    report.messages_per_node = sum(heard) / len(heard)
    report.expect("of the crowd who found a provider", report.delivered, least=1.0)
    load_max = max(LOAD_MAX, round(len(nodes) * ALONE_S / WITHIN_S))
    report.expect("requests at one provider", load, most=load_max)
    report.expect(
        "messages a second at the busiest node", report.details["messages_per_s_max"], most=MESSAGES_PER_S_MAX
    )
    world.judge(report)
    return report
