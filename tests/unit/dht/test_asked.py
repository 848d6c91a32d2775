"""Whom a look-up may ask by name, how often, and how many in all."""

from __future__ import annotations

from inos import limits
from inos.dht.asked import TIMES, Asked


def test_whoever_was_silent_is_asked_again_and_no_more():
    asked = Asked(wide=False)
    assert [asked.note(b"one") for _ in range(TIMES)] == [False] + [True] * (TIMES - 1)
    assert not asked.may(b"one")
    assert asked.may(b"other")
    assert b"one" in asked
    assert b"other" not in asked


def test_questions_are_bounded():
    for wide, most in ((False, limits.LOOKUP_DIRECT_MAX), (True, limits.LOOKUP_WIDE_DIRECT_MAX)):
        asked = Asked(wide=wide)
        for number in range(most):
            assert asked.may(bytes([number]))
            asked.note(bytes([number]))
        assert asked.is_full
        assert not asked.may(b"another")
