"""Provider records: nobody makes one in another's name, and bounds hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_world import ROOM, Hashes, World, forge

from inos import limits
from inos.dht.records import LABEL, WITHDRAWN, Record, Records
from inos.errors import ProtocolViolation
from inos.membership.contact import Known, Notary
from inos.tasks import Tasks
from inos.wire.requests import Provider, SignedProvider, encode

KEY, OTHER = bytes([1]) * 32, bytes([2]) * 32


class Bench:
    def __init__(self) -> None:
        self.world = World(1)
        self.node = self.world.add()
        self.world.run(1.0)
        self.ahead_ms = 0
        self.notary = Notary(Hashes(), ROOM, self.wall_ms)
        self.records = Records(self.notary, ROOM, self.wall_ms)

    def wall_ms(self) -> int:
        return self.node.mesh._wall_ms() + self.ahead_ms

    def made(
        self, key: bytes = KEY, *, room: bytes = ROOM, life_s: float = 600, ago_s: float = 0, flags: int = 0
    ) -> bytes:
        seq = int(self.node.mesh._wall_ms() - ago_s * 1_000)
        record = encode(Provider(key, self.node.mesh.contact.signed, seq, int(seq + life_s * 1_000), flags))
        return encode(SignedProvider(record, forge(self.node.secret, LABEL + room + record)))

    def check(self, data: bytes, key: bytes = KEY) -> Record:
        tasks = Tasks()
        task = tasks.spawn(self.records.check(key, data), "check")
        task.on_done(lambda: None)
        while effects := tasks.poll_effects():
            for effect_id, effect in effects:
                tasks.on_done(effect_id, self.node._perform(effect), 0.0)
        return task.result()


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def test_a_true_record_is_good_for_its_key(bench):
    record = bench.check(bench.made())
    assert (record.author, record.key) == (bench.node.peer_id, KEY)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": OTHER}, "another key"),
        ({"room": bytes(32)}, "does not verify"),
        ({"life_s": limits.PROVIDER_TTL_S + 1}, "too long"),
        ({"ago_s": 1_000}, "clock window"),
        ({"ago_s": -200}, "clock window"),
    ],
)
def test_a_record_of_another_key_room_or_time_is_refused(bench, changes, why):
    with pytest.raises(ProtocolViolation, match=why):
        bench.check(bench.made(**changes))


@given(data=st.data())
@settings(deadline=None)
def test_no_changed_byte_is_accepted(bench, data):
    made = bytearray(bench.made())
    made[data.draw(st.integers(0, len(made) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolViolation):
        bench.check(bytes(made))


def fake(author: int, key: int, seq: int, flags: int = 0, size: int = 300) -> Record:
    peer_id = author.to_bytes(32, "big")
    provider = Provider(key.to_bytes(32, "big"), b"x", seq, 1 << 50, flags)
    return Record(Known(peer_id, None, b"x"), provider, bytes(size))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=300))
def test_the_latest_of_each_author_counts_and_bounds_hold(bench, said):
    records = Records(bench.notary, ROOM, bench.wall_ms)
    latest: dict[tuple[int, int], tuple[int, bool]] = {}
    for author, key, seq, withdrawn in said:
        kept = records.add(fake(author, key, seq, WITHDRAWN * withdrawn))
        old = latest.get((author, key))
        assert kept == (old is None and len([1 for a, k in latest if k == key]) < limits.PROVIDERS_PER_KEY_MAX) or (
            old is not None and kept == (old[0] < seq)
        )
        if kept:
            latest[author, key] = seq, withdrawn
    for key in range(4):
        held = {(int.from_bytes(r.author, "big"), r.seq, r.withdrawn) for r in records.all_of(key.to_bytes(32, "big"))}
        assert held == {(a, s, w) for (a, k), (s, w) in latest.items() if k == key}
        assert len(records.of(key.to_bytes(32, "big"))) <= 8


def test_authors_and_bytes_are_bounded_and_what_is_over_is_dropped(bench):
    records = Records(bench.notary, ROOM, bench.wall_ms)
    assert sum(records.add(fake(1, key, 1)) for key in range(limits.PROVIDER_KEYS_MAX + 5)) == limits.PROVIDER_KEYS_MAX
    assert not records.add(fake(2, 1, 1, size=limits.PROVIDER_BYTES_MAX))
    assert records.add(fake(2, 1, 1))
    bench.ahead_ms = 1 << 51
    records.expire()
    bench.ahead_ms = 0
    assert records.stats() == {"keys": 0, "bytes": 0, "authors": 0, "forged": 0}
