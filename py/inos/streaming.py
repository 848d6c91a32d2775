"""A file of a link read before it is here: any range of it, fetched as it is read, and a little ahead.

Nouns: a root is *open* while somebody reads it and for LINGER_S after, so that the next range finds the links it needs. What is
read stays in the vault like anything that was fetched, and is not fetched again when the file is wanted whole.

Invariants: what somebody waits for is asked for before what may be wanted next, and that before the rest. At most AHEAD_BYTES
are fetched that nobody has asked for. Must not know: how blocks are found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeAlias

from inos import limits
from inos.errors import InosError
from inos.tasks import Tasks
from inos.transfer.fetch import Fetcher
from inos.transfer.needs import Capability
from inos.vault.hand_out import GetResult
from inos.vault.manifest import Manifest
from inos.vault.vault import Vault

AHEAD_BYTES = 8 * limits.MIB
LINGER_S = 30.0

# Enters the room of a root's holders; its id, and who else may have blocks.
Enter: TypeAlias = Callable[[Capability], tuple[bytes, Collection[bytes]]]


class Streaming:
    """All readers of a node. ``leave`` a root that nobody reads any more."""

    def __init__(
        self, tasks: Tasks, vault: Vault, fetcher: Fetcher, enter: Enter, leave: Callable[[bytes], None]
    ) -> None:
        self._tasks = tasks
        self._vault = vault
        self._fetcher = fetcher
        self._enter = enter
        self._leave = leave
        self._open: dict[bytes, int] = {}  # reads, and rests after a read, by root

    def is_open(self, link_root: bytes) -> bool:
        """Whether somebody reads it, or did a moment ago."""
        return link_root in self._open

    async def read(
        self, capability: Capability, sink: int, offset: int, length: int | None, timeout_s: float | None
    ) -> GetResult:
        """Hand a range to a sink, in order and checked, while it arrives; the sink is closed in any case.

        Raises NoPeers after ``timeout_s`` without a new block, BadArgument (not that long, a folder), CorruptError, StorageError.
        """
        own = self._vault.root_of(capability)
        if own is not None:
            return await self._vault.get(own, sink, offset=offset, length=length)
        room_id, keepers = self._begin(capability)

        async def hold(start: int, end: int) -> None:
            await self._fetcher.fetch_range(
                capability, room_id, start, end, timeout_s=timeout_s, keepers=keepers, on_begun=lambda: begin(end)
            )

        def begin(end: int) -> None:
            self._tasks.spawn(ahead(end), "read ahead")

        async def ahead(start: int) -> None:
            with suppress(InosError):  # whoever comes to need it is told
                end = start + AHEAD_BYTES
                await self._fetcher.fetch_range(capability, room_id, start, end, timeout_s=timeout_s, keepers=keepers)

        try:
            return await self._vault.get_linked(capability, sink, offset=offset, length=length, hold=hold)
        finally:
            self._end(capability)

    async def manifest(self, capability: Capability, timeout_s: float | None) -> Manifest:
        """What a link names: how long, called what. Raises as ``read``."""
        if self._vault.root_of(capability) is None:
            room_id, keepers = self._begin(capability)
            try:
                await self._fetcher.fetch_range(capability, room_id, 0, 1, timeout_s=timeout_s, keepers=keepers)
            finally:
                self._end(capability)
        return await self._vault.manifest_of(capability)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _begin(self, capability: Capability) -> tuple[bytes, Collection[bytes]]:
        self._open[capability.bid] = self._open.get(capability.bid, 0) + 1
        return self._enter(capability)

    def _end(self, capability: Capability) -> None:
        self._tasks.spawn(self._rest(capability.bid), "rest after reading")

    async def _rest(self, bid: bytes) -> None:
        try:
            await self._tasks.sleep(LINGER_S)
        finally:
            self._open[bid] -= 1
            if not self._open[bid]:
                del self._open[bid]
                self._leave(bid)
