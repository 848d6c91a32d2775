"""The vault over the host's ports: real algorithms, real files, real time, effects in threads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from inos.errors import NotFound, VaultLocked
from inos.limits import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, INLINE_BYTES_MAX, MIB
from inos.tasks import Tasks
from inos.vault.vault import Source, Vault
from inos_host.disk import DISK_EFFECTS, STREAM_EFFECTS, HostDisk, Streams
from inos_host.kernels import KERNEL_EFFECTS, make_ports
from inos_host.keyring import KEYRING_EFFECTS, HostKeyring
from inos_host.runner import Runner

SIZES = (
    0, 1, INLINE_BYTES_MAX - 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1,
    CHUNK_BYTES_MIN - 1, CHUNK_BYTES_MIN, CHUNK_BYTES_MIN + 1, MIB - 1, MIB, MIB + 1,
)  # fmt: skip


class Machine:
    """A folder, and a vault in it."""

    def __init__(self, folder: Path, keyring: HostKeyring, threads: int = 0) -> None:
        self.ports, kernels = make_ports(64 * MIB)
        self.streams = Streams(self.ports.arena)  # type: ignore[arg-type]
        self.disk = HostDisk(self.ports.arena, folder)  # type: ignore[arg-type]
        self.tasks = Tasks()
        self.runner = Runner(
            self.tasks,
            [
                (KERNEL_EFFECTS, kernels),
                (KEYRING_EFFECTS, keyring),
                (DISK_EFFECTS, self.disk),
                (STREAM_EFFECTS, self.streams),
            ],
            threads=threads,
        )
        self.vault = Vault(self.ports, self.tasks, in_flight_bytes=32 * MIB)

    def put(self, data: bytes, name: str) -> Any:
        return self.runner.run(self.vault.put(Source(self.streams.add_bytes(data), len(data)), name=name))

    def get(self, root: bytes) -> bytes:
        sink = self.streams.add_sink()
        self.runner.run(self.vault.get(root, sink))
        return self.streams.taken(sink)

    def end(self) -> None:
        self.runner.run(self.vault.close())
        self.runner.drain()
        assert self.ports.arena.used() == 0
        self.runner.close()
        self.disk.close()


@pytest.mark.parametrize("threads", [0, 3])
def test_files_of_every_boundary_size_are_there_after_reopening(tmp_path: Path, threads: int) -> None:
    keyring = HostKeyring()
    machine = Machine(tmp_path, keyring, threads)
    machine.runner.run(machine.vault.open())
    data = os.urandom(max(SIZES))
    roots = {size: machine.put(data[:size], f"f{size}").root for size in SIZES}
    for size, root in roots.items():
        assert machine.get(root) == data[:size]
    machine.end()
    again = Machine(tmp_path, keyring, threads)
    again.runner.run(again.vault.open())
    assert again.vault.health() == []
    for size, root in roots.items():
        assert again.get(root) == data[:size]
    assert again.runner.run(again.vault.check("data")).ok
    again.end()
    other = Machine(tmp_path, HostKeyring())
    with pytest.raises(VaultLocked):
        other.runner.run(other.vault.open())


def test_random_bytes_of_several_chunks_and_a_chunk_of_the_largest_size(tmp_path: Path) -> None:
    machine = Machine(tmp_path, HostKeyring(), threads=2)
    machine.runner.run(machine.vault.open())
    noise = os.urandom(5 * MIB)
    zeros = bytes(CHUNK_BYTES_MAX + 1)  # nothing to cut at, unless the key says so
    for name, data in (("noise", noise), ("zeros", zeros), ("text", b"some words and others " * 200_000)):
        result = machine.put(data, name)
        assert machine.get(result.root) == data
        assert machine.put(data, name + " again").new_chunks == 0
    assert machine.vault.stats()["live_bytes"] < 6 * MIB
    machine.end()


def test_files_as_sources_and_sinks(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "vault", HostKeyring())
    machine.runner.run(machine.vault.open())
    data = os.urandom(300_000)
    (tmp_path / "in").write_bytes(data)
    source = Source(machine.streams.add_file(tmp_path / "in"), len(data))
    root = machine.runner.run(machine.vault.put(source, name="in")).root
    sink = machine.streams.add_sink(tmp_path / "out")
    machine.runner.run(machine.vault.get(root, sink))
    assert (tmp_path / "out").read_bytes() == data
    missing = machine.streams.add_sink(tmp_path / "missing")
    with pytest.raises(NotFound):
        machine.runner.run(machine.vault.get(bytes(32), missing))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "vault"]
    machine.end()
