"""The stage that finds the browsers for tests and writes `.cache/browsers.json`.

`{"chromium": {"path", "source"}, "firefox": {"path", "source"}}`; `source` is `playwright` (its own build, driven by
Playwright) or `system` (Chromium is driven by Playwright with that path, Firefox by the `marionette-driver` package).

`webkit` and `xvfb` are there where they can be had.

Order: Playwright's if installed, a system one, `playwright install`, and on Debian as root the distribution's package.
Must not know: how tests drive them. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

from packages import VENV_PYTHON
from stages import CACHE, Problem, Stage, command, digest, write_atomically

FILE = CACHE / "browsers.json"
SYSTEM_NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "firefox": ("firefox-esr", "firefox"),
}
SYSTEM_PATHS = {
    "chromium": (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    ),
    "firefox": ("/Applications/Firefox.app/Contents/MacOS/firefox", "C:/Program Files/Mozilla Firefox/firefox.exe"),
}
# WebKitGTK lacks what INOS needs, and must say so in words: one test looks at it, where it can be had (Linux). Its browser
# needs a display.
WEBKIT_NAMES = {"webkit": "WebKitWebDriver", "xvfb": "Xvfb"}
WEBKIT_DEBIAN_PACKAGES = ("webkit2gtk-driver", "xvfb")
DEBIAN_PACKAGES = {"chromium": "chromium", "firefox": "firefox-esr"}
# Asks Playwright where its builds would be; starting the driver takes about a second.
ASK_PLAYWRIGHT = """
import json
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    print(json.dumps({"chromium": p.chromium.executable_path, "firefox": p.firefox.executable_path}))
"""

Found = dict[str, dict[str, str]]


def stage() -> Stage:
    if not all(path.exists() for path in recorded_paths()):
        FILE.unlink(missing_ok=True)  # a browser was removed since: look again
    return Stage("browsers", (digest("browsers", "webkit"),), (FILE,), find_all)


def recorded_paths() -> list[Path]:
    try:
        return [Path(entry["path"]) for entry in json.loads(FILE.read_text("utf-8")).values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def find_all() -> None:
    """Find or install both browsers and record them."""
    found = search()
    for name in SYSTEM_NAMES:
        if name not in found:
            install(name)
            found = search()
        if name not in found:
            raise Problem(f"no {name.title()} was found for the tests", f"install {name.title()}, then run it again")
    found |= find_webkit()
    write_atomically(FILE, json.dumps(found, indent=2) + "\n")


def search() -> Found:
    answer = command([VENV_PYTHON, "-c", ASK_PLAYWRIGHT], "playwright-paths")
    own = json.loads(answer.strip().splitlines()[-1])
    found: Found = {}
    for name, names in SYSTEM_NAMES.items():
        if Path(own[name]).exists():
            found[name] = {"path": own[name], "source": "playwright"}
            continue
        by_name = [path for path in map(shutil.which, names) if path]
        by_path = [path for path in SYSTEM_PATHS[name] if Path(path).exists()]
        if by_name or by_path:
            found[name] = {"path": (by_name or by_path)[0], "source": "system"}
    return found


def find_webkit() -> Found:
    """WebKitGTK's driver and a display for it, or nothing: they cannot be had everywhere."""
    if not sys.platform.startswith("linux"):
        return {}
    if not all(map(shutil.which, WEBKIT_NAMES.values())) and is_root_on_debian():
        with contextlib.suppress(Problem):
            apt_install("webkit", *WEBKIT_DEBIAN_PACKAGES)
    paths = {name: shutil.which(program) for name, program in WEBKIT_NAMES.items()}
    return {name: {"path": path, "source": "system"} for name, path in paths.items() if path}


def is_root_on_debian() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(name: str, *debian_packages: str) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    command(["apt-get", "update"], "apt-update", quiet)
    command(["apt-get", "install", "-y", "--no-install-recommends", *debian_packages], f"apt-{name}", quiet)


def install(name: str) -> None:
    """Playwright's download first; where that fails (its host may be out of reach), the distribution's package."""
    root_on_debian = is_root_on_debian()
    try:
        extra = ["--with-deps"] if root_on_debian else []
        command([VENV_PYTHON, "-m", "playwright", "install", *extra, name], f"playwright-{name}")
    except Problem as problem:
        if not root_on_debian:
            todo = f"install {name.title()} by hand, then run it again"
            raise Problem(f"no {name.title()} on this machine, and {problem.what}", todo) from None
        apt_install(name, DEBIAN_PACKAGES[name])
