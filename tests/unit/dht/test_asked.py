"""Whom a look-up may ask by name, how often, and how many in all."""

from __future__ import annotations

from inos import limits
from inos.dht.asked import WIDE_TIMES, Asked


def test_whoever_was_silent_is_asked_again_by_a_wide_look_up_only():
    narrow, wide = Asked(wide=False), Asked(wide=True)
    assert not narrow.note(b"one")
    assert not narrow.may(b"one")
    assert [wide.note(b"one") for _ in range(WIDE_TIMES)] == [False] + [True] * (WIDE_TIMES - 1)
    assert not wide.may(b"one")
    assert wide.may(b"other")
    assert b"one" in wide
    assert b"other" not in wide


def test_questions_are_bounded():
    for wide, most in ((False, limits.LOOKUP_DIRECT_MAX), (True, limits.LOOKUP_WIDE_DIRECT_MAX)):
        asked = Asked(wide=wide)
        for number in range(most):
            assert asked.may(bytes([number]))
            asked.note(bytes([number]))
        assert asked.is_full
        assert not asked.may(b"another")
