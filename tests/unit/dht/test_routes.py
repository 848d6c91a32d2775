"""Copies on their way, and what hostile neighbours may try with them."""

from __future__ import annotations

import random

import pytest
from mesh_world import SeededEntropy, World

from inos import limits
from inos.dht.routes import Relay, Routes, Verdict
from inos.errors import ProtocolViolation
from inos.membership.agenda import Agenda
from inos.membership.view import View, link_list
from inos.wire.requests import FIND_NODE, SIGNAL, Question, encode
from inos.wire.routes import Answered, DeadEnd, Route, Took

OWN = b"\x80" + bytes(31)


class Bench:
    """One node's routes, with everything it sends on record; it answers what ends here."""

    def __init__(self, *neighbours: int) -> None:
        self.view = View(OWN)
        self.agenda = Agenda()
        self.sent: list[tuple[int, object]] = []
        self.answers: list[bytes] = []
        self.dead_ends = 0
        self.routes = Routes(self.view, self.agenda, SeededEntropy(random.Random(1)), self.send, lambda _: 0.0)
        self.routes.server = self
        for first in neighbours:
            self.view.add(bytes([first]) + bytes(31), 0.0)

    def send(self, peer_id, message):
        self.sent.append((peer_id[0], message))
        return peer_id in self.view.active

    def serve(self, relay: Relay, now: float, *, final: bool):
        return b"answer" if final else Verdict.PASS

    def on_answer(self, relay, body, now):
        self.answers.append(body)

    def on_dead_end(self, relay, now):
        self.dead_ends += 1

    def hear(self, first: int, message, now: float = 0.0) -> list[tuple[int, object]]:
        self.sent.clear()
        self.routes.on_message(self.view.by_prefix[first << 56], message, now)
        return list(self.sent)

    def pass_time(self, now: float) -> list[tuple[int, object]]:
        self.sent.clear()
        self.agenda.on_time(now)
        return list(self.sent)


def route(sender: int, target: int, *, before: tuple[int, ...] = (), **changes: object) -> Route:
    path = b"".join(bytes([first]) + bytes(7) for first in (*before, sender))
    fields = {"id": bytes(16), "kind": FIND_NODE, "ttl": 8, "walk": 0, "target": bytes([target]) + bytes(31)}
    return Route(**(fields | {"via": b"", "path": path, "body": encode(Question(bytes(32)))} | changes))


def test_a_copy_is_taken_and_sent_closer():
    bench = Bench(0x10, 0xC0, 0xF0)
    out = bench.hear(0x10, route(0x10, 0xF1))
    assert out[0] == (0x10, Took(bytes(16)))
    assert out[1][0] == 0xF0
    assert out[1][1].ttl == 7
    assert out[1][1].path == b"\x10" + bytes(7) + b"\x80" + bytes(7)
    assert bench.hear(0xF0, Answered(bytes(16), b"x")) == [(0x10, Answered(bytes(16), b"x"))]
    assert bench.hear(0xF0, Answered(bytes(16), b"again")) == [], "an answer is passed on once"


def test_an_answer_takes_the_shortest_way_back():
    bench = Bench(0x10, 0x20, 0xF0)
    bench.hear(0x20, route(0x20, 0xF1, before=(0x10, 0x11)))
    assert bench.hear(0xF0, Answered(bytes(16), b"x"))[0][0] == 0x10


def test_a_copy_that_comes_again_is_given_back():
    bench = Bench(0x10, 0x20, 0xF0)
    bench.hear(0x10, route(0x10, 0xF1))
    assert bench.hear(0x20, route(0x20, 0xF1)) == [(0x20, DeadEnd(bytes(16)))]


def test_what_is_for_one_node_goes_by_a_further_link_where_there_is_no_nearer_one():
    """A newcomer has few links, and none of them nearer to those next to it: it would never get a link to them."""
    bench, next_to_us = Bench(0x10), bytes([0x81]) + bytes(31)
    assert bench.routes.begin(None, SIGNAL, next_to_us, b"", 0.0) is None
    assert bench.sent == []
    assert bench.routes.begin(None, SIGNAL, next_to_us, b"", 0.0, exact=True) is not None
    assert [to for to, _ in bench.sent] == [0x10]
    assert bench.routes.begin(None, SIGNAL, next_to_us, b"", 0.0, exact=True, avoid=(0x10 << 56,)) is None


def test_the_closest_answers():
    bench = Bench(0x10)
    assert bench.hear(0x10, route(0x10, 0x81))[-1] == (0x10, Answered(bytes(16), b"answer"))


def test_a_hop_that_is_silent_or_gives_back_is_replaced_and_not_reached_through_others():
    bench = Bench(0x10, 0xF0, 0xF2)
    bench.view.set_links(bench.view.by_prefix[0xF2 << 56], link_list({0xF0 << 56}))
    assert bench.hear(0x10, route(0x10, 0xF1))[-1][0] == 0xF0
    assert bench.pass_time(limits.ROUTE_TIMEOUT_MIN_S + 0.01)[-1][0] == 0xF2
    assert bench.sent[-1][1].via == b""
    assert bench.hear(0xF2, DeadEnd(bytes(16)), 0.2) == [(0x10, Answered(bytes(16), b"answer"))]


def test_the_very_node_that_is_asked_has_longer_and_only_once():
    bench = Bench(0x10, 0xF0, 0xF2)
    took_s = limits.ROUTE_TIMEOUT_MIN_S + 0.01
    assert bench.hear(0x10, route(0x10, 0xF0))[-1][0] == 0xF0
    assert bench.pass_time(took_s) == []
    assert bench.pass_time(took_s + limits.ROUTE_PATIENCE_S)[-1][0] == 0xF2, "then whoever is closest may answer"
    bench.pass_time(2 * took_s + limits.ROUTE_PATIENCE_S)
    assert bench.sent == [(0x10, Answered(bytes(16), b"answer"))]


def test_who_took_it_is_not_replaced_for_silence_but_when_its_link_ends():
    bench = Bench(0x10, 0xF0, 0xF2)
    bench.hear(0x10, route(0x10, 0xF1))
    bench.hear(0xF0, Took(bytes(16)))
    assert bench.pass_time(5.0) == []
    gone = bench.view.remove(b"\xf0" + bytes(31))
    bench.routes.on_down(gone, 5.0)
    assert bench.sent[-1][0] == 0xF2


def test_what_strangers_say_of_a_copy_counts_for_nothing():
    bench = Bench(0x10, 0x20, 0xF0)
    bench.hear(0x10, route(0x10, 0xF1))
    assert bench.hear(0x20, DeadEnd(bytes(16))) == []
    assert bench.hear(0x20, Took(bytes(16))) == []
    assert bench.hear(0x20, Answered(b"x" * 16, b"")) == []
    assert bench.routes.counts.late == 3


@pytest.mark.parametrize(
    "bad",
    [
        route(0x20, 0xF1),  # whose path ends at another
        route(0x10, 0xF1, path=b""),
        route(0x10, 0xF1, path=b"\x10" + bytes(6)),
        route(0x10, 0xF1, ttl=16),
        route(0x10, 0xF1, via=b"123"),
    ],
)
def test_routes_that_lie_about_their_way_are_violations(bad):
    with pytest.raises(ProtocolViolation):
        Bench(0x10, 0xF0).hear(0x10, bad)


def test_memory_of_copies_is_bounded_in_number_and_time():
    bench = Bench(0x10, 0xF0)
    for number in range(limits.ROUTE_RELAYS_MAX + 50):
        bench.hear(0x10, route(0x10, 0xF1, id=number.to_bytes(16, "big")))
    assert len(bench.routes._relays) == limits.ROUTE_RELAYS_MAX
    bench.hear(0x10, route(0x10, 0xF1, id=b"z" * 16), limits.ROUTE_LIFETIME_S + 1)
    assert len(bench.routes._relays) == 1


def test_a_flood_of_made_up_routes_ends_somewhere():
    world = World(11)
    nodes = world.grow(16)
    liar = nodes[0]
    sent = sum(node.sent for node in nodes)
    for number in range(100):
        peer = world.rng.choice(list(liar.links))
        path = liar.peer_id[:8]
        liar.send(peer, Route(number.to_bytes(16, "big"), FIND_NODE, 15, 0, world.rng.randbytes(32), b"", path, b""))
    world.run(20.0)
    assert sum(node.sent for node in nodes) - sent < 100 * limits.ROUTE_HOPS_MAX * 4


def test_a_copy_goes_by_the_hop_that_was_chosen_for_it_and_by_the_best_once_that_is_gone():
    bench = Bench(0x10, 0x50, 0x60)
    target = b"\x61" + bytes(31)
    for first, hop in ((0x10, 0x10), (0x60, 0x60), (0x70, 0x60)):  # nobody has the last
        bench.sent.clear()
        assert bench.routes.begin(bench, FIND_NODE, target, b"", 0.0, exact=True, first=first << 56) is not None
        assert [sent for sent, _ in bench.sent] == [hop]
