"""Changes of inputs: of plain bytes, and of CBOR as a tree, so that what comes out is still CBOR.

Nouns: a *mutator* takes bytes and a seeded generator and gives other bytes. Must not know: targets.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import cbor2

from inos.errors import InosError
from inos.wire import cbor

Mutator = Callable[[bytes, random.Random], bytes]
EDGES = (0, 1, 23, 24, 32, 116, 255, 256, 4_096, 16_384, 16_385, 65_535, 65_536, 3_932_160, 3_932_161, 1 << 22, 1 << 31,
         (1 << 32) - 1, 1 << 32, 1 << 46, (1 << 53) - 1, 1 << 63, (1 << 64) - 1)  # fmt: skip
TEXTS = ("", ".", "..", "a/b", "\u202eexe", "e\u0301", "\0", "a" * 256, "\U0001f600" * 64, "text/plain", "file")


def text_of(data: bytes) -> str:
    """Any bytes as text, lone surrogates included."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: a bit, a byte, a number, a piece doubled, dropped, swapped or made up."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        span = rng.choice((1, 2, 4, 8, 32, 64, 116))
        match rng.randrange(7):
            case 0 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at : at + 1] = rng.randbytes(1)
            case 2:
                width = rng.choice((1, 2, 4, 8))
                value = rng.choice(EDGES) & ((1 << 8 * width) - 1)
                out[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))
            case 3:
                out[at:at] = out[at : at + span]
            case 4:
                del out[at : at + span]
            case 5:
                other = rng.randrange(len(out) + 1)
                out[at : at + span] = out[other : other + span]
            case _:
                out[at:at] = rng.randbytes(rng.randint(1, 9))
    return bytes(out)


def mutate_cbor(data: bytes, rng: random.Random) -> bytes:
    """One value somewhere in the tree becomes another; what is no CBOR, and now and then what is, is changed as bytes."""
    if rng.random() < 0.2:
        return mutate_bytes(data, rng)
    try:
        value = cbor.decode(data)
    except InosError:
        return mutate_bytes(data, rng)
    value = _change(value, rng)
    try:
        return cbor.encode(value)
    except InosError:  # too deep, too large, no such key: as it is, which the decoder must refuse
        return bytes(cbor2.dumps(value))


def _change(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list | tuple) and value and rng.random() < 0.8:
        items = list(value)
        at = rng.randrange(len(items))
        match rng.randrange(6):
            case 0:
                del items[at]
            case 1:
                items.insert(at, items[rng.randrange(len(items))])
            case 2:
                other = rng.randrange(len(items))
                items[at], items[other] = items[other], items[at]
            case _:
                items[at] = _change(items[at], rng)
        return items
    if isinstance(value, dict) and value and rng.random() < 0.9:
        changed = dict(value)
        key = rng.choice(list(changed))
        match rng.randrange(6):
            case 0:
                del changed[key]
            case 1:
                changed[rng.choice((-1, 0, 3, 4, 9, 11, 12, rng.randrange(32)))] = changed[key]
            case _:
                changed[key] = _change(changed[key], rng)
        return changed
    return _other(value, rng)


def _other(value: Any, rng: random.Random) -> Any:
    """A value in the place of a leaf: near it, or of another type."""
    if rng.random() < 0.75:
        if isinstance(value, bytes) and value:
            try:  # operations are CBOR within CBOR
                return mutate_cbor(value, rng) if cbor.decode(value) is not None else value
            except InosError:
                return mutate_bytes(value, rng)
        if isinstance(value, str):
            return rng.choice((*TEXTS, value + rng.choice(TEXTS), value[1:]))
        if isinstance(value, int) and not isinstance(value, bool):
            return rng.choice((value + 1, value - 1, -value - 1, *EDGES))
    return rng.choice((None, True, 0, -1, b"", bytes(32), "", [], {}, rng.choice(EDGES), rng.choice(TEXTS)))
