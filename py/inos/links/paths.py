"""The ways an offer and its answer travel: through a room at the rendezvous, or routed through the mesh.

Nouns: a *path* carries the signals of one attempt; a *pair* is two nodes that share a secret by X25519, with one key for each
direction.

Theory of operation. The same signed signals go both ways, sealed for the room (whose members can all read them) or for the
pair (which nobody else can). A routed offer brings its answer back as the answer to the routed request.

Invariants: what travels is signed by its sender and bound to the room whichever way it goes, so that a relaying peer can
neither read nor change it; the key of a pair covers both public keys, their order and the room, so that nothing can be
reflected, or carried into another room.

Must not know: who is dialled and why.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from inos import limits
from inos.errors import Busy, InosError, ProtocolViolation
from inos.links import commands, contexts
from inos.links.channels import Slot
from inos.links.commands import Command
from inos.links.rendezvous import Rendezvous
from inos.links.rooms import Room
from inos.links.sealing import Sealer
from inos.ports import Agree, Hashes
from inos.tasks import Future
from inos.wire.messages import Answer, Offer

Route = Callable[[bytes], Future[bytes]]  # sends a payload to the peer; what it answers


class Path(Protocol):
    """Carries one attempt's signals. ``patience_s``: how long they may take."""

    patience_s: float

    async def offer(self, slot: Slot, offer: Offer) -> None:
        """Send an offer; its answer goes to ``slot.answer``."""

    async def answer(self, slot: Slot, answer: Answer) -> None:
        """Send the answer to the offer that began the attempt."""


class RoomPath:
    """Through the rendezvous; answers come back by ``Meeting``."""

    patience_s = limits.DIAL_TIMEOUT_S

    def __init__(self, sealer: Sealer, rendezvous: Rendezvous, room: Room, emit: Callable[[Command], None]) -> None:
        self._sealer = sealer
        self._rendezvous = rendezvous
        self._room = room
        self._emit = emit

    async def offer(self, slot: Slot, offer: Offer) -> None:
        """See ``Path``."""
        await self._send(slot, offer)

    async def answer(self, slot: Slot, answer: Answer) -> None:
        """See ``Path``."""
        await self._send(slot, answer)

    async def _send(self, slot: Slot, signal: Offer | Answer) -> None:
        payload = await self._sealer.seal(self._room, signal)
        if not slot.is_pending:
            return
        if not self._rendezvous.may_say(self._room.room_id, self._sealer.now):
            raise Busy("enough was said in this room for now")
        self._emit(commands.SendSignal(self._room.room_id, payload))


class Pair:
    """The two keys between us and another node in one room."""

    def __init__(self, out: Room, back: Room) -> None:
        self.out = out
        self.back = back


class Pairs:
    """Makes and remembers pairs."""

    def __init__(self, hashes: Hashes, room: Room, own_box_key: bytes) -> None:
        self._hashes = hashes
        self._room = room
        self._own = own_box_key
        self._kept: OrderedDict[bytes, Pair] = OrderedDict()

    async def with_key(self, box_key: bytes) -> Pair:
        """The keys shared with whoever has this X25519 key. Raises AuthRefused (a point of low order)."""
        pair = self._kept.get(box_key)
        if pair is None:
            shared = await Agree(box_key)
            pair = Pair(self._keys(shared, self._own, box_key), self._keys(shared, box_key, self._own))
            self._kept[box_key] = pair
            while len(self._kept) > limits.PAIRS_KEPT_MAX:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(box_key)
        return pair

    def _keys(self, shared: bytes, sender: bytes, receiver: bytes) -> Room:
        secret = self._hashes.derive(contexts.IN_BAND_SIGNALLING, shared + sender + receiver + self._room.room_id)
        return Room(self._room.room_id, secret, self._room.mac_key)


class RoutedPath:
    """Through the mesh, when we offer."""

    patience_s = limits.DIAL_TIMEOUT_S

    def __init__(self, sealer: Sealer, pair: Pair, route: Route) -> None:
        self._sealer = sealer
        self._pair = pair
        self._route = route

    async def offer(self, slot: Slot, offer: Offer) -> None:
        """See ``Path``. Raises what the route raises, ProtocolViolation."""
        payload = await self._sealer.seal(self._pair.out, offer)
        answer = await self._sealer.open(self._pair.back, await self._route(payload))
        if not isinstance(answer, Answer) or answer.offer != offer.nonce or answer.sender != offer.to:
            raise ProtocolViolation("something else than the answer to our offer")
        slot.answer.set(answer.sdp)

    async def answer(self, slot: Slot, answer: Answer) -> None:
        """Never: whoever offers does not answer."""
        raise AssertionError(slot, answer)


class ReplyPath:
    """Through the mesh, when we answer: ``reply`` is what goes back."""

    patience_s = limits.DIAL_TIMEOUT_S

    def __init__(self, sealer: Sealer, pair: Pair) -> None:
        self._sealer = sealer
        self._pair = pair
        self.reply: Future[bytes] = Future()

    async def offer(self, slot: Slot, offer: Offer) -> None:
        """Never: whoever answers does not offer."""
        raise AssertionError(slot, offer)

    async def answer(self, slot: Slot, answer: Answer) -> None:
        """See ``Path``."""
        try:
            self.reply.set(await self._sealer.seal(self._pair.out, answer))
        except InosError as error:
            self.reply.fail(error)
            raise
