"""What was acknowledged is there again: after a reload, after the browser was closed, after it was killed."""

from __future__ import annotations

from typing import Any

import pytest
from node import KIB, MIB, Data, NodeTab, open_node
from server import Server

from conftest import BROWSERS, Start

KEPT = (
    Data("text", 0),
    Data("random", 1),
    Data("text", 16 * KIB, seed=2),
    Data("random", 300 * KIB, seed=3),
    Data("text", 5 * MIB, seed=4),
)


def fill(node: NodeTab) -> dict[str, dict[str, Any]]:
    """Put all of KEPT; what was put, by root."""
    made = [node.put(data, f"{data.kind} of {data.length}") for data in KEPT]
    return {done["root"]: done for done in made}


def assert_all_there(node: NodeTab, kept: dict[str, dict[str, Any]]) -> None:
    rows = {row["root"]: row for row in node.list()}
    assert set(rows) == set(kept)
    for root, done in kept.items():
        assert rows[root]["size"] == done["bytes"]
        assert rows[root]["stored"] == done["stored"]
        assert rows[root]["chunks"] == done["chunks"]
        assert not rows[root]["lost"]
        assert node.hash_of(root) == (done["bytes"], done["sha256"])


@pytest.mark.parametrize("name", BROWSERS)
def test_all_is_there_after_a_reload_a_restart_and_a_kill(start: Start, server: Server, name: str) -> None:
    browser = start(name)
    node = open_node(browser, server)
    kept = fill(node)
    before = node.list()
    node.reload()
    assert node.list() == before
    assert_all_there(node, kept)
    browser.close()

    browser = start(name, browser.profile)
    node = open_node(browser, server)
    assert_all_there(node, kept)
    late = node.put(Data("random", 2 * MIB, seed=9), "acknowledged just before the kill")
    browser.kill()

    node = open_node(start(name, browser.profile), server)
    assert_all_there(node, {**kept, late["root"]: late})


def test_the_list_shows_what_was_saved(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    text = node.put(Data("text", 2 * MIB), "text.txt")
    node.reload()
    tab = node.tab
    tab.wait_for(
        "the row is shown", "(root) => document.querySelector(`#files [data-root='${root}']`) !== null", text["root"]
    )
    saved = tab.text(f"[data-root='{text['root']}'] .cell-saved")
    assert saved == f"{100 - round(100 * text['stored'] / text['bytes'])} %"
