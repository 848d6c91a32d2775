"""What somebody sees first: a page that is still starting takes files, a link shows its file and gives it out."""

from __future__ import annotations

from pathlib import Path

from chromium import Chromium, ChromiumTab
from node import Data, NodeTab, open_node
from playwright.sync_api import Route
from server import Server

from conftest import Start

TEXT = b"A sentence in a file, to be seen again.\n" * 16_384  # 640 KiB: more than a preview shows
SHOWN_BYTES_MAX = 512 * 1024
DROP = """
(name) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["early"], name, { type: "text/plain" }));
  const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector("#drop").dispatchEvent(event);
}
"""
COPY = """() => {
  const button = document.querySelector("[data-action=copy-id]");
  return button && (button.disabled ? "disabled" : "enabled");
}"""
ONE_ROW = "() => document.querySelectorAll('#files [data-root]').length === 1"


def test_a_drop_before_python_is_ready_waits_for_it(start: Start, server: Server) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    browser.context.route("**/build/pyodide/build.json", hold)
    with browser.context.expect_event("request", lambda request: request.url.endswith("/build.json")):
        node = open_node(browser, server, ready=False)
    node.tab.call(DROP, "early.txt")
    stage = "() => document.querySelector('#work-list [data-job] .stage')?.textContent"
    assert node.tab.wait_for("it is queued", stage) == "Waiting until INOS is ready"
    assert node.tab.call("() => document.querySelector('#state').dataset.phase") == "starting"
    node.open_view("settings")
    assert node.tab.wait_for("its name is to come", COPY) == "disabled", "there is no name to copy yet"
    assert held, "the start was not held back"
    for route in held:
        route.continue_()
    node.wait_ready()
    node.tab.wait_for("it is listed", ONE_ROW)
    assert node.tab.text("#files .file-name") == "early.txt"
    assert node.tab.call(COPY) == "enabled"


def test_the_view_that_a_link_opens(start: Start, server: Server) -> None:
    sender = open_node(start("chromium"), server)
    done = sender.put(Data.of(TEXT), "shared words.txt")
    receiver = start("chromium")
    node = NodeTab(receiver.tab(sender.share(done["root"])), receiver)
    assert isinstance(node.tab, ChromiumTab)
    page = node.tab.page
    node.tab.wait_for("it is here", "() => document.querySelector('#link-view[data-stage=done]')", timeout_s=60)
    assert node.tab.call("() => location.hash") == "", "a link must not stay in the address bar"
    assert node.tab.text("#link-view .link-name") == "shared words.txt"
    page.click("[data-action=link-open]")
    length = "() => document.querySelector('.preview-text')?.textContent.length"
    assert node.tab.wait_for("the text is shown", length) == SHOWN_BYTES_MAX
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.click("[data-action=link-download]")
    assert Path(download.value.path()).read_bytes() == TEXT
    node.tab.wait_for("it is listed", ONE_ROW)
