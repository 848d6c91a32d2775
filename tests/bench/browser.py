"""A real server and a real Chromium for measurements, both ended with their `with` block.

Invariants: profiles are folders of their own; CSP is not bypassed, so pages run as they do for people.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import BrowserContext, Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"INOS (http://127\.0\.0\.1:(\d+))/\n")
STOP_S = 10
PROGRESS = "bench: "  # lines of the page's console that people may read meanwhile
PAGE_TIMEOUT_MS = 600_000
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--no-pings",
)


class PageFailed(RuntimeError):
    """A page logged an error or never became ready."""


class Server:
    """`serve.py --bench` on a free port."""

    def __enter__(self) -> Self:
        words = [sys.executable, str(ROOT / "serve.py"), "--port", "0", "--no-open", "--bench"]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = ADDRESS.fullmatch(self._process.stdout.readline())
        if found is None:
            raise RuntimeError(f"serve.py did not start (exit code {self._process.wait(STOP_S)})")
        self.url, self.port = found[1], int(found[2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(STOP_S)


class Chromium:
    """One Chromium on one profile."""

    def __init__(self, playwright: Playwright, profile: Path) -> None:
        self._playwright = playwright
        self._profile = profile
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        found = json.loads((ROOT / ".cache" / "browsers.json").read_text("utf-8"))
        self.context: BrowserContext = self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=found["chromium"]["path"], args=list(ARGUMENTS), headless=True
        )
        self.context.set_default_timeout(PAGE_TIMEOUT_MS)
        self.version = self._version()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    def _version(self) -> str:
        page = self.context.pages[0]
        return str(self.context.new_cdp_session(page).send("Browser.getVersion")["product"])

    def page(self, url: str = "") -> Page:
        """A new page; its errors are kept in `problems`."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("crash", lambda _: self.problems.append("the page crashed"))
        page.on("console", self._on_console)
        if url:
            page.goto(url)
        return page

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)
        elif message.text.startswith(PROGRESS):
            print(message.text.removeprefix(PROGRESS), file=sys.stderr, flush=True)
