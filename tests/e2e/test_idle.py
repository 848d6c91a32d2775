"""No busy loops: a node that has nothing to do leaves the processor alone, as /proc counts it.

A browser is not done with a page when it has loaded: its collectors and compilers visit it for about a minute (0.15 s of work
at a time, seen in threads of the browser's own pool). A loop of ours would show in every window, so the quietest one decides.
And a browser does things of its own all the while (Firefox on a slow machine up to 1 % of a core): what one does that shows no
page, in the same time beside, is taken off.
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
    """Each browser has a server of its own, so that they are no mesh. The window moves on until all had a quiet one."""
    empty = [start(name).process for name in BROWSERS]
    nodes = [open_node(start(name), where) for name, where in zip(BROWSERS, (server, own_server), strict=True)]
    processes = [*empty, *(node.browser.process for node in nodes)]
    marks: list[tuple[float, list[float]]] = []
    quietest = [1.0 for _ in processes]
    added = [1.0 for _ in nodes]
    while max(added) >= SHARE_MAX and len(marks) <= SLICES_MAX:
        if marks:
            time.sleep(SLICE_S)  # the window itself: there is nothing to wait for
        marks.append((time.monotonic(), [cpu_s(process) for process in processes]))
        if len(marks) > WINDOW_SLICES:
            (began_s, before), (ended_s, after) = marks[-1 - WINDOW_SLICES], marks[-1]
            each = zip(quietest, before, after, strict=True)
            quietest = [min(known, (used - had) / (ended_s - began_s)) for known, had, used in each]
            added = [shown - alone for alone, shown in zip(quietest[: len(empty)], quietest[len(empty) :], strict=True)]
    for name, share, alone in zip(BROWSERS, added, quietest, strict=False):
        print(
            f"{name}: {share:.2%} of one core, and {alone:.2%} of its own, in the quietest windows of {len(marks) - 1} slices"
        )
        assert share < SHARE_MAX, name
