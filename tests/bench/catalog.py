"""The rows, as web/page/bench/catalog.js has them: read by Node, so that they are written down once."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "web" / "page" / "bench" / "catalog.js"
READ = "import(process.argv[1]).then(({ ROWS }) => console.log(JSON.stringify(ROWS)))"


@functools.cache
def rows() -> list[dict[str, Any]]:
    """All rows, in the order they are shown."""
    node = shutil.which("node") or "node"
    done = subprocess.run([node, "-e", READ, CATALOG.as_uri()], capture_output=True, check=True, text=True)
    return list(json.loads(done.stdout))


def row(name: str) -> dict[str, Any]:
    """One row."""
    return next(row for row in rows() if row["id"] == name)


def ids() -> list[str]:
    """Their names."""
    return [row["id"] for row in rows()]
