"""Connections of a server with TLS: one port on which both https and http are answered.

A connection is looked at before it is read: a first byte of 0x16 begins a TLS handshake, anything else is plain HTTP, which
`app` answers with the address that begins with https. So who types the address without its scheme gets there.

Invariants: who says nothing is dropped after READ_S, as is who does not end the handshake; at most WAITING_MAX are waited
for at once; a connection that fails before its first request is nobody's error.

Must not know: requests. It needs a loop that can watch sockets (asyncio's SelectorEventLoop, which is not Windows' default).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

READ_S = 10.0
HANDSHAKE_S = 10.0
WAITING_MAX = 256
NO_FILES_PAUSE_S = 0.2
TLS_HANDSHAKE = b"\x16"


class Doors:
    """Listening sockets, and the connections that have not said yet what they are."""

    def __init__(self, factory: Callable[[], asyncio.Protocol], context: ssl.SSLContext) -> None:
        self._factory = factory
        self._context = context
        self._waiting: set[asyncio.Task[None]] = set()
        self._accepting: list[asyncio.Task[None]] = []

    def open(self, listeners: Sequence[socket.socket]) -> None:
        self._accepting = [asyncio.create_task(self._accept(listener)) for listener in listeners]

    async def close(self) -> None:
        tasks = [*self._accepting, *self._waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # it was gone again, or no file handles are left
                    await asyncio.sleep(NO_FILES_PAUSE_S)
                    continue
                if len(self._waiting) >= WAITING_MAX:
                    connection.close()
                    continue
                task = asyncio.create_task(self._admit(connection))
                self._waiting.add(task)
                task.add_done_callback(self._waiting.discard)

    async def _admit(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(READ_S):
                first = await _first_byte(connection)
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            connection.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        if not first:
            connection.close()
            return
        tls: dict[str, Any] = (
            {"ssl": self._context, "ssl_handshake_timeout": HANDSHAKE_S} if first == TLS_HANDSHAKE else {}
        )
        with contextlib.suppress(
            OSError, TimeoutError
        ):  # ssl.SSLError is one: the browser did not like our certificate
            await asyncio.get_running_loop().connect_accepted_socket(self._factory, connection, **tls)


async def _first_byte(connection: socket.socket) -> bytes:
    """What comes first, left where it is."""
    connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
    while True:
        await _readable(connection)
        with contextlib.suppress(BlockingIOError):
            return connection.recv(1, socket.MSG_PEEK)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection.fileno())


def tls_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 and up with a certificate; OSError (ssl.SSLError is one) or ValueError where the files are not right."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context
