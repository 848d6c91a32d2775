"""The page's verbs for the mesh: rooms, members, topics, keys, copies.

Invariants: as in ``inos_web.verbs``, of which this is a part. Data of topics crosses as base64, since calls and events are JSON.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from inos import ids
from inos.errors import BadArgument
from inos.gossip.gossip import Delivery
from inos.links.commands import PeerTable
from inos.membership.view import FROZEN, HIDDEN, LEAVING, SHOWN, Neighbour
from inos.node import Node
from inos.ports import Ports
from inos.replication.needs import RedundancyRestored

_CONDITIONS = {"shown": SHOWN, "hidden": HIDDEN, "frozen": FROZEN, "leaving": LEAVING}
_WORDS = {number: word for word, number in _CONDITIONS.items()}


class MeshVerbs:
    """What needs the mesh alone."""

    _node: Node
    _ports: Ports
    _table: PeerTable
    _emit: Callable[..., None]
    _subscriptions: dict[str, Callable[[], None]]

    async def do_join(self, _op: int, link: str = "") -> dict[str, object]:
        """Enter the room of a link, or the origin's public one."""
        await self._node.rooms.join(link)
        self._emit(e="mesh", what="room")
        return self._room()

    async def do_room(self, _op: int) -> dict[str, object] | None:
        """The room that we are in."""
        return self._room() if self._node.commons.is_in else None

    def _room(self) -> dict[str, object]:
        commons = self._node.commons
        mesh = commons.mesh
        return {
            "id": ids.to_hex(mesh.room_id),
            "link": "" if commons.is_public else self._node.rooms.link(),
            "isPublic": commons.is_public,
            "node": ids.to_hex(mesh.peer_id),
            "members": [self._member(neighbour) for neighbour in mesh.neighbours()],
            "signals": commons.carrier.here.signals_sent(),
        }

    def _member(self, neighbour: Neighbour) -> dict[str, object]:
        heard = self._node.commons.carrier.heard(neighbour.peer_id)
        return {
            "id": ids.to_hex(neighbour.peer_id),
            "state": "suspect" if neighbour.suspect else _WORDS[neighbour.condition],
            "rttMs": round(heard.rtt_s * 1_000, 1) if heard else None,
            "heardMs": round((self._node.tasks.now - heard.last_heard_s) * 1_000) if heard else None,
            "brainMs": round(heard.brain_age_s * 1_000) if heard else None,
        }

    async def do_new_room(self, _op: int) -> str:
        """The link to a room that nobody is in yet."""
        return self._node.rooms.new()

    async def do_invite(self, _op: int) -> str:
        """A text with which somebody joins without any server."""
        return await self._node.rooms.invite()

    async def do_answer_invitation(self, _op: int, text: str) -> str:
        """Join by such a text; the reply, to be carried back."""
        reply = await self._node.rooms.answer_invitation(text)
        self._emit(e="mesh", what="room")
        return reply

    async def do_take_reply(self, _op: int, text: str) -> None:
        """Such a reply came: link with the newcomer."""
        await self._node.rooms.take_reply(text)

    async def do_publish(self, _op: int, topic: str, data: str) -> str:
        """Tell everybody who listens; the message's id."""
        return ids.to_hex(await self._node.commons.publish(topic, _bytes(data)))

    async def do_subscribe(self, _op: int, topic: str) -> None:
        """Tell the page what others publish."""
        if topic not in self._subscriptions:
            self._subscriptions[topic] = self._node.commons.subscribe(topic, self._deliver)

    async def do_unsubscribe(self, _op: int, topic: str) -> None:
        """No more."""
        stop = self._subscriptions.pop(topic, None)
        if stop is not None:
            stop()

    def _deliver(self, delivery: Delivery) -> None:
        data = binascii.b2a_base64(delivery.data, newline=False).decode()
        self._emit(
            e="topic", topic=delivery.topic, data=data, **{"from": ids.to_hex(self._ports.hashes.hash(delivery.author))}
        )

    async def do_provide(self, _op: int, key: str) -> None:
        """Be found under a key."""
        self._node.commons.provide(ids.from_hex(key))

    async def do_withdraw(self, _op: int, key: str) -> None:
        """Be found no more."""
        self._node.commons.withdraw(ids.from_hex(key))

    async def do_find_providers(self, _op: int, key: str) -> list[dict[str, object]]:
        """Who provides a key; each one's record was checked."""
        return [
            {"id": ids.to_hex(record.author), "expiresMs": record.expires_ms}
            for record in await self._node.commons.mesh.find(ids.from_hex(key))
        ]

    async def do_copies(self, _op: int, root: str) -> dict[str, object]:
        """How many copies there are of a file, and where."""
        return self._node.replicas.copies(ids.from_hex(root))

    async def do_set_replication(self, _op: int, copies: int, root: str | None = None) -> None:
        """How many copies there shall be, of one file or of all."""
        await self._node.replicas.set_copies(copies, None if root is None else ids.from_hex(root))

    async def do_safe(self, _op: int, root: str) -> None:
        """Answered once a file has as many copies as make it safe."""
        await self._node.replicas.safe(ids.from_hex(root))

    async def do_allow_bytes(self, _op: int, quota: int) -> None:
        """What the browser allows this vault, of which guests get a part."""
        self._node.replicas.allow_bytes(quota)

    async def do_condition(self, _op: int, condition: str) -> None:
        """How the page is, told to all neighbours."""
        if condition not in _CONDITIONS:
            raise BadArgument(f"no such condition: {condition}")
        self._node.commons.on_condition(_CONDITIONS[condition], self._node.tasks.now)

    def tell_mesh(self) -> None:
        """What happened in the mesh, as events."""
        commons = self._node.commons
        if not commons.is_in:
            return
        for changed in self._node.replicas.poll_events():
            took_ms = round(changed.took_s * 1_000) if isinstance(changed, RedundancyRestored) else None
            self._emit(e="replica", what=type(changed).__name__, bundle=ids.to_hex(changed.bundle), tookMs=took_ms)
        for event in commons.mesh.poll_events():
            peer_id: Any = getattr(event, "peer_id", None)
            if peer_id is not None:
                cause = getattr(event, "cause", None)
                now_ms = round(self._node.tasks.now * 1_000, 1)
                self._emit(e="mesh", what=type(event).__name__, id=ids.to_hex(peer_id), cause=cause, atMs=now_ms)


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise BadArgument("not base64") from None
