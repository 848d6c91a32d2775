"""The process: arguments, the listening socket, the line that says where, and a clean end.

Invariants: `INOS http://HOST:PORT/` is printed on its own line, flushed, once connections are accepted; whatever
prevents that is one line on stderr and exit code 2; SIGTERM and SIGINT end it with exit code 0 within a second.

Must not know: requests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING, NoReturn

from inos_host.server.app import Address, App, Listener
from inos_host.server.headers import WILDCARDS
from inos_host.server.rendezvous import Hub
from inos_host.server.site import Site
from inos_host.server.static_files import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PORT_DEFAULT = 8000
PORT_MAX = 65535
BACKLOG = 128
STOP_S = 0.5
NEEDED = ("static/index.html", "static/build/kernel.wasm", "static/build/inos.zip", "static/build/pyodide/build.json")


class Stop(Exception):
    """Why the server cannot start, in one line."""


class Parser(argparse.ArgumentParser):
    """argparse with one line per error."""

    def error(self, message: str) -> NoReturn:
        raise Stop(f"{message} (see serve.py --help)")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="serve.py", description="Serve INOS to browsers.", allow_abbrev=False)
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen (default 127.0.0.1; passkeys need a name: localhost)"
    )
    parser.add_argument("--port", type=int, default=PORT_DEFAULT, help="port (default 8000; 0 takes any free one)")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--bench", action="store_true", help="also serve what measurements compare with (npm run bench)"
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= PORT_MAX:
        raise Stop(f"--port must be between 0 and {PORT_MAX}, not {options.port}")
    return options


def numeric(host: str) -> str:
    """The address to bind: `localhost` is 127.0.0.1, other names are looked up."""
    if host == "localhost":
        return "127.0.0.1"
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise Stop(f"--host {host!r} is no address of this machine") from None


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # on Windows the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    except OSError as error:
        listener.close()
        why = "is it in use? try --port 0" if error.errno is not None else "try another"
        raise Stop(f"cannot listen on {host} port {port}: {error.strerror or error}; {why}") from None
    return listener


def check_build(checkout: Path) -> None:
    missing = [name for name in NEEDED if not (checkout / name).is_file()]
    if missing:
        raise Stop(f"INOS is not set up here ({missing[0]} is missing): run npm start")


def open_browser(url: str) -> None:
    """Open the page in a desktop browser; without a desktop, the printed line is all there is."""
    headless = sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if not headless:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def shown(host: str, bound: str) -> str:
    """How the one origin is spelled: by the address, unless the name was asked for."""
    if host == "localhost":
        return host
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound) if bound in WILDCARDS else bound  # noqa: S104


async def serve(checkout: Path, host: str, bound: str, listener: socket.socket, *, browse: bool, bench: bool) -> None:
    port = listener.getsockname()[1]
    address = Address(shown(host, bound), port)
    files = StaticFiles(checkout, bench=bench)
    app = App(address, bound, files, Site(checkout, files), Hub(), bench=bench)
    connections = Listener(app)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(connections, sock=listener)
    print(f"INOS {address.url}/", flush=True)
    if browse:
        open_browser(f"{address.url}/")
    try:
        await stopped.wait()
    finally:
        server.close()
        await app.rendezvous.close_all()
        connections.pre_shutdown()
        await connections.shutdown(STOP_S)


def main(checkout: Path, arguments: Sequence[str]) -> int:
    try:
        options = parse(arguments)
        check_build(checkout)
        bound = numeric(options.host)
        listener = listen(bound, options.port)
    except Stop as stop:
        print(f"inos: {stop}", file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(checkout, options.host, bound, listener, browse=not options.no_open, bench=options.bench))
    return 0
