"""Bad days: a sender that dies, a server that dies, a vault that rots, a link with another secret."""

from __future__ import annotations

from node import MIB, Data, NodeTab, open_node
from server import Server

from conftest import Start
from inos.wire.link import Link, encode, parse

BIG = Data("random", 64 * MIB, seed=48)  # long enough on its way for something to happen
HALF = Data("random", 32 * MIB, seed=48)

# Places in the first segment, a few blocks from each other; the manifest is behind them.
ROTTEN_AT = (5 * MIB, 15 * MIB)

# Changes a byte of a file of the vault, while no page has it open.
ROT = """
async (name, at) => {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getDirectoryHandle("inos-vault")).getFileHandle(name);
  const before = await file.getFile();
  const [byte] = new Uint8Array(await before.slice(at, at + 1).arrayBuffer());
  const writable = await file.createWritable({ keepExistingData: true });
  await writable.write({ type: "write", position: at, data: new Uint8Array([byte ^ 0xff]) });
  await writable.close();
  return before.size;
}
"""

LINK_VIEW = """
(stage) => {
  const view = document.querySelector(`#link-view[data-stage=${stage}]`);
  return view && { code: view.dataset.code ?? "", text: view.innerText };
}
"""


def share(sender: NodeTab, data: Data) -> tuple[str, str]:
    """Put and share; link and hash."""
    done = sender.put(data, "shared.bin")
    return sender.share(done["root"]), done["sha256"]


def test_a_sender_killed_half_way_is_replaced(start: Start, server: Server) -> None:
    first, second, third = (open_node(start("chromium"), server) for _ in range(3))
    link, sha256 = share(first, BIG)
    second.fetch(link)
    job = third.begin_fetch(link)
    third.wait_for_part(job, 0.5)
    assert not job.ended(), "the fetch was over before the kill"
    first.browser.kill()
    third.assert_holds(job.result()["root"], BIG, sha256)


def test_the_server_is_needed_for_meeting_only(start: Start, own_server: Server) -> None:
    sender, receiver = (open_node(start("chromium"), own_server) for _ in range(2))
    link, sha256 = share(sender, BIG)
    for node in (sender, receiver):
        node.tab.allow_problems(r"WebSocket|ERR_CONNECTION_REFUSED")  # the server is gone: that is this test
    job = receiver.begin_fetch(link)
    receiver.wait_for_part(job, 0.1)
    own_server.kill()
    assert not job.ended(), "the fetch was over before the kill"
    receiver.assert_holds(job.result()["root"], BIG, sha256)


def test_rotten_blocks_of_one_peer_are_taken_from_another(start: Start, server: Server) -> None:
    rotten, good = (open_node(start("chromium"), server) for _ in range(2))
    link, sha256 = share(rotten, HALF)
    good.fetch(link)
    good.tab.goto("about:blank")  # out of reach for now
    rotten.tab.allow_problems(r"/favicon\.ico")  # the browser asks for it beside a page without markup
    rotten.tab.goto(f"{server.url}config.json")
    for at in ROTTEN_AT:
        assert rotten.tab.call(ROT, "seg-0000", at) > at
    rotten.tab.goto(server.url)
    rotten.wait_ready()

    receiver = open_node(start("chromium"), server)
    job = receiver.begin_fetch(link)
    # Bytes that do not hash to their name are proof of misbehaviour: after two of them the peer is not asked again. Blocks come
    # in any order: the rotten ones may be among the first.
    refused = "(job) => { const last = lab.jobs.get(job).notes.at(-1); return last?.bytes > 0 && last.peers === 0; }"
    receiver.tab.wait_for("the rotten peer is refused", refused, job.number, timeout_s=60)
    assert not job.ended(), "the rotten blocks came through"
    good.tab.goto(server.url)
    good.wait_ready()
    receiver.assert_holds(job.result()["root"], HALF, sha256)
    assert receiver.tab.call("() => globalThis.inos.check('data')")["bad"] == []


def test_a_wrong_secret_opens_nothing(start: Start, server: Server) -> None:
    """A link that is whole by its check sum and has another secret: its room is another one, where nobody is."""
    alone = "?room=none"  # in a mesh somebody may keep the sealed blocks
    sender, receiver = (open_node(start("chromium"), server, alone) for _ in range(2))
    link, _ = share(sender, Data("text", 3 * MIB))
    right = parse(link)
    wrong = encode(Link(right.bid, bytes(32)), server.url + alone)
    receiver.tab.goto(wrong)
    receiver.wait_ready()
    view = receiver.tab.wait_for("the link view says that nobody is there", LINK_VIEW, "nobody")
    assert "Nobody who has this file is online" in view["text"]
    assert receiver.list() == []
    assert receiver.peers() == []
    receiver.tab.click("[data-action=link-stop]")
    assert len(sender.list()) == 1
