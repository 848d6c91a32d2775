"""Many cheap nodes: one Chromium, each tab in a context of its own, with storage, locks and channels that no other tab sees.

Files lie in memory there, so tests of the vault's disk use profiles instead (`chromium.py`).
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from chromium import ARGUMENTS, ChromiumTab
from playwright.sync_api import Error, Playwright
from tab import LAB, Browser, Tab


class Contexts(Browser):
    """One Chromium without a profile."""

    name = "chromium"

    def __init__(self, playwright: Playwright, executable: str, profile: Path, **options: Any) -> None:
        del profile
        self.tabs: list[Tab] = []
        self._browser = playwright.chromium.launch(
            executable_path=executable, args=list(ARGUMENTS), headless=True, **options
        )

    def tab(self, url: str = "") -> ChromiumTab:
        """A page in a context of its own."""
        context = self._browser.new_context()
        context.set_default_timeout(30_000)
        context.add_init_script(LAB)
        tab = ChromiumTab(context.new_page())
        self.tabs.append(tab)
        if url:
            tab.goto(url)
        return tab

    def close(self) -> None:
        """See Browser."""
        with contextlib.suppress(Error):
            self._browser.close()

    def kill(self) -> float:
        """See Browser."""
        at_s = time.time()
        self.close()
        return at_s
