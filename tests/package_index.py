"""A package index of the tests' own: the simple API in JSON (PEP 691), on this machine, in a thread."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


def wheel(name: str = "tinypkg", requires: str = "") -> bytes:
    """A pure wheel of one module, whose ``answer`` is 42."""
    made = io.BytesIO()
    about = f"{name}-1.0.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "answer = 42\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return made.getvalue()


class Index:
    """Answers by path; ``asked`` are the requests so far, with their headers."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, body = index.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def add(self, name: str, *wheels: tuple[str, bytes], **more: object) -> None:
        """A project with these files."""
        files = [
            {
                "filename": file,
                "url": f"../../files/{file}",
                "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                **more,
            }
            for file, data in wheels
        ]
        self.answer_json(f"/simple/{name}/", {"meta": {"api-version": "1.0"}, "name": name, "files": files})
        for file, data in wheels:
            self.answers[f"/files/{file}"] = 200, {}, data

    def answer_json(self, path: str, value: object) -> None:
        """This value at this path."""
        self.answers[path] = 200, {"Content-Type": "application/vnd.pypi.simple.v1+json"}, json.dumps(value).encode()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
