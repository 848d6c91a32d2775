"""A Python of its own beside the node, with neither the node nor its memory in reach; it may block, and install wheels.

Nouns: a *wheel* is a pure-Python package in one file: of the vault (``vault:NAME.whl``, or a link), handed over by the
person, or of the index that the server offers and the person allowed.
Invariants: micropip is loaded when a source first names it, from this server, and its hash is compared; wheels are the only
thing that the page hands to this worker; without an allowed index no package is looked for anywhere.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inos.errors import BadArgument, Unsupported
from inos_web.console.border import entry, made
from inos_web.console.console import Console

_WHEELS = Path("/wheels")
_WHEEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,200}\.whl")
_NAMES_MICROPIP = re.compile(r"\bmicropip\b")
_VAULT = "vault:"
_HANDED = "file:"  # chosen on the page
_LINK = re.compile(r"(https?://[^#\s]*)?#inos1\.\S+")
_SLICE_S = 0.05
_NO_INDEX = (
    "no package index is allowed here. Install a wheel from your files (await micropip.install('vault:NAME.whl')), "
    "or allow the index that this server offers, if it offers one"
)


class Scratch:
    """What the console of this worker does besides running sources."""

    def __init__(self, console: Console, load_micropip: Callable[[], Any], index_url: str) -> None:
        self._console = console
        self._load_micropip = load_micropip
        self._index_url = index_url
        self._is_loaded = False
        console.prepare = self.prepare

    async def prepare(self, source: str) -> None:
        """Bring micropip for a source that names it."""
        if self._is_loaded or not _NAMES_MICROPIP.search(source):
            return
        await self._load_micropip()  # into site-packages
        importlib.invalidate_caches()
        micropip: Any = importlib.import_module("micropip")
        self._install = micropip.install
        micropip.install = self.install
        micropip.set_index_urls([self._index_url] if self._index_url else [])
        self._console.scope.setdefault("micropip", micropip)
        self._is_loaded = True

    async def install(self, requirements: str | list[str], *args: Any, **kwargs: Any) -> None:
        """``micropip.install``, which also takes ``vault:NAME.whl`` and links to wheels."""
        wanted = [requirements] if isinstance(requirements, str) else [*requirements]
        await self._install([await self._placed(each) for each in wanted], *args, **kwargs)

    async def _placed(self, requirement: str) -> str:
        if requirement.startswith("emfs:"):
            return requirement
        if requirement.startswith((_VAULT, _HANDED)) or _LINK.fullmatch(requirement):
            where = requirement.removeprefix(_VAULT)
            name = await self._console.ask("wheelName", where=where)
            return self.place(str(name), await self._console.ask("wheel", where=where))
        if not self._index_url:
            raise Unsupported(_NO_INDEX)
        if ":" in requirement.partition(";")[0]:
            raise BadArgument(
                f"{requirement}: this page fetches from its own server only; put the wheel into your files"
            )
        return requirement

    def place(self, name: str, data: bytes) -> str:
        """Write a wheel where micropip finds it; its address there."""
        if not _WHEEL_NAME.fullmatch(name):
            raise BadArgument(f"not the name of a wheel: {name[:80]}")
        _WHEELS.mkdir(exist_ok=True)
        (_WHEELS / name).write_bytes(data)
        return f"emfs:{_WHEELS / name}"


class ScratchInos:
    """``inos`` in a scratch worker."""

    def __repr__(self) -> str:
        return "<a scratch worker: the node is not in reach from here>"


def open_in_scratch(
    post: Callable[[str, Any], None], load_micropip: Callable[[], Any], index_url: str, pause: Callable[[float], None]
) -> Any:
    """The console of a scratch worker. ``pause`` blocks for some milliseconds."""
    console = made(post, {})
    Scratch(console, load_micropip, index_url)

    def sleep(seconds: float) -> None:
        """Block, as everywhere else: Pyodide's own needs what few browsers have."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            pause(min(left_s, _SLICE_S) * 1000)
            console.interrupts.ask()

    time.sleep = sleep  # type: ignore[assignment] # a whole number is a float
    sys.path.insert(0, "")
    return entry(console)
