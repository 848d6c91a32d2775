"""`npm run sim:disk -- [--states N] [--seed N] [--jobs N] [--json] [--seed-bug NAME] [--replay PATH]`.

Crashes a vault on a simulated disk everywhere, opens what is left, and compares it with what was acknowledged (see
``inos_sim.campaign``): every script of up to three operations, then random ones until N states were opened. ``--replay``
looks at the one state whose path a failure printed. Only states that were really opened and verified are counted; images that
are equal under the same claim are opened once for each script. The last line of --json is
``{"states", "lost", "resurrected", "wrong", "untyped", "seed"}``; the exit code is 1 if any but the first and last is not zero.

In the place of all that: ``--faults`` fails every call, allocation and job of a script (``inos_sim.faults``), ``--bits N`` flips
a bit in each of N blocks (``inos_sim.bits``), ``--trace FILE`` crashes a recorded trace at its calls, at all of them or, with
--states, at so many states (``inos_sim.trace``). With --json they end with a line of their own.

Invariants: the same arguments give the same result, whatever ``--jobs``. Must not know: how states are made.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from inos_sim.bits import RotCampaign
from inos_sim.bugs import BUGS, Bug, clean
from inos_sim.campaign import BREACHES, Campaign, Tally, script_of, scripts
from inos_sim.faults import FaultCampaign
from inos_sim.trace import TraceCampaign

STATES = 100_000
FAILURES_SHOWN_MAX = 10
AHEAD_PER_JOB = 8
SAY_EVERY_S = 10.0

_campaigns: list[Campaign] = []


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether every promise was kept."""
    options = _parser().parse_args(arguments)
    if options.faults:
        return _faults(options)
    if options.bits is not None:
        return _bits(options)
    if options.trace is not None:
        return _trace(options)
    if options.replay is not None:
        tally = Campaign(options.seed, _bug(options.seed_bug), only=options.replay).job(script_of(options.replay))
        if not tally.states:
            print(f"there is no state {options.replay}", file=sys.stderr)
            return 2
    else:
        states = options.states or STATES
        tally = run(states, options.seed, options.jobs, options.seed_bug, _Progress(states))
    for path, kind, text in tally.failures[:FAILURES_SHOWN_MAX]:
        bug = f" --seed-bug {options.seed_bug}" if options.seed_bug else ""
        print(f"{kind}: {text}\n    npm run sim:disk -- --seed {options.seed}{bug} --replay '{path}'")
    return _end({"states": tally.states}, tally, {"seed": options.seed}, options)


def _faults(options: argparse.Namespace) -> int:
    campaign = FaultCampaign()
    tally = campaign.run()
    _show(tally)
    return _end({"sites": sum(campaign.sites.values()), **campaign.sites, "runs": campaign.runs}, tally, {}, options)


def _bits(options: argparse.Namespace) -> int:
    rot = RotCampaign(options.bits, options.seed).run()
    print(json.dumps(asdict(rot)) if options.json else rot, flush=True)
    return 0 if rot.ok else 1


def _trace(options: argparse.Namespace) -> int:
    campaign = TraceCampaign(options.trace, options.seed, options.states)
    tally = campaign.run()
    _show(tally)
    figures = {"calls": campaign.calls, "acknowledged": campaign.acknowledged, "states": tally.states}
    return _end(figures, tally, {"seed": options.seed}, options)


def _show(tally: Tally) -> None:
    for path, kind, text in tally.failures[:FAILURES_SHOWN_MAX]:
        print(f"{path}: {kind}: {text}")


def _end(figures: dict[str, int], tally: Tally, last: dict[str, int], options: argparse.Namespace) -> int:
    figures = {**figures, **{kind: tally.breaches[kind] for kind in BREACHES}, **last}
    print(json.dumps(figures) if options.json else ", ".join(f"{k} {v}" for k, v in figures.items()), flush=True)
    return 1 if tally.breaches.total() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="npm run sim:disk --", description="Crash a vault on a simulated disk.")
    parser.add_argument("--states", type=int, help=f"stop after this many crash states ({STATES})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--seed-bug", choices=sorted(BUGS), help="break the disk so that the campaign must fail")
    parser.add_argument("--replay", metavar="PATH", help="look at one state only")
    parser.add_argument("--faults", action="store_true", help="fail every call, allocation and job instead")
    parser.add_argument("--bits", type=int, metavar="N", help="flip a bit in each of N blocks instead")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="crash a recorded trace instead")
    return parser


def _bug(name: str | None) -> Bug:
    return clean if name is None else BUGS[name]


def run(
    states: int, seed: int, jobs: int = 1, bug: str | None = None, progress: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """A whole campaign."""
    total = Tally()
    for tally in _tallies(seed, jobs, bug):
        total.add(tally)
        progress(total)
        if total.states >= states:
            break
    return total


def _tallies(seed: int, jobs: int, bug: str | None) -> Iterator[Tally]:
    """What each script gave, in order, without end."""
    if jobs == 1:
        campaign = Campaign(seed, _bug(bug))
        yield from map(campaign.job, scripts(seed))
    todo = scripts(seed)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(seed, bug))
    try:
        ahead: deque[Future[Tally]] = deque(pool.submit(_job, script) for script in islice(todo, jobs * AHEAD_PER_JOB))
        while True:
            yield ahead.popleft().result()
            ahead.append(pool.submit(_job, next(todo)))
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(seed: int, bug: str | None) -> None:
    """In each process, once."""
    _campaigns[:] = [Campaign(seed, _bug(bug))]


def _job(script: str) -> Tally:
    return _campaigns[0].job(script)


class _Progress:
    """A line on stderr now and then."""

    def __init__(self, states: int) -> None:
        self._states = states
        self._began = self._said = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            rate = tally.states / (now - self._began)
            found = f", {tally.breaches.total()} breaches" if tally.breaches else ""
            print(f"{tally.states} of {self._states} states, {rate:.0f}/s{found}", file=sys.stderr, flush=True)
