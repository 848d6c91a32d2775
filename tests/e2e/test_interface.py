"""The page as a person uses it: choose, drop, share, open, download, delete; by mouse and by keyboard alone."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from chromium import ChromiumTab
from node import MIB, Data, NodeTab, open_node
from playwright.sync_api import FileChooser, Page
from server import Server

from conftest import BROWSERS, Start

TEXT = b"A sentence in a file, to be seen again.\n" * 40
ROW_COUNT = "(count) => document.querySelectorAll('#files [data-root]').length === count"
TABS_MAX = 60

# Ends when the bar of a running job has moved.
SEE_PROGRESS = """
() => new Promise((resolve) => {
  const look = () => {
    const bar = document.querySelector("#work-list [data-job][data-status=running] [data-role=progress]");
    if (bar?.value > 0) resolve(bar.value);
    else requestAnimationFrame(look);
  };
  look();
})
"""

DROP = """
(name, text) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: "text/plain" }));
  const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector("#drop").dispatchEvent(event);
}
"""


def open_chromium(start: Start, server: Server) -> tuple[NodeTab, Page]:
    node = open_node(start("chromium"), server)
    assert isinstance(node.tab, ChromiumTab)
    return node, node.tab.page


def wait_rows(node: NodeTab, count: int) -> None:
    node.tab.wait_for(f"{count} rows are listed", ROW_COUNT, count)


def link_in_dialog(node: NodeTab) -> str:
    return str(node.tab.wait_for("a link is shown", "() => document.querySelector('#share-link')?.value"))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element of this kind has the focus."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the Tab key")


def test_choose_share_download_delete(start: Start, server: Server, tmp_path: Path) -> None:
    node, page = open_chromium(start, server)
    file = tmp_path / "chosen file.bin"
    file.write_bytes(os.urandom(24 * MIB))
    progress = node.tab.begin(SEE_PROGRESS)
    page.set_input_files("#file-input", file)
    assert 0 < progress.result(timeout_s=30) <= 1
    wait_rows(node, 1)
    assert node.tab.text("#files .file-name") == file.name

    page.click("#files [data-action=share]")
    link = link_in_dialog(node)
    assert link.startswith(f"{server.url}#inos1.")
    node.tab.wait_for("copying is reported", "() => document.querySelector('.share-told')?.innerText")
    page.click("#share-dialog [data-action=close]")

    with page.expect_download() as download:
        page.click("#files [data-action=download]")
    assert download.value.suggested_filename == file.name
    assert Path(download.value.path()).read_bytes() == file.read_bytes()

    page.click("#files [data-action=delete]")
    page.click("#files [data-action=delete-cancel]")
    wait_rows(node, 1)
    page.click("#files [data-action=delete]")
    page.click("#files [data-action=delete-confirm]")
    wait_rows(node, 0)
    assert node.list() == []


def test_all_of_it_by_keyboard_alone(start: Start, server: Server) -> None:
    node, page = open_chromium(start, server)

    def choose(chooser: FileChooser) -> None:
        chooser.set_files({"name": "typed.txt", "mimeType": "text/plain", "buffer": TEXT})

    page.on("filechooser", choose)  # long before the key: choosers are caught from some moment after this call
    tab_to(page, "#choose-files")
    page.keyboard.press("Enter")
    wait_rows(node, 1)

    tab_to(page, "#files [data-action=share]")
    page.keyboard.press("Enter")
    assert link_in_dialog(node)
    page.keyboard.press("Escape")
    node.tab.wait_for("the dialog is closed", "() => !document.querySelector('#share-dialog').open")

    tab_to(page, "#files [data-action=open]")
    page.keyboard.press("Enter")
    shown = node.tab.wait_for("the text is shown", "() => document.querySelector('.preview-text')?.textContent")
    assert shown == TEXT.decode("ascii")
    page.keyboard.press("Escape")

    tab_to(page, "#files [data-action=delete]")
    page.keyboard.press("Enter")
    node.tab.wait_for("it asks first", "() => document.activeElement.matches('[data-action=delete-cancel]')")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    wait_rows(node, 0)


@pytest.mark.parametrize("name", BROWSERS)
def test_a_dropped_file_is_stored(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    node.tab.call(DROP, "dropped.txt", TEXT.decode("ascii"))
    wait_rows(node, 1)
    assert node.hash_of(node.list()[0]["root"]) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())


@pytest.mark.parametrize("name", BROWSERS)
def test_a_large_file_is_saved_as_a_stream(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    done = node.put(Data("random", 64 * MIB, seed=6), "streamed.bin")
    if isinstance(node.tab, ChromiumTab):
        with node.tab.page.expect_download() as download:
            job = node.tab.begin("(root) => globalThis.inos.save(root)", done["root"])
        saved = Path(download.value.path())
        job.result()
    else:
        node.tab.begin("(root) => globalThis.inos.save(root)", done["root"]).result()
        saved = node.browser.downloads / "streamed.bin"
        wait_for_size(saved, 64 * MIB)
    with saved.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == done["sha256"]


def wait_for_size(file: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.stat().st_size == size):
        assert time.monotonic() < deadline, f"{file.name} was not saved: {list(file.parent.iterdir())}"
        time.sleep(0.05)  # the pause of a poll with a deadline
