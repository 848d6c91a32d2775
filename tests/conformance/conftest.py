"""The shared memory that a suite runs on: HostRegion on CPython, WebRegion inside Pyodide (tests/pyodide/run.mjs adapter)."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from inos.memory import layout

SIZE = layout.ARENA_OFFSET + (1 << 20)


@pytest.fixture
def region() -> Any:
    """A shared memory of zeros that no other thread uses."""
    if sys.platform == "emscripten":
        import inos_test

        from inos_web.region import WebRegion

        web = WebRegion(inos_test.quiet_path, inos_test.quiet)
        web.write(0, bytes(web.size))
        return web
    from inos_host.region import HostRegion

    return HostRegion(SIZE)
