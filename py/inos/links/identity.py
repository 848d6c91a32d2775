"""Who a node is to others: its device key, and the session that belongs to the key.

Nouns: a *session* names one run of one node: the first KEY_PART_BYTES of the peer id (BLAKE3 of the public key), then random
bytes, fresh at each start; ``said`` is what the signature of a signal covers.

Invariants: only the holder of a key can speak for the sessions that begin with its id, since every signal shows the key and
is signed by it. What is signed starts with a label of its own and the room's id, both of fixed length, so that it reads in one
way only, is no other protocol's, and is nothing in another room. Finding a second key for a session that is in use takes
some 2^64 keys, and then gives a nuisance, no access: the handshake asks for the very key that the signals showed.

Must not know: what signals say, connections.
"""

from __future__ import annotations

from inos.ids import ID_BYTES
from inos.ports import Entropy, Hashes
from inos.wire.fields import SESSION_BYTES

KEY_PART_BYTES = 8
SIGNAL_LABEL = b"inos signal1\0"


class Identity:
    """Ours. Empty until the device key is known; nothing is said or heard before."""

    def __init__(self) -> None:
        self.public_key = b""
        self.session = b""

    def begin(self, hashes: Hashes, entropy: Entropy, public_key: bytes) -> None:
        """The device key is known: draw this run's session."""
        assert not self.session
        self.public_key = public_key
        self.session = new_session(hashes, entropy, public_key)


def new_session(hashes: Hashes, entropy: Entropy, public_key: bytes) -> bytes:
    """A fresh session of this key."""
    return hashes.hash(public_key)[:KEY_PART_BYTES] + entropy.random(SESSION_BYTES - KEY_PART_BYTES)


def is_session_of(hashes: Hashes, session: bytes, public_key: bytes) -> bool:
    """Whether the session belongs to the key."""
    return session[:KEY_PART_BYTES] == hashes.hash(public_key)[:KEY_PART_BYTES]


def said(room_id: bytes, signal: bytes) -> bytes:
    """What is signed for an encoded signal."""
    assert len(room_id) == ID_BYTES
    return SIGNAL_LABEL + room_id + signal
