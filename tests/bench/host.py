"""What the page asks the command for while it measures: native Brotli on the same chunks, and the browser's memory.

Nouns: *PSS* is proportional set size: memory that processes share counts once among them. It is *settled* when two looks
in a row differ by less than SETTLED_MIB, or after LOOKS_MAX looks.
Invariant: nothing of ours runs while the page does not ask.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from playwright.sync_api import Page

HERE = Path(__file__).resolve().parent
STOP_S = 10
SETTLED_MIB = 1.0
LOOK_S = 0.25
LOOKS_MAX = 8
BROTLI_OPS = ("encode", "decode")


class Native:
    """Node's zlib on one file of data."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> Self:
        words = [shutil.which("node") or "node", str(HERE / "native.mjs"), str(self._data)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(STOP_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def run(self, op: str, first: int, end: int) -> float | None:
        """Milliseconds that the chunks from `first` to `end` took; None if this is nothing that zlib does."""
        if op not in BROTLI_OPS:
            return None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, "from": first, "to": end}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return float(answer["ms"])


def browser_pss_mib() -> float:
    """PSS of the browser's processes: what descends from us and is no Python and no Node."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if not process.name().startswith(("python", "node")):
                total += process.memory_full_info().pss
        except psutil.Error:
            continue  # it ended just now
    return total / 1048576


def settled_pss_mib() -> float:
    """Once it no longer moves."""
    before = browser_pss_mib()
    for _ in range(LOOKS_MAX):
        time.sleep(LOOK_S)  # memory offers no event to wait for
        now = browser_pss_mib()
        if abs(now - before) < SETTLED_MIB:
            return now
        before = now
    return before


def offer(page: Page, native: Native | None) -> None:
    """Let the page call us; see `Bench.host` in web/page/bench/lab.js."""
    if native is not None:
        page.expose_function("inosBench_native", native.run)
    page.expose_function("inosBench_pss", settled_pss_mib)
    page.expose_function("inosBench_pssNow", browser_pss_mib)
