"""The keepsake: one small thing kept beside the log, that a node likes to find again after a restart and can do without.

It is written in turn to two *places* of one file, sealed under the vault's keys; of those that open the later one counts, so
that a write that was torn leaves the one before. Nothing else of the vault depends on it, and no record of the log names it.

Invariants: what ``write`` returned for is durable; what is damaged, or another vault's, reads as nothing.
Must not know: what is kept.
"""

from __future__ import annotations

import struct

from inos import limits
from inos.errors import InosError, LimitExceeded
from inos.ports import KIND_INDEX, FileSize, Open, Seal
from inos.vault.files import read_bytes, write_durable
from inos.vault.guests import Call
from inos.vault.store import Store

KEPT_FILE = "kept"
PLACES = 2
PLACE_BYTES = 32 * limits.KIB
_LABEL = b"inos kept1\0"
_LENGTH = struct.Struct("<I")
_SEQ = struct.Struct("<Q")

assert _LENGTH.size + limits.KEPT_BYTES_MAX * 5 // 4 + limits.BLOCK_OVERHEAD_BYTES < PLACE_BYTES


class Keepsake:
    """Of one open vault."""

    def __init__(self, store: Store, call: Call) -> None:
        self._store = store
        self._call = call
        self._seq = -1  # of the last one; not known before the first look

    async def read(self) -> bytes:
        """What was written last; nothing if there is nothing. Raises StorageError, NotReady."""
        return await self._call(self._read())

    async def write(self, data: bytes) -> None:
        """Keep this instead. Raises LimitExceeded, StorageError, NotReady."""
        if len(data) > limits.KEPT_BYTES_MAX:
            raise LimitExceeded(f"a keepsake of {len(data)} bytes")
        await self._call(self._write(data))

    async def _read(self) -> bytes:
        found = [await self._open(place) for place in range(PLACES)]
        seq, data = max(found)
        self._seq = max(self._seq, seq)
        return data

    async def _write(self, data: bytes) -> None:
        if self._seq < 0:
            await self._read()
        self._seq += 1
        store = self._store
        block = await self._seal(_LABEL + _SEQ.pack(self._seq) + data)
        at = self._seq % PLACES * PLACE_BYTES
        await write_durable(store.ports.arena, store.budget, KEPT_FILE, at, _LENGTH.pack(len(block)) + block)

    async def _seal(self, plain: bytes) -> bytes:
        store = self._store
        span = await store.budget.alloc(len(plain))
        try:
            store.ports.arena.write(span, plain)
            sealed = await store.budget.run(Seal(span, KIND_INDEX, 0, store.keys, urgent=True), lane=False)
        finally:
            store.budget.free(span)
        try:
            return store.ports.arena.read(sealed.block)
        finally:
            store.budget.free(sealed.block)

    async def _open(self, place: int) -> tuple[int, bytes]:
        """Its number and what it says; (0, b"") if it says nothing."""
        store = self._store
        arena, budget, at = store.ports.arena, store.budget, place * PLACE_BYTES
        if await FileSize(KEPT_FILE) <= at + _LENGTH.size:
            return 0, b""
        data = await read_bytes(arena, budget, KEPT_FILE, at, PLACE_BYTES)
        length = _LENGTH.unpack_from(data)[0] if len(data) > _LENGTH.size else 0
        if not limits.BLOCK_OVERHEAD_BYTES < length <= len(data) - _LENGTH.size:
            return 0, b""
        span = await budget.alloc(length)
        try:
            arena.write(span, data[_LENGTH.size : _LENGTH.size + length])
            effect = Open(span, KIND_INDEX, store.keys, raw_len_max=PLACE_BYTES, urgent=True)
            opened = await budget.run(effect, lane=False)
        except InosError:
            return 0, b""  # torn, rotten, or of a vault that was here before
        finally:
            budget.free(span)
        assert opened.raw is not None
        plain = arena.read(opened.raw)
        budget.free(opened.raw)
        if not plain.startswith(_LABEL) or len(plain) < len(_LABEL) + _SEQ.size:
            return 0, b""
        return _SEQ.unpack_from(plain, len(_LABEL))[0], plain[len(_LABEL) + _SEQ.size :]
