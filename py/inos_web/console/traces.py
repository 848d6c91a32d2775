"""Errors as the person at the prompt shall read them: the traceback without the frames that ran their source.

Nouns: *plumbing* are the console's own frames and the event loop's; of the core's errors (``InosError``) the core's frames
are left out too, since they say what happened in their message; of any other error they stay, since it is a fault of ours.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from inos.errors import InosError

OWN = f"{Path(__file__).parents[2]}/"  # where our packages lie
_CONSOLE = f"{Path(__file__).parent}/"
_LOOPS = ("pyodide/webloop.py", "_pyodide/_base.py", "asyncio/runners.py", "asyncio/base_events.py")
_TEXT_CHARS_MAX = 16_384


def told(error: BaseException) -> dict[str, str]:
    """Name, code and traceback."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    _clean(report, core_too=isinstance(error, InosError))
    text = "".join(report.format()).rstrip()
    if len(text) > _TEXT_CHARS_MAX:
        text = f"…{text[-_TEXT_CHARS_MAX:]}"
    return {"name": type(error).__name__, "code": error.code if isinstance(error, InosError) else "", "text": text}


def _clean(report: traceback.TracebackException, *, core_too: bool) -> None:
    seen: set[int] = set()
    left: list[traceback.TracebackException | None] = [report]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        kept = [frame for frame in each.stack or [] if not _is_plumbing(frame.filename, core_too=core_too)]
        # Without a frame there is no "Traceback" line either.
        each.stack = traceback.StackSummary.from_list(kept) if kept else None  # type: ignore[assignment]
        left += [each.__cause__, each.__context__, *(each.exceptions or [])]


def _is_plumbing(filename: str, *, core_too: bool) -> bool:
    return filename.startswith(OWN if core_too else _CONSOLE) or filename.endswith(_LOOPS)
