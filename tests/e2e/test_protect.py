"""A vault that asks: locked after each load, opened by the passphrase or the passkey only, its data never rewritten for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from axe import serious_problems
from chromium import ChromiumTab
from node import KIB, MIB, Data, NodeTab, open_node
from server import Server

from conftest import BROWSERS, Start

SEGMENTS = """async () => {
  const found = {};
  const visit = async (folder, path) => {
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === "directory") await visit(handle, `${path}${name}/`);
      else if (name.startsWith("seg")) {
        const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
        if (bytes.length > 0) found[path + name] = await lab.sha256(bytes);
      }
    }
  };
  await visit(await navigator.storage.getDirectory(), "");
  return found;
}"""
LOCKED = "() => !document.body?.dataset.before && globalThis.inos?.state().phase === 'locked'"


def wait_locked(node: NodeTab) -> None:
    node.tab.wait_for("the page is there anew, and locked", LOCKED, timeout_s=60)


def load(node: NodeTab) -> None:
    """Load the page anew, where it begins locked."""
    node.tab.goto(str(node.tab.call("() => location.href.split('#')[0]")))
    wait_locked(node)


def type_in(node: NodeTab, selector: str, text: str) -> None:
    """Type what a person types, over what is there."""
    node.tab.call(
        "(selector) => { const field = document.querySelector(selector); field.focus(); field.select(); }", selector
    )
    node.tab.press(*text)


def check_access(node: NodeTab) -> None:
    """Where axe can run."""
    if isinstance(node.tab, ChromiumTab):
        assert serious_problems(node.tab) == []


def unlock(node: NodeTab, passphrase: str) -> None:
    node.tab.call("(passphrase) => globalThis.inos.unlock({ passphrase })", passphrase)


@pytest.mark.parametrize("name", BROWSERS)
def test_a_passphrase(start: Start, server: Server, name: str) -> None:
    node = open_node(start(name), server)
    tab = node.tab
    data = Data("random", 3 * MIB)
    done = node.put(data, "secret.bin")
    segments = tab.call(SEGMENTS)
    assert len(segments) >= 1
    tab.wait_for("protection is shown", "() => document.querySelector('[data-action=passphrase-set]')")
    node.open_view("settings")
    tab.click("[data-action=passphrase-set]")
    check_access(node)
    type_in(node, "#protect-new", "first and long")
    type_in(node, "#protect-again", "first and lonk")
    tab.press("Enter")
    tab.wait_for("they differ", "() => document.querySelector('#protect-told').textContent.includes('not the same')")
    type_in(node, "#protect-again", "first and long")
    began = time.monotonic()
    tab.press("Enter")
    tab.wait_for("it is set", "() => document.querySelector('#ask-always')?.checked")
    print(f"{name}: a passphrase set in {time.monotonic() - began:.2f} s")
    check_access(node)
    load(node)
    assert [slot["kind"] for slot in tab.call("() => globalThis.inos.protection()")["slots"]] == ["passphrase"]
    assert (
        tab.call(
            "() => Promise.race([globalThis.inos.list(), new Promise((done) => setTimeout(done, 300, 'nothing'))])"
        )
        == "nothing"
    )
    for wrong in ("First and long", "x", "first and long "):
        assert node.error_code("(passphrase) => globalThis.inos.unlock({ passphrase })", wrong) == "WrongPassphrase"
    assert node.error_code("() => globalThis.inos.unlock({ passphrase: '' })") == "BadArgument"
    tab.wait_for("the field has the focus", "() => document.activeElement?.id === 'unlock-passphrase'")
    tab.press(*"wrong", "Enter")
    tab.wait_for(
        "refused in words", "() => document.querySelector('#unlock-told').textContent.includes('not the passphrase')"
    )
    check_access(node)
    tab.press(*"first and long", "Enter")
    tab.wait_for("it opens", "() => globalThis.inos.state().phase === 'ready'")
    assert tab.text("#unlock") == ""
    assert node.hash_of(done["root"]) == (data.length, done["sha256"])

    # a link that can be withdrawn, by the page's own controls
    node.open_view("files")
    tab.click("#files [data-action=share]")
    tab.wait_for("a link is shown", "() => document.querySelector('#share-link')?.value.includes('#inos1.')")
    tab.click("#share-revocable")
    tab.wait_for("the other kind", "() => document.querySelector('#share-link').value.includes('#inosv1.')")
    tab.wait_for("it is listed", "() => document.querySelectorAll('#share-links [data-link]').length === 1")
    check_access(node)
    tab.click("#share-links [data-action=revoke]")
    tab.wait_for("it is gone", "() => document.querySelector('#share-links').hidden")
    assert "Withdrawn" in tab.text("#share-dialog")
    tab.click("#share-dialog [data-action=close]")

    change = "(current) => globalThis.inos.setPassphrase('second and longer', { askAlways: true, current })"
    assert node.error_code(change, None) == "UnlockNeeded"
    assert node.error_code(change, {"passphrase": "wrong"}) == "WrongPassphrase"
    tab.call(change, {"passphrase": "first and long"})
    assert tab.call(SEGMENTS) == segments

    # lock while a put runs: what was acknowledged stays, what was not is gone, and nothing of it is in the page
    job = tab.begin(
        "(note) => globalThis.inos.put(lab.make({ kind: 'text', length: 48 * 2 ** 20, seed: 7 }), { onProgress: note })"
    )
    writing = "(number) => lab.jobs.get(number).notes.some(({ bytes }) => bytes > 0)"
    tab.wait_for("the put is under way", writing, job.number, timeout_s=60)
    tab.call("() => { document.body.dataset.before = '1'; void globalThis.inos.lock(); }")
    wait_locked(node)
    assert node.error_code("() => globalThis.inos.unlock({ passphrase: 'first and long' })") == "WrongPassphrase"
    unlock(node, "second and longer")
    assert [row["name"] for row in node.list()] == ["secret.bin"]
    assert node.hash_of(done["root"]) == (data.length, done["sha256"])
    assert tab.call("() => globalThis.inos.check('data')")["bad"] == []


def test_a_passkey(start: Start, tmp_path: Path) -> None:
    """Only Chromium has an authenticator for tests. Passkeys belong to names: INOS is served as localhost."""
    browser = start("chromium")
    server = Server(tmp_path / "server.txt", "localhost")
    try:
        node = open_node(browser, server)
        remove = add_authenticator(node, has_prf=False)
        assert node.error_code("() => globalThis.inos.addPasskey()") == "PasskeyWithoutPrf"
        remove()
        add_authenticator(node, has_prf=True)
        data = Data("random", 400 * KIB)
        done = node.put(data, "secret.bin")
        node.tab.call("() => globalThis.inos.addPasskey({ askAlways: true })")
        load(node)
        (slot,) = node.tab.call("() => globalThis.inos.protection()")["slots"]
        assert (slot["kind"], len(slot["salt"])) == ("passkey", 64)
        assert node.error_code("() => globalThis.inos.unlock({ passphrase: 'x' })") == "VaultLocked"
        node.tab.call("() => globalThis.inos.unlock({ passkey: true })")
        assert node.hash_of(done["root"]) == (data.length, done["sha256"])
        # a passphrase beside it, proved by the passkey; then the passkey goes
        node.tab.call("() => globalThis.inos.setPassphrase('beside', { askAlways: true, current: { passkey: true } })")
        node.tab.call("(id) => globalThis.inos.removeSlot(id)", slot["id"])
        load(node)
        assert node.error_code("() => globalThis.inos.unlock({ passkey: true })") == "VaultLocked"
        unlock(node, "beside")
        last = node.tab.call("() => globalThis.inos.protection()")["slots"][0]["id"]
        assert node.error_code("(id) => globalThis.inos.removeSlot(id)", last) == "BadArgument"
        # this device opens it again by itself; to lock is then to keep the page shut, also across loads
        node.tab.call("() => globalThis.inos.setAskAlways(false, { current: { passphrase: 'beside' } })")
        node.reload()
        node.tab.call("() => { document.body.dataset.before = '1'; void globalThis.inos.setIdleLock(1 / 60); }")
        wait_locked(node)
        load(node)
        unlock(node, "beside")
        node.tab.call("() => globalThis.inos.setIdleLock(0)")
        node.reload()
        assert node.hash_of(done["root"]) == (data.length, done["sha256"])
        assert node.error_code("() => globalThis.inos.unlock({ passphrase: 'x' })") == "NotReady"
    finally:
        browser.close()
        server.kill()


def add_authenticator(node: NodeTab, *, has_prf: bool) -> Callable[[], object]:
    """A security key of the browser's own that always agrees; what takes it away."""
    tab = node.tab
    assert isinstance(tab, ChromiumTab)
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "hasPrf": has_prf,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return lambda: session.send("WebAuthn.removeVirtualAuthenticator", made)
