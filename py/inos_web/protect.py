"""The page's verbs about the ways into the vault, and what of them goes as JSON.

Invariants: ids, credentials and PRF answers are hex on the page's side; ``protection`` and ``open`` are the only ones that
work while the vault is locked. Must not know: what wraps, or how a page asks.
"""

from __future__ import annotations

from typing import TypeAlias

from inos.errors import BadArgument
from inos.vault.keyslots import KIND_DEVICE, KIND_PASSPHRASE, KIND_PRF
from inos.vault.unlock import Passkey, Passphrase, Unlock, WayIn
from inos.vault.vault import Vault

Given: TypeAlias = dict[str, str] | None
_KINDS = {KIND_DEVICE: "device", KIND_PASSPHRASE: "passphrase", KIND_PRF: "passkey"}


class ProtectVerbs:
    """A part of ``inos_web.verbs.Verbs``."""

    _vault: Vault

    async def do_protection(self, _op: int) -> dict[str, object]:
        """What opens the vault."""
        return {"slots": [_slot(way) for way in await self._vault.ways_in.listed()]}

    async def do_set_passphrase(self, _op: int, passphrase: str, ask_always: bool, current: Given = None) -> None:
        """A passphrase in the place of the one before."""
        await self._vault.ways_in.set_passphrase(passphrase, ask_always=ask_always, unlock=unlock_of(current))

    async def do_add_passkey(
        self, _op: int, credential: str, output: str, salt: str, ask_always: bool, current: Given = None
    ) -> None:
        """One more passkey."""
        passkey = Passkey(_bytes(credential), _bytes(output))
        await self._vault.ways_in.add_passkey(passkey, _bytes(salt), ask_always=ask_always, unlock=unlock_of(current))

    async def do_set_ask_always(self, _op: int, ask_always: bool, current: Given = None) -> None:
        """Whether this device opens the vault by itself."""
        await self._vault.ways_in.set_ask_always(ask_always=ask_always, unlock=unlock_of(current))

    async def do_remove_slot(self, _op: int, id: str) -> None:
        """Take one away."""
        await self._vault.ways_in.remove(_bytes(id))


def unlock_of(given: Given) -> Unlock:
    """What a person gave, or None for this device's own key. Raises BadArgument."""
    if given is None:
        return None
    if "passphrase" in given:
        return Passphrase(given["passphrase"])
    return Passkey(_bytes(given.get("credential", "")), _bytes(given.get("output", "")))


def _slot(way: WayIn) -> dict[str, object]:
    slot: dict[str, object] = {"id": way.id.hex(), "kind": _KINDS[way.kind], "timeMs": way.time_ms}
    if way.kind == KIND_PRF:
        slot |= {"credential": way.credential.hex(), "salt": way.salt.hex()}
    return slot


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadArgument("not hex") from error
