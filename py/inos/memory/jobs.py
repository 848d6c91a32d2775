"""Jobs: who asks for one, who does it, and how they tell each other, over the job table and its three queues.

Nouns: a *job* is a row of the job table (64 bytes) and a result (256 bytes), named by its *id*; the *asker* owns all ids (one
thread: the brain) and hands one out with ``submit``; *workers* (muscles, compute threads) ``take`` ids, urgent ones first, and
give each back with ``complete``; the asker finds it with ``take_done``, reads its ``outcome`` and, by ``release``, may use the
id again.

Invariants: an id is free, queued, at a worker, or done, and at one place only; the queues hold as many ids as there are, so
they are never full; the row is written before its id is queued, the outcome before the id is done. All ids out: Busy, and the
asker waits for one to come back. A worker that died at a job has its number repaired (``repair``): the job it was pushing or
had taken in the queues' own operations comes back; a job that it was *doing* is known only to who watches the workers.

Full queues: there are as many cells as ids, so a push is refused only while some thread is held up in the middle of a pop, a
whole lap ago. ``submit`` then raises Busy as well; ``complete`` tries again.

Must not know: what a job is for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from struct import Struct
from typing import Protocol

from inos import limits
from inos.errors import STATUS_ERRORS, BadArgument, Busy, InosError
from inos.memory import layout
from inos.memory.epoch import Epoch
from inos.memory.queue import Queue
from inos.memory.region import U32, Buffer, Region

_TABLE = layout.REGIONS["JOB_TABLE"][0]
_RESULTS = layout.REGIONS["JOB_RESULTS"][0]
_ROW = Struct("<16I")
_STATUS = layout.JOB_WORDS.index("STATUS")
_OUTCOME = Struct("<iI").pack  # STATUS, VALUE
_OUTCOME_AT = 4 * _STATUS
_HELD_UP_S = 0.001
assert _ROW.size == layout.JOB_BYTES
assert layout.JOB_WORDS[_STATUS : _STATUS + 2] == ("STATUS", "VALUE")


class AskerQueues(Protocol):
    """What the asker does with queues, so that an adapter may do in one crossing what takes ``inos.memory.queue`` six."""

    def push(self, job: int, urgent: bool) -> bool:
        """Queue an id and wake a worker. False: full."""

    def pop_done(self) -> int:
        """-1: empty."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its worker sees it. Fields are those of ``layout.JOB_WORDS``."""

    id: int
    op: int
    flags: int
    src: int
    src_len: int
    dst: int
    dst_cap: int
    keys: int
    arg0: int
    arg1: int
    arg2: int


class _Queues:
    """AskerQueues in Python."""

    def __init__(self, urgent: Queue, bulk: Queue, done: Queue, queued: Epoch) -> None:
        self._urgent, self._bulk, self._queued = urgent, bulk, queued
        self.pop_done = done.pop

    def push(self, job: int, urgent: bool) -> bool:
        pushed = (self._urgent if urgent else self._bulk).push(job)
        if pushed:
            self._queued.publish()
        return pushed


def _queues(region: Region, thread: int) -> tuple[Queue, Queue, Queue]:
    urgent, bulk, done = (
        Queue(region, layout.REGIONS[name][0], thread) for name in ("JOBS_URGENT", "JOBS_BULK", "JOBS_DONE")
    )
    return urgent, bulk, done


class Jobs:
    """The job table and its queues, as one thread uses them. Only the asker calls the methods of the first group."""

    def __init__(self, region: Region, thread: int, asker: AskerQueues | None = None) -> None:
        self._region = region
        self._urgent, self._bulk, self._done = self._all = _queues(region, thread)
        self._queued = Epoch(region, layout.EPOCHS.index("JOBS"))
        self._asker = asker or _Queues(*self._all, self._queued)
        self._finished = [Epoch(region, layout.EPOCHS.index(name)) for name in ("JOBS_DONE", "BRAIN")]
        self._free = list(range(limits.JOBS_MAX))
        self._out: set[int] = set()

    # --- the asker ---------------------------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        """Ids that may be handed out now."""
        return len(self._free)

    def reserve(self) -> int:
        """An id, for an asker who must know it before it fills the row. Raises Busy when all are out."""
        if not self._free:
            raise Busy(f"all {limits.JOBS_MAX} jobs are out")
        job = self._free.pop()
        self._out.add(job)
        return job

    def submit(
        self, op: int, *, src: int = 0, src_len: int = 0, dst: int = 0, dst_cap: int = 0, keys: int = 0, flags: int = 0,
        arg0: int = 0, arg1: int = 0, arg2: int = 0, urgent: bool = False, job: int | None = None,
    ) -> int:  # fmt: skip
        """Queue a job and wake a worker; its id. ``job`` is an id from ``reserve``. Raises Busy when all are out."""
        if job is None:
            job = self.reserve()
        result = _RESULTS + job * layout.RESULT_BYTES
        row = _ROW.pack(op, flags, src, src_len, dst, dst_cap, keys, result, arg0, arg1, arg2, 0, job, 0, 0, 0)
        self._region.write(_TABLE + job * layout.JOB_BYTES, row)
        if not self._asker.push(job, urgent):
            self.release(job)
            raise Busy("the queue of jobs is held up")
        return job

    def take_done(self) -> int:
        """The id of a job that is done, or -1."""
        return self._asker.pop_done()

    def outcome(self, job: int) -> tuple[int, bytes]:
        """The value and the 256 result bytes of a job that is done. Raises the job's own error."""
        status, value = self._region.words(_TABLE + job * layout.JOB_BYTES + _OUTCOME_AT, 2)
        if status:
            raise STATUS_ERRORS.get(status - (1 << 32), InosError)(f"job {job} answered {status - (1 << 32)}")
        return value, self._region.read(_RESULTS + job * layout.RESULT_BYTES, layout.RESULT_BYTES)

    def release(self, job: int) -> None:
        """The id may be handed out again."""
        self._out.remove(job)
        self._free.append(job)

    # --- a worker ----------------------------------------------------------------------------------------------------

    def take(self, timeout_s: float = math.inf) -> Job | None:
        """The next job, urgent ones first; blocks until there is one. None: there was none for ``timeout_s``."""
        for _ in self._queued.watch(timeout_s):
            job = self._urgent.pop()
            if job < 0:
                job = self._bulk.pop()
            if job >= 0:
                row = self._region.words(_TABLE + job * layout.JOB_BYTES, len(layout.JOB_WORDS))
                return Job(job, *row[:7], *row[8:11])
        return None

    def complete(self, job: int, *, status: int = 0, value: int = 0, result: Buffer = b"") -> None:
        """Say that a taken job is done: 0 or a status of ``inos.errors.STATUS_ERRORS``, a u32, up to 256 bytes."""
        if len(result) > layout.RESULT_BYTES:
            raise BadArgument(f"a result of {len(result)} bytes")
        self._region.write(_RESULTS + job * layout.RESULT_BYTES, result)
        self._region.write(_TABLE + job * layout.JOB_BYTES + _OUTCOME_AT, _OUTCOME(status, value & U32))
        while not self._done.push(job):
            self._finished[0].wait(self._finished[0].load(), _HELD_UP_S)
        for epoch in self._finished:
            epoch.publish()

    # --- who watches the workers ---------------------------------------------------------------------------------------

    def repair(self, thread: int) -> list[int]:
        """Free what dead thread ``thread`` held in the queues; ids that it had taken and nobody has now."""
        return [job for queue in self._all for job in queue.repair(thread)]
