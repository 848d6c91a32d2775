"""What every disk must do, run over each of them: the host's files and the tests' own disk in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vault_world import MemoryDisk

from inos.errors import StorageDenied, StorageError, StorageFull, StorageLost
from inos.limits import MIB
from inos.ports import FileClose, FileFlush, FileRead, FileSize, FileTruncate, FileWrite
from inos_host.arena import HostArena
from inos_host.disk import HANDLES_MAX, HostDisk, storage_error


class Desk:
    """One disk, with bytes in and out."""

    def __init__(self, disk: Any, arena: HostArena) -> None:
        self.disk = disk
        self.arena = arena

    def write(self, name: str, offset: int, data: bytes) -> None:
        span = self.arena.alloc(len(data))
        self.arena.write(span, data)
        self.disk.perform(FileWrite(name, offset, span.part(0, len(data))))
        self.arena.release(span)

    def read(self, name: str, offset: int, length: int) -> bytes:
        span = self.arena.alloc(length)
        self.arena.write(span, b"?" * length)
        got = self.disk.perform(FileRead(name, offset, span.part(0, length)))
        data = self.arena.read(span.part(0, got))
        self.arena.release(span)
        return data

    def size(self, name: str) -> int:
        size = self.disk.perform(FileSize(name))
        assert isinstance(size, int)
        return size


@pytest.fixture(params=["host", "memory"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    arena = HostArena(8 * MIB)
    disk: Any
    if request.param == "host":
        disk = HostDisk(arena, tmp_path / "vault")
    else:
        disk = MemoryDisk()
        disk.arena = arena
    yield Desk(disk, arena)
    disk.close()


def test_a_file_begins_empty(desk: Desk) -> None:
    assert desk.size("keys") == 0
    assert desk.read("keys", 0, 10) == b""
    assert desk.read("seg-0000", 100, 10) == b""


def test_what_is_written_is_read(desk: Desk) -> None:
    desk.write("sb0", 0, b"abcdef")
    desk.write("sb0", 3, b"XY")
    assert desk.read("sb0", 0, 6) == b"abcXYf"
    assert desk.size("sb0") == 6
    desk.write("sb1", 0, b"")
    assert desk.size("sb1") == 0


def test_reads_are_short_at_the_end_and_leave_the_rest_alone(desk: Desk) -> None:
    desk.write("log-a", 0, b"12345")
    assert desk.read("log-a", 3, 10) == b"45"
    assert desk.read("log-a", 5, 10) == b""
    assert desk.read("log-a", 50, 10) == b""
    span = desk.arena.alloc(10)
    desk.arena.write(span, b"?" * 10)
    assert desk.disk.perform(FileRead("log-a", 3, span)) == 2
    assert desk.arena.read(span) == b"45????????"


def test_a_gap_reads_as_zeros(desk: Desk) -> None:
    desk.write("seg-0001", 10, b"x")
    assert desk.read("seg-0001", 0, 20) == bytes(10) + b"x"


def test_truncation_cuts_and_extends(desk: Desk) -> None:
    desk.write("log-b", 0, b"abcdef")
    desk.disk.perform(FileTruncate("log-b", 2))
    assert desk.read("log-b", 0, 10) == b"ab"
    desk.disk.perform(FileTruncate("log-b", 5))
    assert desk.read("log-b", 0, 10) == b"ab\0\0\0"
    desk.disk.perform(FileTruncate("log-b", 0))
    assert desk.size("log-b") == 0


def test_large_writes(desk: Desk) -> None:
    data = bytes(range(256)) * (3 * 4_096)
    desk.write("seg-0002", 64, data)
    assert desk.read("seg-0002", 64, len(data)) == data


def test_flush_and_close_change_nothing_that_is_seen(desk: Desk) -> None:
    desk.write("keys", 0, b"abc")
    desk.disk.perform(FileFlush("keys"))
    desk.disk.perform(FileClose("keys"))
    desk.disk.perform(FileClose("keys"))
    assert desk.read("keys", 0, 10) == b"abc"


def test_more_files_than_handles(desk: Desk) -> None:
    for n in range(HANDLES_MAX + 10):
        desk.write(f"seg-{n:04d}", 0, str(n).encode())
    for n in range(HANDLES_MAX + 10):
        assert desk.read(f"seg-{n:04d}", 0, 9) == str(n).encode()


def test_what_is_flushed_survives_and_what_is_not_may_go() -> None:
    arena = HostArena(MIB)
    disk = MemoryDisk()
    disk.arena = arena
    desk = Desk(disk, arena)
    desk.write("keys", 0, b"durable")
    disk.perform(FileFlush("keys"))
    desk.write("keys", 0, b"DUR")
    disk.perform(FileTruncate("keys", 4))
    disk.crash()
    assert desk.read("keys", 0, 10) == b"durable"


def test_errors_of_the_system_are_storage_errors(tmp_path: Path) -> None:
    import errno

    assert type(storage_error(OSError(errno.ENOSPC, "full"))) is StorageFull
    assert type(storage_error(OSError(errno.EACCES, "no"))) is StorageDenied
    assert type(storage_error(OSError(errno.EIO, "broken"))) is StorageLost
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        HostDisk(HostArena(MIB), tmp_path / "file")
    disk = HostDisk(HostArena(MIB), tmp_path / "vault")
    (tmp_path / "vault" / "keys").mkdir()
    with pytest.raises(StorageError):
        disk.perform(FileSize("keys"))
    from inos.errors import BadArgument

    for name in ("../keys", "keys2", "", "seg-1", "seg-0001x"):
        with pytest.raises(BadArgument):
            disk.perform(FileSize(name))
