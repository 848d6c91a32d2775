"""A whole vault opened on a log, and on a segment, that are not what the vault wrote.

An input is a list of pieces, each with a kind and a length: bytes as they are, put at the next multiple of 64; a body, sealed
under the vault's keys and chained to the record before; such a record with a chain that does not fit; and, behind what is in
the first segment, bytes as they are, and manifests sealed under the vault's keys, which a rescue will find. The vault must open
and check itself, or say by a typed error why not, and hold nothing when it is closed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.fuzz.mutate import mutate_bytes, mutate_cbor
from tests.fuzz.pieces import pack, unpack
from tests.fuzz.targets import manifest
from tests.fuzz.targets.log import BLOCK, NUMBERS_MAX, numbers_named, operations
from vault_world import MemoryDisk, World

from inos.errors import InosError
from inos.ports import KIND_INDEX, KIND_MANIFEST
from inos.vault import block, log, ops
from inos.vault.contexts import BlockKeys, derive_keys

RAW, RECORD, UNCHAINED, SEGMENT, MANIFEST = range(5)
KINDS = 5


def _fresh() -> tuple[BlockKeys, dict[str, bytes]]:
    """The keys of a vault with two files in it, and what is on its disk."""
    world = World()
    world.open()
    world.put(b"small", "a")
    world.put(bytes(range(256)) * 30, "b")
    keys = world.kernels.slots[world.vault._store.keys]
    world.close()
    return keys, {name: bytes(file.now) for name, file in world.disk.files.items()}


KEYS, FILES = _fresh()
HEAD = FILES["log-a"][: log.HEAD_BYTES]
SUITE = World().kernels.suite


def run(data: bytes) -> None:
    """See Target."""
    pieces = unpack(data, KINDS)
    if any(kind in (RECORD, UNCHAINED) and _names_many(piece) for kind, piece in pieces):
        return
    world = World(disk=MemoryDisk())
    for name, content in {**FILES, "log-a": log_of(pieces), "seg-0000": segment_of(pieces)}.items():
        file = world.disk._file(name)
        file.durable, file.now = content, bytearray(content)
    try:
        world.open()
        world.run(world.vault.check("hash"))
        world.close()
        world.check_tidy()
    finally:
        world.arena.memory = bytearray()  # a world is cyclic: its memory would stay until the collector comes
    assert not world.crashes, world.crashes


def _seq_in(body: bytes, otherwise: int) -> int:
    """What a body says its seq is, so that it agrees with the head of its record."""
    try:
        return ops.decode_body(body).seq % (1 << 64)
    except InosError:
        return otherwise


def _names_many(body: bytes) -> bool:
    try:
        return numbers_named(ops.decode_body(body)) > NUMBERS_MAX
    except InosError:
        return False


def log_of(pieces: list[tuple[int, bytes]]) -> bytes:
    """The log that they describe."""
    out, seq, chain = bytearray(HEAD), 0, HEAD[-log.CHAIN_BYTES :]
    for kind, piece in pieces:
        if kind in (SEGMENT, MANIFEST):
            continue
        if kind == RAW:
            out += piece.ljust(log.align(len(piece)), b"\0")
            continue
        seq = _seq_in(piece, seq + 1)
        sealed = block.seal(piece, KIND_INDEX, 0, KEYS, SUITE).block
        start = log.encode_record_start(sealed, seq)
        chain = SUITE.hashes.hash(chain + start)[: log.CHAIN_BYTES] if kind == RECORD else bytes(log.CHAIN_BYTES)
        out += start + chain
    return bytes(out)


def segment_of(pieces: list[tuple[int, bytes]]) -> bytes:
    """The first segment, with what they put behind its blocks."""
    out = bytearray(FILES["seg-0000"])
    for kind, piece in pieces:
        if kind in (SEGMENT, MANIFEST):
            data = piece if kind == SEGMENT else block.seal(piece, KIND_MANIFEST, 0, KEYS, SUITE).block
            out += bytes(-len(out) % 64) + data
    return bytes(out)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    pieces = unpack(data, KINDS)
    if not pieces or rng.random() < 0.1:
        return mutate_bytes(data, rng)
    at = rng.randrange(len(pieces))
    kind, piece = pieces[at]
    match rng.randrange(8):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
        case 2:
            pieces[at] = (rng.randrange(KINDS), piece)
        case _:
            pieces[at] = (kind, (mutate_bytes if kind in (RAW, SEGMENT) else mutate_cbor)(piece, rng))
    return pack(pieces)


def seeds() -> Iterator[bytes]:
    """See Target."""
    yield pack([])
    yield pack([(RAW, log.encode_record_start(BLOCK, 1) + bytes(log.CHAIN_BYTES))])
    bodies = [ops.encode_body(seq, seq - 1, [operation]) for seq, operation in enumerate(operations(), 1)]
    yield pack([(RECORD, body) for body in bodies])
    yield pack([(RECORD, bodies[0]), (UNCHAINED, bodies[1]), (RECORD, bodies[2])])
    yield pack([(RECORD, bodies[0]), (RAW, bytes(64)), (RECORD, ops.encode_body(2, 0, operations()[1:]))])
    damage = (RECORD, ops.encode_body(9, 8, operations()[:1]))  # says that eight records were durable before it
    foreign = block.seal(b"a block of somebody else", 1, 0, derive_keys(b"o" * 32, SUITE.hashes), SUITE).block
    yield pack([damage, (SEGMENT, foreign), *((MANIFEST, data) for data in manifest.seeds())])
