"""What a download asks for next: what somebody waits for first, in the order of the file, then the rest.

Nouns: a step is *open* until its block is held; it *waits* until it is asked for; it is *put off* while nobody needs it. A
*need* is a range of the file's content that somebody waits for.

Invariants: a need is met once no open step overlaps its range, manifests included, so never before the manifests that could
name more of it were read. A step is given out once, and again only if it was put back. Without needs a whole download's order
is that in which steps came, manifests first.
Must not know: sources, blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from inos.tasks import Future
from inos.transfer.needs import Step

SCAN_MAX = 256  # steps looked at to find one that may be asked for


class Need:
    """One range. ``met`` is set when all of it is held."""

    __slots__ = ("bids", "end", "everything", "met", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.bids: set[bytes] = set()  # of open steps that overlap it
        self.everything = False  # wait for all there is
        self.met: Future[None] = Future()

    def overlaps(self, step: Step) -> bool:
        """Whether the step holds, or leads to, some of it."""
        return step.at < self.end and step.at + step.covers > self.start


class Queue:
    """Of one download; ``whole``: everything is needed, though not by somebody who waits."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self.needs: list[Need] = []
        self._first: deque[Step] = deque()
        self._rest: deque[Step] = deque()
        self._waiting: set[bytes] = set()  # of entries in both; others are stale
        self._open: dict[bytes, Step] = {}
        self._later: dict[bytes, Step] = {}
        self._begun = False  # the root was opened

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be asked for."""
        return bool(self._waiting)

    def peek(self) -> Step | None:
        """Something that waits."""
        for queue in (self._first, self._rest):
            while queue and queue[0].bid not in self._waiting:
                queue.popleft()
            if queue:
                return queue[0]
        return None

    def open(self, step: Step) -> bool:
        """A new step that is not held; False: nobody needs it now, and it is put off."""
        self._open[step.bid] = step
        needed = self._note(step)
        if not self._begun:  # the root, of which everything is a part
            self._begun = needed = True
            for need in self.needs:
                need.bids.add(step.bid)
        if not (needed or self.whole):
            self._later[step.bid] = step
            return False
        return True

    def again(self, step: Step) -> list[Step]:
        """A step's block is named once more, elsewhere in the file. Steps that were put off and are needed now."""
        if step.is_manifest:  # what is below it has two places: ask for everything
            for need in self.needs:
                need.everything = True
            return self.want_all()
        if step.bid in self._open and self._note(step):
            put_off = self._later.pop(step.bid, None)
            if put_off is not None:
                return [put_off]
            if step.bid in self._waiting:
                self._first.append(step)
        return []

    def wait(self, step: Step) -> None:
        """Ask for an open step when it is its turn; manifests go ahead, since they tell what else may be asked for."""
        queue = self._first if self._is_needed(step) else self._rest
        (queue.appendleft if step.is_manifest else queue.append)(step)
        self._waiting.add(step.bid)

    def put_back(self, step: Step) -> None:
        """It was asked for in vain."""
        (self._first if self._is_needed(step) else self._rest).appendleft(step)
        self._waiting.add(step.bid)

    def take(self, may_be_asked: Callable[[Step], bool], rarity: Callable[[Step], int] | None = None) -> Step | None:
        """The next step that may be asked for; of those that nobody waits for the one of the lowest ``rarity``."""
        self.peek()
        found = self._look_through(self._first, may_be_asked, None)
        return self._look_through(self._rest, may_be_asked, rarity) if found is None else found

    def _look_through(
        self, queue: deque[Step], may_be_asked: Callable[[Step], bool], rarity: Callable[[Step], int] | None
    ) -> Step | None:
        best, best_rarity = -1, 1 << 30
        for index in range(min(len(queue), SCAN_MAX)):
            step = queue[index]
            if step.bid not in self._waiting or not may_be_asked(step):
                continue
            rank = 0 if rarity is None or step.is_manifest else rarity(step)
            if rank < best_rarity:
                best, best_rarity = index, rank
            if rank <= 1:
                break
        if best < 0:
            return None
        step = queue[best]
        del queue[best]
        self._waiting.discard(step.bid)
        return step

    def close(self, bid: bytes) -> None:
        """The block is held (and, of a manifest, what is below was opened)."""
        self._open.pop(bid, None)
        self._waiting.discard(bid)
        for need in list(self.needs):
            need.bids.discard(bid)
            self._look(need)

    def want_all(self) -> list[Step]:
        """From now on everything is needed; what was put off."""
        self.whole = True
        later, self._later = list(self._later.values()), {}
        return later

    def need(self, start: int, end: int) -> tuple[Need, list[Step]]:
        """Somebody waits for a range; steps that were put off and are needed now."""
        need = Need(start, end)
        self.needs.append(need)
        overlapping = [step for step in self._open.values() if need.overlaps(step)]
        need.bids.update(step.bid for step in overlapping)
        overlapping.sort(key=lambda step: step.at)
        self._first.extend(step for step in overlapping if step.bid in self._waiting)
        later = [step for step in overlapping if self._later.pop(step.bid, None) is not None]
        self._look(need)
        return need, later

    def drop(self, need: Need) -> None:
        """Nobody waits for it any more."""
        if need in self.needs:
            self.needs.remove(need)

    def fail(self, error: BaseException) -> None:
        """The download ended: nothing more will come."""
        needs, self.needs = self.needs, []
        for need in needs:
            need.met.fail(error)

    def _look(self, need: Need) -> None:
        if self._begun and not need.bids and not (need.everything and self._open):
            self.drop(need)
            need.met.set(None)

    def _note(self, step: Step) -> bool:
        found = False
        for need in self.needs:
            if need.everything or need.overlaps(step):
                need.bids.add(step.bid)
                found = True
        return found

    def _is_needed(self, step: Step) -> bool:
        return any(step.bid in need.bids for need in self.needs)
