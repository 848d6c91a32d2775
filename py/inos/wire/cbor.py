"""Deterministic CBOR (RFC 8949 section 4.2.1), for what is signed or stored.

Nouns: an *item* is one CBOR value; a *head* is its first byte and its argument. The values are int (64 bits and a sign),
bytes, str, bool, None, list and dict with int, bytes or str keys. No tags, floats, other simple values, or indefinite lengths.

Invariants: equal values give equal bytes, and ``decode`` accepts exactly what ``encode`` writes; the walk over the heads comes
before cbor2 sees a byte, so that a hostile length or depth allocates nothing; every failure is the given error class.
Must not know: what the values mean.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from inos.errors import BadArgument, InosError, LimitExceeded, ManifestMalformed
from inos.limits import CBOR_DEPTH_MAX, MANIFEST_BYTES_MAX

ITEMS_MAX = (
    131_072  # 50 ms of walking; twice what a folder's manifest of DIR_ENTRIES_MAX has, or the longest line of versions
)
_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP = range(6)
_SIMPLE = frozenset((0xF4, 0xF5, 0xF6))  # false, true, null
_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}
_ARGUMENT_MIN = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}  # below these a shorter form exists


def _codec() -> ModuleType:
    """cbor2, imported late: wheels cannot be in the browser's memory snapshot, the modules that import us then can."""
    import cbor2  # noqa: PLC0415

    return cbor2


def encode(value: object, *, bytes_max: int = MANIFEST_BYTES_MAX) -> bytes:
    """The one encoding of ``value``. Raises BadArgument (no such value), LimitExceeded (depth or size)."""
    ordered = _ordered(value, 0)
    try:
        encoded: bytes = _codec().dumps(ordered)
    except ValueError as error:  # a str with lone surrogates
        raise BadArgument("a text that is not Unicode") from error
    if len(encoded) > bytes_max:
        raise LimitExceeded(f"an encoding of {len(encoded)} bytes, at most {bytes_max}")
    if len(encoded) > ITEMS_MAX:  # fewer bytes cannot have more items
        try:
            _walk(encoded)
        except _Refused as refused:
            raise LimitExceeded(str(refused)) from refused
    return encoded


def _ordered(value: object, depth: int) -> object:
    """A copy whose dicts iterate in the order of their encoded keys; cbor2's own canonical order is RFC 7049's."""
    if value is None or isinstance(value, bool | bytes | str):
        return value
    if isinstance(value, int):
        if not -(1 << 64) <= value < 1 << 64:
            raise BadArgument("an integer beyond 64 bits")
        return value
    if depth >= CBOR_DEPTH_MAX:
        raise LimitExceeded(f"nested deeper than {CBOR_DEPTH_MAX}")
    if isinstance(value, list | tuple):
        return [_ordered(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, int | bytes | str) and not isinstance(key, bool) for key in value):
            raise BadArgument("a map key that is not an int, bytes or text")
        keys = sorted((encode(key), key) for key in value)
        return {key: _ordered(value[key], depth + 1) for _, key in keys}
    raise BadArgument(f"CBOR has no {type(value).__name__} here")


def decode(data: bytes, *, error: type[InosError] = ManifestMalformed, bytes_max: int = MANIFEST_BYTES_MAX) -> Any:
    """The value of exactly one deterministic item. Raises ``error`` for everything else."""
    if len(data) > bytes_max:
        raise error(f"{len(data)} bytes of CBOR, at most {bytes_max}")
    try:
        end = _walk(data)
    except IndexError as cut:
        raise error("CBOR that is cut") from cut
    except _Refused as refused:
        raise error(str(refused)) from refused
    if end != len(data):
        raise error(f"{len(data) - end} bytes after the CBOR item")
    cbor2 = _codec()
    try:
        return cbor2.loads(data)
    except (cbor2.CBORError, ValueError) as broken:  # text that is not UTF-8
        raise error("CBOR text that is not UTF-8") from broken


class _Refused(Exception):
    """Why the walk stopped."""


def _walk(data: bytes) -> int:
    """Check the heads of one item and of all within it; where it ends. Raises _Refused, or IndexError where data is cut."""
    size, at = len(data), 0
    # Of the innermost open array or map: items to come, and for a map, whose every second item is a key, the key before.
    left, is_map, previous_key = 1, False, b""
    outer: list[tuple[int, bool, bytes]] = []
    for _ in range(ITEMS_MAX):
        start = at
        first = data[at]
        if first < 0xC0 and first & 0x1F < 24:  # what `_head` would say of most items, without the call
            major, argument, at = first >> 5, first & 0x1F, at + 1
        else:
            major, argument, at = _head(data, at)
        if major in (_BYTES, _TEXT):
            at += argument
            if at > size:
                raise IndexError
        if is_map and left % 2 == 0:
            previous_key = _key(data[start:at], major, previous_key)
        left -= 1
        if major in (_ARRAY, _MAP):
            items = argument * 2 if major == _MAP else argument
            if items > size - at:  # an item has at least one byte
                raise IndexError
            if len(outer) >= CBOR_DEPTH_MAX:
                raise _Refused(f"CBOR nested deeper than {CBOR_DEPTH_MAX}")
            outer.append((left, is_map, previous_key))
            left, is_map, previous_key = items, major == _MAP, b""
        while left == 0:
            if not outer:
                return at
            left, is_map, previous_key = outer.pop()
    raise _Refused(f"more than {ITEMS_MAX} CBOR items")


def _key(key: bytes, major: int, previous: bytes) -> bytes:
    """The key itself, if it may follow the one before it."""
    if major in (_ARRAY, _MAP):
        raise _Refused("a CBOR map key that is a container")
    if major > _TEXT:
        raise _Refused("a CBOR map key that is not an int, bytes or text")
    if key <= previous:
        raise _Refused("CBOR map keys that are not sorted, or not unique")
    return key


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument, and where the head ends."""
    first = data[at]
    major, info = first >> 5, first & 0x1F
    at += 1
    if major >= 6:
        if first not in _SIMPLE:
            raise _Refused("a CBOR tag, float or simple value")
        return major, 0, at
    if info < 24:
        return major, info, at
    width = _ARGUMENT_BYTES.get(info)
    if width is None:
        raise _Refused("a CBOR item of indefinite or reserved length")
    if at + width > len(data):
        raise IndexError
    argument = int.from_bytes(data[at : at + width], "big")
    if argument < _ARGUMENT_MIN[width]:
        raise _Refused("a CBOR number that is not in its shortest form")
    return major, argument, at + width
