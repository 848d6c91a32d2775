"""The site as one thing: which files make it up, and the name of this very set of them.

Nouns: a *build* is the hash of all files of a site, of the service worker that hands them out and of the headers it puts on
them; the *listing* (`build/site.js`) says of each file its hash and size, and is what the service worker starts from. It is
imported by `sw.js`: so browsers see a new worker whenever any file has changed.

Invariants: every file that the page may load is listed, but for `config.json`, which belongs to the place and not to the build,
and for what only measurements load; hashes are of the plain bytes, whatever encoding they travel in; files are named
relative to the page, so that the site works in a folder of its host.

Must not know: HTTP, sockets. Blocking calls only.
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

import brotli

from inos_host.server.headers import CONTENT_TYPES, SECURITY
from inos_host.server.static_files import LIVE_QUALITY, Asset, StaticFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LISTING_PATH = "/build/site.js"
CONFIG_PATH = "/config.json"
WORKER_PATHS = ("/sw.js", "/sw_download.js", "/sw_streams.js")
# what measurements compare with; the archives that Pyodide's files were made of; the picture in the README
LEFT_OUT = ("/build/baselines/", "/build/pyodide/stock/", "/screenshot.png")
LEFT_OUT_SUFFIXES = (".br", ".tmp")


class Site:
    """The listing of one checkout, made anew when a file has changed."""

    def __init__(self, checkout: Path, files: StaticFiles, headers: Mapping[str, str] = SECURITY) -> None:
        self._roots = ((checkout / "static", ""), (checkout / "web", "/web"))
        self._files = files
        self._headers = dict(headers)
        self._hashes: dict[Path, tuple[tuple[int, int], str]] = {}
        self._lock = threading.Lock()

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Each file of the site: its URL path and where it lies, sorted by path."""
        found = {}
        for root, prefix in self._roots:
            for file in root.rglob("*"):
                path = f"{prefix}/{file.relative_to(root).as_posix()}"
                if path.endswith(LEFT_OUT_SUFFIXES) or path.startswith(LEFT_OUT) or _is_packed_wheel(path):
                    continue
                located = self._files.locate(path)
                if located is not None and path != LISTING_PATH:
                    found[path] = located
        yield from sorted(found.items())

    def listing(self) -> tuple[str, bytes]:
        """The build's name, and the script that lists it."""
        with self._lock:
            hashed = {
                path: (self._hash(file), file.stat().st_size) for path, file in self.paths() if path != CONFIG_PATH
            }
        named = json.dumps([hashed, self._headers], sort_keys=True)
        build = hashlib.sha256(named.encode()).hexdigest()[:32]
        listed = {path[1:]: facts for path, facts in hashed.items() if path not in WORKER_PATHS}
        site = {"build": build, "headers": self._headers, "types": CONTENT_TYPES, "files": listed}
        return build, f"self.SITE = {json.dumps(site, separators=(',', ':'))};\n".encode()

    def listing_asset(self, *, brotli_accepted: bool) -> Asset:
        """The listing as the server sends it."""
        build, body = self.listing()
        if not brotli_accepted:
            return Asset(body, CONTENT_TYPES[".js"], None, f'"{build}"')
        return Asset(brotli.compress(body, quality=LIVE_QUALITY), CONTENT_TYPES[".js"], "br", f'"{build}.br"')

    def _hash(self, file: Path) -> str:
        stat = file.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        known = self._hashes.get(file)
        if known is None or known[0] != version:
            known = (version, hashlib.sha256(file.read_bytes()).hexdigest())
            self._hashes[file] = known
        return known[1]


def _is_packed_wheel(path: str) -> bool:
    """Pyodide's own wheels are in `site.zip` already."""
    return path.startswith("/build/pyodide/") and path.endswith(".whl")
