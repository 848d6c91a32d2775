"""One request: is it for us, is it well-formed, and which of the things we do (files, rendezvous, the package
index if there is one) does it want.

Invariants: every response leaves through `_reply` or the WebSocket upgrade, both of which carry the security headers;
also the answers that aiohttp itself makes to broken requests (`Connection.handle_error`). Bodies are never read, but for
the measuring routes where they are asked for (`measuring`).

Must not know: command lines, certificates, rooms.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING, Any

from aiohttp import web

from inos_host.server.headers import SECURITY, accepts_brotli, etag_matches
from inos_host.server.measuring import BODY_BYTES_MAX as MEASURED_BYTES_MAX
from inos_host.server.measuring import Measuring
from inos_host.server.package_index import PREFIX as INDEX_PREFIX
from inos_host.server.site import LISTING_PATH
from inos_host.server.sockets import Rendezvous, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inos_host.server.origins import Origins
    from inos_host.server.package_index import PackageIndex
    from inos_host.server.rendezvous import Hub
    from inos_host.server.site import Site
    from inos_host.server.static_files import Asset, StaticFiles

HEADER_BYTES_MAX = 8 * 1024
BODY_BYTES_MAX = 64 * 1024
READ_S = 10.0
RENDEZVOUS_PATH = "/rendezvous"
SERVICE_WORKER = "/sw.js"
TARGET = re.compile(r"/[\x21-\x7e]*")


class App:
    """Answers requests for one set of origins from one checkout; `made` are files that are not on the disk, by their path."""

    def __init__(
        self,
        origins: Origins,
        files: StaticFiles,
        site: Site,
        hub: Hub,
        *,
        made: Mapping[str, Asset] | None = None,
        index: PackageIndex | None = None,
        bench: bool = False,
    ) -> None:
        self._index = index
        self._origins = origins
        self._made = made or {}
        self._files = files
        self._site = site
        self._measuring = Measuring() if bench else None
        self.rendezvous = Rendezvous(
            hub, asyncio.get_running_loop().time, behind_proxy=origins.public_origin is not None
        )

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        measuring = self._measuring if self._measuring and self._measuring.takes(request.method, path) else None
        refused = self._refusal(request, measured=measuring is not None)
        if refused is not None:
            return refused
        if self._origins.is_secure and not request.secure:
            return _reply(308, "this server speaks TLS", {"Location": f"https://{request.host}{request.raw_path}"})
        if self._origins.is_alias(request.host) and request.headers.get("Upgrade") is None:
            return _reply(308, "the same page, under its one name", {"Location": self._origins.url + request.raw_path})
        if path == RENDEZVOUS_PATH:
            return await self._upgrade(request)
        if measuring is not None:
            return await measuring.handle(request, path)
        if self._index is not None and path.startswith(INDEX_PREFIX):
            scheme = "https" if request.secure else "http"
            origin = self._origins.public_origin or f"{scheme}://{request.host}"
            return await self._index.handle(request, path, origin)
        return await self._file(request, path)

    def _refusal(self, request: web.BaseRequest, *, measured: bool) -> web.Response | None:
        header_bytes = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
        if header_bytes > HEADER_BYTES_MAX:
            return _closing(431, "request headers too large")
        body_bytes_max = MEASURED_BYTES_MAX if measured else BODY_BYTES_MAX
        if request.headers.get("Transfer-Encoding") or (request.content_length or 0) > body_bytes_max:
            return _closing(413, "no request needs a body here")
        if len(request.headers.getall("Host", [])) != 1 or not self._origins.is_host_ours(request.host):
            return _closing(421, "this server does not answer to that host name")
        if request.method not in {"GET", "HEAD"} and not measured:
            return _reply(405, "only GET and HEAD", {"Allow": "GET, HEAD"})
        if not TARGET.fullmatch(request.raw_path):
            return _reply(400, "bad request")
        return None

    async def _upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        refused = refusal(request, self._origins)
        if refused is not None:
            status, why = refused
            return _reply(status, why, {"Upgrade": "websocket"} if status == 426 else {})
        response = await self.rendezvous.serve(request)
        return response if response is not None else _reply(429, "too many sockets from this address")

    async def _file(self, request: web.BaseRequest, path: str) -> web.Response:
        wants_brotli = accepts_brotli(request.headers.get("Accept-Encoding", ""))
        try:
            asset = await asyncio.to_thread(self._load, path, brotli_accepted=wants_brotli)
        except OSError:
            asset = None
        asset = self._made.get(path, asset)
        if asset is None:
            return _reply(404, "not found")
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if path == SERVICE_WORKER:
            headers["Service-Worker-Allowed"] = "/"
        if etag_matches(request.headers.get("If-None-Match", ""), asset.etag):
            return web.Response(status=304, headers={**SECURITY, **headers})
        headers["Content-Type"] = asset.content_type
        if asset.encoding is not None:
            headers["Content-Encoding"] = asset.encoding
        return web.Response(body=asset.body, headers={**SECURITY, **headers})

    def _load(self, path: str, *, brotli_accepted: bool) -> Asset | None:
        if path == LISTING_PATH:
            return self._site.listing_asset(brotli_accepted=brotli_accepted)
        file = self._files.locate(path)
        return self._files.load(file, brotli_accepted=brotli_accepted) if file else None


class Listener(web.Server):
    """aiohttp's connection factory with our limits, and with our headers on the errors it answers by itself."""

    def __init__(self, app: App) -> None:
        super().__init__(app.handle)

    def __call__(self) -> web.RequestHandler:
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=READ_S,  # also bounds how long the first request line and headers may take
            lingering_time=0.0,
            max_line_size=HEADER_BYTES_MAX - 2,
            max_field_size=HEADER_BYTES_MAX - 2,
        )


class Connection(web.RequestHandler):
    """One client; a request that aiohttp cannot parse gets a short plain answer and the connection is closed."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a broken request, or a fault of ours, in our own words; `message` quotes the client and is dropped."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        if status == 500 and exc is not None:
            place = exc.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            print(f"inos: {type(exc).__name__} at {where}", file=sys.stderr, flush=True)
        return _closing(status, "bad request" if status < 500 else "internal error")


def _reply(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    extra: dict[str, Any] = {"Cache-Control": "no-store", **(headers or {})}
    return web.Response(status=status, text=f"{status} {text}\n", headers={**SECURITY, **extra})


def _closing(status: int, text: str) -> web.Response:
    response = _reply(status, text)
    response.force_close()
    return response
