"""A vault in a folder for scripts, and files out of an exported archive."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from inos.errors import AuthFailed, NotFound, StorageBusy, StorageLost, VaultLocked
from inos.vault.folder import Item
from inos.vault.put import Source
from inos_host import recover
from inos_host.local import KEY_NAME, LocalVault

SECRET = "a long walk"
BIG = random.Random(5).randbytes(3 << 20)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of a large file, one of the same name in a folder, and a folder in it."""
    file = tmp_path / "big.bin"
    file.write_bytes(BIG)
    with LocalVault(tmp_path / "vault") as vault:
        vault.put(file)
        data = b"onetwo"
        number = vault._streams.add_bytes(data)
        items = [Item("big.bin", Source(number, 3), None), Item("deep/er.txt", Source(number, 3, 3), None)]
        vault.run(vault.vault.put_folder(items, name="trip"))
        vault.export_archive(tmp_path / "all.inos", SECRET)
    return tmp_path / "all.inos"


def test_what_is_put_is_there_after_it_was_closed(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("first")
    with LocalVault(tmp_path / "vault") as vault:
        root = vault.put(file)
        file.write_text("second")
        newer = vault.put(file, replaces=root)
    with LocalVault(tmp_path / "vault") as vault:
        assert [(info.name, info.root, info.media_type) for info in vault.list()] == [
            ("notes.txt", newer, "text/plain")
        ]
        assert (vault.read(root), vault.read(newer)) == (b"first", b"second")
        vault.save(newer, tmp_path / "copy.txt")
        assert vault.check("data").bad == []
    assert (tmp_path / "copy.txt").read_text() == "second"


def test_saving_touches_no_other_file_and_leaves_nothing_behind(tmp_path: Path):
    file, target, other = (tmp_path / name for name in ("notes.txt", "copy.txt", "copy.txt.part"))
    file.write_text("notes")
    other.write_text("somebody's")
    (tmp_path / "folder").mkdir()
    with LocalVault(tmp_path / "vault") as vault:
        root = vault.put(file)
        vault.save(root, target)
        with pytest.raises(NotFound):
            vault.save(bytes(32), target)
        with pytest.raises(StorageLost):
            vault.save(root, tmp_path / "folder")
    assert (target.read_text(), other.read_text()) == ("notes", "somebody's")
    assert target.stat().st_mode == file.stat().st_mode, "it has the rights of any new file"
    names = {"notes.txt", "copy.txt", "copy.txt.part", "folder", "vault"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_one_process_at_a_time_and_only_with_its_key(tmp_path: Path):
    folder = tmp_path / "vault"
    with LocalVault(folder), pytest.raises(StorageBusy), LocalVault(folder):
        pass
    assert (folder / KEY_NAME).stat().st_mode & 0o077 == 0
    (folder / KEY_NAME).unlink()
    with pytest.raises(VaultLocked), LocalVault(folder):
        pass


def test_every_file_of_an_archive_is_recovered(archive: Path, tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "big.bin").write_text("mine")
    told = dict(recover.recover(archive, target, SECRET))
    assert told == {"big (2).bin": "", "trip/big.bin": "", "trip/deep/er.txt": ""}
    assert (target / "big.bin").read_text() == "mine"
    assert (target / "big (2).bin").read_bytes() == BIG
    assert (target / "trip" / "big.bin").read_bytes() == b"one"
    assert (target / "trip" / "deep" / "er.txt").read_bytes() == b"two"
    assert sorted(path.name for path in target.iterdir()) == [
        "big (2).bin",
        "big.bin",
        "trip",
    ]  # nothing temporary stays


def test_what_is_there_is_in_nobodys_way(archive: Path, tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    for name in ("big.bin.part", "trip"):
        (target / name).write_text("mine")
    told = dict(recover.recover(archive, target, SECRET))
    assert told == {"big.bin": "", "trip (2)/big.bin": "", "trip (2)/deep/er.txt": ""}
    assert [(target / name).read_text() for name in ("big.bin.part", "trip")] == ["mine", "mine"]


def test_a_file_that_cannot_be_placed_does_not_hold_up_the_rest(archive: Path, tmp_path: Path):
    target = tmp_path / "out"
    (target / "trip").mkdir(parents=True)
    (target / "trip" / "deep").write_text("mine")
    told = dict(recover.recover(archive, target, SECRET))
    assert told == {"big.bin": "", "trip/big.bin": "", "trip/deep/er.txt": "StorageLost"}
    assert (target / "trip" / "deep").read_text() == "mine"


def test_damage_is_named_and_the_rest_recovered(archive: Path, tmp_path: Path):
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    told = list(recover.recover(archive, tmp_path / "out", SECRET))
    assert any(code for _, code in told)
    for path, code in told:
        assert code or (tmp_path / "out" / path).is_file()


def test_the_command(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    arguments = [str(archive), str(tmp_path / "out"), "--passphrase-stdin"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert recover.main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == ["big.bin: ok", "trip/big.bin: ok", "trip/deep/er.txt: ok"]
    monkeypatch.setattr("sys.stdin", io.StringIO("another\n"))
    assert recover.main(arguments) == 2
    with pytest.raises(AuthFailed):
        list(recover.recover(archive, tmp_path / "out", "another"))
