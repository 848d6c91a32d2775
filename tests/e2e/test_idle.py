"""No busy loops: a node that has nothing to do leaves the processor alone, as /proc counts it.

A browser is not done with a page when it has loaded: its collectors and compilers visit it for about a minute (0.15 s of work
at a time, seen in threads of the browser's own pool). A loop of ours would show in every window, so the first quiet one decides.
"""

from __future__ import annotations

import time

import pytest
from node import open_node
from processes import cpu_s
from server import Server

from conftest import BROWSERS, Start

SLICE_S = 5.0
WINDOW_SLICES = 6
SLICES_MAX = 24
SHARE_MAX = 0.01


@pytest.mark.alone
def test_an_idle_node_uses_almost_no_processor_time(start: Start, server: Server, own_server: Server) -> None:
    """Each browser has a server of its own, so that they are no mesh. The window moves on until both had a quiet one."""
    nodes = [open_node(start(name), where) for name, where in zip(BROWSERS, (server, own_server), strict=True)]
    processes = [node.browser.process for node in nodes]
    marks = [(time.monotonic(), [cpu_s(process) for process in processes])]
    quietest = [1.0 for _ in processes]
    while max(quietest) >= SHARE_MAX and len(marks) <= SLICES_MAX:
        time.sleep(SLICE_S)  # the window itself: there is nothing to wait for
        marks.append((time.monotonic(), [cpu_s(process) for process in processes]))
        if len(marks) > WINDOW_SLICES:
            (began_s, before), (ended_s, after) = marks[-1 - WINDOW_SLICES], marks[-1]
            both = zip(quietest, before, after, strict=True)
            quietest = [min(known, (used - had) / (ended_s - began_s)) for known, had, used in both]
    for name, share in zip(BROWSERS, quietest, strict=True):
        print(f"{name}: {share:.2%} of one core in the quietest of {len(marks) - WINDOW_SLICES} windows")
        assert share < SHARE_MAX, name
