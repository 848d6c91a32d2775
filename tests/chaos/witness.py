"""The server of chaos runs: `serve.py`, and a *witness* that outlives the browser. `witness.py FOLDER [--record] ARGUMENTS...`

The witness writes `FOLDER/trace.jsonl`, in the order in which it hears of things: the page tells it before a call begins and
after it was acknowledged (POST /witness/line, a JSON object); with --record the io worker tells it of every change and flush of
the vault's files (POST /witness/disk, numbers in the query, bytes in the body), because its module is served with `recorder.js`
behind it. Nothing of that is in what people are served. The format is that of `inos_sim.trace`; fields it does not know are ours.

Runs in `.venv`; prints what serve.py prints.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "py"))

from aiohttp import web  # noqa: E402 - our own packages come first on the path

from inos_host.server import app, cli  # noqa: E402
from inos_host.server.headers import SECURITY  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED_MODULE = "/web/worker/io/files.js"
RECORDER = ROOT / "tests" / "chaos" / "recorder.js"
NUMBERS = ("offset", "length", "size")


class Journal:
    """The trace's file; a line is there once `line` has returned."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "trace.jsonl.blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = (folder / "trace.jsonl").open("a", encoding="utf-8")

    def line(self, value: dict[str, Any]) -> None:
        """Append an object."""
        self._file.write(json.dumps(value) + "\n")
        self._file.flush()

    def disk(self, query: dict[str, str], data: bytes) -> None:
        """Append a call on the disk; its bytes go beside, once each."""
        value: dict[str, Any] = {name: int(text) if name in NUMBERS else text for name, text in query.items()}
        if "created" in value:
            value["created"] = value["created"] == "true"
        if value["op"] == "write":
            value["blob"] = hashlib.sha256(data).hexdigest()
            blob = self._blobs / value["blob"]
            if not blob.exists():
                blob.write_bytes(data)
        self.line(value)


class Witness(app.App):
    """Our server, and the witness's own paths."""

    journal: Journal
    records: bool

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        path = request.raw_path.partition("?")[0]
        if path == "/witness/line":
            self.journal.line(json.loads(await request.content.read()))
            return web.Response(headers=SECURITY)
        if path == "/witness/disk":
            self.journal.disk(dict(request.query), await request.content.read())
            return web.Response(headers=SECURITY)
        if path == "/witness/blank":  # our origin without a node
            return web.Response(text="<!doctype html>", headers={**SECURITY, "Content-Type": "text/html"})
        if path == RECORDED_MODULE and self.records:
            module = (ROOT / path[1:]).read_bytes() + RECORDER.read_bytes()
            return web.Response(body=module, headers={**SECURITY, "Content-Type": "text/javascript"})
        return await super().handle(request)


def main(arguments: list[str]) -> int:
    """The exit code."""
    folder, *rest = arguments
    Witness.journal = Journal(Path(folder))
    Witness.records = "--record" in rest
    run: Callable[..., int] = cli.main
    cli.App = Witness  # type: ignore[misc]
    return run(ROOT, [word for word in rest if word != "--record"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
