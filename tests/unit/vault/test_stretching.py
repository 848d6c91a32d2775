"""Passphrase parameters: their bytes, their bounds, and what counts as the same passphrase."""

from __future__ import annotations

import struct

import pytest
from vault_world import World

from inos import limits
from inos.errors import BadArgument, LimitExceeded, MalformedHeader
from inos.ports import Stretch
from inos.vault import stretching
from inos.vault.stretching import Params

SALT = bytes(range(16))


def test_pack_and_unpack():
    for params in (Params(SALT), Params(SALT, 8, 1, 1), Params(SALT, 256 * 1024, 16, 4)):
        assert stretching.unpack(params.pack()) == params
    assert Params(SALT).pack() == struct.pack("<III", 65_536, 3, 1) + SALT
    with pytest.raises(BadArgument):
        Params(b"short").pack()


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes", "error"),
    [
        (256 * 1024 + 1, 3, 1, LimitExceeded),
        (0xFFFF_FFFF, 3, 1, LimitExceeded),
        (65_536, 17, 1, LimitExceeded),
        (65_536, 3, 5, LimitExceeded),
        (7, 3, 1, MalformedHeader),
        (15, 3, 2, MalformedHeader),
        (65_536, 0, 1, MalformedHeader),
        (65_536, 3, 0, MalformedHeader),
    ],
)
def test_bounds_hold_before_anything_is_asked_for(memory_kib, passes, lanes, error):
    with pytest.raises(error):
        stretching.unpack(struct.pack("<III", memory_kib, passes, lanes) + SALT)
    world = World()
    asked = []
    world.hook = asked.append
    with pytest.raises(error):
        world.run(stretching.stretch("x", Params(SALT, memory_kib, passes, lanes)))
    assert asked == []


@pytest.mark.parametrize("length", [0, 1, 27, 29])
def test_other_lengths_are_malformed(length):
    with pytest.raises(MalformedHeader):
        stretching.unpack(bytes(length))


def test_one_passphrase_however_it_is_typed():
    world = World()
    asked: list[Stretch] = []
    world.hook = asked.append
    keys = {world.run(stretching.stretch(typed, Params(SALT))) for typed in ("caf\u00e9", "cafe\u0301")}
    assert len(keys) == 1
    assert asked[0] == Stretch("caf\u00e9".encode(), SALT, 65_536, 3, 1)
    assert "caf" not in repr(asked[0])
    assert world.run(stretching.stretch("Caf\u00e9", Params(SALT))) not in keys


@pytest.mark.parametrize("passphrase", ["", "\ud800", "x" * (limits.PASSPHRASE_BYTES_MAX + 1)])
def test_what_is_no_passphrase(passphrase):
    with pytest.raises(BadArgument):
        World().run(stretching.stretch(passphrase, Params(SALT)))


def test_weak():
    assert not Params(SALT).is_weak
    assert not Params(SALT, lanes=4).is_weak
    assert Params(SALT, 32_768, 16).is_weak
    assert Params(SALT, 65_536, 2).is_weak
