"""The ways into a mesh room: the origin's public one, a room link, and invitations that need no server.

Nouns: a *room link* is a room's secret as a text; see ``inos.links.invitations``. Must not know: what is done in a room.
"""

from __future__ import annotations

from inos import ids
from inos.commons import Commons
from inos.links.invitations import Invitations
from inos.links.links import Links
from inos.links.rooms import origin_room_secret
from inos.ports import Ports
from inos.tasks import Tasks
from inos.wire.link import encode_invitation, encode_reply, encode_room, parse_invitation, parse_reply, parse_room


class Rooms:
    """One node's. ``origin``: of the page; empty: there is no public room."""

    def __init__(self, tasks: Tasks, ports: Ports, links: Links, commons: Commons, origin: str) -> None:
        self._entropy = ports.entropy
        self._commons = commons
        self._invitations = Invitations(tasks, links)
        self._public = origin_room_secret(ports.hashes, origin) if origin else b""

    async def join(self, link: str = "") -> None:
        """Enter the room of a link, or the public one. Raises BadLink."""
        secret = parse_room(link) if link else self._public
        await self._commons.enter(secret, is_public=secret == self._public)

    def link(self, base_url: str = "") -> str:
        """To the room that we are in."""
        return encode_room(self._commons.secret, base_url)

    def new(self, base_url: str = "") -> str:
        """The link to a room that nobody is in yet."""
        return encode_room(self._entropy.random(ids.ID_BYTES), base_url)

    async def invite(self, base_url: str = "") -> str:
        """A text with which somebody joins our room without any server; good for one, and for ten minutes."""
        carrier, secret = self._commons.carrier, self._commons.secret
        return encode_invitation(secret, await self._invitations.invite(carrier.room), base_url)

    async def answer_invitation(self, text: str) -> str:
        """Enter the room of an invitation; the reply, which its maker must get. Raises BadLink, and as ``Invitations``."""
        secret, payload = parse_invitation(text)
        await self._commons.enter(secret, is_public=secret == self._public)
        return encode_reply(await self._invitations.answer(self._commons.carrier.room, payload))

    async def take_reply(self, text: str) -> None:
        """The reply to our invitation: link with the newcomer. Raises BadLink, NotFound, what ended the attempt."""
        await self._invitations.take(parse_reply(text))
