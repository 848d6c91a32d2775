"""The rooms a node is in, by the name of what each is for.

Nouns: a *name* is a link's root, or the id of a grant. Invariant: no more rooms than the server gives one socket; the newest and
the needed stay. Must not know: what anybody does in a room.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import limits
from inos.links.links import Links
from inos.links.rooms import room_of
from inos.ports import Hashes


class Joined:
    """Rooms by name. ``is_needed``: whether leaving that one would end something."""

    def __init__(self, hashes: Hashes, links: Links, is_needed: Callable[[bytes], bool]) -> None:
        self._hashes = hashes
        self._links = links
        self._is_needed = is_needed
        self.rooms: dict[bytes, bytes] = {}  # name -> room id; oldest first

    def join(self, name: bytes, secret: bytes, now: float) -> bytes:
        """Enter, or stay as the newest; the room's id."""
        room_id = self.rooms.pop(name, None)
        if room_id is None:
            room_id = room_of(self._hashes, secret).room_id
            others = [joined for joined in self.rooms if not self._is_needed(joined)]
            if len(self.rooms) >= limits.ROOMS_PER_SOCKET_MAX and others:
                self.leave(others[0], now)
        self.rooms[name] = room_id
        return self._links.join(secret, now)

    def leave(self, name: bytes, now: float) -> None:
        """Leave, where we are in."""
        room_id = self.rooms.pop(name, None)
        if room_id is not None:
            self._links.leave(room_id, now)

    def want(self, name: bytes, wanting: bool, now: float) -> None:
        """Say in that room whether we lack bytes that others may have."""
        room_id = self.rooms.get(name)
        if room_id is not None:
            self._links.set_wanting(room_id, wanting, now)
