"""What a mesh tells whoever watches it (the page, replication): drained by ``Mesh.poll_events``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PeerUp:
    """A link to it is up."""

    peer_id: bytes


@dataclass(frozen=True, slots=True)
class PeerSuspected:
    """It was not heard for too long; others are asked."""

    peer_id: bytes


@dataclass(frozen=True, slots=True)
class PeerAlive:
    """It was suspected, and lives."""

    peer_id: bytes


@dataclass(frozen=True, slots=True)
class PeerDown:
    """Its link is over, which says nothing of the peer. ``cause``: cut, or what the carrier said."""

    peer_id: bytes
    cause: str


@dataclass(frozen=True, slots=True)
class PeerDead:
    """It is held for gone. ``cause``: silent, brain (its Python stands still), left, frozen, accused (by others)."""

    peer_id: bytes
    cause: str


@dataclass(frozen=True, slots=True)
class LookupHop:
    """The way that a copy of a look-up took: prefixes from us to whoever answered. Only while somebody listens."""

    key: bytes
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RumorSeen:
    """A rumor came, over so many hops. ``topic`` is an id, ``length`` as it travels. Only while somebody listens."""

    topic: bytes
    peer_id: bytes
    hops: int
    length: int


MeshEvent: TypeAlias = PeerUp | PeerDown | PeerSuspected | PeerAlive | PeerDead | LookupHop | RumorSeen
EVENTS_MAX = 256  # the oldest are dropped
