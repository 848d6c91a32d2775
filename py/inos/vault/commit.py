"""Group commit: what makes things durable, in one order, for everybody at once.

A commit is: read the fence, flush the segments, append records, flush the log, acknowledge. Operations that arrive while
one runs go together into the next.

Nouns: *adds* are blocks that were written and must be in the log before a root names them; nobody waits for them. An
*operation* has somebody waiting. A commit starts COMMIT_INTERVAL_S after the one before began (at once when the vault was
idle) or at COMMIT_BYTES_MAX; adds alone wait for LAZY_BYTES or LAZY_S, since they acknowledge nothing and a flush costs the
disk 5-20 ms.

Invariants: a record is written only after a flush of every segment its blocks are in; an operation is applied to the index
and its waiter answered only after the flush of its record, in the order of the log; when a commit fails its operations
fail, its adds stay for the next one, and the log's tail does not move (the next record overwrites). One commit at a time. A
*rotation* takes a commit's place: the index is written as a checkpoint into the other log, and only when that is durable
does a superblock name it; a crash before leaves the old log in its place, one after it the new.
Must not know: puts and gets.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from inos.errors import InosError, LimitExceeded, StorageBusy, StorageFull, StorageLost
from inos.limits import COMMIT_BYTES_MAX, COMMIT_INTERVAL_S, KIB, LOG_RECORD_BYTES_MAX, MIB, SUPERBLOCK_BYTES
from inos.ports import FileFlush, FileSize, FileTruncate, Ports
from inos.tasks import Future, Tasks
from inos.vault import checkpoint, superblock
from inos.vault.budget import Budget
from inos.vault.files import read_bytes, write_bytes, write_durable
from inos.vault.index import Index
from inos.vault.log import HEAD_BYTES
from inos.vault.records import LogEnd, RecordWriter, in_records
from inos.vault.segments import Segments
from inos.vault.superblock import Superblock

LAZY_BYTES = 16 * MIB
LAZY_S = 1.0
OPERATION_BYTES_MAX = LOG_RECORD_BYTES_MAX - 64 * KIB
# The log's file is kept this much longer than its contents, so that a full disk still takes tombstones.
RESERVE_BYTES = 1 * MIB


@dataclass(slots=True)
class _Operation:
    """Something to be logged, what it does to the index, and who waits (nobody, for bookkeeping)."""

    packed: bytes
    apply: Callable[[], None] | None
    done: Future[None] | None


class Committer:
    """The only writer of the log."""

    def __init__(
        self,
        ports: Ports,
        tasks: Tasks,
        budget: Budget,
        index: Index,
        segments: Segments,
        log_bytes_max: int,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._ports = ports
        self._tasks = tasks
        self._budget = budget
        self._index = index
        self._segments = segments
        self._log_bytes_max = log_bytes_max
        self._reserve_bytes = reserve_bytes
        self._records = RecordWriter(ports, budget, log_bytes_max)
        self._rotations: list[Future[None]] = []
        self._adds: dict[int, bool] = {}  # and whether no log says anything of that number yet
        self._add_bytes = 0
        self._operations: list[_Operation] = []
        self._running = False
        self._started_at = float("-inf")
        self._kick: Future[None] = Future()
        self._idle: Future[None] = Future()
        self._idle.set(None)
        self._closing = False
        self._is_last_real = False
        self.dead: InosError | None = None
        self.commits = 0

    def begin(self, end: LogEnd, mine: Superblock, keys: int) -> None:
        """The log was replayed to ``end``; ``mine`` is the superblock this vault wrote when it opened."""
        self.end = end
        self._mine = mine
        self._records.keys = keys

    # --- what others say ----------------------------------------------------------------------------------------------

    def add(self, number: int, length: int, *, is_new: bool = True) -> None:
        """A block was written and is in the index under ``number``. ``is_new``: no log says anything of that number."""
        self._adds[number] = self._adds.get(number, is_new)
        self._add_bytes += length
        self._wake()

    def discard(self, number: int) -> bool:
        """Forget an add; whether no log says anything of its number, so that nothing has to be said of its end."""
        return self._adds.pop(number, False)

    def submit(self, packed: bytes, apply: Callable[[], None]) -> Future[None]:
        """Log an operation; the future is done when it is durable and applied, or has failed."""
        done: Future[None] = Future()
        if self.dead is not None:
            done.fail(self.dead)
        elif len(packed) > OPERATION_BYTES_MAX:
            done.fail(LimitExceeded("a file of too many scattered parts for one log record"))
        else:
            self._operations.append(_Operation(packed, apply, done))
            self._wake()
        return done

    def note(self, packed: bytes) -> None:
        """Log an operation with the next commit, whenever that is."""
        self._operations.append(_Operation(packed, None, None))

    def rotate(self) -> Future[None]:
        """Write the index as a checkpoint into the other log and go on there; done when that is durable, or has failed and
        the old log goes on. Nobody may be between logging a drop and scrubbing what it dropped."""
        done: Future[None] = Future()
        if self.dead is not None:
            done.fail(self.dead)
        else:
            self._rotations.append(done)
            self._wake()
        return done

    def check_room(self) -> None:
        """Raises LimitExceeded when the log has no room for puts: the reserve at its end is for removes."""
        if self.is_nearly_full():
            raise LimitExceeded("the vault's log is full; removing files still works")

    def is_nearly_full(self) -> bool:
        """Whether only removes fit into the log."""
        return self.end.tail + self._reserve_bytes > self._log_bytes_max

    async def settle(self) -> None:
        """Commit everything that is pending, now. Never raises: failures went to who waited."""
        self._closing = True
        self._wake()
        try:
            await self._idle
            await self._say_goodbye()
        finally:
            self._closing = False

    async def _say_goodbye(self) -> None:
        """A record that says nothing but that all before it was acknowledged: without it, one that rots at the end of the log
        would look like a commit that was cut short."""
        if self.dead is None and self._is_last_real:
            with suppress(InosError):
                await self._check_fence()
                end = await self._records.write(self.end, [[]], durable=self.end.seq)
                await FileFlush(end.name)
                self.end, self._is_last_real = end, False

    # --- when ---------------------------------------------------------------------------------------------------------

    def _waited_for(self) -> bool:
        return any(operation.done is not None for operation in self._operations)

    def _wake(self) -> None:
        if self.dead is not None:
            return
        if not self._running:
            self._running = True
            self._idle = Future()
            self._tasks.spawn(self._run(), "vault commit")
        elif self._closing or self._rotations or self._waited_for() or self._add_bytes >= COMMIT_BYTES_MAX:
            self._kick.set(None)

    async def _run(self) -> None:
        try:
            while self._adds or self._rotations or self._waited_for() or (self._closing and self._operations):
                await self._wait_for_time()
                if self._rotations:
                    await self._rotate()
                    continue
                if not await self._commit() and not self._waited_for():
                    return  # what is left waits for the next call: trying again by itself would spin on a full disk
        finally:
            self._running = False
            self._idle.set(None)

    async def _wait_for_time(self) -> None:
        lazy_until = self._tasks.now + LAZY_S
        while not self._closing and not self._rotations:
            if self._waited_for():
                left = self._started_at + COMMIT_INTERVAL_S - self._tasks.now
                enough = self._add_bytes >= COMMIT_BYTES_MAX
            else:
                left = lazy_until - self._tasks.now
                enough = self._add_bytes >= LAZY_BYTES
            if enough or left <= 0:
                return
            self._kick = Future()
            await self._tasks.wait(self._kick, left)

    # --- the commit ---------------------------------------------------------------------------------------------------

    async def _commit(self) -> bool:
        self._started_at = self._tasks.now
        adds, self._adds = self._adds, {}
        add_bytes, self._add_bytes = self._add_bytes, 0
        operations, self._operations = self._operations, []
        wrote = False
        try:
            await self._check_fence()
            await self._segments.flush()
            self._records.begun = []
            wrote = True
            records = in_records(self._pack(adds, operations))
            end = await self._records.write(self.end, records, durable=self.end.seq)
            await FileFlush(end.name)
        except BaseException as error:
            if wrote:
                await self._retract()
            # What had been dropped meanwhile is in no index, and in no log.
            kept = {number: is_new for number, is_new in adds.items() if number in self._index.entries}
            self._adds = kept | self._adds
            self._add_bytes += add_bytes
            self._operations[:0] = [operation for operation in operations if operation.done is None]
            self._fail(operations, error)
            if not isinstance(error, InosError):
                raise
            return False
        self.end, self._is_last_real = end, True
        self.commits += 1
        for operation in operations:
            if operation.apply is not None:
                operation.apply()
            if operation.done is not None:
                operation.done.set(None)
        await self._keep_reserve()
        return True

    async def _retract(self) -> None:
        """Records may be on the disk that nobody will be told of: make sure that no replay finds one, or stop writing."""
        try:
            for at in self._records.begun:
                try:
                    await write_bytes(self._ports.arena, self._budget, self.end.name, at, bytes(HEAD_BYTES))
                    self.end.size = max(self.end.size, at + HEAD_BYTES)
                except StorageFull:  # there was no room for a record's head: none is there, nor after it
                    break
            await FileFlush(self.end.name)
        except InosError as error:
            self.dead = error

    def _fail(self, operations: list[_Operation], error: BaseException) -> None:
        if isinstance(error, StorageBusy | StorageLost) and self.dead is None:
            self.dead = error
        if self.dead is not None:
            operations = operations + self._operations
            self._operations = []
            self._adds = {}
            rotations, self._rotations = self._rotations, []
            for rotation in rotations:
                rotation.fail(error)
        for operation in operations:
            if operation.done is not None:
                operation.done.fail(error)

    async def _check_fence(self) -> None:
        copies = [
            await read_bytes(self._ports.arena, self._budget, name, 0, SUPERBLOCK_BYTES) for name in superblock.FILES
        ]
        found = superblock.newest(copies, self._ports.hashes.hash)
        if found is None:
            raise StorageLost("both superblocks are gone")
        if found.epoch > self._mine.epoch or (found.seq >= self._mine.seq and found != self._mine):
            raise StorageBusy("the vault was opened in another tab")

    def _pack(self, adds: dict[int, bool], operations: list[_Operation]) -> list[bytes]:
        """Operations, adds first, so that roots only name what is before them."""
        entries = self._index.entries
        return [*checkpoint.blocks_of(entries, [n for n in adds if n in entries]), *(o.packed for o in operations)]

    # --- the other log --------------------------------------------------------------------------------------------------

    async def _rotate(self) -> None:
        rotations, self._rotations = self._rotations, []
        before = self.end
        other = 1 - self._mine.log
        mine = Superblock(self._mine.seq + 1, self._mine.epoch, other, self._mine.vault_id)
        naming = False
        try:
            await self._check_fence()
            known = set(self._adds)
            await self._segments.flush()
            fresh = {number for number in self._adds if number not in known}
            records = in_records(checkpoint.operations_of(self._index, without=fresh))
            name = superblock.LOGS[other]
            end = await self._records.begin(name, mine.vault_id, before.generation + 1, before.seq)
            end = await self._records.write(end, records, durable=before.seq)
            await FileFlush(name)
            await self._check_fence()
            naming = True
            block = superblock.encode(mine, self._ports.hashes.hash)
            await write_durable(self._ports.arena, self._budget, mine.file, 0, block)
        except BaseException as error:
            if naming:  # which log the next open will find is not certain: nothing may be acknowledged any more
                self.dead = error if isinstance(error, InosError) else StorageLost(repr(error))
            self._fail([], error)
            for rotation in rotations:
                rotation.fail(error)
            if not naming:
                await self._clear(superblock.LOGS[other])
            if not isinstance(error, InosError):
                raise
            return
        self.end, self._mine = end, mine
        for number in known & self._adds.keys():  # the checkpoint says where they lie
            self._adds[number] = False
        await self._clear(before.name)
        await self._keep_reserve()
        for rotation in rotations:
            rotation.set(None)

    async def clear_other(self) -> None:
        """Empty the log that no superblock names, if a rotation that was cut short left something in it."""
        name = superblock.LOGS[1 - self._mine.log]
        if await FileSize(name) > 0:
            await self._clear(name)

    async def _clear(self, name: str) -> None:
        """Empty the log that does not count. What of it stays is older than the other one, and the next open clears it."""
        with suppress(InosError):
            await FileTruncate(name, 0)
            await FileFlush(name)

    async def _keep_reserve(self) -> None:
        if self.end.size - self.end.tail >= self._reserve_bytes // 4:
            return
        size = min(self.end.tail + self._reserve_bytes, self._log_bytes_max)
        if size <= self.end.size:
            return
        try:
            await FileTruncate(self.end.name, size)
        except StorageFull:
            return  # the room that is there still serves
        except InosError as error:
            self._fail([], error)
            return
        self.end.size = size
