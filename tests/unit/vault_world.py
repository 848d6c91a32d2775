"""A vault's whole world in one process, for tests: toy kernels, a disk in memory that forgets, virtual time.

The store must not care which algorithms seal its blocks, so these tests use quick ones made from ``hashlib`` behind the real
block format: they run wherever Python runs (also in Pyodide, without wheels), and chunks are as small as a test wants. The real
algorithms have their turn in ``tests/unit/host``.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from inos.errors import AuthFailed, BadArgument, CodecError, InosError, StorageFull, VaultLocked
from inos.limits import MIB
from inos.ports import (
    Cut,
    CutDone,
    FileClose,
    FileFlush,
    FileRead,
    FileSize,
    FileTruncate,
    FileWrite,
    HashSpan,
    HashUpdate,
    ListSegments,
    Open,
    Opened,
    Piece,
    Ports,
    Seal,
    Sealed,
    SignHead,
    Span,
    Stretch,
    UnwrapKey,
    UnwrapWith,
    Verify,
    WrapKey,
    WrapWith,
)
from inos.tasks import Effect, Task, Tasks
from inos.vault import block
from inos.vault.contexts import BlockKeys, derive_keys
from inos.vault.folder import FolderResult, Item
from inos.vault.vault import PutResult, Source, Vault
from inos_host.arena import HostArena
from inos_host.disk import STREAM_EFFECTS, Streams, list_segments

ARENA_BYTES = 24 * MIB
IN_FLIGHT_BYTES = 10 * MIB
CHUNK_BYTES = 6_000  # of the toy chunker
CHANGING = (FileWrite, FileFlush, FileTruncate)
KEY_EFFECTS = (WrapKey, UnwrapKey, SignHead, Verify, Stretch, WrapWith, UnwrapWith)
FILE_EFFECTS = (FileSize, FileRead, FileWrite, FileFlush, FileTruncate, FileClose, ListSegments)


# --- toy algorithms -----------------------------------------------------------------------------------------------------


class ToyHashes:
    """BLAKE2s in the place of BLAKE3."""

    def __init__(self, arena: HostArena) -> None:
        self._arena = arena
        self.streams: dict[int, Any] = {}

    def hash(self, data: bytes) -> bytes:
        return hashlib.blake2s(data).digest()

    def keyed(self, key: bytes, data: bytes) -> bytes:
        return hashlib.blake2s(data, key=key).digest()

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        return hashlib.shake_128(context.encode() + b"\0" + material).digest(length)

    def stream_begin(self) -> Span:
        span = self._arena.alloc(64)
        self.streams[span.offset] = hashlib.blake2s()
        return span

    def stream_finish(self, state: Span) -> bytes:
        return bytes(self.streams[state.offset].digest())


class ToyAead:
    """A keystream of SHAKE and a tag of BLAKE2s: authentic enough for tests of everything but itself."""

    def seal(self, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        sealed = self._mix(key, nonce, plain)
        return sealed + self._tag(key, nonce, sealed, aad)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        if self._tag(key, nonce, sealed[:-16], aad) != sealed[-16:]:
            raise AuthFailed("toy tag")
        return self._mix(key, nonce, sealed[:-16])

    def _mix(self, key: bytes, nonce: bytes, data: bytes) -> bytes:
        stream = hashlib.shake_128(key + nonce).digest(len(data))
        return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")

    def _tag(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        return hashlib.blake2s(nonce + aad + sealed, key=key, digest_size=16).digest()


def _decompress(payload: bytes, raw_len: int) -> bytes:
    try:
        raw = zlib.decompress(payload)
    except zlib.error as error:
        raise CodecError("toy stream") from error
    if len(raw) != raw_len:
        raise CodecError("toy length")
    return raw


class ToyKernels:
    """Kernel jobs with the toy algorithms; chunks of a fixed size."""

    def __init__(self, arena: HostArena, chunk_bytes: int) -> None:
        self.arena = arena
        self.hashes = ToyHashes(arena)
        self.chunk_bytes = chunk_bytes
        self.slots: dict[int, BlockKeys] = {}
        self.suite = block.Suite(
            self.hashes, ToyAead(), lambda raw, quality: zlib.compress(raw, 9 if quality > 9 else 1), _decompress
        )

    def open(self, secret: bytes) -> int:
        slot = len(self.slots)
        self.slots[slot] = derive_keys(secret, self.hashes)
        return slot

    def close(self, slot: int) -> None:
        del self.slots[slot]

    def perform(self, effect: Effect[Any]) -> object:
        match effect:
            case HashSpan(src):
                return self.hashes.hash(self.arena.read(src))
            case HashUpdate(src, stream):
                self.hashes.streams[stream.offset].update(self.arena.read(src))
                return None
            case Cut():
                return self._cut(effect)
            case Seal():
                made = block.seal(
                    self.arena.read(effect.src), effect.kind, effect.quality, self.slots[effect.keys], self.suite
                )
                return Sealed(
                    self._store(made.block), made.codec, made.quality, effect.src.length,
                    made.secret, made.bid, made.h, made.cid,
                )  # fmt: skip
            case Open():
                opened = block.open_block(
                    self.arena.read(effect.src),
                    effect.kind,
                    self.suite,
                    secret=effect.secret,
                    keys=None if effect.keys is None else self.slots[effect.keys],
                    bid=effect.bid,
                    h=effect.h,
                    raw_len_max=effect.raw_len_max,
                )
                raw = None if effect.verify_only else self._store(opened.raw)
                return Opened(raw, len(opened.raw), opened.codec, opened.quality, opened.h)
        raise BadArgument(type(effect).__name__)

    def _cut(self, job: Cut) -> CutDone:
        data = self.arena.read(job.src)
        pieces: list[Piece] = []
        at = 0
        while at < len(data) and len(pieces) < 32 and (job.final or at + self.chunk_bytes <= len(data)):
            part = data[at : at + self.chunk_bytes]
            h = self.hashes.hash(part)
            pieces.append(Piece(len(part), h, self.hashes.keyed(self.slots[job.keys].id, h)))
            at += len(part)
        if job.stream is not None:
            self.hashes.streams[job.stream.offset].update(data[:at])
        return CutDone(at, tuple(pieces))

    def _store(self, data: bytes) -> Span:
        span = self.arena.alloc(len(data))
        self.arena.write(span, data)
        return span


class ToyKeyring:
    """Wraps with a fixed device key; another ``device`` cannot unwrap. A stretch costs nothing here."""

    def __init__(self, device: bytes = b"device") -> None:
        self._key = hashlib.blake2s(device).digest()

    def perform(self, effect: Effect[Any]) -> object:
        match effect:
            case WrapKey(plain, aad):
                return bytes(12) + ToyAead().seal(self._key, bytes(12), plain, aad)
            case UnwrapKey(wrapped, aad):
                try:
                    return ToyAead().open(self._key, wrapped[:12], wrapped[12:], aad)
                except AuthFailed as error:
                    raise VaultLocked("another device's key") from error
            case SignHead(seed, data):
                public = hashlib.blake2s(seed).digest()
                return public + hashlib.blake2b(data, key=public).digest()
            case Verify(public_key, signature, data):
                return hashlib.blake2b(data, key=public_key).digest() == signature
            case Stretch(passphrase, salt, memory_kib, passes, lanes):
                return hashlib.blake2s(passphrase + salt + repr((memory_kib, passes, lanes)).encode()).digest()
            case WrapWith(key, nonce, plain, aad):
                return nonce + ToyAead().seal(key, nonce, plain, aad)
            case UnwrapWith(key, wrapped, aad):
                try:
                    return ToyAead().open(key, wrapped[:12], wrapped[12:], aad)
                except AuthFailed as error:
                    raise VaultLocked("another key") from error
        raise BadArgument(type(effect).__name__)


class SeededEntropy:
    """Entropy that one seed replays."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def random(self, length: int) -> bytes:
        return self._rng.randbytes(length)


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
