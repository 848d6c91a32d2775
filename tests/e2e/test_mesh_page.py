"""The mesh as people see and use it: the map and its figures, copies of files, invitations, rooms."""

from __future__ import annotations

from axe import serious_problems
from chromium import ChromiumTab
from contexts import Contexts
from mesh import MeshNode, open_mesh_node, wait_whole
from server import Server

SHOWN = "(what) => document.querySelector(`#mesh-panel [data-mesh=${what}]`).textContent"
# A camera and a reader, which this machine has not: one that shows something, and one that reads this text the second time.
CAMERA = """(text) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, 64, 64), 50);
  navigator.mediaDevices.getUserMedia = async () => {
    const stream = canvas.captureStream(10);
    [window.cameraTrack] = stream.getTracks();
    return stream;
  };
  let looks = 0;
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code"]; }
    async detect(video) { return ++looks < 2 || video.videoWidth !== 64 ? [] : [{ rawValue: text }]; }
  };
}"""
TOLD = """() => [...document.querySelectorAll("#meet-dialog .share-told")]
  .map(({ innerText }) => innerText.trim()).filter((text) => text && !text.startsWith("One moment")).join(" ")"""
VALUE = "(id) => document.getElementById(id)?.value"


def check_access(node: MeshNode) -> None:
    assert isinstance(node.tab, ChromiumTab)
    assert serious_problems(node.tab) == []


def test_the_mesh_is_seen_and_used(contexts: Contexts, server: Server) -> None:
    nodes = [open_mesh_node(contexts, server, "?room=none" if n == 2 else "") for n in range(3)]
    one, two, newcomer = nodes
    wait_whole([one, two])
    assert isinstance(one.tab, ChromiumTab)
    for node in nodes:
        node.open_view("mesh")
        assert "meeting server" not in node.tab.text("#meet-about"), "there is one"

    # in by two texts, carried by hand
    one.tab.click("#meet [data-action=invite]")
    text = one.tab.wait_for("an invitation", VALUE, "meet-invitation")
    one.tab.wait_for("its code", "() => document.querySelector('#meet-dialog svg.qr path')")
    check_access(one)
    newcomer.tab.call(CAMERA, text)
    newcomer.tab.click("#meet [data-action=answer]")
    newcomer.tab.click("#meet-dialog [data-action=scan]")
    newcomer.tab.wait_for("it is scanned", "(text) => document.getElementById('meet-invited').value === text", text)
    newcomer.tab.wait_for("the camera is off", "() => window.cameraTrack.readyState === 'ended'")
    newcomer.tab.click("[data-action=make-reply]")
    reply = newcomer.tab.wait_for("a reply", VALUE, "meet-replied")
    check_access(newcomer)
    one.tab.call("(text) => { document.getElementById('meet-reply').value = text; }", reply)
    one.tab.click("[data-action=connect]")
    assert one.tab.wait_for("what came of it", TOLD, timeout_s=60) == "Connected."
    for node in (one, newcomer):
        node.tab.click("#meet-dialog [data-action=close]")
    wait_whole(nodes)

    # what is seen
    one.tab.wait_for("two links are shown", "() => document.querySelector('#mesh-panel').dataset.links === '2'")
    one.tab.wait_for("two others on the map", "() => document.querySelectorAll('.mesh-map .mesh-node').length === 2")
    one.tab.page.set_input_files("#file-input", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"a" * 5_000}])
    one.open_view("mesh")  # what is added is seen among the files
    one.tab.wait_for(
        "three copies", "() => document.querySelector('#mesh-panel tr[data-state=full]')?.dataset.copies === '3'"
    )
    assert one.tab.call(SHOWN, "links") == "2"
    check_access(one)

    # a private room, by its link
    one.tab.click("#meet [data-action=room-new]")
    link = one.tab.wait_for("the room's link", VALUE, "meet-room")
    assert "#inosr1." in link
    check_access(one)
    one.tab.click("#meet-dialog [data-action=close]")
    one.tab.wait_for("nobody is there yet", "() => document.querySelector('#mesh-panel').dataset.links === '0'")
    assert "private room" in one.tab.text("#meet-about"), "others do not come here by opening the page"
    two.tab.call("async (link) => { await globalThis.inos.join(link); }", link)
    wait_whole([one, two])
    assert newcomer.id not in one.members()
    two.reload()
    wait_whole([one, two])
    back = two.room()
    assert back is not None
    assert not back["isPublic"], "it came back to the private room"
    two.tab.call("() => inos.leaveRoom()")
    two.reload()
    two.tab.wait_for("it stays away", "async () => (await globalThis.inos.room())?.isPublic")
    one.tab.click("#meet [data-action=room-public]")
    one.tab.wait_for("all public again", "async () => (await globalThis.inos.room())?.isPublic")


def test_an_invitation_that_is_none_is_refused_in_words(contexts: Contexts, server: Server) -> None:
    node = open_mesh_node(contexts, server)
    node.open_view("mesh")
    node.tab.click("#meet [data-action=answer]")
    node.tab.call("() => { document.getElementById('meet-invited').value = 'nonsense'; }")
    node.tab.click("[data-action=make-reply]")
    node.tab.wait_for(
        "it is refused", "() => document.querySelector('#meet-dialog .share-told').innerText.includes('not complete')"
    )
