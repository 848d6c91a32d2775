"""Whom we know: neighbours (with a link) and passive contacts (without).

Nouns: a *neighbour* has a *condition* (SHOWN, HIDDEN, FROZEN, LEAVING, as it said in some *incarnation*) and the *link list*
it told; *proved* contacts are of nodes that we had a link with, which nobody can make up; *near* ones are the XOR-closest.

Invariants: nobody is both neighbour and passive, nor is it ourselves; bounds hold after every call; what is proved or near
never gives way to hearsay, so strangers cannot flush out whom we know (eclipse). ``version`` changes with every change of
neighbours or link lists.

Must not know: messages, what links are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inos import limits
from inos.errors import ProtocolViolation
from inos.membership.contact import Known, prefix_of
from inos.wire.membership import PREFIX_BYTES

SHOWN, HIDDEN, FROZEN, LEAVING = range(4)

# Roles: why a link is kept. A partner is one that replication asks to watch closely.
SIBLING, BUCKET, RANDOM, PARTNER, NEEDED = 1, 2, 4, 8, 16


def prefixes_in(links: bytes) -> list[int]:
    """The numbers in a link list."""
    return [
        int.from_bytes(links[at : at + PREFIX_BYTES], "big")
        for at in range(0, len(links) // PREFIX_BYTES * PREFIX_BYTES, 8)
    ]


def link_list(prefixes: Iterable[int]) -> bytes:
    """The link list of these numbers: ascending."""
    return b"".join(prefix.to_bytes(PREFIX_BYTES, "big") for prefix in sorted(prefixes))


def check_link_list(links: bytes) -> None:
    """Whole prefixes, strictly ascending. Raises ProtocolViolation."""
    if len(links) % PREFIX_BYTES:
        raise ProtocolViolation("a link list that is cut")
    last = b""
    for at in range(0, len(links), PREFIX_BYTES):
        prefix = links[at : at + PREFIX_BYTES]
        if prefix <= last:
            raise ProtocolViolation("a link list out of order")
        last = prefix


class Neighbour:
    """A node that we have a link to."""

    __slots__ = (
        "condition",
        "incarnation",
        "known",
        "links",
        "peer_id",
        "prefix",
        "roles",
        "since_s",
        "suspect",
        "watch",
    )

    def __init__(self, peer_id: bytes, now: float) -> None:
        self.peer_id = peer_id
        self.prefix = prefix_of(peer_id)
        self.known: Known | None = None  # until its contact was checked
        self.links = b""
        self.condition = SHOWN
        self.incarnation = 0
        self.roles = 0
        self.since_s = now
        self.suspect = False
        self.watch: object | None = None  # the detector's

    def has_link_to(self, prefix: int) -> bool:
        """Whether its list names this node."""
        raw, links = prefix.to_bytes(PREFIX_BYTES, "big"), self.links
        at = links.find(raw)
        while at >= 0 and at % PREFIX_BYTES:
            at = links.find(raw, at + 1)
        return at >= 0

    def __repr__(self) -> str:
        return f"Neighbour({self.peer_id.hex()[:8]})"


class View:
    """Neighbours and passive contacts of one node."""

    __slots__ = ("_proved", "active", "by_prefix", "passive", "peer_id", "prefix", "version")

    def __init__(self, peer_id: bytes) -> None:
        self.peer_id = peer_id
        self.prefix = prefix_of(peer_id)
        self.active: dict[bytes, Neighbour] = {}
        self.by_prefix: dict[int, Neighbour] = {}
        self.passive: dict[bytes, Known] = {}
        self._proved: set[bytes] = set()
        self.version = 0

    # --- neighbours ---------------------------------------------------------------------------------------------------

    def add(self, peer_id: bytes, now: float) -> Neighbour:
        """A link is up."""
        assert peer_id != self.peer_id and peer_id not in self.active  # noqa: PT018 - one fault: the carrier's
        neighbour = Neighbour(peer_id, now)
        neighbour.known = self.passive.pop(peer_id, None)
        self._proved.discard(peer_id)
        self.active[peer_id] = neighbour
        self.by_prefix[neighbour.prefix] = neighbour
        self.version += 1
        return neighbour

    def remove(self, peer_id: bytes) -> Neighbour | None:
        """Its link is gone. ``remember`` it where it may come back."""
        neighbour = self.active.pop(peer_id, None)
        if neighbour is not None:
            if self.by_prefix.get(neighbour.prefix) is neighbour:
                del self.by_prefix[neighbour.prefix]
            self.version += 1
        return neighbour

    def set_links(self, neighbour: Neighbour, links: bytes) -> None:
        """Its link list, as it told it (checked)."""
        if links != neighbour.links:
            neighbour.links = links
            self.version += 1

    def own_links(self) -> bytes:
        """Ours, to tell."""
        return link_list(self.by_prefix)

    # --- passive contacts ---------------------------------------------------------------------------------------------

    def remember(self, known: Known, *, proved: bool = False) -> bool:
        """Keep a contact; whether it is kept (here or as a neighbour's). A later contact replaces an earlier one."""
        peer_id = known.peer_id
        if peer_id == self.peer_id:
            return False
        neighbour = self.active.get(peer_id)
        if neighbour is not None:
            if neighbour.known is None or neighbour.known.contact.time_ms < known.contact.time_ms:
                neighbour.known = known
            return True
        old = self.passive.get(peer_id)
        if old is None or old.contact.time_ms < known.contact.time_ms:
            self.passive[peer_id] = known
        if proved:
            self._prove(peer_id)
        if len(self.passive) > limits.MESH_PASSIVE_MAX:
            del self.passive[self._least(peer_id)]
        return peer_id in self.passive

    def forget(self, peer_id: bytes) -> None:
        """It is gone, or cannot be reached."""
        self.passive.pop(peer_id, None)
        self._proved.discard(peer_id)

    def is_proved(self, peer_id: bytes) -> bool:
        """Whether we had a link with this passive contact."""
        return peer_id in self._proved

    # --- both ---------------------------------------------------------------------------------------------------------

    def contact_of(self, peer_id: bytes) -> Known | None:
        """A checked contact, if we have one."""
        neighbour = self.active.get(peer_id)
        return neighbour.known if neighbour is not None else self.passive.get(peer_id)

    def contact_at(self, prefix: int) -> Known | None:
        """The same, by prefix."""
        neighbour = self.by_prefix.get(prefix)
        if neighbour is not None:
            return neighbour.known
        return next((known for known in self.passive.values() if known.prefix == prefix), None)

    def contacts(self) -> Iterator[Known]:
        """All that we have."""
        for neighbour in self.active.values():
            if neighbour.known is not None:
                yield neighbour.known
        yield from self.passive.values()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _prove(self, peer_id: bytes) -> None:
        self._proved.add(peer_id)
        if len(self._proved) > limits.MESH_PASSIVE_PROVED_MAX:
            oldest = next(known for known in self.passive if known in self._proved)
            self._proved.discard(oldest)

    def _least(self, newest: bytes) -> bytes:
        """Whom to give up: hearsay that is far, the oldest first; the newest itself where all others are worth more."""
        by_distance = sorted(self.passive.values(), key=lambda known: known.prefix ^ self.prefix)
        near = {known.peer_id for known in by_distance[: limits.MESH_PASSIVE_NEAR]}
        for peer_id in self.passive:
            if peer_id not in near and peer_id not in self._proved and peer_id != newest:
                return peer_id
        return newest
