"""Key derivation contexts of rooms: hard-coded, never built from input (vault-format 1.3)."""

from __future__ import annotations

from typing import Final

from inos.memory.layout import CONTEXT_PREFIX

SHARE_ROOM: Final = CONTEXT_PREFIX + "share room"  # material: bid || secret of a file link
GRANT_ROOM: Final = CONTEXT_PREFIX + "grant room"  # material: id || key of a revocable link
GRANT_ID: Final = CONTEXT_PREFIX + "grant id"  # material: its key || peer id of its owner
ROOM_ID: Final = CONTEXT_PREFIX + "room id"  # material: room secret; what the server sees
ROOM_SIGNALLING: Final = CONTEXT_PREFIX + "room signalling"  # material: room secret; root secret of a key slot
IN_BAND_SIGNALLING: Final = CONTEXT_PREFIX + "in-band signalling"  # material: X25519 secret || both keys || room id
ORIGIN_ROOM: Final = CONTEXT_PREFIX + "origin room"  # material: the origin; secret of its public mesh room
ROOM_HANDSHAKE: Final = CONTEXT_PREFIX + "room handshake"  # material: room secret; MAC key of AUTH and RoomProof
