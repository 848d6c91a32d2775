"""Nodes come and go, then three in ten vanish at once; chunks must outlive them (issue 5, T13).

Sessions have a half-life of 10 minutes, arrivals keep the number; half of those that go say goodbye. Packets are lost at 5 % and
jitter reorders pings. A chunk is *lost* if at some moment a live node held it, and it went although nodes that held it lived
on long enough for a repair: gone from all live disks at the end, while its holders did not die within REPAIR_MAX_S of each
other. Expectations: none is lost, R copies again within 5 s of detection at p99 (T13), nobody alive held for dead, one mesh at
the end.
"""

from __future__ import annotations

import math

from inos_sim.mesh.keeper import Keepers
from inos_sim.mesh.network import Weather
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import START_S, arrive, one_mesh, standing
from inos_sim.mesh.report import Report, percentile
from inos_sim.mesh.scenarios.asking import look_up, share_exact
from inos_sim.mesh.scenarios.watching import Watching
from inos_sim.mesh.world import World

WEATHER = Weather(loss=0.05, jitter=0.5)
HALF_LIFE_S = 600.0
CHURN_S = 60.0
VANISHING = 0.3
AFTER_S = 45.0
COPIES = 3
CHUNKS_PER_NODE = 0.3
PLACED_S = 30.0
REPAIR_MAX_S = 5.0
FIRST_MAX_S = 1.5  # from a death to the first who knows, at p99: siblings and partners are pinged four times a second
DETECT_MAX_S = 4.0  # to all who had a link: the others are pinged once a second, or are told
LOOKUPS = 100


class Redundancy:
    """When each chunk had too few copies, and for how long."""

    def __init__(self, world: World, keepers: Keepers, watching: Watching) -> None:
        self._world = world
        self._keepers = keepers
        self._watching = watching
        self._short: dict[bytes, tuple[float, bytes]] = {}  # since when, and by whose death
        self.seconds: list[float] = []  # from the first verdict on the dead to R copies again
        self.from_death: list[float] = []
        self.gone: dict[bytes, float] = {}  # chunks without any live copy, and since when
        keepers.on_kept = self._on_kept

    def before_death(self, node: Node) -> list[bytes]:
        """Chunks that it holds."""
        return [bid for bid, holders in self._keepers.holders.items() if node.number in holders]

    def after_death(self, node: Node, bids: list[bytes]) -> None:
        """It is gone now."""
        for bid in bids:
            live = len(self._keepers.live(bid))
            if live < COPIES:
                self._short[bid] = (self._world.clock.now, node.peer_id)
            if not live:
                self.gone.setdefault(bid, self._world.clock.now)
                self._short.pop(bid, None)

    def left_short(self) -> int:
        """Chunks that live and lack copies."""
        return sum(0 < len(self._keepers.live(bid)) < COPIES for bid in self._keepers.holders)

    def _on_kept(self, bid: bytes) -> None:
        if bid in self._short and len(self._keepers.live(bid)) >= COPIES:
            began_s, dead = self._short.pop(bid)
            took_s = self._world.clock.now - began_s
            self.from_death.append(took_s)
            self.seconds.append(max(0.0, took_s - self._watching.first_s.get(dead, 0.0)))


def run(options: Options) -> Report:
    """The scenario."""
    world = standing(options, weather=WEATHER)
    report = Report(options.scenario, options.nodes, options.seed)
    watching = Watching(world)
    keepers = Keepers(world)
    redundancy = Redundancy(world, keepers, watching)
    world.clock.run_for(START_S)
    for node in world.nodes:
        keepers.equip(node)
    for _ in range(math.ceil(CHUNKS_PER_NODE * options.nodes)):
        keepers.put(world.rng.choice(world.nodes), COPIES)
    world.clock.run_for(PLACED_S)
    placed = sum(len(keepers.live(bid)) >= COPIES for bid in keepers.holders)
    deaths = _churn(world, options, watching, keepers, redundancy)
    before = {bid: keepers.live(bid) for bid in keepers.holders}
    vanishing = world.rng.sample(world.alive(), round(VANISHING * len(world.oracle)))
    held = [redundancy.before_death(node) for node in vanishing]
    for node in vanishing:
        watching.kill(node)
    for node, bids in zip(vanishing, held, strict=True):
        redundancy.after_death(node, bids)
    survivors = {bid for bid, live in before.items() if any(world.nodes[number].alive for number in live)}
    world.clock.run_for(AFTER_S)
    lost = sum(not keepers.live(bid) for bid in survivors)
    outcomes = look_up(world, LOOKUPS, world.rng, spacing_s=0.02)
    watching.fill(report)
    report.lost = lost + sum(not live for live in before.values())
    report.repair_p99_s = percentile(redundancy.seconds, 0.99)
    report.delivered = share_exact(outcomes)
    report.details |= {
        "chunks": len(keepers.holders),
        "placed": placed,
        "deaths": deaths + len(vanishing),
        "all_holders_vanished": len(keepers.holders) - len(survivors),
        "repairs": len(redundancy.seconds),
        "repair_p50_s": percentile(redundancy.seconds, 0.5),
        "repair_from_death_p99_s": percentile(redundancy.from_death, 0.99),
        "short_at_the_end": redundancy.left_short(),
        "unnoticed": watching.unnoticed(),
        "one_mesh": one_mesh(world),
        "live": len(world.oracle),
        "events": world.clock.events,
    }
    report.expect("chunks lost", report.lost, most=0)
    report.expect("chunks with all copies once placed", placed, least=len(keepers.holders))
    report.expect("seconds to R copies, from detection, at p99", report.repair_p99_s, most=REPAIR_MAX_S)
    report.expect("chunks that lack copies at the end", report.details["short_at_the_end"], most=0)
    report.expect("seconds until somebody knows at p99", report.details["detect_first_p99_s"], most=FIRST_MAX_S)
    report.expect("seconds until all neighbours know at p99", report.detect_p99_s, most=DETECT_MAX_S)
    report.expect("live nodes held for dead", report.false_suspicions, most=0)
    report.expect("dead neighbours that nobody noticed", report.details["unnoticed"], most=0)
    report.expect("nodes in the largest mesh", one_mesh(world), least=len(world.oracle))
    report.expect("look-ups that end at the true closest node", report.delivered, least=0.99)
    world.judge(report)
    return report


def _churn(world: World, options: Options, watching: Watching, keepers: Keepers, redundancy: Redundancy) -> int:
    """Some go, as many come. How many went."""
    rate = options.nodes * math.log(2) / HALF_LIFE_S
    end_s = world.clock.now + CHURN_S
    deaths = 0
    while True:
        world.clock.run_for(world.rng.expovariate(rate))
        if world.clock.now >= end_s:
            return deaths
        deaths += 1
        victim = world.rng.choice(world.alive())
        bids = redundancy.before_death(victim)
        if deaths % 2:
            watching.kill(victim)
        else:
            world.leave(victim)
        redundancy.after_death(victim, bids)
        newcomer = arrive(world, world.rng.choice(world.alive()))
        watching.follow(newcomer)
        keepers.equip(newcomer)
