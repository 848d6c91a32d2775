"""`npm run sim:disk -- [--states N] [--seed N] [--jobs N] [--json] [--seed-bug NAME] [--replay PATH]`.

Crashes a vault on a simulated disk everywhere, opens what is left, and compares it with what was acknowledged (see
``inos_sim.campaign``): every script of up to three operations, then random ones until N states were opened. ``--replay``
looks at the one state whose path a failure printed. Only states that were really opened and verified are counted; images that
are equal under the same claim are opened once for each script. The last line of --json is
``{"states", "lost", "resurrected", "wrong", "untyped", "seed"}``; the exit code is 1 if any but the first and last is not zero.

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
from itertools import islice

from inos_sim.bugs import BUGS, Bug, clean
from inos_sim.campaign import BREACHES, Campaign, Tally, script_of, scripts

FAILURES_SHOWN_MAX = 10
AHEAD_PER_JOB = 8
SAY_EVERY_S = 10.0

_campaigns: list[Campaign] = []


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether every promise was kept."""
    options = _parser().parse_args(arguments)
    if options.replay is not None:
        tally = Campaign(options.seed, _bug(options.seed_bug), only=options.replay).job(script_of(options.replay))
        if not tally.states:
            print(f"there is no state {options.replay}", file=sys.stderr)
            return 2
    else:
        tally = run(options.states, options.seed, options.jobs, options.seed_bug, _Progress(options.states))
    _show(tally, options)
    return 1 if tally.breaches.total() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="npm run sim:disk --", description="Crash a vault on a simulated disk.")
    parser.add_argument("--states", type=int, default=100_000, help="stop after this many crash states")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--seed-bug", choices=sorted(BUGS), help="break the disk so that the campaign must fail")
    parser.add_argument("--replay", metavar="PATH", help="look at one state only")
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


def _show(tally: Tally, options: argparse.Namespace) -> None:
    for path, kind, text in tally.failures[:FAILURES_SHOWN_MAX]:
        bug = f" --seed-bug {options.seed_bug}" if options.seed_bug else ""
        print(f"{kind}: {text}\n    npm run sim:disk -- --seed {options.seed}{bug} --replay '{path}'")
    counts = {kind: tally.breaches[kind] for kind in BREACHES}
    if options.json:
        print(json.dumps({"states": tally.states, **counts, "seed": options.seed}), flush=True)
    else:
        words = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        print(f"{tally.states} crash states: {words} (seed {options.seed})", flush=True)
