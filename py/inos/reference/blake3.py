"""BLAKE3 in plain Python, after its specification (github.com/BLAKE3-team/BLAKE3-specs).

Nouns: a *block* is 64 bytes, a *chunk* 1,024 (a leaf of the tree); a *chaining value* (cv) is 8 words; an *output* is a
compression not yet done, since its flags depend on whether it turns out to be the root. Modes: hash, keyed hash, derive key.

Invariants: feeding bytes in pieces gives what feeding them at once gives; ``digest`` changes nothing. About 1 MiB/s is too much
to ask of it: use it for small things and to check others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from inos.errors import BadArgument

KEY_BYTES = 32
DIGEST_BYTES = 32
BLOCK_BYTES = 64
CHUNK_BYTES = 1_024

CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
KEYED_HASH, DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = 16, 32, 64

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
ROUNDS = 7
# The quarter-rounds of one round: four columns, then four diagonals.
LANES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip

_WORDS = struct.Struct("<16I")
_KEY_WORDS = struct.Struct("<8I")
_M32 = 0xFFFFFFFF

Words = tuple[int, ...]


def _schedule() -> tuple[tuple[tuple[int, int, int, int, int, int], ...], ...]:
    """For each round and quarter-round: its four state words and its two message words."""
    order = list(range(16))
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(tuple((*LANES[i], order[2 * i], order[2 * i + 1]) for i in range(8)))
        order = [order[place] for place in PERMUTATION]
    return tuple(rounds)


_SCHEDULE = _schedule()


def _compress(cv: Words, block: bytes, counter: int, length: int, flags: int) -> Words:
    """Sixteen words: the first eight are the next chaining value, all are output of a root."""
    m = _WORDS.unpack(block)
    v = [*cv, *IV[:4], counter & _M32, counter >> 32, length, flags]
    for quarter_rounds in _SCHEDULE:
        for a, b, c, d, x, y in quarter_rounds:
            va = (v[a] + v[b] + m[x]) & _M32
            vd = v[d] ^ va
            vd = (vd >> 16) | (vd << 16) & _M32
            vc = (v[c] + vd) & _M32
            vb = v[b] ^ vc
            vb = (vb >> 12) | (vb << 20) & _M32
            va = (va + vb + m[y]) & _M32
            vd ^= va
            vd = (vd >> 8) | (vd << 24) & _M32
            vc = (vc + vd) & _M32
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, (vb >> 7) | (vb << 25) & _M32, vc, vd
    low = tuple(v[i] ^ v[i + 8] for i in range(8))
    return low + tuple(v[i + 8] ^ cv[i] for i in range(8))


@dataclass(frozen=True, slots=True)
class _Output:
    """A compression that waits to learn whether it is the root."""

    cv: Words
    block: bytes
    counter: int
    length: int
    flags: int

    def chaining_value(self) -> Words:
        return _compress(self.cv, self.block, self.counter, self.length, self.flags)[:8]

    def root_bytes(self, length: int) -> bytes:
        blocks = range((length + BLOCK_BYTES - 1) // BLOCK_BYTES)
        stream = b"".join(
            _WORDS.pack(*_compress(self.cv, self.block, i, self.length, self.flags | ROOT)) for i in blocks
        )
        return stream[:length]


class Blake3:
    """An incremental hash. Give ``key`` (32 bytes) for keyed hash, ``context`` for derive key, or neither."""

    def __init__(self, *, key: bytes | None = None, context: str | None = None) -> None:
        self._key: Words = IV
        self._flags = 0
        if key is not None:
            if len(key) != KEY_BYTES or context is not None:
                raise BadArgument("a BLAKE3 key has 32 bytes and no context")
            self._key, self._flags = _KEY_WORDS.unpack(key), KEYED_HASH
        if context is not None:
            hasher = Blake3()
            hasher._flags = DERIVE_KEY_CONTEXT
            self._key, self._flags = _KEY_WORDS.unpack(hasher.update(context.encode()).digest()), DERIVE_KEY_MATERIAL
        self._chunk = bytearray()  # of the open chunk; full only until more comes
        self._chunks = 0  # closed
        self._stack: list[Words] = []  # roots of complete subtrees, largest first

    def update(self, data: bytes | bytearray | memoryview) -> Blake3:
        """Feed bytes; returns self."""
        view = memoryview(data)
        while len(view) > 0:
            if len(self._chunk) == CHUNK_BYTES:
                self._close_chunk()
            take = view[: CHUNK_BYTES - len(self._chunk)]
            self._chunk += take
            view = view[len(take) :]
        return self

    def digest(self, length: int = DIGEST_BYTES) -> bytes:
        """``length`` bytes of output."""
        output = self._chunk_output()
        for left in reversed(self._stack):
            output = self._parent(left, output.chaining_value())
        return output.root_bytes(length)

    def _close_chunk(self) -> None:
        cv = self._chunk_output().chaining_value()
        self._chunks += 1
        self._chunk.clear()
        complete = self._chunks
        while complete % 2 == 0:  # a subtree is complete for each trailing zero bit of the count
            cv = self._parent(self._stack.pop(), cv).chaining_value()
            complete //= 2
        self._stack.append(cv)

    def _chunk_output(self) -> _Output:
        cv, data = self._key, bytes(self._chunk)
        last = max(0, (len(data) - 1) // BLOCK_BYTES * BLOCK_BYTES)
        flags = self._flags | CHUNK_START
        for at in range(0, last, BLOCK_BYTES):
            cv = _compress(cv, data[at : at + BLOCK_BYTES], self._chunks, BLOCK_BYTES, flags)[:8]
            flags = self._flags
        tail = data[last:]
        return _Output(cv, tail.ljust(BLOCK_BYTES, b"\0"), self._chunks, len(tail), flags | CHUNK_END)

    def _parent(self, left: Words, right: Words) -> _Output:
        return _Output(self._key, _WORDS.pack(*left, *right), 0, BLOCK_BYTES, self._flags | PARENT)


def blake3(data: bytes, length: int = DIGEST_BYTES) -> bytes:
    """Hash."""
    return Blake3().update(data).digest(length)


def chunk_chaining_value(data: bytes, index: int) -> bytes:
    """Of a leaf that is not alone: at most CHUNK_BYTES, the ``index``-th of its input."""
    hasher = Blake3().update(data)
    hasher._chunks = index
    return _KEY_WORDS.pack(*hasher._chunk_output().chaining_value())


def parent_chaining_value(left: bytes, right: bytes) -> bytes:
    """Of two subtrees that are not the whole."""
    return _KEY_WORDS.pack(*_parent_of(left, right).chaining_value())


def parent_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an input whose root's children these are."""
    return _parent_of(left, right).root_bytes(DIGEST_BYTES)


def _parent_of(left: bytes, right: bytes) -> _Output:
    return Blake3()._parent(_KEY_WORDS.unpack(left), _KEY_WORDS.unpack(right))


def tree(data: bytes) -> bytes:
    """All chaining values below the root, level after level from the leaves (``inos.ports.HashTree``)."""
    level = [
        chunk_chaining_value(data[at : at + CHUNK_BYTES], at // CHUNK_BYTES) for at in range(0, len(data), CHUNK_BYTES)
    ]
    values: list[bytes] = []
    while len(level) > 1:
        values += level
        pairs = range(0, len(level) - 1, 2)
        level = [parent_chaining_value(level[at], level[at + 1]) for at in pairs] + level[2 * len(pairs) :]
    return b"".join(values)


def keyed_hash(key: bytes, data: bytes, length: int = DIGEST_BYTES) -> bytes:
    """Hash under a 32-byte key."""
    return Blake3(key=key).update(data).digest(length)


def derive_key(context: str, material: bytes, length: int = DIGEST_BYTES) -> bytes:
    """A key for one purpose; ``context`` is a hard-coded constant."""
    return Blake3(context=context).update(material).digest(length)


class ReferenceHashes:
    """The small hashes of ``inos.ports.Hashes``."""

    def hash(self, data: bytes) -> bytes:
        """32 bytes."""
        return blake3(data)

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """32 bytes under a key."""
        return keyed_hash(key, data)

    def derive(self, context: str, material: bytes, length: int = DIGEST_BYTES) -> bytes:
        """``derive_key``."""
        return derive_key(context, material, length)
