"""Disk, source and sink effects: frames for the io worker, answered by request number.

Invariants: fewer requests are open than IO_DONE has room for answers (``_OPEN_MAX``); the rest wait here in order. Errors
arrive as kernel-style status numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import inos_js

from inos import ports
from inos.errors import STATUS_ERRORS, BadArgument, StorageFull
from inos.memory import layout
from inos.tasks import Effect

_OPEN_MAX = 512
_FIXED = {"sb0": 0, "sb1": 1, "log-a": 2, "log-b": 3, "keys": 4, "kept": 5}
_SEGMENT_HANDLE = 16
_OPS = layout.IO_OPS
_NOTHING = (ports.FileWrite, ports.FileFlush, ports.FileTruncate, ports.FileClose, ports.SinkWrite, ports.SinkClose)

DISK_EFFECTS = (
    ports.FileSize,
    ports.FileRead,
    ports.FileWrite,
    ports.FileFlush,
    ports.FileTruncate,
    ports.FileClose,
    ports.ListSegments,
    ports.SourceRead,
    ports.SinkWrite,
    ports.SinkClose,
)


def handle_of(name: str) -> int:
    """The number by which the io worker knows a vault file."""
    if name in _FIXED:
        return _FIXED[name]
    if name.startswith("seg-"):
        return _SEGMENT_HANDLE + int(name[4:])
    raise BadArgument(name)


def frame_of(effect: Effect[Any]) -> tuple[int, int, int, int, int]:
    """Operation, handle, file offset, arena offset, length."""
    match effect:
        case ports.FileSize(name):
            return _OPS["SIZE"], handle_of(name), 0, 0, 0
        case ports.FileRead(name, offset, dst):
            return _OPS["READ"], handle_of(name), offset, dst.offset, dst.length
        case ports.FileWrite(name, offset, src):
            return _OPS["WRITE"], handle_of(name), offset, src.offset, src.length
        case ports.FileFlush(name):
            return _OPS["FLUSH"], handle_of(name), 0, 0, 0
        case ports.FileTruncate(name, size):
            return _OPS["TRUNCATE"], handle_of(name), size, 0, 0
        case ports.FileClose(name):
            return _OPS["CLOSE"], handle_of(name), 0, 0, 0
        case ports.ListSegments(dst):
            return _OPS["LIST_SEGMENTS"], 0, 0, dst.offset, dst.length
        case ports.SourceRead(source, offset, dst):
            return _OPS["READ_SOURCE"], source, offset, dst.offset, dst.length
        case ports.SinkWrite(sink, offset, src):
            return _OPS["WRITE_SINK"], sink, offset, src.offset, src.length
        case ports.SinkClose(sink, complete):
            return _OPS["CLOSE_SINK"], sink, 0, 0, int(complete)
    raise BadArgument(f"not a disk effect: {effect!r}")


class Disk:
    """Performs disk, source and sink effects."""

    def __init__(self, answer: Callable[[int, object], None]) -> None:
        self._answer = answer
        self._push = inos_js.io
        self._open: dict[int, tuple[int, Effect[Any]]] = {}
        self._waiting: deque[tuple[int, Effect[Any]]] = deque()
        self._request = 0

    def perform(self, effect_id: int, effect: Effect[Any]) -> None:
        """Send the effect's frame, or keep it until there is room."""
        self._waiting.append((effect_id, effect))
        self.pump()

    def pump(self) -> None:
        """Send what waits while there is room."""
        while self._waiting and len(self._open) < _OPEN_MAX:
            effect_id, effect = self._waiting[0]
            self._request = (self._request + 1) & 0xFFFFFFFF
            op, handle, offset, at, length = frame_of(effect)
            if not self._push(op, self._request, handle, offset, at, length):
                return
            self._waiting.popleft()
            self._open[self._request] = (effect_id, effect)

    def done(self, request: int, status: int, value: float) -> None:
        """An answer of the io worker."""
        effect_id, effect = self._open.pop(request)
        if status:
            self._answer(effect_id, STATUS_ERRORS.get(status, StorageFull)(type(effect).__name__))
        else:
            self._answer(effect_id, None if isinstance(effect, _NOTHING) else int(value))
        self.pump()
