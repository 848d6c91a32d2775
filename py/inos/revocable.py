"""Revocable links of a node: the rooms in which their owners and readers meet, and what they are turned into.

Nouns: as in ``inos.transfer.grants``. Invariants: an owner is in the room of each grant, also of those that were revoked, to say
so; of too many rooms the grants that hold come last, so that they stay. Must not know: pages.
"""

from __future__ import annotations

from inos.errors import LinkRevoked
from inos.links.joined import Joined
from inos.links.links import Links
from inos.links.rooms import grant_id, grant_room_secret
from inos.ports import DevicePublicKey, Ports
from inos.tasks import Tasks
from inos.transfer.grants import Grants
from inos.transfer.needs import Capability
from inos.vault.vault import Vault
from inos.wire.link import Link, RevocableLink, parse_any


class Revocable:
    """Both sides."""

    def __init__(
        self,
        tasks: Tasks,
        ports: Ports,
        vault: Vault,
        links: Links,
        joined: Joined,
    ) -> None:
        self._tasks = tasks
        self._ports = ports
        self._vault = vault
        self._joined = joined
        self.grants = Grants(
            tasks, ports.arena, ports.keys, links,
            kept=lambda name: vault.grants().get(name),
            capability_of=vault.capability,
            is_owner=lambda key, peer_id, name: grant_id(ports.hashes, key, peer_id) == name,
        )  # fmt: skip

    def start(self) -> None:
        """The vault is open: be where those who have our links look for us."""
        for name, grant in sorted(self._vault.grants().items(), key=lambda item: not item[1].revoked):
            self._enter(name, grant.key)

    async def make(self, root: bytes) -> RevocableLink:
        """A new link to a root, durable. Raises NotFound, LimitExceeded."""
        key = self._ports.entropy.random(32)
        name = grant_id(self._ports.hashes, key, self._ports.hashes.hash(await DevicePublicKey()))
        await self._vault.grant(root, name, key)
        self._enter(name, key)
        return RevocableLink(name, key)

    async def resolve(self, link: str, timeout_s: float | None = None) -> Link:
        """What a link of either kind leads to; the owner of a revocable one is asked.

        Raises BadLink, LinkRevoked, NoPeers (after ``timeout_s`` without the owner; None waits for ever).
        """
        parsed = parse_any(link)
        if isinstance(parsed, Link):
            return parsed
        own = self._vault.grants().get(parsed.id)
        if own is not None:
            if own.revoked:
                raise LinkRevoked("you withdrew this link yourself")
            return _link(self._vault.capability(own.root))
        room_id = self._enter(parsed.id, parsed.key)
        self._joined.want(parsed.id, wanting=True, now=self._tasks.now)
        try:
            return _link(await self.grants.ask(parsed.id, parsed.key, room_id, timeout_s))
        finally:
            if not self.grants.is_asking(parsed.id):  # by another call
                self._joined.leave(parsed.id, self._tasks.now)

    def _enter(self, name: bytes, key: bytes) -> bytes:
        secret = grant_room_secret(self._ports.hashes, name, key)
        return self._joined.join(name, secret, self._tasks.now)


def _link(capability: Capability) -> Link:
    return Link(capability.bid, capability.secret)
