"""A console: runs what a person types, one source at a time, and answers in pieces that a page can draw.

Nouns: a *run* is one source under way, with the page's number for it; a *message* is a JSON object to or from the page, with
the bytes of an image or a file beside it. To the page: ``out`` (text of a stream), ``shown`` (a value's shape), ``ended``
(how: done, failed, stopped), ``answer`` (to ``check`` and ``complete``), ``ask`` (something that only the page can do). From
it: ``run``, ``stop``, ``check``, ``complete``, ``told`` (what became of an ask).

Theory of operation. A run is an asyncio task, so that a source may use the whole of asyncio. What it and the tasks that it
makes write goes to the page by a context variable; everybody else's goes where it went before. Text is gathered for
``_FLUSH_S`` or ``_FLUSH_CHARS``, so that a loop of prints is some messages a second, also while it never awaits.

Invariants: each run is answered by exactly one ``ended``, after all that it wrote before; nothing that a source raises comes
out of here; what one run may write is bounded.

Must not know: JavaScript, the node.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TextIO

from inos.errors import InosError, Unsupported, error_codes
from inos_web.console.interrupts import Interrupts
from inos_web.console.source import compiled, completions, evaluate, state_of
from inos_web.console.traces import told
from inos_web.console.values import shown

Send = Callable[[dict[str, Any], bytes | None], None]

_FLUSH_S = 0.05
_FLUSH_CHARS = 8_192
_RUN_CHARS_MAX = 1_000_000
_RUN_VALUES_MAX = 500  # the page draws no more
_ASKS_MAX = 64

_current: ContextVar[Run | None] = ContextVar("inos console run", default=None)


class Run:
    """One source under way, and what it writes; its tasks may write after it has ended."""

    def __init__(self, number: int, send: Send, interrupts: Interrupts) -> None:
        self.number = number
        self.task: asyncio.Task[None] | None = None
        self._send = send
        self._interrupts = interrupts
        self._left = _RUN_CHARS_MAX
        self._values_left = _RUN_VALUES_MAX
        self._parts: list[tuple[str, str]] = []
        self._chars = 0
        self._flushed_at = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def write(self, stream: str, text: str) -> None:
        """Text of a stream."""
        if text and self._left > 0:
            kept = text[: self._left]
            self._left -= len(kept)
            self._parts.append((stream, kept))
            self._chars += len(kept)
            if self._left == 0:
                self._parts.append(("cut", ""))
            if self._chars >= _FLUSH_CHARS or time.monotonic() - self._flushed_at >= _FLUSH_S:
                self.flush()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)
        self._interrupts.ask()

    def show(self, value: object) -> None:
        """A value, in its place among the text."""
        if self._values_left > 0:
            self._values_left -= 1
            self.flush()
            shape, data = shown(value)
            self._send({"type": "shown", "run": self.number, **shape}, data)
            if self._values_left == 0:
                self._parts.append(("cut", ""))
        self._interrupts.ask()

    def flush(self) -> None:
        """Send what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        parts, self._parts, self._chars = self._parts, [], 0
        self._flushed_at = time.monotonic()
        while parts:
            stream = parts[0][0]
            length = next((at for at, (other, _) in enumerate(parts) if other != stream), len(parts))
            text = "".join(text for _, text in parts[:length])
            parts = parts[length:]
            self._send({"type": "out", "run": self.number, "stream": stream, "text": text}, None)


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` for the whole thread."""

    def __init__(self, name: str, before: TextIO) -> None:
        self._name = name
        self.before = before

    @property
    def encoding(self) -> str:  # type: ignore[override] # TextIOBase has an attribute
        """As a terminal's."""
        return "utf-8"

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """To the run that this belongs to, or to where it went before."""
        run = _current.get()
        if run is None:
            return self.before.write(text)
        run.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        """What is not a run's goes out; a run's goes out in a moment."""
        if _current.get() is None:
            self.before.flush()


class Console:
    """A prompt's other end. ``scope`` is what its sources find and leave."""

    def __init__(self, scope: dict[str, Any], send: Send, interrupts: Interrupts) -> None:
        own = {"display": self._display, "help": describe, "input": _no_input}
        self.scope = {"__name__": "__console__", **own, **scope}
        self._send = send
        self.interrupts = interrupts
        self._runs: dict[int, Run] = {}
        self._asks: dict[int, asyncio.Future[Any]] = {}
        self._serial = 0
        interrupts.guard(evaluate)
        interrupts.guard(Console._call_guarded)
        self.prepare: Callable[[str], Any] | None = None  # awaited with each source before it runs

    def install(self) -> None:
        """Take over the thread's streams and its interrupt."""
        sys.stdout, sys.stderr = Stream("stdout", sys.stdout), Stream("stderr", sys.stderr)
        self.interrupts.install()

    def on_message(self, text: str, data: bytes | None = None) -> None:
        """What the page says."""
        message = json.loads(text)
        match message["type"]:
            case "run":
                self._begin(message["run"], message["source"])
            case "stop":
                for run in self._runs.values():
                    if run.task is not None:
                        run.task.cancel()
            case "check":
                self._answer(message["id"], state_of(message["source"]))
            case "complete":
                self._answer(message["id"], self._complete(message["source"], message["at"]))
            case "told":
                self._on_told(message, data)

    # --- for what runs in it ------------------------------------------------------------------------------------------

    async def ask(self, what: str, data: bytes | None = None, **args: Any) -> Any:
        """Have the page do something: the JSON or bytes that came of it. Raises the error that the page got."""
        if len(self._asks) >= _ASKS_MAX:
            raise InosError(f"{_ASKS_MAX} calls of the page are under way")
        self._serial += 1
        number, future = self._serial, asyncio.get_running_loop().create_future()
        self._asks[number] = future
        self._send({"type": "ask", "id": number, "what": what, "args": args}, data)
        try:
            return await future
        except asyncio.CancelledError:
            self._send({"type": "unask", "id": number}, None)
            raise
        finally:
            del self._asks[number]

    def guarded(self, function: Callable[..., Any]) -> Callable[..., None]:
        """A callback of the person's that others may call at any time: what it raises is shown, what it writes too."""
        context = copy_context()

        def call(*args: Any, **kwargs: Any) -> None:
            context.copy().run(self._call_guarded, function, args, kwargs)

        return call

    def _call_guarded(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - it is theirs, and must not reach who called
            run = _current.get()
            if run is not None:
                run.write("stderr", f"{told(error)['text']}\n")

    def _display(self, *values: object) -> None:
        """Show values as the prompt would."""
        run = _current.get()
        if run is not None:
            for value in values:
                run.show(value)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _begin(self, number: int, source: str) -> None:
        run = self._runs[number] = Run(number, self._send, self.interrupts)
        self.interrupts.forget()
        token = _current.set(run)
        try:
            run.task = asyncio.get_running_loop().create_task(self._execute(run, source))
        finally:
            _current.reset(token)
        run.task.add_done_callback(lambda _: self._end(run, "stopped", None))  # cancelled before its first step

    async def _execute(self, run: Run, source: str) -> None:
        how, error = "done", None
        try:
            if self.prepare is not None:
                await self.prepare(source)
            value = await evaluate(compiled(source, run.number), self.scope)
            if value is not None:
                self.scope["_"] = value
                run.show(value)
        except (asyncio.CancelledError, KeyboardInterrupt):
            how = "stopped"
        except BaseException as caught:  # noqa: BLE001 - SystemExit too: whatever it is, the person is told
            how, error = "failed", told(caught)
        self._end(run, how, error)

    def _end(self, run: Run, how: str, error: dict[str, str] | None) -> None:
        if self._runs.pop(run.number, None) is None:
            return
        run.flush()
        self.interrupts.forget()
        self._send({"type": "ended", "run": run.number, "how": how, "error": error}, None)

    def _complete(self, source: str, at: int) -> dict[str, Any]:
        try:
            return completions(source, at, self.scope)
        except BaseException:  # noqa: BLE001 - of a property that was looked at
            return {"start": at, "words": []}

    def _answer(self, number: int, value: dict[str, Any]) -> None:
        self._send({"type": "answer", "id": number, "value": value}, None)

    def _on_told(self, message: dict[str, Any], data: bytes | None) -> None:
        future = self._asks.get(message["id"])
        if future is None or future.done():
            return
        if "code" in message:
            future.set_exception(error_of(message["code"], message["message"]))
        else:
            future.set_result(message["value"] if data is None else data)


def describe(thing: object = None) -> None:
    """Show what a thing is and how it is called: ``help(inos.put)``."""
    if thing is None:
        print("help(thing) tells what a thing is; dir(thing), or a dot and Tab, what it has")  # noqa: T201
        return
    shown_as = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    try:
        call = str(inspect.signature(thing)) if callable(thing) else ""
    except (TypeError, ValueError):
        call = "(...)"
    print(f"{shown_as}{call}\n\n{inspect.getdoc(thing) or 'It says nothing of itself.'}")  # noqa: T201


def _no_input(*_: object) -> str:
    raise Unsupported("there is nobody to ask while a source runs: give the value a name first")


def error_of(code: str, text: str) -> InosError:
    """The page's error as the class that has this code."""
    return error_codes().get(code, InosError)(text)
