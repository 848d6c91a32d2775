"""A newcomer's first minutes, timed: `python tests/bench/story.py`, on Linux.

A fresh clone of the last commit and empty caches of pip and npm; `npm start`; a file is put on the page, shared, and a second
browser opens the link and saves the file, which must be the same. Every line says how long that step took.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

FILE_BYTES = 16 << 20
SET_UP_MAX_S = 600.0
STEP_MAX_MS = 60_000.0
POLL_S = 0.05


class Clock:
    """Says how long each step took."""

    def __init__(self) -> None:
        self._at = self._began = time.monotonic()

    def step(self, text: str) -> None:
        """This is done."""
        now = time.monotonic()
        print(f"story  {now - self._at:6.2f} s  {text}", flush=True)
        self._at = now

    def end(self) -> None:
        """All is done."""
        print(f"story  {time.monotonic() - self._began:6.2f} s  in all", flush=True)


def started(checkout: Path, caches: Path, stack: ExitStack) -> str:
    """`npm start`; the address that it prints."""
    from server import ADDRESS

    own = {"PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(caches), "XDG_CACHE_HOME": str(caches)}
    log = caches.with_name("npm-start.txt")
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["npm", "start", "--", "--port", "0", "--no-open"],
            cwd=checkout,
            env={**os.environ, **own, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stack.callback(lambda: (os.killpg(process.pid, signal.SIGTERM), process.wait()))
    deadline = time.monotonic() + SET_UP_MAX_S
    while not (found := ADDRESS.search(log.read_text("utf-8", "replace"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"npm start did not serve:\n{log.read_text('utf-8', 'replace')}")
        time.sleep(POLL_S)  # the pause of a poll with a deadline
    return found[1]


def fetched(page: Any, link: str, clock: Clock) -> bytes:
    """What the second browser saves."""
    page.goto(link)
    page.locator("#link-view[data-stage=done]").wait_for(timeout=STEP_MAX_MS)
    clock.step("the second browser, new to the address, has the file and has checked it")
    with page.expect_download(timeout=STEP_MAX_MS) as download:
        page.click("[data-action=link-download]")
    saved = Path(download.value.path()).read_bytes()
    clock.step("it is saved to disk")
    return saved


def main() -> int:
    """The exit code."""
    from chromium import ChromiumTab
    from playwright.sync_api import sync_playwright

    from conftest import browser_of

    with tempfile.TemporaryDirectory(prefix="inos-story-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder, data = Path(name), os.urandom(FILE_BYTES)
        (folder / "holiday.bin").write_bytes(data)
        clock = Clock()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)
        clock.step("cloned")
        url = started(folder / "clone", folder / "caches", stack)
        clock.step("set up and served by npm start")
        driver = stack.enter_context(sync_playwright())
        tabs = []
        for who in ("one", "other"):
            browser = browser_of(driver, "chromium", folder / who)
            stack.callback(browser.close)
            tabs.append(browser.tab())
        one, other = (tab.page for tab in tabs if isinstance(tab, ChromiumTab))
        clock.step("two browsers started")
        one.goto(url)
        one.set_input_files("#file-input", folder / "holiday.bin")
        clock.step("the page is open, a file of 16 MiB dropped")
        one.click("#files [data-action=share]", timeout=STEP_MAX_MS)
        clock.step("it is kept: sealed, on disk, listed")
        link = one.wait_for_function("() => document.querySelector('#share-link')?.value", timeout=STEP_MAX_MS)
        clock.step("its link is made")
        same = fetched(other, str(link.json_value()), clock) == data
        clock.end()
        print("story  the saved file is", "the same" if same else "NOT THE SAME", flush=True)
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
