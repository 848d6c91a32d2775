"""The mesh in real browsers: nodes meet, the server dies, and they go on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from contexts import Contexts
from mesh import MeshNode, invite, open_mesh_node, wait_whole
from playwright.sync_api import Playwright
from server import Server

from conftest import Start, executable

JOIN_S = 30.0
SIGNALS_MAX = 9  # and the join itself


@pytest.fixture
def contexts(playwright: Playwright, tmp_path: object) -> Iterator[Contexts]:
    """One Chromium of many contexts, whose pages must have been silent."""
    made = Contexts(playwright, executable("chromium"), tmp_path)  # type: ignore[arg-type]
    yield made
    problems = made.problems()
    made.close()
    assert not problems, "\n".join(problems)


def others_saw(nodes: list[MeshNode], what: str, gone: str) -> list[float]:
    """When each node first said this of another, in ms on the pages' clock."""
    return [min(e["wallMs"] for e in node.events(what) if e["id"] == gone) for node in nodes]


def test_a_mesh_lives_without_its_server(contexts: Contexts, start: Start, own_server: Server) -> None:
    nodes = [open_mesh_node(contexts, own_server) for _ in range(3)]
    nodes.append(open_mesh_node(start("firefox"), own_server))
    assert wait_whole(nodes, JOIN_S) < JOIN_S
    last = nodes[-1].room()
    assert last is not None
    assert last["signals"] <= SIGNALS_MAX

    newcomer = open_mesh_node(contexts, own_server, "?room=none")
    own_server.kill()
    invite(nodes[0], newcomer)
    nodes.append(newcomer)
    wait_whole(nodes, JOIN_S)

    for node in nodes[1:]:
        node.tab.call(
            "async () => { window.heard = []; await inos.subscribe('news', ({ data }) => heard.push(...data)); }"
        )
    time.sleep(0)
    nodes[0].tab.call("() => inos.publish('news', new Uint8Array([1, 2, 3]))")
    for node in nodes[1:]:
        node.tab.wait_for("the news has come", "() => window.heard.length === 3", timeout_s=5)

    key = "ab" * 32
    nodes[1].tab.call("(key) => inos.provide(key)", key)
    found = "async (key) => (await inos.findProviders(key)).map(({ id }) => id)"
    nodes[-1].tab.wait_for("the provider is found", f"async (key) => (await ({found})(key)).length", key, timeout_s=10)
    assert nodes[-1].tab.call(found, key) == [nodes[1].id]
