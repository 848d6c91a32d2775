"""A vault's whole world in one process, for tests: toy kernels, a disk in memory that forgets, virtual time.

The store must not care which algorithms seal its blocks, so these tests use the quick ones of ``inos_sim.kernels``. The real
algorithms have their turn in ``tests/unit/host``.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from inos.errors import BadArgument, InosError, StorageFull
from inos.limits import MIB
from inos.ports import (
    FileClose,
    FileFlush,
    FileRead,
    FileSize,
    FileTruncate,
    FileWrite,
    ListSegments,
    Ports,
)
from inos.tasks import Effect, Task, Tasks
from inos.vault import checkpoint, ops
from inos.vault.folder import FolderResult, Item
from inos.vault.index import Index
from inos.vault.vault import PutResult, Source, Vault
from inos_host.arena import HostArena
from inos_host.disk import STREAM_EFFECTS, Streams, list_segments
from inos_sim.kernels import KEY_EFFECTS, SeededEntropy, ToyKernels, ToyKeyring

ARENA_BYTES = 24 * MIB
IN_FLIGHT_BYTES = 10 * MIB
CHUNK_BYTES = 6_000  # of the toy chunker
CHANGING = (FileWrite, FileFlush, FileTruncate)
FILE_EFFECTS = (FileSize, FileRead, FileWrite, FileFlush, FileTruncate, FileClose, ListSegments)


# --- a disk that forgets --------------------------------------------------------------------------------------------------


@dataclass
class _File:
    """What is durable, what the vault sees, and the changes between."""

    durable: bytes = b""
    now: bytearray = field(default_factory=bytearray)
    changes: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, data), or (size, None)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data


class MemoryDisk:
    """Files in memory. ``quota_bytes`` bounds their sum; ``crash`` loses what was not flushed."""

    def __init__(self) -> None:
        self.files: dict[str, _File] = {}
        self.quota_bytes = 1 << 40
        self.arena: HostArena | None = None
        self.writes = 0
        self.opened: set[str] = set()

    def perform(self, effect: Effect[Any]) -> object:
        assert self.arena is not None
        match effect:
            case FileSize(name):
                return len(self._file(name).now)
            case FileRead(name, offset, dst):
                data = bytes(self._file(name).now[offset : offset + dst.length])
                self.arena.write(dst, data)
                return len(data)
            case FileWrite(name, offset, src):
                self.writes += 1
                self._change(name, offset, self.arena.read(src))
            case FileFlush(name):
                file = self._file(name)
                file.durable, file.changes = bytes(file.now), []
            case FileTruncate(name, size):
                self._change(name, size, None)
            case FileClose(name):
                self.opened.discard(name)
            case ListSegments(dst):
                numbers = [int(name[4:]) for name in self.files if name.startswith("seg-")]
                return list_segments(numbers, self.arena.in_place(dst))
            case _:
                raise BadArgument(type(effect).__name__)
        return None

    def close(self) -> None:
        """Every handle goes."""
        self.opened.clear()

    def _file(self, name: str) -> _File:
        self.opened.add(name)
        return self.files.setdefault(name, _File())

    def _change(self, name: str, offset: int, data: bytes | None) -> None:
        file = self._file(name)
        end = offset + (0 if data is None else len(data))
        growth = max(0, end - len(file.now))
        room = max(0, self.quota_bytes - sum(len(other.now) for other in self.files.values()))
        if growth > room:
            kept = b"" if data is None else data[: max(0, len(file.now) + room - offset)]
            if kept:  # a short write: some of it arrived
                _apply(file.now, offset, kept)
                file.changes.append((offset, kept))
            raise StorageFull("quota")
        _apply(file.now, offset, data)
        file.changes.append((offset, data))

    def crash(self, rng: random.Random | None = None, *, keep_all: bool = False) -> None:
        """Power is lost: without ``rng`` nothing unflushed survives; with it, some changes do, some are torn."""
        for file in self.files.values():
            content = bytearray(file.durable)
            for offset, data in file.changes:
                if keep_all or (rng is not None and rng.random() < 0.5):
                    torn = data
                    if data and rng is not None and rng.random() < 0.3:
                        torn = data[: rng.randrange(len(data))]
                    _apply(content, offset, torn)
            file.now, file.durable, file.changes = bytearray(content), bytes(content), []
        self.opened.clear()


# --- the world ------------------------------------------------------------------------------------------------------------


class PowerLoss(BaseException):
    """The machine stops before this effect."""


class World:
    """One disk, and a vault on it that can be lost and opened again. ``hook`` sees every effect before it is performed."""

    def __init__(
        self, *, chunk_bytes: int = CHUNK_BYTES, seed: int = 1, disk: MemoryDisk | None = None, **settings: Any
    ) -> None:
        self.disk = disk or MemoryDisk()
        self.keyring = ToyKeyring()
        self.entropy = SeededEntropy(seed)
        self.hook: Callable[[Effect[Any]], None] = lambda _: None
        self._chunk_bytes = chunk_bytes
        self._settings = {"in_flight_bytes": IN_FLIGHT_BYTES, **settings}
        self._booted = Tasks()
        self.boot()

    def boot(self) -> None:
        """New memory, new tasks, a vault that is not open yet; the disk stays."""
        self._end_tasks()
        self.arena = HostArena(ARENA_BYTES)
        self.kernels = ToyKernels(self.arena, self._chunk_bytes)
        self.streams = Streams(self.arena)
        self.tasks = self._booted = Tasks()
        self.tasks.on_crash = self._crashed
        self.crashes: list[BaseException] = []
        ports = Ports(self.arena, self.entropy, self.kernels.hashes, self.kernels)
        self.vault = Vault(ports, self.tasks, **self._settings)

    def _end_tasks(self) -> None:
        """What ran before goes without a trace: its clean-up code must not run into the new memory."""
        while self._booted.alive:
            task = self._booted.alive.pop()
            with contextlib.suppress(BaseException):
                task._coro.close()

    def _crashed(self, task: Task[Any], error: BaseException) -> None:
        if task.name != "test":  # those are the test's own to look at
            self.crashes.append(error)

    def reboot(self, rng: random.Random | None = None, *, keep_all: bool = False) -> None:
        """Lose power and open again."""
        self.disk.crash(rng, keep_all=keep_all)
        self.hook = lambda _: None
        self.boot()
        self.open()

    def open(self) -> None:
        self.run(self.vault.open())

    def close(self) -> None:
        self.run(self.vault.close())
        self.drain()

    # --- running --------------------------------------------------------------------------------------------------------

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """A coroutine's result, after everything it needed."""
        task = self.tasks.spawn(coro, "test")
        self.run_until(task)
        return task.result()

    def start(self, coro: Coroutine[Any, Any, Any]) -> Task[Any]:
        return self.tasks.spawn(coro, "test")

    def run_until(self, task: Task[Any]) -> None:
        while not task.done:
            self.step()

    def drain(self) -> None:
        while self.tasks.alive:
            self.step()
        assert not self.crashes, self.crashes

    def step(self) -> None:
        effects = self.tasks.poll_effects()
        if not effects and self.tasks.alive:
            deadline = self.tasks.next_deadline()
            if deadline is not None:
                self.tasks.on_deadline(deadline)
            elif not self.tasks._ready:
                raise AssertionError(f"stuck: {[task.name for task in self.tasks.alive]}")
        for effect_id, effect in effects:
            self.tasks.on_done(effect_id, self._perform(effect), self.tasks.now)

    def _perform(self, effect: Effect[Any]) -> object:
        self.disk.arena = self.arena  # another world may use the same disk
        try:
            self.hook(effect)
            if isinstance(effect, FILE_EFFECTS):
                return self.disk.perform(effect)
            if isinstance(effect, STREAM_EFFECTS):
                return self.streams.perform(effect)
            if isinstance(effect, KEY_EFFECTS):
                return self.keyring.perform(effect)
            return self.kernels.perform(effect)
        except InosError as error:
            return error

    # --- what tests do all the time -----------------------------------------------------------------------------------------

    def put(self, data: bytes, name: str = "file", **more: Any) -> PutResult:
        source = self.streams.add_bytes(data)
        result = self.run(self.vault.put(Source(source, len(data)), name=name, **more))
        assert isinstance(result, PutResult)
        return result

    def put_folder(self, files: dict[str, bytes | None], name: str = "folder", **more: Any) -> FolderResult:
        """Paths and contents (None: an empty folder), from one source that has them one after the other."""
        source = self.streams.add_bytes(b"".join(data for _, data in sorted(files.items(), key=by_names) if data))
        items, offset = [], 0
        for path, data in sorted(files.items(), key=by_names):
            items.append(Item(path, None if data is None else Source(source, len(data), offset), 1_000))
            offset += len(data or b"")
        result = self.run(self.vault.put_folder(items, name=name, **more))
        assert isinstance(result, FolderResult)
        return result

    def start_put(self, data: bytes, name: str = "file") -> Task[Any]:
        return self.start(self.vault.put(Source(self.streams.add_bytes(data), len(data)), name=name))

    def get(self, root: bytes, **more: Any) -> bytes:
        sink = self.streams.add_sink()
        self.run(self.vault.get(root, sink, **more))
        assert self.streams.complete[sink]
        return self.streams.taken(sink)

    def check_tidy(self) -> None:
        """Nothing is left in memory when everything has ended."""
        self.drain()
        assert self.arena.used() == 0
        assert self.vault.stats()["in_flight_bytes"] == 0


def opened(**settings: Any) -> World:
    """A world with an open, empty vault."""
    world = World(**settings)
    world.open()
    return world


def by_names(row: tuple[str, Any]) -> list[str]:
    """Folder by folder, each in the order of its names."""
    return row[0].split("/")


def noise(length: int, seed: int = 0) -> bytes:
    """Bytes that do not compress."""
    return random.Random(f"{seed}/{length}").randbytes(length)


def copy_blocks(giver: World, taker: World) -> None:
    """What a transfer does."""
    for bid in list(giver.vault._index.by_bid):
        block = giver.run(giver.vault.read_block(bid))
        data = giver.arena.read(block)
        giver.arena.release(block)
        span = taker.arena.alloc(len(data))
        taker.arena.write(span, data)
        taker.run(taker.vault.store_foreign(bid, span.part(0, len(data))))
        taker.arena.release(span)


def text(length: int, seed: int) -> bytes:
    """Bytes that compress, and better with more effort."""
    rng = random.Random(seed)
    words = [rng.randbytes(6) for _ in range(60)]
    return b" ".join(rng.choice(words) for _ in range(length // 6))[:length]


def reopen(world: World) -> None:
    """Close and open again."""
    world.close()
    world.boot()
    world.open()


def files_of(world: World) -> dict[str, bytes]:
    """What is listed, by name."""
    return {info.name: world.get(info.root) for info in world.vault.roots()}


def facts(index: Index) -> dict[str, Any]:
    """Everything that a replay must bring back."""
    names = ("entries", "by_bid", "by_cid", "refs", "foreign", "roots", "by_content", "wishes", "grants", "next_number")
    return {name: getattr(index, name) for name in names}


def replayed(index: Index) -> Index:
    """What an empty index becomes by the checkpoint of this one, through the records' own encoding."""
    body = ops.decode_body(ops.encode_body(1, 0, list(checkpoint.operations_of(index))))
    fresh = Index()
    fresh.apply(1, body.operations)
    return fresh
