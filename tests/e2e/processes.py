"""Processes of a browser under test: which they are, what memory and time they take, how to end them at once.

Invariants: only the process given and what it has started are ever looked at or ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

SAMPLE_S = 0.2
WAIT_S = 10.0


def find_by_word(word: str) -> psutil.Process:
    """The topmost process that has `word` on its command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if word in process.cmdline():
                found.append(process)
    pids = {process.pid for process in found}
    for process in found:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in pids:
                return process
    raise LookupError(f"no process has {word!r} on its command line")


def family(root: psutil.Process) -> list[psutil.Process]:
    """A process and all that descend from it."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_family(members: list[psutil.Process], number: signal.Signals) -> float:
    """A signal to all of a family, at once where it is a process group of its own, the topmost first; when, in s of the clock."""
    at_s = time.time()
    for root in members[:1]:
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(root.pid) == root.pid:
                os.killpg(root.pid, number)
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(number)
    return at_s


def kill_family(root: psutil.Process) -> float:
    """End all of a family; when, in s of the clock."""
    members = family(root)
    at_s = signal_family(members, signal.SIGKILL)
    psutil.wait_procs(members, timeout=WAIT_S)
    return at_s


def pss_bytes(root: psutil.Process) -> int:
    """Memory of a family, shared pages counted once: the sum of Pss over its processes, without pages of mapped files.

    Those are the program itself: a page of it that another browser uses too is shared out among all, so that our part of it
    grew by 150 MiB when a browser beside ended.
    """
    total = 0
    for member in family(root):
        with contextlib.suppress(OSError):  # it ended meanwhile
            for line in Path(f"/proc/{member.pid}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    return total


def cpu_s(root: psutil.Process) -> float:
    """Processor time that a family has used, with that of its members that have ended."""
    total = 0.0
    for member in family(root):
        with contextlib.suppress(psutil.Error):  # it ended just now; its parent has its time
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


class PssWatch:
    """Samples a family's memory in a thread, from `with` to its end."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            self.samples.append(pss_bytes(self._root))
            self._ended.wait(SAMPLE_S)

    @property
    def peak_bytes(self) -> int:
        """The highest sample."""
        return max(self.samples)
