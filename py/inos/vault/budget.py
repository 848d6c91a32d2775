"""How much the vault has in flight at once: bytes of the arena, and kernel jobs.

Nouns: a *grant* is a number of bytes somebody may have in the arena until it gives them back; a *lane* is the right to have
one kernel job queued.

Invariants: whoever waits for a grant holds none, so that grants cannot dead-lock; a lane is held for one job only and never
while waiting for anything else. ArenaFull (others fill the arena too) is waited out while anything of ours is in flight.
Must not know: what the bytes are.
"""

from __future__ import annotations

from typing import TypeVar

from inos.errors import ArenaFull, BadArgument
from inos.limits import KIB, MIB, READ_BYTES
from inos.ports import Arena, Span
from inos.tasks import Effect, Future, Semaphore, Tasks

T = TypeVar("T")

# A read window of READ_BYTES and as much again for the blocks it becomes (blocks are larger than their contents by at most
# the overhead and Padme's 1/9, and raw windows shrink as chunks are sealed).
GRANT_BYTES_MAX = 2 * READ_BYTES + MIB
SLACK_BYTES = 4 * KIB
_RETRIES_MAX = 20
_RETRY_S = 0.5


class Budget:
    """Shared by all puts, gets and checks of a vault."""

    def __init__(self, tasks: Tasks, arena: Arena, bytes_max: int, lanes: int) -> None:
        if bytes_max < GRANT_BYTES_MAX or lanes < 1:
            raise BadArgument(f"{bytes_max} bytes in flight, {lanes} lanes")
        self._tasks = tasks
        self._arena = arena
        self._bytes = Semaphore(bytes_max)
        self._lanes = Semaphore(2 * lanes + 1)
        self._freed: Future[None] | None = None
        self.ahead_max = 2 * lanes + 1

    @property
    def in_flight_bytes(self) -> int:
        """Bytes granted now."""
        return self._bytes.units - self._bytes.free

    async def take(self, length: int) -> None:
        """A grant."""
        await self._bytes.acquire(length)

    def give(self, length: int) -> None:
        """The grant, or a part of it, back."""
        self._bytes.release(length)
        self._tell()

    def free(self, span: Span) -> None:
        """Release a span, and tell those who wait for room."""
        self._arena.release(span)
        self._tell()

    def _tell(self) -> None:
        if self._freed is not None:
            freed, self._freed = self._freed, None
            freed.set(None)

    async def alloc(self, length: int) -> Span:
        """A span, as soon as there is room. Raises ArenaFull when none comes."""
        for _ in range(_RETRIES_MAX):
            try:
                return self._arena.alloc(max(1, length))
            except ArenaFull:
                await self._wait_for_room()
        return self._arena.alloc(max(1, length))

    async def run(self, job: Effect[T], *, lane: bool = True) -> T:
        """A kernel job on a lane of its own (a commit does not wait for one); again when the kernel found no room."""
        for _ in range(_RETRIES_MAX):
            try:
                return await self._run_once(job, lane=lane)
            except ArenaFull:
                await self._wait_for_room()
        return await self._run_once(job, lane=lane)

    async def _run_once(self, job: Effect[T], *, lane: bool) -> T:
        if not lane:
            return await job
        await self._lanes.acquire()
        try:
            return await job
        finally:
            self._lanes.release()

    async def _wait_for_room(self) -> None:
        if self._freed is None:
            self._freed = Future()
        # The time-out is for the room that others free without telling us; when it never comes, the caller gets ArenaFull.
        await self._tasks.wait(self._freed, _RETRY_S)

    async def idle(self) -> None:
        """Wait until every grant is back."""
        await self._bytes.acquire(self._bytes.units)
        self._bytes.release(self._bytes.units)
