"""`npm run check`: every static check, one line each with its time; details of what failed come after.

All of them run, whatever fails, since one round of repairs is better than six. Runs in `.venv`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stages import ROOT

BIN = ROOT / "node_modules" / ".bin"
SHELL_SUFFIX = ".cmd" if os.name == "nt" else ""
PYTHON = sys.executable
IMPORT_LINTER = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir='.cache/imports'))"
)
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("ruff format", [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."]),
    ("ruff check", [PYTHON, "-m", "ruff", "check", "--quiet", "--output-format", "concise", "."]),
    ("mypy", [PYTHON, "-m", "mypy", "--no-error-summary"]),
    ("import-linter", [PYTHON, "-c", IMPORT_LINTER]),
    ("tsc page", [str(BIN / f"tsc{SHELL_SUFFIX}"), "-p", "tsconfig.page.json"]),
    ("tsc worker", [str(BIN / f"tsc{SHELL_SUFFIX}"), "-p", "tsconfig.worker.json"]),
    ("tsc shared", [str(BIN / f"tsc{SHELL_SUFFIX}"), "-p", "tsconfig.shared.json"]),
    ("api reference", [PYTHON, ".ci/api_reference.py", "--check"]),
    ("biome", [str(BIN / f"biome{SHELL_SUFFIX}"), "check", "--error-on-warnings", "."]),
)


@dataclass(frozen=True)
class Result:
    name: str
    output: str
    passed: bool
    seconds: float


def check(name: str, words: list[str]) -> Result:
    started = time.monotonic()
    # Caches go to .cache; lint-imports looks for the packages on the path.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "py"), "RUFF_CACHE_DIR": str(ROOT / ".cache" / "ruff")}
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Result(name, done.stdout + done.stderr, done.returncode == 0, time.monotonic() - started)


def main(names: list[str]) -> int:
    chosen = [entry for entry in CHECKS if not names or any(entry[0].startswith(name) for name in names)]
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for result in pool.map(lambda entry: check(*entry), chosen):
            verdict = "ok" if result.passed else "FAILED"
            print(f"check  {result.name:14} {verdict:7} {result.seconds:5.1f} s", flush=True)
            if not result.passed:
                failed.append(result)
    for result in failed:
        print(f"\n==== {result.name}\n{result.output.rstrip()}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
