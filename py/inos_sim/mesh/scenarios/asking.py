"""Many look-ups, each judged by the oracle.

Nouns: an *outcome* is one look-up that ended: exact if the closest of all nodes that live and answer was found. What does not
end in LOOKUP_WAIT_S counts as failed. Must not know: why they are asked.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from inos.dht.result import Lookup
from inos.errors import InosError
from inos.tasks import Future
from inos_sim.mesh.node import Node
from inos_sim.mesh.world import World

LOOKUP_WAIT_S = 30.0
LIVE_LOOKED_AT = 16  # for one that answers


@dataclass(frozen=True)
class Outcome:
    """One look-up. ``seconds`` as the asker's clock has it."""

    exact: bool
    hops: int
    seconds: float
    copies: int = 0


def look_up(
    world: World, count: int, rng: random.Random, *, spacing_s: float, askers: Sequence[Node] | None = None
) -> list[Outcome]:
    """So many look-ups of random keys by random live nodes, one every ``spacing_s``; all outcomes once all have ended."""
    outcomes: list[Outcome] = []
    nodes = [node for node in (world.alive() if askers is None else askers) if node.runs]
    for number in range(count):
        asker, key = rng.choice(nodes), rng.randbytes(32)
        world.clock.after(number * spacing_s, _ask, world, asker, key, outcomes)
    world.clock.run_for(count * spacing_s + LOOKUP_WAIT_S, lambda: len(outcomes) == count)
    missing = count - len(outcomes)
    return outcomes + [Outcome(exact=False, hops=0, seconds=LOOKUP_WAIT_S)] * missing


def _ask(world: World, asker: Node, key: bytes, outcomes: list[Outcome]) -> None:
    future = asker.call(asker.mesh.lookup, key)
    future.on_done(partial(_ended, world, key, world.clock.now, future, outcomes))


def _ended(world: World, key: bytes, began_s: float, future: Future[Lookup], outcomes: list[Outcome]) -> None:
    seconds = world.clock.now - began_s
    try:
        found = future.result()
    except InosError:
        outcomes.append(Outcome(exact=False, hops=0, seconds=seconds))
        return
    closest = (world.by_id[peer_id] for peer_id in world.oracle.closest(key, LIVE_LOOKED_AT))
    true = next((node.peer_id for node in closest if node.liar is None or not node.liar.is_mute), None)
    exact = found.peer_ids[0] == true
    outcomes.append(Outcome(exact, found.hops, seconds, found.copies))


def share_exact(outcomes: Sequence[Outcome]) -> float:
    """How many ended at the true closest node."""
    return sum(outcome.exact for outcome in outcomes) / len(outcomes)
