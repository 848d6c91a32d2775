"""Key effects by WebCrypto: the device's (``web/worker/brain/keyring.js``), a passphrase's (``passphrase.js`` beside it)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import inos_js

from inos import ports
from inos.errors import ArenaFull, AuthRefused, InosError, Unsupported, VaultLocked
from inos.tasks import Effect

KEY_EFFECTS = (
    ports.WrapKey,
    ports.UnwrapKey,
    ports.DevicePublicKey,
    ports.Sign,
    ports.SignHead,
    ports.Verify,
    ports.Stretch,
    ports.WrapWith,
    ports.UnwrapWith,
    ports.BoxKey,
    ports.Agree,
)
_COST = struct.Struct("<III")


class Keyring:
    """Performs key effects; the answers are bytes, or a reason."""

    def __init__(self, answer: Callable[[int, object], None]) -> None:
        self._answer = answer
        self._open: dict[int, Effect[Any]] = {}

    def perform(self, effect_id: int, effect: Effect[Any]) -> None:
        """Start the operation."""
        self._open[effect_id] = effect
        match effect:
            case ports.WrapKey(plain, aad):
                inos_js.crypto(effect_id, "wrap", plain, aad)
            case ports.UnwrapKey(wrapped, aad):
                inos_js.crypto(effect_id, "unwrap", wrapped, aad)
            case ports.DevicePublicKey():
                inos_js.crypto(effect_id, "publicKey")
            case ports.Sign(data):
                inos_js.crypto(effect_id, "sign", data)
            case ports.SignHead(seed, data):
                inos_js.crypto(effect_id, "signBy", seed, data)
            case ports.Verify(public_key, signature, data):
                inos_js.crypto(effect_id, "verify", public_key, signature, data)
            case ports.Stretch(passphrase, salt, memory_kib, passes, lanes):
                inos_js.crypto(effect_id, "stretch", passphrase, salt, _COST.pack(memory_kib, passes, lanes))
            case ports.WrapWith(key, nonce, plain, aad):
                inos_js.crypto(effect_id, "wrapWith", key, nonce, plain, aad)
            case ports.UnwrapWith(key, wrapped, aad):
                inos_js.crypto(effect_id, "unwrapWith", key, wrapped, aad)
            case ports.BoxKey():
                inos_js.crypto(effect_id, "boxKey")
            case ports.Agree(public_key):
                inos_js.crypto(effect_id, "agree", public_key)

    def done(self, effect_id: int, ok: bool, result: Any) -> None:
        """The operation's answer: a Uint8Array, or a reason in words."""
        effect = self._open.pop(effect_id)
        if ok:
            data: bytes = result.to_bytes()
            self._answer(effect_id, data == b"\x01" if isinstance(effect, ports.Verify) else data)
        elif isinstance(effect, ports.Verify):
            self._answer(effect_id, False)  # a key that does not import verifies nothing
        else:
            self._answer(effect_id, _error(effect, str(result)))


def _error(effect: Effect[Any], reason: str) -> InosError:
    match effect:
        case ports.UnwrapKey() | ports.UnwrapWith():
            return VaultLocked(reason)
        case ports.Stretch():
            return ArenaFull(f"the passphrase could not be stretched: {reason}")
        case ports.BoxKey():
            return Unsupported(reason)
    return AuthRefused(reason)
