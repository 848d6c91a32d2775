"""The disk, sources and sinks of a vault on CPython: files of one folder, and whatever bytes come from and go to.

Nouns: as in ``inos.ports``; a *source* is something that can be read at an offset, a *sink* takes bytes in order. Handles
are opened once and kept, at most HANDLES_MAX at a time. Invariants: names are the vault's own (a pattern is checked all the
same); every ``OSError`` becomes a StorageError; ``perform`` may be called from several threads, for
different effects. Must not know: formats.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from inos.errors import BadArgument, NotFound, StorageDenied, StorageError, StorageFull, StorageLost
from inos.ports import (
    FileClose,
    FileFlush,
    FileRead,
    FileSize,
    FileTruncate,
    FileWrite,
    ListSegments,
    SinkClose,
    SinkWrite,
    SourceRead,
    Span,
)
from inos.tasks import Effect

HANDLES_MAX = 64
DISK_EFFECTS = (FileSize, FileRead, FileWrite, FileFlush, FileTruncate, FileClose, ListSegments)
STREAM_EFFECTS = (SourceRead, SinkWrite, SinkClose)
_NAME = re.compile(r"sb[01]|log-[ab]|keys|kept|seg-[0-9]{4,5}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


class ViewArena(Protocol):
    """The part of the host's arena that the disk needs."""

    def in_place(self, span: Span) -> memoryview:
        """The bytes in place."""


def storage_error(error: OSError) -> StorageError:
    """What an error of the operating system means to a vault."""
    text = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageFull(text)
    if error.errno in _DENIED:
        return StorageDenied(text)
    return StorageLost(text)


def check_name(name: str) -> str:
    """The name, if it is one of a vault's files. Raises BadArgument."""
    if _NAME.fullmatch(name) is None:
        raise BadArgument(f"not a vault's file: {name!r}")
    return name


class HostDisk:
    """A vault's files in a real folder."""

    def __init__(self, arena: ViewArena, folder: Path) -> None:
        self._arena = arena
        self._folder = folder
        self._handles: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error) from error

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of DISK_EFFECTS. Raises StorageError classes, BadArgument."""
        try:
            with self._lock:
                return self._perform(effect)
        except OSError as error:
            raise storage_error(error) from error

    def _perform(self, effect: Effect[Any]) -> object:
        match effect:
            case FileSize(name):
                return os.fstat(self._open(name)).st_size
            case FileRead(name, offset, dst):
                return self._read(self._open(name), offset, self._arena.in_place(dst))
            case FileWrite(name, offset, src):
                self._write(self._open(name), offset, self._arena.in_place(src))
            case FileFlush(name):
                os.fsync(self._open(name))
            case FileTruncate(name, size):
                os.ftruncate(self._open(name), size)
            case FileClose(name):
                self._close(name)
            case ListSegments(dst):
                numbers = [int(path.name[4:]) for path in self._folder.glob("seg-*") if _NAME.fullmatch(path.name)]
                return list_segments(numbers, self._arena.in_place(dst))
            case _:
                raise BadArgument(f"not a disk's effect: {type(effect).__name__}")
        return None

    def _open(self, name: str) -> int:
        handle = self._handles.get(check_name(name))
        if handle is not None:
            self._handles.move_to_end(name)
            return handle
        if len(self._handles) >= HANDLES_MAX:
            os.close(self._handles.popitem(last=False)[1])
        path = self._folder / name
        existed = path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._handles[name] = handle
        if not existed:
            _sync_folder(self._folder)
        return handle

    def _read(self, handle: int, offset: int, view: memoryview) -> int:
        got = 0
        while got < len(view):
            step = os.preadv(handle, [view[got:]], offset + got)
            if step == 0:
                break
            got += step
        return got

    def _write(self, handle: int, offset: int, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += os.pwritev(handle, [view[done:]], offset + done)

    def _close(self, name: str) -> None:
        handle = self._handles.pop(check_name(name), None)
        if handle is not None:
            os.close(handle)

    def close(self) -> None:
        """Close every handle."""
        with self._lock:
            while self._handles:
                os.close(self._handles.popitem()[1])


def list_segments(numbers: list[int], view: memoryview) -> int:
    """The answer to ``ListSegments``."""
    packed = struct.pack(f"<{len(numbers)}I", *numbers)
    view[: len(packed)] = packed[: len(view)]
    return len(packed)


def _sync_folder(path: Path) -> None:
    """A new file's name is durable only when its folder is."""
    with contextlib.suppress(OSError):  # not every system lets folders be opened
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True)
class _Partial:
    """A file that is not whole yet, under a name made for it: the target's own with an ending could be somebody's."""

    target: Path
    path: Path

    @classmethod
    def beside(cls, target: Path) -> _Partial:
        path = target.with_name(f".inos-{secrets.token_hex(8)}.part")
        path.open("xb").close()
        return cls(target, path)

    def write(self, offset: int, view: memoryview) -> None:
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(view)

    def finish(self) -> None:
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        _sync_folder(self.target.parent)

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


ReadAt = Callable[[int, memoryview], int]


class Streams:
    """Sources and sinks, registered under numbers."""

    def __init__(self, arena: ViewArena) -> None:
        self._arena = arena
        self._serial = 0
        self._sources: dict[int, ReadAt] = {}
        self._sinks: dict[int, bytearray | _Partial] = {}
        self.complete: dict[int, bool] = {}  # sinks that were closed

    def add_bytes(self, data: bytes) -> int:
        """A source of bytes in memory."""

        def read(offset: int, view: memoryview) -> int:
            part = memoryview(data)[offset : offset + len(view)]
            view[: len(part)] = part
            return len(part)

        return self.add_reader(read)

    def add_file(self, path: Path) -> int:
        """A source that reads a file."""

        def read(offset: int, view: memoryview) -> int:
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                return file.readinto(view) or 0

        return self.add_reader(read)

    def add_reader(self, read: ReadAt) -> int:
        """A source that calls ``read(offset, view)``, which answers how much it filled."""
        self._serial += 1
        self._sources[self._serial] = read
        return self._serial

    def add_sink(self, path: Path | None = None) -> int:
        """A sink to memory (see ``taken``), or to a file that exists only once it is complete."""
        self._serial += 1
        self._sinks[self._serial] = bytearray() if path is None else _Partial.beside(path)
        return self._serial

    def taken(self, sink: int) -> bytes:
        """What a memory sink has."""
        data = self._sinks[sink]
        assert isinstance(data, bytearray)
        return bytes(data)

    def forget(self, number: int) -> None:
        """A source or sink is not used any more; of a file that did not become whole nothing stays."""
        self._sources.pop(number, None)
        sink = self._sinks.pop(number, None)
        if isinstance(sink, _Partial):
            sink.drop()
        self.complete.pop(number, None)

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of STREAM_EFFECTS. Raises StorageError classes, NotFound, BadArgument."""
        try:
            match effect:
                case SourceRead(source, offset, dst):
                    if source not in self._sources:
                        raise NotFound(f"no source {source}")
                    return self._sources[source](offset, self._arena.in_place(dst))
                case SinkWrite(sink, offset, src):
                    self._take(self._sink(sink), offset, self._arena.in_place(src))
                case SinkClose(sink, complete):
                    self._end(sink, complete=complete)
                case _:
                    raise BadArgument(f"not a stream's effect: {type(effect).__name__}")
        except OSError as error:
            raise storage_error(error) from error
        return None

    def _sink(self, sink: int) -> bytearray | _Partial:
        if sink not in self._sinks or sink in self.complete:
            raise NotFound(f"no sink {sink}")
        return self._sinks[sink]

    def _take(self, target: bytearray | _Partial, offset: int, view: memoryview) -> None:
        if isinstance(target, bytearray):
            if offset != len(target):
                raise BadArgument("bytes out of order")
            target += view
            return
        target.write(offset, view)

    def _end(self, sink: int, *, complete: bool) -> None:
        target = self._sink(sink)
        self.complete[sink] = complete
        if isinstance(target, _Partial):
            if complete:
                target.finish()
            else:
                target.drop()
