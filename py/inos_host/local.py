"""A vault in a folder, for Python scripts: the browser's vault code on CPython, one call after the other.

    with LocalVault(Path("my-vault")) as vault:
        root = vault.put(Path("report.pdf"))
        vault.save(root, Path("copy.pdf"))

Invariants: what ``put`` returned is durable; one process has a folder at a time (a lock file); the secret is wrapped by the key
in ``keyring`` (default: beside the vault, readable by its owner only), so a copy of the folder without it opens with a passphrase
only. Errors are those of ``inos.errors``.
Must not know: browsers, the mesh.
"""

from __future__ import annotations

import fcntl
import mimetypes
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from inos.errors import StorageBusy
from inos.limits import MIB
from inos.tasks import Tasks
from inos.vault.manifest import DIR
from inos.vault.put import Source
from inos.vault.vault import Vault
from inos_host.arena import HostArena
from inos_host.disk import DISK_EFFECTS, STREAM_EFFECTS, HostDisk, Streams
from inos_host.kernels import KERNEL_EFFECTS, make_ports
from inos_host.keyring import KEYRING_EFFECTS, HostKeyring
from inos_host.passphrase import PASSPHRASE_EFFECTS, HostPassphrase
from inos_host.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from types import TracebackType
    from typing import Self

    from inos.vault.check import CheckReport, Level
    from inos.vault.filing import RootInfo
    from inos.vault.importing import Imported

T = TypeVar("T")

ARENA_BYTES = 192 * MIB
KEY_NAME = "device.key"
LOCK_NAME = "lock"


class LocalVault:
    """Opens on entering, closes on leaving. Raises StorageBusy, VaultLocked, StorageError classes."""

    def __init__(self, folder: Path, *, keyring: Path | None = None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = -1
        ports, kernels = make_ports(ARENA_BYTES)
        arena = ports.arena
        assert isinstance(arena, HostArena)
        self._streams = Streams(arena)
        self._disk = HostDisk(arena, folder)
        tasks = Tasks()
        self.vault = Vault(ports, tasks, wall_offset_s=time.time() - tasks.now)
        performers: list[tuple[Any, Any]] = [
            (KERNEL_EFFECTS, kernels),
            (DISK_EFFECTS, self._disk),
            (STREAM_EFFECTS, self._streams),
            (KEYRING_EFFECTS, HostKeyring(keyring or folder / KEY_NAME)),
            (PASSPHRASE_EFFECTS, HostPassphrase()),
        ]
        self._runner = Runner(tasks, performers)

    def __enter__(self) -> Self:
        self._lock = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.run(self.vault.open())
        except BaseException as error:
            self._let_go()
            if isinstance(error, BlockingIOError):
                raise StorageBusy(f"another process has {self._folder}") from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.run(self.vault.close())
            self._runner.drain()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._disk.close()
        os.close(self._lock)  # and so the lock

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """Any coroutine of ``vault``, to its end: ``local.run(local.vault.rename(...))``."""
        return self._runner.run(coro)

    def list(self) -> list[RootInfo]:
        """Every file and folder as it is now, in the order they came."""
        return self.vault.roots()

    def put(self, path: Path, *, name: str = "", replaces: bytes | None = None) -> bytes:
        """Keep a file; its root, once it is durable. With ``replaces`` it is the next version of that root."""
        stat = path.stat()
        number = self._streams.add_file(path)
        try:
            done = self.run(
                self.vault.put(
                    Source(number, stat.st_size),
                    name=name or path.name,
                    media_type=mimetypes.guess_type(path.name)[0] or "",
                    mtime_ms=stat.st_mtime_ns // 1_000_000,
                    replaces=replaces,
                )
            )
        finally:
            self._streams.forget(number)
        return done.root

    def read(self, root: bytes, path: str = "") -> bytes:
        """A file's bytes, checked; ``path`` is one in a folder. It has to fit into memory: ``save`` does not."""
        sink = self._streams.add_sink()
        try:
            self.run(self.vault.get(root, sink, path=path))
            return self._streams.taken(sink)
        finally:
            self._streams.forget(sink)

    def save(self, root: bytes, target: Path, path: str = "") -> None:
        """A file, or a folder as a .zip, to ``target``, which exists only once it is whole."""
        sink = self._streams.add_sink(target)
        try:
            self.run(self.vault.get(root, sink, path=path))
        finally:
            self._streams.forget(sink)

    def files(self, root: bytes, path: str = "") -> Iterator[str]:
        """The paths of all files in a folder, at any depth."""
        for entry in self.run(self.vault.use(lambda library: library.entries(root, path))):
            inside = f"{path}/{entry.name}" if path else entry.name
            if entry.kind == DIR:
                yield from self.files(root, inside)
            else:
                yield inside

    def check(self, level: Level) -> CheckReport:
        """Look for damage; changes nothing."""
        return self.run(self.vault.check(level))

    def export_archive(self, target: Path, passphrase: str) -> None:
        """Everything to one file, which the page's *Import* and ``import_archive`` read."""
        sink = self._streams.add_sink(target)
        try:
            self.run(self.vault.export_archive(sink, passphrase))
        finally:
            self._streams.forget(sink)

    def import_archive(self, archive: Path, passphrase: str) -> Imported:
        """What an archive holds, from any vault. Raises AuthFailed for another passphrase, CorruptError classes."""
        number = self._streams.add_file(archive)
        try:
            return self.run(self.vault.import_archive(Source(number, archive.stat().st_size), passphrase))
        finally:
            self._streams.forget(number)
