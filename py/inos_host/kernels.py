"""Kernel jobs on CPython: the wheels ``blake3``, ``cryptography`` and ``brotli`` behind the ports of the kernel.

Nouns: a *job* is an effect of ``inos.ports`` (HashSpan, Cut, ...); a *slot* holds the keys of one secret; a *stream* is an
incremental hash that ``Cut`` and ``HashUpdate`` feed, named by a span of the arena. Invariants: same results as the compiled
kernel (byte for byte where nothing is compressed); a job that raises leaves nothing allocated; decoding makes at most one output
buffer more than the plaintext's promised length. Must not know: who asks, disks.
"""

from __future__ import annotations

from typing import Any

import brotli
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from inos.errors import AuthFailed, BadArgument, CodecError, LimitExceeded
from inos.memory.layout import KEY_SLOTS_MAX
from inos.ports import Cut, CutDone, HashSpan, HashTree, HashUpdate, Open, Opened, Piece, Ports, Seal, Sealed, Span
from inos.reference.blake3 import tree
from inos.reference.gear64 import cut_lengths, gear_table
from inos.tasks import Effect
from inos.vault import block
from inos.vault.contexts import BlockKeys, derive_keys
from inos_host.arena import HostArena
from inos_host.entropy import HostEntropy

PIECES_MAX = 32
STREAM_BYTES = 2_048  # what a state takes in the compiled kernel's arena, so that budgets agree
BROTLI_WINDOW_BITS = 22  # 4 MiB: a whole chunk
KERNEL_EFFECTS = (HashSpan, HashTree, HashUpdate, Cut, Seal, Open)


class HostHashes:
    """BLAKE3 by its wheel. Implements ``inos.ports.Hashes``."""

    def __init__(self, arena: HostArena) -> None:
        self._arena = arena
        self._streams: dict[int, Any] = {}

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""
        return blake3(data).digest()

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """32 bytes under a 32-byte key."""
        return blake3(data, key=key).digest()

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        """``derive_key``, ``length`` bytes of its XOF."""
        return blake3(material, derive_key_context=context).digest(length=length)

    def stream_begin(self) -> Span:
        """An incremental hash; its state lives beside the arena, its span is the name and the budget."""
        span = self._arena.alloc(STREAM_BYTES)
        self._streams = {at: state for at, state in self._streams.items() if self._arena.is_live(at)}
        self._streams[span.offset] = blake3()
        return span

    def stream_finish(self, state: Span) -> bytes:
        """32 bytes; the state stays usable."""
        return bytes(self._stream(state).digest())

    def feed(self, state: Span, data: memoryview) -> None:
        """Hash on."""
        self._stream(state).update(data)

    def _stream(self, state: Span) -> Any:
        stream = self._streams.get(state.offset)
        if stream is None or not self._arena.is_live(state.offset):
            raise BadArgument("not a stream")
        return stream


class HostKeys:
    """Key slots. Implements ``inos.ports.Keys``."""

    def __init__(self, hashes: HostHashes) -> None:
        self._hashes = hashes
        self._slots: dict[int, tuple[BlockKeys, tuple[int, ...]]] = {}

    def open(self, secret: bytes) -> int:
        """Derive and keep; returns a slot handle."""
        free = next((slot for slot in range(KEY_SLOTS_MAX) if slot not in self._slots), None)
        if free is None:
            raise LimitExceeded(f"all {KEY_SLOTS_MAX} key slots are taken")
        keys = derive_keys(secret, self._hashes)
        self._slots[free] = (keys, gear_table(keys.gear))
        return free

    def close(self, slot: int) -> None:
        """Forget the keys."""
        if self._slots.pop(slot, None) is None:
            raise BadArgument(f"key slot {slot} is not open")

    def get(self, slot: int) -> tuple[BlockKeys, tuple[int, ...]]:
        """A slot's keys and gear table."""
        if slot not in self._slots:
            raise BadArgument(f"key slot {slot} is not open")
        return self._slots[slot]


class HostAead:
    """ChaCha20-Poly1305 by OpenSSL."""

    def seal(self, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""
        return ChaCha20Poly1305(key).encrypt(nonce, plain, aad)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Plaintext. Raises AuthFailed."""
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)
        except InvalidTag as error:
            raise AuthFailed("a tag that does not verify") from error


def compress(raw: bytes, quality: int) -> bytes:
    """One Brotli stream."""
    return bytes(brotli.compress(raw, quality=quality, lgwin=BROTLI_WINDOW_BITS))


def decompress(payload: bytes, raw_len: int) -> bytes:
    """The stream's output, or CodecError if it is not exactly ``raw_len`` bytes and then over."""
    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    made, feed = 0, payload
    try:
        while not decoder.is_finished() and made <= raw_len:
            part = decoder.process(feed, output_buffer_limit=raw_len + 1 - made)
            feed = b""
            parts.append(part)
            made += len(part)
            if not part and not decoder.is_finished():
                raise CodecError("a Brotli stream that is cut")
    except brotli.error as error:
        raise CodecError("a Brotli stream that is broken, or bytes after it") from error
    if made != raw_len:
        raise CodecError(f"not the {raw_len} bytes that were promised")
    return b"".join(parts)


class HostKernels:
    """Runs jobs at once, in the caller's thread."""

    def __init__(self, arena: HostArena, hashes: HostHashes, keys: HostKeys) -> None:
        self._arena = arena
        self._hashes = hashes
        self._keys = keys
        self.suite = block.Suite(hashes, HostAead(), compress, decompress)

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of KERNEL_EFFECTS. Raises what the job's docstring says."""
        match effect:
            case HashSpan(src):
                return self._hashes.hash(self._arena.read(src))
            case HashTree(src, dst):
                self._tree(src, dst)
                return None
            case HashUpdate(src, stream):
                self._hashes.feed(stream, memoryview(self._arena.read(src)))
                return None
            case Cut():
                return self._cut(effect)
            case Seal():
                return self._seal(effect)
            case Open():
                return self._open(effect)
        raise BadArgument(f"not a kernel's job: {type(effect).__name__}")

    def _tree(self, src: Span, dst: Span) -> None:
        """The wheel has no chaining values: by the reference, some 3 s for 4 MiB."""
        values = tree(self._arena.read(src))
        if len(values) > dst.length:
            raise BadArgument(f"{len(values)} bytes of chaining values into {dst.length}")
        self._arena.write(dst, values)

    def _cut(self, job: Cut) -> CutDone:
        keys, table = self._keys.get(job.keys)
        data = self._arena.read(job.src)
        pieces: list[Piece] = []
        at = 0
        for length in cut_lengths(data, table, final=job.final, pieces_max=PIECES_MAX):
            h = self._hashes.hash(data[at : at + length])
            pieces.append(Piece(length, h, self._hashes.keyed(keys.id, h)))
            at += length
        if job.stream is not None:
            self._hashes.feed(job.stream, memoryview(data)[:at])
        return CutDone(at, tuple(pieces))

    def _seal(self, job: Seal) -> Sealed:
        keys, _ = self._keys.get(job.keys)
        sealed = block.seal(self._arena.read(job.src), job.kind, job.quality, keys, self.suite)
        return Sealed(
            block=self._store(sealed.block),
            codec=sealed.codec,
            quality=sealed.quality,
            raw_len=job.src.length,
            secret=sealed.secret,
            bid=sealed.bid,
            h=sealed.h,
            cid=sealed.cid,
        )

    def _open(self, job: Open) -> Opened:
        opened = block.open_block(
            self._arena.read(job.src),
            job.kind,
            self.suite,
            secret=job.secret,
            keys=None if job.keys is None else self._keys.get(job.keys)[0],
            bid=job.bid,
            h=job.h,
            raw_len_max=job.raw_len_max,
        )
        raw = None if job.verify_only else self._store(opened.raw)
        return Opened(raw, len(opened.raw), opened.codec, opened.quality, opened.h)

    def _store(self, data: bytes) -> Span:
        span = self._arena.alloc(len(data))
        self._arena.write(span, data)
        return span


def make_ports(arena_bytes: int) -> tuple[Ports, HostKernels]:
    """All synchronous ports over one new arena, and the kernels that work in it."""
    arena = HostArena(arena_bytes)
    hashes = HostHashes(arena)
    keys = HostKeys(hashes)
    return Ports(arena, HostEntropy(), hashes, keys), HostKernels(arena, hashes, keys)
