"""What a first visit costs: `python tests/bench/first_visit.py [--readme]` with Chromium over a line of 20 Mbit/s.

`serve.py` runs behind a relay that lets through so many bytes a second, counts them, and adds nothing else; so workers, the
service worker and the page share the line as they would outside. Cold: a new profile. Warm: the same page again, which the
service worker hands out. The main thread's blocking is what its tasks take beyond 50 ms each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from chromium import Chromium  # noqa: E402 - it lies there
from loading import SEEN, WATCH  # noqa: E402
from node import open_node  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from server import Server  # noqa: E402

LINE_BYTES_PER_S = 20_000_000 // 8
PIECE_BYTES = 16 * 1024
MARKS = ("<!-- first visit: begin (tests/bench/first_visit.py) -->", "<!-- first visit: end -->")
KEPT = "() => document.querySelector('#offline-state').dataset.state === 'kept'"


class Line:
    """A relay to the server, as slow as a line; all connections share it."""

    def __init__(self, port: int) -> None:
        self.bytes = 0
        self._port = port
        self._free_at = 0.0
        self._loop = asyncio.new_event_loop()
        started: threading.Event = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _run(self, started: threading.Event) -> None:
        async def main() -> None:
            server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await server.serve_forever()

        self._loop.run_until_complete(main())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pump(reader, out, slow=False), self._pump(there, writer, slow=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        try:
            while piece := await reader.read(PIECE_BYTES):
                if slow:
                    self.bytes += len(piece)
                    now = time.monotonic()
                    self._free_at = max(now, self._free_at) + len(piece) / LINE_BYTES_PER_S
                    await asyncio.sleep(self._free_at - now)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


def measure() -> dict[str, Any]:
    """One cold and one warm visit."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        place = Path(folder)
        server = Server(place / "server.txt")
        line = Line(int(server.url.rstrip("/").rpartition(":")[2]))
        server.url = f"http://127.0.0.1:{line.port}/"
        path = json.loads((ROOT / ".cache" / "browsers.json").read_text("utf-8"))["chromium"]["path"]
        browser = Chromium(playwright, path, place / "profile")
        try:
            browser.context.add_init_script(WATCH)
            node = open_node(browser, server)
            found["cold"] = {**node.tab.call(SEEN), "bytes": line.bytes}
            node.tab.wait_for("the site is kept", KEPT, timeout_s=120)
            found["kept"] = {"bytes": line.bytes}
            before = line.bytes
            node.reload()
            found["warm"] = {**node.tab.call(SEEN), "bytes": line.bytes - before}
            found["browser"] = browser.context.browser.version if browser.context.browser else ""
        finally:
            browser.close()
            server.kill()
    return found


def table(found: dict[str, Any]) -> str:
    """The block of the README."""
    rows = [
        "| visit | over the line | page usable | node ready | main thread blocked | layout shift |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, words in (("cold", "first, 20 Mbit/s"), ("warm", "again, from what the browser keeps")):
        one = found[name]
        rows.append(
            f"| {words} | {one['bytes'] / 2**20:.2f} MiB | {one['usableMs'] / 1000:.2f} s | {one['readyMs'] / 1000:.2f} s "
            f"| {one['blockedMs']:.0f} ms | {one['shift']:.3f} |"
        )
    rest = (found["kept"]["bytes"] - found["cold"]["bytes"]) / 2**20
    return "\n".join(
        [*rows, "", f"Keeping the whole site for use without a network takes {rest:.2f} MiB more over the line."]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    found = measure()
    print(json.dumps(found))
    print(table(found))
    if options.readme:
        file = ROOT / "README.md"
        begin, end = MARKS
        block = f"{begin}\n{table(found)}\n{end}"
        file.write_text(
            re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: block, file.read_text("utf-8"), flags=re.DOTALL),
            "utf-8",
        )


if __name__ == "__main__":
    main()
