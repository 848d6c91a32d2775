"""Small devices, and pages that are not looked at: targets for fingers, little memory, a tab that is frozen or hidden."""

from __future__ import annotations

from pathlib import Path

from bare_chromium import BareChromium
from chromium import ARGUMENTS, Chromium
from contexts import Contexts
from mesh import open_mesh_node, wait_whole
from node import MIB, Data, open_node
from playwright.sync_api import Playwright
from scenes import scenes
from server import Server

from conftest import executable

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Mobile Safari/537.36",
}
# What a browser of a small phone may do: shared memory above 64 MiB is refused.
TIGHT = """
const { Memory } = WebAssembly;
globalThis.refusedPages = [];
WebAssembly.Memory = new Proxy(Memory, {
  construct(target, [limits]) {
    if (limits.shared && limits.maximum > 1024) {
      globalThis.refusedPages.push(limits.maximum);
      throw new RangeError("could not allocate memory");
    }
    return new target(limits);
  },
});
"""
# Everything that a finger may aim at and that is too small for it: 44 px, or 24 px for a link in a line of text.
TOO_SMALL = """
() => {
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const targets = top.querySelectorAll("a[href], button, summary, select, textarea, input, [role=button], [tabindex='0']");
  const told = [];
  for (const target of targets) {
    if (!target.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || target.closest(".unseen")) continue;
    if (target.matches(".skip:not(:focus)")) continue;
    const label = ["checkbox", "radio"].includes(target.type) ? target.labels[0] : null;
    const { width, height: shown } = (label ?? target).getBoundingClientRect();
    const { content, position, top: above, bottom: below } = getComputedStyle(label ?? target, "::after");
    const reach = content !== "none" && position === "absolute" ? -parseFloat(above) - parseFloat(below) : 0;
    const height = shown + Math.max(0, reach);
    const least = target.localName === "a" && getComputedStyle(target).display === "inline" ? 24 : 44;
    if (width > 0 && (height < least - 0.5 || width < least - 0.5)) {
      const name = (target.ariaLabel || target.textContent || target.id || target.type).trim().slice(0, 30);
      told.push(`${target.localName}.${target.className}#${target.id} “${name}”: ${width.toFixed()} x ${height.toFixed()}`);
    }
  }
  return [...new Set(told)];
}
"""
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


def test_every_view_on_a_small_phone(playwright: Playwright, server: Server, tmp_path: Path) -> None:
    browser = Chromium(playwright, executable("chromium"), tmp_path / "profile", **PHONE)
    try:
        browser.context.add_init_script(TIGHT)
        node = open_node(browser, server)
        assert node.tab.call("() => globalThis.refusedPages") == [2048], "a phone begins with 128 MiB"
        assert node.tab.call("() => inos.metrics().muscles") <= 2
        data = Data("random", 24 * MIB, seed=3)
        done = node.put(data, "large for it.bin")
        node.assert_holds(done["root"], data, done["sha256"])
        node.tab.call("(root) => inos.remove(root)", done["root"])
        found: dict[str, list[str]] = {}
        for scene in scenes(node):
            if small := node.tab.call(TOO_SMALL):
                found[scene] = small
            if node.tab.call(TOO_WIDE):
                found[f"{scene} is too wide"] = []
        print("\n".join(f"{scene}: {line}" for scene, lines in found.items() for line in lines))
        assert not found

        kept = {"memoryMiB": 64, "muscles": 1}
        node.tab.call("(kept) => localStorage.setItem('inos.settings', JSON.stringify(kept))", kept)
        node.tab.goto(server.url)
        node.wait_ready()
        took = node.tab.call("() => [refusedPages.length, inos.metrics().memoryBytes, inos.metrics().muscles]")
        assert took == [0, 64 * MIB, 1], "what was set here counts"
        assert browser.problems() == []
    finally:
        browser.close()


# Both states as a browser gives them; `hidden` cannot be had without a window.
HIDE = """
(state) => {
  const hidden = state === "hidden";
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
STATE_OF = "async (id, state) => (await inos.room()).members.some((one) => one.id === id && one.state === state)"


def test_a_hidden_page_is_given_time(contexts: Contexts, server: Server) -> None:
    """Its timers are slowed down by the browser; others are told, and do not take it for gone."""
    looked_at, hidden = (open_mesh_node(contexts, server) for _ in range(2))
    wait_whole([looked_at, hidden])
    hidden.tab.call(HIDE, "hidden")
    looked_at.tab.wait_for("the other is told", STATE_OF, hidden.id, "hidden")
    hidden.tab.call(HIDE, "visible")
    looked_at.tab.wait_for("it is back", STATE_OF, hidden.id, "shown")


PHASE_IS = "globalThis.inos?.state().phase === '{}'"
PUT = "inos.put(new Blob(['{}']), {{ name: '{}.txt' }}).then(({{ root }}) => root)"
NAMES = "inos.list().then((rows) => rows.map(({ name }) => name).sort())"


def test_a_frozen_tab_gives_the_vault_to_another(server: Server, tmp_path: Path) -> None:
    """A browser freezes workers with their page, whatever they hold: what they hold must be free by then."""
    browser = BareChromium(executable("chromium"), tmp_path / "profile", *ARGUMENTS, "--no-sandbox")
    try:
        first = browser.tab(server.url)
        first.wait_for("the first is ready", PHASE_IS.format("ready"))
        first.call(PUT.format("one", "one"))
        elsewhere = browser.tab(f"{server.url}icons/inos.svg")
        first.wait_for("it is hidden", "document.hidden")
        first.freeze(frozen=True)
        second = browser.tab(server.url)
        second.wait_for("the second has the vault, unasked", PHASE_IS.format("ready"))
        assert second.call(NAMES) == ["one.txt"]
        second.call(PUT.format("two", "two"))

        first.freeze(frozen=False)
        first.wait_for("it begins anew, and waits", PHASE_IS.format("busy-elsewhere"))
        second.close()
        elsewhere.front()
        first.front()
        first.call("inos.takeOver()")
        first.wait_for("it is ready again", PHASE_IS.format("ready"))
        assert first.call(NAMES) == ["one.txt", "two.txt"]
    finally:
        browser.close()
