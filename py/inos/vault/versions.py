"""Versions: which root is what a file or folder is at now, and which it was before.

Nouns: *line*, *head* as in ``inos.vault.heads``; a root that no head names is a *line of one*: its heads are made when it
gets a second version. The *current* root of a line is the one its last head names; others are its older versions.

Invariants: a root and the head that names it are durable together; one step of any line at a time, so that no two heads get
the same seq; a root belongs to one line only (a manifest that would be another line's root gets key 10, ``prev``, and with
it another name). Must not know: what is in a file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from inos.errors import BadArgument, Busy, InosError, LimitExceeded, NotFound
from inos.limits import VERSIONS_MAX
from inos.ports import SignHead, Verify
from inos.tasks import Future, Semaphore
from inos.vault import heads, ops
from inos.vault.heads import SignedHead
from inos.vault.manifest import Manifest, encode
from inos.vault.store import Store, Stored


@dataclass(frozen=True, slots=True)
class Version:
    """One step of a line whose root is still here."""

    root: bytes
    seq: int
    time_ms: int
    size: int
    stored: int
    name: str
    current: bool


def is_free(store: Store, root: bytes, replaces: bytes | None) -> bool:
    """Whether a root may become the next version of ``replaces`` (None: a file of its own) under this name."""
    index = store.index
    line = index.line_of.get(root)
    if replaces is None:
        return line is None or index.is_current(root)
    if root in (replaces, *index.members(replaces)):
        return True
    return line == index.line_of.get(replaces) if line is not None else root not in index.roots


async def seal_root(
    store: Store, manifest: Manifest, quality: int, replaces: bytes | None, held: list[int] | None = None
) -> Stored:
    """Seal a root's manifest under a name that no other line has. Every block made on the way is added to ``held``."""
    while True:
        made = await store.seal_manifest(encode(manifest), quality)
        if held is not None:
            held.append(made.number)
        bid = ops.bid_of(made.entry)
        if is_free(store, bid, replaces):
            return made
        if held is not None:
            held.remove(made.number)
        store.index.unhold(made.number)
        manifest = dataclasses.replace(manifest, prev=bid)


def root_of(
    store: Store,
    manifest: Manifest,
    made: Stored,
    numbers: Iterable[int],
    *,
    counts: tuple[int, int, int],
    link: tuple[bytes, bytes] | None = None,
) -> ops.Root:
    """What the log says of a root. ``counts``: chunks, new ones, bytes that were there already. Raises NotFound."""
    distinct = set(numbers) | {made.number}
    entries = store.index.entries
    if any(number not in entries for number in distinct):
        raise NotFound("a block of the file went away")
    chunks, new_chunks, deduped = counts
    return ops.Root(
        bid=ops.bid_of(made.entry),
        secret=made.entry[32:64],
        name=manifest.name,
        media_type=manifest.media_type,
        size=manifest.total_len,
        stored=sum(ops.block_len_of(entries[number]) for number in distinct),
        chunks=chunks,
        new_chunks=new_chunks,
        time_ms=store.wall_ms(),
        deduped=deduped,
        h_file=manifest.h_file,
        link=link,
        runs=ops.pack_runs(distinct),
    )


class Lines:
    """The histories of one vault's files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = Semaphore(1)
        self._pub = b""

    # --- steps --------------------------------------------------------------------------------------------------------

    async def add(
        self,
        root: ops.Root,
        replaces: bytes | None,
        on_end: Callable[[], None] = lambda: None,
        time_ms: int | None = None,
    ) -> None:
        """Make a root durable, as the next version of ``replaces``. ``on_end`` is called when it is known to be durable or not,
        also when whoever called was cancelled meanwhile: until then its blocks must be held. Raises NotFound.
        """
        if replaces is None:
            await self._submit(root, [], on_end)
            return
        try:
            async with _Turn(self._turn) as turn:
                if replaces not in self._store.index.roots:
                    raise NotFound(f"no file {replaces.hex()}")
                if root.bid in self._store.index.roots and not is_free(self._store, root.bid, replaces):
                    raise Busy(
                        "an equal file became a version of another one in this moment; once more gives it its own name"
                    )
                done = self._submit(root, await self._steps(replaces, root.bid, time_ms), on_end)
                on_end = _nothing
                await turn.until(done)
        finally:
            on_end()

    async def restore(self, root: bytes) -> None:
        """Make an older version the current one again, by a new head."""
        index = self._store.index
        if root not in index.roots:
            raise NotFound(f"no file {root.hex()}")
        if not index.is_current(root):
            await self.add(index.roots[root], root)

    async def forget(self, root: bytes) -> None:
        """Drop an older version; its place in the line stays. Raises NotFound, BadArgument for the current one."""
        index = self._store.index

        async with _Turn(self._turn) as turn:
            if root not in index.roots:
                raise NotFound(f"no file {root.hex()}")
            if index.is_current(root):
                raise BadArgument("the current version goes only with the file")
            await turn.until(
                self._store.committer.submit(ops.encode_op(ops.FORGET, root), lambda: index.forget_version(root))
            )

    async def remove(self, root: bytes) -> list[ops.Root]:
        """Drop a file with all its versions; what it was. Raises NotFound."""
        index = self._store.index
        async with _Turn(self._turn) as turn:
            if root not in index.roots:
                raise NotFound(f"no file {root.hex()}")
            members = [index.roots[member] for member in index.members(root)]
            contents = {(known.h_file, known.name, known.media_type): known.bid for known in members}
            for key, bid in contents.items():  # from now on an equal put is a new one
                if index.by_content.get(key) == bid:
                    del index.by_content[key]
            try:
                operation = ops.encode_op(ops.REMOVE, root)
                await turn.until(self._store.committer.submit(operation, lambda: index.remove_line(root)))
            except BaseException:
                for key, bid in contents.items():
                    if bid in index.roots and index.roots[bid].link is None:
                        index.by_content.setdefault(key, bid)
                raise
            return members

    def _submit(self, root: ops.Root, steps: list[SignedHead], on_end: Callable[[], None]) -> Future[None]:
        index = self._store.index
        known = index.roots.get(root.bid)
        # One that heals a damaged root (``Index.add_root``) is said again, or the next open finds the damaged one.
        is_kept = known is not None and (known is root or all(number in index.entries for number in known.numbers()))
        packed = [] if is_kept else [root.pack()]
        packed += [ops.encode_op(ops.HEAD, step.head.line, step.pack()) for step in steps]

        def apply() -> None:
            index.add_root(root)
            for step in steps:
                index.add_head(step.head.line, step)

        operation = packed[0] if len(packed) == 1 else ops.encode_op(ops.TOGETHER, packed)
        done = self._store.committer.submit(operation if packed else root.pack(), apply)
        done.on_done(on_end)
        return done

    async def _steps(self, replaces: bytes, root: bytes, time_ms: int | None) -> list[SignedHead]:
        """The heads to add so that ``root`` follows what ``replaces`` is at: two where ``replaces`` is a line of one."""
        store, index = self._store, self._store.index
        line_id = index.line_of.get(replaces)
        line = list(index.lines[line_id]) if line_id is not None else []
        if len(line) >= VERSIONS_MAX:
            raise LimitExceeded(f"a file of {len(line)} versions takes no more")
        begun = len(line)
        if line_id is None:
            line_id = store.ports.entropy.random(len(heads.NO_HEAD))
            line.append(await self._sign(line, line_id, replaces, index.roots[replaces].time_ms))
        line.append(await self._sign(line, line_id, root, store.wall_ms() if time_ms is None else time_ms))
        return line[begun:]

    async def _sign(self, line: list[SignedHead], line_id: bytes, root: bytes, time_ms: int) -> SignedHead:
        store = self._store
        if not self._pub:
            self._pub = (await SignHead(store.head_seed, heads.PREFIX))[:32]
        head = heads.following(line, self._pub, line_id, root, time_ms, store.ports.hashes.hash)
        data = heads.encode(head)
        signed = await SignHead(store.head_seed, heads.PREFIX + data)
        return SignedHead(head, data, signed[32:])

    # --- looking ------------------------------------------------------------------------------------------------------

    def versions(self, root: bytes) -> list[Version]:
        """Every version of a root's line, newest first. Raises NotFound."""
        index = self._store.index
        if root not in index.roots:
            raise NotFound(f"no file {root.hex()}")
        steps = [(step.head.root, step.head.seq, step.head.time_ms) for step in index.versions(root)]
        rows: list[Version] = []
        for bid, seq, time_ms in reversed(steps or [(root, 1, index.roots[root].time_ms)]):
            known = index.roots[bid]
            rows.append(Version(bid, seq, time_ms, known.size, known.stored, known.name, current=not rows))
        return rows

    def damage(self) -> list[str]:
        """What is wrong with the chains of heads, in sentences. O(heads)."""
        broken = 0
        for line in self._store.index.lines.values():
            try:
                heads.check_line(line, self._store.ports.hashes.hash)
            except InosError:
                broken += 1
        return [f"the histories of {broken} files have gaps"] if broken else []

    async def forged(self) -> list[bytes]:
        """Current roots of lines with a head that is not signed by the key it names, or of another key than this vault's."""
        found = []
        for line in list(self._store.index.lines.values()):
            for step in line:
                if not await is_signed(step):
                    found.append(line[-1].head.root)
                    break
        return found


async def is_signed(step: SignedHead) -> bool:
    """Whether a head's signature is its key's."""
    return await Verify(step.head.pub, step.signature, heads.signed_bytes(step))


class _Turn:
    """A turn that ends with the block, or, where ``until`` was awaited, when that is done: also if the waiting is cancelled."""

    def __init__(self, turns: Semaphore) -> None:
        self._turns = turns
        self._until: Future[None] | None = None

    async def __aenter__(self) -> Self:
        await self._turns.acquire()
        return self

    async def until(self, done: Future[None]) -> None:
        """Wait, and give the turn back only after."""
        self._until = done
        await done

    async def __aexit__(self, *_: object) -> None:
        if self._until is None:
            self._turns.release()
        else:
            self._until.on_done(self._turns.release)


def _nothing() -> None:
    """Somebody else has taken care of it."""
