"""What a vault remembers of blocks that are kept for others, and of others that keep its own.

Nouns: a *bundle* is blocks that are kept together; a *guest* is one that is kept for somebody else, under a lease.

Must not know: disks, peers (``inos.vault`` and ``inos.replication`` meet here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Guest:
    """A bundle kept for others. ``key``: a block under whose name holders are found; ``asker``: whose quota it is on."""

    bundle: bytes
    owner: bytes
    key: bytes
    asker: bytes
    until_ms: int
    copies: int  # that the owner wants; 0: this one is beyond that number
    bids: tuple[bytes, ...]


class HolderRecord(NamedTuple):
    """Who else holds a bundle. ``copies`` 0: it is not wanted any more, and these have not been told."""

    copies: int
    peers: tuple[bytes, ...]
