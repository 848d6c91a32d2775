"""`npm test`: every test, in order of cost; `.ci/test.py unit|js|pyodide|e2e [-- arguments of pytest or node]` for a part.

unit     pytest over tests/unit, tests/properties, tests/conformance, tests/kernel, tests/sim
js       node --test over tests/js
pyodide  tests/pyodide/run.mjs: our Python inside Pyodide on Node; its last line is `N passed, N failed`
e2e      pytest over tests/e2e, real browsers, in a network namespace of its own where the system allows one

Invariants: all parts run, whatever fails; the last line is `N passed, N failed`; a part that dies without counting is
one failure; a skip is a failure where CI is set (tests/conftest.py sees to Python's, this file to Node's).
Runs in `.venv`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import netns
from stages import CACHE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

UNIT_FOLDERS = ("unit", "properties", "conformance", "kernel", "sim")
REPORTS = CACHE / "reports"
NODE_COUNT = re.compile(r"^(?:#|\u2139) (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
PLAIN_COUNT = re.compile(r"(\d+) passed, (\d+) failed")
NO_TESTS_COLLECTED = 5
PROCESSES = min(os.cpu_count() or 1, 4)  # of tests that leave each other alone
PROGRAM_TIMEOUT_S = 1_200.0  # several times what any part takes: one that hangs becomes a failure that shows its output
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@dataclass(frozen=True)
class Outcome:
    passed: int
    failed: int
    skipped: int = 0


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "py"), "PYTHONDONTWRITEBYTECODE": "1"}


def pytest(part: str, folders: list[str], extra: list[str], wrap: Callable[[list[str]], list[str]]) -> Outcome:
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{part}.xml"
    report.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *folders, *extra]
    code = subprocess.run(wrap(words), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, check=False).returncode
    counted = read_report(report) if report.exists() else Outcome(0, 0)
    if code not in {0, NO_TESTS_COLLECTED} and counted.failed == 0:
        return Outcome(counted.passed, 1, counted.skipped)
    return counted


def are_named(extra: list[str]) -> bool:
    """Whether files or tests are among the arguments: those are to be watched, so they run one by one."""
    return any((ROOT / word.partition("::")[0]).exists() for word in extra if not word.startswith("-"))


def read_report(report: object) -> Outcome:
    total = failed = skipped = 0
    for suite in ET.parse(str(report)).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it just now
        total += int(suite.get("tests", "0"))
        failed += int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        skipped += int(suite.get("skipped", "0"))
    return Outcome(max(0, total - failed - skipped), failed, skipped)


def streamed(words: list[str]) -> tuple[int, str]:
    """Run a program, show its output as it comes, and keep it."""
    output = []
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        alarm = threading.Timer(PROGRAM_TIMEOUT_S, process.kill)
        alarm.start()
        for line in process.stdout or ():
            output.append(line)
            print(line, end="", flush=True)
        alarm.cancel()
    return process.returncode, "".join(output)


def unit(extra: list[str]) -> Outcome:
    if are_named(extra):
        return pytest("unit", [], extra, lambda words: words)
    folders = [f"tests/{name}" for name in UNIT_FOLDERS if any((ROOT / "tests" / name).rglob("test_*.py"))]
    return pytest("unit", folders, ["-n", str(PROCESSES), "--dist", "worksteal", *extra], lambda words: words)


def javascript(extra: list[str]) -> Outcome:
    folder = ROOT / "tests" / "js"
    files = sorted(str(path.relative_to(ROOT)) for path in folder.rglob("*.test.*js"))
    if not files:
        return Outcome(0, 0)
    # By itself Node leaves one core idle, which on two cores is one file at a time.
    words = ["--test", "--test-reporter=spec", f"--test-concurrency={PROCESSES}", *extra, *files]
    code, output = streamed([shutil.which("node") or "node", *words])
    counts = dict.fromkeys(("pass", "fail", "cancelled", "skipped", "todo"), 0)
    counts.update({name: int(number) for name, number in NODE_COUNT.findall(output)})
    skipped = counts["skipped"] + counts["todo"]
    failed = counts["fail"] + counts["cancelled"] + (skipped if IN_CI else 0)
    return Outcome(counts["pass"], max(failed, int(code != 0)), skipped)


def pyodide(extra: list[str]) -> Outcome:
    runner = ROOT / "tests" / "pyodide" / "run.mjs"
    if not runner.is_file():
        return Outcome(0, 0)
    code, output = streamed([shutil.which("node") or "node", str(runner), *extra])
    counted = PLAIN_COUNT.findall(output)
    passed, failed = map(int, counted[-1]) if counted else (0, 0)
    return Outcome(passed, max(failed, int(code != 0 or not counted)))


def end_to_end(extra: list[str]) -> Outcome:
    if not any((ROOT / "tests" / "e2e").rglob("test_*.py")):
        return Outcome(0, 0)

    def wrap(words: list[str]) -> list[str]:
        inside, note = netns.wrapped(words)
        print(f"network: {note}", flush=True)
        return inside

    if are_named(extra):
        return pytest("e2e", [], extra, wrap)
    # Browsers mostly wait: two files at once use the cores, each with its own server. What measures runs after them, alone.
    together = pytest("e2e", ["tests/e2e"], ["-n", "2", "--dist", "loadfile", "-m", "not alone", *extra], wrap)
    alone = pytest("e2e-alone", ["tests/e2e"], ["-m", "alone", *extra], wrap)
    return Outcome(*(sum(counts) for counts in zip(astuple(together), astuple(alone), strict=True)))


PARTS: dict[str, Callable[[list[str]], Outcome]] = {
    "unit": unit,
    "js": javascript,
    "pyodide": pyodide,
    "e2e": end_to_end,
}


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, extra = arguments[:split] or list(PARTS), arguments[split + 1 :]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"unknown part {unknown[0]!r}; parts are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    summary: list[tuple[str, Outcome, float]] = []
    for name in names:
        print(f"==== {name}", flush=True)
        started = time.monotonic()
        outcome = PARTS[name](extra)
        summary.append((name, outcome, time.monotonic() - started))
    print("==== summary")
    for name, outcome, seconds in summary:
        skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
        print(f"{name:8} {outcome.passed} passed, {outcome.failed} failed{skipped} ({seconds:.1f} s)")
    passed = sum(outcome.passed for _, outcome, _ in summary)
    failed = sum(outcome.failed for _, outcome, _ in summary)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
