"""The brain's side of compute workers: performs what ``inos.workers`` decides, and offers ``spawn`` to Python.

Nouns: a slot's *page* is its row of COMPUTE in the shared memory: interrupt, gate, and what the worker holds.
Invariants: a thread is ended only behind its shut gate (``layout.GATE_SHUT``); what it held is released once the browser says
that the thread is gone, by its page, in the same way whether it ended well, by force or without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import inos_js

import inos
from inos.errors import BadArgument
from inos.memory import layout
from inos.memory.region import Region
from inos.ports import Span
from inos.tasks import Tasks
from inos.workers import EndThread, InterruptThread, StartThread, Worker, Workers
from inos_web.memory import WebArena

_GATE_RETRY_S = 0.001
_HELD = layout.COMPUTE_WORDS.index("HELD")


def _page(slot: int) -> int:
    return layout.REGIONS["COMPUTE"][0] + slot * layout.COMPUTE_BYTES


class Compute:
    """Workers and their threads."""

    def __init__(self, tasks: Tasks, region: Region, arena: WebArena, report: Callable[[str], None]) -> None:
        self.workers = Workers(tasks)
        self._region = region
        self._arena = arena
        self._report = report
        self._slots: dict[int, int] = {}  # of the threads that are not gone
        self._to_end: list[int] = []

    def perform(self) -> bool:
        """Do what is to be done; whether there was anything."""
        commands = self.workers.poll_commands()
        for command in commands:
            match command:
                case StartThread(thread, slot, name, source, args):
                    self._slots[thread] = slot
                    self._region.write(_page(slot), bytes(layout.COMPUTE_HELD_OFFSET))
                    _tell(op="start", thread=thread, slot=slot, name=name, source=source, args=args)
                case InterruptThread(thread, slot):
                    inos_js.interrupt(slot)
                    _tell(op="interrupt", thread=thread)
                case EndThread(thread) if thread in self._slots:  # else it has gone since
                    self._to_end.append(thread)
        for thread in [thread for thread in self._to_end if inos_js.shut(self._slots[thread])]:
            self._to_end.remove(thread)
            _tell(op="end", thread=thread)
        return bool(commands)

    def on_happening(self, thread: int, op: str, text: str, now: float) -> None:
        """What the page says of a thread; nothing is said after ``gone``."""
        workers = self.workers
        match op:
            case "running":
                workers.on_running(thread, now)
            case "done":
                workers.on_done(thread, text, now)
            case "failed" | "crashed" | "interrupted":
                workers.on_failed(thread, text, now, interrupted=op != "failed")
            case "gone":
                self._give_back(thread)
                workers.on_gone(thread, now)

    def next_deadline(self, now: float) -> float | None:
        """When to be turned again."""
        return now + _GATE_RETRY_S if self._to_end else self.workers.next_deadline()

    def _give_back(self, thread: int) -> None:
        if thread in self._to_end:  # it ended by itself meanwhile
            self._to_end.remove(thread)
        page = _page(self._slots.pop(thread))
        held = self._region.words(page, len(layout.COMPUTE_WORDS))[_HELD]
        for offset in self._region.words(page + layout.COMPUTE_HELD_OFFSET, held):
            try:
                self._arena.release(Span(offset, 0))
            except BadArgument as error:
                self._report(f"a worker held what is not there: {error}")


def _tell(**command: object) -> None:
    inos_js.compute(json.dumps(command))


class Namespace:
    """``inos`` as the Python of ``inos.python(...)`` sees it: the package, and the workers beside it.

    The pure core stays without them, so ``import inos`` in such a source gives the package alone.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def __getattr__(self, name: str) -> Any:
        return getattr(inos, name)

    async def spawn(self, source: str, name: str = "", args: dict[str, Any] | None = None) -> Worker:
        """Run Python beside the node: a source, or the name of a module with a ``main``; see ``inos.workers``."""
        try:
            text = json.dumps(args or {}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadArgument(f"arguments are no JSON: {error}") from None
        return self._workers.spawn(source, name, text)

    def workers(self) -> list[Worker]:
        """Those that run or have not been closed."""
        return self._workers.listed()
