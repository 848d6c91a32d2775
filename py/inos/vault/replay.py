"""Reading the log at open: from its head to its end, past a torn tail or damage.

Nouns: a *good* record follows the one before it by chain and seq, opens under the vault's keys, and says the same seq inside.
What stands where the next record should be is the *rest*: nothing; the *torn* tail of a commit that was never
acknowledged (cut off here); or *damage*: some record in it says that seqs were durable which are not there, or the checkpoint
that a superblock named is not there to its end.

Invariants: what was acknowledged is applied in the order of the log or reported as lost, never silently skipped; a torn or
stale record is never applied; running it again gives the same result, also when it is cut short anywhere (it writes
nothing but the truncation of a torn tail). Must not know: what operations mean beyond ``Index.apply``.
"""

from __future__ import annotations

from dataclasses import dataclass

from inos.errors import CorruptError, InosError, LogDamaged, UnsupportedVersion
from inos.limits import BLOCK_ALIGN_BYTES, MIB
from inos.ports import KIND_INDEX, FileFlush, FileRead, FileSize, FileTruncate, HashSpan, Open, Ports, Span
from inos.tasks import Tasks
from inos.vault import log, ops
from inos.vault.budget import Budget
from inos.vault.files import read_bytes
from inos.vault.index import Index
from inos.vault.log import CHAIN_BYTES, HEAD_BYTES, RECORD_HEAD_BYTES, Frame
from inos.vault.records import HASH_AT_ONCE_BYTES, LogEnd

WINDOW_BYTES = 2 * MIB
_RAW_BYTES_MAX = log.BLOCK_BYTES_MAX
assert log.record_len(log.BLOCK_BYTES_MAX) + 64 <= WINDOW_BYTES


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where the log goes on; ``damage`` says in words what was lost, empty if nothing; ``records`` that were applied."""

    end: LogEnd
    damage: str
    records: int


class Replay:
    """One pass over one log."""

    def __init__(self, ports: Ports, tasks: Tasks, budget: Budget, index: Index, keys: int) -> None:
        self._ports = ports
        self._tasks = tasks
        self._budget = budget
        self._index = index
        self._keys = keys
        self._records = 0

    async def run(self, name: str, vault_id: bytes) -> Replayed:
        """Apply the log to the index. Raises LogDamaged when its head is another vault's, UnsupportedVersion."""
        await FileFlush(name)  # a record that was only in the page cache counts from now on
        size = await FileSize(name)
        head_bytes = await read_bytes(self._ports.arena, self._budget, name, 0, HEAD_BYTES)
        try:
            head = log.parse_head(head_bytes, self._ports.hashes.hash)
        except UnsupportedVersion:
            raise
        except CorruptError:
            return await self._without_head(name, size)
        if head.vault_id != vault_id:
            raise LogDamaged("the log belongs to another vault")
        end = LogEnd(name, HEAD_BYTES, size, head.base, head.chain, head.generation)
        await self._follow(end)
        whole = head.base == 0 or self._index.complete
        damage = await self._look_at_rest(end, whole=whole) if end.tail < size or not whole else ""
        return Replayed(end, damage, self._records)

    async def _without_head(self, name: str, size: int) -> Replayed:
        """Every record that can be found, where nothing says where they begin."""
        end = LogEnd(name, HEAD_BYTES, max(size, HEAD_BYTES), 0, b"", 0)
        found, _ = await self._scan(end)
        if not found:
            return Replayed(end, f"{name} is gone", 0)
        end.seq = found[0][0].durable
        lost = self._go_on(end, found)
        return Replayed(end, f"the head of {name} is damaged{lost and f', and records {lost}'}", self._records)

    # --- the good part --------------------------------------------------------------------------------------------------

    async def _follow(self, end: LogEnd) -> None:
        """Apply good records from ``end`` on; move it."""
        window = await self._budget.alloc(WINDOW_BYTES)
        try:
            while end.tail < end.size:
                # From the line before, so that the chain of the record before is there to be hashed.
                start = end.tail - HEAD_BYTES
                got = await FileRead(end.name, start, window)
                if not await self._follow_window(end, window.part(0, got), start):
                    return
        finally:
            self._budget.free(window)

    async def _follow_window(self, end: LogEnd, window: Span, start: int) -> bool:
        """Apply what is whole in this window; whether it is worth reading on."""
        data = self._ports.arena.read(window)
        frames: list[tuple[int, Frame]] = []
        at, seq, chain = end.tail - start, end.seq, end.chain
        cut = False
        while True:
            try:
                frame = log.parse_frame(data, at)
            except InosError:
                cut = at + RECORD_HEAD_BYTES + 12 > len(data)
                break
            if at + frame.record_len > len(data):
                cut = True
                break
            if frame.seq != seq + 1 or not await self._chained(data, window, at, frame, chain):
                break
            frames.append((at, frame))
            at += frame.record_len
            seq, chain = frame.seq, data[at - CHAIN_BYTES : at]
        bodies = [self._tasks.spawn(self._open(window, frame_at, frame), "vault replay") for frame_at, frame in frames]
        results = await self._tasks.gather(*bodies)
        for (frame_at, frame), body in zip(frames, results, strict=True):
            if body is None:
                return False
            self._apply(body)
            end.tail = start + frame_at + frame.record_len
            end.seq = frame.seq
            end.chain = data[frame_at + frame.record_len - CHAIN_BYTES : frame_at + frame.record_len]
        return cut and bool(frames)

    async def _chained(self, data: bytes, window: Span, at: int, frame: Frame, chain: bytes) -> bool:
        """Whether a record ends with the chain that it must have. ``data`` is a copy of ``window``."""
        length = frame.record_len - CHAIN_BYTES
        if length + CHAIN_BYTES <= HASH_AT_ONCE_BYTES:
            want = self._ports.hashes.hash(chain + data[at : at + length])
        elif data[at - CHAIN_BYTES : at] == chain:
            want = await HashSpan(window.part(at - CHAIN_BYTES, CHAIN_BYTES + length))
        else:
            return False
        return want[:CHAIN_BYTES] == data[at + length : at + frame.record_len]

    async def _open(self, window: Span, at: int, frame: Frame) -> ops.Body | None:
        """A record's contents; None if it does not open, or says another seq inside."""
        src = window.part(at + RECORD_HEAD_BYTES, frame.block_len)
        try:
            opened = await self._budget.run(Open(src, KIND_INDEX, keys=self._keys, raw_len_max=_RAW_BYTES_MAX))
            assert opened.raw is not None
            try:
                body = ops.decode_body(self._ports.arena.read(opened.raw.part(0, opened.raw_len)))
            finally:
                self._budget.free(opened.raw)
        except CorruptError:
            return None
        return body if body.seq == frame.seq else None

    def _apply(self, body: ops.Body) -> None:
        self._index.apply(body.seq, body.operations)
        self._records += 1

    # --- the rest -------------------------------------------------------------------------------------------------------

    async def _look_at_rest(self, end: LogEnd, *, whole: bool) -> str:
        """Cut a torn tail, or go on after damage; what to report. ``whole``: what had to be there is."""
        found, last_nonzero = await self._scan(end)
        lost_from = end.seq + 1
        if whole and not any(body.durable >= lost_from for body, _, _ in found):
            if last_nonzero > end.tail:
                await FileTruncate(end.name, end.tail)
                await FileFlush(end.name)
                end.size = end.tail
            return ""
        return f"records {self._go_on(end, found) or f'from {lost_from} on'} of {end.name} are damaged"

    def _go_on(self, end: LogEnd, found: list[tuple[ops.Body, int, bytes]]) -> str:
        """Apply what was found after damage; move ``end``; the seqs that are missing between."""
        lost: list[str] = []
        for body, tail, chain in found:
            if body.seq > end.seq + 1:
                lost.append(f"{end.seq + 1}" if body.seq == end.seq + 2 else f"{end.seq + 1} to {body.seq - 1}")
            self._apply(body)
            end.seq, end.tail, end.chain = body.seq, tail, chain
        return ", ".join(lost)

    async def _scan(self, end: LogEnd) -> tuple[list[tuple[ops.Body, int, bytes]], int]:
        """Every record after ``end`` that opens, with rising seqs: (body, its end, its chain); and where zeros begin."""
        found: list[tuple[ops.Body, int, bytes]] = []
        last_nonzero = end.tail
        seq, start = end.seq, end.tail
        window = await self._budget.alloc(WINDOW_BYTES)
        try:
            while start < end.size:
                got = await FileRead(end.name, start, window)
                if got == 0:
                    break
                data = self._ports.arena.read(window.part(0, got))
                filled = len(data.rstrip(b"\0"))
                last_nonzero = start + filled if filled else last_nonzero
                next_start = start + got // BLOCK_ALIGN_BYTES * BLOCK_ALIGN_BYTES
                at = log.find_candidate(data, 0) if filled else None
                while at is not None:
                    step = BLOCK_ALIGN_BYTES
                    frame = _frame_or_none(data, at)
                    if frame is not None and frame.seq > seq:
                        if at + frame.record_len > got:
                            if at > 0:  # it may be whole in a window that starts with it
                                next_start = start + at
                                break
                        else:
                            body = await self._open(window, at, frame)
                            if body is not None:
                                step = frame.record_len
                                found.append((body, start + at + step, data[at + step - CHAIN_BYTES : at + step]))
                                seq = body.seq
                    at = log.find_candidate(data, at + step)
                start = max(next_start, start + BLOCK_ALIGN_BYTES)
        finally:
            self._budget.free(window)
        return found, last_nonzero


def _frame_or_none(data: bytes, at: int) -> Frame | None:
    try:
        return log.parse_frame(data, at)
    except InosError:
        return None
