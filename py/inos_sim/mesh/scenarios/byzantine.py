"""Ten, twenty, thirty per cent of liars (T14): they drop, forge, replay, and eclipse one key together.

Honest nodes provide keys and look for them while liars are among them. One key is eclipsed: the liars claim links to its
neighbourhood, and ECLIPSING of the nodes closest to it are liars. A look-up *succeeds* if the true provider is among what was
found. Expectations: 99, 95, 80 % succeed, as many plain look-ups end at the closest node that answers, and no record is accepted
that its author did not sign for this key and room.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from inos.dht.records import Record
from inos.errors import InosError
from inos.tasks import Future
from inos_sim.mesh.liars import Conspiracy
from inos_sim.mesh.node import Node
from inos_sim.mesh.options import Options
from inos_sim.mesh.population import START_S, standing
from inos_sim.mesh.report import Report
from inos_sim.mesh.scenarios.asking import look_up, share_exact
from inos_sim.mesh.world import World

SHARES = ((10, 0.99), (20, 0.95), (30, 0.80))
KEYS = 100
FINDS = 300
ECLIPSED_EVERY = 20  # of the finds, one is for the eclipsed key
ECLIPSING = 4  # of the 8 closest
STORED_S = 15.0
SPACING_S = 0.05
WAIT_S = 30.0


def run(options: Options) -> Report:
    """The scenario."""
    report = Report(options.scenario, options.nodes, options.seed, poisoned=0)
    delivered = []
    for percent, least in SHARES:
        found = _one(replace(options, seed=options.seed + percent), percent, report)
        report.expect(f"look-ups that succeed among {percent} % of liars", found, least=least)
        report.expect(
            f"closest nodes found among {percent} % of liars", report.details[f"exact_{percent}"], least=least
        )
        delivered.append(found)
    report.delivered = min(delivered)
    report.expect("records accepted that nobody signed", report.poisoned, most=0)
    return report


def _one(options: Options, percent: int, report: Report) -> float:
    world = standing(options)
    rng = world.rng
    eclipsed = rng.randbytes(32)
    closest = [world.by_id[peer_id] for peer_id in world.oracle.closest(eclipsed, 8)]
    liars = rng.sample(closest, ECLIPSING)
    count = max(ECLIPSING, round(percent / 100 * options.nodes))
    liars += rng.sample([node for node in world.nodes if node not in liars], count - len(liars))
    honest = [node for node in world.nodes if node not in liars]
    conspiracy = Conspiracy(world, liars, eclipsed)
    world.clock.run_for(START_S)
    provided = {rng.randbytes(32) if number else eclipsed: rng.choice(honest) for number in range(KEYS)}
    for key, provider in provided.items():
        provider.call(provider.mesh.provide, key)
    world.clock.run_for(STORED_S)
    finding = Finding(world, provided)
    keys = list(provided)
    for number in range(FINDS):
        key = eclipsed if number % ECLIPSED_EVERY == 0 else rng.choice(keys[1:])
        asker = rng.choice(
            [node for node in (rng.choice(honest), rng.choice(honest)) if node is not provided[key]] or honest
        )
        world.clock.after(number * SPACING_S, finding.begin, asker, key)
    world.clock.run_for(FINDS * SPACING_S + WAIT_S, lambda: finding.ended == FINDS)
    exact = look_up(world, KEYS, rng, spacing_s=SPACING_S, askers=honest)
    found = finding.succeeded / FINDS
    assert report.poisoned is not None
    report.poisoned += finding.poisoned
    report.details |= {
        f"found_{percent}": found,
        f"found_eclipsed_{percent}": finding.eclipsed_found / (FINDS // ECLIPSED_EVERY),
        f"exact_{percent}": share_exact(exact),
        f"lies_{percent}": conspiracy.lies,
        f"refused_{percent}": sum(world.violations.values()),
    }
    world.violations.clear()  # liars are refused now and then: that is how it should be
    for error in world.crashes:
        report.failures.append(f"a task failed: {error!r}")
    return found


class Finding:
    """Look-ups for providers, each judged."""

    def __init__(self, world: World, provided: dict[bytes, Node]) -> None:
        self._world = world
        self._provided = provided
        self._eclipsed = next(iter(provided))
        self.ended = self.succeeded = self.poisoned = self.eclipsed_found = 0

    def begin(self, asker: Node, key: bytes) -> None:
        """Look one up."""
        future = asker.call(asker.mesh.find, key)
        future.on_done(partial(self._judge, key, future))

    def _judge(self, key: bytes, future: Future[list[Record]]) -> None:
        self.ended += 1
        try:
            records = future.result()
        except InosError:
            return
        authors = {record.author for record in records}
        self.poisoned += len(authors - {self._provided[key].peer_id})  # nobody else provides it
        if self._provided[key].peer_id in authors:
            self.succeeded += 1
            self.eclipsed_found += key == self._eclipsed
