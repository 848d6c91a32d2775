"""The Python view: what a person types, by keyboard; every example as it stands; a wheel from the vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import serious_problems
from node import Data, open_node
from scenes import page_of
from server import Server
from tab import Tab
from tests.package_index import Index, wheel

from conftest import Start

LAST = "[...document.querySelectorAll('#python-log > [data-run]')].at(-1)"
COUNT = "() => document.querySelectorAll('#python-log > [data-run]').length"
ENDED = f"(before) => ({COUNT})() > before && {LAST}.dataset.run !== 'running'"
LOADED = """(pattern) => performance.getEntriesByType('resource')
  .filter(({ name }) => new RegExp(pattern).test(name)).length"""
TYPE = """(text) => {
  const input = document.querySelector('#python-input');
  input.focus();
  input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end');
  input.dispatchEvent(new Event('input', { bubbles: true }));
}"""


class Prompt:
    """The view, as a person uses it."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        tab.wait_for("the view is there", "() => document.querySelector('#python-input')")

    def type(self, text: str) -> None:
        """Type as a keyboard would, without its Enter."""
        self.tab.call(TYPE, text)

    def enter(self, text: str) -> dict[str, Any]:
        """Type, press Enter, and wait for what comes of it."""
        before = self.tab.call(COUNT)
        self.type(text)
        self.tab.press("Enter")
        return self.ended(before)

    def ended(self, before: int, timeout_s: float = 60) -> dict[str, Any]:
        """Wait for the end of one more source."""
        self.tab.wait_for("the source has ended", ENDED, before, timeout_s=timeout_s)
        return self.last()

    def last(self) -> dict[str, Any]:
        """How the last source ended, its text, and the kinds of its pieces."""
        return dict(
            self.tab.call(
                f"""() => {{
                  const entry = {LAST};
                  const pieces = [...entry.querySelectorAll('[data-output]')].map((piece) => piece.dataset.output);
                  return {{ how: entry.dataset.run, text: entry.querySelector('.python-output').innerText.trim(), pieces }};
                }}"""
            )
        )

    def choose(self, place: str) -> None:
        """On the node, or in a scratch worker."""
        self.tab.click(f"[name=python-place][value={place}]")

    def value(self) -> str:
        """What stands in the input."""
        return str(self.tab.call("() => document.querySelector('#python-input').value"))


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_walk_through_the_prompt(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    tab = node.tab
    assert tab.call(LOADED, "python/view|python.css|scratch") == 0, "nothing of it is loaded before it is opened"
    tab.click("[data-view=python]")
    prompt = Prompt(tab)
    assert tab.call("() => document.querySelector('#python-empty').checkVisibility()")

    # values, several lines, top-level await, what the node is
    assert prompt.enter("6 * 7") == {"how": "done", "text": "42", "pieces": ["value"]}
    prompt.type("def half(x):")
    tab.press("Enter")
    tab.wait_for(
        "a further line", "(text) => document.querySelector('#python-input').value === text", "def half(x):\n    "
    )
    prompt.type("return x / 2\n")
    assert prompt.enter("")["how"] == "done"
    assert prompt.enter("import asyncio; await asyncio.sleep(0.01); half(_)")["text"] == "21.0"
    assert prompt.enter("(await inos.put('kept', name='kept.txt'))['bytes']")["text"] == "4"
    assert prompt.enter("node.list()")["pieces"] == ["table"]
    assert prompt.enter("(await node.get(node.list()[0].root)).decode()")["text"] == "'kept'"

    # errors: their frames, not ours
    failed = prompt.enter("half('x')")
    assert (failed["how"], failed["pieces"]) == ("failed", ["error"])
    assert failed["text"].startswith("Traceback")
    assert "inos" not in failed["text"]
    assert "NotFound" in prompt.enter("await inos.get('00' * 32)")["text"]

    # completion, history, by keyboard
    prompt.type("inos.publ")
    tab.press("Tab")
    tab.wait_for("completed", "() => document.querySelector('#python-input').value === 'inos.publish'")
    tab.call("() => { document.querySelector('#python-input').value = ''; }")
    prompt.type("inos.p")
    tab.press("Tab")
    tab.wait_for("a list", "() => document.querySelectorAll('#python-completions > [role=option]').length > 1")
    tab.press("ArrowDown", "Enter")
    assert prompt.value() == "inos.publish"
    tab.call("() => { document.querySelector('#python-input').value = ''; }")
    tab.press("ArrowUp")
    assert prompt.value() == "await inos.get('00' * 32)"
    tab.press("ArrowUp")
    assert prompt.value() == "half('x')"
    tab.call("() => { document.querySelector('#python-input').value = ''; }")

    # stopping: what awaits, what loops, and what nobody stops
    before = tab.call(COUNT)
    prompt.type("await asyncio.sleep(3600)")
    tab.press("Enter")
    tab.wait_for("it runs", f"() => {LAST}.dataset.run === 'running'")
    tab.click("[data-action=python-stop]")
    assert prompt.ended(before)["how"] == "stopped"
    before = tab.call(COUNT)
    prompt.type("while True: print('on and on')")
    tab.press("Enter")
    tab.wait_for("it writes", f"() => {LAST}.querySelector('[data-output=stdout]')")
    tab.click("[data-action=python-stop]")
    stopped = prompt.ended(before)
    assert stopped["how"] == "stopped"
    assert "more line" in stopped["text"]
    assert prompt.enter("while True: pass")["how"] == "held", "the node takes itself back"
    assert node.hash_of(node.list()[0]["root"])[0] == 4, "and works"

    # no address can type or run; what was typed is kept
    tab.goto(f"{server.url}?code=1%2B1&run=1#/python")
    tab.wait_for("the new page is ready", "() => location.search && globalThis.inos?.state().phase === 'ready'")
    prompt = Prompt(tab)
    assert prompt.value() == ""
    assert tab.call("() => document.querySelector('#python-log').childElementCount") == 0
    tab.click("#python-input")
    tab.press("ArrowUp")
    assert prompt.value() == "while True: pass"
    assert serious_problems(tab) == []


def test_every_example_runs_as_it_stands(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server, "#/python")
    prompt = Prompt(node.tab)
    pieces = {}
    for key in node.tab.call(
        "() => [...document.querySelectorAll('#python-empty [data-example]')].map((e) => e.dataset.example)"
    ):
        before = node.tab.call(COUNT)
        shown = f"#python-empty [data-example={key}]" if before == 0 else f".python-more [data-example={key}]"
        if before > 0:
            node.tab.click(".python-more > summary")
        node.tab.click(shown)
        told = prompt.ended(before)
        assert told["how"] == "done", f"{key}: {told['text']}"
        pieces[key] = told["pieces"]
    assert pieces == {
        "put": ["table"],
        "share": ["value"],
        "files": ["table"],
        "peers": ["stdout", "value"],
        "publish": ["stdout"],
        "epoch": ["stdout"],
        "picture": ["image"],
        "scratch": ["stdout", "value"],
    }
    assert node.tab.call("() => document.querySelector('.python-image').naturalWidth") == 160
    assert {file["name"] for file in node.list()} == {"hello.txt", "shared.txt"}
    assert serious_problems(node.tab) == []


@pytest.fixture
def index() -> Iterator[Index]:
    """A package index on this machine."""
    made = Index()
    made.add("index-pkg", ("index_pkg-1.0-py3-none-any.whl", wheel("index_pkg", requires="tiny-too")))
    made.add("tiny-too", ("tiny_too-1.0-py3-none-any.whl", wheel("tiny_too")))
    yield made
    made.close()


def test_wheels_in_a_scratch_worker(start: Start, tmp_path: Path, index: Index) -> None:
    server = Server(tmp_path / "server.txt", arguments=["--python-index", index.url])
    try:
        install_wheels(start, server, index)
    finally:
        server.kill()


def install_wheels(start: Start, server: Server, index: Index) -> None:
    """From the vault, by link, from the index that was allowed; and from nowhere else."""
    node = open_node(start("chromium"), server, "#/python")
    prompt = Prompt(node.tab)
    node.put(Data.of(wheel()), "tinypkg-1.0-py3-none-any.whl")
    link = node.share(node.list()[0]["root"])
    node.put(Data.of(wheel(requires="absent-package")), "tinypkg-2.0-py3-none-any.whl")
    node.put(Data.of(b"a secret"), "secret.txt")
    prompt.choose("scratch")

    assert "NameError" in prompt.enter("node")["text"], "the node is not in reach"
    assert "Unsupported" in prompt.enter("await micropip.install('anything')")["text"], "nothing is looked for anywhere"
    assert "not a wheel" in prompt.enter("await micropip.install('vault:secret.txt')")["text"]
    assert "NotFound" in prompt.enter("await micropip.install('vault:nothing.whl')")["text"]
    assert "absent-package" in prompt.enter("await micropip.install('vault:tinypkg-2.0-py3-none-any.whl')")["text"]
    chosen = node.tab.call(COUNT)
    page_of(node).set_input_files(
        "#python-wheel-input",
        {"name": "chosen-1.0-py3-none-any.whl", "mimeType": "application/zip", "buffer": wheel("chosen")},
    )
    assert prompt.ended(chosen)["how"] == "done"
    assert prompt.enter("import chosen; chosen.answer")["text"] == "42"
    prompt.enter("await micropip.install('vault:tinypkg-1.0-py3-none-any.whl')")
    assert prompt.enter("import tinypkg; tinypkg.answer")["text"] == "42"

    assert index.asked == [], "nobody has allowed it"
    node.tab.click("#python-index")

    # a loop that swallows the interrupt is ended with its worker; the next one knows nothing, and takes a wheel by link
    before = node.tab.call(COUNT)
    prompt.type("import time\nwhile True:\n  try: time.sleep(9)\n  except KeyboardInterrupt: pass\n")
    node.tab.press("Enter")
    node.tab.wait_for("it runs", f"() => {LAST}.dataset.run === 'running'")
    node.tab.click("[data-action=python-stop]")
    assert prompt.ended(before)["how"] == "gone"
    assert prompt.enter(f"await micropip.install('{link}'); import tinypkg; tinypkg.answer")["text"] == "42"
    told = prompt.enter("await micropip.install('index-pkg')")
    assert told["how"] == "done", told["text"]
    assert prompt.enter("import index_pkg, tiny_too; index_pkg.answer + tiny_too.answer")["text"] == "84"
    assert prompt.enter("await micropip.install('https://example.org/a-1.0-py3-none-any.whl')")["how"] == "failed"
