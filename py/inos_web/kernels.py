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
from inos.errors import STATUS_ERRORS, InosError
from inos.memory import layout
from inos.ports import Cut, CutDone, HashSpan, HashUpdate, Open, Opened, Piece, Seal, Sealed, Span
from inos.tasks import Effect
from inos_web.memory import WebArena
from inos_web.region import Region

_RESULTS = layout.REGIONS["JOB_RESULTS"][0]
_TABLE = layout.REGIONS["JOB_TABLE"][0]
_STATUS_WORD = layout.JOB_WORDS.index("STATUS")
_CUT_ROWS_MAX = 32
_ROW_BYTES = layout.CUT_ROW_BYTES * _CUT_ROWS_MAX
_HEAD = struct.Struct("<IIIIBBB")
_NONE = bytes(32)

KernelEffect = HashSpan | HashUpdate | Cut | Seal | Open
KERNEL_EFFECTS = (HashSpan, HashUpdate, Cut, Seal, Open)


class Kernels:
    """Performs kernel effects."""

    def __init__(self, region: Region, arena: WebArena, answer: Callable[[int, object], None]) -> None:
        self._region = region
        self._answer = answer
        self._submit = inos_js.submit
        self._take = inos_js.take_done
        self._args = arena.alloc(limits.JOBS_MAX * layout.OPEN_ARGS_BYTES).offset
        self._rows = arena.alloc(_ROW_BYTES * limits.JOBS_MAX // 8).offset
        self._rows_free = [self._rows + index * _ROW_BYTES for index in range(limits.JOBS_MAX // 8)]
        self._free = list(range(limits.JOBS_MAX))
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
        while (job := self._take()) >= 0:
            effect_id, effect, extra = self._running.pop(job)
            try:
                result: object = self._result(job, effect, extra)
            except InosError as error:
                result = error
            self._free.append(job)
            if isinstance(effect, Cut):
                self._rows_free.append(extra)
            self._answer(effect_id, result)
        while self._waiting and self._start(*self._waiting[0]):
            self._waiting.popleft()

    def _start(self, effect_id: int, effect: KernelEffect) -> bool:
        if not self._free or (isinstance(effect, Cut) and not self._rows_free):
            return False
        job = self._free.pop()
        src = effect.src
        extra = 0
        match effect:
            case HashSpan():
                queued = self._submit(job, True, layout.JOB_OPS["HASH"], 0, src.offset, src.length, 0, 0, 0, 0, 0, 0)
            case HashUpdate():
                queued = self._submit(
                    job, True, layout.JOB_OPS["HASH"], 0, src.offset, src.length, 0, 0, 0, effect.stream.offset, 0, 0
                )
            case Cut():
                extra = self._rows_free.pop()
                flags = layout.CUT_FINAL if effect.final else 0
                stream = effect.stream.offset if effect.stream else 0
                queued = self._submit(
                    job, True, layout.JOB_OPS["CUT"], flags, src.offset, src.length, extra, _ROW_BYTES, effect.keys,
                    stream, 0, 0,
                )  # fmt: skip
            case Seal():
                flags = layout.SEAL_NO_IDS if effect.piece else 0
                queued = self._submit(
                    job, effect.urgent, layout.JOB_OPS["SEAL"], flags, src.offset, src.length, 0, 0, effect.keys,
                    effect.kind, effect.quality, 0,
                )  # fmt: skip
            case Open():
                extra = self._args + job * layout.OPEN_ARGS_BYTES
                queued = self._submit(
                    job, effect.urgent, layout.JOB_OPS["OPEN"], self._open_args(effect, extra), src.offset,
                    src.length, 0, 0, effect.keys or 0, effect.kind, extra, effect.raw_len_max,
                )  # fmt: skip
        assert queued, "the queue holds as many ids as there are"
        self._running[job] = (effect_id, effect, extra)
        return True

    def _open_args(self, effect: Open, at: int) -> int:
        self._region.write(at, (effect.secret or _NONE) + (effect.bid or _NONE) + (effect.h or _NONE))
        flags = layout.OPEN_WITH_SECRET if effect.secret is not None else 0
        flags |= layout.OPEN_CHECK_BID if effect.bid is not None else 0
        flags |= layout.OPEN_CHECK_H if effect.h is not None else 0
        return flags | (layout.OPEN_VERIFY_ONLY if effect.verify_only else 0)

    def _result(self, job: int, effect: KernelEffect, extra: int) -> object:
        row = self._region.words(_TABLE + job * layout.JOB_BYTES, len(layout.JOB_WORDS))
        status = row[_STATUS_WORD]
        if status:
            raise STATUS_ERRORS[status - (1 << 32)](f"{type(effect).__name__} of {effect.src.length} bytes")
        result = self._region.read(_RESULTS + job * layout.RESULT_BYTES, layout.RESULT_BYTES)
        fields = layout.RESULT_FIELDS
        if isinstance(effect, HashSpan):
            return result[fields["BID"] : fields["BID"] + 32]
        if isinstance(effect, HashUpdate):
            return None
        if isinstance(effect, Cut):
            return self._cut_done(row[_STATUS_WORD + 1], int.from_bytes(result[:4], "little"), extra)
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
