"""Known answers of other projects, where they are present: in $INOS_SHARED, or in ``shared`` beside the checkout.

Every test that uses them has answers of its own too, so that none is empty without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Vectors = Callable[[str], Any]
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """A function: name below ``vectors/`` -> parsed JSON or bytes, None where it is absent."""
    folder = Path(os.environ.get("INOS_SHARED", _ROOT.parent / "shared")) / "vectors"

    def load(name: str) -> Any:
        path = folder / name
        if not path.is_file():
            return None
        data = path.read_bytes()
        return json.loads(data) if name.endswith(".json") else data

    return load
