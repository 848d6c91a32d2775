"""A mesh of pages, as the tests speak to it: nodes in contexts of one Chromium, and Firefox beside them.

Figures come from the pages' own events and clocks, so that the driver's pace is not in them.
"""

from __future__ import annotations

import time
from typing import Any

from node import NodeTab, open_node
from server import Server

# Keeps every event of the mesh with the page's clock, which all pages of this machine share.
RECORD = """
() => {
  const isFirst = !window.meshEvents;
  window.meshEvents = [];
  if (isFirst) globalThis.inos.on("mesh", (event) => {
    window.meshEvents.push({ ...event, wallMs: performance.timeOrigin + performance.now() });
  });
}
"""
NOW_MS = "() => performance.timeOrigin + performance.now()"
ROOM = "() => globalThis.inos.room()"
DETECTOR = """() => inos.python("node.commons.mesh.stats()['detector']")"""
TOLD_MAX = 60

# Everything with these peers is over at once, as if the network between had been cut.
CUT = """
from inos.errors import PeerGone
ids = {ids}
for link, peer_id, _ in node.links.peers():
    if peer_id.hex() in ids:
        node.links.drop(link, PeerGone("cut"))
"""


class MeshNode(NodeTab):
    """A page in the mesh."""

    def record(self) -> MeshNode:
        """Keep the mesh's events from now on, and none of before."""
        self.tab.call(RECORD)
        return self

    @property
    def id(self) -> str:
        """The node's id."""
        return str(self.tab.call("async () => (await globalThis.inos.ready).node"))

    def room(self) -> dict[str, Any] | None:
        """The room that it is in."""
        found = self.tab.call(ROOM)
        assert found is None or isinstance(found, dict)
        return found

    def members(self) -> dict[str, dict[str, Any]]:
        """Its neighbours, by id."""
        room = self.room()
        return {member["id"]: member for member in room["members"]} if room else {}

    def events(self, what: str = "") -> list[dict[str, Any]]:
        """What was recorded."""
        found = self.tab.call("(what) => window.meshEvents.filter((one) => !what || one.what === what)", what)
        return list(found)

    def wait_event(self, what: str, about: str, timeout_s: float) -> dict[str, Any]:
        """The first event of this kind about a node."""
        found = self.tab.wait_for(
            f"{what} of {about[:8]}",
            "(what, about) => window.meshEvents.find((one) => one.what === what && one.id === about)",
            what,
            about,
            timeout_s=timeout_s,
        )
        assert isinstance(found, dict)
        return found

    def told(self) -> list[tuple[str, str, str, int]]:
        """The latest of its links that was recorded: what, of whom, why, and when by the clock that all pages share."""
        about = [event for event in self.events() if "id" in event and event["what"].startswith("Peer")]
        return [
            (event["what"], event["id"][:8], event.get("cause", ""), round(event["wallMs"]))
            for event in about[-TOLD_MAX:]
        ]

    def kill(self) -> float:
        """SIGKILL to its whole browser, which should be its own; when, on the clock that all pages share."""
        return float(self.browser.kill() * 1_000)


def open_mesh_node(browser: Any, server: Server, path: str = "") -> MeshNode:
    """Open a page, and record its mesh."""
    opened = open_node(browser, server, path)
    # The server is killed in these tests, and the browser says so on the console whenever the page looks for it again, or where
    # a service worker was just coming.
    opened.tab.allow_problems(r"rendezvous|unknown error occurred when fetching the script")
    return MeshNode(opened.tab, browser).record()


def wait_whole(nodes: list[MeshNode], timeout_s: float = 30.0, spare: int = 0) -> float:
    """Until everybody has a link to everybody but ``spare`` others, as in a mesh of few; seconds. With fewer than half of all to
    spare it is one mesh."""
    began = time.monotonic()
    everybody = {node.id for node in nodes}
    for node in nodes:
        others = sorted(everybody - {node.id})
        left = max(0.1, timeout_s - (time.monotonic() - began))
        enough = """
        async (others, spare) => {
          const members = new Set((await globalThis.inos.room())?.members.map(({ id }) => id));
          return others.filter((id) => !members.has(id)).length <= spare;
        }
        """
        try:
            node.tab.wait_for("all are linked", enough, others, spare, timeout_s=left)
        except TimeoutError as error:
            counts = [len(one.members()) for one in nodes]
            whole = TimeoutError(f"{error}; links: {counts} of {len(nodes) - 1}")
            whole.add_note(f"{type(node.browser).__name__} {node.id[:8]}: {node.told()}, {node.tab.call(DETECTOR)}")
            raise whole from None
    return time.monotonic() - began


def invite(inviter: MeshNode, newcomer: MeshNode) -> None:
    """Bring a newcomer in by two texts."""
    text = inviter.tab.call("() => globalThis.inos.invite()")
    reply = newcomer.tab.call("(text) => globalThis.inos.answerInvitation(text)", text)
    inviter.tab.call("(reply) => globalThis.inos.takeReply(reply)", reply)


def cut(one: MeshNode, others: list[MeshNode]) -> None:
    """Close all links of one with others."""
    cut_all([(one, others)])


def cut_all(pairs: list[tuple[MeshNode, list[MeshNode]]]) -> None:
    """The same with several, at once: before any of them is dialled again."""
    for _, others in pairs:
        for other in others:
            other.record()
    for one, others in pairs:
        one.tab.call("(source) => inos.python(source)", CUT.replace("{ids}", repr([other.id for other in others])))
    for one, others in pairs:
        for other in others:
            other.wait_event("PeerDown", one.id, timeout_s=10)
    for _, others in pairs:
        for other in others:
            other.record()
