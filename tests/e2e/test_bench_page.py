"""The bench page: rows run in the visitor's browser, a stop keeps what was finished, and nobody's vault is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from axe import serious_problems
from chromium import ChromiumTab
from node import KIB, Data, open_node
from server import Server
from tab import Browser, Tab

from conftest import BROWSERS, Start

SHORT, LONG = "sab.pointer.js", "sustained.10"
NEEDS_NODE = "boot.worker"  # takes seconds, in which the node is there
STATE = "(id) => document.querySelector(`[data-row='${id}']`).dataset.state"
RUNNING = "() => document.querySelector('#bench').dataset.running === 'true'"
RESTING = "() => document.querySelector('#bench').dataset.running === undefined"
FOLDERS = """
async () => {
  const names = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
  return names.sort();
}
"""
# What the node that rows get holds and sees, told while it is there.
IN_ITS_NODE = """
async () => {
  await globalThis.inos.put(new Uint8Array(70_000).fill(7), { name: "measured.bin" });
  const locks = (await navigator.locks.query()).held.map(({ name }) => name);
  return { names: (await globalThis.inos.list()).map(({ name }) => name), locks: locks.filter(isVault) };
  function isVault(name) { return ["inos-vault", "inos-bench"].includes(name); }
}
"""


def open_bench(browser: Browser, server: Server) -> Tab:
    tab = browser.tab(f"{server.url}bench.html")
    wait_for_rows(tab)
    return tab


def wait_for_rows(tab: Tab) -> None:
    """The page asks the browser for what it can do before it offers anything: later than its load event."""
    tab.wait_for("rows are offered", "() => document.querySelector('[name=bench-mode]')")


def choose(tab: Tab, *rows: str) -> None:
    tab.click("[name=bench-mode][value=chosen]")
    for row in rows:
        tab.click(f"[data-row='{row}'] input[type=checkbox]")


def wait_for_state(tab: Tab, row: str, state: str, timeout_s: float = 60) -> None:
    tab.wait_for(f"{row} is {state}", f"(id, state) => ({STATE})(id) === state", row, state, timeout_s=timeout_s)


def shown_value(tab: Tab, row: str) -> str:
    return tab.text(f"[data-row='{row}'] [data-role=value]")


@pytest.mark.parametrize("name", BROWSERS)
def test_a_row_is_measured_and_survives_a_reload(start: Start, server: Server, name: str) -> None:
    tab = open_bench(start(name), server)
    choose(tab, SHORT)
    tab.click("[data-action=start]")
    wait_for_state(tab, SHORT, "done")
    tab.wait_for("the run is over", RESTING)
    value, unit = shown_value(tab, SHORT).split()
    assert float(value.replace(",", "")) > 0
    assert unit == "ns"
    assert tab.text(f"[data-row='{SHORT}'] [data-goal]").startswith("Goal met")
    assert tab.text(f"[data-result='{SHORT}']").count(f"{value} ns") == 1
    assert "1 row" in tab.text("#bench-said")

    tab.goto(f"{server.url}bench.html?again")
    wait_for_rows(tab)
    wait_for_state(tab, SHORT, "done")
    assert shown_value(tab, SHORT) == f"{value} ns"
    tab.click("[data-action=forget]")
    wait_for_state(tab, SHORT, "idle")
    tab.goto(f"{server.url}bench.html")
    wait_for_rows(tab)
    wait_for_state(tab, SHORT, "idle")
    assert tab.call("() => document.querySelector('#results').hidden")


@pytest.mark.parametrize("name", BROWSERS)
def test_a_stop_keeps_what_was_finished(start: Start, server: Server, name: str) -> None:
    tab = open_bench(start(name), server)
    choose(tab, SHORT, LONG)
    tab.click("[data-action=start]")
    wait_for_state(tab, SHORT, "done")
    wait_for_state(tab, LONG, "running")
    tab.click("[data-action=start]")
    tab.wait_for("it has stopped", RESTING, timeout_s=20)
    assert tab.text("#bench-said").startswith("Stopped")
    assert tab.call(STATE, SHORT) == "done"
    assert tab.call(STATE, LONG) == "idle"
    assert tab.call("() => document.querySelectorAll('[data-result]').length") == 1


@pytest.mark.parametrize("name", BROWSERS)
def test_a_stop_while_the_node_starts_leaves_nothing(start: Start, server: Server, name: str) -> None:
    tab = open_bench(start(name), server)
    choose(tab, NEEDS_NODE)
    tab.click("[data-action=start]")
    tab.wait_for("the node starts", "() => globalThis.inos !== undefined")
    tab.click("[data-action=start]")
    tab.wait_for("it has stopped", RESTING, timeout_s=20)
    assert tab.text("#bench-said").startswith("Stopped")
    assert "inos-bench" not in tab.call(FOLDERS)
    assert tab.call("() => globalThis.inos === undefined")


def test_only_one_tab_measures(start: Start, server: Server) -> None:
    browser = start("chromium")
    first, second = open_bench(browser, server), open_bench(browser, server)
    choose(first, LONG)
    first.click("[data-action=start]")
    first.wait_for("it runs", RUNNING)
    choose(second, SHORT)
    second.click("[data-action=start]")
    second.wait_for(
        "it is refused", "() => document.querySelector('#bench-said').textContent.startsWith('Another tab')"
    )
    assert second.call(STATE, SHORT) == "idle"
    first.click("[data-action=start]")
    first.wait_for("it has stopped", RESTING, timeout_s=20)
    second.click("[data-action=start]")
    wait_for_state(second, SHORT, "done")


@pytest.mark.parametrize("name", BROWSERS)
def test_the_visitors_vault_is_not_touched(start: Start, server: Server, name: str) -> None:
    browser = start(name)
    console = open_node(browser, server)
    mine = console.put(Data("text", 200 * KIB, seed=3), "mine.txt")
    bench = open_bench(browser, server)
    choose(bench, NEEDS_NODE)
    bench.click("[data-action=start]")
    bench.wait_for("its node is ready", "() => globalThis.inos?.state().phase === 'ready'", timeout_s=60)
    found = bench.call(IN_ITS_NODE)
    assert found["names"] == ["measured.bin"]
    assert sorted(found["locks"]) == ["inos-bench", "inos-vault"]
    assert bench.call("() => !document.querySelector('#bench-notice').hidden"), "an open console is told of"
    bench.click("[data-action=start]")
    bench.wait_for("it has stopped", RESTING, timeout_s=60)
    assert "inos-bench" not in bench.call(FOLDERS)
    assert bench.call("() => globalThis.inos === undefined")
    assert console.tab.call("() => globalThis.inos.state().phase") == "ready"
    assert [row["name"] for row in console.list()] == ["mine.txt"]
    assert console.hash_of(mine["root"]) == (200 * KIB, mine["sha256"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_a_phone_shows_all(start: Start, server: Server, scheme: Any) -> None:
    browser = start("chromium", color_scheme=scheme, reduced_motion="reduce", viewport={"width": 390, "height": 800})
    tab = open_bench(browser, server)
    assert isinstance(tab, ChromiumTab)
    assert serious_problems(tab) == []
    choose(tab, SHORT, LONG)
    tab.click("[data-action=start]")
    wait_for_state(tab, SHORT, "done")
    wait_for_state(tab, LONG, "running")
    assert serious_problems(tab) == []
    tab.click("[data-action=start]")
    tab.wait_for("it has stopped", RESTING, timeout_s=20)
    tab.click(f"[data-row='{SHORT}'] summary")
    assert serious_problems(tab) == []
    assert tab.call("() => document.documentElement.scrollWidth") <= 390


def test_it_is_run_by_keyboard_and_its_results_are_saved(start: Start, server: Server) -> None:
    tab = open_bench(start("chromium"), server)
    assert isinstance(tab, ChromiumTab)
    page = tab.page
    page.focus("[name=bench-mode]:checked")
    tab.press("ArrowLeft", "Tab")  # round to the last choice, then to the button
    assert page.evaluate("() => document.activeElement.matches('[data-action=start]')")
    tab.press("Enter")
    tab.wait_for("it asks for a choice", "() => document.querySelector('#bench-said').textContent.startsWith('Tick')")
    page.focus(f"[data-row='{SHORT}'] input")
    tab.press(" ")
    page.focus("[data-action=start]")
    tab.press("Enter")
    wait_for_state(tab, SHORT, "done")
    tab.wait_for("the run is over", RESTING)
    with page.expect_download() as download:
        page.click("[data-action=save-json]")
    assert download.value.suggested_filename == "inos-bench.json"
    saved = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert [row["id"] for row in saved["rows"]] == [SHORT]
    assert saved["rows"][0]["value"] > 0
    assert saved["machine"]["cores"] > 0


def test_the_console_leads_here_and_back(start: Start, server: Server) -> None:
    node = open_node(start("chromium"), server)
    assert isinstance(node.tab, ChromiumTab)
    page = node.tab.page
    page.click("text=Measure")
    page.wait_for_url("**/bench.html")
    page.click(".nav >> text=Files")
    page.wait_for_url(server.url)
    node.wait_ready()
