"""The synchronous ports on the shared memory: arena, hashes, key slots, entropy."""

from __future__ import annotations

import os

import inos_js

from inos.errors import ArenaFull, BadArgument, LimitExceeded
from inos.memory import layout
from inos.memory.region import Region
from inos.ports import Span, View

_SCRATCH_BYTES = 80 * 1024  # what the small hashes work in: context, material, output
_CONTEXT_BYTES_MAX = 256
_OUTPUT_BYTES_MAX = 4096
_KEY_BYTES = 32
_SECRET_BYTES = 32


class WebArena:
    """Arena port over the kernel's allocator."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._alloc = inos_js.alloc
        self._retain = inos_js.retain
        self._release = inos_js.release

    def alloc(self, length: int) -> Span:
        """See ``inos.ports.Arena``."""
        offset = self._alloc(max(length, 1))
        if offset == 0:
            raise ArenaFull(f"{length} bytes")
        return Span(offset, length)

    def retain(self, span: Span) -> None:
        """See ``inos.ports.Arena``."""
        if self._retain(span.offset) < 0:
            raise BadArgument(f"no allocation at {span.offset}")

    def release(self, span: Span) -> None:
        """See ``inos.ports.Arena``."""
        if self._release(span.offset) < 0:
            raise BadArgument(f"no allocation at {span.offset}")

    def read(self, span: Span) -> bytes:
        """See ``inos.ports.Arena``."""
        return self._region.read(span.offset, span.length)

    def write(self, span: Span, data: bytes | bytearray | memoryview) -> None:
        """See ``inos.ports.Arena``."""
        if len(data) > span.length:
            raise BadArgument(f"{len(data)} bytes into a span of {span.length}")
        self._region.write(span.offset, data)

    def view(self, span: Span) -> View:
        """See ``inos.ports.Arena``."""
        return View(self, span)

    def used(self) -> int:
        """See ``inos.ports.Arena``."""
        return int(inos_js.used())


class WebHashes:
    """Hashes port: the brain's own kernel instance, on a scratch buffer in the arena."""

    def __init__(self, region: Region, arena: WebArena) -> None:
        self._region = region
        self._arena = arena
        self._scratch = arena.alloc(_SCRATCH_BYTES).offset
        self._output = self._scratch + _SCRATCH_BYTES - _OUTPUT_BYTES_MAX
        self._data_bytes_max = _SCRATCH_BYTES - _OUTPUT_BYTES_MAX - _CONTEXT_BYTES_MAX

    def hash(self, data: bytes) -> bytes:
        """See ``inos.ports.Hashes``."""
        self._check(data)
        self._region.write(self._scratch, data)
        inos_js.blake3_hash(self._scratch, len(data), self._output)
        return self._region.read(self._output, 32)

    def keyed(self, key: bytes, data: bytes) -> bytes:
        """See ``inos.ports.Hashes``."""
        self._check(data)
        if len(key) != _KEY_BYTES:
            raise BadArgument(f"a key of {len(key)} bytes")
        self._region.write(self._scratch, key + data)
        inos_js.blake3_keyed(self._scratch, self._scratch + len(key), len(data), self._output)
        return self._region.read(self._output, 32)

    def derive(self, context: str, material: bytes, length: int = 32) -> bytes:
        """See ``inos.ports.Hashes``."""
        self._check(material)
        name = context.encode()
        if len(name) > _CONTEXT_BYTES_MAX or not 0 <= length <= _OUTPUT_BYTES_MAX:
            raise BadArgument(f"{length} bytes from a context of {len(name)}")
        at = self._scratch + len(name)
        self._region.write(self._scratch, name + material)
        inos_js.blake3_derive(self._scratch, len(name), at, len(material), self._output, length)
        out = self._region.read(self._output, length)
        self._region.write(self._scratch, bytes(len(name) + len(material)))
        return out

    def stream_begin(self) -> Span:
        """See ``inos.ports.Hashes``."""
        state = self._arena.alloc(inos_js.blake3_state_bytes())
        inos_js.blake3_init(state.offset)
        return state

    def stream_finish(self, state: Span) -> bytes:
        """See ``inos.ports.Hashes``."""
        inos_js.blake3_final(state.offset, self._output, 32)
        return self._region.read(self._output, 32)

    def _check(self, data: bytes) -> None:
        if len(data) > self._data_bytes_max:
            raise BadArgument(f"{len(data)} bytes are bulk: use a job")


class WebKeys:
    """Keys port: slots of the KEY_SLOTS region. A handle is the slot's offset in the shared memory."""

    def __init__(self, region: Region, arena: WebArena) -> None:
        base = layout.REGIONS["KEY_SLOTS"][0]
        self._region = region
        self._arena = arena
        self._free = [base + index * layout.KEY_SLOT_BYTES for index in range(layout.KEY_SLOTS_MAX)]
        self._open: set[int] = set()

    def open(self, secret: bytes) -> int:
        """See ``inos.ports.Keys``."""
        if len(secret) != _SECRET_BYTES:
            raise BadArgument("a root secret is 32 bytes")
        if not self._free:
            raise LimitExceeded("all key slots are taken")
        material = self._arena.alloc(_SECRET_BYTES)  # first: a full arena must not cost a slot
        slot = self._free.pop()
        self._open.add(slot)
        self._arena.write(material, secret)
        inos_js.keys_derive(material.offset, slot)
        self._arena.write(material, bytes(_SECRET_BYTES))
        self._arena.release(material)
        return slot

    def close(self, slot: int) -> None:
        """See ``inos.ports.Keys``."""
        if slot not in self._open:
            raise BadArgument(f"key slot {slot} is not open")  # else two secrets would share it later
        self._open.remove(slot)
        self._region.write(slot, bytes(layout.KEY_SLOT_BYTES))
        self._free.append(slot)


class WebEntropy:
    """Entropy port: the browser's generator, by way of ``os.urandom`` (never a state kept in a snapshot)."""

    def random(self, length: int) -> bytes:
        """See ``inos.ports.Entropy``."""
        return os.urandom(length)
