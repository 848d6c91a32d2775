"""A small checkout to be served."""

from __future__ import annotations

import os

import brotli
import pytest


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    for name, content in {
        "static/index.html": b"<!doctype html>" + b"<p>x" * 200,
        "static/sw.js": b"let a;\n" * 100,
        "static/build/kernel.wasm": b"\0asm" * 500,
        "static/build/inos.zip": b"PK",
        "static/build/pyodide/build.json": b"{}",
        "web/page/main.js": b"let b;\n" * 100,
        "secret.txt": b"not for anybody",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    wasm = root / "static/build/kernel.wasm"
    sibling = wasm.with_name("kernel.wasm.br")
    sibling.write_bytes(brotli.compress(wasm.read_bytes()))
    os.utime(sibling, ns=(wasm.stat().st_atime_ns, wasm.stat().st_mtime_ns))
    return root
