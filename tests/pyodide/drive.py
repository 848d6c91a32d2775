"""pytest inside Pyodide: counts what passed, and prints failures in full.

The snapshot holds parts of ``inos`` from the build; they are forgotten, so that the checkout's sources are what is tested.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

CHECKOUT = "/checkout"
UNCOLLECTED_BYTES_MAX = 600 << 20
OWN = ("inos", "inos_web", "inos_host", "inos_sim")


class Counter:
    """A pytest plugin."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or (report.skipped and report.when != "teardown"):
            self.failed += 1  # nothing was shown by a test that was skipped
        elif report.passed and report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.failed += report.failed


def collect_by_bytes() -> None:
    """Worlds are cycles that hold arenas of up to 96 MiB; the collector counts objects, not bytes.

    Above 2 GiB of heap Pyodide 314 hands JavaScript negative addresses and fails far from the cause.
    """
    from inos_host.arena import HostArena

    make = HostArena.__init__
    uncollected_bytes = 0

    def collect_first(self: HostArena, size_bytes: int, *args: object) -> None:
        nonlocal uncollected_bytes
        uncollected_bytes += size_bytes
        if uncollected_bytes > UNCOLLECTED_BYTES_MAX:
            gc.collect()
            uncollected_bytes = size_bytes
        make(self, size_bytes, *args)

    HostArena.__init__ = collect_first


def run(args: list[str]) -> tuple[int, int]:
    """Run pytest; passed and failed."""
    for name in [name for name in sys.modules if name.split(".")[0] in OWN]:
        del sys.modules[name]
    sys.path[:0] = [f"{CHECKOUT}/py", f"{CHECKOUT}/tests/pyodide/wheels"]
    os.chdir(CHECKOUT)
    warnings.resetwarnings()
    importlib.invalidate_caches()  # the wheels were unpacked a moment ago
    import pytest

    collect_by_bytes()
    counter = Counter()
    # The debugger needs a terminal, and a part of the standard library that is not shipped.
    # Output is not captured by descriptor: there is no dup here. The cache would be written into the checkout.
    # A watchdog is a thread, and there is none to have.
    options = [
        "-p",
        "no:debugging",
        "--capture=sys",
        "--color=no",
        "-o",
        "cache_dir=/tmp/pytest",
        "-o",
        "faulthandler_timeout=0",  # it would start a thread
        "-q",
        "--durations=5",
    ]
    code = pytest.main([*options, *args], plugins=[counter])
    sys.stdout.flush()
    if code != 0 and counter.failed == 0:
        counter.failed = 1  # nothing was collected, or pytest itself failed
    return counter.passed, counter.failed
