"""What a rumor is named, what its author signs, and the keys that a room gives to its topics.

Nouns: a *topic id* is the topic's name hashed under the room's secret, so that it tells those who do not know the name nothing;
a *topic secret* seals what is published under it.

Invariants: the id of a rumor covers every byte that is signed, its expiry too, so that nobody can make a second rumor with the
id of a first. What is signed starts with a label of its own and the room's id, and is nothing in another room.
Must not know: who has which rumor.
"""

from __future__ import annotations

from inos import limits
from inos.errors import BadArgument
from inos.gossip import contexts
from inos.ids import ID_BYTES
from inos.ports import Hashes
from inos.wire.gossip import RUMOR_ID_BYTES, TOPIC_ID_BYTES

LABEL = b"inos gossip1\0"


class RoomKeys:
    """The names that one room gives. Holds nothing that changes: nodes of one process in one room may share it."""

    __slots__ = ("_hashes", "_rumor_ids", "_secret", "_topic_ids", "room_id")

    def __init__(self, hashes: Hashes, room_id: bytes, room_secret: bytes) -> None:
        assert len(room_id) == len(room_secret) == ID_BYTES
        self.room_id = room_id
        self._hashes = hashes
        self._secret = room_secret
        self._rumor_ids = self._topic_ids = b""  # derived when first needed

    def rumor_id(self, rumor: bytes) -> bytes:
        """The id of an encoded rumor."""
        self._rumor_ids = self._rumor_ids or self._hashes.derive(contexts.RUMOR_IDS, self._secret)
        return self._hashes.keyed(self._rumor_ids, rumor)[:RUMOR_ID_BYTES]

    def topic_id(self, name: str) -> bytes:
        """The id of a topic. Raises BadArgument for what is no name."""
        self._topic_ids = self._topic_ids or self._hashes.derive(contexts.TOPIC_IDS, self._secret)
        return self._hashes.keyed(self._topic_ids, _encoded(name))[:TOPIC_ID_BYTES]

    def topic_secret(self, name: str) -> bytes:
        """What seals the topic's rumors."""
        return self._hashes.derive(contexts.TOPIC_SECRET, self._secret + _encoded(name))

    def said(self, rumor: bytes) -> bytes:
        """What is signed for an encoded rumor."""
        return LABEL + self.room_id + rumor


def _encoded(name: str) -> bytes:
    if not 0 < len(name) <= limits.GOSSIP_TOPIC_CHARS_MAX:
        raise BadArgument(f"a topic's name has 1 to {limits.GOSSIP_TOPIC_CHARS_MAX} characters")
    try:
        return name.encode()
    except UnicodeEncodeError as error:
        raise BadArgument(f"not a topic's name: {name!r}") from error
