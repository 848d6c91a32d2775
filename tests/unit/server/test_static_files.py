"""Every way to spell a path leads to one of our files or to nothing."""

from __future__ import annotations

import os
from itertools import product
from urllib.parse import quote

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inos_host.server.static_files import CACHE_BYTES_MAX, StaticFiles

SECRET = b"not for anybody"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("served")
    root = outside / "checkout"
    for folder in ("static/build", "static/icons", "static/.hidden", "web/page", "web/kernel", "static-twin", ".venv"):
        (root / folder).mkdir(parents=True)
    for name in (
        "static/index.html",
        "static/sw.js",
        "static/icons/a.svg",
        "static/build/kernel.wasm",
        "web/page/main.js",
    ):
        (root / name).write_bytes(b"x" * 1000 + name.encode())
    for name in (
        "../secret.txt",
        "secret.txt",
        "static-twin/secret.txt",
        ".venv/secret.txt",
        "static/.hidden/secret.txt",
        "static/.secret.txt",
        "static/notes.md",
        "web/kernel/secret.zig",
        "web/page/secret.json",
    ):
        (root / name).write_bytes(SECRET)
    (root / "static/link.txt").symlink_to(outside / "secret.txt")
    (root / "static/folder").symlink_to(root / "static-twin")
    (root / "static/dangling.txt").symlink_to(outside / "nothing.txt")
    (root / "static/hidden.txt").symlink_to(root / "static/.secret.txt")
    return root


@pytest.fixture
def files(checkout):
    return StaticFiles(checkout)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "static/index.html"),
        ("/index.html", "static/index.html"),
        ("/sw.js", "static/sw.js"),
        ("/icons/a.svg", "static/icons/a.svg"),
        ("/build/kernel.wasm", "static/build/kernel.wasm"),
        ("/web/page/main.js", "web/page/main.js"),
    ],
)
def test_our_files_are_found(files, checkout, path, name):
    assert files.locate(path) == checkout / name


def escapes() -> list[str]:
    """Spellings that have led other servers out of their folder, combined: parent x separator x depth x target."""
    parents = [
        "..",
        "%2e%2e",
        "%2E%2e",
        ".%2e",
        "%2e.",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%uff0e%uff0e",
        "...",
        "....",
        "..;",
    ]
    separators = ["/", "%2f", "%2F", "%5c", "\\", "%252f", "%255c", "//", "/./", "%c0%af", "%00/"]
    targets = ["secret.txt", "static-twin/secret.txt"]
    walks = [
        f"{start}{(parent + separator) * depth}{target}"
        for parent, separator, depth, target, start in product(parents, separators, (1, 2), targets, ("/", "/build/"))
    ]
    single = [
        "", "//", "///", "/.", "/..", "/%00", "/%", "/%2", "/index.html%00", "/index.html%00.js", "/index.html/",
        "/index.html/.", "/index.html/..", "/./index.html", "/build/../index.html", "//index.html", "/build//kernel.wasm",
        "/.hidden/secret.txt", "/.secret.txt", "/%2esecret.txt", "/~root/secret.txt", "/link.txt", "/dangling.txt",
        "/folder/secret.txt", "/hidden.txt", "/notes.md", "/web", "/web/", "/web/page", "/web/page/", "/web/kernel/secret.zig",
        "/web/page/secret.json", "/web/../secret.txt", "/web/page/main.js%00.txt", "/static/index.html", "/build", "/build/",
        "C:/secret.txt", "/C:/secret.txt", "/c:secret.txt", "/index.html::$DATA", "/index.html.", "/index.html%20",
        "/index.html ", "/\\\\host\\share\\secret.txt", "/file:///secret.txt", "file:///secret.txt", "http://x/index.html",
        "*", "index.html", "/index.html?", "/index.html#", "/index.html;x", "/ｉndex.html", "/index.htmI", "/INDEX.HTML",
        "/\r\nX: y", "/\tindex.html", "/" + "a/" * 9 + "b.js", "/" + "a" * 5000 + ".js", "/build/kernel.wasm.br",
        "/.git/config", "/.venv/secret.txt", "/proc/self/environ", "/etc/passwd", "//etc/passwd", "/index.html/../../secret.txt",
    ]  # fmt: skip
    return sorted({*walks, *single})


def test_there_are_enough_spellings():
    assert len(escapes()) >= 200


def test_no_spelling_escapes(files):
    found = {path: files.locate(path) for path in escapes()}
    assert {path: file for path, file in found.items() if file is not None} == {}


def test_absolute_paths_of_existing_files_are_nothing(files, checkout):
    secret = str(checkout / "secret.txt")
    for path in (secret, "/" + secret, quote(secret, safe=""), "/" + quote(secret, safe=""), "/web" + secret):
        assert files.locate(path) is None


@given(st.text(max_size=60))
def test_any_text_finds_a_served_file_or_nothing(checkout, text):
    file = StaticFiles(checkout).locate(text)
    assert file is None or SECRET not in file.read_bytes()


@given(
    st.lists(
        st.sampled_from(["/", ".", "..", "static", "web", "page", "secret", ".txt", ".js", "%2f", "\\"]), max_size=12
    )
)
def test_any_mixture_of_awkward_pieces_stays_inside(checkout, pieces):
    file = StaticFiles(checkout).locate("".join(pieces))
    assert file is None or SECRET not in file.read_bytes()


def test_live_files_are_compressed_in_memory_and_follow_edits(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "static").mkdir()
    file = tmp_path / "web" / "a.js"
    file.write_bytes(b"let a = 1;\n" * 100)
    files = StaticFiles(tmp_path)
    first = files.load(file, brotli_accepted=True)
    assert first.encoding == "br"
    assert brotli.decompress(first.body) == file.read_bytes()
    assert files.load(file, brotli_accepted=True) is first
    plain = files.load(file, brotli_accepted=False)
    assert plain.encoding is None
    assert plain.body == file.read_bytes()
    assert plain.etag != first.etag
    file.write_bytes(b"let b = 22;\n" * 100)
    edited = files.load(file, brotli_accepted=True)
    assert brotli.decompress(edited.body) == file.read_bytes()
    assert edited.etag != first.etag


def test_a_tag_names_bytes_and_not_a_time(tmp_path):
    (tmp_path / "static").mkdir()
    file = tmp_path / "static" / "a.css"
    file.write_bytes(b"a{}" * 200)
    files = StaticFiles(tmp_path)
    before = files.load(file, brotli_accepted=True).etag
    os.utime(file, ns=(1, 1))
    assert files.load(file, brotli_accepted=True).etag == before


def test_built_files_use_their_sibling_only_while_it_is_theirs(tmp_path):
    build = tmp_path / "static" / "build"
    build.mkdir(parents=True)
    file, sibling = build / "a.wasm", build / "a.wasm.br"
    file.write_bytes(b"\0asm" * 500)
    sibling.write_bytes(brotli.compress(file.read_bytes()))
    stat = file.stat()
    os.utime(sibling, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    files = StaticFiles(tmp_path)
    asset = files.load(file, brotli_accepted=True)
    assert (asset.encoding, asset.body, asset.content_type) == ("br", sibling.read_bytes(), "application/wasm")
    file.write_bytes(b"\0new" * 500)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
    asset = files.load(file, brotli_accepted=True)
    assert (asset.encoding, asset.body) == (None, file.read_bytes())


def test_the_cache_is_bounded(tmp_path):
    (tmp_path / "static").mkdir()
    files = StaticFiles(tmp_path)
    for number in range(8):
        file = tmp_path / "static" / f"{number}.bin"
        file.write_bytes(bytes([number]) * (12 << 20))
        files.load(file, brotli_accepted=False)
        assert files._cache_bytes <= CACHE_BYTES_MAX
    assert files._cache_bytes == sum(len(entry.asset.body) for entry in files._cache.values()) > 0


def test_the_libraries_of_measurements_are_served_only_when_asked_for(checkout):
    library = checkout / "static/build/baselines/sodium/index.mjs"
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_bytes(b"export {};")
    path = "/build/baselines/sodium/index.mjs"
    assert StaticFiles(checkout).locate(path) is None
    assert StaticFiles(checkout, bench=True).locate(path) == library
