"""Rumors' bodies sealed for who knows the topic's name and the room: relays cannot read what they carry.

Nouns: a *body* is what was published, as INOS block v1 of kind 3 under the topic's secret.

Invariants: a key slot is held only while an effect runs, since slots are few (64 for the whole node).
Must not know: what is published.
"""

from __future__ import annotations

from typing import Protocol

from inos import limits
from inos.ports import KIND_INDEX, Open, Ports, Seal, Span
from inos.tasks import Semaphore

SLOTS_MAX = 2
QUALITY = 0  # what is published is small, and often packed already


class Sealer(Protocol):
    """Makes and opens bodies."""

    async def seal(self, secret: bytes, data: bytes) -> bytes:
        """The body. Raises LimitError."""

    async def open(self, secret: bytes, body: bytes) -> bytes:
        """What was sealed. Raises a CorruptError, LimitError."""


class BlockSealer:
    """The one of real nodes; one for all rooms."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._slots = Semaphore(SLOTS_MAX)

    async def seal(self, secret: bytes, data: bytes) -> bytes:
        """The body."""
        await self._slots.acquire()
        span: Span | None = None
        try:
            span = self._write(data)
            slot = self._ports.keys.open(secret)
            try:
                sealed = await Seal(span, KIND_INDEX, QUALITY, slot, urgent=True)
            finally:
                self._ports.keys.close(slot)
        finally:
            self._release(span)
            self._slots.release()
        return self._take(sealed.block)

    async def open(self, secret: bytes, body: bytes) -> bytes:
        """What was sealed."""
        await self._slots.acquire()
        span: Span | None = None
        try:
            span = self._write(body)
            slot = self._ports.keys.open(secret)
            try:
                opened = await Open(span, KIND_INDEX, keys=slot, raw_len_max=limits.GOSSIP_DATA_BYTES_MAX, urgent=True)
            finally:
                self._ports.keys.close(slot)
        finally:
            self._release(span)
            self._slots.release()
        assert opened.raw is not None
        return self._take(opened.raw)

    def _write(self, data: bytes) -> Span:
        span = self._ports.arena.alloc(len(data))
        self._ports.arena.write(span, data)
        return span

    def _release(self, span: Span | None) -> None:
        if span is not None:
            self._ports.arena.release(span)

    def _take(self, span: Span) -> bytes:
        try:
            return self._ports.arena.read(span)
        finally:
            self._ports.arena.release(span)
