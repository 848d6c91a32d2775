"""Signals sealed for a room: the server can neither read them, nor make one, nor play one again.

Nouns: a *payload* is a signal as INOS block v1 of kind 3 under the room's signal secret.

Invariants: a payload is at most SIGNAL_BYTES_MAX; a signal is accepted once, within CLOCK_WINDOW_S of our clock, and never
from our own session; the memory of nonces is bounded per room. A key slot is held only while an effect runs, since slots
are few (64 for the whole node) and rooms may be as many.

Must not know: what signals are for.
"""

from __future__ import annotations

from collections import OrderedDict

from inos import limits
from inos.errors import LimitExceeded, ProtocolViolation
from inos.links.rooms import Room
from inos.ports import KIND_INDEX, Open, Ports, Seal
from inos.tasks import Semaphore, Tasks
from inos.wire.messages import Signal, decode_signal, encode

SLOTS_MAX = 4
NONCES_MAX = 1_024  # per room; 64 members saying 8 things within the window, twice
QUALITY = 6  # an SDP of 1.2 KiB shrinks to about a half


class Sealer:
    """Seals and opens signals; one for all rooms."""

    def __init__(self, tasks: Tasks, ports: Ports, session: bytes, wall_offset_s: float) -> None:
        self._tasks = tasks
        self._ports = ports
        self._session = session
        self._wall_offset_s = wall_offset_s
        self._slots = Semaphore(SLOTS_MAX)
        self._seen: dict[bytes, OrderedDict[bytes, None]] = {}

    def wall_ms(self) -> int:
        """Milliseconds of the world's clock, which signals carry."""
        return max(0, int((self._tasks.now + self._wall_offset_s) * 1_000))

    def forget(self, room_id: bytes) -> None:
        """The room was left."""
        self._seen.pop(room_id, None)

    async def seal(self, room: Room, signal: Signal) -> bytes:
        """The payload of a signal. Raises LimitExceeded when it is too long for the server, ArenaFull."""
        plain = encode(signal)
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

    async def open(self, room: Room, payload: bytes) -> Signal:
        """The signal of a payload. Raises ProtocolViolation (old, repeated, our own, malformed) or a CorruptError."""
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
            plain = self._ports.arena.read(opened.raw)
        finally:
            self._ports.arena.release(opened.raw)
        signal = decode_signal(plain)
        self._check_fresh(room, signal)
        return signal

    def _check_fresh(self, room: Room, signal: Signal) -> None:
        if signal.sender == self._session:
            raise ProtocolViolation("our own signal came back")
        if abs(signal.time_ms - self.wall_ms()) > limits.CLOCK_WINDOW_S * 1_000:
            raise ProtocolViolation("signal outside the clock window")
        seen = self._seen.setdefault(room.room_id, OrderedDict())
        if signal.nonce in seen:
            raise ProtocolViolation("signal seen before")
        seen[signal.nonce] = None
        while len(seen) > NONCES_MAX:
            seen.popitem(last=False)
