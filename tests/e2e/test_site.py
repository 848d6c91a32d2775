"""The site without its server: offline after one visit, new builds, and a host that knows nothing of isolation."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh import MeshNode, invite, wait_whole
from node import KIB, MIB, Data, NodeTab, open_node
from plain_host import PlainHost
from server import ROOT, Server
from tab import Browser, Tab

from conftest import BROWSERS, Start

KEPT = "() => document.querySelector('#offline-state').dataset.state === 'kept'"
CACHES = "async () => (await caches.keys()).filter((name) => name.startsWith('inos-site')).length"
OLD_TEXT, NEW_TEXT = "Your files, sealed in this browser", "A newer build, sealed in this browser"
# A module that the page loads late, and the words that differ between the builds.
LOOK = """
async () => {
  const words = new URL("web/page/words/en.js", document.baseURI);
  const response = await fetch(words).catch(() => null);  // a page that is being left
  return (await response?.text())?.includes("A newer build") ?? null;
}
"""
UPDATE = "async () => { await (await navigator.serviceWorker.getRegistration()).update(); }"
# What a put holds while it runs; `window.ends` has what ends each.
BEGIN_WORK = """
async () => {
  const { whileBusy } = await import(new URL("web/page/service_worker.js", document.baseURI));
  void whileBusy(() => new Promise((resolve) => (window.ends ??= []).push(resolve)));
}
"""
WORKS = """
async (count) => {
  const { held } = await navigator.locks.query();
  return held.filter(({ name }) => name.startsWith("inos-busy")).length === count;
}
"""
SOUND_BYTES = 48 * MIB  # 520 s and more of 16-bit mono, nearly silent
PUT_SOUND = """
async () => {
  const rate = 44_100, samples = 24 * 1024 * 1024 - 22;
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((one, n) => view.setUint8(at + n, one.charCodeAt(0)));
  text(0, "RIFF"), view.setUint32(4, 36 + 2 * samples, true), text(8, "WAVEfmt "), view.setUint32(16, 16, true);
  view.setUint16(20, 1, true), view.setUint16(22, 1, true), view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true), view.setUint16(32, 2, true), view.setUint16(34, 16, true);
  text(36, "data"), view.setUint32(40, 2 * samples, true);
  await globalThis.inos.put(new Blob([view, new Uint8Array(2 * samples)], { type: "audio/wav" }), { name: "long.wav" });
}
"""
SEEK = """
async () => {
  const node = globalThis.inos, read = node.readRange.bind(node);
  window.readBytes = 0;
  node.readRange = (...given) => { window.readBytes += given[2]; return read(...given); };
  const player = document.querySelector(".preview-audio");
  const there = new Promise((resolve) => player.addEventListener("seeked", resolve, { once: true }));
  player.currentTime = player.duration - 5;
  await there;
  return player.currentTime;
}
"""
TEXT = Data("text", 300 * KIB, 5)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `npm run build` makes it."""
    return build(ROOT, tmp_path_factory.mktemp("site") / "first")


def build(checkout: Path, out: Path, *more: str) -> Path:
    script = checkout / ".ci" / "build_site.py"
    subprocess.run([sys.executable, str(script), "--out", str(out), *more], check=True, capture_output=True, text=True)
    return out


@pytest.fixture
def host(site: Path) -> Iterator[PlainHost]:
    """A host in whose folder /inos/ the site lies, without any headers."""
    made = PlainHost(site, "/inos/")
    yield made
    made.close()


def open_page(browser: Browser, url: str) -> NodeTab:
    node = NodeTab(browser.tab(url), browser)
    node.tab.wait_for("the page was loaded once more", "() => Boolean(globalThis.inos)", timeout_s=60)
    node.wait_ready()
    return node


def wait_kept(tab: Tab) -> None:
    tab.wait_for("the site is kept", KEPT, timeout_s=60)


@pytest.mark.parametrize("name", BROWSERS)
def test_after_one_visit_the_server_may_go(name: str, start: Start, own_server: Server) -> None:
    node = open_node(start(name), own_server)
    done = node.put(TEXT, "before.txt")
    wait_kept(node.tab)
    own_server.kill()
    node.tab.allow_problems(r"rendezvous")  # the browser says that the meeting server is away
    node.reload()
    assert [entry["name"] for entry in node.list()] == ["before.txt"]
    node.assert_holds(done["root"], TEXT, done["sha256"])
    new = node.put(Data("random", MIB, 6), "after.bin")
    assert node.hash_of(new["root"]) == (MIB, new["sha256"])
    assert node.tab.call(
        "() => [crossOriginIsolated, location.search, navigator.serviceWorker.controller !== null]"
    ) == [
        True,
        "",
        True,
    ]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next build: one module differs."""
    folder = tmp_path_factory.mktemp("newer")
    checkout = folder / "checkout"
    ignored = shutil.ignore_patterns("baselines", "*.br")
    for name in ("static", "web", ".ci", "py"):
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    words = checkout / "web" / "page" / "words" / "en.js"
    text = words.read_text("utf-8")
    assert OLD_TEXT in text
    words.write_text(text.replace(OLD_TEXT, NEW_TEXT), "utf-8")
    site = build(checkout, folder / "site")
    for file in site.rglob("*"):  # the host tells builds apart by whole seconds
        os.utime(file, (time.time() + 60, time.time() + 60))
    return site


@pytest.mark.alone  # Chromium lets the new worker wait for the old one's last answers
@pytest.mark.parametrize("name", BROWSERS)
def test_a_new_build_takes_over_when_asked_and_as_a_whole(
    name: str, start: Start, host: PlainHost, newer: Path
) -> None:
    browser = start(name)
    node = open_page(browser, host.url)
    done = node.put(TEXT, "kept.txt")
    wait_kept(node.tab)
    other = browser.tab(host.url)
    other.wait_for("the vault is elsewhere", "() => globalThis.inos?.state().phase === 'busy-elsewhere'")
    host.folder = newer
    host.forget()
    node.tab.call(UPDATE)
    node.tab.wait_for("the note", "() => !document.querySelector('#update-note').hidden", timeout_s=60)
    assert sorted(host.served) == ["build/site.js", "sw.js", "sw_streams.js", "web/page/words/en.js"], (
        "more was fetched than has changed"
    )
    assert node.tab.call(LOOK) is False
    node.tab.allow_problems(r"intercepted the request")  # Firefox's word for what a page asked for that is being left
    node.tab.call(BEGIN_WORK)
    node.tab.wait_for("work is under way", WORKS, 1)
    node.tab.click("[data-action=update-now]")
    node.tab.call(BEGIN_WORK)
    node.tab.wait_for("work begun after the click is waited for, too", WORKS, 2)
    node.tab.call("() => window.ends[0]()")
    node.tab.wait_for("one is left", WORKS, 1)
    assert node.tab.call("async () => (await navigator.serviceWorker.getRegistration()).waiting !== null")
    node.tab.call("() => { window.isOld = true; window.ends[1](); }")
    # Chromium lets the new worker wait for what the old one still answers, five minutes at most (kMaxLameDuckTime);
    # so this must not be asked by fetching.
    node.tab.wait_for("the page is loaded anew", "() => !window.isOld", timeout_s=330)
    node.tab.wait_for("the new page", LOOK)
    assert other.call(LOOK) is False, "the other tab was given a file of the new build"
    assert node.tab.call(CACHES) == 2
    other.close()
    node.tab.goto(host.url)
    node.wait_ready()
    assert node.list()[0]["name"] == "kept.txt"
    node.assert_holds(done["root"], TEXT, done["sha256"])

    def swept() -> bool:
        node.reload()
        return bool(node.tab.call(CACHES) == 1)

    assert any(swept() for _ in range(10)), "the old build is still kept"


def test_a_build_that_does_not_arrive_whole_is_not_used(
    start: Start, host: PlainHost, newer: Path, tmp_path: Path
) -> None:
    node = open_page(start("chromium"), host.url)
    wait_kept(node.tab)
    torn = tmp_path / "torn"
    shutil.copytree(newer, torn)
    (torn / "web" / "page" / "words" / "en.js").write_text("export const words = {};\n", "utf-8")
    host.folder = torn
    node.tab.allow_problems(r"ServiceWorker|en\.js")
    redundant = """
    async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      const found = new Promise((resolve) => registration.addEventListener("updatefound", resolve, { once: true }));
      await registration.update().catch(() => {});
      await found;
      const coming = registration.installing;
      while (coming && coming.state !== "redundant") {
        await new Promise((resolve) => coming.addEventListener("statechange", resolve, { once: true }));
      }
      return registration.waiting === null;
    }
    """
    assert node.tab.call(redundant) is True
    node.reload()
    assert node.tab.call("() => document.querySelector('#update-note').hidden") is True
    assert node.tab.call(LOOK) is False


@pytest.mark.parametrize("name", BROWSERS)
def test_sound_is_played_from_where_one_wants_and_no_more_is_read(name: str, start: Start, server: Server) -> None:
    node = open_node(start(name), server)
    # Firefox's word for a player that hangs up on a range because it was told to go elsewhere
    node.tab.allow_problems(r"intercepted the request and encountered an unexpected error")
    node.tab.call(PUT_SOUND)
    wait_kept(node.tab)
    node.reload()  # a page that the service worker stands before
    node.tab.wait_for("it is listed", "() => document.querySelector('#files [data-root] [data-action=open]')")
    node.tab.click("#files [data-root] [data-action=open]")
    node.tab.wait_for("its length is known", "() => document.querySelector('.preview-audio')?.duration > 500")
    at_s = node.tab.call(SEEK)
    assert at_s > 500
    read = node.tab.call("() => window.readBytes")
    assert 0 < read < SOUND_BYTES / 2, "half of the file was read to hear its end"


def test_a_host_without_headers_and_nobody_to_meet_at(start: Start, host: PlainHost) -> None:
    one, two = (MeshNode(open_page(start(name), host.url).tab, start) for name in BROWSERS)
    for node in (one, two):
        assert node.tab.call("() => crossOriginIsolated") is True
        node.open_view("mesh")
        assert node.tab.text("#meet-about").startswith("No meeting server is set up here")
    twice = [path for path, times in host.served.items() if times > 2]
    assert twice == [], "fetched more than once by a browser"
    one.record()
    two.record()
    invite(one, two)
    wait_whole([one, two])
    done = one.put(TEXT, "by hand.txt")
    link = one.share(done["root"])
    assert link.startswith(f"{host.url}#inos")
    fetched = two.fetch(link)
    assert fetched["name"] == "by hand.txt"
    two.assert_holds(fetched["root"], TEXT, done["sha256"])


def test_a_static_site_with_a_meeting_server_of_its_own(start: Start, tmp_path: Path) -> None:
    """web/HOWTO.md: the pages of one origin meet at the server of another, which was told of them."""
    with contextlib.closing(PlainHost(tmp_path / "site")) as host, contextlib.ExitStack() as stack:
        meeting = Server(tmp_path / "server.txt", arguments=["--meet-for", host.url])
        stack.callback(meeting.kill)
        build(ROOT, host.folder, "--rendezvous", f"ws{meeting.url.removeprefix('http')}rendezvous")
        one, two = (open_page(start("chromium"), host.url) for _ in range(2))
        done = one.put(TEXT, "met.txt")
        fetched = two.fetch(one.share(done["root"]))
        two.assert_holds(fetched["root"], TEXT, done["sha256"])
        for node in (one, two):
            node.tab.allow_problems(r"rendezvous")  # both servers go before the browsers do
