"""Golden vaults: what a vault of each layout looked like on the disk, kept for ever; every later version must open them.

`python tests/golden/vaults.py NAME` writes tests/golden/NAME.zip by the real algorithms: what ``files`` and ``folder`` say is in
it, the device's key is beside it. Never write one anew: a new layout gets a new name.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "py")]

from inos.limits import MIB  # noqa: E402
from inos.tasks import Tasks  # noqa: E402
from inos.vault.folder import Item  # noqa: E402
from inos.vault.unlock import Unlock  # noqa: E402
from inos.vault.vault import Source, Vault  # noqa: E402
from inos_host.disk import DISK_EFFECTS, STREAM_EFFECTS, HostDisk, Streams  # noqa: E402
from inos_host.kernels import KERNEL_EFFECTS, make_ports  # noqa: E402
from inos_host.keyring import KEYRING_EFFECTS, HostKeyring  # noqa: E402
from inos_host.passphrase import PASSPHRASE_EFFECTS, HostPassphrase  # noqa: E402
from inos_host.runner import Runner  # noqa: E402

T = TypeVar("T")
FOLDER = Path(__file__).parent
PASSPHRASE = "eight golden words that nobody else would ever choose"
DEVICE_KEY = "device-key"


def words(length: int, seed: int) -> bytes:
    """Text that compresses, the same for ever (no library's random)."""
    state, out = seed * 2_654_435_761 + 1, bytearray()
    while len(out) < length:
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % (1 << 64)
        out += b"word%d " % (state >> 60)
    return bytes(out[:length])


def noise(length: int, seed: int) -> bytes:
    """Bytes that do not compress, the same for ever."""
    state, out = seed * 2_654_435_761 + 1, bytearray()
    while len(out) < length:
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % (1 << 64)
        out += (state >> 32).to_bytes(4, "little")
    return bytes(out[:length])


def files() -> dict[str, bytes]:
    """What the vault lists, by name."""
    return {
        "empty": b"",
        "small.txt": words(900, 1),
        "just inline": noise(16_384, 2),
        "noise.bin": noise(90_000, 4),
        "text.txt": words(1_400_000, 3),
        "ünïcödé – 数.txt": words(40, 5),
        "renamed.txt": words(500, 6),
    }


def folder() -> dict[str, bytes]:
    """What its folder holds, by path."""
    return {"a/one.txt": words(300, 7), "a/b/two.bin": noise(30_000, 8), "three.txt": b""}


OLDER = words(700, 9)  # of small.txt


class Machine:
    """A vault in a folder, with real algorithms."""

    def __init__(self, path: Path, device_key: Path | None) -> None:
        self.ports, kernels = make_ports(64 * MIB)
        self.streams = Streams(self.ports.arena)  # type: ignore[arg-type]
        self.disk = HostDisk(self.ports.arena, path)  # type: ignore[arg-type]
        self.tasks = Tasks()
        self.runner = Runner(
            self.tasks,
            [
                (KERNEL_EFFECTS, kernels),
                (KEYRING_EFFECTS, HostKeyring(device_key)),
                (PASSPHRASE_EFFECTS, HostPassphrase()),
                (DISK_EFFECTS, self.disk),
                (STREAM_EFFECTS, self.streams),
            ],
        )
        self.vault = Vault(self.ports, self.tasks, in_flight_bytes=32 * MIB, reencode_age_s=-1)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self, unlock: Unlock = None) -> None:
        self.run(self.vault.open(unlock))

    def source(self, data: bytes) -> Source:
        return Source(self.streams.add_bytes(data), len(data))

    def put(self, data: bytes, name: str, replaces: bytes | None = None) -> bytes:
        return self.run(self.vault.put(self.source(data), name=name, replaces=replaces)).root

    def get(self, root: bytes, path: str = "") -> bytes:
        sink = self.streams.add_sink()
        self.run(self.vault.get(root, sink, path=path))
        return self.streams.taken(sink)

    def end(self) -> None:
        self.run(self.vault.close())
        self.runner.drain()
        self.runner.close()
        self.disk.close()


def fill(machine: Machine) -> None:
    """A life: files, versions, names, a folder, what was shared, what went; sealed again and compacted in between."""
    roots = {
        name: machine.put(data, name) for name, data in files().items() if name not in ("small.txt", "renamed.txt")
    }
    before = machine.put(OLDER, "small.txt")
    machine.put(files()["small.txt"], "small.txt", replaces=before)
    named = machine.put(files()["renamed.txt"], "first name.txt")
    machine.run(machine.vault.use(lambda library: library.rename(named, "renamed.txt")))
    items = [Item(path, machine.source(data), 5) for path, data in folder().items()]
    machine.run(machine.vault.put_folder(items, name="folder"))
    machine.run(machine.vault.share(roots["noise.bin"]))
    machine.run(machine.vault.remove(machine.put(noise(60_000, 20), "gone")))
    machine.run(machine.vault.tidy())
    machine.run(machine.vault.compact())
    machine.run(machine.vault.remove(machine.put(words(2_000, 21), "gone too")))
    machine.run(machine.vault.ways_in.set_passphrase(PASSPHRASE, ask_always=False))


def make(name: str) -> None:
    """Write a golden vault."""
    target = FOLDER / f"{name}.zip"
    if target.exists():
        raise SystemExit(f"{target.name} is there: a golden vault is never written anew")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary)
        machine = Machine(path / "vault", path / DEVICE_KEY)
        machine.open()
        fill(machine)
        machine.end()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((path / "vault").iterdir()):
                archive.write(file, file.name)
            archive.write(path / DEVICE_KEY, DEVICE_KEY)


if __name__ == "__main__":
    make(sys.argv[1])
