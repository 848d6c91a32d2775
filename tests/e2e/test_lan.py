"""`serve.py --lan` as two devices meet it: the browser's warning is seen and passed, then a file goes from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture
def devices() -> Iterator[list[networks.Device]]:
    """A computer that serves, and two that come."""
    why_not = networks.missing()
    if why_not is not None:
        pytest.skip(f"this machine gives no network namespaces: {why_not}")
    with networks.local_network(3) as made:
        yield made


def test_two_devices_of_a_local_network(
    devices: list[networks.Device], playwright: Playwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, first, second = devices
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with serving.entered():
        server = Server(tmp_path / "server.txt", arguments=["--lan"], host="")
    chromium = Chromium(playwright, str(first.program(executable("chromium"), tmp_path)), tmp_path / "chromium")
    with second.entered():
        firefox = Firefox(executable("firefox"), tmp_path / "firefox")
    try:
        assert server.url.startswith(f"https://{serving.address}:")
        sender = NodeTab(chromium.tab(), chromium)
        assert isinstance(sender.tab, ChromiumTab)
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            sender.tab.goto(server.url)
        sender.tab.click("#details-button")
        sender.tab.click("#proceed-link")
        sender.tab.wait_for("the page is there", THERE)
        sender.wait_ready()
        receiver = NodeTab(firefox.tab(), firefox)
        assert isinstance(receiver.tab, FirefoxTab)
        with pytest.raises(errors.InsecureCertificateException):
            receiver.tab.goto(server.url)
        PASS = """
        const root = document.querySelector("net-error-card").shadowRoot;
        const find = (sel) => { for (const el of root.querySelectorAll("*")) { if (el.id && el.matches?.(sel)) return el; } return null; };
        return [...root.querySelectorAll("button, moz-button, [id]")].map((e) => e.localName + "#" + e.id).join(" ");
        """
        print(firefox.driver.execute_script(PASS))
        with firefox.driver.using_context("content"):
            firefox.driver.execute_script(
                "document.querySelector('net-error-card').shadowRoot.querySelector('#advanced-button, #advancedButton').click()"
            )
        import time

        time.sleep(1)
        print(firefox.driver.execute_script(PASS))
        firefox.driver.execute_script(
            "document.querySelector('net-error-card').shadowRoot.querySelector('#exception-button, #exceptionDialogButton').click()"
        )
        time.sleep(3)
        print(firefox.driver.execute_script("return location.href + document.title + Boolean(globalThis.inos)"))
        receiver.tab.wait_for("the page is there", THERE)
        receiver.wait_ready()
        print(
            receiver.tab.call(
                "async () => { try { const r = await navigator.serviceWorker.register('/sw.js'); return 'sw ok'; } catch (e) { return String(e);} }"
            )
        )
        print(
            sender.tab.call(
                "async () => { try { const r = await globalThis.inos.prepareDownloads(); return 'sw ok'; } catch (e) { return String(e);} }"
            )
        )
        print(sender.tab.problems())
        print(receiver.tab.problems())
        data = Data("random", 4 * MIB, seed=1)
        done = sender.put(data, "over.bin")
        print(receiver.fetch(sender.share(done["root"])))
        receiver.assert_holds(done["root"], data, done["sha256"])
        print(sender.peers())
        assert 0
    finally:
        chromium.close()
        firefox.close()
        server.kill()
    del os, MIB, Data
