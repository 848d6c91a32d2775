"""Fixtures of the end-to-end tests: a real server, real browsers, and the rule that pages stay silent.

`server` and the browsers `chromium`, `firefox`, `browser` (both, one after the other) are shared by a module's tests, each
test getting tabs of its own; `start` makes further browsers with profiles of their own, ended after the test.
Invariant: a console error, an uncaught error or a CSP violation in any page fails the test, unless it was allowed by name.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import Chromium
from contexts import Contexts
from firefox import Firefox
from node import NodeTab, open_node
from playwright.sync_api import Playwright, sync_playwright
from server import ROOT, Server
from tab import Browser

BROWSERS = ("chromium", "firefox")
Start = Callable[..., Browser]


def executable(name: str) -> str:
    """Where set-up found a browser."""
    found = json.loads((ROOT / ".cache" / "browsers.json").read_text("utf-8"))
    return str(found[name]["path"])


def browser_of(playwright: Playwright, name: str, profile: Path, **options: Any) -> Browser:
    """A browser on a profile; whoever calls it closes it."""
    if name == "chromium":
        return Chromium(playwright, executable(name), profile, **options)
    return Firefox(executable(name), profile, **options)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def launch(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Make a browser: `launch(name, profile=None, **options)`; whoever calls it closes it."""

    def make(name: str, profile: Path | None = None, **options: Any) -> Browser:
        folder = profile or tmp_path_factory.mktemp(name) / "profile"
        return browser_of(playwright, name, folder, **options)

    return make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of a module's tests."""
    made = Server(tmp_path_factory.mktemp("server") / "output.txt")
    yield made
    made.kill()


@pytest.fixture
def contexts(playwright: Playwright, tmp_path: Path) -> Iterator[Contexts]:
    """One Chromium of many contexts, whose pages must have been silent."""
    with contextlib.closing(Contexts(playwright, executable("chromium"), tmp_path)) as made:
        yield made
        problems = made.problems()
    assert not problems, "\n".join(problems)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may kill it."""
    made = Server(tmp_path / "server.txt")
    yield made
    made.kill()


@pytest.fixture
def start(launch: Start) -> Iterator[Start]:
    """Make browsers that end with the test and whose pages must have been silent."""
    made: list[Browser] = []
    with contextlib.ExitStack() as stack:

        def make(name: str, profile: Path | None = None, **options: Any) -> Browser:
            browser = launch(name, profile, **options)
            stack.callback(browser.discard)
            made.append(browser)
            return browser

        yield make
        problems = [line for browser in made for line in browser.problems()]
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module", params=BROWSERS)
def shared_browser(request: pytest.FixtureRequest, launch: Start) -> Iterator[Browser]:
    """A browser of each kind in turn, one for all tests of a module."""
    browser = launch(request.param)
    yield browser
    browser.discard()


@pytest.fixture(scope="module")
def shared_node(shared_browser: Browser, server: Server) -> NodeTab:
    """A page with a ready node, one for all tests of a module and a browser."""
    return open_node(shared_browser, server)


@pytest.fixture
def node(shared_node: NodeTab) -> Iterator[NodeTab]:
    """The module's page with a ready node; it must be silent during the test."""
    before = len(shared_node.tab.problems())
    yield shared_node
    problems = shared_node.tab.problems()[before:]
    assert not problems, "\n".join(problems)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """A failed test shows what the server printed."""
    report = yield
    made = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(made, Server):
        report.sections.append(("server", made.output()))
    return report
