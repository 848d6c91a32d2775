"""HELLO and AUTH: who is at the other end of this very connection, and do they know the room (security 1.1).

Theory of operation. DTLS hides the channel, but whoever carried the SDP could have put his own certificate in. So both
ends send a HELLO (device key, fresh nonce), then each signs a transcript that names the role, the room, both nonces, both
certificates' fingerprints *as its own browser sees them*, and both keys; and adds a MAC of the same under the room's key.
With a man in the middle the two ends see different fingerprints, so no signature fits. With the wrong room the MAC does not.

Nouns: the *offerer* made the SDP offer, the *answerer* answered; a *side* is one end's HELLO and fingerprint; the *binding*
is the hash of the transcript without its role, a name for this connection which both ends share.

Invariants: own key, own nonce or own fingerprint coming back is refused before any signature is looked at (a reflected
HELLO; the bug of comparing a certificate with itself); a key or signature that implementations disagree on is refused by
``ed25519_strict`` before ``Verify``; every part of the transcript has a fixed length, so it reads in one way only.

Must not know: channels, time, rooms other than the one given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inos import ed25519_strict, limits
from inos.errors import AuthRefused, ProtocolViolation
from inos.ids import ID_BYTES
from inos.links.rooms import Room
from inos.ports import Hashes, Sign, Verify
from inos.wire.messages import Auth, Control, Hello

LABEL = b"inos hs1\0"
ROOM_PROOF_LABEL = b"inos room proof1\0"
OFFERER = b"o"
ANSWERER = b"a"
FEATURES = 0  # bits of HELLO.features that this version knows: none yet, unknown bits are ignored


@dataclass(frozen=True, slots=True)
class Side:
    """One end of the connection."""

    hello: Hello
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Proven:
    """The outcome: the peer's key and id, and the name of this connection."""

    public_key: bytes
    peer_id: bytes
    binding: bytes


def own_hello(public_key: bytes, nonce: bytes, session: bytes) -> Hello:
    """The HELLO this version sends."""
    return Hello(public_key, nonce, session, FEATURES, limits.MESSAGE_DATA_BYTES_MAX)


def common(room_id: bytes, offerer: Side, answerer: Side) -> bytes:
    """What both ends' transcripts share: everything but label and role."""
    parts = (
        room_id,
        offerer.hello.nonce,
        answerer.hello.nonce,
        offerer.fingerprint,
        answerer.fingerprint,
        offerer.hello.public_key,
        answerer.hello.public_key,
    )
    assert all(len(part) == ID_BYTES for part in parts)
    return b"".join(parts)


def transcript(role: bytes, shared: bytes) -> bytes:
    """What the end in ``role`` signs and MACs."""
    assert role in (OFFERER, ANSWERER)
    return LABEL + role + shared


def check_hello(own: Hello, theirs: Hello, session: bytes, public_key: bytes) -> None:
    """Refuse a HELLO that is ours, or is not from the session that was dialled and its key. Raises AuthRefused."""
    if theirs.public_key == own.public_key or theirs.nonce == own.nonce or theirs.session == own.session:
        raise AuthRefused("our own HELLO came back")
    if theirs.session != session:
        raise AuthRefused("another session than the one that was dialled")
    if theirs.public_key != public_key:
        raise AuthRefused("another key than the one that signed the signals")


def check_fingerprints(local: bytes, remote: bytes) -> None:
    """Refuse fingerprints that cannot be those of two certificates. Raises AuthRefused."""
    if len(local) != ID_BYTES or len(remote) != ID_BYTES:
        raise AuthRefused("a fingerprint is not SHA-256")
    if local == remote:
        raise AuthRefused("both ends show the same certificate")


async def check_auth(hashes: Hashes, room: Room, said: bytes, theirs: Hello, auth: Auth) -> None:
    """Refuse an AUTH that does not prove key and room over ``said`` (their transcript). Raises AuthRefused.

    The MAC goes first: it is cheap, and somebody outside the room never makes us verify a signature.
    """
    if auth.mac != hashes.keyed(room.mac_key, said):
        raise AuthRefused("wrong room, or another connection than the one we see")
    if not ed25519_strict.precheck(theirs.public_key, auth.signature):
        raise AuthRefused("key or signature outside the strict set")
    if not await Verify(theirs.public_key, auth.signature, said):
        raise AuthRefused("signature does not verify")


async def prove(
    hashes: Hashes,
    room: Room,
    *,
    offering: bool,
    own: Hello,
    session: bytes,
    public_key: bytes,
    send: Callable[[Control], None],
    receive: Callable[[], Awaitable[Control]],
    fingerprints: Awaitable[tuple[bytes, bytes]],
) -> Proven:
    """Run the handshake on a channel that has just opened, with the session and the key that the peer's signals showed.

    ``receive`` gives the peer's messages in order; ``fingerprints`` gives (local, remote). Raises AuthRefused,
    ProtocolViolation (anything but HELLO, AUTH), and whatever ``receive`` raises. Deadlines are the caller's.
    """
    send(own)
    theirs = await receive()
    if not isinstance(theirs, Hello):
        raise ProtocolViolation("something else before HELLO")
    check_hello(own, theirs, session, public_key)
    local, remote = await fingerprints
    check_fingerprints(local, remote)
    us, them = Side(own, local), Side(theirs, remote)
    shared = common(room.room_id, us, them) if offering else common(room.room_id, them, us)
    ours = transcript(OFFERER if offering else ANSWERER, shared)
    send(Auth(await Sign(ours), hashes.keyed(room.mac_key, ours)))
    auth = await receive()
    if not isinstance(auth, Auth):
        raise ProtocolViolation("something else before AUTH")
    await check_auth(hashes, room, transcript(ANSWERER if offering else OFFERER, shared), theirs, auth)
    return Proven(theirs.public_key, hashes.hash(theirs.public_key), hashes.hash(shared))


def room_proof_mac(hashes: Hashes, room: Room, *, offering: bool, binding: bytes) -> bytes:
    """What the end that is (not) ``offering`` shows to prove on this connection that it knows ``room``."""
    return hashes.keyed(room.mac_key, ROOM_PROOF_LABEL + (OFFERER if offering else ANSWERER) + binding)
