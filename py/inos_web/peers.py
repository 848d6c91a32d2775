"""Commands of ``inos.links`` to the page and the net worker, and the net worker's measurements.

Invariants: net commands keep their order; what does not fit into the outbox waits here and goes first next time.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable

import inos_js

from inos import ids
from inos.links import commands as c
from inos.memory import layout
from inos.memory.region import Region

_FRAMES = layout.NET_FRAMES
_TABLE = layout.REGIONS["PEER_TABLE"][0]
_WORD = {name: index for index, name in enumerate(layout.PEER_ROW_WORDS)}
_U32 = 1 << 32


class WebPeerTable:
    """PeerTable port: rows that the net worker writes. ``clock`` answers (now in seconds, wall clock in ms)."""

    def __init__(self, region: Region, clock: Callable[[], tuple[float, float]]) -> None:
        self._region = region
        self._clock = clock

    def row(self, channel: int) -> c.PeerRow | None:
        """See ``inos.links.commands.PeerTable``."""
        words = self._region.words(_TABLE + channel * layout.PEER_ROW_BYTES, len(layout.PEER_ROW_WORDS))
        if words[_WORD["STATE"]] == 0:
            return None
        now, wall_ms = self._clock()
        age_ms = (int(wall_ms) - words[_WORD["LAST_HEARD_MS"]]) % _U32
        if age_ms > _U32 // 2:
            age_ms = 0  # heard a moment after this clock was read
        return c.PeerRow(
            generation=words[_WORD["GENERATION"]],
            last_heard_s=now - age_ms / 1000,
            rtt_s=words[_WORD["RTT_US"]] / 1e6,
            bytes_in=words[_WORD["BYTES_IN"]],
            bytes_out=words[_WORD["BYTES_OUT"]],
            block_bytes_in=words[_WORD["BLOCK_BYTES_IN"]],
            brain_age_s=words[_WORD["BRAIN_AGE_MS"]] / 1e3,
            control_queued=words[_WORD["CONTROL_QUEUED"]],
        )


class Outbox:
    """Performs commands."""

    def __init__(self) -> None:
        self._net: deque[c.NetCommand] = deque()

    def perform(self, command: c.Command) -> None:
        """Send a command to where it belongs."""
        match command:
            case c.JoinRoom(room_id):
                _page(op="join", room=ids.to_hex(room_id))
            case c.LeaveRoom(room_id):
                _page(op="leave", room=ids.to_hex(room_id))
            case c.SendSignal(room_id, payload):
                inos_js.signal(ids.to_hex(room_id), payload)
            case c.Dial(channel, generation):
                _page(op="dial", channel=channel, generation=generation)
            case c.Answer(channel, generation, sdp, patient):
                _page(op="answer", channel=channel, generation=generation, sdp=sdp, patient=patient)
            case c.Accept(channel, generation, sdp):
                _page(op="accept", channel=channel, generation=generation, sdp=sdp)
            case c.Hangup(channel, generation):
                _page(op="hangup", channel=channel, generation=generation)
            case _:
                self._net.append(command)

    def pump(self) -> bool:
        """Push what waits into the net outbox; whether everything went."""
        while self._net and _push(self._net[0]):
            self._net.popleft()
        return not self._net


def _page(**command: object) -> None:
    inos_js.page(json.dumps(command))


def _push(command: c.NetCommand) -> bool:
    channel, generation = command.channel, command.generation
    match command:
        case c.SendControl(data=data):
            return bool(inos_js.net_control(channel, generation, data))
        case c.SendBlock(request=request, span=span):
            return bool(inos_js.net(_FRAMES["SEND_BLOCK"], channel, generation, request, span.offset, span.length))
        case c.Expect(request=request, span=span):
            return bool(inos_js.net(_FRAMES["EXPECT"], channel, generation, request, span.offset, span.length))
        case c.Unexpect(request=request):
            return bool(inos_js.net(_FRAMES["UNEXPECT"], channel, generation, request, 0, 0))
        case c.AcceptData():
            return bool(inos_js.net(_FRAMES["ACCEPT"], channel, generation, 0, 0, 0))
        case c.Pace(interval_ms=interval_ms):
            return bool(inos_js.net(_FRAMES["PACE"], channel, generation, interval_ms, 0, 0))
        case c.CloseChannel():
            return bool(inos_js.net(_FRAMES["CLOSE"], channel, generation, 0, 0, 0))
