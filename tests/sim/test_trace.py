"""A recorded trace, made here with the real kernels: every crash state of it keeps what was acknowledged, and a flush that is
missing from it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from inos.errors import BadArgument
from inos.ports import FileFlush, FileTruncate, FileWrite, WrapKey
from inos_sim.disk import SimDisk
from inos_sim.machine import Machine
from inos_sim.trace import TraceCampaign, TraceKeyring, host_parts, read_lines

Line = dict[str, Any]
RANDOM = random.Random(1).randbytes(60_000)


class Recorder(SimDisk):
    """Writes down what a browser's recorder would."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = [{"op": "trace", "version": 1, "browser": "none"}]

    def _perform(self, effect: Any) -> object:
        answer = super()._perform(effect)
        match effect:
            case FileWrite(name, offset, src):
                assert self.arena is not None
                data = base64.b64encode(self.arena.read(src)).decode()
                self.lines.append(
                    {"op": "write", "file": name, "offset": offset, "length": src.length, "data": data}
                )  # fmt: skip
            case FileTruncate(name, size):
                self.lines.append({"op": "truncate", "file": name, "size": size})
            case FileFlush(name):
                self.lines.append({"op": "flush", "file": name})
        return answer


class KeyRecorder(TraceKeyring):
    """Notes what wraps what."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self._lines = lines

    def perform(self, effect: Any) -> object:
        answer = super().perform(effect)
        if isinstance(effect, WrapKey):
            self._lines.append({"op": "key", "wrapped": answer.hex(), "plain": effect.plain.hex()})
        return answer


@pytest.fixture(scope="module")
def recorded() -> list[Line]:
    """Puts of a small and a larger file, a removal, a kill, another put."""
    disk = Recorder()
    keyring = KeyRecorder(disk.lines)
    machine = Machine(disk, host_parts(keyring))
    machine.open()
    first = put(machine, disk, 1, b"some words " * 20)
    put(machine, disk, 2, RANDOM)
    disk.lines.append({"op": "begin", "call": 3, "kind": "remove", "root": first.hex()})
    machine.run(machine.vault.remove(first))
    disk.lines.append({"op": "ack", "call": 3})
    machine.stop()
    disk.lines.append({"op": "kill"})
    machine = Machine(disk, host_parts(keyring))
    machine.open()
    put(machine, disk, 4, RANDOM[:20_000] + b"another end")
    machine.stop()
    return disk.lines


def put(machine: Machine, disk: Recorder, call: int, content: bytes) -> bytes:
    name, sha256 = f"file {call}", hashlib.sha256(content).hexdigest()
    disk.lines.append(
        {"op": "begin", "call": call, "kind": "put", "name": name, "size": len(content), "sha256": sha256}
    )  # fmt: skip
    task = machine.start_put(content, name)
    machine.run_until(task)
    root: bytes = task.result().root
    disk.lines.append({"op": "ack", "call": call, "root": root.hex()})
    return root


def written(folder: Path, lines: list[Line]) -> Path:
    path = folder / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_every_crash_state_of_a_trace_keeps_what_was_acknowledged(tmp_path: Path, recorded: list[Line]) -> None:
    campaign = TraceCampaign(written(tmp_path, recorded), seed=1)
    tally = campaign.run()
    assert not tally.failures
    assert campaign.acknowledged == 4
    assert tally.states > 60


def test_a_bound_on_the_states_is_kept(tmp_path: Path, recorded: list[Line]) -> None:
    tally = TraceCampaign(written(tmp_path, recorded), seed=1, states_max=20).run()
    assert 5 <= tally.states <= 20


@pytest.mark.parametrize("prefix", ["seg-", "log-"])
def test_a_missing_flush_shows(tmp_path: Path, recorded: list[Line], prefix: str) -> None:
    lines = [line for line in recorded if line["op"] != "flush" or not line["file"].startswith(prefix)]
    assert TraceCampaign(written(tmp_path, lines), seed=1, states_max=80).run().breaches["lost"] > 0


def test_bytes_may_lie_beside_the_trace(tmp_path: Path, recorded: list[Line]) -> None:
    path = written(tmp_path, [recorded[0], {"op": "write", "file": "sb0", "offset": 0, "length": 2, "blob": "ab"}])
    folder = tmp_path / "trace.jsonl.blobs"
    folder.mkdir()
    (folder / "ab").write_bytes(b"xyz")
    assert list(read_lines(path))[1]["bytes"] == b"xy"


def test_what_is_no_trace_is_refused(tmp_path: Path) -> None:
    for line in ({"op": "write"}, {"op": "trace", "version": 2}, {"no": "op"}):
        with pytest.raises(BadArgument):
            list(read_lines(written(tmp_path, [line])))
