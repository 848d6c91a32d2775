"""Every view of the page, one after the other, as a person would come to it: for axe, for the keyboard and for pictures.

Invariants: a scene leaves the page as the next one expects it; nothing waits for anything but what is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chromium import ChromiumTab
from server import ROOT

if TYPE_CHECKING:
    from node import NodeTab
    from playwright.sync_api import Page

FILES = ("LICENSE", "package-lock.json", "static/build/kernel.wasm", "static/icons/inos.svg", "static/page.css")
ROWS = "(count) => document.querySelectorAll('#files [data-root]').length === count"
ONE_OF = "(kind) => document.querySelector(`#files [data-kind=${kind}]`)"
MAKE_MORE = """async () => {
  const files = ["Trip/lake.txt", "Trip/Norway/fjord.txt", "plans.md"].map((path) => ({ path, file: new File(["text"], "") }));
  await inos.putFolder(files, { name: "Photos" });
  const { root } = (await inos.list()).find(({ name }) => name === "LICENSE");
  await inos.put(new Blob(["changed"]), { name: "LICENSE", replaces: root });
}"""


def page_of(node: NodeTab) -> Page:
    """Pages are walked through in Chromium, whose driver can do it."""
    assert isinstance(node.tab, ChromiumTab)
    return node.tab.page


def fill(node: NodeTab) -> None:
    """Some files of this project, of several kinds, a folder, and a second version."""
    page = page_of(node)
    for count, name in enumerate(FILES, 1):
        page.set_input_files("#file-input", ROOT / name)
        node.tab.wait_for("it is listed", ROWS, count)
    node.tab.call(MAKE_MORE)
    node.tab.wait_for("all are listed", ROWS, len(FILES) + 1)


def _dialogs(node: NodeTab) -> Iterator[str]:
    page = page_of(node)
    for name, opener, ready in (
        ("share", "[data-action=share] >> nth=1", "#share-dialog [data-action=copy]:enabled"),
        ("preview", ".row:has-text('page.css') [data-action=open]", ".preview-text"),
        ("folder", "[data-kind=folder] [data-action=open]", "#folder-dialog [data-path=Trip]"),
        ("versions", "[data-action=versions]", "#versions-dialog [data-action=version-forget]"),
    ):
        page.click(f"#files {opener}")
        page.locator(ready).first.wait_for()
        yield name
        page.keyboard.press("Escape")
    page.click("#files [data-action=rename] >> nth=1")
    yield "rename"
    page.keyboard.press("Escape")
    page.click("#files [data-action=delete] >> nth=1")
    yield "delete"
    page.keyboard.press("Escape")
    page.fill("#files-filter", "fjord")
    page.locator("#found .entry").first.wait_for()
    yield "found"
    page.fill("#files-filter", "")


def _mesh(node: NodeTab) -> Iterator[str]:
    page = page_of(node)
    node.open_view("mesh")
    node.tab.wait_for("figures are shown", "() => document.querySelector('[data-stat=blocks]').textContent !== '–'")
    yield "mesh"
    page.click("#meet [data-action=invite]")
    page.locator("#meet-dialog svg.qr path").wait_for()
    yield "meet"
    page.keyboard.press("Escape")


def _python(node: NodeTab) -> Iterator[str]:
    page = page_of(node)
    node.open_view("python")
    page.locator("#python-empty [data-example]").first.wait_for()
    yield "python-empty"
    page.click("#python-empty [data-example=files]")
    page.locator("[data-run=done] [data-output=table]").wait_for()
    page.fill("#python-input", "1 / 0")
    page.press("#python-input", "Enter")
    page.locator("[data-run=failed]").wait_for()
    page.fill("#python-input", "inos.p")
    page.press("#python-input", "Tab")
    page.locator("#python-completions [role=option]").first.wait_for()
    yield "python"
    page.fill("#python-input", "")
    page.click("[name=python-place][value=scratch]")
    yield "python-scratch"


def _settings(node: NodeTab) -> Iterator[str]:
    page = page_of(node)
    node.open_view("settings")
    page.locator("#node-id").wait_for()
    yield "settings"
    page.click("[data-action=archive-export]")
    page.locator("#archive-again").wait_for()
    yield "archive"
    page.keyboard.press("Escape")
    page.click("[data-action=passphrase-set]")
    page.locator("#protect-again").wait_for()
    yield "protect"
    page.keyboard.press("Escape")


def _almost_full(node: NodeTab) -> Iterator[str]:
    node.tab.call(
        "() => { globalThis.estimateBefore = StorageManager.prototype.estimate;"
        " StorageManager.prototype.estimate = async () => ({ usage: 95, quota: 100 }); }"
    )
    node.tab.call("() => inos.put(new Blob(['more']), { name: 'more.txt' })")
    node.tab.wait_for("the card is there", "() => !document.querySelector('#almost-full').hidden")
    yield "almost-full"
    node.tab.call("() => { StorageManager.prototype.estimate = globalThis.estimateBefore; }")


def _link_and_bench(node: NodeTab) -> Iterator[str]:
    """A link (to a file of its own, which is at hand), the page that measures, and from there back to a new version."""
    link = node.share(next(entry["root"] for entry in node.list() if entry["name"] == "page.css"))
    node.tab.call("(link) => { location.hash = new URL(link).hash; }", link)
    node.tab.wait_for("it is here", "() => document.querySelector('#link-view[data-stage=done]')")
    yield "link"
    node.tab.wait_for("the site is kept", "() => document.querySelector('#offline-state').dataset.state === 'kept'")
    page_of(node).click(".nav >> text=Measure")
    node.tab.wait_for("rows are there", "() => document.querySelectorAll('.bench-row').length > 5")
    yield "bench"
    page_of(node).click(".nav >> text=Files")
    node.wait_ready()
    node.tab.wait_for("the site is watched", "() => document.querySelector('#offline-state').dataset.state === 'kept'")
    # as where another tab has let it take over
    node.tab.call("() => navigator.serviceWorker.dispatchEvent(new Event('controllerchange'))")
    node.tab.wait_for("the note is there", "() => !document.querySelector('#update-note').hidden")
    yield "update"


def scenes(node: NodeTab) -> Iterator[str]:
    """The name of each scene, while it is to be seen. The vault is empty at first, and full of things at the end."""
    yield "files-empty"
    page_of(node).keyboard.press("?")
    page_of(node).locator("#keys-dialog kbd").first.wait_for()
    yield "keys"
    page_of(node).keyboard.press("Escape")
    fill(node)
    yield "files"
    yield from _dialogs(node)
    yield from _mesh(node)
    yield from _python(node)
    yield from _settings(node)
    node.open_view("python")
    page_of(node).locator("#python-input").wait_for()
    yield "python-again"
    node.open_view("files")
    yield from _almost_full(node)
    yield from _link_and_bench(node)
