"""`.venv/bin/python tests/fuzz/make_corpus.py`: write every target's seeds into its corpus; what was found (`found-*`) stays.

Run it when a format or a target changes; a test says when it is due.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "unit")]

from tests.fuzz.target import Target, load, name_of, names  # noqa: E402 - our own folders come first on the path


def write(target: Target) -> int:
    """Files that the corpus has afterwards."""
    target.corpus.mkdir(parents=True, exist_ok=True)
    wanted = {name_of(data): data for data in target.seeds()}
    for file in target.corpus.iterdir():
        if not file.name.startswith("found-") and file.name not in wanted:
            file.unlink()
    for name, data in wanted.items():
        (target.corpus / name).write_bytes(data)
    return len(list(target.corpus.iterdir()))


if __name__ == "__main__":
    for each in names():
        print(f"{each:12} {write(load(each))} files")
