"""Going through the page: views and their addresses, links, keys, first steps, settings that stay, nothing that jumps."""

from __future__ import annotations

from chromium import Chromium
from node import Data, NodeTab, open_node
from playwright.sync_api import Page
from scenes import page_of
from server import Server

from conftest import Start

OPEN = "() => [...document.querySelectorAll('main > .view:not([hidden])')].map(({ id }) => id).join()"
FOCUSED = "() => document.activeElement.id"
THEME = "() => document.documentElement.dataset.theme ?? 'system'"
# What moved by itself, as Chromium reckons it: the part of the window that moved times how far; without what follows on a click.
WATCH_SHIFTS = """
globalThis.shifts = [];
const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join();
const told = ({ node, previousRect, currentRect }) =>
  `${node?.id || node?.className || node?.nodeName}: ${place(previousRect)} to ${place(currentRect)}`;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput) shifts.push([value, ...sources.map(told)]);
}).observe({ type: "layout-shift", buffered: true });
"""
SHIFT_MAX = 0.02


def wait_view(node: NodeTab, name: str) -> None:
    node.tab.wait_for(f"{name} is open", f"(id) => ({OPEN})() === id", f"view-{name}")


def test_views_have_addresses_and_a_way_back(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    page = page_of(node)
    root = node.put(Data("text", 4_000), "walk.txt")["root"]
    wait_view(node, "files")
    node.open_view("mesh")
    assert page.url == f"{server.url}#/mesh"
    assert page.title() == "INOS · Mesh"
    assert node.tab.call(FOCUSED) == "mesh-heading"
    assert page.locator(".nav [aria-current]").all_inner_texts() == ["Mesh"]
    node.open_view("settings")
    page.go_back()
    wait_view(node, "mesh")
    page.go_back()
    wait_view(node, "files")
    assert page.url == server.url
    page.go_forward()
    wait_view(node, "mesh")

    # a link that is typed into the address opens where files are, and is in no entry of the history
    node.tab.call("(link) => { location.hash = new URL(link).hash; }", node.share(root))
    node.tab.wait_for("it is here", "() => document.querySelector('#link-view[data-stage=done]')")
    wait_view(node, "files")
    assert page.url == server.url
    page.go_back()
    wait_view(node, "mesh")
    page.go_forward()
    wait_view(node, "files")
    assert page.url == server.url

    # the view in the address is the one that a load opens; one that is none is as none
    page.goto("about:blank")
    page.goto(f"{server.url}#/settings")
    node.wait_ready()
    wait_view(node, "settings")
    page.goto("about:blank")
    page.goto(f"{server.url}#/nowhere")
    wait_view(node, "files")
    assert page.url == server.url
    assert page.locator("#drop").is_visible()


def test_a_view_that_does_not_load_leaves_the_page_as_it_is(start: Start, server: Server) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    browser.context.route("**/ui/python/view.js", lambda route: route.abort())
    node = open_node(browser, server, "#/python")
    node.tab.allow_problems(r"ERR_FAILED")
    page = page_of(node)
    page.locator("#errors [data-code]").wait_for()
    assert page.url == server.url
    assert page.locator("#drop").is_visible()


def test_keys_and_first_steps(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    page = page_of(node)
    states = "() => [...document.querySelectorAll('#tour [data-step]')].map(({ dataset }) => dataset.state).join()"
    assert node.tab.call(states) == "next,later,later"
    choose = {"name": "first.txt", "mimeType": "text/plain", "buffer": b"first"}
    page.on("filechooser", lambda chooser: chooser.set_files(choose))  # type: ignore[arg-type]
    node.tab.call("() => globalThis.inos.list()")  # by now choosers are caught
    page.keyboard.press("n")
    node.tab.wait_for("one step is done", f"() => ({states})() === 'done,next,later'")
    page.click("[data-action=tour-share]")
    page.locator("#share-link").wait_for()
    page.keyboard.press("m")  # with a dialog open it is no key of ours
    page.keyboard.press("Escape")
    wait_view(node, "files")
    assert node.tab.call(states) == "done,done,next"
    page.keyboard.press("m")
    wait_view(node, "mesh")
    page.keyboard.press("s")
    wait_view(node, "settings")
    page.fill("#set-rendezvous", "fmsn?")
    wait_view(node, "settings")
    page.keyboard.press("Tab")
    node.tab.wait_for("it is refused", "() => document.querySelector('#set-rendezvous-told').textContent")
    page.click("#settings-heading")
    page.keyboard.press("?")
    page.locator("#keys-dialog kbd").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    wait_view(node, "files")
    assert not page.locator("#tour").is_visible(), "all three are done"
    node.open_view("settings")
    page.uncheck("#shortcuts")
    page.locator("#shortcuts").blur()
    page.keyboard.press("f")
    wait_view(node, "settings")
    page.click("[data-action=tour-again]")
    wait_view(node, "files")
    assert page.locator("#tour").is_visible()
    page.click("[data-action=tour-skip]")
    node.reload()
    assert not page.locator("#tour").is_visible(), "it stays away"


def shifts(page: Page) -> tuple[float, list[object]]:
    seen = page.evaluate("() => globalThis.shifts")
    return sum(value for value, *_ in seen), sorted(seen, reverse=True)[:3]


def test_settings_stay_and_nothing_jumps(start: Start, server: Server) -> None:
    browser = start("chromium")
    assert isinstance(browser, Chromium)
    browser.context.add_init_script(WATCH_SHIFTS)
    node = open_node(browser, server)
    page = page_of(node)
    assert shifts(page)[0] < SHIFT_MAX, shifts(page)
    node.put(Data("text", 4_000), "seen.txt")
    node.tab.wait_for("it is listed", "() => document.querySelector('#files [data-root]')")

    node.open_view("settings")
    page.check("input[name=appearance][value=dark]", force=True)
    assert node.tab.call(THEME) == "dark"
    page.select_option("#set-muscles", "2")
    page.fill("#set-ice", "stun:stun.example.org:3478")
    page.keyboard.press("Tab")
    assert page.locator("#settings-machine [data-action=reload]").is_visible()
    page.focus("#copies")
    page.select_option("#copies", "2")
    copies = "async () => (await globalThis.inos.mesh()).replicas.wanted === 2"
    node.tab.wait_for("two copies of each are wanted", copies)
    node.tab.wait_for("it is said", "() => document.querySelector('#note').textContent.includes('2 copies')")
    assert node.tab.call(FOCUSED) == "copies", "the keyboard stays where it was"
    themes = f"""
      new MutationObserver((_, observer) => {{
        if (!document.body) return;
        globalThis.themeAtFirst = ({THEME})();
        observer.disconnect();
      }}).observe(document, {{ childList: true, subtree: true }});
    """
    browser.context.add_init_script(themes)
    for view in ("files", "mesh", "settings"):
        page.goto("about:blank")
        page.goto(f"{server.url}#/{view}")
        node.wait_ready()
        wait_view(node, view)
        assert node.tab.call("() => globalThis.themeAtFirst") == "dark", "before there was anything to see"
        node.tab.wait_for("it knows its peers", "async () => (await globalThis.inos.mesh()) !== null")
        for other in ("mesh", "settings", "files"):
            node.open_view(other)
        total, seen = shifts(page)
        assert total < SHIFT_MAX, (view, seen)
    assert page.input_value("#set-muscles") == "2"
    assert page.input_value("#set-ice") == "stun:stun.example.org:3478"
    node.tab.wait_for("it is kept in the vault", copies)
