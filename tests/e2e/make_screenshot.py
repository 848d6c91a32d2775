"""Write the README's screenshot: `python tests/e2e/make_screenshot.py --out FILE.png`.

A real page with a few of this project's own files in its vault, one of them just fetched by a second browser.
Needs what the end-to-end tests need; runs in a network of its own where the system allows one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "py"), str(ROOT / ".ci")]

from chromium import Chromium, ChromiumTab  # noqa: E402
from node import open_node  # noqa: E402
from playwright.sync_api import Playwright, sync_playwright  # noqa: E402
from server import Server  # noqa: E402

import netns  # noqa: E402
from conftest import executable  # noqa: E402

SIZE = {"width": 1280, "height": 800}
FILES = ("LICENSE", "package-lock.json", "static/build/kernel.wasm", "static/icons/inos.svg", "static/page.css")


def take(driver: Playwright, server: Server, folder: Path, out: Path) -> None:
    """Fill a vault, let another browser fetch from it, take the picture."""
    path = executable("chromium")
    owner = Chromium(driver, path, folder / "owner", viewport=SIZE, color_scheme="light")
    guest = Chromium(driver, path, folder / "guest")
    try:
        node = open_node(owner, server)
        assert isinstance(node.tab, ChromiumTab)
        page = node.tab.page
        for count, name in enumerate((name for name in FILES if (ROOT / name).exists()), 1):
            page.set_input_files("#file-input", ROOT / name)
            node.tab.wait_for(
                "it is listed", "(n) => document.querySelectorAll('#files [data-root]').length === n", count
            )
        other = open_node(guest, server)
        other.fetch(node.share(node.list()[0]["root"]))
        node.tab.wait_for("the peer is shown", "() => Number(document.querySelector('#peers-count').dataset.count) > 0")
        page.screenshot(path=out)
    finally:
        owner.close()
        guest.close()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="take the README's screenshot")
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out.resolve()
    if not os.environ.get(netns.INSIDE):
        words, note = netns.wrapped([sys.executable, __file__, "--out", str(out)])
        print(note)
        if words[0] == "unshare":
            return subprocess.run(words, check=False).returncode
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        server = Server(Path(name) / "server.txt")
        try:
            take(driver, server, Path(name), out)
        finally:
            server.kill()
    print(f"wrote {out.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
