"""Folders, versions and the archive in real browsers: put, listed, saved as a .zip, shared with another one, carried to it."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node import Data, NodeTab, open_node
from server import Server

from conftest import Start

FILES = 300

# Files of 0 to 40 KB, most of them small, in nested folders, one with a name that is not ASCII; and what they hash to.
PUT_FOLDER = """
async (count, name) => {
  const items = [], hashes = {};
  for (let n = 0; n < count; n++) {
    const data = lab.make({ kind: n % 2 ? "random" : "text", seed: n + 1, length: n % 10 === 9 ? 4096 * (n % 11) : n * 7 });
    const path = `${n % 3 ? `part ${n % 3}/` : ""}${n % 7 ? "" : "über/"}${String(n).padStart(4, "0")}.bin`;
    items.push({ path, file: new File([data], "", { lastModified: 1_700_000_000_000 + n * 1000 }) });
    hashes[path] = await lab.sha256(data);
  }
  items.push({ path: "nothing in it", file: null });
  return { ...(await globalThis.inos.putFolder(items, { name })), hashes };
}
"""

ZIP = """
async (root) => {
  const bytes = await globalThis.inos.get(root);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}
"""


def unzipped(node: NodeTab, root: str, name: str) -> dict[str, str]:
    """Paths in the .zip of a folder, and what they hash to."""
    return hashes_in(io.BytesIO(base64.b64decode(node.tab.call(ZIP, root, timeout_s=60))), name)


def saved(node: NodeTab, root: str, name: str) -> dict[str, str]:
    """The same of the .zip that is downloaded."""
    node.tab.call("(root) => globalThis.inos.save(root)", root, timeout_s=60)
    path = node.browser.downloads / f"{name}.zip"
    # Firefox makes an empty file of this name at once, and another one ending in .part until all is there.
    wait_until(lambda: path.exists() and path.stat().st_size > 0 and not list(path.parent.glob("*.part")))
    return hashes_in(path, name)


def hashes_in(data: Path | io.BytesIO, name: str) -> dict[str, str]:
    """Paths below the folder's name, and what they hash to."""
    with zipfile.ZipFile(data) as archive:
        assert archive.testzip() is None
        assert f"{name}/nothing in it/" in archive.namelist()
        return {
            info.filename.removeprefix(f"{name}/"): hashlib.sha256(archive.read(info)).hexdigest()
            for info in archive.infolist()
            if not info.is_dir()
        }


def names(node: NodeTab, root: str, path: str = "") -> dict[str, str]:
    """Name and kind of what a folder holds."""
    found = node.tab.call("(root, path) => globalThis.inos.entries(root, path)", root, path)
    return {entry["name"]: entry["kind"] for entry in found}


def call(node: NodeTab, verb: str, *arguments: Any) -> Any:
    """A call of the node."""
    return node.tab.call("(verb, rest) => globalThis.inos[verb](...rest)", verb, list(arguments), timeout_s=60)


def go_through_versions(node: NodeTab, root: str, hashes: dict[str, str]) -> str:
    """Rename, change, look back and restore a folder; its root at the end, which is what it was at first."""
    renamed = call(node, "rename", root, "renamed")["root"]
    assert [(row["name"], row["root"]) for row in node.list()] == [("renamed", renamed)]
    moved = call(node, "rename", renamed, "first.bin", {"path": "part 1/0001.bin"})["root"]
    assert "first.bin" in names(node, moved, "part 1")
    less = call(node, "remove", moved, {"path": "part 2"})["root"]
    assert names(node, less) == {"part 1": "folder", "über": "folder", "nothing in it": "folder"} | {
        path: "file" for path in hashes if "/" not in path
    }
    versions = call(node, "versions", less)
    assert [(version["seq"], version["root"], version["current"]) for version in versions] == [
        (4, less, True), (3, moved, False), (2, renamed, False), (1, root, False),
    ]  # fmt: skip
    assert call(node, "restore", root) == {"root": root}
    call(node, "forget", moved)
    assert node.error_code("(root) => globalThis.inos.entries(root)", moved) == "NotFound"
    assert [row["root"] for row in node.list()] == [root]
    assert [version["seq"] for version in call(node, "versions", root)] == [5, 4, 2, 1]
    return root


def test_folders_and_archives_go_from_one_browser_to_the_other(start: Start, server: Server) -> None:
    first = open_node(start("chromium"), server)
    put = first.tab.call(PUT_FOLDER, FILES, "all", timeout_s=60)
    root, hashes = put["root"], put["hashes"]
    assert (put["files"], len(hashes)) == (FILES, FILES)
    (row,) = first.list()
    assert (row["kind"], row["name"], row["size"]) == ("folder", "all", put["bytes"])
    assert names(first, root)["part 1"] == "folder"
    assert unzipped(first, root, "all") == hashes
    go_through_versions(first, root, hashes)
    first.reload()
    assert unzipped(first, root, "all") == hashes

    second = open_node(start("firefox"), server)
    got = second.fetch(first.share(root))
    assert (got["kind"], got["name"], got["size"]) == ("folder", "all", put["bytes"])
    assert saved(second, got["root"], "all") == hashes
    go_through_versions(second, got["root"], hashes)
    one = "(root, path) => globalThis.inos.get(root, { path }).then(lab.sha256)"
    assert second.tab.call(one, got["root"], "0009.bin") == hashes["0009.bin"]
    carry(second, first, hashes)


def carry(source: NodeTab, target: NodeTab, hashes: dict[str, str]) -> None:
    """Everything to one file, and from there into a vault that has the folder already; and found there by its words."""
    for length in (0, 700, 20_000, 3_000_000):
        source.put(Data("random", length, seed=length), f"file {length}")
    old = source.put(Data("text", 5_000, seed=1), "letter")["root"]
    replace = "(root) => globalThis.inos.put(new TextEncoder().encode('second'), { name: 'letter', replaces: root })"
    new = source.tab.call(replace, old)["root"]
    call(source, "rename", new, "Letter to the editor")
    done = source.tab.begin(
        "(note) => globalThis.inos.exportArchive({ passphrase: 'correct horse', name: 'all.inos', onProgress: note })"
    ).result(60)
    assert (done["files"], done["skipped"]) == (6, [])
    archive = source.browser.downloads / "all.inos"
    wait_until(lambda: archive.exists() and archive.stat().st_size == done["bytes"])

    text = base64.b64encode(archive.read_bytes()).decode("ascii")
    target.tab.call(
        "(text) => { window.archive = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]); }", text
    )
    load = "(passphrase) => globalThis.inos.importArchive(window.archive, { passphrase })"
    assert target.error_code(load, "wrong horse") == "AuthFailed"
    assert len(target.list()) == 1
    got = target.tab.call(load, "correct horse", timeout_s=60)
    assert (got["files"], got["known"], got["skipped"]) == (5, 1, [])
    for mine, theirs in zip(by_name(target), by_name(source), strict=True):
        assert (mine["name"], mine["size"], mine["kind"]) == (theirs["name"], theirs["size"], theirs["kind"])
        if mine["kind"] == "folder":
            assert unzipped(target, mine["root"], "all") == hashes
        else:
            assert target.hash_of(mine["root"]) == source.hash_of(theirs["root"])
            steps = [[version["name"] for version in call(node, "versions", row["root"])] for node, row in
                     ((target, mine), (source, theirs))]  # fmt: skip
            assert steps[0] == steps[1]
    again = target.tab.call(load, "correct horse", timeout_s=60)
    assert (again["files"], again["known"], again["bytes"]) == (0, 6, 0)
    found = call(target, "find", "0042 bin")
    assert [(row["path"], row["kind"]) for row in found] == [("über/0042.bin", "file")]
    assert [row["name"] for row in call(target, "find", "edit letter")] == ["Letter to the editor"]
    report = call(target, "check", "data")
    assert (report["bad"], report["lost"]) == ([], [])


def by_name(node: NodeTab) -> list[dict[str, Any]]:
    """What is listed, in the order of names."""
    return sorted(node.list(), key=lambda row: row["name"])


def wait_until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait for something outside the page."""
    late = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < late
        time.sleep(0.05)
