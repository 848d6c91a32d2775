"""Views under every order of events: nobody is in two of them, bounds hold, hearsay never flushes out whom we know."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inos import limits
from inos.errors import ProtocolViolation
from inos.membership.contact import Known
from inos.membership.view import View, check_link_list, link_list, prefixes_in
from inos.wire.membership import Contact

OWN = bytes([0x80]) + bytes(31)


def known(number: int, time_ms: int = 0) -> Known:
    peer_id = (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big") + number.to_bytes(24, "big")
    return Known(peer_id, Contact(bytes(32), bytes(16), bytes(32), time_ms, 0), peer_id + time_ms.to_bytes(4, "big"))


class Views(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.view = View(OWN)
        self.proved: list[bytes] = []

    @rule(number=st.integers(0, 150))
    def link(self, number: int) -> None:
        peer_id = known(number).peer_id
        if peer_id not in self.view.active and peer_id != OWN:
            version = self.view.version
            self.view.add(peer_id, 1.0)
            assert self.view.version > version

    @rule(number=st.integers(0, 150), again=st.booleans())
    def unlink(self, number: int, again: bool) -> None:
        contact = known(number)
        if self.view.remove(contact.peer_id) is not None and again:
            assert self.view.remember(contact, proved=True)
            assert self.view.is_proved(contact.peer_id)

    @rule(numbers=st.lists(st.integers(0, 100_000), min_size=1, max_size=40), time_ms=st.integers(0, 3))
    def hearsay(self, numbers: list[int], time_ms: int) -> None:
        before = [p for p in self.view.passive if self.view.is_proved(p)]
        for number in numbers:
            self.view.remember(known(number, time_ms))
        for peer_id in before:
            assert peer_id in self.view.passive, "hearsay flushed out a node that we had a link with"

    @rule(number=st.integers(0, 150))
    def forget(self, number: int) -> None:
        self.view.forget(known(number).peer_id)
        assert known(number).peer_id not in self.view.passive

    @rule(number=st.integers(0, 150), links=st.sets(st.integers(0, (1 << 64) - 1), max_size=5))
    def tell(self, number: int, links: set[int]) -> None:
        neighbour = self.view.active.get(known(number).peer_id)
        if neighbour is not None:
            self.view.set_links(neighbour, link_list(links))
            assert prefixes_in(neighbour.links) == sorted(links)
            assert all(neighbour.has_link_to(prefix) for prefix in links)
            assert not neighbour.has_link_to(12345)

    @invariant()
    def views_are_apart_and_bounded(self) -> None:
        view = self.view
        assert not view.active.keys() & view.passive.keys()
        assert OWN not in view.active
        assert OWN not in view.passive
        assert len(view.passive) <= limits.MESH_PASSIVE_MAX
        assert view._proved <= view.passive.keys()
        assert len(view._proved) <= limits.MESH_PASSIVE_PROVED_MAX
        assert {n.peer_id for n in view.by_prefix.values()} == set(view.active)

    @invariant()
    def near_ones_are_kept(self) -> None:
        assert prefixes_in(self.view.own_links()) == sorted(self.view.by_prefix)


Views.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_views = Views.TestCase


def test_a_later_contact_replaces_an_earlier_one_and_never_the_other_way():
    view = View(OWN)
    view.remember(known(1, 5))
    view.remember(known(1, 4))
    assert view.contact_of(known(1).peer_id).contact.time_ms == 5
    view.remember(known(1, 6))
    assert view.contact_at(known(1).prefix).contact.time_ms == 6


def test_the_nearest_are_kept_whatever_comes():
    view = View(OWN)
    near = [Known(OWN[:7] + bytes([n]) + bytes(24), known(1).contact, b"x") for n in range(1, 9)]
    for contact in near:
        view.remember(contact)
    for number in range(1, 1_000):
        view.remember(known(number))
    assert all(contact.peer_id in view.passive for contact in near)


@pytest.mark.parametrize("links", [b"1234567", b"12345678" * 2, b"b2345678a2345678"])
def test_link_lists_are_whole_ascending_and_without_doubles(links):
    with pytest.raises(ProtocolViolation):
        check_link_list(links)
    check_link_list(b"a2345678b2345678")
