"""Links as a simulated mesh sees them: what ``inos.links`` and the browser's connections are in a tab.

How a dial goes: with a link to anybody, offer and answer travel through ``Mesh.signal``, as routed messages of the very mesh
that is tested (the offer is a token; its content is `inos.links`' business); without one, through the rendezvous server, which is
counted. Where the world's ``server_heals``, what the mesh does not carry goes through the server as well: two halves that have
no link between them have no other way. Then the connection's round trips pass, and both ends have their link; or time runs out.

Invariants: between two nodes there is at most one link, whoever dials; each end is told once that it is up, and once that it
is down. An end that hears nothing for SILENT_LINK_S is closed, as by the network worker. Must not know: why links are made.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from inos import limits
from inos.errors import InosError
from inos.membership.carrier import Heard
from inos.tasks import Future
from inos.wire.membership import Contact
from inos.wire.messages import Mesh as Message
from inos_sim.mesh.network import LinkEnd

if TYPE_CHECKING:
    from inos_sim.mesh.node import Node
    from inos_sim.mesh.world import World

SILENT_LINK_S = 9.0
CONNECT_ROUND_TRIPS = 1.5 + 2.0 + 1.0  # ICE; DTLS and SCTP; HELLO and AUTH
CONNECT_S = 0.05  # what browsers and signatures take, both ends together
SERVER_S = 0.1  # offer and answer through a rendezvous server
DIAL_TOKEN = b"dial"


class SimCarrier:
    """One node's links. Implements ``inos.membership.carrier.Carrier``."""

    __slots__ = ("_node", "_world", "dialling", "links", "opened")

    def __init__(self, world: World, node: Node) -> None:
        self._world = world
        self._node = node
        self.links: dict[bytes, LinkEnd] = {}
        self.dialling: dict[bytes, float] | None = None  # since when
        self.opened = 0  # links, ever

    # --- for the mesh -----------------------------------------------------------------------------------------------------

    def send(self, peer_id: bytes, message: Message) -> bool:
        """Send; False when there is no link, or its queue is full."""
        end = self.links.get(peer_id)
        return end is not None and self._world.send(end, message)

    def dial(self, contact: Contact) -> None:
        """Make a link."""
        peer_id = self._world.peer_id_of(contact.public_key)
        if self.dialling is None:
            self.dialling = {}
        if peer_id in self.links or peer_id in self.dialling:
            return
        clock = self._world.clock
        self.dialling[peer_id] = clock.now
        clock.after(limits.DIAL_TIMEOUT_S, self._give_up, peer_id, clock.now)
        if not self.links:
            self._through_server(peer_id)
            return
        offer = DIAL_TOKEN + self._world.entropy.random(8)
        future = self._node.mesh.signal(peer_id, offer)
        future.on_done(partial(self._signalled, peer_id, clock.now, future))

    def hang_up(self, peer_id: bytes, cause: str) -> None:
        """End a link."""
        end = self.links.pop(peer_id, None)
        if end is None:
            return
        end.up = False
        network, clock = self._world.network, self._world.clock
        clock.after(0.0, self._node.link_down, peer_id, cause)
        if network.is_open(end.node, end.peer):
            clock.at(max(clock.now + end.delay_s, end.arrives_s), end.peer.carrier.closed, end.back, "closed")

    def heard(self, peer_id: bytes) -> Heard | None:
        """What was measured; None without a link."""
        end = self.links.get(peer_id)
        return None if end is None else self._world.network.heard(end)

    def pace(self, peer_id: bytes, interval_ms: int) -> None:
        """How often to ping."""
        end = self.links.get(peer_id)
        if end is not None:
            self._world.network.pace(end, interval_ms / 1_000)

    # --- for the world ------------------------------------------------------------------------------------------------------

    def closed(self, end: LinkEnd, cause: str) -> None:
        """The other end has closed, or has been silent for too long."""
        if end.up:
            end.up = False
            del self.links[end.peer.peer_id]
            self._node.link_down(end.peer.peer_id, cause)

    def watch(self, end: LinkEnd) -> None:
        """Its path is cut: close this end if nothing is heard for too long."""
        self._world.clock.after(SILENT_LINK_S, self._silent, end)

    # --- inside ---------------------------------------------------------------------------------------------------------------

    def _silent(self, end: LinkEnd) -> None:
        if end.up and not end.is_open and end.heard_s + SILENT_LINK_S <= self._world.clock.now + 1e-9:
            self.closed(end, "silent")

    def _signalled(self, peer_id: bytes, began_s: float, future: Future[bytes]) -> None:
        try:
            answer = future.result()
        except InosError:
            if self._world.server_heals:
                self._through_server(peer_id)
            else:
                self._world.clock.after(0.0, self._give_up, peer_id, began_s)
            return
        if answer == DIAL_TOKEN:
            self._answered(peer_id)

    def _through_server(self, peer_id: bytes) -> None:
        self._node.server_calls += 1
        self._world.clock.after(SERVER_S, self._answered, peer_id)

    def _answered(self, peer_id: bytes) -> None:
        """Offer and answer are exchanged: now both sides connect."""
        peer = self._world.by_id.get(peer_id)
        if peer is None or not self._world.can_connect(self._node, peer):
            return
        rtt_s = 2 * self._world.network.delay_s(self._node, peer)
        self._world.clock.after(CONNECT_S + CONNECT_ROUND_TRIPS * rtt_s, self._connected, peer)

    def _connected(self, peer: Node) -> None:
        node = self._node
        if peer.peer_id in self.links or self.dialling is None or peer.peer_id not in self.dialling:
            return
        if not self._world.network.is_open(node, peer) or node.peer_id in peer.carrier.links:
            return
        if max(len(self.links), len(peer.carrier.links)) >= limits.MESH_LINKS_MAX:
            return
        end = self._world.network.join(node, peer)
        for side in (end, end.back):
            side.node.carrier.took(side)
        node.link_up(peer.peer_id)
        peer.link_up(node.peer_id)

    def took(self, end: LinkEnd) -> None:
        """A connection is made: this is our end."""
        peer_id = end.peer.peer_id
        assert peer_id not in self.links
        self.links[peer_id] = end
        self.opened += 1
        if self.dialling is not None:
            self.dialling.pop(peer_id, None)

    def _give_up(self, peer_id: bytes, began_s: float) -> None:
        if self.dialling is not None and self.dialling.get(peer_id) == began_s:
            del self.dialling[peer_id]
            self._node.dial_failed(peer_id)
