"""Inside a compute worker: runs one source and tells what came of it; started by ``web/worker/compute/main.js``.

The source finds ``memory``, ``arena``, ``args`` in its scope; a module imports the first two from here. Its value is that of
``main(**args)``, awaited if need be, or else of its last expression.

Invariants: exactly one outcome is told, whatever is raised and whenever the interrupt comes (it comes at most once); nothing
is told after it. Answers are JSON of at most COMPUTE_TEXT_BYTES_MAX.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import keyword
import traceback
from collections.abc import Callable
from typing import Any

import inos_js
from pyodide.code import eval_code_async

from inos import limits
from inos.errors import BadArgument, LimitExceeded
from inos_web.shared import WorkerArena, WorkerMemory

memory = WorkerMemory(inos_js.region_path)
arena = WorkerArena(memory)

_TRACEBACK_CHARS_MAX = 16_384
_RUNNERS = ("inos_web/worker.py", "_pyodide/_base.py", "importlib/__init__.py", "<frozen importlib._bootstrap>")
_tasks: list[asyncio.Task[None]] = []


def run(name: str, source: str, args: str) -> None:
    """Start; the outcome goes to ``inos_js.ended``."""
    task = asyncio.get_event_loop().create_task(_run(name, source, json.loads(args)))
    task.add_done_callback(_never_began)
    _tasks.append(task)


def cancel() -> None:
    """The interrupt found Python idle: raise CancelledError where the source awaits."""
    for task in _tasks:
        task.cancel()


def _never_began(task: asyncio.Task[None]) -> None:
    if task.cancelled():  # before its first step; later ones are caught inside
        inos_js.ended("interrupted", "")


async def _run(name: str, source: str, args: dict[str, Any]) -> None:
    try:
        try:
            outcome = "done", _as_json(await _evaluate(name, source, args))
        except (KeyboardInterrupt, asyncio.CancelledError) as error:
            outcome = "interrupted", _told(error)
        except BaseException as error:  # noqa: BLE001 - SystemExit too: whatever it is belongs to whoever spawned this
            outcome = "failed", _told(error)
        inos_js.unarm()
    except KeyboardInterrupt:  # it came between the source's end and here
        outcome = "interrupted", ""
    inos_js.ended(*outcome)


async def _evaluate(name: str, source: str, args: dict[str, Any]) -> Any:
    value: Any = None
    main: Callable[..., Any] | None
    if is_module_name(source):
        main = getattr(importlib.import_module(source), "main", None)
        if main is None:
            raise BadArgument(f"the module {source} has no main()")
    else:
        scope = {"__name__": name, "memory": memory, "arena": arena, "args": args}
        value = await eval_code_async(source, scope, filename=f"{name}.py")
        main = scope.get("main")  # type: ignore[assignment] # what the source put there
    if callable(main):
        value = main(**args)
    return await value if inspect.isawaitable(value) else value


def is_module_name(source: str) -> bool:
    """Whether a source is the dotted name of a module. A lone name is one: there is nothing it could say as a program."""
    parts = source.strip().split(".")
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)


def _as_json(value: object) -> str:
    text = json.dumps(value, allow_nan=False)
    if len(text) > limits.COMPUTE_TEXT_BYTES_MAX:  # it is ASCII
        raise LimitExceeded(f"an answer of {len(text)} bytes: leave it in the arena")
    return text


def _told(error: BaseException) -> str:
    """The traceback without what runs the source."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.endswith(_RUNNERS):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    return text[-_TRACEBACK_CHARS_MAX:].rstrip()
