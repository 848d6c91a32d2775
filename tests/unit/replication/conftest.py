"""Every network of a test is closed at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from custody_world import NETS


@pytest.fixture(autouse=True)
def closed_nets() -> Iterator[None]:
    yield
    while NETS:
        NETS.pop().close()
