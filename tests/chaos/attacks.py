"""What a hostile node does to a victim, as Python that runs in the hostile page's own brain.

Nouns: an *attack* arms a page that is in no room yet (``arm``), lets it meet the victim, and where it needs a link goes on once
there is one (``strike``). It is refused when the victim has ended the link or the attempt; some attacks are ended by
the browser or the net worker, which tell the brain no reason.

Everything here is done by one who has our program and changes it; what only a changed browser could do is not.
"""

from __future__ import annotations

from dataclasses import dataclass

REFUSED_S = 2.0
# No patience of its own, and it takes whatever the victim says for proof.
_SHAMELESS = """
from inos import limits
from inos.links import dialer, handshake
from inos.links.commands import SendControl
limits.HANDSHAKE_SILENT_S = limits.AUTH_TIMEOUT_S = 1e6
async def believe(*_):
    pass
handshake.check_auth = believe
links, emit = node.links, node.links.dialer._emit
"""
_MUTE = (
    _SHAMELESS
    + """
links.dialer._emit = lambda command: None if isinstance(command, SendControl) else emit(command)
"""
)
_STALL = (
    _SHAMELESS
    + """
from inos.wire.messages import Hello, decode_control
async def never(*_):
    await node.tasks.sleep(1e6)
handshake.check_auth = never
def only_hello(command):
    if not isinstance(command, SendControl) or isinstance(decode_control(command.data), Hello):
        emit(command)
links.dialer._emit = only_hello
"""
)
_SWAP = (
    _SHAMELESS
    + """
told = links.on_connected
links.on_connected = lambda channel, generation, local, remote, now: told(channel, generation, bytes(32), remote, now)
"""
)
_REFLECT = (
    _MUTE
    + """
hear = links.on_control
def echo(channel, generation, data, now):
    emit(SendControl(channel, generation, data))
    hear(channel, generation, data, now)
links.on_control = echo
"""
)
# The first handshake is an honest one; what was said there is said again in the next.
_REPLAY = (
    _SHAMELESS
    + """
said, at = [], [0]
def record(command):
    if isinstance(command, SendControl) and len(said) < 2:
        said.append(command.data)
    elif isinstance(command, SendControl):
        command = SendControl(command.channel, command.generation, said[at[0] % 2])
        at[0] += 1
    emit(command)
links.dialer._emit = record
"""
)
_OTHER_ROOM = (
    _SHAMELESS
    + """
import dataclasses
prove = dialer.prove
dialer.prove = lambda hashes, room, **more: prove(hashes, dataclasses.replace(room, mac_key=bytes(32)), **more)
"""
)
_LINK = """
from inos.links.commands import SendControl
from inos.wire.messages import Want, encode
links = node.links
link = next(link for link, peer_id, _ in links.peers() if peer_id.hex() == {victim!r})
"""
_DROP = (
    _LINK
    + """
from inos.errors import PeerGone
links.drop(link, PeerGone("again"))
"""
)
_FLOOD = (
    _LINK
    + """
for number in range(10_000):
    links._emit(SendControl(*link, encode(Want(number, bytes(32)))))
"""
)
_FORGED_RUMOR = (
    _LINK
    + """
from inos.ports import Sign
from inos.wire.gossip import Push, Rumor, encode_rumor
rumor = encode_rumor(Rumor(bytes(16), links.identity.public_key, bytes(16), links.sealer.wall_ms() + 10_000, b"body"))
links.send(link, Push(1, rumor, await Sign(b"something else")))
"""
)
_OVERSIZE = _LINK + "links._emit(SendControl(*link, bytes(20_000)))"
_GARBAGE = _LINK + "links._emit(SendControl(*link, bytes(range(100, 200))))"
# They meet over a file, and the link has proved that file's room alone.
_CROSS_ROOM = """
from inos.wire.membership import Condition
links, proven = node.links, node.links._on_proven
def speak(slot, peer):
    proven(slot, peer)
    links.send(slot.link, Condition(0, 1))
links.dialer._on_proven = speak
"""

# The net worker's own text, with a part of it replaced: pings as fast as it can, and a block in drops.
_PINGING = (
    "heartbeat.js",
    "if (nowMs < this.#dueMs || ",
    "for (let n = 0; n < 99; n++) this.#send(new Uint8Array(9).fill(3));\n    if (",
)
_BUSY = ("heartbeat.js", "Math.min(this.#shared.brainAgeMs(), BRAIN_AGE_MS_MAX)", "3000")
_DRIPPING = (
    "link.js",
    "const length = this.#sends.takeFragment(scratch, this.#messageBytesMax);",
    """if (performance.now() < (globalThis.dripMs ?? 0)) return false;
    globalThis.dripMs = performance.now() + 100;
    const length = this.#sends.takeFragment(scratch, 100);""",
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One. ``change``: of a file of the net worker: its name, what stands there, and what stands there then."""

    name: str
    arm: str = ""
    strike: str = ""
    change: tuple[str, str, str] | None = None
    reasons: tuple[str, ...] = ()  # of which the victim must say one
    by: str = "mesh"  # where they meet: in the mesh's room, or over a file (of the victim's, or for "drip" of its own)
    refused_s: float = REFUSED_S


ATTACKS = (
    Attack("handshake: mute", _MUTE, reasons=("PeerStalled",)),
    Attack("handshake: stalled after HELLO", _STALL, reasons=("PeerStalled",)),
    # Whoever says that its Python is busy has longer, and that is all it gets.
    Attack("handshake: stalled, busy it says", _STALL, change=_BUSY, reasons=("PeerStalled",), refused_s=10.5),
    Attack("handshake: fingerprint swapped", _SWAP, reasons=("AuthRefused",)),
    Attack("handshake: reflected", _REFLECT, reasons=("AuthRefused",)),
    Attack("handshake: replayed", _REPLAY, _DROP, reasons=("AuthRefused",)),
    Attack("handshake: of another room", _OTHER_ROOM, reasons=("AuthRefused",)),
    Attack("message of another room", _CROSS_ROOM, reasons=("ProtocolViolation",), by="file"),
    Attack("garbage", strike=_GARBAGE, reasons=("ProtocolViolation",)),
    Attack("forged rumor", strike=_FORGED_RUMOR, reasons=("ProtocolViolation",)),
    Attack("oversize frame", strike=_OVERSIZE),
    Attack("flood of 10,000 messages", strike=_FLOOD),
    Attack("flood of pings", change=_PINGING),
    Attack("a block in drops", change=_DRIPPING, by="drip"),
)
