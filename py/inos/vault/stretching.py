"""From a passphrase to a key: Argon2id (RFC 9106) with parameters that a file carries.

Nouns: *parameters* say how much memory and work one guess costs; they and the salt lie beside what the key opens, 28 bytes,
little-endian: memory in KiB u32 | passes u32 | lanes u32 | salt 16.

Invariants: parameters that were read are within the bounds of ``inos.limits`` before anything is allocated for them; a
passphrase is normalised (NFC, as RFC 8265 does), so that one typed on another keyboard is the same; a salt is used for one
wrapping. Must not know: what the key opens.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass

from inos import limits
from inos.errors import BadArgument, LimitExceeded, MalformedHeader
from inos.ports import Entropy, Stretch

SALT_BYTES = 16
_FORM = struct.Struct(f"<III{SALT_BYTES}s")
PARAMS_BYTES = _FORM.size
_LANE_KIB_MIN = 8  # RFC 9106, 3.1: at least eight blocks of 1 KiB a lane


@dataclass(frozen=True, slots=True)
class Params:
    """What one guess costs, and the salt."""

    salt: bytes
    memory_kib: int = limits.STRETCH_MEMORY_KIB
    passes: int = limits.STRETCH_PASSES
    lanes: int = limits.STRETCH_LANES

    def pack(self) -> bytes:
        """PARAMS_BYTES. Raises BadArgument, LimitExceeded."""
        if len(self.salt) != SALT_BYTES:
            raise BadArgument(f"a salt of {len(self.salt)} bytes")
        _check(self)
        return _FORM.pack(self.memory_kib, self.passes, self.lanes, self.salt)

    @property
    def is_weak(self) -> bool:
        """Whether today's parameters ask for more: what is wrapped under these is wrapped again when it can be."""
        return self.memory_kib < limits.STRETCH_MEMORY_KIB or self.passes < limits.STRETCH_PASSES


def new_params(entropy: Entropy) -> Params:
    """Today's, with a salt of their own."""
    return Params(entropy.random(SALT_BYTES))


def unpack(data: bytes) -> Params:
    """Inverse of ``pack``. Raises MalformedHeader, LimitExceeded."""
    if len(data) != PARAMS_BYTES:
        raise MalformedHeader(f"passphrase parameters of {len(data)} bytes")
    memory_kib, passes, lanes, salt = _FORM.unpack(data)
    params = Params(salt, memory_kib, passes, lanes)
    _check(params)
    return params


async def stretch(passphrase: str, params: Params) -> bytes:
    """32 bytes. Raises BadArgument for what is no passphrase, ArenaFull."""
    _check(params)
    try:
        data = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError as error:
        raise BadArgument("a passphrase that is not text") from error
    if not 1 <= len(data) <= limits.PASSPHRASE_BYTES_MAX:
        raise BadArgument(f"a passphrase has 1 to {limits.PASSPHRASE_BYTES_MAX} bytes")
    return await Stretch(data, params.salt, params.memory_kib, params.passes, params.lanes)


def _check(params: Params) -> None:
    if params.lanes < 1 or params.passes < 1 or params.memory_kib < _LANE_KIB_MIN * params.lanes:
        raise MalformedHeader("passphrase parameters below what Argon2id can do")
    if (
        params.memory_kib > limits.STRETCH_MEMORY_KIB_MAX
        or params.passes > limits.STRETCH_PASSES_MAX
        or params.lanes > limits.STRETCH_LANES_MAX
    ):
        raise LimitExceeded(
            f"a passphrase that takes {params.memory_kib} KiB, {params.passes} passes, {params.lanes} lanes"
        )
