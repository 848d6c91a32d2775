"""A file vaulted in one browser, opened in another by its link: byte for byte, in every pairing of browsers."""

from __future__ import annotations

import pytest
from node import KIB, MIB, Data, NodeTab, open_node
from server import Server

from conftest import Start

PAIRS = [("chromium", "chromium"), ("firefox", "firefox"), ("chromium", "firefox"), ("firefox", "chromium")]


@pytest.mark.parametrize("pair", PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
def test_a_link_brings_the_file(start: Start, server: Server, pair: tuple[str, str]) -> None:
    sender, receiver = (open_node(start(name), server) for name in pair)
    for data in (Data("text", 10 * KIB), Data("random", 64 * KIB), Data("random", 20 * MIB, seed=3), Data("text", 0)):
        check_transfer(sender, receiver, data)
    check_revocable(sender, receiver)


def check_revocable(sender: NodeTab, receiver: NodeTab) -> None:
    """Fetched by it, withdrawn, refused; what was fetched stays."""
    data = Data("random", 300 * KIB, seed=8)
    done = sender.put(data, "on loan.bin")
    made = sender.tab.call("(root) => globalThis.inos.shareRevocable(root)", done["root"])
    assert made["link"].startswith(sender.tab.call("() => location.origin") + "/#inosv1.")
    assert [row["shared"] for row in sender.list() if row["root"] == done["root"]] == [True]
    got = receiver.fetch(made["link"])
    assert (got["name"], got["size"]) == ("on loan.bin", data.length)
    sender.reload()  # what a link leads to is durable
    links = sender.tab.call("(root) => globalThis.inos.links(root)", done["root"])
    assert [(link["id"], link["link"]) for link in links] == [(made["id"], made["link"])]
    sender.tab.call("(id) => globalThis.inos.revoke(id)", made["id"])
    sender.reload()
    assert receiver.error_code("(link) => globalThis.inos.fetch(link)", made["link"]) == "LinkRevoked"
    assert sender.tab.call("(root) => globalThis.inos.links(root)", done["root"]) == []
    assert receiver.hash_of(got["root"]) == (data.length, done["sha256"])


def check_transfer(sender: NodeTab, receiver: NodeTab, data: Data) -> None:
    name = f"{data.kind} {data.length}.bin"
    done = sender.put(data, name)
    link = sender.share(done["root"])
    assert link.startswith(sender.tab.call("() => location.origin") + "/#inos1.")
    if data.length > 4 * MIB:
        check_range(sender, receiver, done["root"], link)
    got = receiver.fetch(link)
    assert (got["name"], got["size"]) == (name, data.length)
    assert receiver.hash_of(got["root"]) == (data.length, done["sha256"])


def check_range(sender: NodeTab, receiver: NodeTab, root: str, link: str) -> None:
    """A part from the middle, before the file is fetched."""
    offset, length = 11 * MIB + 7, 300 * KIB
    wanted = "async (root, from, to) => lab.sha256((await globalThis.inos.get(root)).slice(from, to))"
    part = "async (link, offset, length) => lab.sha256(await globalThis.inos.readRange(link, offset, length))"
    expected = sender.tab.call(wanted, root, offset, offset + length)
    assert receiver.tab.call(part, link, offset, length) == expected
    assert receiver.tab.call("(link) => globalThis.inos.look(link)", link)["size"] > length
    assert all(row["root"] != root for row in receiver.list())
