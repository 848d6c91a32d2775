"""No busy loops: a node that has nothing to do leaves the processor alone, as /proc counts it."""

from __future__ import annotations

import time

import pytest
from node import open_node
from processes import cpu_s
from server import Server

from conftest import BROWSERS, Start

SETTLE_S = 10.0  # what a browser does after a page has loaded: caches, code that it compiles again
WINDOW_S = 30.0
SHARE_MAX = 0.01


@pytest.mark.parametrize("name", BROWSERS)
def test_an_idle_node_uses_almost_no_processor_time(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    time.sleep(SETTLE_S)
    before, began = cpu_s(node.browser.process), time.monotonic()
    time.sleep(WINDOW_S)  # the window itself: there is nothing to wait for
    share = (cpu_s(node.browser.process) - before) / (time.monotonic() - began)
    print(f"{name}: {share:.2%} of one core over {WINDOW_S:.0f} s")
    assert share < SHARE_MAX
