"""The node: vault, links and transfer put together, and the verbs that people use.

Nouns: a *capability* is what a file link carries; a root is *offered* when its blocks may be given to peers (it was shared,
received, or is being fetched); see ``inos.vault``, ``inos.links``, ``inos.transfer`` for theirs.

Theory of operation. The adapter calls the ``on_*`` inputs (with ``now`` in seconds), then ``poll_effects`` until it is
empty, performs the effects and answers them with ``on_done``; ``poll_commands`` and ``poll_events`` give the rest. Verbs
are coroutines: the adapter spawns them on ``tasks``.

Invariants: composition only, every decision lives in the parts. The room of each offered root is joined, newest first, up to
ROOMS_PER_SOCKET_MAX; a room in which we fetch is never left for another. A wish survives a restart until its root is held.

Must not know: the browser, clocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from inos import limits
from inos.adapter_side import AdapterSide, NodeEvent
from inos.commons import Commons
from inos.errors import CorruptError, InosError, NotReady
from inos.links import commands
from inos.links.commands import LinkEvent, PeerTable
from inos.links.joined import Joined
from inos.links.links import Links
from inos.links.rooms import share_room_secret
from inos.ports import Ports
from inos.repair import RepairReport, repair
from inos.replicas import Replicas
from inos.revocable import Revocable
from inos.rooms import Rooms
from inos.streaming import Streaming
from inos.tasks import Task, Tasks
from inos.transfer.events import TransferFailed, TransferProgress
from inos.transfer.fetch import Fetcher
from inos.transfer.needs import Capability, Progress
from inos.transfer.outline import outliner
from inos.transfer.serve import Server
from inos.vault import manifest as manifests
from inos.vault import vault as vaults
from inos.vault.check import Level
from inos.vault.hand_out import GetResult
from inos.wire.link import Link, encode, parse
from inos.wire.messages import AskGrant, Cancel, Grant, Have, Holdings, Missing, Revoked, Want
from inos.wire.messages import Mesh as MeshMessage

Files: TypeAlias = list[vaults.RootInfo]
Tell: TypeAlias = Callable[[vaults.Progress], None] | None


class Node(AdapterSide):
    """One node."""

    def __init__(
        self,
        tasks: Tasks,
        ports: Ports,
        vault: vaults.Vault,
        table: PeerTable,
        *,
        wall_offset_s: float,
        in_flight_bytes: int = limits.IN_FLIGHT_BYTES_MAX,
        origin: str = "",
        alone: bool = False,
    ) -> None:
        """``origin``: of the page, whose public mesh room is entered at the start unless it begins ``alone``."""
        self.tasks = tasks
        self.vault = vault
        self._hashes = ports.hashes
        self.links = Links(tasks, ports, table, wall_offset_s=wall_offset_s)
        outline = outliner(manifests.decode, manifests.check_child, manifests.check_entry)
        budget = max(in_flight_bytes // 2, limits.BLOCK_BYTES_MAX)  # one half comes in, the other goes out
        self.fetcher = Fetcher(tasks, ports.arena, ports.entropy, self.links, vault, outline, budget)
        self.server = Server(tasks, ports.arena, self.links, vault, self._offers, budget)
        self.joined = Joined(ports.hashes, self.links, self._is_needed)
        self.revocable = Revocable(tasks, ports, vault, self.links, self.joined)
        self.commons = Commons(tasks, ports, self.links, self.links.sealer.wall_ms)
        self.replicas = Replicas(tasks, ports, vault, self.links, self.fetcher, self.server, self.commons)
        self.rooms = Rooms(tasks, ports, self.links, self.commons, vault.keepsake, origin)
        self._begins_alone = alone or not origin
        self.streaming = Streaming(tasks, vault, self.fetcher, self._enter, self._leave)
        self.links.dialer.busy = lambda link: (
            self.fetcher.is_busy(link) or self.server.is_busy(link) or self.commons.holds(link)
        )
        self._events: deque[NodeEvent] = deque()
        self._offered: dict[bytes, set[bytes]] = {}  # link root -> bids of its held blocks
        self._fetching: dict[bytes, Task[bytes]] = {}
        self._is_running = False

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """The vault is open: meet people, go on with what was wished for. Ends when all that is under way."""
        assert not self._is_running
        self._is_running = True
        await self.links.start()
        self.revocable.start()
        await self.rooms.start(alone=self._begins_alone or self.commons.is_in)
        for capability in self.vault.shared():
            await self.offer(capability)
        for capability in self.vault.wishes():
            if capability.bid not in self._fetching:  # somebody asked while we started
                self._begin_fetch(capability, None)

    def close(self, now: float) -> None:
        """Say goodbye."""
        self._is_running = False
        for task in self._fetching.values():
            self.tasks.cancel(task)
        self.commons.leave(now)
        self.links.close(now)
        self._dispatch()

    @property
    def is_running(self) -> bool:
        """It was started and not closed."""
        return self._is_running

    def is_busy(self) -> bool:
        """Whether something is being fetched or sent."""
        return bool(self._fetching) or any(self.server.is_busy(link) for link, _, _ in self.links.peers())

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def put(
        self,
        source: vaults.Source,
        *,
        name: str,
        media_type: str = "",
        mtime_ms: int = 0,
        progress: Tell = None,
        replaces: bytes | None = None,
    ) -> vaults.PutResult:
        """Keep a file; see ``Vault.put``."""
        self._check_running()
        return await self.vault.put(
            source, name=name, media_type=media_type, mtime_ms=mtime_ms, progress=progress, replaces=replaces
        )

    def list(self) -> Files:
        """Every file, in the order they came."""
        self._check_running()
        return self.vault.roots()

    async def check(self, level: Level, progress: Tell = None) -> vaults.CheckReport:
        """Look for damage; see ``inos.vault.check``."""
        self._check_running()
        return await self.vault.check(level, progress)

    async def share(self, root: bytes, base_url: str = "") -> str:
        """The link to a root; from now on it is offered to whoever holds the link. Raises NotFound."""
        self._check_running()
        capability = await self.vault.share(root)
        await self.offer(capability)
        return encode(Link(capability.bid, capability.secret), base_url)

    async def share_revocable(self, root: bytes, base_url: str = "") -> tuple[str, bytes]:
        """A link that ``revoke`` withdraws, and its id. This node must be online for whoever opens it first. Raises NotFound."""
        self._check_running()
        link = await self.revocable.make(root)
        await self.offer(self.vault.capability(root))
        return encode(link, base_url), link.id

    async def revoke(self, name: bytes) -> None:
        """Withdraw a revocable link: who opens it from now on is told so; who opened it before keeps what they have."""
        self._check_running()
        await self.vault.revoke(name)
        self.offer_no_more()

    async def fetch(self, link: str, timeout_s: float | None = None) -> bytes:
        """Hold everything that a link names; the root under which this vault has it.

        Raises BadLink, NoPeers (after ``timeout_s`` without a new block; None waits for ever), CorruptError, StorageError.
        Whoever asks for a root that is being fetched waits for the same fetch.
        """
        self._check_running()
        capability = await self.revocable.resolve(link, timeout_s)
        if capability.bid not in self._fetching:
            await self.vault.wish(capability)
        # Somebody else may have begun meanwhile; there is no await between the look and the beginning.
        task = self._fetching.get(capability.bid) or self._begin_fetch(capability, timeout_s)
        return await task

    async def read_range(
        self, link: str, sink: int, offset: int = 0, length: int | None = None, timeout_s: float | None = None
    ) -> GetResult:
        """Hand a range of a link's file to a sink while it arrives, without the rest of it; see ``Streaming.read``."""
        self._check_running()
        capability = await self.revocable.resolve(link, timeout_s)
        return await self.streaming.read(capability, sink, offset, length, timeout_s)

    async def look(self, link: str, timeout_s: float | None = None) -> manifests.Manifest:
        """What a link names, without fetching it: its manifest."""
        self._check_running()
        return await self.streaming.manifest(await self.revocable.resolve(link, timeout_s), timeout_s)

    def stop_fetch(self, link_root: bytes) -> None:
        """Stop fetching a link's root; whoever waits for it gets Cancelled. The wish stays for the next start."""
        task = self._fetching.get(link_root)
        if task is not None:
            self.tasks.cancel(task)

    async def give_up(self, link: str) -> None:
        """Stop fetching, and forget the wish and what was fetched for it. A file that is held stays."""
        capability = parse(link)
        self.stop_fetch(capability.bid)
        await self._unwish(capability)

    async def repair(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> RepairReport:
        """Get back what is lost, from the disk or from peers; see ``inos.repair``."""
        self._check_running()
        return await repair(self.vault, self._fetch_again, progress)

    async def _fetch_again(self, capability: Capability, timeout_s: float) -> None:
        link = Link(capability.bid, capability.secret)
        try:
            await self.fetch(encode(link), timeout_s)
        except InosError:
            await self._unwish(capability)
            raise

    async def remove(self, root: bytes) -> None:
        """Delete a root, and offer it no more. Raises NotFound."""
        await self.vault.remove(root)
        self.offer_no_more()

    def stats(self) -> dict[str, object]:
        """Numbers for people."""
        return {
            "peers": [
                {"peer": peer_id.hex(), "rooms": len(rooms), "channel": link.channel}
                for link, peer_id, rooms in self.links.peers()
            ],
            "rendezvous": self.links.is_rendezvous_up,
            "rooms": len(self.links.rooms()),
            "fetching": len(self._fetching),
            "offered": len(self._offered),
            "vault": self.vault.stats(),
            "replication": self.replicas.stats(),
            "blocks_sent": self.server.blocks_sent,
            "bytes_sent": self.server.bytes_sent,
        }

    # --- inside: events of the links ----------------------------------------------------------------------------------

    def _dispatch(self) -> bool:
        events = self.links.poll_events()
        for event in events:
            self._on_link_event(event)
        return bool(events)

    def _on_link_event(self, event: LinkEvent) -> None:
        self.commons.on_event(event)
        if isinstance(event, commands.Received):
            self._on_message(event)
            return
        if isinstance(event, commands.ChannelSettled):
            self.fetcher.on_settled(event.link)
            self.server.on_settled(event.link)
            return
        if isinstance(event, commands.PeerUp | commands.PeerRooms):
            self.fetcher.on_peer_up(event.link, event.peer_id, event.rooms)
            self.revocable.grants.on_peer_up(event.link, event.peer_id, event.rooms)
        elif isinstance(event, commands.PeerDown):
            self.fetcher.on_peer_gone(event.link)
            self.server.on_peer_gone(event.link)
            self.revocable.grants.on_peer_gone(event.link)
        self._events.append(event)

    def _on_message(self, event: commands.Received) -> None:
        link, message = event.link, event.message
        if not self.links.is_up(link):
            return  # ended between the event and now
        try:
            if isinstance(message, Want):
                self.server.on_want(link, message.request, message.bid)
            elif isinstance(message, Cancel):
                self.server.on_cancel(link, message.request)
            elif isinstance(message, Missing):
                self.fetcher.on_missing(link, message.request)
            elif isinstance(message, Have):
                self.fetcher.on_have(link, message.root)
            elif isinstance(message, Holdings):
                self.fetcher.on_holdings(link, message.manifest, message.held)
            elif isinstance(message, AskGrant):
                self.revocable.grants.on_ask(link, message.id)
            elif isinstance(message, Grant | Revoked):
                self.revocable.grants.on_answer(link, message)
            elif isinstance(message, MeshMessage):
                self.commons.on_message(link, event.peer_id, message)
        except InosError as error:
            self.links.penalise(link, error)

    # --- inside: offering and fetching --------------------------------------------------------------------------------

    def _offers(self, link: tuple[int, int], bid: bytes) -> bool:
        return any(bid in held for held in self._offered.values()) or self.replicas.serves(
            self.fetcher.peer_of(link), bid
        )

    async def offer(self, capability: Capability) -> None:
        """Meet others in the room of what this capability opens, and serve it there."""
        held = await self.fetcher.held(capability)
        self._offered.setdefault(capability.bid, set()).update(held)
        self.commons.provide(self._join_share(capability))

    def offer_no_more(self) -> None:
        """Withdraw whatever is neither shared nor wished for any more."""
        kept = {capability.bid for capability in (*self.vault.shared(), *self.vault.wishes())}
        for link_root in [link_root for link_root in self._offered if link_root not in kept]:
            del self._offered[link_root]
            if link_root in self.joined.rooms:
                self.commons.withdraw(self.joined.rooms[link_root])
            self.joined.leave(link_root, self.tasks.now)

    async def _unwish(self, capability: Capability) -> None:
        await self.vault.unwish(capability)
        self.offer_no_more()

    def _join_share(self, capability: Capability) -> bytes:
        secret = share_room_secret(self._hashes, capability.bid, capability.secret)
        return self.joined.join(capability.bid, secret, self.tasks.now)

    def _is_needed(self, name: bytes) -> bool:
        return name in self._fetching or self.streaming.is_open(name) or self.revocable.grants.is_asking(name)

    def _enter(self, capability: Capability) -> tuple[bytes, set[bytes]]:
        """Where a root's holders meet, as one who wants it; who else keeps blocks of it, as far as is known: grows."""
        room_id = self._join_share(capability)
        self.links.set_wanting(room_id, wanting=True, now=self.tasks.now)
        self.commons.seek(room_id)
        return room_id, self.replicas.seek(capability.bid)

    def _begin_fetch(self, capability: Capability, timeout_s: float | None) -> Task[bytes]:
        task = self.tasks.spawn(self._fetch(capability, timeout_s), "fetch")
        self._fetching[capability.bid] = task
        # Not in the coroutine: one that is cancelled before its first step never runs.
        task.on_done(lambda: self._end_fetch(capability.bid))
        return task

    def _end_fetch(self, link_root: bytes) -> None:
        del self._fetching[link_root]
        self._leave(link_root)

    def _leave(self, link_root: bytes) -> None:
        if link_root in self._fetching or self.streaming.is_open(link_root):
            return
        self.replicas.seek_no_more(link_root)
        if link_root in self.joined.rooms:
            self.commons.forget(self.joined.rooms[link_root])
        self.joined.want(link_root, wanting=False, now=self.tasks.now)

    async def _fetch(self, capability: Capability, timeout_s: float | None) -> bytes:
        offered = self._offered.setdefault(capability.bid, set())

        def tell(progress: Progress) -> None:
            self._events.append(TransferProgress(capability.bid, progress))

        try:
            room_id, keepers = self._enter(capability)
            await self.fetcher.fetch_root(
                capability, room_id, on_progress=tell, on_held=offered.add, timeout_s=timeout_s, keepers=keepers
            )
            root = await self.vault.adopt(capability)
            # Received is offered on: the link's other holders may be gone when the next one wants it.
            await self.vault.share(root)
            self.commons.provide(room_id)
        except InosError as error:
            self._events.append(TransferFailed(capability.bid, error.code, str(error)))
            if isinstance(error, CorruptError):
                await self._unwish(capability)
            raise
        for link, _, rooms in self.links.peers():
            if room_id in rooms:
                self.links.send(link, Have(capability.bid))
        return root

    def _check_running(self) -> None:
        if not self._is_running:
            raise NotReady("the node is starting, or is shutting down")


__all__ = ["Node", "NodeEvent", "TransferFailed", "TransferProgress"]
