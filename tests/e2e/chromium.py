"""Chromium through Playwright's synchronous interface, on a profile of its own.

Invariants: CSP is never bypassed; nothing is polled with `wait_for_function` (it needs eval, which the page forbids).
"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

import processes
from playwright.sync_api import BrowserContext, Error, Page, Playwright
from tab import LAB, Browser, PageMoved, Tab

ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--no-pings",
)


class Chromium(Browser):
    """One Chromium on one profile folder."""

    name = "chromium"

    def __init__(self, playwright: Playwright, executable: str, profile: Path, **options: Any) -> None:
        self.profile = profile
        self.downloads = profile.parent / f"{profile.name}-downloads"
        self.tabs: list[Tab] = []
        self.context: BrowserContext = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            args=list(ARGUMENTS),
            headless=True,
            accept_downloads=True,
            downloads_path=str(self.downloads),
            **options,
        )
        self.context.set_default_timeout(30_000)
        self.context.add_init_script(LAB)
        self.process = processes.find_by_word(f"--user-data-dir={profile}")

    def tab(self, url: str = "") -> ChromiumTab:
        """See Browser."""
        blank = [page for page in self.context.pages if page.url == "about:blank" and not self.tabs]
        page = blank[0] if blank else self.context.new_page()
        tab = ChromiumTab(page)
        self.tabs.append(tab)
        if url:
            tab.goto(url)
        return tab

    def close(self) -> None:
        """See Browser."""
        with contextlib.suppress(Error):  # it was killed
            self.context.close()

    def kill(self) -> float:
        """See Browser."""
        return processes.kill_family(self.process)

    def suspend(self) -> float:
        """SIGSTOP to all its processes: frozen, as by a system that takes its memory or its time away; when."""
        return processes.signal_family(processes.family(self.process), signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to all its processes."""
        processes.signal_family(processes.family(self.process), signal.SIGCONT)


class ChromiumTab(Tab):
    """One page of it."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._problems: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._problems.append(f"uncaught: {error}"))
        page.on("crash", lambda _page: self._problems.append("the page crashed"))

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            at = message.location
            self._problems.append(f"console: {message.text} ({at.get('url', '')}:{at.get('lineNumber', '')})")

    def _run(self, script: str, arguments: str, timeout_s: float) -> str:
        try:
            return str(self.page.evaluate(script, arguments))
        except Error as error:
            if "context was destroyed" in error.message:
                raise PageMoved(error.message) from error
            raise

    def goto(self, url: str) -> None:
        """See Tab."""
        self.page.goto(url)

    def click(self, selector: str) -> None:
        """See Tab."""
        self.page.click(selector, timeout=10_000)

    def press(self, *keys: str) -> None:
        """See Tab."""
        for key in keys:
            self.page.keyboard.press(key)

    def screenshot(self, path: Path) -> None:
        """See Tab."""
        self.page.screenshot(path=path)

    def close(self) -> None:
        """See Tab."""
        self.page.close()

    def _raw_problems(self) -> list[str]:
        return list(self._problems)
