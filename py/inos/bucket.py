"""A token bucket: how often something may happen.

Nouns: a *token* is one time; tokens come at a rate and are kept up to a burst.

Invariants: in any span of t seconds at most burst + rate * t are taken. Time never runs backwards here.

Must not know: what is counted.
"""

from __future__ import annotations


class TokenBucket:
    """Full at first."""

    __slots__ = ("_at", "_burst", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Take one; False when there is none."""
        self._tokens = min(self._burst, self._tokens + self._rate_per_s * max(0.0, now - self._at))
        self._at = max(self._at, now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
