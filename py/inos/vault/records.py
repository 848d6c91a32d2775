"""Writing log records: sealing them, chaining them, putting them one after the other.

Nouns: a *log end* is where a log goes on; operations are packed into records of about RECORD_BYTES_GOAL.
Invariants: what is at ``end`` is never changed, ``write`` answers a new one, so that a commit that fails leaves the log
where it was; nothing here flushes. Must not know: who waits, what operations mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inos.errors import LimitExceeded
from inos.limits import KIB
from inos.ports import KIND_INDEX, FileFlush, FileTruncate, FileWrite, HashSpan, Ports, Seal
from inos.vault import log, ops
from inos.vault.budget import Budget
from inos.vault.files import write_bytes
from inos.vault.log import CHAIN_BYTES, HEAD_BYTES

RECORD_BYTES_GOAL = 48 * KIB  # such a record is hashed at once, without a job
HASH_AT_ONCE_BYTES = 64 * KIB


@dataclass(slots=True)
class LogEnd:
    """Where the log goes on; ``generation`` of the log it is."""

    name: str
    tail: int
    size: int
    seq: int  # of the last record
    chain: bytes
    generation: int


def in_records(packed: Iterable[bytes]) -> list[list[bytes]]:
    """Operations in the same order, in groups of about RECORD_BYTES_GOAL."""
    records: list[list[bytes]] = []
    size = RECORD_BYTES_GOAL
    for op in packed:
        if size + len(op) > RECORD_BYTES_GOAL:
            records.append([])
            size = 0
        records[-1].append(op)
        size += len(op) + 8
    return records


class RecordWriter:
    """Writes records under one vault's keys."""

    def __init__(self, ports: Ports, budget: Budget, log_bytes_max: int) -> None:
        self._ports = ports
        self._budget = budget
        self._log_bytes_max = log_bytes_max
        self.keys = -1
        self.begun: list[int] = []  # where records were begun since somebody emptied this

    async def begin(self, name: str, vault_id: bytes, generation: int, base: int) -> LogEnd:
        """An empty log in this file. What was there is durably gone first: a reader must never find it behind new records."""
        await FileTruncate(name, 0)
        await FileFlush(name)
        head = log.encode_head(vault_id, generation, base, self._ports.hashes.hash)
        await write_bytes(self._ports.arena, self._budget, name, 0, head)
        return LogEnd(name, HEAD_BYTES, HEAD_BYTES, base, head[-CHAIN_BYTES:], generation)

    async def write(self, end: LogEnd, records: list[list[bytes]], *, durable: int) -> LogEnd:
        """Append records; where the log goes on then. ``durable``: the last seq that had been flushed before the first of
        them. Raises LimitExceeded, StorageFull, StorageLost."""
        now = LogEnd(end.name, end.tail, end.size, end.seq, end.chain, end.generation)
        for record in records:
            data = await self._seal(ops.encode_body(now.seq + 1, durable, record), now)
            if now.tail + len(data) > self._log_bytes_max:
                raise LimitExceeded("the vault's log is full")
            span = await self._budget.alloc(len(data))
            self.begun.append(now.tail)
            try:
                self._ports.arena.write(span, data)
                await FileWrite(now.name, now.tail, span)
            finally:
                self._budget.free(span)
            now.tail += len(data)
            now.size = max(now.size, now.tail)
            now.seq += 1
            now.chain = data[-CHAIN_BYTES:]
        return now

    async def _seal(self, body: bytes, end: LogEnd) -> bytes:
        arena = self._ports.arena
        plain = await self._budget.alloc(len(body))
        try:
            arena.write(plain, body)
            sealed = await self._budget.run(Seal(plain, KIND_INDEX, 0, self.keys, urgent=True), lane=False)
            block = arena.read(sealed.block)
            self._budget.free(sealed.block)
        finally:
            self._budget.free(plain)
        start = log.encode_record_start(block, end.seq + 1)
        return start + (await self._hash(end.chain + start))[:CHAIN_BYTES]

    async def _hash(self, data: bytes) -> bytes:
        if len(data) <= HASH_AT_ONCE_BYTES:
            return self._ports.hashes.hash(data)
        span = await self._budget.alloc(len(data))
        try:
            self._ports.arena.write(span, data)
            return await HashSpan(span)
        finally:
            self._budget.free(span)
