"""Inputs that are conversations: pieces with a speaker and a message, changed as trees, so that most are still messages."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from tests.fuzz.mutate import EDGES, mutate_bytes
from tests.fuzz.pieces import pack, unpack

SPEAKERS = 3


def mutate_message(data: bytes, rng: random.Random) -> bytes:
    """One value of a message becomes another; what is no message is changed as bytes."""
    try:
        tree = msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return mutate_bytes(data, rng)
    if not isinstance(tree, list) or not tree or rng.random() < 0.1:
        return mutate_bytes(data, rng)
    place, at = tree, rng.randrange(len(tree))
    while isinstance(place[at], list) and place[at]:
        place = place[at]
        at = rng.randrange(len(place))
    place[at] = _other(place[at], rng)
    try:
        return msgspec.msgpack.encode(tree)
    except (OverflowError, msgspec.MsgspecError):
        return mutate_bytes(data, rng)


def _other(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, value ^ (1 << rng.randrange(32)), rng.choice(EDGES)))
    if isinstance(value, bytes):
        return rng.choice((mutate_bytes(value, rng), value[:-1], value + value, value + bytes(1), b""))
    return rng.choice((None, 0, b"", [], value))


def mutate_talk(data: bytes, rng: random.Random) -> bytes:
    """A conversation with a message said otherwise, twice, not, by somebody else, or earlier."""
    pieces = unpack(data, SPEAKERS)
    if not pieces:
        return mutate_bytes(data, rng)
    at = rng.randrange(len(pieces))
    match rng.randrange(6):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
        case 2:
            pieces[at] = (rng.randrange(SPEAKERS), pieces[at][1])
        case _:
            pieces[at] = (pieces[at][0], mutate_message(pieces[at][1], rng))
    return pack(pieces)
