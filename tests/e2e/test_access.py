"""Controls have names, everything fits a phone, light and dark both work, axe finds nothing serious."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import serious_problems
from chromium import ChromiumTab
from node import Data, NodeTab, open_node
from playwright.sync_api import Page
from server import Server

from conftest import Start

CONTROLS = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "progressbar"}
SIZES = {"desk": (1280, 800), "phone": (360, 740)}


@pytest.fixture
def filled(start: Start, server: Server) -> tuple[NodeTab, Page]:
    """A page with a few files, one with a long name without a place to break."""
    node = open_node(start("chromium"), server)
    assert isinstance(node.tab, ChromiumTab)
    for number, name in enumerate(("notes.txt", "w" * 200 + ".bin", "picture.png")):
        node.put(Data("text", 40_000, seed=number + 1), name)
    node.tab.wait_for("all are listed", "() => document.querySelectorAll('#files [data-root]').length === 3")
    return node, node.tab.page


def test_every_control_has_a_name(filled: tuple[NodeTab, Page]) -> None:
    node, page = filled
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = []
    for view in ("files", "mesh", "settings"):
        node.open_view(view)
        nodes += session.send("Accessibility.getFullAXTree")["nodes"]
    roles = [
        (entry.get("role", {}).get("value"), entry.get("name", {}).get("value", ""))
        for entry in nodes
        if not entry["ignored"]
    ]
    controls = [(role, name) for role, name in roles if role in CONTROLS]
    assert len(controls) > 30
    assert [entry for entry in controls if not entry[1].strip()] == []
    assert ("main", "") in roles or any(role == "main" for role, _ in roles)
    assert node.tab.problems() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(filled: tuple[NodeTab, Page], tmp_path: Path, scheme: Any, size: str) -> None:
    node, page = filled
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    for view in ("mesh", "settings", "files"):
        node.open_view(view)
        page.screenshot(path=tmp_path / f"{scheme}-{size}-{view}.png", full_page=True)
        assert node.tab.call("() => document.documentElement.scrollWidth") <= width, view
    page.click("#files [data-action=share]")
    node.tab.wait_for("a link is shown", "() => document.querySelector('#share-link')?.value")
    page.screenshot(path=tmp_path / f"{scheme}-{size}-share.png")
    box = page.locator("#share-dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    background = node.tab.call("() => getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in background.strip("rgb()").split(",")[:3]) > 3 * 128
    assert light == (scheme == "light")


def views_of_the_vault(node: NodeTab, page: Page) -> Iterator[tuple[str, str]]:
    """What is opened from the list and the storage part, one after the other, on a phone's width; name and selector."""
    page.set_viewport_size({"width": 390, "height": 844})
    node.tab.call("""async () => {
      const files = ["a.txt", "deep/er/b.txt"].map((path) => ({ path, file: new File(["text"], "") }));
      await inos.putFolder(files, { name: "folder" });
      const { root } = (await inos.list()).find(({ name }) => name === "notes.txt");
      await inos.put(new Blob(["changed"]), { name: "notes.txt", replaces: root });
      StorageManager.prototype.estimate = async () => ({ usage: 95, quota: 100 });
    }""")
    node.tab.call("() => inos.put(new Blob(['more']), { name: 'more.txt' })")
    node.tab.wait_for("the card is there", "() => !document.querySelector('#almost-full').hidden")
    yield "almost full", "#almost-full"
    node.open_view("settings")
    yield "settings", "#view-settings"
    page.click("[data-action=archive-export]")
    page.locator("#archive-again").wait_for()
    yield "export", "#archive-dialog"
    page.keyboard.press("Escape")
    node.open_view("files")
    for opener, dialog, ready in (
        ("[data-kind=folder] [data-action=open]", "#folder-dialog", "[data-path=deep]"),
        ("#files [data-action=versions]", "#versions-dialog", "[data-action=version-forget]"),
    ):
        page.click(opener)
        page.locator(f"{dialog} {ready}").wait_for()
        yield dialog, dialog
        page.keyboard.press("Escape")
    page.click("#files [data-action=rename]")
    yield "a name being changed", "#files"
    page.keyboard.press("Escape")
    page.fill("#files-filter", "er")
    page.locator("#found .entry").first.wait_for()
    yield "found in folders", "#found"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(filled: tuple[NodeTab, Page], scheme: Any) -> None:
    node, page = filled
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert serious_problems(node.tab) == []
    node.open_view("mesh")
    node.tab.wait_for("figures are shown", "() => document.querySelector('[data-stat=blocks]').textContent !== '–'")
    assert serious_problems(node.tab) == []
    node.open_view("files")
    for what, view in views_of_the_vault(node, page):
        assert serious_problems(node.tab) == [], what
        assert node.tab.call("(view) => document.querySelector(view).scrollWidth <= innerWidth", view), what
