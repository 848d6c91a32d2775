"""The key file: two copies, slots of any kind, and every way of being damaged."""

from __future__ import annotations

import dataclasses

import pytest

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
from inos.reference.blake3 import blake3
from inos.vault.keyslots import (
    COPY_BYTES,
    KEY_FILE_BYTES,
    KIND_DEVICE,
    KIND_PASSPHRASE,
    SLOTS_MAX,
    KeyFile,
    Slot,
    decode,
    encode,
    slot_aad,
)

DEVICE = Slot(KIND_DEVICE, b"", bytes(range(60)))
PASSPHRASE = Slot(KIND_PASSPHRASE, b"argon2id parameters", bytes(60))
UNKNOWN = Slot(200, b"?" * 100, b"!" * 300)
KEYS = KeyFile(7, (DEVICE, PASSPHRASE, UNKNOWN))


def checked(body):
    """A copy whose check fits whatever it says."""
    return (body + blake3(body)[:16]).ljust(COPY_BYTES, b"\0")


def test_round_trip():
    copy = encode(KEYS, blake3)
    assert len(copy) == COPY_BYTES
    records = (6 + 60) + (6 + 19 + 60) + (6 + 100 + 300)
    assert copy[:16] == b"INOK" + bytes([1, 3]) + records.to_bytes(2, "little") + (7).to_bytes(8, "little")
    assert decode(copy + copy, blake3) == KEYS
    assert decode(copy, blake3) == KEYS
    assert encode(decode(copy, blake3), blake3) == copy


def test_the_newer_valid_copy_counts():
    old, new = encode(KEYS, blake3), encode(dataclasses.replace(KEYS, seq=8), blake3)
    assert decode(old + new, blake3).seq == decode(new + old, blake3).seq == 8
    torn = new[:100] + bytes(COPY_BYTES - 100)
    assert decode(torn + old, blake3) == decode(old + torn, blake3) == KEYS
    assert decode(bytes(COPY_BYTES) + old, blake3) == KEYS


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Truncated),
        (b"INOK", Truncated),
        (bytes(KEY_FILE_BYTES), BadMagic),
        (b"INOK\2" + bytes(COPY_BYTES), UnsupportedVersion),
        (encode(KEYS, blake3)[:60], Truncated),
        (bytes(KEY_FILE_BYTES + 1), LimitExceeded),
        (b"INOK\1\0" + bytes(COPY_BYTES), MalformedHeader),
        (b"INOK\1\x11" + bytes(COPY_BYTES), MalformedHeader),
        (b"INOK\1\1\xff\xff" + bytes(COPY_BYTES), MalformedHeader),
    ],
)
def test_bad_files(data, error):
    with pytest.raises(error):
        decode(data, blake3)


def test_a_later_version_is_said_even_beside_damage():
    with pytest.raises(UnsupportedVersion):
        decode(bytes(COPY_BYTES) + b"INOK\2".ljust(COPY_BYTES, b"\0"), blake3)


def test_every_flipped_byte_is_noticed():
    copy = encode(KEYS, blake3)
    used = len(copy.rstrip(b"\0"))
    for at in range(used):
        broken = bytearray(copy)
        broken[at] ^= 0x40
        with pytest.raises(CorruptError):
            decode(bytes(broken), blake3)
    broken = bytearray(copy)
    broken[used - 1] ^= 1
    with pytest.raises(IdMismatch):
        decode(bytes(broken), blake3)


@pytest.mark.parametrize(
    ("count", "records"),
    [
        (1, b"\1\0"),  # a slot's head cut
        (1, b"\1\0\xff\0\0\0"),  # parameters beyond the records
        (1, b"\1\0\0\0\xff\0"),  # wrapped bytes beyond the records
        (1, b"\0\0\0\0\0\0"),  # kind 0
        (1, b"\1\1\0\0\0\0"),  # reserved
        (1, b"\1\0\0\0\0\0!"),  # bytes after the last slot
        (2, b"\1\0\0\0\0\0"),  # fewer slots than promised
    ],
)
def test_bad_records(count, records):
    body = b"INOK\1" + bytes([count]) + len(records).to_bytes(2, "little") + bytes(8) + records
    with pytest.raises(MalformedHeader):
        decode(checked(body), blake3)


def test_aad_has_the_slot_and_no_neighbour():
    aad = slot_aad(PASSPHRASE.kind, PASSPHRASE.params)
    assert aad == b"INOK\1" + bytes([2, 0, 19, 0]) + PASSPHRASE.params
    assert aad != slot_aad(KIND_DEVICE, PASSPHRASE.params)


def test_what_cannot_be_written():
    for keys, error in (
        (KeyFile(0, ()), BadArgument),
        (KeyFile(0, (DEVICE,) * (SLOTS_MAX + 1)), BadArgument),
        (KeyFile(1 << 64, (DEVICE,)), BadArgument),
        (KeyFile(0, (Slot(0, b"", b""),)), BadArgument),
        (KeyFile(0, (Slot(1, bytes(70_000), b""),)), BadArgument),
        (KeyFile(0, (Slot(1, b"", bytes(70_000)),)), LimitExceeded),
        (KeyFile(0, (Slot(1, b"", bytes(3_000)),) * 2), LimitExceeded),
    ):
        with pytest.raises(error):
            encode(keys, blake3)


def test_the_wrapped_secret_is_in_no_repr():
    assert repr(DEVICE.wrapped) not in repr(KEYS)
