"""A counting relay between the browser and the server: bytes of everything that a visit loads, workers included.

A browser's own counters leave out what workers load by themselves; a relay sees all of it, HTTP heads too. It slows a
visit down, so visits that are timed do not go through it.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

PIECE_BYTES = 1 << 16


class Relay:
    """Listens on a free port of loopback and passes everything on; `received` counts bytes from the server."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._received = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def take(self) -> int:
        """Bytes since the last call."""
        with self._lock:
            received, self._received = self._received, 0
        return received

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed: the measurement is over
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, target, counts in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass_on, args=(source, target, counts), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        try:
            while piece := source.recv(PIECE_BYTES):
                if counts:
                    with self._lock:
                        self._received += len(piece)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()  # one side went away: so does the other
            source.close()
