"""The rendezvous over WebSockets: moves frames between aiohttp and a `Hub`, and decides nothing itself.

Invariants: an upgrade is made only for our own origin and our subprotocol; each socket has one reader (the request) and
one writer task; a socket that the hub closes is closed at once, one that does not drain is cut; nothing is logged.

Must not know: what a frame means.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web

from inos_host.server.headers import SECURITY, is_address, is_loopback
from inos_host.server.rendezvous import POLICY_VIOLATION, Hub, Member

if TYPE_CHECKING:
    from collections.abc import Callable

    from inos_host.server.origins import Origins

SUBPROTOCOL = "inos.rendezvous.v1"
PING_S = 20.0
CLOSE_S = 0.5
SEND_S = 10.0
WRITE_BUFFER_BYTES_MAX = 64 * 1024


@dataclass(eq=False, slots=True)
class Socket:
    """A member's connection, and the event that its outbox has changed."""

    member: Member
    channel: web.WebSocketResponse
    transport: asyncio.Transport | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


def refusal(request: web.BaseRequest, origins: Origins) -> tuple[int, str] | None:
    """Why a request to `/rendezvous` may not become a socket: a status and a sentence, or None if it may.

    The Host header has been checked by now: ours are the origin that it spells and the public one. A missing Origin is
    refused too: browsers always send one, and other programs have no business here yet.
    """
    headers = request.headers
    if headers.get("Upgrade", "").lower() != "websocket":
        return 426, "this address speaks WebSocket only"
    told = headers.getall("Origin", [])
    if len(told) != 1 or not origins.may_meet(told[0], request.host):
        return 403, "not from this origin"
    offered = [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if SUBPROTOCOL not in offered:
        return 400, f"the subprotocol {SUBPROTOCOL} is needed"
    return None


def client_address(request: web.BaseRequest, *, behind_proxy: bool) -> str:
    """Whose socket it is: a proxy on this machine says so last in X-Forwarded-For; nobody else is believed."""
    address = request.remote or ""
    if not (behind_proxy and is_loopback(address)):
        return address
    told = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
    return told if is_address(told) else address


class Rendezvous:
    """All sockets of one server."""

    def __init__(self, hub: Hub, clock: Callable[[], float], *, behind_proxy: bool = False) -> None:
        self._behind_proxy = behind_proxy
        self._hub = hub
        self._clock = clock
        self._sockets: dict[Member, Socket] = {}

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Upgrade an admitted request and serve it to its end; None if its address holds too many sockets."""
        address = client_address(request, behind_proxy=self._behind_proxy)
        member = self._hub.connect(address, self._clock(), loopback=is_loopback(address))
        if member is None:
            return None
        channel = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=PING_S,
            timeout=CLOSE_S,
            compress=False,
            # aiohttp refuses a message that reaches its bound; ours may be exactly the maximum.
            max_msg_size=self._hub.limits.frame_bytes_max + 1,
        )
        channel.headers.update(SECURITY)
        socket = Socket(member, channel, request.transport)
        self._sockets[member] = socket
        writer: asyncio.Task[None] | None = None
        try:
            await channel.prepare(request)
            if socket.transport is not None:
                socket.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES_MAX)
            writer = asyncio.create_task(self._write(socket))
            await self._read(socket)
        finally:
            self._hub.disconnect(member)
            del self._sockets[member]
            if writer is not None:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
        return channel

    async def _read(self, socket: Socket) -> None:
        member = socket.member
        while member.closed is None:
            remaining_s = None if member.join_by is None else max(0.0, member.join_by - self._clock())
            try:
                message = await socket.channel.receive(remaining_s)
            except TimeoutError:
                self._hub.on_deadline(member, self._clock())
                self._wake()
                continue
            if message.type is WSMsgType.TEXT:
                self._hub.receive_text(member, message.data, self._clock())
            elif message.type is WSMsgType.BINARY:
                self._hub.receive_bytes(member, message.data, self._clock())
            else:  # closed by either side, or broken
                return
            self._wake()
        await self._close(socket, POLICY_VIOLATION, member.closed)

    def _wake(self) -> None:
        for member in self._hub.poll_ready():
            socket = self._sockets.get(member)
            if socket is None:
                continue
            socket.changed.set()
            if member.closed is not None and self._is_stuck(socket) and socket.transport is not None:
                socket.transport.abort()  # a close frame would wait behind what it does not read

    @staticmethod
    def _is_stuck(socket: Socket) -> bool:
        return socket.transport is not None and socket.transport.get_write_buffer_size() > WRITE_BUFFER_BYTES_MAX // 2

    async def _write(self, socket: Socket) -> None:
        try:
            while socket.member.closed is None:
                await socket.changed.wait()
                socket.changed.clear()
                while (frame := self._hub.next_frame(socket.member)) is not None:
                    sending = (
                        socket.channel.send_str(frame) if isinstance(frame, str) else socket.channel.send_bytes(frame)
                    )
                    await asyncio.wait_for(sending, SEND_S)
            await self._close(socket, POLICY_VIOLATION, socket.member.closed)
        except (TimeoutError, ConnectionError, RuntimeError):
            if socket.transport is not None:
                socket.transport.abort()

    @staticmethod
    async def _close(socket: Socket, code: int, reason: str) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError, asyncio.TimeoutError):
            await asyncio.wait_for(socket.channel.close(code=code, message=reason.encode()), CLOSE_S)

    async def close_all(self) -> None:
        """Say good-bye to everybody at once; takes at most the time of one closing handshake."""
        closing = [self._close(socket, WSCloseCode.GOING_AWAY, "the server stops") for socket in self._sockets.values()]
        await asyncio.gather(*closing, return_exceptions=True)
