"""No busy loops: a node that has nothing to do leaves the processor alone, as /proc counts it.

A browser is not done with a page when it has loaded: its collectors and compilers visit it for about a minute (0.15 s of work
at a time, seen in threads of the browser's own pool). A loop of ours would show in every window, so the first quiet one decides.
"""

from __future__ import annotations

import time

import psutil
import pytest
from node import open_node
from processes import cpu_s
from server import Server

from conftest import BROWSERS, Start

WINDOW_S = 30.0
WINDOWS_MAX = 4
SHARE_MAX = 0.01


def share_of(process: psutil.Process) -> float:
    """What part of one core a browser uses over the next window."""
    before, began = cpu_s(process), time.monotonic()
    time.sleep(WINDOW_S)  # the window itself: there is nothing to wait for
    return (cpu_s(process) - before) / (time.monotonic() - began)


@pytest.mark.parametrize("name", BROWSERS)
def test_an_idle_node_uses_almost_no_processor_time(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    shares = []
    while len(shares) < WINDOWS_MAX and min(shares, default=1.0) >= SHARE_MAX:
        shares.append(share_of(node.browser.process))
    print(f"{name}: {', '.join(f'{share:.2%}' for share in shares)} of one core in windows of {WINDOW_S:.0f} s")
    assert min(shares) < SHARE_MAX
