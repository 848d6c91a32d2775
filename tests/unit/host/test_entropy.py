"""Entropy of the host."""

from __future__ import annotations

from inos_host.entropy import HostEntropy


def test_lengths_and_no_repeats():
    entropy = HostEntropy()
    assert [len(entropy.random(length)) for length in (0, 1, 32)] == [0, 1, 32]
    assert len({entropy.random(32) for _ in range(100)}) == 100
