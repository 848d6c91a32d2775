"""The catalog finds what is there by its words, never what is gone, and is made anew when in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from vault_world import World, opened

from inos.errors import NotReady
from inos.vault import catalog, ops
from inos.vault.catalog import Catalog, Found

FILES: dict[str, bytes | None] = {
    "Reports/2024 annual report.pdf": b"1",
    "Reports/notes.txt": b"2",
    "photos/\u00e9t\u00e9/IMG_0001.jpg": b"3",
    "photos/\u00e9t\u00e9/IMG_0002.jpg": b"4",
    "100%_sure!.txt": b"5",
    "hollow": None,
}


def find(world: World, text: str) -> list[tuple[str, str]]:
    return [(found.name, found.path) for found in world.run(world.vault.find(text))]


@pytest.fixture(params=["full text", "like"])
def world(request: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    if request.param == "like":
        monkeypatch.setattr(catalog, "_FULL_TEXT", "CREATE VIRTUAL TABLE text USING no_such_module (words);")
    world = opened()
    world.put(b"a file", "annual dinner.txt")
    world.put_folder(FILES, "Archive 2024")
    return world


def test_words_of_names_and_paths(world: World) -> None:
    assert find(world, "annual") == [
        ("annual dinner.txt", ""),
        ("2024 annual report.pdf", "Reports/2024 annual report.pdf"),
    ]
    assert find(world, "ANN rep") == [("2024 annual report.pdf", "Reports/2024 annual report.pdf")]
    assert find(world, "2024")[0] == ("Archive 2024", "")
    assert [path for _, path in find(world, "img jpg")] == [
        "photos/\u00e9t\u00e9/IMG_0001.jpg",
        "photos/\u00e9t\u00e9/IMG_0002.jpg",
    ]
    assert find(world, "hollow") == [("hollow", "hollow")]
    assert find(world, "100 sure") == [("100%_sure!.txt", "100%_sure!.txt")]
    for nothing in ("", "  ", "!%_", '"', "absent", "annual absent", "' OR 1=1 --", "*", "x" * 10_000):
        assert find(world, nothing) == []
    world.check_tidy()


def test_accents_do_not_matter_where_the_full_text_index_is() -> None:
    world = opened()
    world.put_folder(FILES, "f")
    assert len(find(world, "ete")) == 3


def test_what_changes_is_found_as_it_is_now(world: World) -> None:
    (folder,) = [info.root for info in world.vault.roots() if info.is_folder]
    assert find(world, "notes")
    renamed = world.run(world.vault.use(lambda library: library.rename(folder, "minutes.txt", "Reports/notes.txt")))
    assert find(world, "notes") == []
    assert find(world, "minutes") == [("minutes.txt", "Reports/minutes.txt")]
    world.run(world.vault.use(lambda library: library.restore(folder)))
    assert find(world, "notes")
    assert find(world, "minutes") == []
    world.run(world.vault.remove(renamed))
    assert find(world, "notes") == []
    assert find(world, "annual") == [("annual dinner.txt", "")]
    world.put(b"", "notes again")
    assert find(world, "notes") == [("notes again", "")]
    world.reboot()
    assert find(world, "notes") == [("notes again", "")]
    world.check_tidy()


def test_it_gets_ready_while_nothing_is_asked_and_stops_when_something_is(world: World) -> None:
    for n in range(3):
        world.put_folder({f"{n}": b"x"}, f"folder {n}")
    library = world.vault._library
    asked = 0

    def may_go_on() -> bool:
        nonlocal asked
        asked += 1
        return asked <= 2

    world.run(library.shelve(may_go_on))
    assert library._catalog.todo() is not None
    world.run(world.vault.shelve())
    assert library._catalog.todo() is None
    world.hook = lambda effect: pytest.fail(f"{effect} although everything is known")
    assert find(world, "folder 2") == [("folder 2", ""), ("2", "2")][:1]
    world.hook = lambda _: None
    world.close()
    assert library._catalog._database is None
    world.run(world.vault.shelve())
    with pytest.raises(NotReady):
        find(world, "folder")


def test_a_damaged_folder_is_found_by_its_name(world: World) -> None:
    root = world.put_folder({"inside": b"x"}, "damaged").root
    number = world.vault._index.by_bid[root]
    place = ops.place_of(world.vault._index.entries[number])
    world.disk.files["seg-0000"].now[place.offset + 70] ^= 1
    assert find(world, "damaged") == [("damaged", "")]
    assert find(world, "inside") == []
    assert find(world, "annual")


def test_any_error_of_sqlite_begins_anew(world: World) -> None:
    assert find(world, "annual")
    own = world.vault._library._catalog
    for break_it in (
        own._database.close,
        lambda: own._database.executescript("DROP TABLE row"),
        lambda: own._database.executescript("DROP TABLE root"),
    ):
        builds = own.builds
        break_it()
        world.put(b"", f"annual {builds}")  # the index moved on: the next search agrees with it again
        assert (f"annual {builds}", "") in find(world, "annual")
        assert len(find(world, "annual")) == 2 + builds
        assert own.builds > builds


def test_a_broken_search_mends_itself(world: World) -> None:
    assert find(world, "annual")
    world.vault._library._catalog._database.executescript("DROP TABLE row")
    assert len(find(world, "annual")) == 2


def test_no_more_is_answered_than_fits() -> None:
    own = Catalog()
    own.sync([Found(bytes([n % 256, n // 256]) * 16, "", f"same {n}", is_folder=False, size=1) for n in range(1_000)])
    assert len(own.find("same")) == catalog.FOUND_MAX
    assert len(own.find("same 999")) == 1
    own.sync([])
    assert own.find("same") == []
    own.drop()
    own.drop()


def test_the_full_text_index_is_there() -> None:
    own = Catalog()
    own.sync([])
    assert own._has_text
