"""Vaults of every layout there was open, by each way in, and without their logs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.golden import vaults

from inos.vault.unlock import Passphrase, Unlock

NAMES = sorted(path.stem for path in vaults.FOLDER.glob("*.zip"))


@pytest.fixture(params=NAMES)
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with zipfile.ZipFile(vaults.FOLDER / f"{request.param}.zip") as archive:
        archive.extractall(tmp_path / "vault")
    (tmp_path / "vault" / vaults.DEVICE_KEY).rename(tmp_path / vaults.DEVICE_KEY)
    return tmp_path


def assert_whole(machine: vaults.Machine) -> None:
    rows = {info.name: info for info in machine.vault.roots()}
    assert set(rows) >= {*vaults.files(), "folder"}
    for name, data in vaults.files().items():
        assert machine.get(rows[name].root) == data, name
    for path, data in vaults.folder().items():
        assert machine.get(rows["folder"].root, path) == data, path
    assert not any("gone" in name for name in rows)


@pytest.mark.parametrize("way", ["device", "passphrase"])
def test_a_golden_vault_opens(unpacked: Path, way: str) -> None:
    unlock: Unlock = None if way == "device" else Passphrase(vaults.PASSPHRASE)
    machine = vaults.Machine(
        unpacked / "vault", unpacked / (vaults.DEVICE_KEY if way == "device" else "another device")
    )
    machine.open(unlock)
    assert machine.vault.health() == []
    assert_whole(machine)
    rows = {info.name: info for info in machine.vault.roots()}
    assert [machine.get(version.root) for version in machine.vault.versions(rows["small.txt"].root)][1] == vaults.OLDER
    assert rows["noise.bin"].shared
    assert machine.run(machine.vault.check("data")).ok
    machine.put(b"and one more", "new")
    machine.end()


def test_a_golden_vault_comes_back_from_its_blocks(unpacked: Path) -> None:
    for name in ("log-a", "log-b", "sb0", "sb1"):
        (unpacked / "vault" / name).unlink()
    machine = vaults.Machine(unpacked / "vault", unpacked / vaults.DEVICE_KEY)
    machine.open()
    assert machine.vault.health() != []
    assert_whole(machine)
    machine.end()
