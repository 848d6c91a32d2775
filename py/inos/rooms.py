"""The ways into a mesh room: the origin's public one, a room link, invitations that need no server, and back into the last one.

Nouns: a *room link* is a room's secret as a text; see ``inos.links.invitations``. What is *kept* from one run to the next is the
private room's secret and some neighbours' contacts, in the vault's keepsake.

A kept contact says who to link with, not how: signals to its node go through a neighbour (a page of this browser, whoever invites
us) or through the rendezvous. It brings two parts of a mesh together that do not know of each other any more.

Invariants: who leaves a private room for the public one does not come back to it by itself. What cannot be kept or read changes
nothing else. Must not know: what is done in a room.
"""

from __future__ import annotations

import contextlib

from inos import ids, limits
from inos.commons import Commons
from inos.errors import InosError
from inos.links.invitations import Invitations
from inos.links.links import Links
from inos.links.rooms import origin_room_secret
from inos.ports import Ports
from inos.tasks import Tasks
from inos.vault.keepsake import Keepsake
from inos.wire.kept import Kept, decode_kept, encode_kept
from inos.wire.link import encode_invitation, encode_reply, encode_room, parse_invitation, parse_reply, parse_room


class Rooms:
    """One node's. ``origin``: of the page; empty: there is no public room."""

    def __init__(
        self, tasks: Tasks, ports: Ports, links: Links, commons: Commons, keepsake: Keepsake, origin: str
    ) -> None:
        self._tasks = tasks
        self._keepsake = keepsake
        self._kept: tuple[bytes, frozenset[bytes]] = (b"", frozenset())  # the secret, and whose contacts
        self._entropy = ports.entropy
        self._commons = commons
        self._invitations = Invitations(tasks, links)
        self._public = origin_room_secret(ports.hashes, origin) if origin else b""

    async def start(self, *, alone: bool) -> None:
        """Enter the room of the last run, or the public one, unless we begin ``alone``; keep what is worth it from now on."""
        self._tasks.spawn(self._keep_up(), "keep neighbours")
        kept = Kept()
        with contextlib.suppress(InosError):
            kept = decode_kept(await self._keepsake.read())
        self._kept = (kept.secret, frozenset(kept.contacts))
        if alone:
            return
        secret = kept.secret or self._public
        await self._commons.enter(secret, is_public=secret == self._public)
        if self._commons.is_in and self._commons.secret == secret:
            for contact in kept.contacts:
                self._commons.mesh.adopt(contact)

    async def join(self, link: str = "") -> None:
        """Enter the room of a link, or the public one. Raises BadLink."""
        secret = parse_room(link) if link else self._public
        await self._commons.enter(secret, is_public=secret == self._public)
        await self._keep()

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
        await self._keep()
        return encode_reply(await self._invitations.answer(self._commons.carrier.room, payload))

    async def take_reply(self, text: str) -> None:
        """The reply to our invitation: link with the newcomer. Raises BadLink, NotFound, what ended the attempt."""
        await self._invitations.take(parse_reply(text))

    # --- what is kept -----------------------------------------------------------------------------------------------------

    async def _keep_up(self) -> None:
        wait_s = limits.KEPT_FIRST_S
        while True:
            await self._tasks.sleep(wait_s)
            wait_s = limits.KEPT_INTERVAL_S
            await self._keep()

    async def _keep(self) -> None:
        """Write, if it is news. Whoever has nobody left remembers whom it had."""
        commons = self._commons
        if not commons.is_in:
            return
        secret = b"" if commons.is_public else commons.secret
        well = [one.known.signed for one in commons.mesh.neighbours() if one.known is not None and not one.suspect]
        contacts = well[: limits.KEPT_CONTACTS_MAX]
        news = (secret, frozenset(contacts))
        if news == self._kept or (not contacts and secret == self._kept[0]):
            return
        with contextlib.suppress(InosError):
            await self._keepsake.write(encode_kept(Kept(secret, contacts)))
            self._kept = news
