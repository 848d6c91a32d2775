"""`npm run fuzz -- [--seconds N] [--target NAME,NAME] [--seed N] [--json]`: every parser under bytes that nobody would write.

The targets (`tests/fuzz/targets`) share the time; atheris, which is led by coverage, gets three quarters of each share, and
Hypothesis the rest, or all where atheris has no build for this Python. What is found is written to `.cache/fuzz/findings`
and ends the run with exit code 1: mend it, and put the input into `tests/fuzz/corpus/TARGET/found-WORDS`, which `npm test` runs.
With --json the last line is {"executions", "findings", "targets", "seed"}.
Runs in `.venv`, each engine in a process of its own that gives way to everything else (nice 19).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "unit")]

from tests.fuzz.target import load, name_of, names  # noqa: E402 - our own folders come first on the path

FOLDER = ROOT / ".cache" / "fuzz"
FINDINGS = FOLDER / "findings"
SECONDS_DEFAULT = 300
GUIDED_SHARE = 0.75
OUTPUT_LINES = 60
MARGIN_S = 120.0  # over the time an engine was given: starting, and one input that is not refused in time
EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True)
class Outcome:
    """What one engine did on one target."""

    engine: str
    executions: int
    seconds: float
    findings: list[Path]
    output: str


def run(engine: str, name: str, seconds: int, seed: int) -> Outcome:
    """One engine on one target."""
    grown = FOLDER / "grown" / name
    grown.mkdir(parents=True, exist_ok=True)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    before = set(FINDINGS.iterdir())
    words = [sys.executable, str(ROOT / "tests" / "fuzz" / "child.py"), engine, name, str(seconds), str(seed)]
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*words, str(FINDINGS), str(grown)],
            cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=seconds + MARGIN_S, preexec_fn=lambda: os.nice(19), check=False,
        )  # fmt: skip
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, code = f"it did not end: {expired}", 1
    took = time.monotonic() - started
    executed = EXECUTED.findall(output)
    findings = sorted(set(FINDINGS.iterdir()) - before)
    if (code != 0 or not executed) and not findings:  # it died without a word: that is one too
        lost = FINDINGS / f"{name}-{engine}-{name_of(output.encode())}.txt"
        lost.write_text(output, "utf-8")
        findings = [lost]
    return Outcome(engine, int(executed[-1]) if executed else 0, took, findings, output)


def fuzz(name: str, seconds: float, seed: int, *, has_atheris: bool) -> list[Outcome]:
    """Every engine on one target."""
    load(name)  # a target that cannot be loaded is a mistake of ours, not a finding
    share = (
        {"guided": seconds * GUIDED_SHARE, "drawn": seconds * (1 - GUIDED_SHARE)} if has_atheris else {"drawn": seconds}
    )
    outcomes = [run(engine, name, max(1, round(part)), seed) for engine, part in share.items()]
    for one in outcomes:
        rate = one.executions / max(one.seconds, 0.001)
        print(
            f"fuzz  {name:12} {one.engine:7} {one.executions:>11,} executions {rate:>9,.0f}/s  {len(one.findings)} found",
            flush=True,
        )
        for found in one.findings:
            print(f"      {found.relative_to(ROOT)}", flush=True)
        if one.findings:
            lines = [line for line in one.output.splitlines() if not line.startswith(("INFO:", "WARNING:"))]
            print("\n".join(lines[-OUTPUT_LINES:]), flush=True)
    return outcomes


def main(arguments: list[str]) -> int:
    """The exit code; 0 means that nothing was found."""
    parser = argparse.ArgumentParser(
        prog="npm run fuzz --", description="Feed every parser with bytes that nobody would write."
    )
    parser.add_argument(
        "--seconds", type=int, default=SECONDS_DEFAULT, help=f"for all together (default {SECONDS_DEFAULT})"
    )
    parser.add_argument("--target", help=f"some of them, separated by commas: {', '.join(names())}")
    parser.add_argument("--seed", type=int, help="the same seed draws the same inputs")
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    chosen = options.target.split(",") if options.target else names()
    unknown = [name for name in chosen if name not in names()]
    if unknown:
        parser.error(f"no such target: {unknown[0]}")
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    has_atheris = importlib.util.find_spec("atheris") is not None
    if not has_atheris:
        print(
            "fuzz  atheris has no build for this Python (3.11 to 3.13 on 64-bit Linux have): Hypothesis alone runs",
            flush=True,
        )
    done = [one for name in chosen for one in fuzz(name, options.seconds / len(chosen), seed, has_atheris=has_atheris)]
    executions, findings = sum(one.executions for one in done), sum(len(one.findings) for one in done)
    print(f"fuzz  {executions:,} executions, {findings} found, seed {seed}", flush=True)
    if options.json:
        print(
            json.dumps({"executions": executions, "findings": findings, "targets": len(chosen), "seed": seed}),
            flush=True,
        )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
