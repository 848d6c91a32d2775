"""A keeper of copies and what three others say to it, while it keeps a file of its own at them. Time passes between messages."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from custody_world import NETS, Net
from tests.fuzz.pieces import pack, unpack
from tests.fuzz.spoken import SPEAKERS, mutate_talk

from inos.errors import InosError, ProtocolViolation
from inos.wire import custody
from inos.wire.messages import decode_control, encode

SETTLE_S = 1.0
BETWEEN_S = 0.3
TALK_MAX = 8


def ground() -> Net:
    """Four keepers; the first has a file, the second another."""
    net = Net(1 + SPEAKERS)
    NETS.remove(net)  # it is no test's
    for keeper in net.keepers[:2]:
        keeper.put(count=2, size=200)
    net.run(SETTLE_S)
    return net


def run(data: bytes) -> None:
    """See Target."""
    talk = [(speaker, decode_control(piece)) for speaker, piece in unpack(data, SPEAKERS)]
    net = ground()
    try:
        for speaker, message in talk[:TALK_MAX]:
            if isinstance(message, custody.CustodyMessage):
                net.deliver(net.keepers[1 + speaker], net.keepers[0], encode(message))
                net.run(BETWEEN_S)
        for _, error in net.crashes:
            if not isinstance(error, InosError):
                raise error
        own = net.keepers[0].shelf
        assert set(own.own) <= set(own.blocks), "what others say took a block of its own"
        if net.violations:
            raise ProtocolViolation(net.violations[0])
    finally:
        net.close()


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    return mutate_talk(data, rng)


def seeds() -> Iterator[bytes]:
    """See Target."""
    net = ground()
    me, others = net.keepers[0], net.keepers[1:]
    mine, own_bid = me.names[0], next(iter(me.shelf.own))
    their_bids = [(bid, len(block)) for bid, block in others[0].shelf.own.items()]
    theirs = others[0].names[0]
    made_up = [(hashlib.sha256(b"none").digest(), 500)]
    rows = custody.pack_rows(their_bids)
    keep = custody.Keep(theirs, others[0].id, their_bids[0][0], 0, 1, rows, 600, 3, 1, others[0].id, b"")
    net.close()
    talks: list[list[custody.CustodyMessage]] = [
        [keep, custody.Renew(theirs, 300), custody.Audit(9, their_bids[0][0], 0), custody.Release(theirs)],
        [custody.Keep(mine, others[0].id, own_bid, 0, 2, custody.pack_rows(made_up), 60, 3, 1, b"", b""), keep],
        [custody.Taking(mine), custody.Kept(mine), custody.Dropped(mine), custody.Kept(mine)],
        [custody.Refused(mine, 1), custody.Refused(mine, 4), custody.Handing(mine, 0), custody.Handing(mine, 1)],
        [custody.Holders(mine, 7, 3, others[1].id, others[2].id), custody.Holders(theirs, 2, 8, me.id, b"")],
        [custody.Slice(1, b"c", bytes(32)), custody.Handed(mine, ok=True), custody.Handed(theirs, ok=False)],
        [custody.Audit(1, own_bid, 0), custody.Audit(2, own_bid, (1 << 32) - 1), custody.Renew(mine, 0)],
    ]
    for speaker in range(2):
        for talk in talks:
            yield pack([(speaker, encode(message)) for message in talk])
