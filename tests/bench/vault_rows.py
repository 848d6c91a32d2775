"""What only the command adds to the vault's rows: put with another number of muscles, and where the time of one goes.

The number of muscles is the page's, so each count is a page of its own; it measures the same row by the same code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rows import Result

ID = "vault.put.text"
FORCED = (1, 2)
PROFILE = (Path(__file__).resolve().parent / "profile_brain.py").read_text("utf-8")
PUT = """async (id) => {
  const began = performance.now();
  const { root } = await inos.put(document.getElementById(id).files[0], { name: "profile" });
  return { root, ms: performance.now() - began };
}"""
GET = """async (root) => {
  const began = performance.now();
  await inos.get(root);
  return performance.now() - began;
}"""


def ratio_name(muscles: int) -> str:
    """The ratio that the page gives a put with so many muscles."""
    return f"{muscles} x kernel.q6"


def add(row: Result, forced: Result) -> None:
    """Put the ratio of a page with a forced number of muscles beside those of the page as it is."""
    muscles = forced["details"]["muscles"]
    row["ratio"][ratio_name(muscles)] = forced["ratio"][ratio_name(muscles)]
    row["details"][f"forced to {muscles}"] = forced["details"]
    row["notes"].append(f"forced to {muscles} muscle{'s' * (muscles > 1)}: {forced['value']} MiB/s")


def profile(page: Any, data_input: str) -> dict[str, Any]:
    """Where the time of one put and one get goes; the page is good for nothing else afterwards."""
    counts(page)
    put = page.evaluate(PUT, data_input)
    put_counts = counts(page)
    got_ms = page.evaluate(GET, put["root"])
    get_counts = counts(page)
    page.evaluate("(root) => inos.remove(root)", put["root"])
    return {"put": spent(put["ms"], put_counts), "get": spent(got_ms, get_counts)}


def counts(page: Any) -> dict[str, Any]:
    """What was counted since the last time."""
    return dict(json.loads(page.evaluate("(source) => inos.python(source)", PROFILE)))


def spent(ms: float, counted: dict[str, Any]) -> dict[str, Any]:
    """The profile of one operation with rounded figures."""
    rows = {what: {name: round(value, 1) for name, value in row.items()} for what, row in sorted(counted.items())}
    return {"ms": round(ms, 1), **rows}
