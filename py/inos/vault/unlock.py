"""The ways into a vault: reading, trying, adding and removing the slots of its ``keys`` file.

Nouns: a *way in* is a slot: this device's own key, a passphrase, or a passkey (WebAuthn PRF); an *unlock* is what a person
gives for one; a vault *asks always* when it has no slot of a device.

Invariants: data is never rewritten, since all slots wrap the same secret; a change is durable in both copies when it returns,
and at every moment in between one copy reads as before or as after (the copy that counts is written last); a new slot gave
the secret back once before any old one goes; the last way in stays; a try that fails changes nothing; the secret is held by
no object here, only by the call that needs it. Slots of unknown kinds are kept.

Parameters of a passphrase: time in ms u64 | ``stretching``'s 28 bytes. Of a passkey: time in ms u64 | PRF salt 32 | the
credential's id. Must not know: blocks, logs, pages.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from inos.errors import (
    BadArgument,
    Busy,
    CorruptError,
    InosError,
    LimitExceeded,
    MalformedHeader,
    NotFound,
    StorageFull,
    UnlockNeeded,
    UnsupportedVersion,
    VaultLocked,
    WrongPasskey,
    WrongPassphrase,
)
from inos.ports import FileFlush, Ports, UnwrapKey, UnwrapWith, WrapKey, WrapWith
from inos.vault import keyslots, stretching
from inos.vault.budget import Budget
from inos.vault.contexts import PASSKEY_KEY, SECRET_BYTES
from inos.vault.files import read_bytes, write_durable
from inos.vault.keyslots import KIND_DEVICE, KIND_PASSPHRASE, KIND_PRF, KeyFile, Slot, slot_aad

KEYS_FILE = "keys"
ID_BYTES = 8
NONCE_BYTES = 12
PRF_BYTES = 32
PRF_SALT_BYTES = 32
CREDENTIAL_BYTES_MAX = 1_023  # WebAuthn, 4
_TIME_BYTES = 8
_KINDS = (KIND_DEVICE, KIND_PASSPHRASE, KIND_PRF)


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What a person typed."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passkey:
    """What an authenticator answered: the credential's id, and its PRF of the slot's salt."""

    credential: bytes
    output: bytes = field(repr=False)


Unlock: TypeAlias = Passphrase | Passkey | None  # None: this device's own key


@dataclass(frozen=True, slots=True)
class WayIn:
    """One slot, as the page needs it. ``time_ms`` is 0 where nobody wrote it down; the last two are a passkey's."""

    id: bytes
    kind: int
    time_ms: int
    credential: bytes = b""
    salt: bytes = b""


class WaysIn:
    """The slots of one vault. One change at a time (Busy)."""

    def __init__(self, ports: Ports, budget: Budget, wall_ms: Callable[[], int]) -> None:
        self._ports = ports
        self._wall_ms = wall_ms
        self._budget = budget
        self._hash = ports.hashes.hash
        self._is_changing = False

    # --- reading and trying -------------------------------------------------------------------------------------------

    async def listed(self) -> list[WayIn]:
        """Every slot of a kind that is known here; none where none can be read, which ``secret`` tells more about.

        Raises UnsupportedVersion.
        """
        try:
            keys = self._decode(await self._read())
        except VaultLocked:
            return []
        return [self._way_in(slot) for slot in keys.slots if slot.kind in _KINDS]

    async def secret(self, unlock: Unlock, *, may_create: bool) -> bytes:
        """The vault's secret. A new vault gets a slot for this device.

        Raises UnlockNeeded, WrongPassphrase, WrongPasskey, or VaultLocked where no slot is of that kind or all are lost.
        """
        data = await self._read()
        try:
            keys = keyslots.decode(data, self._hash)
        except UnsupportedVersion:
            raise
        except CorruptError as error:
            if not may_create:
                raise VaultLocked("the vault's keys are lost or damaged") from error
            secret = self._ports.entropy.random(SECRET_BYTES)
            await self._write(KeyFile(1, (await self._device_slot(secret),)), data)
            return secret
        secret, slot = await self._open(keys, unlock)
        with contextlib.suppress(StorageFull):  # which must lock nobody out
            await self._refresh(keys, data, slot, await self._stronger(slot, unlock, secret))
        return secret

    async def _refresh(self, keys: KeyFile, data: bytes, slot: Slot, stronger: Slot | None) -> None:
        """Put a stronger slot in the place of the one that opened; else make both copies equal.

        What was taken away must not stay in the copy that a crash left as it was.
        """
        if stronger is not None:
            await self._write(_changed(keys, [stronger if kept == slot else kept for kept in keys.slots]), data)
        elif keyslots.is_stale(data, keys, self._hash):
            await self._write(keys, data)

    # --- changing -----------------------------------------------------------------------------------------------------

    async def set_passphrase(self, text: str, *, ask_always: bool, unlock: Unlock = None) -> None:
        """A passphrase in the place of the one before. ``unlock`` proves who asks; None where this device's slot does.

        With ``ask_always`` this device's slot goes; else it stays, or comes back.
        """
        async with self._change() as (keys, data):
            secret, _ = await self._open(keys, unlock)
            slot = await self._passphrase_slot(text, self._wall_ms(), secret)
            others = [kept for kept in keys.slots if kept.kind not in (KIND_PASSPHRASE, KIND_DEVICE)]
            await self._write(_changed(keys, [*await self._devices(keys, secret, ask_always), *others, slot]), data)

    async def add_passkey(self, passkey: Passkey, salt: bytes, *, ask_always: bool, unlock: Unlock = None) -> None:
        """One more passkey; the same credential again replaces its slot."""
        _check_passkey(passkey, salt)
        async with self._change() as (keys, data):
            secret, _ = await self._open(keys, unlock)
            params = self._wall_ms().to_bytes(_TIME_BYTES, "little") + salt + passkey.credential
            slot = await self._slot(KIND_PRF, params, self._passkey_key(passkey), secret)
            others = [
                kept
                for kept in keys.slots
                if kept.kind != KIND_DEVICE and self._way_in(kept).credential != passkey.credential
            ]
            await self._write(_changed(keys, [*await self._devices(keys, secret, ask_always), *others, slot]), data)

    async def set_ask_always(self, *, ask_always: bool, unlock: Unlock = None) -> None:
        """Whether this device opens the vault by itself. Raises BadArgument where nothing else would open it."""
        async with self._change() as (keys, data):
            secret, _ = await self._open(keys, unlock)
            others = [kept for kept in keys.slots if kept.kind != KIND_DEVICE]
            await self._write(_changed(keys, [*await self._devices(keys, secret, ask_always), *others]), data)

    async def remove(self, way_in: bytes) -> None:
        """Take one slot away. Raises NotFound, BadArgument for the last way in."""
        async with self._change() as (keys, data):
            kept = [slot for slot in keys.slots if slot.kind not in _KINDS or self._way_in(slot).id != way_in]
            if len(kept) == len(keys.slots):
                raise NotFound("there is no such way into the vault")
            await self._write(_changed(keys, kept), data)

    @contextlib.asynccontextmanager
    async def _change(self) -> AsyncIterator[tuple[KeyFile, bytes]]:
        if self._is_changing:
            raise Busy("the vault's protection is being changed")
        self._is_changing = True
        try:
            data = await self._read()
            yield self._decode(data), data
        finally:
            self._is_changing = False

    # --- opening slots ------------------------------------------------------------------------------------------------

    async def _open(self, keys: KeyFile, unlock: Unlock) -> tuple[bytes, Slot]:
        if unlock is None:
            return await self._open_device(keys)
        kind = KIND_PASSPHRASE if isinstance(unlock, Passphrase) else KIND_PRF
        slots = [slot for slot in keys.slots if slot.kind == kind]
        if not slots:
            raise VaultLocked("nothing of this kind opens the vault")
        wrong = WrongPassphrase if kind == KIND_PASSPHRASE else WrongPasskey
        refusal: InosError = wrong("it does not open this vault")
        for slot in slots:
            try:
                key = await self._key(slot, unlock)
                return _secret_of(await UnwrapWith(key, slot.wrapped, slot_aad(slot.kind, slot.params))), slot
            except VaultLocked:
                continue
            except (MalformedHeader, LimitExceeded) as error:  # this slot's parameters: another one may be good
                refusal = error
        raise refusal

    async def _open_device(self, keys: KeyFile) -> tuple[bytes, Slot]:
        others = any(slot.kind in (KIND_PASSPHRASE, KIND_PRF) for slot in keys.slots)
        for slot in keys.slots:
            if slot.kind != KIND_DEVICE:
                continue
            try:
                return _secret_of(await UnwrapKey(slot.wrapped, slot_aad(slot.kind, slot.params))), slot
            except VaultLocked:
                if not others:
                    raise
        if others:
            raise UnlockNeeded("the vault opens with its passphrase or passkey")
        raise VaultLocked("the vault has no key slot for this device")

    async def _key(self, slot: Slot, unlock: Passphrase | Passkey) -> bytes:
        if isinstance(unlock, Passphrase):
            return await stretching.stretch(unlock.text, stretching.unpack(slot.params[_TIME_BYTES:]))
        if self._way_in(slot).credential != unlock.credential:
            raise VaultLocked("another passkey's slot")
        return self._passkey_key(unlock)

    def _passkey_key(self, passkey: Passkey) -> bytes:
        return self._ports.hashes.derive(PASSKEY_KEY, passkey.output)

    # --- making slots -------------------------------------------------------------------------------------------------

    async def _devices(self, keys: KeyFile, secret: bytes, ask_always: bool) -> list[Slot]:
        """The devices' slots as they are to be: none, or those that are there and one that this device opens."""
        if ask_always:
            return []
        devices = [slot for slot in keys.slots if slot.kind == KIND_DEVICE]
        try:
            await self._open_device(keys)
        except VaultLocked:
            devices.append(await self._device_slot(secret))
        return devices

    async def _device_slot(self, secret: bytes) -> Slot:
        """Wrapped, and unwrapped again to prove that the key is there to stay."""
        aad = slot_aad(KIND_DEVICE, b"")
        slot = Slot(KIND_DEVICE, b"", await WrapKey(secret, aad))
        if await UnwrapKey(slot.wrapped, aad) != secret:
            raise VaultLocked("the device's key does not give back what it wrapped")
        return slot

    async def _passphrase_slot(self, text: str, time_ms: int, secret: bytes) -> Slot:
        params = stretching.new_params(self._ports.entropy)
        packed = time_ms.to_bytes(_TIME_BYTES, "little") + params.pack()
        return await self._slot(KIND_PASSPHRASE, packed, await stretching.stretch(text, params), secret)

    async def _slot(self, kind: int, params: bytes, key: bytes, secret: bytes) -> Slot:
        aad = slot_aad(kind, params)
        wrapped = await WrapWith(key, self._ports.entropy.random(NONCE_BYTES), secret, aad)
        if await UnwrapWith(key, wrapped, aad) != secret:
            raise VaultLocked("the new key does not give back what it wrapped")
        return Slot(kind, params, wrapped)

    async def _stronger(self, slot: Slot, unlock: Unlock, secret: bytes) -> Slot | None:
        """The same passphrase under today's parameters, where those of its slot are weaker."""
        if not isinstance(unlock, Passphrase) or not stretching.unpack(slot.params[_TIME_BYTES:]).is_weak:
            return None
        return await self._passphrase_slot(unlock.text, self._way_in(slot).time_ms, secret)

    # --- the file -----------------------------------------------------------------------------------------------------

    def _way_in(self, slot: Slot) -> WayIn:
        name = self._hash(slot.params + slot.wrapped)[:ID_BYTES]
        time_ms = int.from_bytes(slot.params[:_TIME_BYTES], "little")
        if slot.kind != KIND_PRF:
            return WayIn(name, slot.kind, time_ms)
        salt, credential = slot.params[_TIME_BYTES:][:PRF_SALT_BYTES], slot.params[_TIME_BYTES + PRF_SALT_BYTES :]
        return WayIn(name, slot.kind, time_ms, credential, salt)

    async def _read(self) -> bytes:
        # Makes it, if it is not there; and what another left unflushed must be durable before anything is sealed under it.
        await FileFlush(KEYS_FILE)
        return await read_bytes(self._ports.arena, self._budget, KEYS_FILE, 0, keyslots.KEY_FILE_BYTES)

    def _decode(self, data: bytes) -> KeyFile:
        try:
            return keyslots.decode(data, self._hash)
        except UnsupportedVersion:
            raise
        except CorruptError as error:
            raise VaultLocked("the vault's keys are lost or damaged") from error

    async def _write(self, keys: KeyFile, before: bytes) -> None:
        """Both copies, one flush after the other; the one that counts now is the last to go."""
        copy = keyslots.encode(keys, self._hash)
        for offset in keyslots.write_order(before, self._hash):
            await write_durable(self._ports.arena, self._budget, KEYS_FILE, offset, copy)


def _changed(keys: KeyFile, slots: Iterable[Slot]) -> KeyFile:
    kept = tuple(slots)
    if not any(slot.kind in _KINDS for slot in kept):
        raise BadArgument("the last way into the vault stays")
    return replace(keys, seq=keys.seq + 1, slots=kept)


def _secret_of(secret: bytes) -> bytes:
    if len(secret) != SECRET_BYTES:
        raise VaultLocked("a wrapped key that is no vault secret")
    return secret


def _check_passkey(passkey: Passkey, salt: bytes) -> None:
    if len(passkey.output) != PRF_BYTES or len(salt) != PRF_SALT_BYTES:
        raise BadArgument("a passkey answers 32 bytes to a salt of 32")
    if not 1 <= len(passkey.credential) <= CREDENTIAL_BYTES_MAX:
        raise BadArgument(f"a credential's id of {len(passkey.credential)} bytes")
