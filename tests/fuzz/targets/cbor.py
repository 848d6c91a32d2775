"""Deterministic CBOR: what is accepted is what would be written, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.mutate import mutate_cbor as mutate

from inos.wire import cbor

__all__ = ["mutate", "run", "seeds"]


def run(data: bytes) -> None:
    """See Target."""
    assert cbor.encode(cbor.decode(data)) == data, "two encodings of one value"


def seeds() -> Iterator[bytes]:
    """See Target."""
    values: tuple[object, ...] = (
        0, 23, 24, 255, 256, 65_536, 1 << 32, (1 << 64) - 1, -1, -(1 << 64), b"", bytes(24), "", "é\U0001f600", None, True, False,
        [], {}, [1, [2, [3, [4, [5, [6, [7, [8]]]]]]]], {1: b"a", -1: "b", b"k": [None], "text": {2: False}},
    )  # fmt: skip
    return map(cbor.encode, values)
