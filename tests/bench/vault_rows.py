"""What only the command adds to the vault's rows: put with another number of muscles.

The number of muscles is the page's, so each count is a page of its own; it measures the same row by the same code.
"""

from __future__ import annotations

from rows import Result

ID = "vault.put.text"
FORCED = (1, 2)


def ratio_name(muscles: int) -> str:
    """The ratio that the page gives a put with so many muscles."""
    return f"{muscles} x kernel.q6"


def add(row: Result, forced: Result) -> None:
    """Put the ratio of a page with a forced number of muscles beside those of the page as it is."""
    muscles = forced["details"]["muscles"]
    row["ratio"][ratio_name(muscles)] = forced["ratio"][ratio_name(muscles)]
    row["details"][f"forced to {muscles}"] = forced["details"]
    row["notes"].append(f"forced to {muscles} muscle{'s' * (muscles > 1)}: {forced['value']} MiB/s")
