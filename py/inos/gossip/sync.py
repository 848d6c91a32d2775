"""Which ids two nodes do not share: range fingerprints, compared ever closer (range-based set reconciliation).

Nouns: the *fingerprint* of a range is the hash of all its ids in order; a range whose fingerprints differ is *split*, or, when
it is short, *listed*.

Invariants: every message is answered from one's own ids alone, so nothing is remembered between messages; each answer is a
closer look, so that two honest nodes end after log8 n of them; an answer is bounded, what does not fit waits for the next
time. A fingerprint is a real hash and not a sum: nobody can make rumors that cancel out another one.
Must not know: how messages travel.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from inos import limits
from inos.errors import ProtocolViolation
from inos.ports import Hashes
from inos.wire.gossip import RUMOR_ID_BYTES, SYNC_RANGES_MAX, Range, split_ids

SPLIT = 8
FINGERPRINT_BYTES = 16


class Compared(NamedTuple):
    """What came of a ``Sync``."""

    answer: list[Range]  # empty: nothing is left to look at
    lacking: list[bytes]  # theirs and not mine
    extra: list[bytes]  # mine and not theirs


def opening(hashes: Hashes, mine: list[bytes]) -> list[Range]:
    """The first message: one fingerprint of everything. ``mine`` ascends."""
    return [Range(b"", listed=False, data=_fingerprint(hashes, mine))]


def compare(hashes: Hashes, mine: list[bytes], ranges: list[Range]) -> Compared:
    """Look at their ranges. ``mine`` ascends. Raises ProtocolViolation for ranges out of order."""
    found = Compared([], [], [])
    low, listed = 0, 0
    at = b""
    for place, theirs in enumerate(ranges):
        if at and not at < (theirs.upto or b"\xff" * (RUMOR_ID_BYTES + 1)):
            raise ProtocolViolation("ranges out of order")
        high = bisect_left(mine, theirs.upto, low) if theirs.upto else len(mine)
        own = mine[low:high]
        if theirs.listed:
            _compare_lists(own, split_ids(theirs.data), found)
            _settle(found.answer, theirs.upto)
        elif not theirs.data or theirs.data == _fingerprint(hashes, own):
            _settle(found.answer, theirs.upto)
        elif len(own) <= limits.GOSSIP_SYNC_LIST_MAX and listed + len(own) <= limits.GOSSIP_SYNC_IDS_MAX:
            listed += len(own)
            found.answer.append(Range(theirs.upto, listed=True, data=b"".join(own)))
        elif len(found.answer) + SPLIT + len(ranges) - place <= SYNC_RANGES_MAX:
            _split(hashes, own, theirs.upto, found.answer)
        else:
            _settle(found.answer, theirs.upto)
        low, at = high, theirs.upto
        if not theirs.upto:
            break
    if all(not part.data and not part.listed for part in found.answer):
        found.answer.clear()
    return found


def _compare_lists(own: list[bytes], theirs: list[bytes], found: Compared) -> None:
    mine, others = set(own), set(theirs)
    found.lacking.extend(id for id in theirs if id not in mine)
    found.extra.extend(id for id in own if id not in others)


def _settle(answer: list[Range], upto: bytes) -> None:
    if answer and not answer[-1].listed and not answer[-1].data:
        answer.pop()
    answer.append(Range(upto, listed=False, data=b""))


def _split(hashes: Hashes, own: list[bytes], upto: bytes, answer: list[Range]) -> None:
    step = -(-len(own) // SPLIT)
    for start in range(0, len(own), step):
        end = own[start + step] if start + step < len(own) else upto
        answer.append(Range(end, listed=False, data=_fingerprint(hashes, own[start : start + step])))


def _fingerprint(hashes: Hashes, ids: list[bytes]) -> bytes:
    return hashes.hash(b"".join(ids))[:FINGERPRINT_BYTES]
