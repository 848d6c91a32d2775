"""What a browser or a server may lack: a clear message, nothing lost, and work again once it is there."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from chromium import Chromium, ChromiumTab
from node import MIB, Data, NodeTab, open_node
from playwright.sync_api import Route
from server import ROOT, Server

from conftest import BROWSERS, Start

PROBLEM = """
() => {
  const card = document.querySelector("#errors [data-code]");
  return card && { code: card.dataset.code, text: card.innerText, phase: document.querySelector("#state").dataset.phase };
}
"""
PHASE = "(phase) => document.querySelector('#state')?.dataset.phase === phase"


def problem(node: NodeTab) -> dict[str, Any]:
    """The card that the page shows."""
    return dict(node.tab.wait_for("the page says what is wrong", PROBLEM))


def test_a_full_disk_loses_nothing(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    assert isinstance(node.tab, ChromiumTab)
    kept = node.put(Data("random", 2 * MIB, seed=1), "kept.bin")
    session = node.tab.page.context.new_cdp_session(node.tab.page)
    origin = node.tab.call("() => location.origin")
    used = node.tab.call("async () => (await navigator.storage.estimate()).usage")
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": used + 6 * MIB})

    too_much = {"kind": "random", "seed": 2, "length": 48 * MIB}
    assert node.error_code("(data) => lab.put(data, 'too much.bin')", too_much) == "StorageFull"
    node.tab.page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([lab.make({ kind: "random", seed: 3, length: 48 << 20 })], "too much as well.bin"));
          document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }"""
    )
    failed = "() => document.querySelector('#work-list [data-status=failed][data-code=StorageFull]')?.innerText"
    assert "no room" in node.tab.wait_for("the page says that it is full", failed)
    assert node.hash_of(kept["root"]) == (2 * MIB, kept["sha256"])
    offers = "() => document.querySelector('#almost-full [data-root]')?.innerText.includes('kept.bin')"
    node.tab.wait_for("the page offers what may go, and takes nothing", offers)

    session.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    later = node.put(Data("random", 12 * MIB, seed=4), "later.bin")
    node.reload()
    assert {row["root"] for row in node.list()} == {kept["root"], later["root"]}
    for done in (kept, later):
        assert node.hash_of(done["root"]) == (done["bytes"], done["sha256"])


class PlainHandler(SimpleHTTPRequestHandler):
    """The same files without any of our headers."""

    extensions_map: ClassVar[dict[str, str]] = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
    }

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].partition("#")[0]
        name = "/index.html" if name == "/" else name
        folder = ROOT if name.startswith("/web/") else ROOT / "static"
        return str(folder / name.lstrip("/"))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def plain_url() -> Iterator[str]:
    """A server that knows nothing of isolation."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(PlainHandler)) as plain:
        thread = threading.Thread(target=plain.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{plain.server_port}/"
        plain.shutdown()
        thread.join()


@pytest.mark.parametrize("name", BROWSERS)
def test_missing_isolation_headers_are_named(start: Start, plain_url: str, name: str) -> None:
    browser = start(name)
    told = problem(NodeTab(browser.tab(plain_url), browser))
    assert (told["code"], told["phase"]) == ("NotIsolated", "failed")
    assert "Cross-Origin-Opener-Policy: same-origin" in told["text"]
    assert "Cross-Origin-Embedder-Policy: require-corp" in told["text"]


def test_a_second_tab_takes_the_vault_over(start: Start, server: Server) -> None:
    browser = start("chromium")
    first = open_node(browser, server)
    done = first.put(Data("text", 2 * MIB), "kept.txt")
    second = open_node(browser, server, ready=False)
    told = problem(second)
    assert told["code"] == "StorageBusy"
    second.tab.click("#errors [data-action=take-over]")
    second.wait_ready()
    assert second.hash_of(done["root"]) == (2 * MIB, done["sha256"])
    first.tab.wait_for("the first tab says so", PHASE, "busy-elsewhere")
    assert problem(first)["code"] == "StorageBusy"
    late = second.put(Data("text", MIB, seed=5), "late.txt")

    first.tab.click("#errors [data-action=take-over]")
    first.tab.wait_for("it is ready again", PHASE, "ready")
    first.wait_ready()
    for there in (done, late):
        assert first.hash_of(there["root"]) == (there["bytes"], there["sha256"])


HANG = """
() => setTimeout(() => {
  const until = performance.now() + 10_000;
  while (performance.now() < until);
})
"""


def test_the_vault_is_taken_from_a_tab_that_hangs(start: Start, server: Server) -> None:
    """It answers nobody, so its lock is stolen; when it wakes up it must not write a byte."""
    browser = start("chromium")
    first = open_node(browser, server)
    kept = first.put(Data("text", 2 * MIB), "kept.txt")
    second = open_node(browser, server, ready=False)
    assert problem(second)["code"] == "StorageBusy"
    first.tab.call(HANG)
    second.tab.click("#errors [data-action=take-over]")
    second.wait_ready()
    late = second.put(Data("text", MIB, seed=5), "late.txt")
    first.tab.wait_for("the first tab wakes up and says so", PHASE, "busy-elsewhere")
    refused = first.error_code("(data) => lab.put(data, 'lost.txt')", {"kind": "text", "seed": 6, "length": MIB})
    assert refused in {"StorageBusy", "NotReady"}
    for there in (kept, late):
        assert second.hash_of(there["root"]) == (there["bytes"], there["sha256"])
    second.reload()
    assert {row["root"] for row in second.list()} == {kept["root"], late["root"]}
    assert second.tab.call("() => inos.check('data').then(({ bad, lost }) => [bad, lost])") == [[], []]


MISSING = {
    "shared memory": "delete globalThis.SharedArrayBuffer;",
    "private file system": "delete StorageManager.prototype.getDirectory;",
    "locks": "delete Navigator.prototype.locks;",
    "WebAssembly": "delete globalThis.WebAssembly;",
    "WebRTC": "delete globalThis.RTCPeerConnection;",
    "workers": "delete globalThis.Worker;",
    "Ed25519": """const generate = SubtleCrypto.prototype.generateKey;
        SubtleCrypto.prototype.generateKey = async function (algorithm, ...rest) {
          if ((algorithm.name ?? algorithm) === "Ed25519") throw new DOMException("no", "NotSupportedError");
          return generate.call(this, algorithm, ...rest);
        };""",
}


@pytest.mark.parametrize("what", MISSING)
def test_a_missing_api_is_said_in_words(start: Start, server: Server, what: str) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    browser.context.add_init_script(MISSING[what])
    node = open_node(browser, server, ready=False)
    told = problem(node)
    assert told["phase"] == "failed"
    assert told["code"] == ("WebRtcOff" if what == "WebRTC" else "Unsupported")
    assert "browser" in told["text"].lower()


def put_in_front(browser: Chromium, pattern: str, script: str) -> None:
    def handle(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=f"{script}\n{response.text()}")

    browser.context.route(pattern, handle)


# What exists in workers only: the worker's script, and what is done in front of it.
MISSING_IN_WORKERS = {
    "sync access handles": ("**/worker/io/files.js", "delete FileSystemFileHandle.prototype.createSyncAccessHandle;"),
    "data channels": ("**/worker/net/net.js", "delete globalThis.RTCDataChannel;"),
}


@pytest.mark.parametrize("what", MISSING_IN_WORKERS)
def test_an_api_missing_in_workers_is_said_in_words(start: Start, server: Server, what: str) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    put_in_front(browser, *MISSING_IN_WORKERS[what])
    told = problem(open_node(browser, server, ready=False))
    assert (told["phase"], told["code"]) == ("failed", "Unsupported")
    assert "browser" in told["text"].lower()


def test_without_wait_async_it_works_all_the_same(start: Start, server: Server) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    # in front of a module that every worker loads, since init scripts do not reach workers
    put_in_front(browser, "**/web/shared/epochs.js", "delete Atomics.waitAsync;")
    node = open_node(browser, server)
    done = node.put(Data("text", 6 * MIB), "slow but sure.txt")
    assert node.hash_of(done["root"]) == (6 * MIB, done["sha256"])


# In front of the io worker: what registers a source or a sink arrives half a second after it was sent.
LATE = """
self.addEventListener("message", (event) => {
  if (!["source", "sink"].includes(event.data.type) || event.data.late) return;
  event.stopImmediatePropagation();
  const late = new MessageEvent("message", { data: { ...event.data, late: true } });
  setTimeout(() => self.dispatchEvent(late), 500);
});
"""


def test_sources_and_sinks_that_are_known_late_are_waited_for(start: Start, server: Server) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    put_in_front(browser, "**/web/worker/io/main.js", LATE)
    node = open_node(browser, server)
    assert isinstance(node.tab, ChromiumTab)
    done = node.put(Data("text", 2 * MIB), "late.txt")
    assert node.hash_of(done["root"]) == (2 * MIB, done["sha256"])
    with node.tab.page.expect_download() as download:
        node.tab.call("(root) => globalThis.inos.save(root)", done["root"])
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest() == done["sha256"]
