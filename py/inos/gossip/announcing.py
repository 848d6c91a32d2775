"""Batches of ids for the links that are lazy.

Must not know: topics, when batches go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inos import limits
from inos.gossip.store import Entry
from inos.wire.gossip import IHave

HOPS_MAX = 255  # as far as hops are counted


def announcements(kept: list[tuple[bytes, Entry]], peers: Iterable[bytes]) -> Iterator[tuple[bytes, IHave]]:
    """To each peer those of the rumors that it has not, as far as is known. Equal messages are one object."""
    made: dict[int, list[IHave]] = {}  # by which of them a link lacks: most links lack the same
    for peer in peers:
        lacks = 0
        for place, (_, entry) in enumerate(kept):
            if entry.heard is None or peer not in entry.heard:
                lacks |= 1 << place
        if lacks not in made:
            made[lacks] = _batches([pair for place, pair in enumerate(kept) if lacks >> place & 1])
        for message in made[lacks]:
            yield peer, message


def _batches(kept: list[tuple[bytes, Entry]]) -> list[IHave]:
    messages = []
    for at in range(0, len(kept), limits.GOSSIP_IHAVE_IDS_MAX):
        part = kept[at : at + limits.GOSSIP_IHAVE_IDS_MAX]
        hops = bytes(min(entry.hops + 1, HOPS_MAX) for _, entry in part)
        messages.append(IHave(b"".join(id for id, _ in part), hops))
    return messages
