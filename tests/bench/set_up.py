"""What a newcomer's set-up costs: `python tests/bench/set_up.py [--readme]`, on Linux.

A fresh clone of the last commit, empty caches of pip and npm, then what `npm start` does before it serves, twice. The bytes are
what the machine's network interfaces received meanwhile, but for loopback: nothing else should use the network.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("<!-- set-up: begin (tests/bench/set_up.py) -->", "<!-- set-up: end -->")


def received_bytes() -> int:
    """By all interfaces but loopback, since the machine started (proc(5), net/dev)."""
    lines = Path("/proc/net/dev").read_text("ascii").splitlines()[2:]
    rows = [line.replace(":", " ").split() for line in lines]
    return sum(int(row[1]) for row in rows if row[0] != "lo")


def set_up(checkout: Path, caches: Path) -> tuple[float, int]:
    """Seconds and bytes of one set-up."""
    own = {"PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(caches), "XDG_CACHE_HOME": str(caches)}
    began, before = time.monotonic(), received_bytes()
    words = ["node", ".ci/python.mjs", ".ci/setup.py", "run"]
    subprocess.run(words, cwd=checkout, env={**os.environ, **own}, check=True, capture_output=True)
    return time.monotonic() - began, received_bytes() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="write the sentence into README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="inos-set-up-") as name:
        checkout = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        first_s, loaded = set_up(checkout, Path(name) / "caches")
        again_s, _ = set_up(checkout, Path(name) / "caches")
    text = (
        f"The first set-up took {first_s:.0f} s here and downloaded {loaded / 2**20:.0f} MiB (compiler, Pyodide, Python and npm "
        f"packages); a later one takes {again_s:.1f} s and downloads nothing."
    )
    print(text)
    if options.readme:
        file = ROOT / "README.md"
        begin, end = MARKS
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        file.write_text(
            re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", file.read_text("utf-8"), flags=re.DOTALL), "utf-8"
        )


if __name__ == "__main__":
    main()
