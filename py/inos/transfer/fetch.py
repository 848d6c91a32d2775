"""All fetches of a node, and the sources they share.

Nouns: a *fetch* is a root with the room where its holders meet; see ``inos.transfer.download`` for how one goes.

Invariants: one download a root, however many ask for it; fetches share sources, windows and the budget of memory.

Must not know: wishes, the vault; who asks again after a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from inos.errors import Cancelled, IdMismatch, PeerGone, PeerStalled
from inos.ports import KIND_MANIFEST, Arena, Entropy, HashSpan, Open, Span
from inos.tasks import Tasks
from inos.transfer.download import Download
from inos.transfer.needs import Capability, Link, Outliner, Progress, Step, Store, Wire
from inos.transfer.requests import BUDGET_BYTES, Requests
from inos.transfer.sources import Source

MEMORY_PAUSE_S = 0.05  # until there may be room for another block


class Fetcher:
    """Fetches roots."""

    def __init__(
        self,
        tasks: Tasks,
        arena: Arena,
        entropy: Entropy,
        wire: Wire,
        store: Store,
        outline: Outliner,
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        self._tasks = tasks
        self._arena = arena
        self._entropy = entropy
        self._wire = wire
        self._store = store
        self._outline = outline
        self._requests = Requests(tasks, arena, wire, budget_bytes)
        self._requests.on_free = self.poke
        self._sources: dict[Link, Source] = {}
        self._downloads: dict[bytes, Download] = {}

    # --- what came ----------------------------------------------------------------------------------------------------

    def on_peer_up(self, link: Link, peer_id: bytes, rooms: frozenset[bytes]) -> None:
        """A link is authenticated for these rooms, or for more rooms than before."""
        source = self._sources.get(link)
        if source is None:
            self._sources[link] = Source(link, peer_id, rooms)
        else:
            source.rooms = rooms
        self.poke()

    def on_peer_gone(self, link: Link) -> None:
        """A link ended: what it owed is asked elsewhere at once."""
        self._sources.pop(link, None)
        self._requests.on_peer_gone(link)
        self.poke()

    def on_settled(self, link: Link) -> None:
        """The net worker has let go of all spans of this link."""
        self._requests.on_settled(link)

    def on_missing(self, link: Link, request: int) -> None:
        """A peer does not have what was asked."""
        self._requests.on_missing(link, request)

    def on_have(self, link: Link, root: bytes) -> None:
        """A peer has everything of a root now."""
        source = self._sources.get(link)
        if source is not None and root in self._downloads:
            source.has_all()
            self._downloads[root].poke()

    def on_holdings(self, link: Link, manifest: bytes, held: bytes) -> None:
        """A peer that is fetching too says what it holds by now."""
        source = self._sources.get(link)
        if source is not None and any(download.names(manifest) for download in self._downloads.values()):
            source.tells(manifest, held)
            self.poke()

    def on_block_done(self, link: Link, request: int, length: int) -> None:
        """A block arrived in its span."""
        self._requests.on_block_done(link, request, length)

    def on_block_failed(self, link: Link, request: int) -> None:
        """A block will not arrive, and its span is ours again."""
        self._requests.on_block_failed(link, request)

    def is_busy(self, link: Link) -> bool:
        """Whether something is expected from this link."""
        return any(download.is_asking(link) for download in self._downloads.values())

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def fetch_root(
        self,
        capability: Capability,
        room_id: bytes,
        *,
        on_progress: Callable[[Progress], None],
        on_held: Callable[[bytes], None] = lambda _bid: None,
        timeout_s: float | None = None,
        keepers: Collection[bytes] = (),
    ) -> None:
        """Hold every block of a root. ``on_held`` is told each one; ``keepers``: peers outside the room that may have some, which
        may grow. The caller makes sure that nobody fetches it already.

        Raises NoPeers after ``timeout_s`` without a new block, AuthFailed (wrong secret), CorruptError, StorageError.
        """
        download = self._downloads.get(capability.bid)
        if download is not None:  # somebody reads ranges of it
            download.need_all(on_progress, on_held, timeout_s)
            try:
                await download.ended
            except Cancelled as error:
                download.fail(error)
                raise
            return
        download = self._begin(capability, room_id, keepers, on_progress, on_held, whole=True)
        download.timeout_s = timeout_s
        await self._run(capability.bid, download)

    async def fetch_range(
        self,
        capability: Capability,
        room_id: bytes,
        start: int,
        end: int,
        *,
        timeout_s: float | None = None,
        keepers: Collection[bytes] = (),
        on_begun: Callable[[], None] = lambda: None,
    ) -> None:
        """Hold the blocks of these bytes of a file, and the manifests that lead to them; before everything else of it, if it is
        being fetched. Raises as ``fetch_root``."""
        download = self._downloads.get(capability.bid)
        if download is None:
            download = self._begin(capability, room_id, keepers, lambda _: None, lambda _: None, whole=False)
            download.timeout_s = timeout_s
            need = download.need(start, end)
            self._tasks.spawn(self._run(capability.bid, download), "fetch ranges").on_done(lambda: None)
        else:
            need = download.need(start, end)
        on_begun()  # what is needed from now on comes after this
        try:
            await need.met
        finally:
            download.need_no_more(need)

    def _begin(
        self,
        capability: Capability,
        room_id: bytes,
        keepers: Collection[bytes],
        on_progress: Callable[[Progress], None],
        on_held: Callable[[bytes], None],
        *,
        whole: bool,
    ) -> Download:
        download = self._downloads[capability.bid] = Download(
            self._tasks,
            self._arena,
            self._wire,
            self._store,
            self._requests,
            self._outline,
            root=Step(capability.bid, capability.secret, None, is_manifest=True),
            whole=whole,
            sources=lambda: [
                source for source in self._sources.values() if room_id in source.rooms or source.peer_id in keepers
            ],
            start_at=self._any_below,
            on_progress=on_progress,
            on_held=on_held,
        )
        return download

    async def _run(self, bid: bytes, download: Download) -> None:
        try:
            await download.run()
        finally:
            del self._downloads[bid]

    async def fetch_block(
        self, peer_id: bytes, bid: bytes, length: int, sink: Callable[[Span], Awaitable[None]]
    ) -> None:
        """One block from one peer, checked, handed to ``sink``. Raises PeerGone, PeerStalled, NotFound, IdMismatch, and what the
        sink raises."""
        source = next((source for source in self._sources.values() if source.peer_id == peer_id), None)
        if source is None:
            raise PeerGone("no link")
        while (request := self._requests.ask(source.link, bid, length)) is None:
            if source.link not in self._sources:
                raise PeerGone("the link ended")
            await self._tasks.sleep(MEMORY_PAUSE_S)
        source.opened(request, self._tasks.now)
        try:
            while not await self._tasks.wait(request.outcome, MEMORY_PAUSE_S * 8):
                if source.is_stalled(self._wire, self._tasks.now):
                    raise PeerStalled("nothing arrives")
            block = request.span.part(0, request.outcome.result())
            if block.length != length or await HashSpan(block) != bid:
                error = IdMismatch("a block that is not what it is called")
                self._wire.penalise(source.link, error)
                raise error
            await sink(block)
        finally:
            source.ended(request)
            self._requests.close(request)

    def peer_of(self, link: Link) -> bytes:
        """Who is at the other end; empty for a link that is gone."""
        source = self._sources.get(link)
        return source.peer_id if source is not None else b""

    async def held(self, capability: Capability) -> set[bytes]:
        """Bids of a root's blocks that are held; what is missing, and what is below it, is left out."""
        found: set[bytes] = set()
        todo = [Step(capability.bid, capability.secret, None, is_manifest=True)]
        while todo:
            step = todo.pop()
            if step.bid in found or self._store.block_len(step.bid) is None:
                continue
            found.add(step.bid)
            if step.is_manifest:
                todo.extend(await self._below(step))
        return found

    async def _below(self, step: Step) -> list[Step]:
        span = await self._store.read_block(step.bid)
        try:
            opened = await Open(span, KIND_MANIFEST, secret=step.secret)
        finally:
            self._arena.release(span)
        assert opened.raw is not None
        try:
            raw = self._arena.read(opened.raw)
        finally:
            self._arena.release(opened.raw)
        return list(self._outline(raw, step).steps)

    def _any_below(self, count: int) -> int:
        """A random number below ``count``; 0 when there is none."""
        return int.from_bytes(self._entropy.random(4), "little") % max(count, 1)

    def poke(self) -> None:
        """There may be more to ask, or more to ask it of."""
        for download in self._downloads.values():
            download.poke()
