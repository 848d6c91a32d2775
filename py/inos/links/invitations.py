"""Joining without any third party: an offer as a text, which somebody carries to the newcomer, and the answer as a text back.

Nouns: an *invitation* is a room's secret and an offer to whoever has the text; a *reply* is the answer to it.

Theory of operation. Two browsers need each other's addresses and keys before anything can pass between them, so without a third
party two texts must be carried, there and back; one cannot do. From the first link on the newcomer meets everybody else
through the mesh. The texts hold what signals hold otherwise: signed, sealed for the room.

Invariants: an invitation is good for one newcomer, and for INVITATION_S; a reply is sealed, so it gives nobody the room. At most
INVITATIONS_MAX wait at once.

Must not know: how texts look, who carries them.
"""

from __future__ import annotations

from inos import limits
from inos.errors import Busy, NotFound, PeerGone, PeerStalled, ProtocolViolation
from inos.links.channels import Slot
from inos.links.identity import KEY_PART_BYTES
from inos.links.links import Links
from inos.links.liveness import LOOK_INTERVAL_S
from inos.links.rooms import Room
from inos.tasks import Future, Tasks
from inos.wire.fields import NOBODY
from inos.wire.messages import Answer, Offer


class TextPath:
    """Carries one attempt's signals as texts; see ``paths.Path``."""

    patience_s = limits.INVITATION_S

    def __init__(self, links: Links, room: Room) -> None:
        self._links = links
        self._room = room
        self.payload: Future[bytes] = Future()
        self.nonce = b""

    async def offer(self, slot: Slot, offer: Offer) -> None:
        """Hand out an invitation; the answer comes to ``Invitations.take``."""
        self.nonce = offer.nonce
        self.payload.set(await self._links.sealer.seal(self._room, offer))

    async def answer(self, slot: Slot, answer: Answer) -> None:
        """Hand out a reply."""
        self.payload.set(await self._links.sealer.seal(self._room, answer))


class Invitations:
    """Ours that wait for their replies, and replies that we made."""

    def __init__(self, tasks: Tasks, links: Links) -> None:
        self._tasks = tasks
        self._links = links
        self._waiting: dict[bytes, tuple[Slot, Room]] = {}  # by the offer's nonce

    async def invite(self, room: Room) -> bytes:
        """The payload of an invitation into a room. Raises Busy, PeerGone."""
        if len(self._waiting) >= limits.INVITATIONS_MAX:
            raise Busy(f"{limits.INVITATIONS_MAX} invitations wait for their replies")
        path = TextPath(self._links, room)
        slot = self._links.dialer.invite(room, path)
        if slot is None:
            raise Busy("too many attempts")
        payload = await self._payload(slot, path)
        self._waiting[path.nonce] = (slot, room)
        slot.up.on_done(lambda: self._waiting.__delitem__(path.nonce))
        return payload

    async def answer(self, room: Room, payload: bytes) -> bytes:
        """The payload of the reply to an invitation. Raises ProtocolViolation (too old, or our own), CorruptError, Busy."""
        offer = await self._links.sealer.open(room, payload, window_s=limits.INVITATION_S)
        if not isinstance(offer, Offer) or offer.to != NOBODY:
            raise ProtocolViolation("this is no invitation")
        path = TextPath(self._links, room)
        slot = self._links.dialer.answer_invitation(offer, room, path)
        if slot is None:
            raise Busy("too many attempts")
        return await self._payload(slot, path)

    async def take(self, payload: bytes) -> bytes:
        """The reply to one of our invitations came: connect; the newcomer's session. Raises NotFound, PeerStalled."""
        for room in {room.room_id: room for _, room in self._waiting.values()}.values():
            answer = await self._links.sealer.open(room, payload, window_s=limits.INVITATION_S)
            slot, _ = self._waiting.get(answer.offer, (None, None)) if isinstance(answer, Answer) else (None, None)
            if slot is None or not slot.is_pending or slot.answer.done or not isinstance(answer, Answer):
                continue
            slot.session, slot.public_key = answer.sender, answer.public_key
            slot.answer.set(answer.sdp)
            await self._up(slot, answer, room)
            return answer.sender
        raise NotFound("no invitation of this node waits for this reply: it may be too old, or used")

    async def _up(self, slot: Slot, answer: Answer, room: Room) -> None:
        """Until there is a link: this one, or one that comes about another way meanwhile, which may have ended this attempt."""
        key = answer.sender[:KEY_PART_BYTES]
        until = self._tasks.now + limits.DIAL_TIMEOUT_S + limits.AUTH_TIMEOUT_S
        while not any(peer_id.startswith(key) and room.room_id in rooms for _, peer_id, rooms in self._links.peers()):
            is_over = self._tasks.now >= until
            if slot.up.done:
                try:
                    return slot.up.result()
                except (PeerGone, PeerStalled):
                    if is_over:
                        raise
            elif is_over:
                raise PeerStalled("no connection in time")
            await self._tasks.wait(Future[None]() if slot.up.done else slot.up, LOOK_INTERVAL_S)
        return None

    async def _payload(self, slot: Slot, path: TextPath) -> bytes:
        slot.up.on_done(lambda: path.payload.fail(PeerGone("the attempt ended")))
        return await path.payload
