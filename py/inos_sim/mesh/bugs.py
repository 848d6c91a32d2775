"""Ways to break a mesh on purpose, so that scenarios prove that they can fail.

Nouns: a *bug* changes a node before it has any link. Must not know: scenarios.
"""

from __future__ import annotations

from collections.abc import Callable

from inos.wire.gossip import Graft
from inos.wire.membership import Condition, Probed, Refute
from inos.wire.messages import Mesh as Message
from inos.wire.routes import Answered
from inos_sim.mesh.network import LinkEnd
from inos_sim.mesh.node import Node


class Mute:
    """Keeps some kinds of message back. Implements ``inos_sim.mesh.node.Liar``."""

    is_mute = False  # a bug is no excuse

    def __init__(self, *kinds: type) -> None:
        self._kinds = kinds

    def says(self, _end: LinkEnd, message: Message) -> bool:
        """Not these."""
        return not isinstance(message, self._kinds)

    def hears(self, _end: LinkEnd, _message: Message) -> bool:
        """Everything."""
        return True


def no_graft(node: Node) -> None:
    """Gossip never repairs its trees."""
    node.liar = Mute(Graft)


def no_refutation(node: Node) -> None:
    """Nobody vouches for anybody, nor for itself, while half of all pings are lost."""
    node.world.network.ping_loss = 0.5
    node.liar = Mute(Refute, Probed, Condition)


def no_answers(node: Node) -> None:
    """Requests find their way, answers do not."""
    node.liar = Mute(Answered)


BUGS: dict[str, Callable[[Node], None]] = {
    "no-graft": no_graft,
    "no-refutation": no_refutation,
    "no-answers": no_answers,
}
