"""A package index passed on to our own page (`serve.py --python-index ADDRESS`), and nothing else passed on.

The page's content security policy lets it reach its own origin only, and stays so: who serves decides which index there is,
the person in front of the page allows it (`web/page/ui/python/index_allowed.js`), and this stands between. Nouns: the *index*
speaks the simple API in JSON (PEP 691); a *project* is one name in it; only *pure wheels* (`py3-none-any`) with a SHA-256 are
shown.

Invariants: https only, also after redirects (plain http only to this machine, and only for an index that is itself reached so: no
other may lead to what listens here); a browser names a project and a file of it,
never an address; a file that is not what the index said of it is not passed on; answers are bounded in bytes, time and number
at once; nothing of the browser's request goes to the index.

Must not know: the rest of the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp import web

from inos_host.server.headers import SECURITY, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/python-index/"
SIMPLE_TYPE = "application/vnd.pypi.simple.v1+json"
ADDRESS_CHARS_MAX = 300
PROJECT_BYTES_MAX = 32 << 20
WHEEL_BYTES_MAX = 64 << 20
PROJECTS_KEPT_MAX = 128
AT_ONCE_MAX = 4
UNDER_WAY_MAX = 64  # micropip asks for all that a package needs at once
TIMEOUT_S = 60.0
REDIRECTS_MAX = 3
_PROJECT = r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?"
_WHEEL = r"[A-Za-z0-9][A-Za-z0-9._+!]{0,150}-[A-Za-z0-9._+!]{1,80}-(?:py2\.py3|py3)-none-any\.whl"
_SIMPLE_PATH = re.compile(rf"{PREFIX}simple/({_PROJECT})/")
_FILE_PATH = re.compile(rf"{PREFIX}file/({_PROJECT})/({_WHEEL})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEPT_KEYS = ("requires-python", "yanked", "size")


class BadIndex(ValueError):
    """An address that is no index of ours."""


class _Refused(Exception):
    """What is answered instead."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Wheel:
    url: str
    sha256: str


def index_address(text: str) -> str:
    """The address of an index, without a slash at its end. Raises BadIndex."""
    plain = len(text) <= ADDRESS_CHARS_MAX and not re.search(r"[?#@\s]", text)
    if not plain or not _is_allowed(text, http=True):
        raise BadIndex("an index is an https address without user, query or fragment")
    return text.rstrip("/")


def _is_allowed(url: str, *, http: bool) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (http and parts.scheme == "http" and is_loopback(host)))


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


class PackageIndex:
    """One index, as our page sees it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._takes_http = urlsplit(address).scheme == "http"
        self._session: aiohttp.ClientSession | None = None
        self._projects: OrderedDict[str, dict[str, _Wheel]] = OrderedDict()
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._under_way = 0

    async def close(self) -> None:
        """End what is under way."""
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.BaseRequest, path: str, origin: str) -> web.StreamResponse:
        """Answer a request below PREFIX; ``origin`` is what the page is called there, since micropip wants whole addresses."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return _words(403, "for this server's own page")
        if self._under_way >= UNDER_WAY_MAX:
            return _words(503, "too many packages at once")
        self._under_way += 1
        try:
            async with self._turns, asyncio.timeout(TIMEOUT_S):
                return await self._found(path, origin)
        except _Refused as refused:
            return _words(refused.status, str(refused))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return _words(502, "the index cannot be reached")
        finally:
            self._under_way -= 1

    async def _found(self, path: str, origin: str) -> web.Response:
        if found := _SIMPLE_PATH.fullmatch(path):
            return _answer(json.dumps(await self._project(found[1], origin)).encode(), SIMPLE_TYPE)
        if found := _FILE_PATH.fullmatch(path):
            return _answer(await self._file(found[1], found[2]), "application/zip")
        return _words(404, "not found")

    async def _project(self, name: str, origin: str = "") -> dict[str, Any]:
        body = await self._fetch(f"{self._address}/{name}/", PROJECT_BYTES_MAX)
        files = _files_of(body)
        wheels: dict[str, _Wheel] = {}
        shown = []
        for file in files:
            filename, url, sha256 = _fields_of(file)
            where = _joined(f"{self._address}/{name}/", url)
            if not re.fullmatch(_WHEEL, filename) or not _SHA256.fullmatch(sha256):
                continue
            if not _is_allowed(where, http=self._takes_http):
                continue
            wheels[filename] = _Wheel(where, sha256)
            kept = {key: file[key] for key in _KEPT_KEYS if isinstance(file.get(key), str | int | bool)}
            path = f"{origin}{PREFIX}file/{name}/{filename}"
            shown.append({"filename": filename, "url": path, "hashes": {"sha256": sha256}, **kept})
        self._projects[name] = wheels
        self._projects.move_to_end(name)
        while len(self._projects) > PROJECTS_KEPT_MAX:
            self._projects.popitem(last=False)
        return {"meta": {"api-version": "1.0"}, "name": name, "files": shown}

    async def _file(self, name: str, filename: str) -> bytes:
        if filename not in self._projects.get(name, {}):
            await self._project(name)
        wheel = self._projects[name].get(filename)
        if wheel is None:
            raise _Refused(404, "the index has no such wheel")
        body = await self._fetch(wheel.url, WHEEL_BYTES_MAX)
        if hashlib.sha256(body).hexdigest() != wheel.sha256:
            raise _Refused(502, "the wheel is not the one that the index names")
        return body

    async def _fetch(self, url: str, bytes_max: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=True
            )  # the machine's proxy
        for _ in range(REDIRECTS_MAX + 1):
            if not _is_allowed(url, http=self._takes_http):
                raise _Refused(502, "the index leads away from https")
            async with self._session.get(url, headers={"Accept": SIMPLE_TYPE}, allow_redirects=False) as response:
                if response.status in {301, 302, 303, 307, 308}:
                    url = _joined(url, response.headers.get("Location", ""))
                    continue
                if response.status == 404:
                    raise _Refused(404, "the index has no such project")
                if response.status != 200:
                    raise _Refused(502, f"the index said {response.status}")
                body = bytearray()
                async for piece in response.content.iter_chunked(1 << 16):
                    body += piece
                    if len(body) > bytes_max:
                        raise _Refused(502, "the index's answer is too large")
                return bytes(body)
        raise _Refused(502, "the index redirects without end")


def _files_of(body: bytes) -> list[dict[str, Any]]:
    try:
        files = json.loads(body)["files"]
        return [file for file in files if isinstance(file, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _Refused(502, "the index does not answer in JSON (PEP 691)") from None


def _fields_of(file: Mapping[str, Any]) -> tuple[str, str, str]:
    hashes = file.get("hashes")
    sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
    return str(file.get("filename", "")), str(file.get("url", "")), str(sha256)


def _words(status: int, why: str) -> web.Response:
    return _answer(f"{status} {why}\n".encode(), "text/plain; charset=utf-8", status)


def _answer(body: bytes, content_type: str, status: int = 200) -> web.Response:
    return web.Response(
        body=body, status=status, headers={**SECURITY, "Content-Type": content_type, "Cache-Control": "no-store"}
    )
