"""Superblocks: the 4 KiB that say which log counts and who may write.

Two files, ``sb0`` and ``sb1``; the valid one with the higher ``seq`` counts, and the next is written over the other
(ping-pong), so that a torn write never loses both. Little-endian:

    0   8   "INOSSUPB"
    8   4   version = 1
    12  4   active log: 0 = log-a, 1 = log-b
    16  8   seq
    24  8   epoch
    32  16  vault id
    48  ..  zero
    end 32  BLAKE3 of everything before

Nouns: the *epoch* is the fence against two writers. It is bumped and flushed at every open (a take-over is an open) and read
again before each commit: who finds a higher one than its own has been taken over and must not write (StorageBusy).

Invariants: ``decode`` returns or raises a CorruptError, whatever the bytes. Must not know: files, effects.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from inos.errors import BadMagic, CorruptError, IdMismatch, MalformedHeader, Truncated, UnsupportedVersion
from inos.limits import SUPERBLOCK_BYTES

FILES = ("sb0", "sb1")
LOGS = ("log-a", "log-b")
MAGIC = b"INOSSUPB"
VERSION = 1
VAULT_ID_BYTES = 16
CHECK_BYTES = 32
_HEAD = struct.Struct("<8sIIQQ16s")
_BODY_BYTES = SUPERBLOCK_BYTES - CHECK_BYTES

Hash = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Superblock:
    """What one superblock says; ``log`` indexes ``LOGS``."""

    seq: int
    epoch: int
    log: int
    vault_id: bytes

    @property
    def file(self) -> str:
        """Where it lies."""
        return FILES[self.seq % 2]


def encode(block: Superblock, hash_bytes: Hash) -> bytes:
    """Exactly SUPERBLOCK_BYTES."""
    assert len(block.vault_id) == VAULT_ID_BYTES
    assert 0 <= block.log < len(LOGS)
    head = _HEAD.pack(MAGIC, VERSION, block.log, block.seq, block.epoch, block.vault_id)
    body = head.ljust(_BODY_BYTES, b"\0")
    return body + hash_bytes(body)


def decode(data: bytes, hash_bytes: Hash) -> Superblock:
    """Parse one copy. Raises Truncated, BadMagic, UnsupportedVersion, IdMismatch, MalformedHeader."""
    if len(data) < SUPERBLOCK_BYTES:
        raise Truncated(f"a superblock of {len(data)} bytes")
    magic, version, log, seq, epoch, vault_id = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise BadMagic("not a superblock")
    if version != VERSION:
        raise UnsupportedVersion(f"superblock version {version}")
    if hash_bytes(data[:_BODY_BYTES]) != data[_BODY_BYTES:SUPERBLOCK_BYTES]:
        raise IdMismatch("a superblock that does not match its check")
    if log >= len(LOGS) or any(data[_HEAD.size : _BODY_BYTES]):
        raise MalformedHeader("a superblock with fields of no meaning")
    return Superblock(seq, epoch, log, vault_id)


def newest(copies: list[bytes], hash_bytes: Hash) -> Superblock | None:
    """The valid copy with the highest seq, or None. A copy of a later version raises: nobody may write over it."""
    found: list[Superblock] = []
    for data in copies:
        try:
            found.append(decode(data, hash_bytes))
        except UnsupportedVersion:
            raise
        except CorruptError:
            continue
    return max(found, key=lambda block: block.seq) if found else None
