"""The server under test: `serve.py` as a process of its own on a free port, its output kept for failures.

Invariants: `start` returns when the server accepts; `kill` is SIGKILL, `restart` takes the same port again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0
POLL_S = 0.02
ADDRESS = re.compile(r"^INOS (https?://\S+:(\d+)/)$", re.MULTILINE)


class Server:
    """One `serve.py`."""

    def __init__(
        self, log: Path, host: str = "127.0.0.1", *, program: Path = ROOT / "serve.py", arguments: Sequence[str] = ()
    ) -> None:
        self._words = [sys.executable, str(program), *arguments, *(["--host", host] if host else []), "--no-open"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start on the port of last time, or on a free one, and wait until it accepts."""
        self._log.write_bytes(b"")
        words = [*self._words, "--port", str(self._port)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (found := ADDRESS.search(self.output())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"serve.py did not start:\n{self.output()}")
            time.sleep(POLL_S)  # the pause of a poll with a deadline
        self.url, self._port = found[1], int(found[2])

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
