"""The rules of rooms, with plain calls and a clock in the hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inos_host.server.rendezvous import ROOM_BYTES, Hub, Limits, Member, TokenBucket, parse_control

ROOM = bytes(range(32))
OTHER = bytes(32)
ROOMY = Limits(messages_per_s=1e9, messages_burst=1e9)


def connect(hub: Hub, address: str = "127.0.0.1", now: float = 0.0) -> Member:
    member = hub.connect(address, now, loopback=address.startswith("127."))
    assert member is not None
    return member


def join(hub: Hub, member: Member, room: bytes = ROOM, now: float = 0.0) -> dict[str, object]:
    hub.receive_text(member, json.dumps({"join": room.hex()}), now)
    return json.loads(drain(hub, member)[-1])


def drain(hub: Hub, member: Member) -> list[str | bytes]:
    frames = []
    while (frame := hub.next_frame(member)) is not None:
        frames.append(frame)
    return frames


def test_a_frame_reaches_every_other_member_of_its_room_and_nobody_else():
    hub = Hub()
    sender, first, second, elsewhere = (connect(hub) for _ in range(4))
    assert join(hub, sender) == {"joined": ROOM.hex(), "members": 1}
    assert join(hub, first) == {"joined": ROOM.hex(), "members": 2}
    assert join(hub, second) == {"joined": ROOM.hex(), "members": 3}
    join(hub, elsewhere, OTHER)
    frame = ROOM + b"sealed"
    hub.receive_bytes(sender, frame, 0.0)
    assert drain(hub, first) == [frame]
    assert drain(hub, second) == [frame]
    assert drain(hub, sender) == []
    assert drain(hub, elsewhere) == []


def test_one_socket_may_sit_in_several_rooms():
    hub = Hub(ROOMY)
    bridge, left, right = (connect(hub) for _ in range(3))
    for room, member in ((ROOM, left), (OTHER, right)):
        join(hub, bridge, room)
        join(hub, member, room)
    hub.receive_bytes(left, ROOM + b"l", 0.0)
    hub.receive_bytes(right, OTHER + b"r", 0.0)
    assert drain(hub, bridge) == [ROOM + b"l", OTHER + b"r"]
    assert drain(hub, right) == []


def test_only_a_member_may_send_to_a_room():
    hub = Hub()
    member, stranger = connect(hub), connect(hub)
    join(hub, member)
    join(hub, stranger, OTHER)
    hub.receive_bytes(stranger, ROOM + b"x", 0.0)
    assert drain(hub, member) == []
    assert drain(hub, stranger) == [json.dumps({"error": "not-member", "room": ROOM.hex()}, separators=(",", ":"))]


def test_leaving_stops_frames_and_forgets_empty_rooms():
    hub = Hub()
    stays, leaves = connect(hub), connect(hub)
    join(hub, stays)
    join(hub, leaves)
    hub.receive_text(leaves, json.dumps({"leave": ROOM.hex()}), 1.0)
    assert json.loads(drain(hub, leaves)[0]) == {"left": ROOM.hex()}
    hub.receive_bytes(stays, ROOM + b"x", 1.0)
    assert drain(hub, leaves) == []
    assert leaves.join_by == 1.0 + hub.limits.join_s
    hub.disconnect(stays)
    assert hub.room_count == 0
    assert hub.member_count == 1


def test_leaving_a_room_that_was_never_joined_is_told():
    hub = Hub()
    member = connect(hub)
    hub.receive_text(member, json.dumps({"leave": ROOM.hex()}), 0.0)
    assert json.loads(drain(hub, member)[0])["error"] == "not-member"


def test_joining_twice_counts_once():
    hub = Hub()
    member = connect(hub)
    assert join(hub, member) == join(hub, member) == {"joined": ROOM.hex(), "members": 1}


@pytest.mark.parametrize("size", [0, 1, ROOM_BYTES, Limits().frame_bytes_max + 1])
def test_frames_without_a_payload_or_above_the_bound_are_refused(size: int):
    hub = Hub()
    member = connect(hub)
    join(hub, member)
    hub.receive_bytes(member, (ROOM + bytes(size))[:size], 0.0)
    assert json.loads(drain(hub, member)[0]) == {"error": "size"}


def test_the_largest_frame_passes():
    hub = Hub()
    sender, receiver = connect(hub), connect(hub)
    join(hub, sender)
    join(hub, receiver)
    frame = ROOM + bytes(Limits().frame_bytes_max - ROOM_BYTES)
    hub.receive_bytes(sender, frame, 0.0)
    assert drain(hub, receiver) == [frame]


def test_a_room_is_full_at_its_bound():
    hub = Hub(Limits(sockets_per_loopback_max=100))
    for _ in range(hub.limits.room_members_max):
        assert "joined" in join(hub, connect(hub))
    assert join(hub, connect(hub)) == {"error": "room-full", "room": ROOM.hex()}


def test_a_member_holds_a_bounded_number_of_rooms():
    hub = Hub(ROOMY)
    member = connect(hub)
    for number in range(hub.limits.member_rooms_max):
        assert "joined" in join(hub, member, number.to_bytes(32))
    assert join(hub, member, b"\xff" * 32)["error"] == "rooms-full"


@pytest.mark.parametrize(("address", "bound"), [("127.0.0.1", 64), ("192.0.2.7", 5)])
def test_sockets_of_one_address_are_bounded(address: str, bound: int):
    hub = Hub()
    members = [connect(hub, address) for _ in range(bound)]
    loopback = address.startswith("127.")
    assert hub.connect(address, 0.0, loopback=loopback) is None
    assert hub.connect("198.51.100.1", 0.0, loopback=False) is not None
    hub.disconnect(members[0])
    assert hub.connect(address, 0.0, loopback=loopback) is not None


def test_all_sockets_together_are_bounded():
    hub = Hub(Limits(sockets_max=3))
    for number in range(3):
        connect(hub, f"192.0.2.{number}")
    assert hub.connect("192.0.2.9", 0.0, loopback=False) is None


def test_who_joins_no_room_in_time_is_closed():
    hub = Hub()
    late, prompt = connect(hub), connect(hub)
    join(hub, prompt, now=9.0)
    for member in (late, prompt):
        hub.on_deadline(member, 9.99)
        assert member.closed is None
        hub.on_deadline(member, 10.0)
    assert late.closed == "no room joined in time"
    assert prompt.closed is None
    assert late in hub.poll_ready()


def test_the_rate_is_told_once_per_burst_and_recovers():
    hub = Hub()
    sender, receiver = connect(hub), connect(hub)
    join(hub, sender)
    join(hub, receiver)
    for _ in range(60):
        hub.receive_bytes(sender, ROOM + b"x", 0.0)
    assert len(drain(hub, receiver)) == 39  # 40 tokens, one spent on joining
    assert [json.loads(frame) for frame in drain(hub, sender)] == [{"error": "rate"}]
    for _ in range(60):
        hub.receive_bytes(sender, ROOM + b"x", 1.0)
    assert len(drain(hub, receiver)) == 20


def test_who_floods_on_is_closed():
    hub = Hub()
    member = connect(hub)
    join(hub, member)
    for _ in range(40 + hub.limits.refusals_in_a_row_max + 1):
        hub.receive_bytes(member, ROOM + b"x", 0.0)
    assert member.closed == "too many messages"
    assert hub.next_frame(member) is None


@pytest.mark.parametrize("size", [33, 16 * 1024])
def test_who_does_not_read_is_dropped_with_a_bounded_queue(size: int):
    hub = Hub(ROOMY)
    sender, slow = connect(hub), connect(hub)
    join(hub, sender)
    join(hub, slow)
    largest = 0
    for _ in range(2000):
        hub.receive_bytes(sender, ROOM + bytes(size - 32), 0.0)
        largest = max(largest, slow.outbox_bytes)
        assert len(slow.outbox) <= hub.limits.outbox_frames_max
    assert largest <= hub.limits.outbox_bytes_max
    assert slow.closed == "too slow"
    assert not slow.outbox
    assert sender.closed is None


def test_only_members_with_news_are_ready():
    hub = Hub()
    sender, receiver = connect(hub), connect(hub)
    join(hub, sender)
    join(hub, receiver)
    hub.poll_ready()
    hub.receive_bytes(sender, ROOM + b"x", 0.0)
    assert hub.poll_ready() == {receiver}
    assert hub.poll_ready() == set()


def test_a_token_bucket_neither_overfills_nor_runs_backwards():
    bucket = TokenBucket(per_s=2.0, burst=3.0, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.5)
    assert not bucket.take(0.4)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


GOOD = {"join": ROOM.hex()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "1e999",
        "[" * 100,
        json.dumps({"join": ROOM.hex().upper() + "A"}),
        json.dumps({"join": "AB" * 32}),
        json.dumps({"join": "00" * 31}),
        json.dumps({"join": 5}),
        json.dumps({"shout": ROOM.hex()}),
        json.dumps({**GOOD, "leave": ROOM.hex()}),
        json.dumps(GOOD) + " " * 200,
        json.dumps(GOOD)[:-1],
    ],
)
def test_other_control_messages_are_refused(text: str):
    assert parse_control(text) is None
    hub = Hub()
    member = connect(hub)
    hub.receive_text(member, text, 0.0)
    assert json.loads(drain(hub, member)[0]) == {"error": "syntax"}


@given(st.text(max_size=200))
def test_control_text_never_raises(text: str):
    assert parse_control(text) is None or "join" in text or "leave" in text


@given(st.sampled_from(["join", "leave"]), st.binary(min_size=32, max_size=32))
def test_control_messages_round_trip(verb: str, room: bytes):
    assert parse_control(json.dumps({verb: room.hex()})) == (verb, room)
