"""A node's copies: replication plugged into the mesh, the vault and the transfer.

Nouns: a *root*'s bundles are the blocks that it lists, cut (``inos.replication.bundle``); what a person sets is how many copies
there are of all files, or of one (1: only here).

Theory of operation. Whenever the vault's files changed, roots are compared with what is kept elsewhere: new ones get copies, of
those that are gone (or sealed anew) the holders are released. Puts are not delayed: copies come after them, and are seen.

Invariants: only files that were put here get copies; only sealed blocks leave. Must not know: the browser, how links are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from inos import limits
from inos.commons import Commons
from inos.custody import HolderRecord
from inos.errors import BadArgument, InosError, NotReady
from inos.links.links import Links
from inos.mesh.mesh import Mesh
from inos.ports import Ports
from inos.replication.needs import ReplicaEvent
from inos.replication.replication import Replication
from inos.replication.slices import Slices
from inos.tasks import Future, Task, Tasks
from inos.transfer.fetch import Fetcher
from inos.transfer.serve import Server
from inos.vault.vault import Vault

ALL_FILES = bytes(32)  # the name under which the number of copies of all files is remembered
BLOCKS_PER_STEP = 4_000  # looked at before others have their turn
LOOK_AGAIN_S = 600.0
SEEK_FIRST_S = 2.0
SEEK_MAX_S = 60.0
KEYS_MAX = 256  # guests under whose keys we let ourselves be found


class Replicas:
    """One node's."""

    def __init__(
        self, tasks: Tasks, ports: Ports, vault: Vault, links: Links, fetcher: Fetcher, server: Server, commons: Commons
    ) -> None:
        self._tasks = tasks
        self._ports = ports
        self._vault = vault
        self._links = links
        self._fetcher = fetcher
        self._commons = commons
        self._replication: Replication | None = None
        self._seen: dict[bytes, tuple[tuple[bytes, bytes], int, list[bytes]]] = {}  # root -> runs, copies, bundles
        self._generation = -1
        self._syncing: Task[None] | None = None
        self._looked_at = 0.0
        self._keys: set[bytes] = set()
        self._guests_seen = -1
        self._seekers: dict[bytes, Task[None]] = {}
        self._quota_bytes = 0
        self.default_copies = limits.COPIES
        server.on_sent = self._on_sent
        commons.on_enter = self._on_enter

    # --- the room ---------------------------------------------------------------------------------------------------------

    def _on_enter(self, mesh: Mesh) -> None:
        guests = self._vault.guests
        self._seen.clear()
        self._generation = self._guests_seen = -1
        replication = self._replication = mesh.keeping.replication = Replication(
            self._tasks,
            self._ports.hashes,
            self._ports.entropy,
            guests,
            me=mesh.peer_id,
            send=lambda peer, message: self._commons.is_in and self._commons.carrier.send(peer, message),
            neighbours=mesh.keeping.candidates,
            fetch_block=self._fetcher.fetch_block,
            auditing=Slices(self._ports.arena, self._vault.read_block),
            wall_ms=self._links.sealer.wall_ms,
            lookup=mesh.keeping.closest,
            dial=mesh.keeping.approach,
            penalise=self._penalise,
        )
        guests.keep_as_they_are(self._abroad)
        self.default_copies = guests.holder_records().get(ALL_FILES, HolderRecord(limits.COPIES, ())).copies
        replication.start(self._tasks.now)
        if self._quota_bytes:
            replication.allow_bytes(self._quota_bytes)
        for neighbour in mesh.neighbours():
            replication.on_up(neighbour.peer_id, self._tasks.now)
        self.look()

    def _penalise(self, peer_id: bytes, error: InosError) -> None:
        for link, other, _ in self._links.peers():
            if other == peer_id:
                self._links.penalise(link, error)
                return

    def _abroad(self) -> set[bytes]:
        """Roots of which others have blocks."""
        book = self._replication.book if self._replication is not None else None
        if book is None:
            return set()
        return {root for root, (_, _, names) in self._seen.items() if any(self._is_abroad(name) for name in names)}

    def _is_abroad(self, name: bytes) -> bool:
        bundle = self.replication.book.bundles.get(name)
        return bundle is not None and len(bundle.holders) > 1

    @property
    def replication(self) -> Replication:
        """Raises NotReady while there is no mesh."""
        if self._replication is None:
            raise NotReady("the mesh has not started")
        return self._replication

    # --- files ------------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Perhaps files changed. Cheap."""
        if self._replication is None or not self._commons.is_in:
            return
        if self._guests_seen != self._replication.taker.generation:
            self._guests_seen = self._replication.taker.generation
            self._find_by_keys()
        is_old = self._tasks.now >= self._looked_at + LOOK_AGAIN_S
        if (self._generation != self._vault.guests.generation or is_old) and self._syncing is None:
            self._looked_at = self._tasks.now
            self._syncing = self._tasks.spawn(self._sync(self._replication), "replicas")
            self._syncing.on_done(self._synced)

    def _synced(self) -> None:
        self._syncing = None

    async def _sync(self, replication: Replication) -> None:
        guests = self._vault.guests
        self._generation = guests.generation
        records = guests.holder_records()
        seen, looked = self._seen, 0
        roots = guests.own_roots()
        for root, runs in roots.items():
            copies = records.get(root, HolderRecord(self.default_copies, ())).copies or self.default_copies
            known = seen.get(root)
            if known is not None and known[:2] == (runs, copies) and not self._is_stale(known[2]):
                continue
            blocks = list(guests.blocks_of(root))
            seen[root] = (runs, copies, replication.keep(root, blocks, copies) if copies > 1 else [])
            looked += len(blocks)
            if looked > BLOCKS_PER_STEP:
                looked = 0
                await self._tasks.sleep(0.0)
                if replication is not self._replication or root not in guests.own_roots():
                    self._generation = -1
                    return
        for root in [root for root in seen if root not in roots]:
            del seen[root]
        replication.forget_others(name for _, _, names in seen.values() for name in names)

    def _is_stale(self, names: Iterable[bytes]) -> bool:
        """Whether blocks that nobody else has were sealed anew, under other names."""
        block_len, book = self._vault.guests.block_len, self.replication.book
        alone = [book.bundles[name] for name in names if name in book.bundles and not self._is_abroad(name)]
        return any(block_len(bid) is None for bundle in alone for bid in bundle.bids())

    async def set_copies(self, copies: int, root: bytes | None = None) -> None:
        """How many copies there shall be of all files, or of one. Raises BadArgument, NotFound."""
        if not 1 <= copies <= limits.COPIES_MAX:
            raise BadArgument(f"1 to {limits.COPIES_MAX} copies")
        guests = self._vault.guests
        if root is not None:
            self._vault.capability(root)
        await guests.note_holders(root or ALL_FILES, HolderRecord(copies, ()))
        if root is None:
            self.default_copies = copies
        self._generation = -1
        self.look()

    def copies(self, root: bytes) -> dict[str, object]:
        """Of one file: copies wanted, those that its worst part has, who holds some of it, and whether it is safe."""
        _, wanted, names = self._seen.get(root, ((b"", b""), 1, []))
        rows = self.replication.copies_of(names)
        return {
            "wanted": wanted,
            "live": min((len(live) for _, live, _ in rows), default=1),
            "holders": sorted({peer.hex() for _, live, _ in rows for peer in live}),
            "bundles": len(names),
            "safe": all(self.replication.is_safe(name) for name in names),
        }

    def safe(self, root: bytes) -> Future[None]:
        """Done when a file has as many durable copies as it must have to be called safe. Raises NotReady."""
        return self.replication.safe(self._seen[root][2] if root in self._seen else [])

    # --- blocks -----------------------------------------------------------------------------------------------------------

    def serves(self, peer_id: bytes, bid: bytes) -> bool:
        """Whether a peer may have this block because of what we keep for others, or they for us."""
        return self._replication is not None and self._replication.serves(peer_id, bid)

    def _on_sent(self, link: tuple[int, int], bid: bytes, length: int) -> None:
        if self._replication is not None:
            self._replication.on_served(self._fetcher.peer_of(link), bid, length, self._tasks.now)

    def allow_bytes(self, quota_bytes: int) -> None:
        """What the browser allows this vault."""
        self._quota_bytes = quota_bytes
        if self._replication is not None:
            self._replication.allow_bytes(quota_bytes)

    # --- being found --------------------------------------------------------------------------------------------------------

    def _find_by_keys(self) -> None:
        keys = self.replication.book.guest_keys(KEYS_MAX)
        for key in keys - self._keys:
            self._commons.provide(key)
        for key in self._keys - keys:
            self._commons.withdraw(key)
        self._keys = keys

    # --- finding ------------------------------------------------------------------------------------------------------------

    def seek(self, key: bytes) -> set[bytes]:
        """Who keeps blocks of a root, looked up over and over until ``seek_no_more``; grows."""
        found: set[bytes] = set()
        if key not in self._seekers:
            self._seekers[key] = self._tasks.spawn(self._seek(key, found), "seek keepers")
        return found

    def seek_no_more(self, key: bytes) -> None:
        """Enough."""
        task = self._seekers.pop(key, None)
        if task is not None:
            self._tasks.cancel(task)

    async def _seek(self, key: bytes, found: set[bytes]) -> None:
        wait_s = SEEK_FIRST_S
        while True:
            if self._commons.is_in:
                mesh = self._commons.mesh
                with suppress(InosError):  # no links yet, or too many look-ups: again in a while
                    for record in await mesh.find(key):
                        if record.author != mesh.peer_id and mesh.keeping.approach(record.author):
                            found.add(record.author)
                self._fetcher.poke()
            await self._tasks.sleep(wait_s)
            wait_s = min(2 * wait_s, SEEK_MAX_S)

    # --- reads --------------------------------------------------------------------------------------------------------------

    def poll_events(self) -> list[ReplicaEvent]:
        """What happened, in order."""
        return self._replication.poll_events() if self._replication is not None else []

    def stats(self) -> dict[str, object]:
        """Numbers for people; empty while there is no mesh."""
        if self._replication is None:
            return {}
        return {**self._replication.stats(), "copies": self.default_copies, "roots": len(self._seen)}
