"""What carries the mesh's messages: ``inos.links`` in a tab, a simulated network in ``inos_sim``.

Invariants: messages between two nodes arrive in order or not at all; ``dial`` is answered by ``Mesh.on_link_up`` or
``Mesh.on_dial_failed``; a link that ends, however, is told once by ``Mesh.on_link_down``. Peers are named by their ids.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from inos.wire.membership import Contact
from inos.wire.messages import Mesh


class Heard(NamedTuple):
    """What was measured on a link. Times are on the clock of ``now``, in seconds."""

    last_heard_s: float  # when anything last came, answered by the net worker, not by Python
    rtt_s: float
    brain_age_s: float  # how long ago the peer's Python last ran, as it said; 0 where it is not known


class Carrier(Protocol):
    """Links, as the mesh sees them."""

    def send(self, peer_id: bytes, message: Mesh) -> bool:
        """Send; False when there is no link (any more), or its queue is full."""

    def dial(self, contact: Contact) -> None:
        """Make a link; offers go through ``Mesh.signal`` or the rendezvous, as the carrier knows best."""

    def hang_up(self, peer_id: bytes, cause: str) -> None:
        """End a link: it is a spare one, or its peer is held for dead."""

    def heard(self, peer_id: bytes) -> Heard | None:
        """What was measured; None without a link."""

    def pace(self, peer_id: bytes, interval_ms: int) -> None:
        """How often the net worker shall ping this peer from now on."""
