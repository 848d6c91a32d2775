"""A short campaign keeps every promise, every deliberate bug is found, and a failure's path leads back to it."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from inos_sim.bugs import BUGS
from inos_sim.campaign import BREACHES, Campaign, Tally, script_of, scripts, sequences
from inos_sim.command import main, run
from inos_sim.script import KINDS

STATES = 3_000
RUNS = 12
SCRIPTS_MAX = 200


def test_a_short_campaign_keeps_every_promise() -> None:
    tally = run(STATES, seed=3)
    assert tally.states >= STATES
    assert not tally.failures


def test_random_scripts_keep_every_promise() -> None:
    campaign, total = Campaign(seed=3), Tally()
    for number in range(RUNS):
        total.add(campaign.job(f"run:{number}"))
    assert total.states > 1_000
    assert not total.failures


@pytest.mark.parametrize("name", sorted(BUGS))
def test_every_deliberate_bug_is_found(name: str) -> None:
    campaign = Campaign(3, BUGS[name])
    for script, _ in zip(scripts(3), range(SCRIPTS_MAX), strict=False):
        tally = campaign.job(script)
        if tally.breaches:
            break
    assert set(tally.breaches) <= set(BREACHES)
    path, kind, _ = tally.failures[0]
    again = Campaign(3, BUGS[name], only=path).job(script_of(path))  # nothing but that state, and its way there
    assert kind in {one for where, one, _ in again.failures if where == path}
    assert again.states < tally.states or tally.states < 10


def test_the_same_seed_gives_the_same_campaign() -> None:
    assert run(400, seed=5) == run(400, seed=5)


def test_every_sequence_of_three_of_nine_kinds_is_there() -> None:
    assert len(KINDS) == 9
    found = sequences()
    assert len(found) == len(set(found)) == 2 * 819
    beginning = [script for script, _ in zip(scripts(7), range(2 * 819), strict=False)]
    assert Counter(beginning) == Counter(found)


def test_the_command_ends_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--states", "50", "--seed", "3", "--jobs", "1", "--json"]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(line) == ["states", "lost", "resurrected", "wrong", "untyped", "seed"]
    assert main(["--states", "50", "--seed", "3", "--jobs", "1", "--json", "--seed-bug", "no-flush-segment"]) == 1
    out = capsys.readouterr().out
    assert "--replay" in out
    assert json.loads(out.splitlines()[-1])["lost"] > 0
