"""The set-up's engine: what runs again and what does not, and what a person is told when something fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import brotli
import pytest

import compress
import netns
import packages
import setup
import stages

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name, value in {"ROOT": tmp_path, "CACHE": tmp_path / ".cache", "BUILD": tmp_path / "static/build"}.items():
        monkeypatch.setattr(stages, name, value)
    return tmp_path


def make(checkout, key: str, ran: list[str], keys: tuple[str, ...] = ()):
    output = checkout / "output"

    def run() -> None:
        ran.append(key)
        output.write_text(key)

    return lambda: stages.Stage("a stage", (key, *keys), (output,), run)


def test_a_stage_runs_once_per_key(checkout):
    ran: list[str] = []
    said: list[str] = []
    for key in ("1", "1", "2", "2", "1"):
        stages.perform([make(checkout, key, ran)], said.append)
    assert ran == ["1", "2", "1"]
    assert len(said) == 6


def test_a_larger_set_up_satisfies_a_smaller_one(checkout):
    ran: list[str] = []
    stages.perform([make(checkout, "test", ran)], print)
    stages.perform([make(checkout, "run", ran, keys=("test",))], print)
    assert ran == ["test"]


def test_a_missing_output_is_made_again(checkout):
    ran: list[str] = []
    stages.perform([make(checkout, "1", ran)], print)
    (checkout / "output").unlink()
    stages.perform([make(checkout, "1", ran)], print)
    assert ran == ["1", "1"]


def test_a_stage_that_failed_runs_again(checkout):
    def fail() -> None:
        raise stages.Problem("no", "nothing")

    ran: list[str] = []
    stages.perform([make(checkout, "1", ran)], print)
    with pytest.raises(stages.Problem):
        stages.perform([lambda: stages.Stage("a stage", ("2",), (), fail)], print)
    stages.perform([make(checkout, "1", ran)], print)
    assert ran == ["1", "1"]


def test_a_stage_that_makes_nothing_is_a_problem(checkout):
    with pytest.raises(stages.Problem, match="without making nowhere"):
        stages.perform([lambda: stages.Stage("x", ("k",), (checkout / "nowhere",), lambda: None)], print)


def test_keys_follow_contents_and_names_only(checkout):
    folder = checkout / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = stages.digest("x", folder)
    os.utime(folder / "a", (1, 1))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("2")
    assert stages.digest("x", folder) == first
    (folder / "a").write_text("2")
    second = stages.digest("x", folder)
    (folder / "a").rename(folder / "b")
    assert len({first, second, stages.digest("x", folder), stages.digest("y", folder)}) == 4


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("npm error code ENOTFOUND", "cannot be reached"),
        ("Temporary failure in name resolution\nERROR: No matching distribution found for x", "cannot be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "not the one"),
        ("ERROR: No matching distribution found for zig==1", "no ready-made build"),
        ("No module named venv", "has no pip"),
        ("something else", "failed"),
    ],
)
def test_failures_are_told_in_words(checkout, output, words):
    problem = stages.diagnose("`x` failed", output, checkout / ".cache/log/x.log")
    assert words in problem.what
    assert "run the same command again" in problem.todo


def test_a_failing_program_leaves_a_log_and_a_missing_one_is_told(checkout):
    with pytest.raises(stages.Problem, match="hello"):
        stages.command([sys.executable, "-c", "print('hello'); raise SystemExit(3)"], "name")
    assert (checkout / ".cache/log/name.log").read_text() == "hello\n"
    with pytest.raises(stages.Problem, match="does not exist"):
        stages.command(["no-such-program-here"], "name")


def test_one_set_up_at_a_time(checkout):
    child = (
        "import sys; from pathlib import Path; import stages; stages.CACHE = Path(sys.argv[1]);"
        "\nwith stages.only_one(lambda line: print(line, flush=True)): print('mine', flush=True)"
    )
    words = [sys.executable, "-c", child, str(checkout / ".cache")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / ".ci")}
    with stages.only_one(print):
        process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        assert "waiting" in process.stdout.readline()
    assert process.communicate(timeout=10)[0] == "mine\n"


def test_wrong_arguments_are_code_2(capsys):
    assert setup.main([]) == setup.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_hash_failure_is_tried_without_the_machines_configuration(monkeypatch):
    calls: list[tuple[list[str], dict[str, str]]] = []

    def command(words, _log, environment):
        calls.append(([str(word) for word in words], environment))
        if len(calls) == 1:
            raise stages.diagnose("pip", "THESE PACKAGES DO NOT MATCH THE HASHES", CHECKOUT / "x.log")

    monkeypatch.setattr(packages, "command", command)
    packages.pip(["install", "x"], "log")
    assert [("--isolated" in words, "PIP_CONFIG_FILE" in env) for words, env in calls] == [(False, False), (True, True)]
    assert all("--require-hashes" in words for words, _ in calls)


def test_without_ensurepip_a_pinned_pip_is_lent(tmp_path, monkeypatch):
    calls: list[list[str]] = []

    def command(words, _log, _environment=None):
        calls.append([str(word) for word in words])
        if len(calls) == 1:
            raise stages.Problem("no ensurepip", "nothing")

    monkeypatch.setattr(packages, "command", command)
    monkeypatch.setattr(packages, "VENV", tmp_path / "venv")
    monkeypatch.setattr(packages, "VENV_PYTHON", tmp_path / "venv" / "python")
    monkeypatch.setattr(packages, "has_own_pip", lambda: True)
    packages.make_venv()
    pip = calls[-1]
    assert pip[:6] == [sys.executable, "-m", "pip", "--python", str(tmp_path / "venv" / "python"), "install"]
    assert "--require-hashes" in pip
    assert pip[pip.index("-r") + 1].endswith("requirements-pip.txt")


def test_siblings_are_made_kept_and_removed(tmp_path):
    folder, memory = tmp_path / "build", tmp_path / "memory.json"
    folder.mkdir()
    gains, noise = folder / "a.wasm", folder / "b.zip"
    gains.write_bytes(b"abc" * 10_000)
    noise.write_bytes(os.urandom(5000))
    (folder / "gone.js.br").write_bytes(b"x")
    compress.main(folder, memory)
    sibling = folder / "a.wasm.br"
    assert brotli.decompress(sibling.read_bytes()) == gains.read_bytes()
    assert sibling.stat().st_mtime_ns == gains.stat().st_mtime_ns
    assert not (folder / "b.zip.br").exists()
    assert not (folder / "gone.js.br").exists()
    inode = sibling.stat().st_ino
    gains.write_bytes(gains.read_bytes())  # the same bytes, written later
    compress.main(folder, memory)
    assert (sibling.stat().st_ino, sibling.stat().st_mtime_ns) == (inode, gains.stat().st_mtime_ns)
    assert len(json.loads(memory.read_text())) == 2


def test_a_namespace_or_the_reason_why_not():
    words, note = netns.wrapped(["true"])
    assert words[-1] == "true"
    assert note
    if words[0] == "unshare":
        inside = subprocess.run([*words[:-1], "ip", "route"], capture_output=True, text=True, check=True)
        assert inside.stdout.startswith("default via 10.77.0.2")
