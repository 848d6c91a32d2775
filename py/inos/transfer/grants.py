"""Grants: what a revocable link leads to, asked of whoever made it, and answered by them.

Nouns: a *grant* is a capability sealed as a block of kind 3 under the link's own key; its *owner* made the link.

Invariants: an answer counts only from the owner, whom the grant's id names (``is_owner``): others who have the link have its
key too, and could seal what they like. The block's salt comes from its contents, so a grant that is sealed again is the same.
Must not know: rooms, or where grants are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from inos.errors import InosError, LinkRevoked, MalformedInner, NoPeers, NotFound
from inos.limits import GRANT_BYTES_MAX
from inos.ports import KIND_INDEX, Arena, Keys, Open, Seal
from inos.tasks import Future, Semaphore, Tasks
from inos.transfer.needs import Capability, Link, Wire
from inos.wire import cbor
from inos.wire.messages import AskGrant, Grant, Revoked

ASK_AGAIN_S = 5.0  # an owner who had no memory for an answer says nothing
SLOTS_MAX = 4  # key slots at once; there are 64 for the whole node
_VERSION = 1


class Kept(Protocol):
    """A grant of our own."""

    @property
    def key(self) -> bytes:
        """Its link's."""

    @property
    def root(self) -> bytes:
        """What it gives out."""

    @property
    def revoked(self) -> bool:
        """Whether it does so no more."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A capability that a grant held."""

    bid: bytes
    secret: bytes = field(repr=False)


@dataclass(eq=False, slots=True)
class _Asking:
    """Somebody waits for a grant. ``answer`` is the sealed grant, or None when it was revoked."""

    id: bytes
    key: bytes
    room_id: bytes
    answer: Future[bytes | None] = field(default_factory=Future)


class Grants:
    """Both sides. ``kept`` finds our own; ``capability_of`` says what a root is given out by (NotFound)."""

    def __init__(
        self,
        tasks: Tasks,
        arena: Arena,
        keys: Keys,
        wire: Wire,
        kept: Callable[[bytes], Kept | None],
        capability_of: Callable[[bytes], Capability],
        is_owner: Callable[[bytes, bytes, bytes], bool],
    ) -> None:
        self._tasks = tasks
        self._arena = arena
        self._keys = keys
        self._wire = wire
        self._kept = kept
        self._capability_of = capability_of
        self._is_owner = is_owner
        self._slots = Semaphore(SLOTS_MAX)
        self._peers: dict[Link, tuple[bytes, frozenset[bytes]]] = {}
        self._asking: list[_Asking] = []

    # --- who is there -------------------------------------------------------------------------------------------------

    def on_peer_up(self, link: Link, peer_id: bytes, rooms: frozenset[bytes]) -> None:
        """Somebody is here, or proved one more room."""
        before = self._peers.get(link, (peer_id, frozenset[bytes]()))[1]
        self._peers[link] = (peer_id, rooms)
        for asking in self._asking:
            if asking.room_id in rooms - before:
                self._wire.send(link, AskGrant(asking.id))

    def on_peer_gone(self, link: Link) -> None:
        """Somebody left."""
        self._peers.pop(link, None)

    # --- owner --------------------------------------------------------------------------------------------------------

    def on_ask(self, link: Link, grant_id: bytes) -> None:
        """Somebody has the link. Of a link that is not ours nothing is said: its owner may be here too."""
        kept = self._kept(grant_id)
        if kept is None:
            return
        if kept.revoked:
            self._wire.send(link, Revoked(grant_id))
        else:
            self._tasks.spawn(self._answer(link, grant_id, kept), "answer for a grant")

    async def _answer(self, link: Link, grant_id: bytes, kept: Kept) -> None:
        try:
            sealed = await self._seal(kept.key, self._capability_of(kept.root))
        except NotFound:
            sealed = None
        except InosError:
            return  # no memory now: the asker comes again
        if sealed is None or kept.revoked:  # meanwhile
            self._wire.send(link, Revoked(grant_id))
        else:
            self._wire.send(link, Grant(grant_id, sealed))

    async def _seal(self, key: bytes, capability: Capability) -> bytes:
        plain = cbor.encode([_VERSION, capability.bid, capability.secret])
        await self._slots.acquire()
        slot = -1
        span = None
        try:
            slot = self._keys.open(key)
            span = self._arena.alloc(len(plain))
            self._arena.write(span, plain)
            sealed = await Seal(span, KIND_INDEX, 0, slot, urgent=True)
        finally:
            self._give_back(slot)
            if span is not None:
                self._arena.release(span)
        try:
            return self._arena.read(sealed.block)
        finally:
            self._arena.release(sealed.block)

    # --- asker --------------------------------------------------------------------------------------------------------

    async def ask(self, grant_id: bytes, key: bytes, room_id: bytes, timeout_s: float | None) -> Granted:
        """What the grant holds, from its owner, as soon as they are in the room.

        Raises LinkRevoked, NoPeers after ``timeout_s`` (None waits for ever), CorruptError for what is no grant.
        """
        asking = _Asking(grant_id, key, room_id)
        until = None if timeout_s is None else self._tasks.now + timeout_s
        self._asking.append(asking)
        try:
            while True:
                for link, (_, rooms) in list(self._peers.items()):
                    if room_id in rooms:
                        self._wire.send(link, AskGrant(grant_id))
                left_s = ASK_AGAIN_S if until is None else min(ASK_AGAIN_S, until - self._tasks.now)
                if left_s <= 0:
                    raise NoPeers("whoever made the link is not online")
                if await self._tasks.wait(asking.answer, left_s):
                    break
            sealed = asking.answer.result()
        finally:
            self._asking.remove(asking)
        if sealed is None:
            raise LinkRevoked("whoever made the link withdrew it")
        return await self._open(key, sealed)

    def is_asking(self, grant_id: bytes) -> bool:
        """Whether somebody waits for this grant."""
        return any(asking.id == grant_id for asking in self._asking)

    def on_answer(self, link: Link, message: Grant | Revoked) -> None:
        """Only what the owner says counts; anybody else's answer may be an honest mistake of a later version."""
        peer = self._peers.get(link)
        for asking in self._asking:
            if asking.id != message.id or asking.answer.done or peer is None:
                continue
            if self._is_owner(asking.key, peer[0], asking.id):
                asking.answer.set(message.sealed if isinstance(message, Grant) else None)

    async def _open(self, key: bytes, sealed: bytes) -> Granted:
        await self._slots.acquire()
        slot = -1
        span = None
        try:
            slot = self._keys.open(key)
            span = self._arena.alloc(len(sealed))
            self._arena.write(span, sealed)
            opened = await Open(span, KIND_INDEX, keys=slot, raw_len_max=GRANT_BYTES_MAX, urgent=True)
        finally:
            self._give_back(slot)
            if span is not None:
                self._arena.release(span)
        assert opened.raw is not None
        try:
            return _granted(self._arena.read(opened.raw))
        finally:
            self._arena.release(opened.raw)

    def _give_back(self, slot: int) -> None:
        if slot >= 0:
            self._keys.close(slot)
        self._slots.release()


def _granted(plain: bytes) -> Granted:
    fields = cbor.decode(plain, error=MalformedInner)
    if type(fields) is not list or len(fields) != 3 or fields[0] != _VERSION:
        raise MalformedInner("a grant of another form")
    if any(type(part) is not bytes or len(part) != 32 for part in fields[1:]):
        raise MalformedInner("a grant's fields")
    return Granted(fields[1], fields[2])
