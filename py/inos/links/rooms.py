"""Rooms: what a room secret gives.

Nouns: a *room secret* is 32 bytes that every member knows; the *room id* is what the rendezvous sees of it; the *signal
secret* is the root of the key slot that seals signals; the *MAC key* proves membership on a channel.

Invariants: each is derived under its own context, so none tells another; knowing a file link gives its share room and no
other room.
"""

from __future__ import annotations

from dataclasses import dataclass

from inos.ids import ID_BYTES
from inos.links import contexts
from inos.ports import Hashes


@dataclass(frozen=True, slots=True)
class Room:
    """The keys of one room."""

    room_id: bytes
    signal_secret: bytes
    mac_key: bytes


def share_room_secret(hashes: Hashes, bid: bytes, secret: bytes) -> bytes:
    """The secret of the room where holders and wanters of a file link meet."""
    assert len(bid) == len(secret) == ID_BYTES
    return hashes.derive(contexts.SHARE_ROOM, bid + secret)


def grant_room_secret(hashes: Hashes, grant: bytes, key: bytes) -> bytes:
    """The secret of the room where the owner of a revocable link and whoever has the link meet."""
    assert len(grant) == len(key) == ID_BYTES
    return hashes.derive(contexts.GRANT_ROOM, grant + key)


def grant_id(hashes: Hashes, key: bytes, peer_id: bytes) -> bytes:
    """The id of a grant: it names its owner, so that nobody else who has the link can answer for them."""
    assert len(key) == len(peer_id) == ID_BYTES
    return hashes.derive(contexts.GRANT_ID, key + peer_id)


def origin_room_secret(hashes: Hashes, origin: str) -> bytes:
    """The secret of an origin's public mesh room, in which is whoever can load the page."""
    return hashes.derive(contexts.ORIGIN_ROOM, origin.encode())


def room_of(hashes: Hashes, secret: bytes) -> Room:
    """The keys that a room secret gives."""
    assert len(secret) == ID_BYTES
    return Room(
        room_id=hashes.derive(contexts.ROOM_ID, secret),
        signal_secret=hashes.derive(contexts.ROOM_SIGNALLING, secret),
        mac_key=hashes.derive(contexts.ROOM_HANDSHAKE, secret),
    )
