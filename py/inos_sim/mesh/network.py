"""The network between nodes: how long bytes take, what is lost, what is cut.

Nouns: a *link end* is one node's end of a connection, its ``back`` the other's; *weather* says how lossy and uneven paths are;
a path is *open* while both nodes' machines run and nothing cuts them from each other.

How it is modelled: nodes lie on a plane, a path's delay grows with the distance, each node adds its own last mile, and jitter
comes on top. Control messages are reliable and ordered: a lost packet delays its message, and all behind it, by
retransmissions; on a path that is not open they wait, and go on when it opens before the link is given up. Pings are neither:
they are never events, ``heard`` computes when the last one would have come (the peer's own count, too), and chance is a hash
of the ping's number.

Must not know: meshes, what messages say.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inos.membership.carrier import Heard
from inos.wire.messages import Mesh as Message
from inos_sim.mesh.clock import Clock

if TYPE_CHECKING:
    from inos_sim.mesh.node import Node

FLOOR_S = 0.002  # of a one-way delay
PLANE_S = 0.080  # a side of the plane: one-way delays are 44 ms in the mean, 115 ms at most
LAST_MILE_S = 0.010
RETRANSMIT_S = 0.4  # the least a data channel waits before it sends a packet again (dcsctp's rto_min); doubles
RETRANSMITS_MAX = 6
PINGS_BACK_MAX = 64  # looked at for one that was answered
WAITING_MAX = 1_024  # messages on a path that is not open; more are refused, as a full queue does
_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Weather:
    """How uneven paths are. ``loss``: of each packet, either way. ``jitter``: of the delay, at most."""

    loss: float = 0.0
    jitter: float = 0.1


FAIR = Weather()


class LinkEnd:
    """One node's end of a connection."""

    __slots__ = (
        "arrives_s",
        "back",
        "delay_s",
        "heard_s",
        "is_open",
        "node",
        "pace_s",
        "paced_s",
        "peer",
        "salt",
        "up",
        "waiting",
    )

    back: LinkEnd

    def __init__(self, node: Node, peer: Node, delay_s: float, now: float, salt: int) -> None:
        self.node = node
        self.peer = peer
        self.delay_s = delay_s  # one way
        self.up = True
        self.is_open = True
        self.arrives_s = 0.0  # when the last message sent comes in at the other end
        self.heard_s = now  # anything but a pong of this pace
        self.pace_s = 1.0
        self.paced_s = now  # pings at this pace since
        self.salt = salt
        self.waiting: list[Message] | None = None


class Network:
    """Paths and the messages on them, which their receivers are given."""

    def __init__(self, clock: Clock, seed: int, weather: Weather) -> None:
        self.clock = clock
        self.weather = weather
        self.ping_loss = weather.loss
        self.sent: dict[type, int] = {}  # messages, by their type
        self.cuts: Callable[[Node, Node], bool] = _nothing_is_cut
        self._rng = random.Random(f"{seed}|network")
        self._links = 0

    # --- paths ------------------------------------------------------------------------------------------------------------

    def place(self) -> tuple[float, float, float]:
        """Where a new node lies: two coordinates and its last mile."""
        rng = self._rng
        return rng.random() * PLANE_S, rng.random() * PLANE_S, rng.random() * LAST_MILE_S

    def delay_s(self, one: Node, other: Node) -> float:
        """One way, without jitter."""
        (x, y, mile), (their_x, their_y, their_mile) = one.place, other.place
        return FLOOR_S + mile + their_mile + math.hypot(x - their_x, y - their_y)

    def is_open(self, one: Node, other: Node) -> bool:
        """Whether bytes get from one to the other now."""
        return one.runs and other.runs and not self.cuts(one, other)

    def join(self, one: Node, other: Node) -> LinkEnd:
        """A connection: the end of ``one``; ``back`` is the other's."""
        now, delay_s = self.clock.now, self.delay_s(one, other)
        self._links += 4
        end = LinkEnd(one, other, delay_s, now, self._links)
        end.back = LinkEnd(other, one, delay_s, now, self._links + 2)
        end.back.back = end
        end.is_open = end.back.is_open = self.is_open(one, other)
        return end

    def look(self, end: LinkEnd) -> None:
        """Something changed that may open or cut the path of this link."""
        is_open = end.up and end.back.up and self.is_open(end.node, end.peer)
        if is_open == end.is_open:
            return
        now = self.clock.now
        for side in (end, end.back):
            if not is_open:
                side.heard_s = self._last_heard_s(side, now)
            side.is_open = is_open
            side.paced_s = now
        if is_open:
            for side in (end, end.back):
                waiting, side.waiting = side.waiting, None
                for message in waiting or ():
                    self._travel(side, message, now)

    # --- messages -----------------------------------------------------------------------------------------------------------

    def send(self, end: LinkEnd, message: Message) -> bool:
        """From this end to the other."""
        kind = type(message)
        self.sent[kind] = self.sent.get(kind, 0) + 1
        if end.is_open:
            self._travel(end, message, self.clock.now)
            return True
        if end.waiting is None:
            end.waiting = []
        if len(end.waiting) >= WAITING_MAX:
            return False
        end.waiting.append(message)
        return True

    def _travel(self, end: LinkEnd, message: Message, now: float) -> None:
        rng, weather = self._rng, self.weather
        when = now + end.delay_s * (1 + weather.jitter * rng.random())
        if weather.loss:
            wait = max(RETRANSMIT_S, 3 * end.delay_s)
            for _ in range(RETRANSMITS_MAX):
                if rng.random() >= weather.loss:
                    break
                when += wait
                wait *= 2
        when = max(when, end.arrives_s)  # behind what was sent before
        end.arrives_s = when
        self.clock.at(when, self._arrive, end.back, message)

    def _arrive(self, end: LinkEnd, message: Message) -> None:
        if not end.up:
            return
        if not end.is_open:  # cut on the way: its sender will send it again
            sender = end.back
            if sender.waiting is None:
                sender.waiting = []
            sender.waiting.append(message)
            return
        end.heard_s = self.clock.now
        end.node.receive(end, message)

    # --- pings ----------------------------------------------------------------------------------------------------------------

    def pace(self, end: LinkEnd, pace_s: float) -> None:
        """Ping at this pace from now on: at the next ping's time, or sooner if the pace is quicker."""
        if pace_s != end.pace_s:
            now = self.clock.now
            end.heard_s = self._last_heard_s(end, now)
            due_s = end.paced_s + math.ceil((now - end.paced_s) / end.pace_s) * end.pace_s
            end.pace_s, end.paced_s = pace_s, min(due_s, now + pace_s)

    def heard(self, end: LinkEnd) -> Heard:
        """What the node's network worker would have measured."""
        now = self.clock.now
        return Heard(self._last_heard_s(end, now), 2 * end.delay_s, end.peer.brain_age_s(now))

    def _last_heard_s(self, end: LinkEnd, now: float) -> float:
        """When the newest of our answered pings came back, or a ping of the peer's came, or anything else."""
        if not end.is_open:
            return end.heard_s
        loss, back = self.ping_loss, end.back
        pong_s = self._newest_s(end, now, 2 * end.delay_s, (1 - loss) ** 2)
        ping_s = self._newest_s(back, now, end.delay_s, 1 - loss)
        return max(end.heard_s, pong_s, ping_s)

    def _newest_s(self, end: LinkEnd, now: float, takes_s: float, survives: float) -> float:
        """When the newest ping of this end came to where it is counted, having travelled for ``takes_s``; -inf: none has."""
        pace_s, paced_s = end.pace_s, end.paced_s
        newest = int((now - takes_s - paced_s) // pace_s)
        if survives == 1.0:
            return paced_s + newest * pace_s + takes_s if newest >= 0 else -math.inf
        salt = end.salt + (takes_s > end.delay_s)  # pong and ping are lost apart
        for number in range(newest, max(-1, newest - PINGS_BACK_MAX), -1):
            came_s = paced_s + number * pace_s + takes_s * (1 + self.weather.jitter * _chance(salt, 2 * number))
            if came_s <= now and _chance(salt, 2 * number + 1) < survives:
                return came_s
        return -math.inf


def _chance(salt: int, number: int) -> float:
    """A number in [0, 1) that depends on both and on nothing else."""
    mixed = (salt * _MIX ^ number * 0xBF58476D1CE4E5B9) & _MASK
    mixed = (mixed ^ mixed >> 30) * 0x94D049BB133111EB & _MASK
    return ((mixed ^ mixed >> 31) & 0xFFFFFFFF) / 4294967296.0


def _nothing_is_cut(_one: Node, _other: Node) -> bool:
    return False
