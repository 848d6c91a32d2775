"""The machine that was measured on, as far as it explains the figures. Names nothing that belongs to its owner."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil


def cpu_model() -> str:
    """The processor's name, or its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def memory_mib() -> int:
    """Installed memory, 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, ValueError, OSError):
        return 0


def load() -> list[float]:
    """Load averages, empty where there are none."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def facts(browser_version: str) -> dict[str, Any]:
    """All of it."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": cpu_model(),
        "memoryMiB": memory_mib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "browser": browser_version,
        "loadBefore": load(),
    }


class Contention:
    """How much of the processors others used while we measured: the first thing to know about a surprising figure."""

    def __init__(self) -> None:
        self._all = psutil.cpu_times()
        self._others_began = self._busy_s(self._all) - self._own_s()

    def share(self) -> float:
        """Others' part of all processor time since, by busy time less that of this process and its descendants."""
        now = psutil.cpu_times()
        others = self._busy_s(now) - self._own_s() - self._others_began
        return round(max(0.0, others) / max(1e-9, sum(now) - sum(self._all)), 3)

    @staticmethod
    def _busy_s(times: Any) -> float:
        idle = times.idle + getattr(times, "iowait", 0.0)
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user as well
        return float(sum(times) - idle - guests)

    @staticmethod
    def _own_s() -> float:
        """Processor time of the whole family, with what ended processes left to their parents."""
        total = 0.0
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue  # it ended just now; its parent has its time
            total += (
                times.user
                + times.system
                + getattr(times, "children_user", 0.0)
                + getattr(times, "children_system", 0.0)
            )
        return total
