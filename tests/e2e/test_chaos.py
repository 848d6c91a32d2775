"""A short run of `npm run chaos:kill`: what was acknowledged before a SIGKILL is there after it; and of its recorder."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import pytest
from tests.chaos.kill import Chaos, Outcome, Pace, keep_trace, replay
from tests.chaos.recorded import contents

from conftest import Start

PACE = Pace(acks_first=2, live_s=(0.0, 0.6), starting_share=0)
ROUNDS = {"chromium": 2, "firefox": 1}
QUIET_TIMEOUT_S = 20.0
POLL_S = 0.2
STATES = 160  # crash states of the recorded calls, on the simulated disk


@pytest.mark.parametrize("name", ROUNDS)
def test_kills_lose_nothing_that_was_acknowledged(launch: Start, tmp_path: Path, name: str) -> None:
    outcome = Outcome()
    chaos = Chaos(name, launch, tmp_path, random.Random(name), outcome, record=name == "chromium", pace=PACE)
    try:
        for _ in range(ROUNDS[name]):
            chaos.round()
        if name == "chromium":
            assert_the_trace_is_the_disk(chaos)
            keep_trace(chaos.server, tmp_path / "kept.jsonl")
    finally:
        chaos.close()
    print(outcome)
    assert outcome.is_good, outcome
    assert outcome.acknowledged >= 2 * outcome.rounds > 0
    assert outcome.verified > 0
    if name == "chromium":
        text, campaign = replay(tmp_path / "kept.jsonl", 1, STATES)
        print(text)
        assert campaign.acknowledged == outcome.acknowledged
        assert campaign.tally.states > STATES // 4
        assert not campaign.tally.breaches, text
        assert_a_missing_flush_would_show(tmp_path / "kept.jsonl")


def assert_the_trace_is_the_disk(chaos: Chaos) -> None:
    """Through all rounds and kills, the calls that were recorded make up the very files that are there."""
    deadline = time.monotonic() + QUIET_TIMEOUT_S
    while True:
        recorded = {name: hashlib.sha256(data).hexdigest() for name, data in contents(chaos.server.trace).items()}
        real = chaos.files()
        if recorded == real or time.monotonic() > deadline:
            break
        time.sleep(POLL_S)  # the pause of a poll with a deadline: something was being written between the two looks
    assert recorded == real
    assert {"sb0", "sb1", "keys", "log-a", "seg-0000"} <= set(real)


def assert_a_missing_flush_would_show(trace: Path) -> None:
    """The same calls without the flushes of the segments: acknowledged files must be missing in some crash state."""
    weak = trace.with_name("weak.jsonl")
    lines = trace.read_text("utf-8").splitlines(keepends=True)
    weak.write_text("".join(line for line in lines if '"op": "flush", "file": "seg-' not in line), "utf-8")
    weak.with_name("weak.jsonl.blobs").symlink_to(trace.with_name("kept.jsonl.blobs"))
    assert replay(weak, 1, STATES // 4)[1].tally.breaches["lost"] > 0
