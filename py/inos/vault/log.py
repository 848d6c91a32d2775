"""The log's framing: a chain of records, each an ordinary INOS block of kind 3.

Little-endian. The file begins with a head of 64 bytes:

    0   8   "INOSLOG1"
    8   4   version = 1
    12  4   zero
    16  16  vault id
    32  8   generation (which of log-a, log-b is newer)
    40  8   base: the seq before the first record (0 in a first generation)
    48  16  first 16 bytes of BLAKE3 of the 48 before: the first link of the chain

and goes on with records, each starting at a multiple of 64 so that a scan finds the next one:

    0   4   block length        12  ..  see below
    4   2   type = 1            16  ..  the block (magic "INOB"), sealed with synthetic keys: no counter, no nonce to repeat
    6   2   zero                ..  ..  zero padding
    8   8   seq                 end 16  chain: first 16 bytes of BLAKE3(chain of the record before || all of this record before)

The chain stands at the *end* of the padding, so that the bytes that are hashed lie together in the file (the chain of the
record before directly precedes the record): one hash job checks a record where it was read, and padding is covered too.

Nouns: *seq* counts the vault's records from 1, on through every generation, so that what an earlier one left behind in a
file is never newer than what follows; a *frame* is where a record lies and what its head says.
Invariants: ``parse_frame`` and ``parse_head`` raise only CorruptErrors and LimitExceeded, and look at no more than 64
bytes.
Must not know: what is in the blocks, disks.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from inos.errors import BadMagic, IdMismatch, LimitExceeded, MalformedHeader, Truncated, UnsupportedVersion
from inos.limits import BLOCK_ALIGN_BYTES, BLOCK_OVERHEAD_BYTES, LOG_RECORD_BYTES_MAX, MIB

MAGIC = b"INOSLOG1"
BLOCK_MAGIC = b"INOB"
VERSION = 1
TYPE_COMMIT = 1
HEAD_BYTES = 64
RECORD_HEAD_BYTES = 16
CHAIN_BYTES = 16
# Padme adds at most 1/9 to the contents; a quarter MiB covers that and the block's own overhead.
BLOCK_BYTES_MAX = LOG_RECORD_BYTES_MAX + MIB // 4
# At this size the log refuses puts (removes may use what is above), unless compaction makes room. 64 MiB = about 400,000 blocks.
LOG_BYTES_MAX = 64 * MIB
_HEAD = struct.Struct("<8sII16sQQ")
_RECORD = struct.Struct("<IHHQ")
assert _HEAD.size + CHAIN_BYTES == HEAD_BYTES
assert _RECORD.size == RECORD_HEAD_BYTES

Hash = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class LogHead:
    """The log's head; ``chain`` is what the first record follows."""

    vault_id: bytes
    generation: int
    base: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """A record's head and measures; offsets are relative to the record's start."""

    block_len: int
    seq: int
    record_len: int


def align(length: int) -> int:
    """Up to the next multiple of 64."""
    return (length + BLOCK_ALIGN_BYTES - 1) // BLOCK_ALIGN_BYTES * BLOCK_ALIGN_BYTES


def record_len(block_len: int) -> int:
    """Bytes a record takes in the file."""
    return align(RECORD_HEAD_BYTES + block_len + CHAIN_BYTES)


def encode_head(vault_id: bytes, generation: int, base: int, hash_bytes: Hash) -> bytes:
    """64 bytes."""
    body = _HEAD.pack(MAGIC, VERSION, 0, vault_id, generation, base)
    return body + hash_bytes(body)[:CHAIN_BYTES]


def parse_head(data: bytes, hash_bytes: Hash) -> LogHead:
    """Inverse of ``encode_head``. Raises Truncated, BadMagic, UnsupportedVersion, IdMismatch, MalformedHeader."""
    if len(data) < HEAD_BYTES:
        raise Truncated(f"a log of {len(data)} bytes")
    magic, version, zero, vault_id, generation, base = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise BadMagic("not a log")
    if version != VERSION:
        raise UnsupportedVersion(f"log version {version}")
    chain = data[_HEAD.size : HEAD_BYTES]
    if hash_bytes(data[: _HEAD.size])[:CHAIN_BYTES] != chain:
        raise IdMismatch("a log head that does not match its check")
    if zero:
        raise MalformedHeader("reserved bytes of a log head")
    return LogHead(vault_id, generation, base, chain)


def encode_record_start(block: bytes, seq: int) -> bytes:
    """A record without its chain: head, block, padding. Hash it after the chain before, then append 16 bytes of that."""
    start = _RECORD.pack(len(block), TYPE_COMMIT, 0, seq) + block
    return start.ljust(record_len(len(block)) - CHAIN_BYTES, b"\0")


def parse_frame(data: bytes, at: int = 0) -> Frame:
    """A record's head at ``data[at:]``. Raises Truncated, BadMagic, MalformedHeader, LimitExceeded."""
    if len(data) - at < RECORD_HEAD_BYTES + 12:
        raise Truncated("a record cut within its head")
    block_len, kind, zero, seq = _RECORD.unpack_from(data, at)
    start = at + RECORD_HEAD_BYTES
    if data[start : start + 4] != BLOCK_MAGIC:
        raise BadMagic("no block in a record")
    if block_len > BLOCK_BYTES_MAX:
        raise LimitExceeded(f"a record with a block of {block_len} bytes")
    inner_len = int.from_bytes(data[start + 8 : start + 12], "little")
    if kind != TYPE_COMMIT or zero or seq == 0 or block_len < BLOCK_OVERHEAD_BYTES or inner_len != block_len:
        raise MalformedHeader("a record head that contradicts itself")
    return Frame(block_len, seq, record_len(block_len))


def find_candidate(data: bytes, start: int) -> int | None:
    """The first multiple of 64 at or after ``start`` where a record may begin, or None."""
    at = start
    while True:
        found = data.find(BLOCK_MAGIC, at + RECORD_HEAD_BYTES)
        if found < 0:
            return None
        if (found - RECORD_HEAD_BYTES) % BLOCK_ALIGN_BYTES == 0:
            return found - RECORD_HEAD_BYTES
        at = found - RECORD_HEAD_BYTES + 1
