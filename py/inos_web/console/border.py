"""The console's border with JavaScript: a message is a JSON text and perhaps bytes (``web/worker/python/console_port.js``)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from pyodide.ffi import create_proxy, to_js

from inos.errors import BadArgument
from inos_web.console.console import Console
from inos_web.console.interrupts import Interrupts


def made(post: Callable[[str, Any], None], scope: dict[str, Any]) -> Console:
    """A console that has taken over this thread's streams and interrupt."""

    def send(message: dict[str, Any], data: bytes | None) -> None:
        post(json.dumps(message), None if data is None else to_js(data))

    console = Console(scope, send, Interrupts())
    console.install()
    # An interrupted task of the person's ends by it, as it should; the loop goes on.
    loop: Any = asyncio.get_event_loop()
    loop._keyboard_interrupt_handler = lambda: None
    return console


def entry(console: Console) -> Any:
    """What JavaScript calls with each message."""

    def on_message(text: str, data: Any = None) -> None:
        console.on_message(text, None if data is None else data.to_bytes())

    return create_proxy(on_message)


def _no_sleep(_seconds: float) -> None:
    raise BadArgument("the node must not sleep: await asyncio.sleep(...), or use a scratch worker")


def open_on_node(brain: Any, post: Callable[[str, Any], None], wake: Callable[[], None]) -> Any:
    """The console beside the node."""
    from inos_web.console.scope import Bridge, ConsoleInos, Facade, PageVerbs  # noqa: PLC0415 - the scratch worker has no node

    console = made(post, {})
    bridge = Bridge(brain.tasks, console, wake)
    time.sleep = _no_sleep  # type: ignore[assignment] # a whole number is a float
    found = brain.scope()
    verbs = PageVerbs(console).all()
    node = found["node"]
    console.scope |= {
        "node": Facade(bridge, node, {name: verbs[name] for name in ("put", "get")}),
        "vault": Facade(bridge, found["vault"]),
        "inos": ConsoleInos(bridge, found["inos"], verbs, node.commons),
        "memory": found["memory"],
        "arena": found["arena"],
    }
    return entry(console)
