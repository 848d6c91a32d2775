"""Every view has names for its controls, fits a phone, works in light and dark, and axe finds nothing in it."""

from __future__ import annotations

from typing import Any

from axe import problems
from node import Data, open_node
from scenes import page_of, scenes
from server import Server

from conftest import Start

CONTROLS = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "progressbar"}
LOOKS = {"light": (1280, 800), "dark": (390, 844)}  # all rules in the one, in the other what hangs on colours and sizes
BRIGHTNESS = """() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
  return (red + green + blue) / 3;
}"""
# What sticks out of the window, by its place: nothing may.
WIDER = """() => {
  const dialog = document.querySelector("dialog[open]");
  const box = (dialog ?? document.documentElement).getBoundingClientRect();
  return [document.documentElement.scrollWidth <= innerWidth, box.left >= 0, box.right <= innerWidth];
}"""


def test_every_control_has_a_name(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    for number, name in enumerate(("notes.txt", "w" * 200 + ".bin", "picture.png")):
        node.put(Data("text", 40_000, seed=number + 1), name)
    node.tab.wait_for("all are listed", "() => document.querySelectorAll('#files [data-root]').length === 3")
    page = page_of(node)
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = []
    for view in ("mesh", "settings", "files"):
        node.open_view(view)
        nodes += session.send("Accessibility.getFullAXTree")["nodes"]
    roles = [
        (entry.get("role", {}).get("value"), entry.get("name", {}).get("value", ""))
        for entry in nodes
        if not entry["ignored"]
    ]
    controls = [(role, name) for role, name in roles if role in CONTROLS]
    assert len(controls) > 50
    assert [entry for entry in controls if not entry[1].strip()] == []
    assert any(role == "main" for role, _ in roles)
    page.set_viewport_size({"width": 360, "height": 740})
    assert all(node.tab.call(WIDER)), "a name without a place to break is broken"
    assert node.tab.problems() == []


def test_every_view_for_everybody(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    page = page_of(node)
    seen, found = [], []
    for name in scenes(node):
        seen.append(name)
        for scheme, (width, height) in LOOKS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{name}, {scheme}: {line}" for line in problems(node.tab, looks_only=scheme == "dark")]
            if not all(node.tab.call(WIDER)):
                found.append(f"{name} is wider than {width} px")
            assert (node.tab.call(BRIGHTNESS) > 128) == (scheme == "light"), name
        page.set_viewport_size({"width": 1280, "height": 800})
    assert found == [], "\n".join(found)
    assert len(seen) > 16
