"""Kernel effects: one row of the job table each, run by a muscle, answered when its id comes back.

Invariants: a job id is either free, queued outside, or here in ``_running``; when all ids are taken, effects wait in order
(urgent ones first) in a list that the core's own budgets bound. Buffers made for a job (rows of a cut, arguments of an open)
live in two tables allocated once.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import inos_js

from inos import limits
from inos.errors import Busy, InosError
from inos.memory import Jobs, Region, layout
from inos.ports import Cut, CutDone, HashSpan, HashTree, HashUpdate, Open, Opened, Piece, Seal, Sealed, Span
from inos.tasks import Effect
from inos_web.memory import WebArena

_CUT_ROWS_MAX = 32
_ROW_BYTES = layout.CUT_ROW_BYTES * _CUT_ROWS_MAX
_HEAD = struct.Struct("<IIIIBBB")
_NONE = bytes(32)

KernelEffect = HashSpan | HashTree | HashUpdate | Cut | Seal | Open
KERNEL_EFFECTS = (HashSpan, HashTree, HashUpdate, Cut, Seal, Open)
THREAD_BRAIN = 0  # only the bridge's queues are used here, and they have their own


class BridgedQueues:
    """``inos.memory.jobs.AskerQueues`` in one crossing each."""

    push = staticmethod(inos_js.push_job)
    pop_done = staticmethod(inos_js.take_done)


class Kernels:
    """Performs kernel effects."""

    def __init__(self, region: Region, arena: WebArena, answer: Callable[[int, object], None]) -> None:
        self._region = region
        self._answer = answer
        self._jobs = Jobs(region, THREAD_BRAIN, BridgedQueues())
        self._args = arena.alloc(limits.JOBS_MAX * layout.OPEN_ARGS_BYTES).offset
        self._rows = arena.alloc(_ROW_BYTES * limits.JOBS_MAX // 8).offset
        self._rows_free = [self._rows + index * _ROW_BYTES for index in range(limits.JOBS_MAX // 8)]
        self._running: dict[int, tuple[int, KernelEffect, int]] = {}
        self._waiting: deque[tuple[int, KernelEffect]] = deque()

    @property
    def queued(self) -> int:
        """Effects asked for and not answered."""
        return len(self._running) + len(self._waiting)

    def perform(self, effect_id: int, effect: Effect[Any]) -> None:
        """Queue the effect's job."""
        assert isinstance(effect, KERNEL_EFFECTS)
        if not self._start(effect_id, effect):
            self._waiting.append((effect_id, effect))

    def drain(self) -> None:
        """Answer every finished job, then start what waited."""
        while (job := self._jobs.take_done()) >= 0:
            effect_id, effect, extra = self._running.pop(job)
            try:
                result: object = self._result(job, effect, extra)
            except InosError as error:
                result = error
            self._jobs.release(job)
            if isinstance(effect, Cut):
                self._rows_free.append(extra)
            self._answer(effect_id, result)
        while self._waiting and self._start(*self._waiting[0]):
            self._waiting.popleft()

    def _start(self, effect_id: int, effect: KernelEffect) -> bool:
        if not self._jobs.free or (isinstance(effect, Cut) and not self._rows_free):
            return False
        job = self._jobs.reserve()
        extra = self._rows_free.pop() if isinstance(effect, Cut) else 0
        if isinstance(effect, Open):
            extra = self._args + job * layout.OPEN_ARGS_BYTES
        try:
            self._submit(job, effect, extra)
        except Busy:  # and the job's id is free again
            if isinstance(effect, Cut):
                self._rows_free.append(extra)
            return False
        self._running[job] = (effect_id, effect, extra)
        return True

    def _submit(self, job: int, effect: KernelEffect, extra: int) -> None:
        submit, ops = self._jobs.submit, layout.JOB_OPS
        src, length = effect.src.offset, effect.src.length
        match effect:
            case HashSpan():
                submit(ops["HASH"], src=src, src_len=length, urgent=True, job=job)
            case HashTree():
                dst, cap = effect.dst.offset, effect.dst.length
                submit(ops["HASH"], src=src, src_len=length, dst=dst, dst_cap=cap, flags=layout.HASH_TREE, job=job)
            case HashUpdate():
                submit(ops["HASH"], src=src, src_len=length, arg0=effect.stream.offset, urgent=True, job=job)
            case Cut():
                submit(
                    ops["CUT"], src=src, src_len=length, dst=extra, dst_cap=_ROW_BYTES, keys=effect.keys,
                    flags=layout.CUT_FINAL if effect.final else 0, arg0=effect.stream.offset if effect.stream else 0,
                    urgent=True, job=job,
                )  # fmt: skip
            case Seal():
                submit(
                    ops["SEAL"], src=src, src_len=length, keys=effect.keys,
                    flags=layout.SEAL_NO_IDS if effect.piece else 0, arg0=effect.kind, arg1=effect.quality,
                    urgent=effect.urgent, job=job,
                )  # fmt: skip
            case Open():
                submit(
                    ops["OPEN"], src=src, src_len=length, keys=effect.keys or 0, flags=self._open_args(effect, extra),
                    arg0=effect.kind, arg1=extra, arg2=effect.raw_len_max, urgent=effect.urgent, job=job,
                )  # fmt: skip

    def _open_args(self, effect: Open, at: int) -> int:
        self._region.write(at, (effect.secret or _NONE) + (effect.bid or _NONE) + (effect.h or _NONE))
        flags = layout.OPEN_WITH_SECRET if effect.secret is not None else 0
        flags |= layout.OPEN_CHECK_BID if effect.bid is not None else 0
        flags |= layout.OPEN_CHECK_H if effect.h is not None else 0
        return flags | (layout.OPEN_VERIFY_ONLY if effect.verify_only else 0)

    def _result(self, job: int, effect: KernelEffect, extra: int) -> object:
        try:
            value, result = self._jobs.outcome(job)
        except InosError as error:
            raise type(error)(f"{type(effect).__name__} of {effect.src.length} bytes") from error
        fields = layout.RESULT_FIELDS
        if isinstance(effect, HashSpan):
            return result[fields["BID"] : fields["BID"] + 32]
        if isinstance(effect, HashTree | HashUpdate):
            return None
        if isinstance(effect, Cut):
            return self._cut_done(value, int.from_bytes(result[:4], "little"), extra)
        offset, length, raw_len, _enc_len, codec, quality, _kind = _HEAD.unpack_from(result)
        ids = {name: result[fields[name] : fields[name] + 32] for name in ("SECRET", "BID", "H", "CID")}
        if isinstance(effect, Seal):
            h, cid = (effect.piece.h, effect.piece.cid) if effect.piece else (ids["H"], ids["CID"])
            return Sealed(Span(offset, length), codec, quality, raw_len, ids["SECRET"], ids["BID"], h, cid)
        raw = None if effect.verify_only else Span(offset, length)
        return Opened(raw, raw_len, codec, quality, ids["H"])

    def _cut_done(self, count: int, consumed: int, rows: int) -> CutDone:
        data = self._region.read(rows, count * layout.CUT_ROW_BYTES)
        pieces = []
        for at in range(0, len(data), layout.CUT_ROW_BYTES):
            length = int.from_bytes(data[at : at + 4], "little")
            pieces.append(Piece(length, data[at + 8 : at + 40], data[at + 40 : at + 72]))
        return CutDone(consumed, tuple(pieces))
