"""Heads: which root a file or folder has been at, one signed statement after another (vault-format 1.3, Head).

    {0: version 1, 1: public key 32, 2: line 32, 3: seq, 4: BLAKE3 of the head before (zeros for the first), 5: root, 6: time}

as deterministic CBOR, and an Ed25519 signature over ``"inos head v1\\0" || bytes``.

Nouns: a *line* is the history of one file or folder, named by 32 random bytes; a *head* is one step of it; *signed* is a
head's bytes with its signature after them. The key belongs to the vault, not to the device: its seed comes from the vault's
secret.

Invariants: equal heads have equal bytes; a line's seqs are 1, 2, 3, ... and each head names the bytes of the one before, so
that whoever knows one head of a line notices an older one (rollback) and another one of the same seq (fork).
Must not know: the index, the log, who signs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inos.errors import ForkDetected, HeadMalformed, RollbackDetected
from inos.wire import cbor

PREFIX = b"inos head v1\0"
VERSION = 1
SIGNATURE_BYTES = 64
HEAD_BYTES_MAX = 256
NO_HEAD = bytes(32)
_ID_BYTES = 32

Hash = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Head:
    """One step of a line. ``root`` is the bid of the manifest that is current from here on."""

    pub: bytes
    line: bytes
    seq: int
    prev: bytes
    root: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it is kept: the exact bytes that were signed, and the signature."""

    head: Head
    data: bytes
    signature: bytes

    def pack(self) -> bytes:
        """Bytes and signature."""
        return self.data + self.signature


def encode(head: Head) -> bytes:
    """The bytes that are signed, without the prefix."""
    fields = (VERSION, head.pub, head.line, head.seq, head.prev, head.root, head.time_ms)
    return cbor.encode(dict(enumerate(fields)), bytes_max=HEAD_BYTES_MAX)


def parse(packed: bytes) -> SignedHead:
    """Inverse of ``SignedHead.pack``; checks the form, neither chain nor signature. Raises HeadMalformed."""
    data, signature = packed[:-SIGNATURE_BYTES], packed[-SIGNATURE_BYTES:]
    fields = cbor.decode(data, error=HeadMalformed, bytes_max=HEAD_BYTES_MAX)
    if type(fields) is not dict or list(fields) != list(range(7)) or type(fields[0]) is not int:
        raise HeadMalformed("not a head")
    if fields[0] != VERSION:
        raise HeadMalformed("not a head of version 1")
    if any(type(fields[key]) is not bytes or len(fields[key]) != _ID_BYTES for key in (1, 2, 4, 5)):
        raise HeadMalformed("an id of a head that is not 32 bytes")
    if any(type(fields[key]) is not int or fields[key] < 0 for key in (3, 6)) or fields[3] == 0:
        raise HeadMalformed("a number of a head")
    return SignedHead(Head(*[fields[key] for key in range(1, 7)]), data, signature)


def signed_bytes(signed: SignedHead) -> bytes:
    """What the signature is over."""
    return PREFIX + signed.data


def following(line: Sequence[SignedHead], pub: bytes, line_id: bytes, root: bytes, time_ms: int, hash_of: Hash) -> Head:
    """The head that comes next in a line."""
    if not line:
        return Head(pub, line_id, 1, NO_HEAD, root, time_ms)
    return Head(pub, line_id, line[-1].head.seq + 1, hash_of(line[-1].data), root, time_ms)


def check_line(line: Sequence[SignedHead], hash_of: Hash) -> None:
    """Whether heads are one unbroken line from its first. Raises RollbackDetected, ForkDetected, HeadMalformed."""
    prev = NO_HEAD
    for seq, signed in enumerate(line, 1):
        head = signed.head
        if head.line != line[0].head.line or head.pub != line[0].head.pub:
            raise HeadMalformed("a head of another line")
        if head.seq != seq:
            raise RollbackDetected(f"head {head.seq} where {seq} should be")
        if head.prev != prev:
            raise ForkDetected(f"head {seq} follows another head than the line's")
        prev = hash_of(signed.data)


def check_against(known: Sequence[SignedHead], other: Sequence[SignedHead]) -> None:
    """Whether ``other`` is the same line as ``known``, as long or longer. Raises RollbackDetected, ForkDetected."""
    for mine, theirs in zip(known, other, strict=False):
        if mine.data != theirs.data:
            raise ForkDetected(f"two heads {mine.head.seq} of one line")
    if len(other) < len(known):
        raise RollbackDetected(f"a line that ends at {len(other)}, known up to {len(known)}")
