"""Names from people and peers are text and nothing else, wherever they are shown."""

from __future__ import annotations

from node import NodeTab, open_node
from server import Server

from conftest import Start

NAMES = (
    '<img src=x onerror="window.pwned=1">',
    "<script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "'><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<b>bold</b>.html",
    "&lt;b&gt;&amp;&#x41;",
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "${window.pwned=1}`",
    "invoice\u202egpj.exe",
    "\u2066\u2067hidden\u2069.txt",
    "\u200e\u200f\u061cmarks.txt",
    "line\nbreak\rreturn.txt",
    "tab\tand\vmore\f.txt",
    "nul\x00byte.txt",
    "escape\x1b[31mred",
    "c1\x85control\x9f",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "C:\\CON",
    ".",
    "..",
    "",
    "   ",
    "a" * 300 + ".txt",
    "\u00e9" * 200,
    "e\u0301 decomposed",
    "\U0001f600" * 80,
    "\ud800 lone surrogate",
    "\ufeffmark\u200bzero\u2060width",
    "Z\u0310\u0351\u0343a\u0335\u0321l\u0322g\u0321o\u0489" * 8,
    "%2e%2e%2f%00",
    "'; DROP TABLE files; --",
    "__proto__",
    "constructor",
    "hasOwnProperty",
)
FORBIDDEN = (
    "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
    + "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

# All names on the page, and whether one of them has become more than text.
SHOWN = """
() => ({
  names: [...document.querySelectorAll(".file-name, .link-name")].map((name) => name.textContent),
  labels: [...document.querySelectorAll("[data-root] button")].map((button) => button.getAttribute("aria-label") ?? ""),
  markup: document.querySelectorAll(
    ".file-name :not(bdi), .link-name :not(bdi), main img, main script, main iframe, [onerror], [onload]").length,
  pwned: window.pwned ?? null,
  violations: lab.violations,
})
"""


def assert_text_only(node: NodeTab) -> None:
    shown = node.tab.call(SHOWN)
    assert shown["markup"] == 0
    assert shown["pwned"] is None
    assert shown["violations"] == []
    for text in (*shown["names"], *shown["labels"]):
        assert not set(text) & set(FORBIDDEN), repr(text)
    assert all(shown["names"]), "a file without a name to click on"


def test_nasty_names_are_text(start: Start, server: Server) -> None:
    sender, receiver = (open_node(start("chromium"), server) for _ in range(2))
    links = []
    for number, name in enumerate(NAMES):
        put = "(name, text) => globalThis.inos.put(new TextEncoder().encode(text), { name })"
        done = sender.tab.call(put, name, f"file {number}")
        links.append(sender.share(done["root"]))
    count = "(count) => document.querySelectorAll('.file-name').length === count"
    sender.tab.wait_for("all are listed", count, len(NAMES))
    assert_text_only(sender)
    assert len({row["name"] for row in sender.list()}) > len(NAMES) // 2

    for link in links[:12:3]:
        receiver.tab.call("(hash) => { location.hash = hash; }", link.partition("#")[2])
        receiver.tab.wait_for("it is here", "() => document.querySelector('#link-view[data-stage=done]')")
        assert_text_only(receiver)
        receiver.tab.click("[data-action=link-close]")
