"""The vault as people use it on the page: folders dropped and opened, versions, names, room, damage that is repaired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chromium import ChromiumTab
from node import MIB, Data, NodeTab, open_node
from server import Server
from tab import Tab

from conftest import Start

# Drops a folder as a file manager does: entries that are read while the event lasts. Values are texts; null is an empty folder.
DROP_FOLDER = """
(name, tree) => {
  const make = (name, inside) => typeof inside === "string"
    ? { isFile: true, isDirectory: false, name, file: (ok) => ok(new File([inside], name)) }
    : { isFile: false, isDirectory: true, name, createReader() {
        const batches = [Object.entries(inside ?? {}).map(([name, below]) => make(name, below))];
        return { readEntries: (ok) => ok(batches.pop() ?? []) };
      } };
  const item = { kind: "file", webkitGetAsEntry: () => make(name, tree), getAsFile: () => null };
  const event = new Event("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [item] } });
  document.querySelector("#drop").dispatchEvent(event);
}
"""
DROP_FILE = """
(name, text) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: "text/plain" }));
  document.querySelector("#drop").dispatchEvent(
    new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""
ROW = """
(name) => [...document.querySelectorAll("#files [data-root]")]
  .find((row) => row.querySelector(".file-name")?.textContent === name)?.dataset.root
"""
TWINS = """
(count) => [...document.querySelectorAll("#files .file-name")].filter((name) => name.textContent === "twin.txt").length === count
"""
COUNT = "(selector, count) => document.querySelectorAll(selector).length === count"
PASTE = """
(link) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", link);
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}
"""
ROT = """
async (name, at) => {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getDirectoryHandle("inos-vault")).getFileHandle(name);
  const [byte] = new Uint8Array(await (await file.getFile()).slice(at, at + 1).arrayBuffer());
  const writable = await file.createWritable({ keepExistingData: true });
  await writable.write({ type: "write", position: at, data: new Uint8Array([byte ^ 0xff]) });
  await writable.close();
}
"""


def row(node: NodeTab, name: str) -> str:
    """A selector of the row of a name, once it is listed."""
    root = node.tab.wait_for(f"{name} is listed", ROW, name)
    return f"#files [data-root='{root}']"


def wait_count(tab: Tab, selector: str, count: int) -> None:
    tab.wait_for(f"{count} of {selector}", COUNT, selector, count)


def click(tab: Tab, selector: str) -> None:
    """Click once it is there."""
    tab.wait_for(f"{selector} is there", "(selector) => document.querySelector(selector)", selector)
    tab.click(selector)


def text_of(node: NodeTab, root: str, path: str = "") -> str:
    script = "async (root, path) => new TextDecoder().decode(await globalThis.inos.get(root, { path }))"
    return str(node.tab.call(script, root, path))


def listed(node: NodeTab, name: str) -> dict[str, Any]:
    return next(entry for entry in node.list() if entry["name"] == name)


def drop(node: NodeTab, name: str, text: str) -> None:
    node.tab.call(DROP_FILE, name, text)


def test_a_dropped_folder_is_one_row_and_opens(node: NodeTab) -> None:
    tab = node.tab
    tree = {"cover.txt": "on top", "2024": {"winter.txt": "snow", "Summer": {"beach.txt": "sun"}}, "empty": None}
    tab.call(DROP_FOLDER, "Photos", tree)
    place = row(node, "Photos")
    tab.wait_for(
        "its files are counted", "(s) => document.querySelector(s)?.textContent === '3 files'", f"{place} .file-count"
    )
    root = listed(node, "Photos")["root"]
    assert text_of(node, root, "2024/Summer/beach.txt") == "sun"

    tab.click(f"{place} [data-action=open]")
    wait_count(tab, "#folder-dialog .entry", 3)
    click(tab, "#folder-dialog [data-path='2024'] [data-action=entry-open]")
    wait_count(tab, "#folder-dialog .entry", 2)
    assert tab.text("#folder-dialog .crumbs").split() == ["Photos", "2024"]  # the slash between them is drawn
    click(tab, "#folder-dialog [data-path='2024/winter.txt'] [data-action=entry-open]")
    tab.wait_for("the text is shown", "() => document.querySelector('.preview-text')?.textContent === 'snow'")
    tab.click("#preview-dialog [data-action=close]")
    click(tab, "#folder-dialog button.crumb")
    wait_count(tab, "#folder-dialog .entry", 3)
    if isinstance(tab, ChromiumTab):
        with tab.page.expect_download() as download:
            tab.page.click("#folder-dialog [data-action=folder-save]")
        assert download.value.suggested_filename == "Photos.zip"
    tab.click("#folder-dialog [data-action=close]")

    # the same folder again, with one file more, is its next version
    tab.call(DROP_FOLDER, "Photos", {**tree, "more.txt": "more"})
    tab.wait_for(
        "it has two versions",
        "(s) => document.querySelector(s)?.innerText === '2 versions'",
        "#files [data-action=versions]",
    )
    assert len([entry for entry in node.list() if entry["name"] == "Photos"]) == 1
    remove(node, "Photos", "Delete with all 2 versions?")


def remove(node: NodeTab, name: str, question: str = "Delete for good?") -> None:
    place = row(node, name)
    node.tab.click(f"{place} [data-action=delete]")
    assert node.tab.text(f"{place} .confirm-text") == question
    node.tab.click(f"{place} [data-action=delete-confirm]")
    wait_count(node.tab, place, 0)


@pytest.mark.parametrize("shared_browser", ["chromium"], indirect=True)  # whose driver can choose a folder
def test_a_chosen_folder_is_one_too(node: NodeTab, tmp_path: Path) -> None:
    assert isinstance(node.tab, ChromiumTab)
    (tmp_path / "Notes" / "deep").mkdir(parents=True)
    (tmp_path / "Notes" / "deep" / "one.txt").write_text("one")
    node.tab.page.set_input_files("#folder-input", tmp_path / "Notes")
    row(node, "Notes")
    assert text_of(node, listed(node, "Notes")["root"], "deep/one.txt") == "one"
    remove(node, "Notes")


def test_what_is_in_folders_is_found(node: NodeTab) -> None:
    tab = node.tab
    tab.call(DROP_FOLDER, "Trip", {"Norway": {"fjord.txt": "deep"}, "list.txt": "socks"})
    place = row(node, "Trip")
    type_query = """(text) => {
      const field = document.querySelector("#files-filter");
      field.value = text;
      field.dispatchEvent(new Event("input"));
    }"""
    tab.call(type_query, "fjord")
    wait_count(tab, "#found [data-path='Norway/fjord.txt']", 1)
    assert tab.text("#found .entry-text").split("\n") == ["fjord.txt", "Trip / Norway"]
    wait_count(tab, place, 0)
    tab.wait_for("nothing claims to be missing", "() => document.querySelector('#files-empty').hidden")
    tab.click("#found [data-action=found-open]")
    tab.wait_for("the text is shown", "() => document.querySelector('.preview-text')?.textContent === 'deep'")
    tab.click("#preview-dialog [data-action=close]")
    tab.call(type_query, "")
    wait_count(tab, "#found .entry", 0)
    remove(node, "Trip")


@pytest.mark.parametrize("shared_browser", ["chromium"], indirect=True)  # whose driver can choose the archive
def test_everything_goes_into_an_archive_and_back(node: NodeTab) -> None:
    assert isinstance(node.tab, ChromiumTab)
    tab, page = node.tab, node.tab.page
    told = "(text) => document.querySelector('#archive-told')?.innerText.startsWith(text)"
    drop(node, "precious.txt", "the only copy")
    row(node, "precious.txt")
    node.open_view("settings")
    page.click("[data-action=archive-export]")
    page.fill("#archive-passphrase", "a plain sentence")
    page.fill("#archive-again", "another one")
    page.keyboard.press("Enter")
    tab.wait_for("it says so", told, "The two are not the same")
    page.fill("#archive-again", "a plain sentence")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    click(tab, "#archive-dialog [data-action=archive-done]")
    archive = Path(download.value.path())
    node.open_view("files")
    remove(node, "precious.txt")

    page.set_input_files("#archive-input", archive)
    page.fill("#archive-passphrase", "not the sentence")
    page.keyboard.press("Enter")
    tab.wait_for("it says so", told, "This is not the archive's passphrase")
    page.fill("#archive-passphrase", "a plain sentence")
    page.keyboard.press("Enter")
    click(tab, "#archive-dialog [data-action=archive-done]")
    row(node, "precious.txt")
    assert text_of(node, listed(node, "precious.txt")["root"]) == "the only copy"
    remove(node, "precious.txt")


def test_the_same_name_again_is_a_version(node: NodeTab) -> None:
    tab = node.tab
    drop(node, "report.txt", "first")
    row(node, "report.txt")
    first = listed(node, "report.txt")["root"]
    drop(node, "report.txt", "second")
    tab.wait_for(
        "it says so",
        "() => document.querySelector('#note').innerText === 'New version of report.txt · the older one is kept'",
    )
    second = listed(node, "report.txt")["root"]
    assert (text_of(node, first), text_of(node, second)) == ("first", "second")
    drop(node, "report.txt", "second")
    tab.wait_for("nothing new", "() => document.querySelector('#note').innerText.endsWith('unchanged')")

    click(tab, f"{row(node, 'report.txt')} [data-action=versions]")
    wait_count(tab, "#versions-dialog .version", 2)
    tab.click(f"#versions-dialog [data-root='{first}'] [data-action=version-restore]")
    wait_count(tab, "#versions-dialog .version", 3)
    assert listed(node, "report.txt")["root"] == first
    older = f"#versions-dialog [data-root='{second}']"
    tab.click(f"{older} [data-action=version-forget]")
    tab.click(f"{older} [data-action=version-forget-cancel]")
    tab.click(f"{older} [data-action=version-forget]")
    tab.click(f"{older} [data-action=version-forget-confirm]")
    wait_count(tab, older, 0)
    assert text_of(node, first) == "first"
    assert node.error_code("(root) => globalThis.inos.get(root)", second) == "NotFound"
    tab.click("#versions-dialog [data-action=close]")

    # where two have the name, nobody can know which one is meant
    for seed in (21, 22):
        node.put(Data("text", 100, seed=seed), "twin.txt")
    tab.wait_for("both are listed", TWINS, 2)
    drop(node, "twin.txt", "a third")
    tab.wait_for("it is one more", TWINS, 3)


def test_renamed_where_it_stands_by_keyboard(node: NodeTab) -> None:
    tab = node.tab
    drop(node, "draft.txt", "words")
    focus = "(selector) => document.querySelector(selector).focus()"
    tab.call(focus, f"{row(node, 'draft.txt')} [data-action=share]")
    tab.press("F2")
    selected = "() => { const { value, selectionStart: a, selectionEnd: b } = document.activeElement; return value.slice(a, b); }"
    assert tab.call(selected) == "draft"
    tab.press("Escape")
    wait_count(tab, ".rename-input", 0)
    assert tab.call("() => document.activeElement.dataset.action") == "rename"
    tab.press("F2")
    for key in "final":
        tab.press(key)
    tab.press("Enter")
    place = row(node, "final.txt")
    tab.wait_for("the focus went with it", "(s) => document.activeElement.matches(s)", f"{place} [data-action=rename]")
    assert text_of(node, listed(node, "final.txt")["root"]) == "words"
    tab.press("F2")
    tab.call("() => { document.querySelector('.rename-input').value = ' '; }")
    tab.press("Enter")
    tab.wait_for("it says why not", "() => document.querySelector('.rename-told').innerText === 'A name is needed.'")
    tab.press("Escape")
    remove(node, "final.txt", "Delete with all 2 versions?")


def test_almost_full_asks_what_may_go(node: NodeTab) -> None:
    tab = node.tab
    first = node.put(Data("random", 200_000, seed=5), "keep.bin")
    tab.call(
        "(root) => globalThis.inos.put(new Blob(['now small']), { name: 'keep.bin', replaces: root })", first["root"]
    )
    node.put(Data("random", 300_000, seed=6), "large.bin")
    tab.call("""() => {
      globalThis.estimateBefore = StorageManager.prototype.estimate;
      StorageManager.prototype.estimate = async () => ({ usage: 9.5e9, quota: 1e10 });
    }""")
    try:
        drop(node, "small.txt", "one more")
        row(node, "small.txt")
        tab.wait_for("the card is there", "() => !document.querySelector('#almost-full').hidden")
        card = tab.text("#almost-full")
        for part in ("9.5 GB of about 10 GB", "Nothing is deleted unless you choose it", "large.bin", "frees 30"):
            assert part in card, card
        names = {entry["name"] for entry in node.list()}
        large = f"#almost-full [data-root='{listed(node, 'large.bin')['root']}']"
        tab.click(f"{large} [data-action=room-delete]")
        tab.click(f"{large} [data-action=room-keep]")
        assert {entry["name"] for entry in node.list()} == names
        tab.click(f"{large} [data-action=room-delete]")
        tab.click(f"{large} [data-action=room-confirm]")
        tab.wait_for("it came free", "() => document.querySelector('#note').innerText.endsWith('came free.')")
        assert {entry["name"] for entry in node.list()} == names - {"large.bin"}
        older = f"#almost-full [data-group=older] [data-root='{listed(node, 'keep.bin')['root']}']"
        wait_count(tab, older, 1)
        tab.click(f"{older} [data-action=room-delete]")
        tab.click(f"{older} [data-action=room-confirm]")
        wait_count(tab, older, 0)
        assert listed(node, "keep.bin")["versions"] == 1
        assert text_of(node, listed(node, "keep.bin")["root"]) == "now small"
        tab.click("#almost-full [data-action=almost-full-dismiss]")
        assert tab.call("() => document.querySelector('#almost-full').hidden")
    finally:
        tab.call("() => { StorageManager.prototype.estimate = globalThis.estimateBefore; }")


def test_tidying_is_paused_and_asked_for(node: NodeTab) -> None:
    tab = node.tab
    done = node.put(Data("text", 500_000, seed=11), "tidy.txt")
    node.open_view("settings")
    tab.click("[data-action=tidy-pause]")
    wait_count(tab, "#tidy[data-paused=true]", 1)
    node.reload()
    wait_count(tab, "#tidy[data-paused=true]", 1)
    node.open_view("settings")
    assert "paused" in tab.text("#tidy-text")
    tab.click("[data-action=tidy-pause]")
    wait_count(tab, "#tidy[data-paused=false]", 1)
    tab.click("[data-action=tidy-now]")
    tab.wait_for("it is done", "() => document.querySelector('#note').innerText === 'All is tidy.'", timeout_s=60)
    node.assert_holds(done["root"], Data("text", 500_000, seed=11), done["sha256"])


def test_a_check_is_stopped_and_reported(node: NodeTab) -> None:
    tab = node.tab
    node.open_view("settings")
    tab.call("() => { const b = document.querySelector('[data-action=check]'); b.click(); b.click(); }")
    tab.wait_for("it was stopped", "() => document.querySelector('#check-result').innerText.includes('was stopped')")
    assert tab.call("() => document.querySelector('[data-action=check-report]').hidden")
    tab.click("[data-action=check]")
    tab.wait_for("all is well", "() => document.querySelector('#check-result').dataset.verdict === 'good'")
    assert tab.call("() => document.querySelector('[data-action=repair]').hidden")
    if isinstance(tab, ChromiumTab):
        with tab.page.expect_download() as download:
            tab.page.click("[data-action=check-report]")
        assert "Verdict: all is well" in Path(download.value.path()).read_text("utf-8")


def open_shared_folder(owner: NodeTab, guest: NodeTab) -> None:
    """A folder's link, pasted: it comes as a folder and opens as one."""
    owner.tab.call(DROP_FOLDER, "Shared", {"deep": {"a.txt": "from afar"}})
    row(owner, "Shared")
    link = owner.share(listed(owner, "Shared")["root"])
    guest.tab.call(PASTE, link)
    click(guest.tab, "#link-view[data-stage=done] [data-action=link-open]")
    click(guest.tab, "#folder-dialog [data-path=deep] [data-action=entry-open]")
    click(guest.tab, "#folder-dialog [data-path='deep/a.txt'] [data-action=entry-open]")
    guest.tab.wait_for("it is shown", "() => document.querySelector('.preview-text')?.textContent === 'from afar'")
    remove(owner, "Shared")


@pytest.mark.parametrize("shared_browser", ["firefox"], indirect=True)
def test_damage_is_found_and_repaired_from_a_peer(node: NodeTab, server: Server, start: Start) -> None:
    data = Data("random", 3 * MIB, seed=9)
    done = node.put(data, "shared.bin")
    link = node.share(done["root"])
    other = open_node(start("chromium"), server)
    open_shared_folder(node, other)
    got = other.fetch(link)
    own = other.put(Data("random", 2 * MIB, seed=10), "own.bin")
    tab = other.tab
    tab.allow_problems(r"/favicon\.ico")  # the browser asks for it beside a page without markup
    tab.goto(f"{server.url}config.json")
    for at in (MIB, 4 * MIB):
        tab.call(ROT, "seg-0000", at)
    tab.goto(server.url)
    other.wait_ready()
    other.open_view("settings")
    tab.call("() => document.querySelector('[name=check-level][value=hash]').click()")
    tab.click("[data-action=check]")
    tab.wait_for("it is found", "() => document.querySelector('#check-result').dataset.verdict === 'bad'")
    assert "2 files affected" in tab.text("#check-result")
    wait_count(tab, "#files [data-action=file-repair]", 2)
    tab.click("[data-action=repair]")
    wait_count(tab, ".unrepaired [data-root]", 1)
    assert "own.bin" in tab.text(".unrepaired")
    assert "Add the same file again" in tab.text("#check")
    other.assert_holds(got["root"], data, done["sha256"])
    other.put(Data("random", 2 * MIB, seed=10), "own.bin")
    tab.click("[data-action=repair]")
    tab.wait_for("all is whole", "() => document.querySelector('#check-result').dataset.verdict === 'good'")
    other.assert_holds(own["root"], Data("random", 2 * MIB, seed=10), own["sha256"])
    wait_count(tab, "#files [data-action=file-repair]", 0)
