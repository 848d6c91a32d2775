"""Real bytes to measure with: the Canterbury corpus where present, then what the installed packages ship.

Three quarters text (sources, documents), one quarter binaries (WebAssembly, native modules), in the order of a sorted walk;
a file that is equal to an earlier one is left out, so that no stretch of the data repeats another. The same machine gives the
same bytes every time; another one gives much the same mixture.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
FILE_BYTES_MIN = 256
FILE_BYTES_MAX = 12 * MIB  # the interpreter's 9.6 MB WebAssembly is the largest wanted
BINARY_SHARE = 0.25
TEXT_SUFFIXES = {".py", ".pyi", ".js", ".mjs", ".ts", ".md", ".txt", ".json", ".rst", ".html", ".css", ".c", ".h"}
BINARY_SUFFIXES = {".wasm", ".so", ".node", ".pyd", ".dylib"}


@dataclass
class Mixture:
    """What was put together, and from what."""

    path: Path
    mib: int
    files: int
    sources: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the results."""
        return {"mib": self.mib, "files": self.files, "bytesFrom": self.sources}


def sources() -> dict[str, Path]:
    """Folders to take from, by a name that says nothing about this machine."""
    shared = Path(os.environ.get("INOS_SHARED", ROOT.parent / "shared"))
    found = {
        "Canterbury corpus": shared / "corpus" / "canterbury",
        "Python's standard library": Path(sysconfig.get_path("stdlib")),
        "Python packages": Path(sysconfig.get_path("purelib")),
        "npm packages": ROOT / "node_modules",
        "system Python packages": Path("/usr/lib/python3/dist-packages"),
    }
    return {name: folder for name, folder in found.items() if folder.is_dir()}


def corpus() -> list[Path]:
    """Files of the Canterbury corpus, where it is present."""
    folder = sources().get("Canterbury corpus")
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder else []


def candidates(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Files worth taking, and whether each is a binary, in the order of their paths."""
    whole = folder.name == "canterbury"
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        wanted = whole or suffix in TEXT_SUFFIXES or suffix in BINARY_SUFFIXES
        if not wanted or path.is_symlink() or not path.is_file():
            continue
        if FILE_BYTES_MIN <= path.stat().st_size <= FILE_BYTES_MAX:
            yield path, suffix in BINARY_SUFFIXES


def assemble(target: Path, mib: int) -> Mixture:
    """Write `mib` MiB to `target`. ValueError if the machine has not that much."""
    room = {True: int(mib * MIB * BINARY_SHARE), False: mib * MIB - int(mib * MIB * BINARY_SHARE)}
    mixture = Mixture(target, mib, 0)
    seen: set[bytes] = set()
    with target.open("wb") as out:
        for name, folder in sources().items():
            for path, binary in candidates(folder):
                if room[binary] == 0:
                    if not any(room.values()):
                        break
                    continue
                content = path.read_bytes()
                digest = hashlib.blake2b(content, digest_size=16).digest()
                if digest in seen:
                    continue
                seen.add(digest)
                taken = content[: room[binary]]
                out.write(taken)
                room[binary] -= len(taken)
                mixture.files += 1
                mixture.sources[name] = mixture.sources.get(name, 0) + len(taken)
    missing = sum(room.values())
    if missing:
        raise ValueError(f"only {(mib * MIB - missing) // MIB} MiB of distinct files were found: use --mib with less")
    return mixture
