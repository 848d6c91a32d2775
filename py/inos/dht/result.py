"""What a look-up found."""

from __future__ import annotations

from dataclasses import dataclass

from inos.dht.records import Record
from inos.wire.membership import Contact


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found: the ``closest`` nodes and their ids, ``closest[0]`` and some others have ``answered`` (closest first),
    ``named`` are the closest of all whose contacts were checked, whether they could be reached or not,
    ``hops`` is how far the closest node was, ``paths`` the ways that copies went, ``first_hops`` (prefixes) those by which each
    answered."""

    key: bytes
    closest: list[Contact]
    peer_ids: list[bytes]
    answered: list[bytes]
    named: list[bytes]
    records: list[Record]
    hops: int
    copies: int
    paths: list[bytes]
    first_hops: dict[bytes, int]
