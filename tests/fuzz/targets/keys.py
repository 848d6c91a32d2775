"""The key file: its two copies, with and without a check sum that fits."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from inos.vault import keyslots, stretching
from inos.vault.keyslots import COPY_BYTES, KeyFile, Slot
from inos.vault.stretching import Params

TIME_BYTES = 8  # of a slot, before how its passphrase is stretched
FITTING = b"\1"  # n, and slot records, around which a head and a check sum that fit are made


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def run(data: bytes) -> None:
    """See Target."""
    body = data[1:]
    if data[:1] == FITTING:
        records = body[1:4_000]
        head = struct.pack("<4sBBHQ", keyslots.MAGIC, keyslots.VERSION, body[0] if body else 0, len(records), 7)
        body = head + records + _hash(head + records)[: keyslots.CHECK_BYTES]
    made = keyslots.decode(body, _hash)
    for slot in made.slots:
        if slot.kind == keyslots.KIND_PASSPHRASE:
            assert stretching.unpack(slot.params[TIME_BYTES:]).pack() == slot.params[TIME_BYTES:]
    written = keyslots.encode(made, _hash).rstrip(b"\0")
    assert any(body[at : at + len(written)].startswith(written[: len(body) - at]) for at in (0, COPY_BYTES))


def seeds() -> Iterator[bytes]:
    """See Target."""
    slots = (
        Slot(1, b"", b"w" * 60),
        Slot(2, bytes(TIME_BYTES) + Params(b"salt" * 4).pack(), b"w" * 60),
        Slot(3, b"", b""),
        Slot(200, b"kept", b"x"),
    )
    for count in (1, 4):
        copy = keyslots.encode(KeyFile(3, slots[:count]), _hash)
        yield b"\0" + copy.rstrip(b"\0")
        yield b"\0" + copy + keyslots.encode(KeyFile(4, slots[:1]), _hash).rstrip(b"\0")
        yield FITTING + bytes([count]) + copy.rstrip(b"\0")[16:-16]
