"""A short run of `npm run chaos:kill`: what was acknowledged before a SIGKILL is there after it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.chaos.kill import Chaos, Outcome, Pace

from conftest import Start

PACE = Pace(acks_first=2, live_s=(0.0, 0.6), starting_share=0)
ROUNDS = {"chromium": 2, "firefox": 1}


@pytest.mark.parametrize("name", ROUNDS)
def test_kills_lose_nothing_that_was_acknowledged(launch: Start, tmp_path: Path, name: str) -> None:
    outcome = Outcome()
    chaos = Chaos(name, launch, tmp_path, random.Random(name), outcome, pace=PACE)
    try:
        for _ in range(ROUNDS[name]):
            chaos.round()
    finally:
        chaos.close()
    print(outcome)
    assert outcome.is_good, outcome
    assert outcome.acknowledged >= 2 * outcome.rounds > 0
    assert outcome.verified > 0
