"""One root being fetched: which blocks are needed, who is asked for what, and what is done with what arrives.

Theory of operation. Steps wait in a queue; ``_pump`` gives them to sources with room in their window; a coroutine follows
each request to its end: length, hash against the bid, manifest opened, store. A block that fails goes back to the queue and
is asked elsewhere; manifests add the steps below them. Near the end, idle sources are asked for what slow ones still owe.
The blocks below a manifest are asked from a random one on and round, so that two who download the same have different
parts to give each other, still in the order of a disk.

Invariants: a block is stored only if it hashes to its bid; a source that gave a bad one is not asked again for this root;
held blocks are never asked for; the number of blocks is at most BLOCKS_MAX and manifests nest at most MANIFESTS_DEPTH_MAX
deep, and a bid is looked at once, so malicious manifests end. Errors of the peers are survived, errors of the author
(a manifest that does not open) and of our own disk end the fetch.

Must not know: how spans are lent, how links are made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from inos import limits
from inos.errors import (
    IdMismatch,
    InosError,
    LimitExceeded,
    ManifestInconsistent,
    NoPeers,
    NotFound,
    PeerStalled,
    RemoteError,
)
from inos.ports import KIND_MANIFEST, Arena, HashSpan, Open, Span
from inos.tasks import Future, Tasks
from inos.transfer.holdings import Told, rarity_of
from inos.transfer.needs import Outliner, Progress, Step, Store, Wire
from inos.transfer.queue import Need, Queue
from inos.transfer.requests import Request, Requests
from inos.transfer.sources import Source

LOOK_INTERVAL_S = 0.5
PROGRESS_INTERVAL_S = 0.1
ENDGAME_BLOCKS = 8
ENDGAME_AFTER_S = 0.5
# The root's manifest is the one block whose length is not known: 116 bytes a chunk, so of nearly every file it is shorter.
MANIFEST_BYTES_EXPECTED = 64 * limits.KIB
RATE_UNKNOWN_BYTES_PER_S = 256 * 1024.0  # of a source that has not delivered yet
# A file's manifests nest 4 deep (levels 0..3); folders above it add one each, two if they are split.
MANIFESTS_DEPTH_MAX = limits.MANIFEST_LEVEL_MAX + 1 + 2 * limits.FOLDER_DEPTH_MAX


class Download:
    """Fetches one root; ``run`` ends when every block is held."""

    def __init__(
        self,
        tasks: Tasks,
        arena: Arena,
        wire: Wire,
        store: Store,
        requests: Requests,
        outline: Outliner,
        *,
        root: Step,
        whole: bool,
        sources: Callable[[], list[Source]],
        start_at: Callable[[int], int],
        on_progress: Callable[[Progress], None],
        on_held: Callable[[bytes], None],
    ) -> None:
        self._tasks = tasks
        self._arena = arena
        self._wire = wire
        self._store = store
        self._requests = requests
        self._outline = outline
        self._root = root
        self._sources = sources
        self._start_at = start_at
        self._on_progress = on_progress
        self._on_held = on_held
        self._queue = Queue(whole=whole)
        self._holdings = Told()
        self.timeout_s: float | None = None
        self.ended: Future[None] = Future()
        self._flying: dict[bytes, tuple[Step, list[Request]]] = {}
        self._known: set[bytes] = set()
        self._got: set[bytes] = set()
        self._storing: set[bytes] = set()
        self._reading = 0  # manifests being read from the store
        self._banned: set[bytes] = set()  # peer ids
        self._error: BaseException | None = None
        self._closed = False
        self._entries = 0  # of folders
        self._changed: Future[None] = Future()
        self._moved_at = tasks.now
        self._told: Progress | None = None
        self._told_at = float("-inf")
        self._bytes_done = self._bytes_total = self._bytes_received = self._content_bytes = 0

    # --- life ---------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Fetch what is needed. Raises NoPeers (nothing moved for ``timeout_s``; None: wait), CorruptError, StorageError."""
        try:
            await self._fetch()
        except BaseException as error:
            self._queue.fail(error)
            self.ended.fail(error)
            raise
        finally:
            self._closed = True
            self.ended.set(None)
            for _, requests in list(self._flying.values()):
                for request in list(requests):
                    request.outcome.fail(PeerStalled("the fetch ended"))

    async def _fetch(self) -> None:
        self._add(self._root)
        while self._error is None and (self._queue.is_waiting or self._flying or self._reading):
            self._rest_stalled()
            self._pump()
            self._holdings.tell(self._wire, self._usable(), self._tasks.now)
            self._tell(force=False)
            if self.timeout_s is not None and self._tasks.now - self._moved_at >= self.timeout_s:
                raise NoPeers("nobody who is online has it")
            self._changed = Future()
            await self._tasks.wait(self._changed, LOOK_INTERVAL_S)
        if self._error is not None:
            raise self._error
        self._tell(force=True)

    def poke(self) -> None:
        """Something changed: sources, memory."""
        self._changed.set(None)

    def names(self, manifest: bytes) -> bool:
        """Whether this is a manifest of the root."""
        return manifest in self._known

    def is_asking(self, link: tuple[int, int]) -> bool:
        """Whether something is expected from this link."""
        return any(request.link == link for _, requests in self._flying.values() for request in requests)

    # --- what is needed -----------------------------------------------------------------------------------------------

    def need(self, start: int, end: int) -> Need:
        """Somebody waits for these bytes of the file: they go first."""
        need, steps = self._queue.need(start, end)
        self._begin(steps)
        self.poke()
        return need

    def need_no_more(self, need: Need) -> None:
        """Nobody waits any more."""
        self._queue.drop(need)

    def need_all(
        self, on_progress: Callable[[Progress], None], on_held: Callable[[bytes], None], timeout_s: float | None
    ) -> None:
        """What began with ranges is wanted whole."""
        self._on_progress, self._on_held, self.timeout_s = on_progress, on_held, timeout_s
        self._moved_at = self._tasks.now
        for bid in self._got:
            on_held(bid)
        self._begin(self._queue.want_all())
        self.poke()

    def fail(self, error: InosError) -> None:
        """End it."""
        self._fail(error)
        self.poke()

    def _add(self, step: Step) -> None:
        if step.bid in self._known:
            self._holdings.again(step, held=step.bid in self._got)
            self._begin(self._queue.again(step))
            return
        if len(self._known) >= limits.BLOCKS_MAX:
            raise LimitExceeded(f"more than {limits.BLOCKS_MAX} blocks")
        if step.is_manifest and step.depth > MANIFESTS_DEPTH_MAX:
            raise LimitExceeded("manifests nest too deep")
        self._known.add(step.bid)
        held = self._store.block_len(step.bid)
        self._bytes_total += step.block_len or held or 0
        if held is not None and not step.is_manifest:
            self._bytes_done += held
            self._have(step)
        elif self._queue.open(step):
            self._begin([step])

    def _begin(self, steps: list[Step]) -> None:
        for step in steps:
            held = self._store.block_len(step.bid)
            if held is None:
                self._queue.wait(step)
                continue
            self._bytes_done += held
            if step.is_manifest:
                self._reading += 1
                self._tasks.spawn(self._read_held(step), "read held manifest")
            else:
                self._have(step)

    def _have(self, step: Step) -> None:
        self._got.add(step.bid)
        self._queue.close(step.bid)
        self._holdings.held(step)
        self._on_held(step.bid)

    async def _read_held(self, step: Step) -> None:
        try:
            span = await self._store.read_block(step.bid)
            try:
                await self._open_manifest(step, span)
            finally:
                self._arena.release(span)
            self._have(step)
        except InosError as error:
            self._fail(error)
        finally:
            self._reading -= 1
            self.poke()

    async def _open_manifest(self, step: Step, span: Span) -> None:
        opened = await Open(span, KIND_MANIFEST, secret=step.secret, raw_len_max=limits.MANIFEST_BYTES_MAX)
        assert opened.raw is not None
        try:
            raw = self._arena.read(opened.raw)
        finally:
            self._arena.release(opened.raw)
        outline = self._outline(raw, step)
        self._entries += outline.entries
        if self._entries > limits.FOLDER_ENTRIES_MAX:
            raise LimitExceeded(f"a folder of more than {limits.FOLDER_ENTRIES_MAX} entries")
        if step is self._root:
            self._content_bytes = outline.total_len
        children = list(outline.steps)
        if self._queue.whole:
            self._holdings.opened(step.bid, children)
        start = self._start_at(len(children))
        for child in children[start:] + children[:start]:
            self._add(child)

    # --- who is asked -------------------------------------------------------------------------------------------------

    def _usable(self) -> list[Source]:
        return [source for source in self._sources() if source.peer_id not in self._banned]

    def _pump(self) -> None:
        """Give steps to sources, one each in turn, the emptiest first, until nobody has room."""
        now = self._tasks.now
        willing = [source for source in self._usable() if source.has_room(now)]
        sources = self._usable()
        rarity = partial(rarity_of, sources) if any(source.is_partial for source in sources) else None
        while willing and self._queue.is_waiting:
            source = min(willing, key=lambda s: len(s.open) / s.window)
            step = self._queue.take(partial(self._may_ask, source, now), rarity)
            if step is None:
                willing.remove(source)
            elif not self._ask(source, step):
                self._queue.put_back(step)
                return  # no memory, or the link has just ended: somebody will poke
            elif not source.has_room(now):
                willing.remove(source)
        if not self._queue.is_waiting and 0 < len(self._flying) <= ENDGAME_BLOCKS:
            self._ask_twice([source for source in willing if not source.open])

    def _may_ask(self, source: Source, now: float, step: Step) -> bool:
        return source.may_have(step.bid, now) and source.holds(step)

    def _ask_twice(self, idle: list[Source]) -> None:
        now = self._tasks.now
        for step, requests in list(self._flying.values()):
            if not idle:
                return
            request = requests[0]
            source = idle[-1]
            length = step.block_len or MANIFEST_BYTES_EXPECTED
            patience_s = ENDGAME_AFTER_S + 2 * length / max(source.rate_bytes_per_s, RATE_UNKNOWN_BYTES_PER_S)
            late = now - request.asked_at > patience_s
            if len(requests) > 1 or not late or request.link == source.link or not self._may_ask(source, now, step):
                continue
            if self._ask(source, step):
                idle.pop()

    def _ask(self, source: Source, step: Step) -> bool:
        request = self._requests.ask(source.link, step.bid, step.block_len or limits.BLOCK_BYTES_MAX)
        if request is None:
            return False
        source.opened(request, self._tasks.now)
        self._flying.setdefault(step.bid, (step, []))[1].append(request)
        self._tasks.spawn(self._follow(source, step, request), "follow request")
        return True

    def _rest_stalled(self) -> None:
        now = self._tasks.now
        for source in self._sources():
            if source.is_stalled(self._wire, now):
                source.rest(now)
                self._requests.stall(list(source.open))
                self._wire.penalise(source.link, PeerStalled("nothing arrives"))

    # --- what arrives -------------------------------------------------------------------------------------------------

    async def _follow(self, source: Source, step: Step, request: Request) -> None:
        try:
            try:
                length = await request.outcome
            finally:
                source.ended(request)
            source.delivered(request, length, self._tasks.now)
            self.poke()
            await self._arrived(step, request.span.part(0, length))
        except NotFound:
            source.lacks(step.bid, self._tasks.now)
        except IdMismatch as error:
            self._banned.add(source.peer_id)
            self._wire.penalise(source.link, error)
        except PeerStalled:
            pass  # penalised where it was noticed
        except RemoteError as error:
            self._wire.penalise(source.link, error)
        except InosError as error:
            self._fail(error)
        finally:
            self._requests.close(request)
            self._landed(step, request)
            self.poke()

    async def _arrived(self, step: Step, block: Span) -> None:
        if self._is_late(step):
            return
        if await HashSpan(block) != step.bid:
            raise IdMismatch("the bytes do not hash to the id")
        if step.block_len is not None and block.length != step.block_len:
            # The peer sent what the id names: it is the manifest that lies.
            raise ManifestInconsistent(f"a block of {block.length} bytes, said to have {step.block_len}")
        if self._is_late(step):
            return
        self._storing.add(step.bid)
        try:
            if step.is_manifest:
                await self._open_manifest(step, block)
            await self._store.store_foreign(step.bid, block)
        finally:
            self._storing.discard(step.bid)
        self._have(step)
        self._bytes_received += block.length
        self._bytes_done += block.length
        if step.block_len is None:
            self._bytes_total += block.length
        self._moved_at = self._tasks.now

    def _is_late(self, step: Step) -> bool:
        return step.bid in self._got or step.bid in self._storing or self._closed

    def _landed(self, step: Step, request: Request) -> None:
        _, requests = self._flying[step.bid]
        requests.remove(request)
        if step.bid in self._got:
            for other in requests:  # asked twice: the slower one is not needed any more
                other.outcome.fail(PeerStalled("another was faster"))
        if not requests:
            del self._flying[step.bid]
            if step.bid not in self._got:
                self._queue.put_back(step)

    def _fail(self, error: InosError) -> None:
        if self._error is None:
            self._error = error

    # --- telling ------------------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far it is."""
        now = self._tasks.now
        usable = self._usable()
        step = self._queue.peek()
        able = step is not None and any(self._may_ask(source, now, step) for source in usable)
        is_done = not (self._queue.is_waiting or self._flying or self._reading)
        return Progress(
            stage="done" if is_done else "fetching" if self._flying or self._reading or able else "waiting",
            bytes_done=self._bytes_done,
            bytes_total=self._bytes_total,
            blocks_done=len(self._got),
            blocks_total=len(self._known),
            bytes_received=self._bytes_received,
            content_bytes=self._content_bytes,
            sources=len(usable),
        )

    def _tell(self, *, force: bool) -> None:
        if not force and self._tasks.now - self._told_at < PROGRESS_INTERVAL_S:
            return
        now_is = self.progress()
        self._told_at = self._tasks.now
        if now_is != self._told:
            self._told = now_is
            self._on_progress(now_is)
