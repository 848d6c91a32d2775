"""A file server as dumb as they come: a folder, no headers of ours, and a count of what it gave out.

`folder` may be changed while it runs, as an upload of a new build changes a host. `headers` makes it a host that sends some.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class PlainHost:
    """Serves a folder below a path on 127.0.0.1."""

    def __init__(self, folder: Path, path: str = "/", headers: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.served: Counter[str] = Counter()  # whole bodies by path below the root
        self.sent_bytes: Counter[str] = Counter()
        self._lock = threading.Lock()
        host, sent = self, dict(headers or {})

        class Handler(SimpleHTTPRequestHandler):
            def translate_path(self, path: str) -> str:
                below = path.partition("?")[0].partition("#")[0].removeprefix(host_path)
                found = (host.folder / below).resolve()
                inside = path.startswith(host_path) and found.is_relative_to(host.folder.resolve())
                return str(found if inside else host.folder / "nothing")

            def end_headers(self) -> None:
                for name, value in sent.items():
                    self.send_header(name, value)
                super().end_headers()

            def copyfile(self, source: Any, outputfile: Any) -> None:
                body = source.read()
                outputfile.write(body)
                host.count(self.path.partition("?")[0].removeprefix(host_path) or "index.html", len(body))

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        host_path = path
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self, path: str, length: int) -> None:
        """One whole body went out."""
        with self._lock:
            self.served[path] += 1
            self.sent_bytes[path] += length

    def forget(self) -> None:
        """Count anew."""
        with self._lock:
            self.served.clear()
            self.sent_bytes.clear()

    def close(self) -> None:
        """Go off the network."""
        self._server.shutdown()
        self._server.server_close()
