"""`npm run build`: the site as one folder for any static host: `build_site.py [--out dist] [--rendezvous URL]`.

The folder has all that browsers load, `config.json` (the one file to edit later: ICE servers, and which meeting server, as far as
the content security policy of this build reaches it) and `build/site.js`, the listing that the service worker starts from. It
works at the root of a host or in a folder of it; where the host sends no headers, the service worker does. `_headers` spares
some hosts' visitors the second load.

Invariants: the folder is made beside the old one and takes its place at the end; a folder that is not a build of ours is not
touched. What only measurements compare with is left out. Runs in `.venv`, after the set-up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "py"))

from inos_host.server.headers import CSP_DIRECTIVES, SECURITY  # noqa: E402 - it lies in py
from inos_host.server.site import CONFIG_PATH, LISTING_PATH, Site  # noqa: E402 - as above
from inos_host.server.static_files import StaticFiles  # noqa: E402 - as above

LISTING = LISTING_PATH[1:]
# "Measure" reads real text out of it; the page itself never loads it
ALSO = ("build/pyodide/stock/python_stdlib.zip", "build/pyodide/stock/pyodide-lock.json")


class Stop(Exception):
    """Why nothing was built, in one line."""


def security(rendezvous: str | None) -> dict[str, str]:
    """The headers of a page that may reach its meeting server, too."""
    if rendezvous is None:
        return dict(SECURITY)
    directives = (
        f"{one} {rendezvous_origin(rendezvous)}" if one.startswith("connect-src") else one for one in CSP_DIRECTIVES
    )
    return {**SECURITY, "Content-Security-Policy": "; ".join(directives)}


def rendezvous_origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"wss", "ws"} or not parts.hostname or any(mark in url for mark in " ;,\"'\\"):
        raise Stop(f"--rendezvous wants wss://HOST/PATH, not {url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def build(checkout: Path, out: Path, rendezvous: str | None = None) -> tuple[str, int]:
    """Make the folder; the build's name and its bytes."""
    if out.exists() and not (out / LISTING).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise Stop(f"{out} holds something else: choose another folder by --out")
    headers = security(rendezvous)
    files = StaticFiles(checkout)
    site = Site(checkout, files, headers)
    fresh = out.with_name(f"{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    for path, file in site.paths():
        copy(file, fresh / path[1:])
    for name in ALSO:
        copy(checkout / "static" / name, fresh / name)
    name, listing = site.listing()
    (fresh / LISTING).write_bytes(listing)
    config: dict[str, object] = {"rendezvous": rendezvous, "iceServers": []}
    (fresh / CONFIG_PATH[1:]).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    lines = "".join(f"  {header}: {value}\n" for header, value in headers.items())
    (fresh / "_headers").write_text(f"/*\n{lines}", "utf-8")
    size = sum(file.stat().st_size for file in fresh.rglob("*") if file.is_file())
    put_in_place(fresh, out)
    return name, size


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def put_in_place(fresh: Path, out: Path) -> None:
    old = out.with_name(f"{out.name}.{os.getpid()}.old.tmp")
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="npm run build --", description="Make the site as one folder for any static host."
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder (default: dist)")
    parser.add_argument(
        "--rendezvous", help="a meeting server, wss://HOST/PATH (default: none; people invite each other)"
    )
    options = parser.parse_args(arguments)
    try:
        name, size = build(ROOT, options.out.resolve(), options.rendezvous)
    except (Stop, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    print(f"build: {options.out} is ready, {size / 2**20:.1f} MiB, build {name[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
