"""Signals signed by their sender and sealed for a room: the server can neither read, make nor repeat one, and a member of
the room cannot make one in another member's name.

Nouns: a *payload* is a signed signal as INOS block v1 of kind 3 under the room's signal secret.

Invariants: a payload is at most SIGNAL_BYTES_MAX; a signal is accepted once, within CLOCK_WINDOW_S of our clock, from a
session that belongs to the key that signed it, never from our own, and only if it is for everybody or for us. Checks go
from cheap to dear, the signature last. A nonce is remembered only once the signature is good, or a forgery with the nonce
of a true signal would shut that one out; the memory of nonces is bounded per room. A key slot is held only while an effect
runs, since slots are few (64 for the whole node) and rooms may be as many.

Must not know: what signals are for.
"""

from __future__ import annotations

from collections import OrderedDict

from inos import ed25519_strict, limits
from inos.errors import LimitExceeded, ProtocolViolation
from inos.links.identity import Identity, is_session_of, said
from inos.links.rooms import Room
from inos.ports import KIND_INDEX, Open, Ports, Seal, Sign, Verify
from inos.tasks import Semaphore, Tasks
from inos.wire.fields import NOBODY
from inos.wire.messages import Signal, Signed, decode_signal, decode_signed, encode

SLOTS_MAX = 4
NONCES_MAX = 1_024  # per room; 64 members saying 8 things within the window, twice
QUALITY = 6  # an SDP of 1.2 KiB shrinks to about a half


class Sealer:
    """Seals and opens signals; one for all rooms."""

    def __init__(self, tasks: Tasks, ports: Ports, identity: Identity, wall_offset_s: float) -> None:
        self._tasks = tasks
        self._ports = ports
        self._identity = identity
        self._wall_offset_s = wall_offset_s
        self._slots = Semaphore(SLOTS_MAX)
        self._seen: dict[bytes, OrderedDict[bytes, None]] = {}

    @property
    def now(self) -> float:
        """The tasks' clock."""
        return self._tasks.now

    def wall_ms(self) -> int:
        """Milliseconds of the world's clock, which signals carry."""
        return max(0, int((self._tasks.now + self._wall_offset_s) * 1_000))

    def forget(self, room_id: bytes) -> None:
        """The room was left."""
        self._seen.pop(room_id, None)

    async def seal(self, room: Room, signal: Signal) -> bytes:
        """The payload of a signal. Raises LimitExceeded when it is too long for the server, ArenaFull."""
        encoded = encode(signal)
        signature = await Sign(said(room.room_id, encoded))
        return await self._seal(room, encode(Signed(encoded, signature)))

    async def open(self, room: Room, payload: bytes, window_s: float = limits.CLOCK_WINDOW_S) -> Signal:
        """The signal of a payload. Raises ProtocolViolation (old, repeated, not for us, forged, malformed) or a CorruptError.

        Payloads of one room are opened one after the other, so that of two copies one is seen first.
        """
        signed = decode_signed(await self._open(room, payload))
        signal = decode_signal(signed.signal)
        self._check_fresh(room, signal, window_s)
        if not is_session_of(self._ports.hashes, signal.sender, signal.public_key):
            raise ProtocolViolation("a session that does not belong to the key")
        if not ed25519_strict.precheck(signal.public_key, signed.signature):
            raise ProtocolViolation("key or signature outside the strict set")
        if not await Verify(signal.public_key, signed.signature, said(room.room_id, signed.signal)):
            raise ProtocolViolation("signature does not verify")
        self._remember(room, signal)
        return signal

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _seal(self, room: Room, plain: bytes) -> bytes:
        await self._slots.acquire()
        try:
            span = self._ports.arena.alloc(len(plain))
            try:
                self._ports.arena.write(span, plain)
                slot = self._ports.keys.open(room.signal_secret)
                try:
                    sealed = await Seal(span, KIND_INDEX, QUALITY, slot, urgent=True)
                finally:
                    self._ports.keys.close(slot)
            finally:
                self._ports.arena.release(span)
        finally:
            self._slots.release()
        try:
            if sealed.block.length > limits.SIGNAL_BYTES_MAX:
                raise LimitExceeded(f"signal of {sealed.block.length} bytes")
            return self._ports.arena.read(sealed.block)
        finally:
            self._ports.arena.release(sealed.block)

    async def _open(self, room: Room, payload: bytes) -> bytes:
        if not 0 < len(payload) <= limits.SIGNAL_BYTES_MAX:
            raise ProtocolViolation(f"signal of {len(payload)} bytes")
        await self._slots.acquire()
        try:
            span = self._ports.arena.alloc(len(payload))
            try:
                self._ports.arena.write(span, payload)
                slot = self._ports.keys.open(room.signal_secret)
                try:
                    opened = await Open(span, KIND_INDEX, keys=slot, raw_len_max=limits.SIGNAL_BYTES_MAX, urgent=True)
                finally:
                    self._ports.keys.close(slot)
            finally:
                self._ports.arena.release(span)
        finally:
            self._slots.release()
        assert opened.raw is not None
        try:
            return self._ports.arena.read(opened.raw)
        finally:
            self._ports.arena.release(opened.raw)

    def _check_fresh(self, room: Room, signal: Signal, window_s: float) -> None:
        if signal.sender == self._identity.session:
            raise ProtocolViolation("our own signal came back")
        if signal.to not in (NOBODY, self._identity.session):
            raise ProtocolViolation("meant for another member")
        if abs(signal.time_ms - self.wall_ms()) > window_s * 1_000:
            raise ProtocolViolation("signal outside the clock window")
        if signal.nonce in self._seen.get(room.room_id, ()):
            raise ProtocolViolation("signal seen before")

    def _remember(self, room: Room, signal: Signal) -> None:
        seen = self._seen.setdefault(room.room_id, OrderedDict())
        seen[signal.nonce] = None
        while len(seen) > NONCES_MAX:
            seen.popitem(last=False)
