"""WebKitGTK's small browser through WebDriver: enough to open a page and read it.

Its console cannot be read while it is driven: `Probed` puts a listener into the page that hears errors from the first one on.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 60.0
POLL_S = 0.05
MINI_BROWSER = "/usr/lib/*/webkit2gtk-4*/MiniBrowser"


PROBE = b"""
const problems = [];
for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"]) {
  addEventListener(kind, (event) => problems.push(`${kind}: ${event.message ?? event.reason ?? event.violatedDirective}`), true);
}
console.error = (...words) => problems.push(words.join(" "));
window.problems = problems;
"""


class Probed(BaseHTTPRequestHandler):
    """A server in front of `target` that is the same but for one script in front of the page's own."""

    target: ClassVar[str]

    def do_GET(self) -> None:
        """Answer as the server does."""
        path = "/sw.js" if self.path == "/probe.js" else self.path  # a script's headers
        with urllib.request.urlopen(urllib.request.Request(self.target + path, method=self.command)) as answer:
            body, headers, status = answer.read(), answer.headers, answer.status
        if self.path == "/probe.js":
            body = PROBE
        elif self.path == "/":
            body = body.replace(b"<head>", b'<head><script src="/probe.js"></script>')
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def do_HEAD(self) -> None:
        """Answer as the server does."""
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def probed(url: str) -> Iterator[str]:
    """The address of a server in front of another."""
    handler = type("Handler", (Probed,), {"target": url.rstrip("/")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class WebKit:
    """One browser with one page."""

    def __init__(self, driver: str, xvfb: str, folder: Path) -> None:
        self._output = folder / "webkit.txt"
        self._url = ""
        self._programs: list[subprocess.Popen[bytes]] = []
        try:
            self._open(driver, xvfb, folder)
        except BaseException:
            self.close()
            raise

    def _open(self, driver: str, xvfb: str, folder: Path) -> None:
        reading, writing = os.pipe()
        display = self._start(
            [xvfb, "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "1280x1024x24"], writing
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        if not number or display.poll() is not None:
            raise RuntimeError(f"no display: {self._output.read_text('utf-8', 'replace')}")
        port = free_port()
        self._start([driver, f"--port={port}"], environment={"DISPLAY": f":{number}", "HOME": str(folder)})
        self._url = f"http://127.0.0.1:{port}"
        self._wait_for_driver()
        browser = str(next(Path("/").glob(MINI_BROWSER[1:])))
        options = {"binary": browser, "args": ["--automation"]}
        session = self._ask(
            "POST", "/session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        )
        self._url += f"/session/{session['sessionId']}"

    def _start(
        self, words: list[str], passed: int | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output:
            program = subprocess.Popen(
                words,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[] if passed is None else [passed],
                start_new_session=True,
            )
        self._programs.append(program)
        return program

    def _wait_for_driver(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._ask("GET", "/status")
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"no driver: {self._output.read_text('utf-8', 'replace')}") from None
                time.sleep(POLL_S)  # the pause of a poll with a deadline
            else:
                return

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, content, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
            return json.load(answer)["value"]

    def goto(self, url: str) -> None:
        """Open an address."""
        self._ask("POST", "/url", {"url": url})

    def call(self, script: str) -> Any:
        """What the body of a function returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def wait_for(self, what: str, script: str, timeout_s: float = 30.0) -> Any:
        """Poll a script until it returns something true."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.call(script)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{timeout_s:g} s passed before this was so: {what}")
            time.sleep(POLL_S)  # the pause of a poll with a deadline
        return value

    def close(self) -> None:
        """End it all."""
        try:
            if "/session/" in self._url:
                self._ask("DELETE", "")
        finally:
            for program in reversed(self._programs):
                program.terminate()
                program.wait()


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
