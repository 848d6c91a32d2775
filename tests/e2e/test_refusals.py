"""Where a browser denies what INOS needs: words that say what, at once, on a screen of any size, and nothing heavy loaded."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from server import ROOT, Server
from webkit import WebKit, probed

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
