"""Scripts: sequences of operations on a vault, and the ledger of what it acknowledged meanwhile.

Nouns: a *kind* is one of KINDS, what a person (or housekeeping) does; a *player* performs them on a machine, one after another
or several at once, and keeps the ledger. Contents are small, and chosen so that chunks compress to a few hundred bytes and
files share them. Invariants: the same kinds on the same disk give the same calls; the ledger is changed in the instant in which
the call returned, before anything else happens. Must not know: crashes.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from inos.errors import InosError, NotFound
from inos.ports import Span
from inos.tasks import Task
from inos.vault.vault import Capability, Source
from inos_sim.claims import Kept, Ledger, kept
from inos_sim.disk import SimDisk
from inos_sim.kernels import Memory
from inos_sim.machine import ARENA_BYTES, Machine, Sizes, toy_parts
from inos_sim.more import MORE

T = TypeVar("T")

KINDS = (
    "put-small",  # inline, in the manifest
    "put-chunks",  # three chunks of its own
    "put-shared",  # two chunks that such files share, one of its own
    "remove",
    "share",  # or, when it is shared, withdraw that
    "receive",  # wish, blocks of another vault, adopt
    "compact",
    "collect",
    "reopen",
)
SALT = slice(16, 48)  # of a block: where its synthetic salt stands
_CHUNK_NOISE = (90, 500, 1_200)
_CHUNK_BYTES = Sizes().chunk_bytes
_WORDS = (b"every", b"acknowledged", b"byte", b"is", b"still", b"there")
_FOREIGN_SEED = 1_000_000  # another secret than ours


@functools.lru_cache(maxsize=4_096)
def chunk(name: str) -> bytes:
    """A chunk that compresses to some hundred bytes, the same for the same name: noise and zeros, or words."""
    rng = random.Random(name)
    kind = rng.randrange(len(_CHUNK_NOISE) + 1)
    if kind < len(_CHUNK_NOISE):
        return rng.randbytes(_CHUNK_NOISE[kind]).ljust(_CHUNK_BYTES, b"\0")
    return b" ".join(rng.choices(_WORDS, k=_CHUNK_BYTES // 3))[:_CHUNK_BYTES]


class Lab:
    """What the machines of a process share: answers of kernels, memory, files of another vault."""

    def __init__(self, sizes: Sizes | None = None) -> None:
        self.sizes = sizes or Sizes()
        self.memory = Memory()
        self._pages = bytearray(ARENA_BYTES)
        self.foreign = [self._foreign(number) for number in range(2)]

    def machine(self, disk: SimDisk, rng: random.Random | None = None, seed: int = 1) -> Machine:
        """A machine that was just switched on. The one before must have been stopped: they share their memory."""
        return Machine(disk, toy_parts(self.sizes, self.memory, self._pages), seed=seed, rng=rng)

    def _foreign(self, number: int) -> tuple[Kept, Capability, list[tuple[bytes, bytes]]]:
        """A file of somebody else: contents, link, and its blocks by bid."""
        machine = self.machine(SimDisk(), seed=_FOREIGN_SEED)
        machine.open()
        content = chunk("theirs") + chunk(f"theirs {number}") + b"the end"
        file = kept(f"theirs-{number}", content)
        put = machine.start_put(content, file.name)
        machine.run_until(put)
        link = machine.run(machine.vault.share(put.result().root))
        machine.drain()
        refs = machine.run(machine.vault.manifest_of(link)).refs
        blocks = []
        for bid in (link.bid, *(ref.bid for ref in refs)):
            span = machine.run(machine.vault.read_block(bid))
            blocks.append((bid, machine.arena.read(span)))
            machine.arena.release(span)
        machine.stop()
        return file, link, blocks


class Player:
    """Performs kinds on a vault. ``rng`` picks what they act on; without it that is the oldest or newest file. ``seed`` is of the
    entropy, which is another at every boot, and must be for everyone who goes on with a disk."""

    def __init__(
        self,
        lab: Lab,
        disk: SimDisk,
        ledger: Ledger,
        rng: random.Random | None = None,
        on_boot: Callable[[Machine], None] = lambda _: None,
        seed: int = 0,
    ) -> None:
        self._lab = lab
        self._on_boot = on_boot
        self._disk = disk
        self._rng = rng
        self._seed = seed
        self._serial = len(ledger.now.files) + len(ledger.now.gone)
        self.foreign = lab.foreign
        self.ledger = ledger
        self.on_change: Callable[[], None] = lambda: None  # as a machine's, through reopenings
        self.contents: dict[Kept, bytes] = {}  # of what was put
        self.refused: list[InosError] = []  # calls that failed with a typed error
        self.scrubs = True  # what was removed is off the disk when that is acknowledged; not so after a fault
        self.running: list[Task[None]] = []
        self.boot()

    def boot(self) -> None:
        """Another machine on the same disk; the vault is not open yet."""
        self._seed += 1
        self.machine = self._lab.machine(self._disk, self._rng, self._seed)
        self.machine.on_change = self._changed
        self._on_boot(self.machine)

    def _changed(self) -> None:
        self.on_change()

    def play(self, kind: str) -> None:
        """One operation, to its end."""
        if kind == "reopen":
            self.reopen()
            return
        self.start(kind)
        self.wait()

    def start(self, kind: str) -> None:
        """One operation, beside those that run (not ``reopen``)."""
        work = MORE[kind](self) if kind in MORE else getattr(self, "_" + kind.replace("-", "_"))()
        self.running.append(self.machine.start(self._guarded(work)))

    def wait(self) -> None:
        """Until all that run have ended."""
        for task in self.running:
            self.machine.run_until(task)
        running, self.running = self.running, []
        for task in running:
            task.result()

    def reopen(self) -> None:
        """Close the vault as a page does that goes, and open it again."""
        self.wait()
        try:
            self.machine.run(self.machine.vault.close())
            self.machine.drain()
        except InosError as error:  # a disk that fails when it is closed
            self.refused.append(error)
        self.machine.stop()
        self.boot()
        self.machine.open()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except InosError as error:
            self.refused.append(error)

    # --- kinds ------------------------------------------------------------------------------------------------------------

    async def _put_small(self) -> None:
        await self._put(b"a few words " * (2 + self._serial % 30) + str(self._serial).encode())

    async def _put_chunks(self) -> None:
        await self._put(b"".join(chunk(f"own {self._serial} {at}") for at in range(3)))

    async def _put_shared(self) -> None:
        await self._put(chunk("all") + chunk("all too") + chunk(f"one {self._serial}"))

    async def _put(self, content: bytes) -> None:
        await self.put(f"file-{self.next_serial()}", content)

    async def put(self, name: str, content: bytes) -> None:
        """This file."""
        file = kept(name, content)
        self.contents[file] = content
        self.ledger.begin_put(file)
        source = Source(self.machine.streams.add_bytes(content), len(content))
        root = (await self.machine.vault.put(source, name=name)).root
        self.ledger.end_put(file, root, self.salt(root))

    def salt(self, root: bytes) -> bytes:
        """The manifest's salt, read from the disk."""
        if not self.scrubs:
            return b""
        index = self.machine.vault._index
        entry = index.entries[index.by_bid[root]]
        segment, offset = (int.from_bytes(entry[at : at + 4], "little") for at in (140, 144))
        block = self._disk.files[f"seg-{segment:04d}"].now[offset : offset + 48]
        return bytes(block[SALT])

    def pick(self, *, newest: bool = False) -> bytes:
        """A file on which no other call is under way. Raises NotFound."""
        roots = [root for root in self.ledger.now.files if root not in self.ledger.now.busy]
        if not roots:
            raise NotFound("no file")
        return self.one_of(roots[::-1] if newest else roots)

    def one_of(self, things: list[T]) -> T:
        """One that chance picks, or the first."""
        return things[0] if self._rng is None else self._rng.choice(things)

    def next_serial(self) -> int:
        """A number for a name, used once."""
        self._serial += 1
        return self._serial - 1

    def is_scrubbed(self) -> bool:
        """Whether what was just removed is off the disk: not after a fault, and not while another call is running, which may
        read blocks, or move them, and keeps them for so long."""
        return self.scrubs and sum(not task.done for task in self.running) == 1

    async def _remove(self) -> None:
        root = self.pick()
        self.ledger.begin_remove(root)
        await self.machine.vault.remove(root)
        self.ledger.end_remove(root, scrubbed=self.is_scrubbed())

    async def _share(self) -> None:
        root = self.pick(newest=True)
        vault, shared = self.machine.vault, root not in self.ledger.now.shared
        self.ledger.begin_mark(root)
        await (vault.share(root) if shared else vault.unshare(root))
        self.ledger.end_share(root, shared=shared)

    async def _receive(self) -> None:
        vault, ledger = self.machine.vault, self.ledger
        file, link, blocks = self.foreign[self._serial % 2]
        now = ledger.now
        if any(one.name == file.name for one in (*now.files.values(), *now.older.values(), *now.coming)):
            return  # it is here, though perhaps under another name
        self._serial += 1
        ledger.begin_mark(link.bid)
        await vault.wish(link)
        ledger.end_wish(link.bid, wished=True)
        for bid, data in blocks:
            await self.store(bid, data)
        ledger.begin_put(file)
        ledger.begin_mark(link.bid)
        root = await vault.adopt(link)
        ledger.end_put(file, root, self.salt(root))
        ledger.end_wish(link.bid, wished=False)

    async def store(self, bid: bytes, data: bytes) -> None:
        """A block from somebody else."""
        vault = self.machine.vault
        await self._with_span(data, lambda span: vault.store_foreign(bid, span))

    async def lodge(self, bundle: bytes, bid: bytes, data: bytes) -> None:
        """A block that is kept for somebody else."""
        guests = self.machine.vault.guests
        await self._with_span(data, lambda span: guests.guest_store(bundle, bid, span))

    async def _with_span(self, data: bytes, work: Callable[[Span], Coroutine[Any, Any, None]]) -> None:
        arena = self.machine.arena
        span = arena.alloc(len(data))
        arena.write(span, data)
        try:
            await work(span)
        finally:
            arena.release(span)

    async def _compact(self) -> None:
        await self.machine.vault.compact()

    async def _collect(self) -> None:
        await self.machine.vault.collect()
