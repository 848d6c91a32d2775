"""Links as the mesh sees them: one link a peer, in one room; dialled through the mesh itself, or through the rendezvous.

Nouns: the *sponsor* is the mesh, which is told what becomes of links; a link is *ours* while both ends have proved the room.

Theory of operation. Of two nodes the one with the lower session offers (``dialer``). The lower one routes an offer to the
other and gets the answer back; the higher one routes an Announce, upon which the lower dials. Who has a link for a file
already shows a RoomProof over it instead. Few links: the rendezvous is asked as well; two links: it is left alone, until somebody
cannot be reached through the mesh (which has split, then): the same signals go through the server.

Invariants: a dial ends in on_link_up or on_dial_failed, once; a link that ends, or leaves the room, is told once. Giving up a
link in this room ends it only if nothing else needs it. Without X25519 nothing goes in-band, and what comes is not answered.

Must not know: who is dialled and why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from inos import limits
from inos.errors import Busy, InosError, PeerGone, PeerStalled, ProtocolViolation, Unsupported
from inos.links import commands
from inos.links.commands import LinkEvent, LinkId
from inos.links.links import Links
from inos.links.paths import Pairs, ReplyPath, RoutedPath
from inos.links.room_links import RoomLinks
from inos.links.rooms import room_of
from inos.membership.carrier import Heard
from inos.ports import BoxKey, Ports
from inos.tasks import Future, Tasks
from inos.wire.fields import SESSION_BYTES
from inos.wire.membership import Contact
from inos.wire.messages import Announce, Mesh, Offer

LINKS_ENOUGH = 2  # with as many the rendezvous is not needed
NO_BOX_KEY = bytes(32)
HEARD_YOU = b"\1"  # to an Announce; the dial itself is the answer


class Sponsor(Protocol):
    """What is told of links: ``inos.mesh.Mesh``."""

    def on_link_up(self, peer_id: bytes, now: float) -> None:
        """A link in the room."""

    def on_link_down(self, peer_id: bytes, cause: str, now: float) -> None:
        """It ended."""

    def on_dial_failed(self, peer_id: bytes, now: float) -> None:
        """What was asked for did not come about."""

    def signal(self, peer_id: bytes, payload: bytes) -> Future[bytes]:
        """Route bytes to a peer; its answer."""


class LinkCarrier:
    """Implements ``inos.membership.carrier.Carrier`` on links."""

    def __init__(self, tasks: Tasks, ports: Ports, links: Links, secret: bytes, wall_ms: Callable[[], int]) -> None:
        self._tasks = tasks
        self._ports = ports
        self._links = links
        self._secret = secret
        self._wall_ms = wall_ms
        self.room = room_of(ports.hashes, secret)
        self.here = RoomLinks(links, self.room)
        self.box_key = NO_BOX_KEY
        self._pairs: Pairs | None = None
        self._sponsor: Sponsor | None = None
        self._up: dict[bytes, LinkId] = {}
        self._dialling: dict[bytes, Future[None]] = {}
        self._causes: dict[bytes, str] = {}  # why we ended a link ourselves
        self.dials = 0
        self.dials_failed = 0

    # --- life ---------------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Make this run's key; without one nothing goes in-band."""
        try:
            self.box_key = await BoxKey()
        except Unsupported:
            return
        self._pairs = Pairs(self._ports.hashes, self.room, self.box_key)

    def start(self, sponsor: Sponsor, now: float) -> None:
        """Enter the room, and tell the mesh from now on."""
        self._sponsor = sponsor
        self._links.join(self._secret, now, sparing=True)
        self.here.wake(now)

    def stop(self, now: float) -> None:
        """Leave the room, and its links."""
        self._sponsor = None
        self._links.leave(self.room.room_id, now)
        for link in self._up.values():
            self.here.leave(link)
        self._up.clear()

    # --- Carrier ------------------------------------------------------------------------------------------------------

    def send(self, peer_id: bytes, message: Mesh) -> bool:
        """See ``Carrier``."""
        link = self._up.get(peer_id)
        if link is None or not self._links.is_up(link):
            return False
        row = self._links.row(link)
        if row is not None and row.control_queued > limits.MESH_QUEUE_BYTES_MAX:
            return False
        self._links.send(link, message)
        return True

    def dial(self, contact: Contact, also: bytes | None = None) -> None:
        """See ``Carrier``. ``also``: a further room to prove once there is a link."""
        peer_id = self._ports.hashes.hash(contact.public_key)
        link = self._up.get(peer_id)
        if link is not None and also is not None:
            self.here.prove(link, also)
        if link is None and peer_id not in self._dialling:
            self._dialling[peer_id] = Future()
            self._tasks.spawn(self._dial(peer_id, contact, also), "dial")

    def hang_up(self, peer_id: bytes, cause: str) -> None:
        """See ``Carrier``."""
        link = self._up.get(peer_id)
        if link is None:
            return
        self._causes[peer_id] = cause
        if cause in ("spare", "full"):
            self.here.leave(link)
        else:
            self._links.drop(link, ProtocolViolation(cause) if cause == ProtocolViolation.__name__ else PeerGone(cause))

    def heard(self, peer_id: bytes) -> Heard | None:
        """See ``Carrier``."""
        link = self._up.get(peer_id)
        row = self._links.row(link) if link is not None else None
        return Heard(row.last_heard_s, row.rtt_s, row.brain_age_s) if row is not None else None

    def pace(self, peer_id: bytes, interval_ms: int) -> None:
        """See ``Carrier``."""
        link = self._up.get(peer_id)
        if link is not None:
            self.here.pace(link, interval_ms)

    # --- what links tell ----------------------------------------------------------------------------------------------

    def is_link_with(self, link: LinkId, peer_id: bytes) -> bool:
        """Whether this is the link that the mesh has with this peer."""
        return self._up.get(peer_id) == link

    def links(self) -> set[LinkId]:
        """The mesh's links."""
        return set(self._up.values())

    def on_event(self, event: LinkEvent, now: float) -> None:
        """A link came, changed or ended."""
        if isinstance(event, commands.PeerUp | commands.PeerRooms):
            self._on_rooms(event, now)
        elif isinstance(event, commands.PeerDown) and self._up.get(event.peer_id) == event.link:
            self._on_down(event.peer_id, event.cause, now)

    def _on_rooms(self, event: commands.PeerUp | commands.PeerRooms, now: float) -> None:
        sponsor, known = self._sponsor, self._up.get(event.peer_id)
        if sponsor is None:
            return
        if self.room.room_id not in event.rooms:
            if known == event.link:
                self._on_down(event.peer_id, "spare", now)
            return
        if known == event.link:
            return
        if known is not None:
            self._on_down(event.peer_id, "replaced", now)
        self._up[event.peer_id] = event.link
        waiting = self._dialling.get(event.peer_id)
        if waiting is not None:
            waiting.set(None)
        self._see_to_rendezvous(now)
        sponsor.on_link_up(event.peer_id, now)

    def _on_down(self, peer_id: bytes, cause: str, now: float) -> None:
        del self._up[peer_id]
        self._see_to_rendezvous(now)
        if self._sponsor is not None:
            self._sponsor.on_link_down(peer_id, self._causes.pop(peer_id, cause), now)

    def _see_to_rendezvous(self, now: float) -> None:
        if len(self._up) < LINKS_ENOUGH:
            self.here.wake(now)
        else:
            self.here.doze(now)

    # --- dialling -----------------------------------------------------------------------------------------------------

    async def _dial(self, peer_id: bytes, contact: Contact, also: bytes | None) -> None:
        linked = self._dialling[peer_id]
        self.dials += 1
        try:
            have = self.here.with_peer(peer_id)
            if have is not None:
                self.here.prove(have, self.room.room_id)
            else:
                try:
                    await self._negotiate(peer_id, contact, linked)
                except (PeerGone, Unsupported):
                    await self._meet(contact, linked)
            await self._tasks.wait(linked, limits.DIAL_TIMEOUT_S)
        except InosError:
            pass  # it is told below
        finally:
            del self._dialling[peer_id]
        link = self._up.get(peer_id)
        if link is not None and also is not None:
            self.here.prove(link, also)
        if link is None and self._sponsor is not None:
            self.dials_failed += 1
            self._sponsor.on_dial_failed(peer_id, self._tasks.now)

    async def _negotiate(self, peer_id: bytes, contact: Contact, linked: Future[None]) -> None:
        """Bring about that one of us dials. Raises InosError."""
        if self._pairs is None or contact.box_key == NO_BOX_KEY:
            raise Unsupported("no in-band signals with this peer")
        pair = await self._pairs.with_key(contact.box_key)
        sponsor = self._sponsor
        if sponsor is None:
            raise PeerGone("left the room")
        if self._links.identity.session < contact.session:
            path = RoutedPath(self._links.sealer, pair, lambda payload: sponsor.signal(peer_id, payload))
            slot = self.here.dial(contact.session, contact.public_key, path)
            if slot is None:
                raise Busy("too many attempts")
            await slot.up  # raises what ended it
            return
        own = self._links.identity
        nonce = self._ports.entropy.random(SESSION_BYTES)
        signal = Announce(own.public_key, own.session, contact.session, self._wall_ms(), nonce, wants=True)
        await sponsor.signal(peer_id, await self._links.sealer.seal(pair.out, signal))
        if not await self._tasks.wait(linked, limits.DIAL_TIMEOUT_S):
            raise PeerStalled("asked to dial, it did not")

    async def _meet(self, contact: Contact, linked: Future[None]) -> None:
        """The same through the rendezvous. Raises InosError."""
        if not self.here.can_meet():
            raise PeerGone("no way to this peer")
        if self._links.identity.session < contact.session:
            slot = self.here.dial(contact.session, contact.public_key, None)
            if slot is None:
                raise Busy("too many attempts")
            await slot.up
            return
        self.here.ask_to_dial(contact.session)
        if not await self._tasks.wait(linked, limits.DIAL_TIMEOUT_S):
            raise PeerStalled("asked to dial, it did not")

    async def on_signal(self, contact: Contact, payload: bytes) -> bytes | None:
        """A routed signal from the node of a checked contact; the answer, or None."""
        if self._pairs is None or contact.box_key == NO_BOX_KEY or self._sponsor is None:
            return None
        pair = await self._pairs.with_key(contact.box_key)
        signal = await self._links.sealer.open(pair.back, payload)
        if signal.sender != contact.session or signal.public_key != contact.public_key:
            raise ProtocolViolation("a signal in another node's name")
        if isinstance(signal, Announce):
            if self._links.identity.session < contact.session:
                self.dial(contact)
            return HEARD_YOU
        if not isinstance(signal, Offer):
            raise ProtocolViolation("an answer that is none")
        path = ReplyPath(self._links.sealer, pair)
        slot = self.here.on_offer(contact.session, contact.public_key, signal, path)
        if slot is None:
            return None
        slot.up.on_done(lambda: path.reply.fail(PeerGone("the attempt ended")))
        return await path.reply
