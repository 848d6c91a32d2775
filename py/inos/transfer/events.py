"""What a node says of its fetches. A *root* here is the link's. Must not know: who listens."""

from __future__ import annotations

from dataclasses import dataclass

from inos.transfer.needs import Progress


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far a fetch is. ``root`` is the link's root."""

    root: bytes
    progress: Progress


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """A fetch ended with an error (its code). The wish stays, except after a CorruptError: the link itself is bad."""

    root: bytes
    code: str
    text: str
