"""A page with an INOS node in it, as the tests speak to it: `globalThis.inos` and the elements that the interface promises.

A `Data` describes bytes that the page makes from a seed by itself, so that none of them cross the driver.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from server import Server
from tab import Browser, Job, PageError, Tab

READY_TIMEOUT_S = 60.0
BIG_TIMEOUT_S = 240.0
KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Data:
    """Bytes to be made in a page: `kind` is random or text (from `seed`), or base64 (given bytes)."""

    kind: str
    length: int
    seed: int = 1
    base64: str = ""

    @classmethod
    def of(cls, content: bytes) -> Data:
        """Exactly these bytes."""
        return cls("base64", len(content), 0, base64.b64encode(content).decode("ascii"))


class NodeTab:
    """A tab whose page runs, or tries to run, a node."""

    def __init__(self, tab: Tab, browser: Browser) -> None:
        self.tab = tab
        self.browser = browser

    def wait_ready(self) -> dict[str, Any]:
        """Wait until the node is ready; a node that fails raises its error."""
        ready = (
            "async () => (globalThis.inos?.state().phase ?? 'starting') !== 'starting' && [await globalThis.inos.ready]"
        )
        try:
            answer = self.tab.wait_for("the node is ready", ready, timeout_s=READY_TIMEOUT_S)[0]
        except TimeoutError as error:
            state = self.tab.call("() => globalThis.inos.state()")
            raise TimeoutError(f"{error}; {state}; {self.tab.problems()}") from None
        assert isinstance(answer, dict)
        return answer

    def put(self, data: Data, name: str = "file.bin") -> dict[str, Any]:
        """Store made data; what put answered, and `sha256`."""
        answer = self.tab.call("(data, name) => lab.put(data, name)", vars(data), name, timeout_s=BIG_TIMEOUT_S)
        assert isinstance(answer, dict)
        return answer

    def hash_of(self, root_or_link: str) -> tuple[int, str]:
        """Length and SHA-256 of what `get` gives."""
        answer = self.tab.call("(root) => lab.get(root)", root_or_link, timeout_s=BIG_TIMEOUT_S)
        return answer["length"], answer["sha256"]

    def share(self, root: str) -> str:
        """A link to a root."""
        return str(self.tab.call("(root) => globalThis.inos.share(root)", root))

    def fetch(self, link: str, timeout_s: float = BIG_TIMEOUT_S) -> dict[str, Any]:
        """Fetch a link into this vault."""
        answer = self.tab.call("(link) => globalThis.inos.fetch(link)", link, timeout_s=timeout_s)
        assert isinstance(answer, dict)
        return answer

    def begin_fetch(self, link: str) -> Job:
        """Start a fetch; it notes each progress event."""
        return self.tab.begin("(link, note) => globalThis.inos.fetch(link, { onProgress: note })", link)

    def wait_for_part(self, job: Job, part: float) -> None:
        """Until a fetch has this part of its bytes."""
        enough = "(job, part) => lab.jobs.get(job).notes.some(({ bytes, total }) => total > 0 && bytes >= part * total)"
        try:
            self.tab.wait_for(f"{part:.0%} have arrived", enough, job.number, part, timeout_s=60)
        except TimeoutError as error:
            last = self.tab.call("(job) => lab.jobs.get(job).notes.at(-1)", job.number)
            raise TimeoutError(f"{error}; it came to {last}; peers: {self.peers()}") from None

    def assert_holds(self, root: str, data: Data, sha256: str) -> None:
        """It must have this root, byte for byte."""
        assert self.hash_of(root) == (data.length, sha256)

    def list(self) -> list[dict[str, Any]]:
        """What the vault lists, newest first."""
        return list(self.tab.call("() => globalThis.inos.list()"))

    def peers(self) -> list[dict[str, Any]]:
        """Who is connected."""
        return list(self.tab.call("() => globalThis.inos.peers()"))

    def error_code(self, script: str, *arguments: Any) -> str:
        """The code of the error that a script must throw."""
        try:
            self.tab.call(script, *arguments)
        except PageError as error:
            return error.code
        raise AssertionError(f"no error was thrown by {script}")

    def reload(self) -> None:
        """Open the same page anew and wait until its node is ready."""
        self.tab.goto(str(self.tab.call("() => location.href.split('#')[0]")))  # another hash alone loads nothing
        self.wait_ready()

    def open_view(self, name: str) -> None:
        """Go to one of the page's views, by its navigation."""
        self.tab.click(f".nav [data-view={name}]")
        self.tab.wait_for(f"{name} is open", "(id) => !document.getElementById(id).hidden", f"view-{name}")


def open_node(browser: Browser, server: Server, path: str = "", *, ready: bool = True) -> NodeTab:
    """Open INOS in a new tab."""
    node = NodeTab(browser.tab(server.url + path), browser)
    if ready:
        node.wait_ready()
    return node
