"""What a node's gossip has done so far, in numbers.

Must not know: peers, topics.
"""

from __future__ import annotations


class Stats:
    """Counters; they only grow."""

    __slots__ = (
        "copies",
        "delivered",
        "dropped",
        "duplicates",
        "expired",
        "forged",
        "grafts",
        "hops",
        "messages",
        "prunes",
        "published",
        "received",
        "resends",
        "sent_copies",
        "syncs",
        "unread",
        "unsent",
    )

    def __init__(self) -> None:
        self.messages = 0  # sent, of every kind
        self.sent_copies = 0  # of rumors
        self.copies = 0  # of rumors that came
        self.duplicates = 0  # of these, what was here already
        self.received = 0  # rumors, once each
        self.delivered = 0  # to subscribers
        self.published = 0
        self.grafts = self.prunes = self.resends = self.syncs = 0  # sent, sent, sent, begun
        self.dropped = 0  # beyond a budget
        self.expired = self.forged = 0
        self.unread = 0  # for subscribers, but not sealed as it must be, or too many at once
        self.unsent = 0  # the link was full or gone
        self.hops: dict[int, int] = {}  # of received rumors: how many came over so many links

    def as_dict(self) -> dict[str, int | dict[str, int]]:
        """For the page."""
        numbers: dict[str, int | dict[str, int]] = {
            name: getattr(self, name) for name in self.__slots__ if name != "hops"
        }
        numbers["hops"] = {str(hops): count for hops, count in sorted(self.hops.items())}
        return numbers
