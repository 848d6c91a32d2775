"""py/HOWTO.md: its code is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inos_host.local import LocalVault

ROOT = Path(__file__).parents[3]
CODE = re.compile(r"^```(python|sh)\n(.+?)^```", re.MULTILINE | re.DOTALL)


def pieces() -> list[tuple[str, str]]:
    return CODE.findall((ROOT / "py" / "HOWTO.md").read_text("utf-8"))


def run(kind: str, code: str, folder: Path) -> str:
    """What a piece of code prints."""
    words = [sys.executable, "-W", "error", "-c", code] if kind == "python" else ["/bin/sh", "-ec", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "py"), "PATH": path}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader of the how-to stands: with an archive and its passphrase."""
    (tmp_path / "letter.txt").write_text("Dear all")
    (tmp_path / "passphrase.txt").write_text("a long walk\n")
    with LocalVault(tmp_path / "old vault") as vault:
        vault.put(tmp_path / "letter.txt")
        vault.export_archive(tmp_path / "vault.inos", "a long walk")
    return tmp_path


def test_every_piece_runs(folder: Path):
    script, command, again = pieces()
    assert "report.txt: 12000 bytes in " in run(*script, folder)
    assert run(*command, folder) == "letter.txt: ok\n"
    assert run(*again, folder) == "letter.txt ok\n"
    for name in ("recovered", "recovered again"):
        assert (folder / name / "letter.txt").read_text() == "Dear all"
