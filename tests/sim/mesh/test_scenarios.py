"""Scenarios of the mesh, small: figures and expectations; that one seed gives one run; that broken meshes are caught.

Seeds are drawn anew each time; a failure says how to see it again.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import inos_sim
from inos_sim.mesh import command
from inos_sim.mesh.options import Options
from inos_sim.mesh.report import Report

KEYS = {
    "nodes", "hops_p50", "hops_p99", "delivered", "gossip_hops_p99", "coverage", "messages_per_node",
    "duplicates_per_node", "detect_p99_s", "repair_p99_s", "lost", "false_suspicions", "poisoned", "wall_s",
}  # fmt: skip
NOT_OF_THE_SEED = {"wall_s", "cpu_s", "rss_mib"}
COMMAND = Path(inos_sim.__file__).parent / "__main__.py"


@pytest.fixture
def seed() -> int:
    return secrets.randbits(32)


def run(scenario: str, nodes: int, seed: int, **more: Any) -> Report:
    return command.run(Options(nodes, seed, scenario, **more))


def replay(report: Report) -> str:
    return f"--scenario {report.scenario} --nodes {report.nodes} --seed {report.seed}: {report.failures}"


@pytest.mark.parametrize("scenario", ["lookup", "gossip"])
def test_a_thousand_nodes(scenario: str, seed: int) -> None:
    report = run(scenario, 1_000, seed, idle=True)
    assert not report.failures, replay(report)


@pytest.mark.parametrize(("scenario", "nodes"), [("join", 40), ("heal", 60), ("flashcrowd", 100)])
def test_every_timer_live_and_every_message_bytes(scenario: str, nodes: int, seed: int) -> None:
    report = run(scenario, nodes, seed, wire=True)
    assert not report.failures, replay(report)


def test_a_split_mesh_becomes_one_again(seed: int) -> None:
    report = run("partition", 40, seed)
    assert not report.failures, replay(report)


def test_chunks_outlive_churn(seed: int) -> None:
    report = run("churn", 40, seed)
    assert report.lost == 0, replay(report)
    assert report.false_suspicions <= 1, replay(report)
    assert report.details["one_mesh"] == report.details["live"], replay(report)
    assert report.details["short_at_the_end"] == 0, replay(report)


def test_liars_hinder_little_and_are_never_believed(seed: int) -> None:
    report = run("byzantine", 60, seed)
    assert report.poisoned == 0, replay(report)
    assert report.delivered >= 0.8, replay(report)
    assert all(report.details[f"lies_{percent}"] > 100 for percent in (10, 20, 30))


@pytest.mark.parametrize("scenario", ["lookup", "heal"])
def test_one_seed_is_one_run(scenario: str, seed: int) -> None:
    one, two = ({**run(scenario, 40, seed).as_json()} for _ in range(2))
    assert {key: one[key] for key in one.keys() - NOT_OF_THE_SEED} == {
        key: two[key] for key in two.keys() - NOT_OF_THE_SEED
    }
    other = run(scenario, 40, seed + 1).as_json()
    assert other["events"] != one["events"]


@pytest.mark.parametrize("scenario", ["gossip", "byzantine"])
def test_one_seed_is_one_run_in_any_process(scenario: str, seed: int) -> None:
    """The command that a failure prints replays it, however that process orders its sets of bytes."""
    words = [sys.executable, str(COMMAND), "--scenario", scenario, "--nodes", "30", "--seed", str(seed), "--json"]
    runs = [
        subprocess.Popen([*words, "--idle"], env={**os.environ, "PYTHONHASHSEED": order}, stdout=subprocess.PIPE)
        for order in ("1", "2")
    ]
    one, two = (json.loads(process.communicate()[0].splitlines()[-1]) for process in runs)
    assert {key: one[key] for key in one.keys() - NOT_OF_THE_SEED} == {
        key: two[key] for key in two.keys() - NOT_OF_THE_SEED
    }


@pytest.mark.parametrize(
    ("scenario", "nodes", "bug", "said"),
    [
        ("lookup", 40, "no-answers", "look-ups that end at the true closest node, at rest"),
        ("gossip", 200, "no-graft", "coverage"),
        ("heal", 40, "no-refutation", "live nodes held for dead"),
    ],
)
def test_a_broken_mesh_is_caught(scenario: str, nodes: int, bug: str, said: str) -> None:
    report = run(scenario, nodes, 5, seed_bug=bug)
    assert any(failure.startswith(said) for failure in report.failures), replay(report)


def test_the_command_says_what_failed_and_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--scenario", "lookup", "--nodes", "30", "--seed", "7", "--json", "--idle"]
    assert command.main(words) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() > KEYS | {"seed", "scenario"}
    assert (figures["nodes"], figures["seed"], figures["delivered"], figures["lost"]) == (30, 7, 1.0, None)
    assert command.main([*words, "--seed-bug", "no-answers"]) == 1
    said = capsys.readouterr()
    assert "seed 7: " in said.err
    assert "npm run sim:mesh -- --nodes 30 --scenario lookup --seed 7 --idle --seed-bug no-answers" in said.err


def test_growth_is_judged_by_its_steps() -> None:
    def reports(*values: float) -> list[dict[str, Any]]:
        sizes = (1_000, 10_000, 100_000)
        return [
            {"scenario": "lookup", "nodes": n, "hops_mean": v} for n, v in zip(sizes, values, strict=True)
        ]  # fmt: skip

    fit, outruns = command._fits(reports(3.0, 4.0, 5.0))["lookup hops_mean"]
    assert not outruns
    assert fit["per_doubling"] == pytest.approx(0.301, abs=0.001)
    assert fit["r2"] == 1.0
    assert command._fits(reports(3.0, 4.0, 9.0))["lookup hops_mean"][1]
