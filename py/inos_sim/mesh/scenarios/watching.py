"""Who notices a death when, and who is held for dead though it lives.

Invariants: judged by the world itself: a verdict is false if its subject runs and its path is open. Verdicts by the subject's own
word (it left, it froze) are not judged. Must not know: why nodes die.
"""

from __future__ import annotations

from functools import partial

from inos.mesh.events import MeshEvent, PeerSuspected
from inos_sim.mesh.node import Node
from inos_sim.mesh.report import Report, percentile
from inos_sim.mesh.world import World

JUDGED = ("silent", "brain", "accused")


class Watching:
    """Verdicts of all nodes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._died_s: dict[bytes, float] = {}
        self._knew: dict[bytes, set[bytes]] = {}  # of each dead: who had a link to it
        self.first_s: dict[bytes, float] = {}  # of each dead: after how long anybody knew
        self.seconds: list[float] = []  # from a death to each neighbour's verdict
        self.suspect_seconds: list[float] = []
        self.false = 0
        self.false_cases: list[str] = []
        self.suspected_alive = 0
        world.on_event = self._on_event
        for node in world.nodes:
            self.follow(node)

    def follow(self, node: Node) -> None:
        """Hear this node's verdicts."""
        node.mesh.on_dead = partial(self._on_dead, node)

    def kill(self, node: Node) -> None:
        """Kill it, and wait for who notices."""
        self._died_s[node.peer_id] = self._world.clock.now
        self._knew[node.peer_id] = set(node.carrier.links)
        self._world.kill(node)

    def unnoticed(self) -> int:
        """How many neighbours that live have not noticed yet."""
        by_id = self._world.by_id
        return sum(
            by_id[peer_id].runs and dead in by_id[peer_id].carrier.links
            for dead, knew in self._knew.items()
            for peer_id in knew
        )

    def fill(self, report: Report) -> None:
        """Its figures."""
        report.detect_p99_s = percentile(self.seconds, 0.99)
        report.false_suspicions = self.false
        report.details |= {
            "detect_p50_s": percentile(self.seconds, 0.5),
            "detect_first_p50_s": percentile(list(self.first_s.values()), 0.5),
            "detect_first_p99_s": percentile(list(self.first_s.values()), 0.99),
            "suspect_p50_s": percentile(self.suspect_seconds, 0.5),
            "suspected_alive": self.suspected_alive,
            "false_cases": self.false_cases[:5],
        }

    def _on_dead(self, node: Node, peer_id: bytes, cause: str, now: float) -> None:
        died_s = self._died_s.get(peer_id)
        if died_s is not None:
            self.first_s.setdefault(peer_id, now - died_s)
            if node.peer_id in self._knew[peer_id]:
                self.seconds.append(now - died_s)
            return
        if cause in JUDGED and node.runs:
            peer = self._world.by_id[peer_id]
            if self._world.network.is_open(node, peer):
                self.false += 1
                self.false_cases.append(f"{node.number} of {peer.number}: {cause} at {now:.2f}")

    def _on_event(self, _node: Node, event: MeshEvent) -> None:
        if isinstance(event, PeerSuspected):
            died_s = self._died_s.get(event.peer_id)
            if died_s is not None:
                self.suspect_seconds.append(self._world.clock.now - died_s)
            else:
                peer = self._world.by_id[event.peer_id]
                self.suspected_alive += peer.runs and self._world.network.is_open(_node, peer)
