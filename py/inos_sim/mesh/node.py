"""One simulated tab: its tasks, its mesh, and the carrier under it.

Nouns: *to pump* is to run what became ready, answer its effects, and see when the node wants to be woken next; a node is *alive*
until it is killed or leaves, and *runs* while it is alive and not frozen; a *throttled* node's timers fire at whole multiples of
``throttle_s`` only (a hidden tab); a *slow* one takes ``service_s`` for each message; a *stalled* one's Python does nothing until
``stalled_s``, while its network worker goes on answering pings.

Invariants: whatever reaches a node pumps it; a dead node does nothing any more. Must not know: scenarios, other nodes' insides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from inos import limits
from inos.errors import ProtocolViolation
from inos.mesh.mesh import Mesh
from inos.ports import DevicePublicKey, Sign, Verify
from inos.tasks import Effect, Tasks
from inos.wire.messages import Mesh as Message
from inos_sim.mesh.carrier import DIAL_TOKEN, SimCarrier
from inos_sim.mesh.network import LinkEnd

if TYPE_CHECKING:
    from inos_sim.mesh.world import World

T = TypeVar("T")

INF = math.inf


class Liar(Protocol):
    """What makes a node dishonest. ``is_mute``: it answers nothing, and is as good as dead for whoever asks it."""

    is_mute: bool

    def says(self, end: LinkEnd, message: Message) -> bool:
        """It is about to be sent; False keeps it back (others may be sent instead)."""

    def hears(self, end: LinkEnd, message: Message) -> bool:
        """It has come in; False keeps it from the node."""


class Node:
    """A tab."""

    __slots__ = (
        "alive",
        "busy_s",
        "carrier",
        "frozen",
        "liar",
        "mesh",
        "number",
        "peer_id",
        "place",
        "public_key",
        "ran_s",
        "received",
        "server_calls",
        "service_s",
        "side",
        "stalled_s",
        "tasks",
        "throttle_s",
        "timer_s",
        "world",
    )

    mesh: Mesh

    def __init__(self, world: World, number: int, public_key: bytes, peer_id: bytes) -> None:
        self.world = world
        self.number = number
        self.public_key = public_key
        self.peer_id = peer_id
        self.place = world.network.place()
        self.alive = True
        self.frozen = False
        self.side = 0  # of a partition
        self.throttle_s = 0.0
        self.service_s = 0.0
        self.busy_s = 0.0
        self.stalled_s = 0.0  # until then
        self.ran_s = 0.0  # when it was stalled
        self.timer_s = INF
        self.received = 0
        self.server_calls = 0
        self.liar: Liar | None = None  # that changes what it says and hears
        self.tasks = Tasks()
        self.tasks.on_crash = world.on_crash
        self.carrier = SimCarrier(world, self)

    @property
    def runs(self) -> bool:
        """Whether its machine does anything."""
        return self.alive and not self.frozen

    def brain_age_s(self, now: float) -> float:
        """How long its Python has not run, as its network worker says; 0 while it does."""
        return now - self.ran_s if self.stalled_s > now else 0.0

    def stall(self, seconds: float) -> None:
        """Its Python is busy with something else for so long."""
        self.ran_s = self.world.clock.now
        self.stalled_s = self.ran_s + seconds

    # --- inputs -----------------------------------------------------------------------------------------------------------

    def receive(self, end: LinkEnd, message: Message) -> None:
        """A message has come in over this end."""
        if self.liar is not None and not self.liar.hears(end, message):
            return
        now = self.world.clock.now
        if self.service_s or self.stalled_s > now:
            self.busy_s = max(now, self.busy_s, self.stalled_s) + self.service_s
            self.world.clock.at(self.busy_s, self._read, end, message)
        else:
            self._read(end, message)

    def _read(self, end: LinkEnd, message: Message) -> None:
        if not self.runs or not end.up:
            return
        now = self.world.clock.now
        self.received += 1
        self.tasks.now = now
        try:
            if self.world.wire:
                message = self.world.through_wire(message)
            self.mesh.on_message(end.peer.peer_id, message, now)
        except ProtocolViolation as error:
            self.world.on_violation(self, end.peer, message, error)
            self.carrier.hang_up(end.peer.peer_id, error.code)
        self.pump()

    def link_up(self, peer_id: bytes) -> None:
        """A connection is made, by whoever dialled."""
        if self.runs and peer_id in self.carrier.links:
            self.tasks.now = self.world.clock.now
            self.mesh.on_link_up(peer_id, self.world.clock.now)
            self.pump()

    def link_down(self, peer_id: bytes, cause: str) -> None:
        """A connection has ended."""
        if self.runs:
            self.tasks.now = self.world.clock.now
            self.mesh.on_link_down(peer_id, cause, self.world.clock.now)
            self.pump()

    def dial_failed(self, peer_id: bytes) -> None:
        """No connection came of it."""
        if self.runs:
            self.tasks.now = self.world.clock.now
            self.mesh.on_dial_failed(peer_id, self.world.clock.now)
            self.pump()

    async def answer(self, _sender: Any, payload: bytes) -> bytes | None:
        """Another node wants to connect: an answer if we have room."""
        if payload.startswith(DIAL_TOKEN) and len(self.carrier.links) < limits.MESH_LINKS_MAX:
            return DIAL_TOKEN
        return None

    def call(self, verb: Callable[..., T], *arguments: Any) -> T:
        """Have it do something of its own, now."""
        self.tasks.now = self.world.clock.now
        answer = verb(*arguments)
        self.pump()
        return answer

    # --- running ----------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Run what is ready, answer effects, set the alarm."""
        tasks = self.tasks
        now = self.world.clock.now
        while effects := tasks.poll_effects():
            for number, effect in effects:
                tasks.on_done(number, self._perform(effect), now)
        if self.world.on_event is not None:
            for event in self.mesh.poll_events():
                self.world.on_event(self, event)
        due = self.mesh.next_due()
        deadline = tasks.next_deadline()
        if deadline is not None and deadline < due:
            due = deadline
        if due < self.timer_s:
            self._alarm(due, now)

    def _alarm(self, due: float, now: float) -> None:
        if self.throttle_s:
            due = math.ceil(max(due, now) / self.throttle_s) * self.throttle_s
            if due >= self.timer_s:
                return
        self.timer_s = due
        self.world.clock.at(due, self._ring, due)

    def _ring(self, due: float) -> None:
        if due != self.timer_s or not self.alive:
            return  # set anew since
        self.timer_s = INF
        now = self.world.clock.now
        if self.frozen:
            return
        if self.stalled_s > now:
            self._alarm(self.stalled_s, now)
            return
        self.tasks.now = now
        self.tasks.on_deadline(now)
        self.mesh.on_time(now)
        self.pump()

    def _perform(self, effect: Effect[Any]) -> object:
        match effect:
            case Verify(public_key, signature, data):
                return self.world.notary.verify(public_key, signature, data)
            case Sign(data):
                return self.world.notary.sign(self.number, data)
            case DevicePublicKey():
                return self.public_key
        raise AssertionError(f"no such effect in a mesh: {effect!r}")
