"""`serve.py --lan` as two devices meet it: the browser's warning is seen and passed, then a file goes from one to the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import networks
import pytest
from chromium import Chromium, ChromiumTab
from firefox import Firefox, FirefoxTab
from marionette_driver import errors
from node import MIB, Data, NodeTab
from playwright.sync_api import Error, Playwright
from server import Server

from conftest import executable

THERE = "() => Boolean(globalThis.inos)"
FIREFOX_BUTTON = """
const [id] = arguments;
const button = document.querySelector("net-error-card")?.shadowRoot.getElementById(id);
button?.click();
return Boolean(button);
"""


@pytest.fixture
def devices() -> Iterator[list[networks.Device]]:
    """A computer that serves, and two that come."""
    why_not = networks.missing()
    if why_not is not None:
        pytest.skip(f"this machine gives no network namespaces: {why_not}")
    with networks.local_network(3) as made:
        yield made


def pass_warning_in_chromium(tab: ChromiumTab, url: str) -> None:
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        tab.goto(url)
    tab.click("#details-button")
    tab.click("#proceed-link")
    tab.wait_for("the page is there", THERE)


def pass_warning_in_firefox(tab: FirefoxTab, firefox: Firefox, url: str) -> None:
    with pytest.raises(errors.InsecureCertificateException):
        tab.goto(url)
    for button in ("advanced-button", "exception-button"):
        press = partial(firefox.driver.execute_script, FIREFOX_BUTTON, script_args=[button])
        networks.wait_until(f"Firefox offers {button}", press)
    there = partial(firefox.driver.execute_script, "return Boolean(globalThis.inos)", sandbox=None)
    networks.wait_until("the page is there", there)


def test_two_devices_of_a_local_network(
    devices: list[networks.Device], playwright: Playwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, first, second = devices
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with ExitStack() as stack:
        with serving.entered():
            server = Server(tmp_path / "server.txt", arguments=["--lan"], host="")
        stack.callback(server.kill)
        chromium = Chromium(playwright, str(first.program(executable("chromium"), tmp_path)), tmp_path / "chromium")
        stack.callback(chromium.close)
        with second.entered():
            firefox = Firefox(executable("firefox"), tmp_path / "firefox")
        stack.callback(firefox.close)
        assert server.url.startswith(f"https://{serving.address}:")
        sender = NodeTab(chromium.tab(), chromium)
        receiver = NodeTab(firefox.tab(), firefox)
        assert isinstance(sender.tab, ChromiumTab)
        assert isinstance(receiver.tab, FirefoxTab)
        pass_warning_in_chromium(sender.tab, server.url)
        pass_warning_in_firefox(receiver.tab, firefox, server.url)
        for node in (sender, receiver):
            node.wait_ready()

        data = Data("random", 4 * MIB, seed=1)
        done = sender.put(data, "over the cable.bin")
        link = sender.share(done["root"])
        assert link.startswith(server.url)
        receiver.assert_holds(receiver.fetch(link)["root"], data, done["sha256"])

        # A certificate that was only waved through is none for a service worker: the file is saved all the same.
        with sender.tab.page.expect_download() as download:
            sender.tab.call("(root) => globalThis.inos.save(root)", done["root"])
        assert download.value.suggested_filename == "over the cable.bin"
        assert hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest() == done["sha256"]

        sender.tab.allow_problems("An SSL certificate error occurred when fetching the script")
        assert chromium.problems() + firefox.problems() == []
