"""Where a browser denies what INOS needs: words that say what, at once, on a screen of any size, and nothing heavy loaded."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium
from playwright.sync_api import Playwright
from server import ROOT, Server
from webkit import WebKit, probed

from conftest import Start, executable
from inos_host.server import local_networks

CARD = """
const card = document.querySelector("#errors [data-code]");
return card && [card.dataset.code, card.innerText];
"""
LOADED = (
    "return performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => /wasm|zip/.test(name));"
)


def test_webkitgtk_is_told_what_it_lacks(server: Server, tmp_path: Path) -> None:
    found = json.loads((ROOT / ".cache" / "browsers.json").read_text("utf-8"))
    if not {"webkit", "xvfb"} <= found.keys():
        pytest.skip("WebKitGTK's driver cannot be had here (Debian: webkit2gtk-driver and xvfb)")
    with (
        probed(server.url) as url,
        contextlib.closing(WebKit(found["webkit"]["path"], found["xvfb"]["path"], tmp_path)) as webkit,
    ):
        webkit.goto(url)
        code, text = webkit.wait_for("the page says what is missing", CARD)
        assert code == "Unsupported"
        assert "Missing here: private files (OPFS), WebRTC, shared memory." in text
        assert webkit.call(LOADED) == []
        assert webkit.call("return window.problems") == []
        webkit.call("setTimeout(() => { throw new Error('heard') }); return 1")
        assert webkit.wait_for("the probe hears", "return window.problems.length && window.problems") == [
            "error: Error: heard"
        ]


# What people switch off: options of a browser's start, and what the page must say then.
DENIED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "WebRTC in Firefox": (
        "firefox",
        {"media.peerconnection.enabled": False},
        "WebRtcOff",
        "Allow it in the browser's settings",
    ),
    "a private window of Firefox": (
        "firefox",
        {"browser.privatebrowsing.autostart": True},
        "StorageDenied",
        "Leave the private window",
    ),
    "cookies in Chromium": ("chromium", {}, "StorageDenied", "allow storage for this page"),
}
NO_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}


@pytest.mark.parametrize("what", DENIED)
def test_what_is_switched_off_is_named(start: Start, server: Server, tmp_path: Path, what: str) -> None:
    name, options, code, advice = DENIED[what]
    profile = tmp_path / "profile"
    if name == "chromium":
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(NO_COOKIES), "utf-8")
    tab = start(name, profile, **options).tab(server.url)
    told = tab.wait_for("the page says what is wrong", f"() => {{ {CARD} }}")
    assert told[0] == code
    assert advice in told[1]
    assert tab.call(f"() => {{ {LOADED} }}") == []


def test_http_from_afar_is_told_of_https_on_a_phone_too(playwright: Playwright, tmp_path: Path) -> None:
    """The address is the machine's own, which is no secure context without TLS."""
    found = local_networks.of_this_machine()
    if not found:
        pytest.skip("this machine is on no local network")
    address = str(found[0])
    with contextlib.ExitStack() as stack:
        server = Server(tmp_path / "server.txt", host=address)
        stack.callback(server.kill)
        browser = Chromium(
            playwright,
            executable("chromium"),
            tmp_path / "profile",
            viewport={"width": 390, "height": 800},
            color_scheme="dark",
        )
        stack.callback(browser.close)
        tab = browser.tab(server.url)
        code, text = tab.wait_for("the page says what is wrong", f"() => {{ {CARD} }}")
        assert code == "NotSecure"
        assert "https:// instead of http://" in text
        assert tab.call("() => document.documentElement.scrollWidth <= innerWidth")
        assert tab.call(f"() => {{ {LOADED} }}") == []
        tab.allow_problems("Cross-Origin-Opener-Policy header has been ignored")  # Chromium's own remark
        assert browser.problems() == []
