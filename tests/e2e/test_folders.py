"""Folders, versions and the archive in real browsers: put, listed, saved as a .zip, shared with another one, carried to it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import Any

from node import NodeTab, open_node
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
    data = base64.b64decode(node.tab.call(ZIP, root, timeout_s=60))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
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


def test_a_folder_goes_from_one_browser_to_the_other(start: Start, server: Server) -> None:
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
    report = call(first, "check", "data")
    assert (report["bad"], report["lost"]) == ([], [])

    second = open_node(start("firefox"), server)
    got = second.fetch(first.share(root))
    assert (got["kind"], got["name"], got["size"]) == ("folder", "all", put["bytes"])
    assert unzipped(second, got["root"], "all") == hashes
    go_through_versions(second, got["root"], hashes)
    one = second.tab.call(
        "(root, path) => globalThis.inos.get(root, { path }).then(lab.sha256)", root_of(second), "0009.bin"
    )
    assert one == hashes["0009.bin"]


def root_of(node: NodeTab) -> str:
    """The one root there is."""
    (row,) = node.list()
    return str(row["root"])
