"""No busy loops: a node that has nothing to do leaves the processor alone, as /proc counts it.

A browser is not done with a page when it has loaded: its collectors and compilers visit it for about a minute (0.15 s of work
at a time, seen in threads of the browser's own pool). A loop of ours would show in every window, so the first quiet one decides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil
import pytest
from node import open_node
from processes import cpu_s
from server import Server

from conftest import BROWSERS, Start

WINDOW_S = 30.0
WINDOWS_MAX = 4
SHARE_MAX = 0.01


def shares_of(processes: Sequence[psutil.Process]) -> list[float]:
    """What part of one core each browser uses over the next window."""
    before, began = [cpu_s(process) for process in processes], time.monotonic()
    time.sleep(WINDOW_S)  # the window itself: there is nothing to wait for
    took_s = time.monotonic() - began
    return [(cpu_s(process) - used) / took_s for process, used in zip(processes, before, strict=True)]


@pytest.mark.alone
def test_an_idle_node_uses_almost_no_processor_time(start: Start, server: Server, own_server: Server) -> None:
    """Each browser has a server of its own, so that they are no mesh."""
    nodes = [open_node(start(name), where) for name, where in zip(BROWSERS, (server, own_server), strict=True)]
    windows: list[list[float]] = []
    while len(windows) < WINDOWS_MAX and max(map(min, zip(*windows, strict=True)), default=1.0) >= SHARE_MAX:
        windows.append(shares_of([node.browser.process for node in nodes]))
    for name, shares in zip(BROWSERS, zip(*windows, strict=True), strict=True):
        print(f"{name}: {', '.join(f'{share:.2%}' for share in shares)} of one core in windows of {WINDOW_S:.0f} s")
        assert min(shares) < SHARE_MAX, name
