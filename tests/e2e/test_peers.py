"""Several peers at once, and links that are not right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from node import KIB, MIB, Data, NodeTab, open_node
from server import Server

from conftest import Start

BIG = Data("random", 32 * MIB, seed=48)

LINK_VIEW = """
(stage) => {
  const view = document.querySelector(`#link-view[data-stage=${stage}]`);
  return view && { code: view.dataset.code ?? "", text: view.innerText };
}
"""


def share(sender: NodeTab, data: Data, name: str = "shared.bin") -> tuple[str, str, str]:
    """Put and share; root, link and hash."""
    done = sender.put(data, name)
    return done["root"], sender.share(done["root"]), done["sha256"]


def assert_has(node: NodeTab, root: str, data: Data, sha256: str) -> None:
    assert node.hash_of(root) == (data.length, sha256)


def test_three_peers_serve_one(start: Start, server: Server) -> None:
    first = open_node(start("chromium"), server)
    _, link, sha256 = share(first, BIG)
    others = [open_node(start(name), server) for name in ("chromium", "firefox")]
    for other in others:
        other.fetch(link)
    last = open_node(start("chromium"), server)
    got = last.fetch(link)
    assert_has(last, got["root"], BIG, sha256)
    served = [peer["bytesIn"] for peer in last.peers()]
    assert sum(bytes_in > 2 * MIB for bytes_in in served) >= 2, f"bytes from each peer: {served}"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda link: link[:-20], "The link is not complete"),
        (lambda link: link[:-30] + ("A" if link[-30] != "A" else "B") + link[-29:], "The link is not complete"),
    ],
    ids=["cut", "mistyped"],
)
def test_a_spoilt_link_is_refused_in_words(
    start: Start, server: Server, spoil: Callable[[str], str], said: str
) -> None:
    node = open_node(start("chromium"), server)
    _, link, _ = share(node, Data("text", 30 * KIB))
    spoilt = spoil(link)
    assert node.error_code("(link) => globalThis.inos.fetch(link)", spoilt) == "BadLink"
    node.tab.call("(hash) => { location.hash = hash; }", spoilt.partition("#")[2])
    view = node.tab.wait_for("the link view says so", LINK_VIEW, "failed")
    assert view["code"] == "BadLink"
    assert said in view["text"]
    assert len(node.list()) == 1
