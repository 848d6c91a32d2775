"""Room proofs: one link serves every room that both ends know, without a second connection.

Nouns: a *proof* is a MAC under a room's key over the link's binding; see ``inos.links.handshake``.

Invariants: a room is proven only to a session that announced itself there; a wrong proof is a broken protocol. A link
that does not answer our proof in PROOF_TIMEOUT_S loses its claim to its session, and the session is dialled like any other.

Must not know: why a link is needed.
"""

from __future__ import annotations

from collections.abc import Callable

from inos.errors import ProtocolViolation
from inos.links.channels import Slot
from inos.links.handshake import room_proof_mac
from inos.links.rendezvous import Contact, Rendezvous
from inos.links.rooms import Room
from inos.ports import Hashes
from inos.tasks import Tasks
from inos.wire.messages import Control, RoomProof

PROOF_TIMEOUT_S = 10.0


class Proofs:
    """Shows and checks room proofs on links."""

    def __init__(
        self, tasks: Tasks, hashes: Hashes, rendezvous: Rendezvous, send: Callable[[Slot, Control], None]
    ) -> None:
        self._tasks = tasks
        self._hashes = hashes
        self._rendezvous = rendezvous
        self._send = send

    def show(self, slot: Slot, contact: Contact) -> None:
        """Prove the rooms in which the link's session was met; doubt a session that does not do the same."""
        for room_id in contact.rooms:
            member = self._rendezvous.rooms.get(room_id)
            if member is None or room_id in slot.rooms or (member.sparing and not member.wanting):
                continue
            sent_at = slot.proofs_sent.get(room_id)
            if sent_at is None:
                self.prove(slot, member.room)
            elif self._tasks.now - sent_at > PROOF_TIMEOUT_S:
                slot.session = None

    def on_proof(self, slot: Slot, proof: RoomProof) -> bool:
        """The peer shows one; whether the link serves a further room now. Raises ProtocolViolation."""
        member = self._rendezvous.rooms.get(proof.room_id)
        if member is None or proof.room_id in slot.rooms:
            return False  # left meanwhile, or said twice
        room = member.room
        if proof.mac != room_proof_mac(self._hashes, room, offering=not slot.offering, binding=slot.binding):
            raise ProtocolViolation("room proof does not verify")
        slot.rooms.add(room.room_id)
        if room.room_id not in slot.proofs_sent:
            self.prove(slot, room)
        return True

    def prove(self, slot: Slot, room: Room) -> None:
        """Show that we know the room."""
        slot.proofs_sent[room.room_id] = self._tasks.now
        mac = room_proof_mac(self._hashes, room, offering=slot.offering, binding=slot.binding)
        self._send(slot, RoomProof(room.room_id, mac))
