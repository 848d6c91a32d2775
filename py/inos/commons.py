"""The mesh that a node is in: one room at a time, its links, and what the node does by it.

Nouns: the *commons* is the mesh room with everything that belongs to it; a *public* room is the origin's, in which is whoever can
load the page; to *seek* a room is to look its providers up in the mesh, over and over, as long as somebody wants it.

Invariants: a room is left with all its links before the next is entered; keys that are provided stay so in the next room; a
message of the mesh on a link that has not proved the room is a broken protocol.

Must not know: the browser, what share rooms are for.
"""

from __future__ import annotations

from collections.abc import Callable

from inos import limits
from inos.errors import InosError, NotReady, ProtocolViolation
from inos.gossip.gossip import Subscriber
from inos.gossip.sealing import BlockSealer
from inos.links.carrier import LinkCarrier
from inos.links.commands import LinkEvent, LinkId
from inos.links.links import Links
from inos.membership.contact import Known
from inos.membership.view import SHOWN
from inos.mesh.mesh import Mesh
from inos.ports import Ports
from inos.tasks import Task, Tasks
from inos.wire.membership import Contact
from inos.wire.messages import Mesh as MeshMessage

SEEK_FIRST_S = 2.0
SEEK_MAX_S = 60.0
CONTACT_RENEW_S = limits.MESH_CONTACT_AGE_MAX_S / 4
STEP_BACK_S = 0.5  # until the links of a room that was left are gone


class Commons:
    """One node's."""

    def __init__(self, tasks: Tasks, ports: Ports, links: Links, wall_ms: Callable[[], int]) -> None:
        self._tasks = tasks
        self._ports = ports
        self._links = links
        self._wall_ms = wall_ms
        self._provided: set[bytes] = set()
        self._topics: dict[tuple[str, Subscriber], Callable[[], None] | None] = {}
        self._seekers: dict[bytes, Task[None]] = {}
        self._mesh: Mesh | None = None
        self._carrier: LinkCarrier | None = None
        self._renewing: Task[None] | None = None
        self._condition = SHOWN
        self.secret = b""
        self.is_public = False
        self.joined_at = 0.0
        self.on_enter: Callable[[Mesh], None] = lambda _mesh: None

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def enter(self, secret: bytes, *, is_public: bool) -> None:
        """Leave the room we are in, and enter this one."""
        if secret == self.secret:
            return
        if self._mesh is not None:
            self.leave(self._tasks.now)
            await self._tasks.sleep(STEP_BACK_S)
        self.secret, self.is_public = secret, is_public
        carrier = LinkCarrier(self._tasks, self._ports, self._links, secret, self._wall_ms)
        await carrier.prepare()
        mesh = Mesh(
            self._tasks,
            self._ports.hashes,
            self._ports.entropy,
            carrier,
            room_id=carrier.room.room_id,
            wall_ms=self._wall_ms,
            identity=self._links.identity,
            box_key=carrier.box_key,
            room_secret=secret,
            sealer=BlockSealer(self._ports),
        )

        async def answer(sender: Known, payload: bytes) -> bytes | None:
            return await carrier.on_signal(sender.contact, payload)

        mesh.on_signal(answer)
        await mesh.start()
        if secret != self.secret:
            return  # another one was entered meanwhile
        self._carrier, self._mesh, self.joined_at = carrier, mesh, self._tasks.now
        self.on_enter(mesh)
        for key in self._provided:
            mesh.provide(key)
        for topic, subscriber in self._topics:
            self._topics[topic, subscriber] = mesh.subscribe(topic, subscriber)
        mesh.on_condition(self._condition, self._tasks.now)
        carrier.start(mesh, self._tasks.now)
        self._renewing = self._tasks.spawn(self._renew(mesh), "contact")

    async def _renew(self, mesh: Mesh) -> None:
        """Others forget a contact that is old."""
        while True:
            await self._tasks.sleep(CONTACT_RENEW_S)
            await mesh.start()

    def leave(self, now: float) -> None:
        """Say goodbye."""
        mesh, carrier = self._mesh, self._carrier
        self._mesh = self._carrier = None
        self.secret = b""
        if mesh is not None and carrier is not None:
            mesh.leave(now)
            carrier.stop(now)
        if self._renewing is not None:
            self._tasks.cancel(self._renewing)

    @property
    def is_in(self) -> bool:
        """Whether there is a mesh."""
        return self._mesh is not None

    @property
    def mesh(self) -> Mesh:
        """Raises NotReady while there is none."""
        if self._mesh is None:
            raise NotReady("the mesh has not started")
        return self._mesh

    @property
    def carrier(self) -> LinkCarrier:
        """Raises NotReady while there is none."""
        if self._carrier is None:
            raise NotReady("the mesh has not started")
        return self._carrier

    def holds(self, link: LinkId) -> bool:
        """Whether the mesh needs this link."""
        return self._carrier is not None and link in self._carrier.links()

    # --- inputs -------------------------------------------------------------------------------------------------------

    def on_event(self, event: LinkEvent) -> None:
        """A link came, changed or ended."""
        if self._carrier is not None:
            self._carrier.on_event(event, self._tasks.now)

    def on_message(self, link: LinkId, peer_id: bytes, message: MeshMessage) -> None:
        """From a peer. Raises ProtocolViolation."""
        mesh, carrier = self._mesh, self._carrier
        if mesh is None or carrier is None:
            return
        if carrier.is_link_with(link, peer_id):
            mesh.on_message(peer_id, message, self._tasks.now)
        elif not carrier.here.was_on(link):
            raise ProtocolViolation("the mesh's message of somebody who is not in its room")

    def next_due(self) -> float | None:
        """When ``on_time`` wants to be called."""
        due = self._mesh.next_due() if self._mesh is not None else float("inf")
        return due if due != float("inf") else None

    def on_time(self, now: float) -> None:
        """Time has passed."""
        if self._mesh is not None and self._mesh.next_due() <= now:
            self._mesh.on_time(now)

    def on_condition(self, condition: int, now: float) -> None:
        """The page was shown, hidden or frozen; the next room is told, too."""
        self._condition = condition
        if self._mesh is not None:
            self._mesh.on_condition(condition, now)

    # --- topics -------------------------------------------------------------------------------------------------------

    async def publish(self, topic: str, data: bytes) -> bytes:
        """Tell everybody in the room; the message's id. Raises NotReady, LimitExceeded, Busy."""
        return await self.mesh.publish(topic, data)

    def subscribe(self, topic: str, subscriber: Subscriber) -> Callable[[], None]:
        """Be told what others publish, in this room and the next ones; call what is returned to end it."""
        key = (topic, subscriber)
        self._topics[key] = self._mesh.subscribe(topic, subscriber) if self._mesh is not None else None

        def stop() -> None:
            end = self._topics.pop(key, None)
            if end is not None:
                end()

        return stop

    # --- keys ---------------------------------------------------------------------------------------------------------

    def provide(self, key: bytes) -> None:
        """Be found under a key, in this room and the next ones."""
        if key not in self._provided and len(self._provided) < limits.PROVIDER_KEYS_MAX:
            self._provided.add(key)
            if self._mesh is not None:
                self._mesh.provide(key)

    def withdraw(self, key: bytes) -> None:
        """Be found no more."""
        if key in self._provided:
            self._provided.discard(key)
            if self._mesh is not None:
                self._mesh.withdraw(key)

    def seek(self, room_id: bytes) -> None:
        """Look for who provides a room that we are in, link with them and prove it, until ``forget``."""
        if room_id not in self._seekers:
            task = self._seekers[room_id] = self._tasks.spawn(self._seek(room_id), "seek")
            task.on_done(lambda: self._seekers.__delitem__(room_id))

    def forget(self, room_id: bytes) -> None:
        """Enough."""
        task = self._seekers.get(room_id)
        if task is not None:
            self._tasks.cancel(task)

    async def _seek(self, room_id: bytes) -> None:
        wait_s = SEEK_FIRST_S
        while True:
            mesh, carrier = self._mesh, self._carrier
            if mesh is not None and carrier is not None:
                for contact in await self._providers(mesh, room_id):
                    carrier.dial(contact, room_id)
            await self._tasks.sleep(wait_s)
            wait_s = min(2 * wait_s, SEEK_MAX_S)

    async def _providers(self, mesh: Mesh, key: bytes) -> list[Contact]:
        try:
            records = await mesh.find(key)
        except InosError:
            return []  # no links yet, or too many look-ups: again in a while
        return [record.known.contact for record in records if record.author != mesh.peer_id]
