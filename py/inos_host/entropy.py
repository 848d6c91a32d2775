"""Randomness on CPython: the operating system's. Implements ``inos.ports.Entropy``."""

from __future__ import annotations

import secrets


class HostEntropy:
    """``secrets``, and nothing seeded."""

    def random(self, length: int) -> bytes:
        """Bytes fit for keys."""
        return secrets.token_bytes(length)
