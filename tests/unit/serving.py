"""A server in a process of its own, spoken to as exactly as sockets allow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from inos_host.server.headers import SECURITY

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from pathlib import Path
from inos_host.server.cli import main
sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
"""


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", RUN, str(root), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "py")}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    return process.returncode, errors


def ask(
    port: int,
    target: str = "/",
    method: str = "GET",
    *,
    host: str | None = None,
    raw: bytes | None = None,
    **headers: str,
):
    """One request on a connection of its own, exactly as spelled: (status, headers by lower-case name, body)."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    request = raw if raw is not None else "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    return int(status.split(" ")[1]), {k.lower(): v for k, _, v in (f.partition(": ") for f in fields)}, body


def assert_secure(headers: dict[str, str]) -> None:
    for name, value in SECURITY.items():
        assert headers.get(name.lower()) == value, name
