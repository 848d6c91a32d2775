"""What measurements compare with: a source, a sink and an echo (`serve.py --bench`); off otherwise.

Nouns: the *source* answers a number of bytes that never change; the *sink* takes a body and answers its length at once, and
tells the CRC-32 of the last one when asked, so that checking costs nobody's clock; the *echo* is a WebSocket.

Invariants: our own origin only; bodies and messages are bounded; nothing is stored but the last body.

Must not know: what is measured.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from inos_host.server.headers import SECURITY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY_BYTES_MAX = 16 << 20
MESSAGE_BYTES_MAX = 4 << 20
SOURCE, SINK, ECHO = "/bench/source", "/bench/sink", "/bench/echo"


class Measuring:
    """The three routes of one server."""

    def __init__(self) -> None:
        self._last = b""
        self._sources: dict[int, bytes] = {}
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {
            ("GET", SOURCE): self._source,
            ("POST", SINK): self._take,
            ("GET", SINK): self._tell,
            ("GET", ECHO): self._echo,
        }

    def takes(self, method: str, path: str) -> bool:
        """Whether a request is for us."""
        return (method, path) in self._routes

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer a request that `takes` has accepted."""
        changes = request.method == "POST" or path == ECHO
        if changes and request.headers.getall("Origin", []) != [f"{request.scheme}://{request.host}"]:
            return _answer(403, {"error": "not from this origin"})
        return await self._routes[request.method, path](request)

    async def _source(self, request: web.BaseRequest) -> web.StreamResponse:
        text = request.query.get("bytes", "")
        length = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 0 < length <= BODY_BYTES_MAX:
            return _answer(400, {"error": f"bytes must be 1 to {BODY_BYTES_MAX}"})
        if length not in self._sources:
            self._sources = {length: hashlib.shake_128(b"inos bench").digest(length)}
        body = self._sources[length]
        kind = {"Content-Type": "application/octet-stream", "Cache-Control": "no-store"}
        return web.Response(body=body, headers={**SECURITY, **kind})

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                return _answer(413, {"error": f"at most {BODY_BYTES_MAX} bytes"})
        self._last = bytes(body)
        return _answer(200, {"bytes": len(body)})

    async def _tell(self, request: web.BaseRequest) -> web.StreamResponse:
        return _answer(200, {"bytes": len(self._last), "crc32": zlib.crc32(self._last)})

    async def _echo(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _answer(426, {"error": "this address speaks WebSocket only"})
        channel = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_BYTES_MAX + 1)
        channel.headers.update(SECURITY)
        await channel.prepare(request)
        async for message in channel:
            if message.type is not WSMsgType.BINARY:
                await channel.close()
                break
            await channel.send_bytes(message.data)
        return channel


def _answer(status: int, value: dict[str, int] | dict[str, str]) -> web.Response:
    response = web.json_response(value, status=status, headers={**SECURITY, "Cache-Control": "no-store"})
    if status == 413:
        response.force_close()
    return response
