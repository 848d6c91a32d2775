"""Write Brotli `.br` siblings for the files of a folder: `compress.py FOLDER MEMORY.json`, run by the set-up in `.venv`.

Invariants: a sibling carries exactly its file's modification time, which is how the server knows that it belongs to
the present bytes; a file that gains less than 3 % has no sibling; MEMORY.json remembers contents already looked at.
Quality 9: quality 11 saves a few per cent more and takes a minute longer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import brotli

QUALITY = 9
WINDOW_BITS = 24
GAIN_MIN = 0.03


def compress(path: str) -> tuple[str, str, bool]:
    """Make or refresh the sibling of one file: (path, hash of the file, whether it has a sibling)."""
    file = Path(path)
    raw = file.read_bytes()
    packed = brotli.compress(raw, quality=QUALITY, lgwin=WINDOW_BITS)
    gained = len(packed) <= len(raw) * (1 - GAIN_MIN)
    sibling = Path(f"{path}.br")
    if gained:
        temporary = Path(f"{path}.br.{os.getpid()}.tmp")
        temporary.write_bytes(packed)
        temporary.replace(sibling)
        match_time(file, sibling)
    else:
        sibling.unlink(missing_ok=True)
    return path, hashlib.sha256(raw).hexdigest(), gained


def match_time(file: Path, sibling: Path) -> None:
    stat = file.stat()
    os.utime(sibling, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def is_known(file: Path, known: dict[str, list[object]]) -> bool:
    """True if these very bytes were compressed before; then only the sibling's time is brought up to date."""
    content, gained = known.get(str(file), ["", False])
    if hashlib.sha256(file.read_bytes()).hexdigest() != content:
        return False
    sibling = Path(f"{file}.br")
    if not gained:
        return not sibling.exists()
    if not sibling.exists():
        return False
    match_time(file, sibling)
    return True


def main(folder: Path, memory: Path) -> None:
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix not in {".br", ".tmp"}]
    for stray in folder.rglob("*.br"):
        if not stray.with_suffix("").exists():
            stray.unlink()
    # Largest first: the snapshot takes longer than all the others together.
    work = sorted((f for f in files if not is_known(f, known)), key=lambda f: f.stat().st_size, reverse=True)
    kept = {str(file): known[str(file)] for file in files if file not in set(work)}
    if work:
        with ProcessPoolExecutor() as pool:
            for path, content, gained in pool.map(compress, map(str, work)):
                kept[path] = [content, gained]
    temporary = memory.with_suffix(".tmp")
    temporary.write_text(json.dumps(kept), "utf-8")
    temporary.replace(memory)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
