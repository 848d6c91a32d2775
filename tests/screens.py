"""Pictures of every view: `python tests/screens.py FOLDER [SCENE...]`; `--readme FILE.png` takes the README's one.

Light and dark, on a desk and on a phone: `FOLDER/SCENE-desk-light.png` and so on, of a page with a few of this project's own
files, beside a second node. Needs what the end-to-end tests need; runs in a network of its own where the system allows one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "e2e"), str(ROOT / "py"), str(ROOT / ".ci")]

from chromium import Chromium, ChromiumTab  # noqa: E402
from node import NodeTab, open_node  # noqa: E402
from playwright.sync_api import Page, Playwright, sync_playwright  # noqa: E402
from scenes import fill, page_of, scenes  # noqa: E402
from server import Server  # noqa: E402

import netns  # noqa: E402
from conftest import executable  # noqa: E402

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
HAS_PEER = "() => Number(document.querySelector('#peers-count').dataset.count) > 0"


def take(page: Page, name: str, folder: Path) -> None:
    """One scene in its four looks."""
    for size, viewport in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            whole = page.locator("dialog[open]").count() == 0  # what is behind a dialog is of no interest
            page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=whole)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def take_all(node: NodeTab, folder: Path, wanted: list[str]) -> None:
    """Walk through the scenes."""
    for name in scenes(node):
        if not wanted or name in wanted:
            take(page_of(node), name, folder)
            print(name, flush=True)


def take_for_readme(node: NodeTab, guest: NodeTab, out: Path) -> None:
    """The first thing people see of INOS: a list of files, and somebody who has just fetched one."""
    page_of(node).click("[data-action=tour-skip]")
    fill(node)
    guest.fetch(node.share(node.list()[0]["root"]))
    node.tab.wait_for("the peer is shown", HAS_PEER)
    page_of(node).mouse.move(640, 780)  # off the buttons
    page_of(node).screenshot(path=out)


def run(driver: Playwright, server: Server, place: Path, arguments: argparse.Namespace) -> None:
    """Two browsers, one of which is looked at."""
    path = executable("chromium")
    owner = Chromium(driver, path, place / "owner", viewport=DESK, color_scheme="light")
    other = Chromium(driver, path, place / "guest")
    try:
        guest = open_node(other, server)
        node = open_node(owner, server)
        assert isinstance(node.tab, ChromiumTab)
        if arguments.readme:
            take_for_readme(node, guest, arguments.readme.resolve())
        else:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            take_all(node, arguments.folder.resolve(), arguments.scenes)
    finally:
        owner.close()
        other.close()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="pictures of every view")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("screens"))
    parser.add_argument("scenes", nargs="*", help="these only")
    parser.add_argument("--readme", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if (code := netns.rerun(__file__, sys.argv[1:])) is not None:
        return code
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        server = Server(Path(name) / "server.txt")
        try:
            run(driver, server, Path(name), arguments)
        finally:
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
