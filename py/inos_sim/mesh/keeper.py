"""Nodes that keep copies for each other: the tab's own replication on a simulated shelf.

Nouns: a *shelf* is a node's disk; a *chunk* is a bundle of one small block, the unit in which losses are counted; a block's bytes
are few, and it travels as if they were BLOCK_BYTES. A *keeper* is a node's replication with its shelf.

Invariants: what a dead node's shelf holds is gone; a fetch takes the path's delays and its source's share of the uplink.
Must not know: who dies when.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inos.custody import Guest, HolderRecord
from inos.errors import NotFound, PeerGone, PeerStalled
from inos.replication.replication import Replication
from inos_sim.mesh.node import Node
from inos_sim.mesh.world import World

BLOCK_BYTES = 1 << 20  # as which a block travels
REAL_BYTES = 64
UPLINK_BYTES_PER_S = 4 << 20
DISK_S = 0.02
STALLED_S = 6.0


class Shelf:
    """A disk. Implements ``inos.replication.needs.Store``."""

    def __init__(self, node: Node, on_kept: Any) -> None:
        self._node = node
        self._on_kept = on_kept
        self.own: set[bytes] = set()
        self.blocks: dict[bytes, bytes] = {}
        self.kept: dict[bytes, Guest] = {}
        self.coming: dict[bytes, set[bytes]] = {}
        self.records: dict[bytes, HolderRecord] = {}

    def block_len(self, bid: bytes) -> int | None:
        """Length of a block that is here."""
        block = self.blocks.get(bid)
        return None if block is None else len(block)

    def guest_hold(self, bundle: bytes, bid: bytes) -> bool:
        """Keep what is here already."""
        if bid in self.blocks:
            self.coming.setdefault(bundle, set()).add(bid)
        return bid in self.blocks

    async def guest_store(self, bundle: bytes, bid: bytes, span: Any) -> None:
        """A block has come."""
        await self._node.tasks.sleep(DISK_S)
        assert self._node.world.hashes.hash(span) == bid, "a block that was not checked"
        self.blocks[bid] = span
        self.coming.setdefault(bundle, set()).add(bid)

    async def guest_add(self, guest: Guest) -> None:
        """A bundle is whole."""
        await self._node.tasks.sleep(DISK_S)
        assert all(bid in self.blocks for bid in guest.bids)
        self.kept[guest.bundle] = guest
        self.coming.pop(guest.bundle, None)
        self._on_kept(self._node, guest.bids)

    async def guest_drop(self, bundle: bytes) -> None:
        """A bundle is not wanted any more."""
        await self._node.tasks.sleep(DISK_S)
        self.kept.pop(bundle, None)
        self.coming.pop(bundle, None)
        needed = self.own.union(*self.coming.values(), *(guest.bids for guest in self.kept.values()))
        for bid in [bid for bid in self.blocks if bid not in needed]:
            del self.blocks[bid]

    def guests(self) -> Iterable[Guest]:
        """What is kept."""
        return list(self.kept.values())

    def damaged_guests(self) -> list[bytes]:
        """This disk does not rot."""
        return []

    async def note_holders(self, name: bytes, record: HolderRecord | None) -> None:
        """Remember."""
        await self._node.tasks.sleep(DISK_S)
        if record is None:
            self.records.pop(name, None)
        else:
            self.records[name] = record

    def holder_records(self) -> dict[bytes, HolderRecord]:
        """What is remembered."""
        return dict(self.records)


class Proofs:
    """Audits without a tree: a hash over the block and the chunk's number. Implements ``needs.Auditing``."""

    def __init__(self, world: World, shelf: Shelf) -> None:
        self._world = world
        self._shelf = shelf

    async def prove(self, bid: bytes, chunk: int) -> tuple[bytes, bytes]:
        """Only with the block."""
        block = self._shelf.blocks.get(bid)
        if block is None:
            raise NotFound("no such block")
        return b"c", self._of(block, chunk)

    def verify(self, bid: bytes, _length: int, chunk: int, _data: bytes, path: bytes) -> bool:
        """Whether it is right."""
        block = self._shelf.blocks.get(bid)
        return block is None or path == self._of(block, chunk)

    def _of(self, block: bytes, chunk: int) -> bytes:
        return self._world.hashes.hash(block + chunk.to_bytes(4, "little"))


class Keepers:
    """Replication on all nodes of a world, and where each chunk really is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.holders: dict[bytes, set[int]] = {}  # of each chunk: nodes that hold it durably, dead ones too
        self._shelves: dict[int, Shelf] = {}
        self._replications: dict[int, Replication] = {}
        self._uplink_s: dict[int, float] = {}
        self.on_kept: Any = lambda _bid: None
        self.on_penalty: Any = lambda *_: None

    def equip(self, node: Node) -> None:
        """Give a node its shelf and its replication."""
        world = self._world
        shelf = self._shelves[node.number] = Shelf(node, self._kept)
        keeping = node.mesh.keeping

        async def fetch(peer_id: bytes, bid: bytes, length: int, sink: Any) -> None:
            await self._fetch(node, world.by_id[peer_id], bid, length, sink)

        keeping.replication = self._replications[node.number] = replication = Replication(
            node.tasks,
            world.hashes,
            world.entropy,
            shelf,
            me=node.peer_id,
            send=node.carrier.send,
            neighbours=keeping.candidates,
            fetch_block=fetch,
            auditing=Proofs(world, shelf),
            wall_ms=world.wall_ms,
            lookup=keeping.closest,
            dial=keeping.approach,
            penalise=lambda peer, error: self.on_penalty(node, peer, error),
        )
        replication.start(world.clock.now)
        for peer_id in node.carrier.links:
            replication.on_up(peer_id, world.clock.now)
        node.pump()

    def put(self, node: Node, copies: int) -> bytes:
        """A new chunk of its own: its block's name."""
        block = self._world.entropy.random(REAL_BYTES)
        bid = self._world.hashes.hash(block)
        shelf = self._shelves[node.number]
        shelf.own.add(bid)
        shelf.blocks[bid] = block
        self.holders[bid] = {node.number}
        node.call(self._replications[node.number].keep, bid, [(bid, len(block))], copies)
        return bid

    def live(self, bid: bytes) -> list[int]:
        """Live nodes on whose disk it is now."""
        nodes = self._world.nodes
        return [n for n in self.holders[bid] if nodes[n].alive and bid in self._shelves[n].blocks]

    def _kept(self, node: Node, bids: Iterable[bytes]) -> None:
        for bid in bids:
            self.holders[bid].add(node.number)
            self.on_kept(bid)

    async def _fetch(self, node: Node, source: Node, bid: bytes, length: int, sink: Any) -> None:
        clock, tasks = self._world.clock, node.tasks
        end = node.carrier.links.get(source.peer_id)
        if end is None:
            raise PeerGone("no link")
        free_s = max(clock.now, self._uplink_s.get(source.number, 0.0)) + BLOCK_BYTES / UPLINK_BYTES_PER_S
        self._uplink_s[source.number] = free_s
        await tasks.sleep(free_s - clock.now + 2 * end.delay_s)
        if not end.up:
            raise PeerGone("the link ended")
        if not end.is_open:
            await tasks.sleep(STALLED_S)
            raise PeerStalled("no byte comes")
        block = self._shelves[source.number].blocks.get(bid)
        replication = self._replications[source.number]
        if block is None or not replication.serves(node.peer_id, bid):
            raise NotFound("missing")
        replication.on_served(node.peer_id, bid, length, clock.now)
        source.pump()
        await sink(block)
