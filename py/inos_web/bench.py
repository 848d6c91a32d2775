"""One end of a pair of Python workers that measure the shared memory: ``inos.spawn("inos_web.bench", args=...)``, twice.

Nouns: the *board* is a block of the arena where the page writes what to do and the two workers write what came of it; a *turn*
is one order for both, a list of [op, arguments] by role; a *signal* is one publish of an epoch, seen by a sleeping peer.
Board: word 0 counts turns, word 1 is the order's length, word 16 counts answers, word 32 says that the receiver is ready,
word 48 never changes (who waits for it sleeps); then the order, and an answer for each role, as JSON.

Invariants: times are this worker's own clock: whoever compares two workers' measures both directions; every message of a
stream is checked, number and bytes; who waits sleeps. Uses ``inos.memory`` as anybody would. Never imported by the node.
"""

from __future__ import annotations

import json
import math
import random
import time

from inos.memory import Epoch, RingReader, RingWriter
from inos_web.worker import memory

ORDER_AT, ORDER_BYTES = 256, 3_840
ANSWER_BYTES = 1 << 16
BOARD_BYTES = ORDER_AT + ORDER_BYTES + 2 * ANSWER_BYTES

_ANSWERED, _READY, _PAUSE = 64, 128, 192
_EPOCH_OUT, _EPOCH_BACK = 60, 61  # lines that the layout gives to nobody
_TICK_S = 0.001
_LOST_S = 20.0
_TYPE = 1
_BATCH_BYTES = 256 << 10
_BATCH_MAX = 256
_CYCLE_BYTES = 4 << 20

_clock = time.perf_counter


class Lost(RuntimeError):
    """The other end is gone."""


def main(board: int, role: int) -> str:
    """Do what the board says, turn by turn, until it says nothing."""
    peer = Peer(board, role)
    turn = 0
    while True:
        while memory.load(board) == turn:
            memory.wait(board, turn)
        turn = memory.load(board)
        order = json.loads(memory.read(board + ORDER_AT, memory.load(board + 4)))
        if not order:
            return "done"
        op, *arguments = order[role]
        answer = json.dumps(getattr(peer, op)(*arguments)).encode()
        at = board + ORDER_AT + ORDER_BYTES + role * ANSWER_BYTES
        memory.write(at, len(answer).to_bytes(4, "little") + answer)
        memory.add(board + _ANSWERED, 1)


class Peer:
    """What one end can do; answers go to the page."""

    def __init__(self, board: int, role: int) -> None:
        self._ready = board + _READY
        self._pause = board + _PAUSE
        ends = Epoch(memory, _EPOCH_OUT), Epoch(memory, _EPOCH_BACK)
        self._out, self._into = ends if role == 0 else ends[::-1]

    def idle(self) -> None:
        """Nothing, this turn."""

    # --- signals -----------------------------------------------------------------------------------------------------

    def send(self, count: int) -> list[float]:
        """One signal a millisecond; when each left, in seconds."""
        self._await_ready()
        sent = []
        publish, began = self._out.publish, _clock() + 2 * _TICK_S  # the receiver has fallen asleep by then
        for number in range(count):
            self._sleep_until(began + number * _TICK_S)
            sent.append(_clock())
            publish()
        return sent

    def receive(self, count: int) -> list[float]:
        """When each signal was seen, in seconds; those found together were seen together."""
        epoch = self._into
        seen: list[float] = []
        first = epoch.load()
        self._tell_ready()
        while (done := len(seen)) < count:
            if not epoch.wait(first + done, _LOST_S):
                raise Lost(f"signal {done} did not come")
            at = _clock()
            seen += [at] * (epoch.load() - first - done)
        return seen

    # --- streams -----------------------------------------------------------------------------------------------------

    def produce(self, ring: int, ring_bytes: int, length: int, count: int) -> float:
        """Messages into a ring, in batches; seconds it took."""
        writer = RingWriter(memory, ring, ring_bytes, (self._out,))
        cycle, room = _cycle(length), self._into
        batch = max(1, min(_BATCH_MAX, _BATCH_BYTES // length))
        self._await_ready()
        began, number = _clock(), 0
        while number < count:
            at = number % len(cycle)
            seen = room.load()
            pushed = writer.push_many(cycle[at : at + min(batch, count - number)])
            number += pushed
            if not pushed and not room.wait(seen, _LOST_S):
                raise Lost("nobody empties the ring")
        return _clock() - began

    def consume(self, ring: int, ring_bytes: int, length: int, count: int) -> dict[str, float]:
        """Messages out of it, each compared with what it must be; seconds from the first to the last, and how many were right."""
        reader = RingReader(memory, ring, ring_bytes)
        cycle, came, room = _cycle(length), self._into, self._out
        around = cycle * 2
        number = right = 0
        began = math.nan
        self._tell_ready()
        while number < count:
            seen = came.load()
            frames = reader.pop_many(len(cycle))
            if not frames:
                if not came.wait(seen, _LOST_S):
                    raise Lost(f"message {number} did not come")
                continue
            room.publish()
            if number == 0:
                began = _clock()
            at = number % len(cycle)
            right += len(frames) if frames == around[at : at + len(frames)] else 0
            number += len(frames)
        return {"seconds": _clock() - began, "messages": number, "right": right}

    # --- words -------------------------------------------------------------------------------------------------------

    def chase(self, at: int, words: int, rounds: int) -> dict[str, float]:
        """Reads that each need the one before, along one cycle through shared memory; nanoseconds a read, alone and in bulk."""
        order = list(range(words))
        random.Random(words).shuffle(order)  # noqa: S311 - an order that no prefetcher guesses
        following = dict(zip(order, order[1:] + order[:1], strict=True))
        memory.write(at, b"".join((at + 4 * following[word]).to_bytes(4, "little") for word in range(words)))
        load, place = memory.load, at
        began = _clock()
        for _ in range(rounds * words):
            place = load(place)
        alone = (_clock() - began) / (rounds * words)
        if place != at:
            raise Lost("the cycle did not close")
        began = _clock()
        for _ in range(rounds):
            if len(memory.words(at, words)) != words:
                raise Lost("words are missing")
        return {"ns": alone * 1e9, "bulkNs": (_clock() - began) / (rounds * words) * 1e9}

    # --- the peer ----------------------------------------------------------------------------------------------------

    def _tell_ready(self) -> None:
        memory.store(self._ready, 1)
        memory.notify(self._ready)

    def _await_ready(self) -> None:
        while memory.load(self._ready) == 0:
            if not memory.wait(self._ready, 0, _LOST_S):
                raise Lost("the receiver is not ready")
        memory.store(self._ready, 0)

    def _sleep_until(self, at: float) -> None:
        while (left := at - _clock()) > 0:
            memory.wait(self._pause, 0, left)


def _cycle(length: int) -> list[tuple[int, bytes]]:
    """Messages that all differ, so many that one lost, doubled or out of order is not the one that is due."""
    rest = (bytes(range(1, 252)) * (length // 251 + 1))[: length - 4]
    count = max(8, min(1024, _CYCLE_BYTES // length))
    return [(_TYPE, number.to_bytes(4, "little") + rest) for number in range(count)]
