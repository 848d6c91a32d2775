"""From a URL path to a file's bytes, and to nothing outside the folders that are served.

Nouns: an *asset* is one body ready to send: bytes, type, encoding, strong tag (a hash of exactly these bytes).
URLs: `/` is `static/index.html`, `/x` is `static/x` (so `/build/x` is `static/build/x`), `/web/x.js` is `web/x.js`. The
libraries that measurements compare with (`/build/baselines`) are served only if asked for.

Invariants: a path is taken only if it is spelled with the plain characters of our own file names, so no escape, no
backslash, no dot-file and no `..` is ever decoded; the file found must lie in its root after links are resolved; only
suffixes of the type map are served; a `.br` sibling is used only if it carries its file's modification time.
Files written by hand are compressed here, in memory, because they change while one works on them.

Must not know: HTTP requests, sockets. Blocking calls only: the caller runs `load` in a thread.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import brotli

from inos_host.server.headers import CONTENT_TYPES

if TYPE_CHECKING:
    from os import stat_result
    from pathlib import Path

SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
PLAIN_PATH = re.compile(rf"(?:/{SEGMENT}){{1,8}}")
PATH_CHARS_MAX = 256
ALREADY_COMPRESSED = frozenset({".png", ".ico", ".whl"})
LIVE_QUALITY = 5  # 25-37 MiB/s: a module of 10 KiB takes well under a millisecond
LIVE_BYTES_MIN = 256
LIVE_BYTES_MAX = 4 << 20
CACHE_BYTES_MAX = 64 << 20
CACHED_BODY_BYTES_MAX = 16 << 20


@dataclass(frozen=True, slots=True)
class Asset:
    """One response body; `etag` is quoted and names these very bytes."""

    body: bytes
    content_type: str
    encoding: str | None
    etag: str


@dataclass(frozen=True, slots=True)
class _Cached:
    version: tuple[int, int]
    asset: Asset


class StaticFiles:
    """The files of one checkout, with a bounded cache of bodies by modification time and size."""

    def __init__(self, checkout: Path, *, bench: bool = False) -> None:
        self._static = (checkout / "static").resolve()
        self._web = (checkout / "web").resolve()
        self._build = self._static / "build"
        self._baselines = None if bench else self._build / "baselines"
        self._cache: OrderedDict[tuple[Path, bool], _Cached] = OrderedDict()
        self._cache_bytes = 0
        self._lock = threading.Lock()

    def locate(self, path: str) -> Path | None:
        """The file behind a raw (undecoded) URL path, or None for anything that is not plainly one of ours."""
        if path == "/":
            path = "/index.html"
        if len(path) > PATH_CHARS_MAX or not PLAIN_PATH.fullmatch(path):
            return None
        root, names = self._static, path[1:].split("/")
        if names[0] == "web":
            root, names = self._web, names[1:]
            if not path.endswith(".js"):
                return None
        if not names or _suffix(names[-1]) not in CONTENT_TYPES:
            return None
        try:
            file = root.joinpath(*names).resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        inside = file.is_relative_to(root) and not any(part.startswith(".") for part in file.relative_to(root).parts)
        if self._baselines is not None and file.is_relative_to(self._baselines):
            return None
        return file if inside and file.is_file() else None

    def load(self, file: Path, *, brotli_accepted: bool) -> Asset:
        """The body of a located file, compressed where the client takes it and it gains. OSError if the file is gone."""
        stat = file.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        key = (file, brotli_accepted)
        with self._lock:
            cached = self._cache.get(key)
            if cached is not None and cached.version == version:
                self._cache.move_to_end(key)
                return cached.asset
        asset = self._read(file, stat, brotli_accepted=brotli_accepted)
        self._remember(key, _Cached(version, asset))
        return asset

    def _read(self, file: Path, stat: stat_result, *, brotli_accepted: bool) -> Asset:
        body, encoding = None, None
        if brotli_accepted:
            body = self._precompressed(file, stat) if file.is_relative_to(self._build) else _compressed_now(file, stat)
            encoding = None if body is None else "br"
        if body is None:
            body = file.read_bytes()
        return asset_of(body, CONTENT_TYPES[_suffix(file.name)], encoding)

    def _precompressed(self, file: Path, stat: stat_result) -> bytes | None:
        sibling = file.with_name(f"{file.name}.br")
        try:
            fresh = sibling.stat().st_mtime_ns == stat.st_mtime_ns
            return sibling.read_bytes() if fresh and not sibling.is_symlink() else None
        except OSError:
            return None

    def _remember(self, key: tuple[Path, bool], fresh: _Cached) -> None:
        with self._lock:
            old = self._cache.pop(key, None)
            self._cache_bytes -= len(old.asset.body) if old else 0
            if len(fresh.asset.body) > CACHED_BODY_BYTES_MAX:
                return
            self._cache[key] = fresh
            self._cache_bytes += len(fresh.asset.body)
            while self._cache_bytes > CACHE_BYTES_MAX:
                _, dropped = self._cache.popitem(last=False)
                self._cache_bytes -= len(dropped.asset.body)


def asset_of(body: bytes, content_type: str, encoding: str | None = None) -> Asset:
    tag = hashlib.blake2b(body, digest_size=16, person=b"inos etag").hexdigest()
    return Asset(body, content_type, encoding, f'"{tag}"')


def _suffix(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _compressed_now(file: Path, stat: stat_result) -> bytes | None:
    if _suffix(file.name) in ALREADY_COMPRESSED or not LIVE_BYTES_MIN <= stat.st_size <= LIVE_BYTES_MAX:
        return None
    raw = file.read_bytes()
    packed = brotli.compress(raw, quality=LIVE_QUALITY)
    return packed if len(packed) < len(raw) else None
