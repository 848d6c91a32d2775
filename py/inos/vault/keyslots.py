"""The ``keys`` file: the vault secret, wrapped once for each way of unlocking it.

It is a plain file, not a block: a block would be sealed under keys derived from what this file unlocks. Two copies lie at
offsets 0 and 4096, each at most 4096 bytes, zero-padded; all numbers little-endian:

    0   4   "INOK"
    4   1   version = 1
    5   1   n, the number of slots (1..16)
    6   2   length of all slot records
    8   8   seq; the valid copy with the higher one counts
    16  ..  slot records: kind u8 | reserved 0 u8 | params length u16 | params | wrapped length u16 | wrapped
    ..  16  first 16 bytes of BLAKE3 of everything before

Nouns: a *slot* is one wrapped copy of the secret; its *kind* says what key opens it; ``wrapped`` is what the AEAD gave,
with its own random nonce (nonce 12 | ciphertext | tag 16).

Invariants: slots of unknown kinds are kept byte for byte. A slot's AAD is what stands before ``wrapped`` and gives it
meaning: the file's magic and version and the slot's own head. It leaves out ``n``, ``seq`` and other slots on purpose:
adding a slot must not need the keys (a passphrase, another device's key) of those that are already there.
Must not know: what wraps, or where the file lies.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from inos.errors import (
    BadArgument,
    BadMagic,
    CorruptError,
    IdMismatch,
    LimitExceeded,
    MalformedHeader,
    Truncated,
    UnsupportedVersion,
)

MAGIC = b"INOK"
VERSION = 1
KIND_DEVICE = 1
KIND_PASSPHRASE = 2
KIND_PRF = 3

COPY_BYTES = 4_096
COPY_OFFSETS = (0, COPY_BYTES)
KEY_FILE_BYTES = 2 * COPY_BYTES
SLOTS_MAX = 16
CHECK_BYTES = 16

_HEAD = struct.Struct("<4sBBHQ")
_SLOT_HEAD = struct.Struct("<BBH")
_LENGTH = struct.Struct("<H")
_RECORDS_BYTES_MAX = COPY_BYTES - _HEAD.size - CHECK_BYTES

Hash = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Slot:
    """One way to unlock. ``params`` belong to the kind (empty for a device key)."""

    kind: int
    params: bytes
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The slots, and the number of their last change."""

    seq: int
    slots: tuple[Slot, ...]


def slot_aad(kind: int, params: bytes) -> bytes:
    """What the AEAD of a slot authenticates besides the secret."""
    if not 1 <= kind <= 255 or len(params) > _RECORDS_BYTES_MAX:
        raise BadArgument("a slot's kind or parameters")
    return MAGIC + bytes([VERSION]) + _SLOT_HEAD.pack(kind, 0, len(params)) + params


def encode(keys: KeyFile, hash_bytes: Hash) -> bytes:
    """One copy, padded to COPY_BYTES; write it to each of COPY_OFFSETS, one flush after the other."""
    if not 1 <= len(keys.slots) <= SLOTS_MAX or not 0 <= keys.seq < 1 << 64:
        raise BadArgument(f"{len(keys.slots)} slots, seq {keys.seq}")
    if any(len(slot.wrapped) > _RECORDS_BYTES_MAX for slot in keys.slots):
        raise LimitExceeded("a wrapped secret beyond the size of a copy")
    records = b"".join(
        slot_aad(slot.kind, slot.params)[len(MAGIC) + 1 :] + _LENGTH.pack(len(slot.wrapped)) + slot.wrapped
        for slot in keys.slots
    )
    if len(records) > _RECORDS_BYTES_MAX:
        raise LimitExceeded(f"slot records of {len(records)} bytes")
    body = _HEAD.pack(MAGIC, VERSION, len(keys.slots), len(records), keys.seq) + records
    return (body + hash_bytes(body)[:CHECK_BYTES]).ljust(COPY_BYTES, b"\0")


def decode(data: bytes, hash_bytes: Hash) -> KeyFile:
    """The newest valid copy of a whole file. Raises the first copy's error if neither is valid.

    A copy of a later version counts above one that is merely damaged: UnsupportedVersion tells the person to update, and
    nobody may overwrite such a file.
    """
    if len(data) > KEY_FILE_BYTES:
        raise LimitExceeded(f"a key file of {len(data)} bytes")
    found: list[KeyFile] = []
    errors: list[CorruptError] = []
    for offset in COPY_OFFSETS:
        try:
            found.append(_decode_copy(data[offset : offset + COPY_BYTES], hash_bytes))
        except CorruptError as error:
            errors.append(error)
    if found:
        return max(found, key=lambda keys: keys.seq)
    raise next((error for error in errors if isinstance(error, UnsupportedVersion)), errors[0])


def write_order(data: bytes, hash_bytes: Hash) -> tuple[int, ...]:
    """Offsets in the order in which to write a new file over this one: the copy that counts goes last.

    Raises UnsupportedVersion: what a later version wrote is not ours to replace.
    """
    seqs: list[tuple[int, int]] = []
    for offset in COPY_OFFSETS:
        try:
            seqs.append((_decode_copy(data[offset : offset + COPY_BYTES], hash_bytes).seq, offset))
        except UnsupportedVersion:
            raise
        except CorruptError:
            seqs.append((-1, offset))
    return tuple(offset for _, offset in sorted(seqs))


def is_stale(data: bytes, keys: KeyFile, hash_bytes: Hash) -> bool:
    """Whether a copy is not ``keys``, and may be replaced by it: what a crash between the two writes leaves, or bit rot."""
    copy = encode(keys, hash_bytes)
    return data != copy + copy and not any(
        data[offset : offset + 4] == MAGIC and data[offset + 4 : offset + 5] > bytes([VERSION])
        for offset in COPY_OFFSETS
    )


def _decode_copy(copy: bytes, hash_bytes: Hash) -> KeyFile:
    if len(copy) < _HEAD.size + CHECK_BYTES:
        raise Truncated(f"a key file copy of {len(copy)} bytes")
    magic, version, count, records_bytes, seq = _HEAD.unpack_from(copy)
    if magic != MAGIC:
        raise BadMagic("not a key file")
    if version != VERSION:
        raise UnsupportedVersion(f"key file version {version}")
    end = _HEAD.size + records_bytes
    if not 1 <= count <= SLOTS_MAX or records_bytes > _RECORDS_BYTES_MAX:
        raise MalformedHeader(f"{count} slots in {records_bytes} bytes")
    if len(copy) < end + CHECK_BYTES:
        raise Truncated("a key file cut within its slots")
    if hash_bytes(copy[:end])[:CHECK_BYTES] != copy[end : end + CHECK_BYTES]:
        raise IdMismatch("a key file that does not match its check")
    return KeyFile(seq, _decode_slots(copy[_HEAD.size : end], count))


def _decode_slots(records: bytes, count: int) -> tuple[Slot, ...]:
    slots, at = [], 0
    for _ in range(count):
        if at + _SLOT_HEAD.size > len(records):
            raise MalformedHeader("a slot beyond the records")
        kind, reserved, params_bytes = _SLOT_HEAD.unpack_from(records, at)
        params_at = at + _SLOT_HEAD.size
        length_at = params_at + params_bytes
        if kind == 0 or reserved != 0 or length_at + _LENGTH.size > len(records):
            raise MalformedHeader("a slot's head")
        (wrapped_bytes,) = _LENGTH.unpack_from(records, length_at)
        at = length_at + _LENGTH.size + wrapped_bytes
        if at > len(records):
            raise MalformedHeader("a slot beyond the records")
        slots.append(Slot(kind, records[params_at:length_at], records[at - wrapped_bytes : at]))
    if at != len(records):
        raise MalformedHeader("bytes after the last slot")
    return tuple(slots)
