"""Links from inside one sparing room, the mesh's: its place at the rendezvous, and links that serve it or cease to.

A friend of ``Links``: it works on the same slots and the same rendezvous. Invariants: a link ends with the last of its rooms;
what goes through the server here is counted and bounded (``rendezvous``). Must not know: who is dialled and why.
"""

from __future__ import annotations

from inos.links import commands
from inos.links.channels import Slot, State
from inos.links.commands import LinkId
from inos.links.links import Links
from inos.links.paths import Path
from inos.links.rendezvous import MEET_MEMBERS_KEPT, Contact, Membership
from inos.links.rooms import Room
from inos.wire.messages import Leave, Offer


class RoomLinks:
    """One room of a node."""

    def __init__(self, links: Links, room: Room) -> None:
        self._links = links
        self.room = room

    # --- at the rendezvous --------------------------------------------------------------------------------------------

    def doze(self, now: float) -> None:
        """We have links enough: want nothing of the server, and give our place there to others if the room is full."""
        self._links.set_wanting(self.room.room_id, wanting=False, now=now)
        member = self._member()
        if member is not None and not member.dormant and member.members > MEET_MEMBERS_KEPT:
            member.dormant, member.joined = True, False
            self._links._emit(commands.LeaveRoom(self.room.room_id))

    def wake(self, now: float) -> None:
        """We need links: seek them through the server."""
        member = self._member()
        if member is not None and member.dormant:
            member.dormant = False
            self._links._emit(commands.JoinRoom(self.room.room_id))
        self._links.set_wanting(self.room.room_id, wanting=True, now=now)

    def signals_sent(self) -> int:
        """How many signals of ours went through the server."""
        member = self._member()
        return 0 if member is None else member.signals

    def can_meet(self) -> bool:
        """Whether signals can go through the server now."""
        member = self._member()
        return self._links.is_rendezvous_up and member is not None and member.joined

    def ask_to_dial(self, session: bytes) -> None:
        """Ask a session, through the server, to dial us."""
        member = self._member()
        if member is not None:
            self._links._meeting.announce(member, session, wants=True)

    # --- links --------------------------------------------------------------------------------------------------------

    def dial(self, session: bytes, public_key: bytes, path: Path | None) -> Slot | None:
        """Dial somebody over a path of the caller's, or the rendezvous; None when too many attempts are under way."""
        return self._links.dialer.dial(self._contact(session, public_key), self.room, path, wanting=True)

    def on_offer(self, session: bytes, public_key: bytes, offer: Offer, path: Path) -> Slot | None:
        """Somebody dials us over a path of the caller's."""
        return self._links.dialer.on_offer(self._contact(session, public_key), self.room, offer, path, wanting=True)

    def with_peer(self, peer_id: bytes) -> LinkId | None:
        """The authenticated link with a peer, whatever its rooms."""
        slots = self._links._channels.in_state(State.UP)
        return next((slot.link for slot in slots if slot.peer_id == peer_id), None)

    def prove(self, link: LinkId, room_id: bytes) -> None:
        """Show that we know a room that we are in; the peer does the same if it is in it."""
        slot, member = self._links._up(link), self._links._rendezvous.rooms.get(room_id)
        if slot is not None and member is not None and room_id not in slot.rooms:
            self._links._proofs.prove(slot, member.room)

    def was_on(self, link: LinkId) -> bool:
        """Whether a link has served this room, and does no more."""
        slot = self._links._up(link)
        return slot is not None and self.room.room_id in slot.rooms_before

    def leave(self, link: LinkId) -> None:
        """Use a link in this room no more. It ends with the last of its rooms."""
        slot = self._links._up(link)
        if slot is not None and self.room.room_id in slot.rooms:
            self._links._say(slot, Leave(self.room.room_id))
            self._links._forget_room(slot, self.room.room_id)

    def pace(self, link: LinkId, interval_ms: int) -> None:
        """How often the net worker pings this peer."""
        slot = self._links._up(link)
        if slot is not None:
            self._links._emit(commands.Pace(*slot.link, interval_ms))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _member(self) -> Membership | None:
        return self._links._rendezvous.rooms.get(self.room.room_id)

    def _contact(self, session: bytes, public_key: bytes) -> Contact:
        return Contact(session, public_key, self._links._tasks.now)
