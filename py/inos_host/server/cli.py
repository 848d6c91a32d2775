"""The process: arguments, the line that says where, and a clean end; what is asked for is looked at in `plan`.

Invariants: `INOS URL` is printed on its own line, flushed, once connections are accepted; whatever prevents that is one
line on stderr and exit code 2; SIGTERM and SIGINT end it with exit code 0 within a second. Nobody but this machine is
served unless it was asked for (`--lan`, `--host`).

Must not know: requests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from inos_host.server.app import App, Listener
from inos_host.server.ice import SERVERS_MAX
from inos_host.server.listening import Doors
from inos_host.server.package_index import PackageIndex, index_address
from inos_host.server.plan import Plan, Stop, plan
from inos_host.server.rendezvous import Hub
from inos_host.server.site import Site
from inos_host.server.static_files import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT_DEFAULT = 8000
PORT_MAX = 65535
STOP_S = 0.5
NEEDED = ("static/index.html", "static/build/kernel.wasm", "static/build/inos.zip", "static/build/pyodide/build.json")


class Parser(argparse.ArgumentParser):
    """argparse with one line per error."""

    def error(self, message: str) -> NoReturn:
        raise Stop(f"{message} (see serve.py --help)")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="serve.py", description="Serve INOS to browsers.", allow_abbrev=False)
    parser.add_argument("--host", help="where to listen (default 127.0.0.1; passkeys need a name: localhost)")
    parser.add_argument("--port", type=int, default=PORT_DEFAULT, help="port (default 8000; 0 takes any free one)")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--lan",
        action="store_true",
        help="serve other devices: listen at this machine's addresses of local networks (or at --host alone), by TLS with a "
        "certificate made here",
    )
    parser.add_argument(
        "--tls",
        nargs=2,
        type=Path,
        metavar=("CERT", "KEY"),
        help="serve by TLS with this certificate chain and key (PEM)",
    )
    parser.add_argument(
        "--public-origin",
        metavar="URL",
        help="the address that people open, where a proxy or router in front has another",
    )
    parser.add_argument(
        "--meet-for",
        nargs="+",
        default=[],
        metavar="URL",
        help="origins of other sites whose pages may meet here too (their config.json names this server's /rendezvous)",
    )
    parser.add_argument(
        "--ice",
        nargs="+",
        default=[],
        metavar="SERVER",
        help="servers that help browsers to reach each other: stun:HOST:PORT, turn:HOST:PORT?user=NAME&secret=WORD",
    )
    parser.add_argument(
        "--python-index",
        metavar="URL",
        help="pass the pure wheels of this package index (https, PEP 691) on to scratch workers of the page",
    )
    parser.add_argument(
        "--bench", action="store_true", help="also serve what measurements compare with (npm run bench)"
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= PORT_MAX:
        raise Stop(f"--port must be between 0 and {PORT_MAX}, not {options.port}")
    if len(options.ice) > SERVERS_MAX:
        raise Stop(f"--ice takes at most {SERVERS_MAX} servers")
    return options


def check_build(checkout: Path) -> None:
    missing = [name for name in NEEDED if not (checkout / name).is_file()]
    if missing:
        raise Stop(f"INOS is not set up here ({missing[0]} is missing): run npm start")


def open_browser(url: str) -> None:
    """Open the page in a desktop browser; without a desktop, the printed line is all there is."""
    headless = sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if not headless:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


async def serve(checkout: Path, planned: Plan, options: argparse.Namespace) -> None:
    origins, bench = planned.origins, options.bench
    index = PackageIndex(index_address(options.python_index)) if options.python_index else None
    files = StaticFiles(checkout, bench=bench)
    site = Site(checkout, files)
    app = App(origins, files, site, Hub(), made=planned.made, index=index, bench=bench)
    connections = Listener(app)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as open_things:
        if index is not None:
            open_things.push_async_callback(index.close)
        if planned.context is not None:
            doors = Doors(connections, planned.context)
            doors.open(planned.listeners)
            open_things.push_async_callback(doors.close)
        else:
            for listener in planned.listeners:
                open_things.callback((await loop.create_server(connections, sock=listener)).close)
        print("\n".join([f"INOS {origins.url}/", *planned.words]), flush=True)
        if not options.no_open:
            open_browser(f"{origins.url}/")
        await stopped.wait()
    await app.rendezvous.close_all()
    connections.pre_shutdown()
    await connections.shutdown(STOP_S)


def main(checkout: Path, arguments: Sequence[str]) -> int:
    try:
        options = parse(arguments)
        check_build(checkout)
        planned = plan(checkout, options)
    except Stop as stop:
        print(f"inos: {stop}", file=sys.stderr)
        return 2
    watches_sockets = asyncio.SelectorEventLoop if planned.context is not None else None
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=watches_sockets) as runner:
        runner.run(serve(checkout, planned, options))
    return 0
