"""The mesh in real browsers: nodes meet, the server dies, and they go on."""

from __future__ import annotations

import time

import pytest
from contexts import Contexts
from mesh import cut, invite, open_mesh_node, wait_whole
from node import MIB, Data
from playwright.sync_api import Route
from server import ROOT, Server
from tab import Tab

from conftest import Start

JOIN_S = 30.0
SIGNALS_MAX = 9  # and the join itself
DEAD_MS_MAX = 3_000.0  # on a machine that runs four browsers at once; `npm run chaos:mesh` has the figures


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
    nodes[0].tab.call("() => inos.publish('news', new Uint8Array([1, 2, 3]))")
    for node in nodes[1:]:
        node.tab.wait_for("the news has come", "() => window.heard.length === 3", timeout_s=5)

    key = "ab" * 32
    nodes[1].tab.call("(key) => inos.provide(key)", key)
    found = "async (key) => (await inos.findProviders(key)).map(({ id }) => id)"
    nodes[-1].tab.wait_for("the provider is found", f"async (key) => (await ({found})(key)).length", key, timeout_s=10)
    assert nodes[-1].tab.call(found, key) == [nodes[1].id]

    data = Data("random", MIB, seed=5)
    done = nodes[2].put(data)
    link = nodes[2].share(done["root"])
    nodes[-1].assert_holds(nodes[-1].fetch(link, timeout_s=60)["root"], data, done["sha256"])


@pytest.mark.alone
def test_the_dead_are_noticed_and_a_split_mesh_heals(contexts: Contexts, start: Start, own_server: Server) -> None:
    nodes = [open_mesh_node(contexts, own_server) for _ in range(3)]
    nodes.append(open_mesh_node(start("chromium"), own_server))
    wait_whole(nodes, JOIN_S)
    last = nodes.pop()
    gone = last.id
    for node in nodes:
        node.tab.wait_for("heartbeats have begun", "async () => (await inos.room()).members.every((m) => m.rttMs)")
    died_ms = last.kill()
    for node in nodes:
        assert node.wait_event("PeerDead", gone, timeout_s=10)["wallMs"] - died_ms < DEAD_MS_MAX
    assert [node.events("PeerSuspected") for node in nodes if node.events("PeerDead")[0]["id"] != gone] == []

    cut(nodes[0], nodes[1:])  # it has nobody left, and asks the server
    wait_whole(nodes, JOIN_S)
    own_server.kill()
    cut(nodes[0], nodes[1:2])  # there is a way round
    wait_whole(nodes, JOIN_S)


def test_a_page_of_twenty_lines_has_a_node_in_it(contexts: Contexts, server: Server) -> None:
    """The one of web/HOWTO.md, as it stands there."""
    text = (ROOT / "web" / "HOWTO.md").read_text("utf-8")
    page = text.partition("```html\n")[2].partition("```")[0]
    assert 10 < len(page.splitlines()) <= 20
    isolated = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

    def serve(route: Route) -> None:
        route.fulfill(body=page, headers={**isolated, "Content-Type": "text/html"})

    tabs = [contexts.tab() for _ in range(2)]
    for tab in tabs:
        # A page that the driver answers for has no address, so the browser asks before it may speak to this machine.
        tab.page.context.grant_permissions(["local-network-access"])
        tab.page.route("**/talk.html", serve)
        tab.goto(f"{server.url}talk.html")
    for tab in tabs:
        tab.wait_for("it is ready", "() => Boolean(document.forms[0].onsubmit)")
    said = "(text) => document.querySelector('#said').innerText.endsWith(text)"
    say = """(text) => {
      document.forms[0].text.value = text;
      document.forms[0].requestSubmit();
    }"""
    for count, (speaker, listener) in enumerate((tabs, tabs[::-1])):
        # Whoever has no link yet tells nobody: it is said again until it is heard.
        def heard(speaker: Tab = speaker, listener: Tab = listener, count: int = count) -> bool:
            speaker.call(say, f"hello {count}")
            return bool(listener.call(said, f": hello {count}"))

        deadline = time.monotonic() + JOIN_S
        while not heard():
            assert time.monotonic() < deadline, "nothing was heard"
            time.sleep(0.5)  # the pause of a poll with a deadline
