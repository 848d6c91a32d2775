"""Whatever peers say, nothing breaks, nothing grows without bound, and nobody loses a copy by a stranger's word."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from custody_world import Net, hash_of

from inos import limits
from inos.errors import ProtocolViolation
from inos.replication.bundle import bundle_id
from inos.wire import custody as wire
from inos.wire import messages


def keep_of(blocks: list[bytes], **more: Any) -> wire.Keep:
    rows = [(hash_of(block), len(block)) for block in blocks]
    said: dict[str, Any] = {
        "bundle": bundle_id(hash_of, (bid for bid, _ in rows)),
        "owner": b"o" * 32,
        "key": b"k" * 32,
        "part": 0,
        "parts": 1,
        "rows": wire.pack_rows(rows),
        "lease_s": 1_000,
        "copies": 3,
        "version": 0,
        "holders": b"",
        "stands_for": b"",
    }
    return wire.Keep(**said | more)


BLOCKS = [bytes([n]) * 100 for n in range(3)]


@pytest.mark.parametrize(
    "more",
    [
        {"rows": b""},
        {"rows": wire.pack_rows([(b"x" * 32, 5)])},
        {"rows": wire.pack_rows([(hash_of(block), 100) for block in BLOCKS[:2]])},
        {"rows": wire.pack_rows([(hash_of(block), 100) for block in BLOCKS]) + b"x"},
        {"rows": wire.pack_rows([(hash_of(block), 100) for block in [*BLOCKS, BLOCKS[0]]])},
        {"rows": wire.pack_rows([(hash_of(block), 0) for block in BLOCKS])},
        {"rows": wire.pack_rows([(hash_of(block), limits.BLOCK_BYTES_MAX + 1) for block in BLOCKS])},
        {"holders": b"h" * 33},
        {"holders": b"h" * 64},
        {"stands_for": b"s" * 7},
        {"part": 1},
    ],
)
def test_a_keep_that_cannot_be_is_a_violation_and_leaves_nothing(more: dict[str, Any]) -> None:
    net = Net(2)
    victim, other = net.keepers
    with pytest.raises(ProtocolViolation):
        victim.rep.on_message(other.id, keep_of(BLOCKS, **more), net.now)
    assert victim.rep.taker.pulls == {}


def test_parts_that_do_not_fit_together() -> None:
    net = Net(2)
    victim, other = net.keepers
    first = keep_of(BLOCKS, parts=2)
    victim.rep.on_message(other.id, first, net.now)
    with pytest.raises(ProtocolViolation):
        victim.rep.on_message(other.id, first, net.now)
    victim.rep.on_message(other.id, first, net.now)
    assert net.run(limits.TAKING_INTERVAL_S + 1, lambda: not victim.rep.taker.pulls), (
        "what is never said to its end goes"
    )


def test_a_bundle_that_nobody_gives_is_given_up() -> None:
    net = Net(2)
    victim, other = net.keepers
    victim.rep.on_message(other.id, keep_of(BLOCKS), net.now)
    assert net.run(5, lambda: not victim.rep.taker.pulls)
    assert victim.shelf.kept == {}
    assert victim.shelf.coming == {}
    assert victim.rep.book.guest_bytes == 0


def test_floods_of_keeps_are_bounded_by_quota_and_queue() -> None:
    net = Net(2)
    victim, other = net.keepers
    said: list[Any] = []
    victim.send = lambda peer, message: said.append(message) or True
    victim.rep._c.send = victim.send
    for n in range(limits.PULLS_QUEUED_MAX + 40):
        victim.rep.on_message(other.id, keep_of([n.to_bytes(4, "big") * 20], parts=2), net.now)
    assert len(victim.rep.taker.pulls) == limits.PULLS_QUEUED_MAX
    assert {one.reason for one in said if isinstance(one, wire.Refused)} == {wire.REFUSED_BUSY}


def test_no_more_than_the_quota_of_one_peer_is_promised() -> None:
    net = Net(2)
    victim, other = net.keepers
    said: list[Any] = []
    victim.rep._c.send = lambda peer, message: said.append(message) or True
    big = [(n.to_bytes(32, "big"), limits.BLOCK_BYTES_MAX) for n in range(15)]
    for n in range(20):
        rows = [*big, (hash_of(bytes([n])), 1)]
        name = bundle_id(hash_of, (bid for bid, _ in rows))
        message = keep_of(BLOCKS, bundle=name, rows=wire.pack_rows(rows))
        victim.rep.on_message(other.id, message, net.now)
    taken = sum(isinstance(one, wire.Taking) for one in said)
    assert taken == limits.GUEST_BYTES_PER_PEER_MAX // (15 * limits.BLOCK_BYTES_MAX + 1)
    assert said[-1].reason == wire.REFUSED_QUOTA


def test_strangers_words_change_nothing() -> None:
    net = Net(5)
    owner = net.keepers[0]
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    net.run(10)
    stranger = next(keeper for keeper in net.keepers if keeper not in net.holders(names[0]))
    before = {keeper.number: keeper.rep.book.bundles[names[0]].holders for keeper in net.holders(names[0])}
    lies = [
        wire.Release(names[0]),
        wire.Dropped(names[0]),
        wire.Holders(names[0], 99, 1, stranger.id, b""),
        wire.Handing(names[0], wire.HANDING_FULL),
        wire.Handed(names[0], ok=True),
        wire.Renew(names[0], 0),
        wire.Taking(names[0]),
        wire.Refused(names[0], 1),
        wire.Slice(7, b"c", b""),
        wire.Kept(names[0]),
    ]
    for keeper in net.holders(names[0]):
        for lie in lies:
            keeper.rep.on_message(stranger.id, lie, net.now)
    net.run(60)
    assert {k.number: k.rep.book.bundles[names[0]].holders for k in net.holders(names[0])} == before
    assert owner.rep.stats()["audits_failed"] >= 1, "who says Kept unasked must show it"


def test_an_owner_is_not_asked_to_keep_its_own() -> None:
    net = Net(3)
    owner, other, _ = net.keepers
    names = owner.put()
    assert net.run(20, lambda: net.full(names))
    bundle = owner.rep.book.bundles[names[0]]
    owner.rep.on_message(other.id, keep_of(BLOCKS, bundle=names[0], owner=owner.id, rows=bundle.rows), net.now)
    assert owner.shelf.kept == {}
    assert owner.rep.book.is_own(bundle)


@pytest.mark.parametrize("seed", range(20))
def test_noise_of_well_formed_messages(seed: int) -> None:
    net = Net(5, seed)
    names = net.keepers[0].put() + net.keepers[1].put()
    assert net.run(20, lambda: net.full(names))
    liar, rng = net.keepers[4], random.Random(seed)
    name_pool = [*names, b"n" * 32, *(keeper.id for keeper in net.keepers)]

    def name() -> bytes:
        return rng.choice(name_pool)

    def packed() -> bytes:
        return b"".join(rng.sample(name_pool, rng.randrange(1, 4)))

    kinds = [
        lambda: wire.Taking(name()),
        lambda: wire.Refused(name(), rng.randrange(6)),
        lambda: wire.Kept(packed()),
        lambda: wire.Release(packed()),
        lambda: wire.Renew(packed(), rng.randrange(limits.LEASE_S)),
        lambda: wire.Holders(name(), rng.randrange(1 << 32), rng.randrange(9), packed(), packed()),
        lambda: wire.Audit(rng.randrange(1 << 60), name(), rng.randrange(5)),
        lambda: wire.Slice(rng.randrange(1 << 60), b"c", b""),
        lambda: wire.Handing(name(), rng.randrange(3)),
        lambda: wire.Handed(name(), ok=rng.random() < 0.5),
        lambda: wire.Dropped(packed()),
        lambda: keep_of([rng.randbytes(9)], holders=packed(), stands_for=rng.choice([b"", name()])),
    ]
    honest = net.keepers[:4]
    for _ in range(300):
        message = messages.decode_control(messages.encode(rng.choice(kinds)()))
        with contextlib.suppress(ProtocolViolation):
            rng.choice(honest).rep.on_message(liar.id, message, net.now)
        if rng.random() < 0.1:
            net.run(rng.random())
    net.kill(liar)
    net.run(300)
    alive = set(honest)
    for one in names:
        assert len(alive.intersection(net.holders(one))) >= 3
    for keeper in honest:
        assert len(keeper.rep.taker.pulls) == 0
        assert keeper.rep.placer.asked == {}
