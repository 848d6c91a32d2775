"""The listing names each file of the site with its hash, and the build changes with any of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import brotli
import pytest

from inos_host.server.site import Site
from inos_host.server.static_files import StaticFiles

FILES = {
    "static/index.html": b"<!doctype html>",
    "static/sw.js": b"self.a;",
    "static/sw_streams.js": b"self.b;",
    "static/config.json": b"{}",
    "static/build/kernel.wasm": b"\0asm",
    "static/build/kernel.wasm.br": b"small",
    "static/build/baselines/x.js": b"theirs",
    "static/build/pyodide/a.whl": b"wheel",
    "static/build/pyodide/stock/python_stdlib.zip": b"stock",
    "web/page/main.js": b"import './a.js';",
    "web/kernel/main.zig": b"zig",
}
LISTED = ["build/kernel.wasm", "index.html", "web/page/main.js"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def listed(site: Site) -> dict[str, dict[str, list[object]]]:
    text = site.listing()[1].decode()
    return json.loads(text.removeprefix("self.SITE = ").removesuffix(";\n"))


def test_what_browsers_load_is_listed_and_nothing_else(checkout: Path) -> None:
    site = Site(checkout, StaticFiles(checkout, bench=True))
    files = listed(site)["files"]
    assert list(files) == LISTED
    content = FILES["web/page/main.js"]
    assert files["web/page/main.js"] == [hashlib.sha256(content).hexdigest(), len(content)]
    packed = site.listing_asset(brotli_accepted=True)
    assert brotli.decompress(packed.body) == site.listing_asset(brotli_accepted=False).body


@pytest.mark.parametrize("name", ["static/sw.js", "static/sw_streams.js", "web/page/main.js"])
def test_a_build_is_named_by_every_file(checkout: Path, name: str) -> None:
    site = Site(checkout, StaticFiles(checkout))
    before = site.listing()[0]
    assert site.listing()[0] == before
    (checkout / name).write_bytes(FILES[name] + b" ")
    assert site.listing()[0] != before


def test_the_settings_of_a_place_are_no_new_build(checkout: Path) -> None:
    site = Site(checkout, StaticFiles(checkout))
    before = site.listing()[0]
    (checkout / "static/config.json").write_bytes(b'{"rendezvous": null}')
    assert site.listing()[0] == before


def test_a_build_is_named_by_its_headers(checkout: Path) -> None:
    files = StaticFiles(checkout)
    assert Site(checkout, files, {"A": "b"}).listing()[0] != Site(checkout, files, {"A": "c"}).listing()[0]
