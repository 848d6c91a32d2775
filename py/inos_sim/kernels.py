"""Toy kernels: quick algorithms from ``hashlib`` behind the real block format, a keyring, and entropy that a seed replays.

The store must not care which algorithms seal its blocks. These run wherever Python runs (also in Pyodide, without wheels), and
chunks are as small as a test wants.

Nouns: a *memory* (``Memory``) keeps what jobs answered: a job is a function of its bytes and keys, so a campaign that opens the
same block in a million crash states computes it once. Invariants: with or without a memory the answers are the same, errors
too; an answer that fails allocates nothing. Must not know: who asks, disks.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from inos.errors import AuthFailed, BadArgument, CodecError, InosError, VaultLocked
from inos.ports import (
    Cut,
    CutDone,
    HashSpan,
    HashTree,
    HashUpdate,
    Open,
    Opened,
    Piece,
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
from inos.reference.blake3 import tree
from inos.tasks import Effect
from inos.vault import block
from inos.vault.block import OpenedBytes, SealedBytes
from inos.vault.contexts import BlockKeys, derive_keys
from inos_host.arena import HostArena

T = TypeVar("T")

PIECES_MAX = 32
KEY_EFFECTS = (WrapKey, UnwrapKey, SignHead, Verify, Stretch, WrapWith, UnwrapWith)
KERNEL_EFFECTS = (HashSpan, HashTree, HashUpdate, Cut, Seal, Open)
MEMORY_ANSWERS_MAX = 50_000


class Memory:
    """Answers of pure functions, kept until there are too many."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, object] = {}

    def ask(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What ``compute`` gives, or gave for this key. An InosError is kept and raised again."""
        answer = self._answers.get(key)
        if answer is None:
            try:
                answer = compute()
            except InosError as error:
                answer = error
            if len(self._answers) >= MEMORY_ANSWERS_MAX:
                self._answers.clear()
            self._answers[key] = answer
        if isinstance(answer, InosError):
            raise answer
        return cast("T", answer)


class ToyHashes:
    """BLAKE2s in the place of BLAKE3."""

    def __init__(self, arena: HostArena) -> None:
        self._arena = arena
        self.streams: dict[int, Any] = {}

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""
        return hashlib.blake2s(data).digest()

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """32 bytes under a 32-byte key."""
        return hashlib.blake2s(data, key=key).digest()

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        """``length`` bytes of an XOF."""
        return hashlib.shake_128(context.encode() + b"\0" + material).digest(length)

    def stream_begin(self) -> Span:
        """An incremental hash, named by a span of the arena."""
        span = self._arena.alloc(64)
        self.streams[span.offset] = hashlib.blake2s()
        return span

    def stream_finish(self, state: Span) -> bytes:
        """32 bytes; the state stays usable."""
        return bytes(self.streams[state.offset].digest())


class ToyAead:
    """A keystream of SHAKE and a tag of BLAKE2s: authentic enough for tests of everything but itself."""

    def seal(self, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""
        sealed = self._mix(key, nonce, plain)
        return sealed + self._tag(key, nonce, sealed, aad)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Plaintext. Raises AuthFailed."""
        if self._tag(key, nonce, sealed[:-16], aad) != sealed[-16:]:
            raise AuthFailed("toy tag")
        return self._mix(key, nonce, sealed[:-16])

    def _mix(self, key: bytes, nonce: bytes, data: bytes) -> bytes:
        stream = hashlib.shake_128(key + nonce).digest(len(data))
        return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")

    def _tag(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        return hashlib.blake2s(nonce + aad + sealed, key=key, digest_size=16).digest()


def _compress(raw: bytes, quality: int) -> bytes:
    return zlib.compress(raw, 9 if quality > 9 else 1)


def _decompress(payload: bytes, raw_len: int) -> bytes:
    try:
        raw = zlib.decompress(payload)
    except zlib.error as error:
        raise CodecError("toy stream") from error
    if len(raw) != raw_len:
        raise CodecError("toy length")
    return raw


class ToyKernels:
    """Kernel jobs with the toy algorithms; chunks of a fixed size. Implements ``inos.ports.Keys`` too."""

    def __init__(self, arena: HostArena, chunk_bytes: int, memory: Memory | None = None) -> None:
        self.arena = arena
        self.hashes = ToyHashes(arena)
        self.chunk_bytes = chunk_bytes
        self.slots: dict[int, BlockKeys] = {}
        self.suite = block.Suite(self.hashes, ToyAead(), _compress, _decompress)
        self._memory = memory

    def open(self, secret: bytes) -> int:
        """Derive and keep; a slot handle."""
        slot = len(self.slots)
        self.slots[slot] = self._once(("keys", secret), lambda: derive_keys(secret, self.hashes))
        return slot

    def close(self, slot: int) -> None:
        """Forget the keys."""
        del self.slots[slot]

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of KERNEL_EFFECTS. Raises the classes of vault-format 1.5, ArenaFull."""
        match effect:
            case HashSpan(src):
                return self.hashes.hash(self.arena.read(src))
            case HashTree(src, dst):
                values = tree(self.arena.read(src))
                self.arena.write(dst.part(0, len(values)), values)
                return None
            case HashUpdate(src, stream):
                self.hashes.streams[stream.offset].update(self.arena.read(src))
                return None
            case Cut():
                return self._cut(effect)
            case Seal():
                return self._seal(effect)
            case Open():
                return self._open(effect)
        raise BadArgument(type(effect).__name__)

    def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        return compute() if self._memory is None else self._memory.ask(key, compute)

    def _seal(self, job: Seal) -> Sealed:
        raw, keys = self.arena.read(job.src), self.slots[job.keys]

        def compute() -> SealedBytes:
            return block.seal(raw, job.kind, job.quality, keys, self.suite)

        made = self._once(("seal", raw, job.kind, job.quality, keys.id), compute)
        return Sealed(
            self._store(made.block), made.codec, made.quality, job.src.length, made.secret, made.bid, made.h, made.cid
        )

    def _open(self, job: Open) -> Opened:
        data = self.arena.read(job.src)
        keys = None if job.keys is None else self.slots[job.keys]

        def compute() -> OpenedBytes:
            return block.open_block(
                data, job.kind, self.suite,
                secret=job.secret, keys=keys, bid=job.bid, h=job.h, raw_len_max=job.raw_len_max,
            )  # fmt: skip

        key = ("open", data, job.kind, job.secret, keys and keys.id, job.bid, job.h, job.raw_len_max)
        opened = self._once(key, compute)
        raw = None if job.verify_only else self._store(opened.raw)
        return Opened(raw, len(opened.raw), opened.codec, opened.quality, opened.h)

    def _cut(self, job: Cut) -> CutDone:
        data = self.arena.read(job.src)
        key = self.slots[job.keys].id
        pieces: list[Piece] = []
        at = 0
        while at < len(data) and len(pieces) < PIECES_MAX and (job.final or at + self.chunk_bytes <= len(data)):
            part = data[at : at + self.chunk_bytes]
            h = self.hashes.hash(part)
            pieces.append(Piece(len(part), h, self.hashes.keyed(key, h)))
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
        """Answer one of KEY_EFFECTS. Raises VaultLocked."""
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
    """Entropy that one seed replays. Implements ``inos.ports.Entropy``."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def random(self, length: int) -> bytes:
        """Not fit for keys."""
        return self._rng.randbytes(length)
