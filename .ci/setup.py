"""Set INOS up: `python3 .ci/setup.py run|test|bench|fuzz`. Idempotent; the second time takes a fraction of a second.

`run` installs and builds what `npm start` needs; `test` and `bench` add what tests and measurements need; `fuzz` installs the
Python packages of tests, and atheris where it has a build for this Python.
Everything lands in the checkout (`.venv`, `node_modules`, `static/build`, `.cache`), nothing outside it, apart from the
browsers that tests need where the machine has none. A problem is told in plain words with exit code 2.

Standard library only; must be readable by an old Python as far as the version check below.
"""

from __future__ import annotations

import sys
import time

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must be told so in words
    sys.exit("INOS needs Python 3.11 or newer; this is " + sys.version.split()[0])

import shutil
import subprocess
from typing import TYPE_CHECKING

import assets
import browsers
import packages
from stages import BUILD, CACHE, ROOT, Problem, Stage, only_one, perform

if TYPE_CHECKING:
    from collections.abc import Callable

NODE_MAJOR_MIN = 20
FREE_BYTES_MIN = 1_500_000_000  # .venv 250 MB, node_modules 190 MB, compiler 400 MB unpacked, build 100 MB, and room


def say(line: str) -> None:
    print(f"set-up  {line}", flush=True)


def check_node() -> None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise Problem("Node.js is missing", f"install Node.js {NODE_MAJOR_MIN} or newer (it brings npm)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = version.lstrip("v").split(".")[0]
    if not major.isdigit() or int(major) < NODE_MAJOR_MIN:
        raise Problem(
            f"Node.js {version or 'of unknown version'} is too old", f"install Node.js {NODE_MAJOR_MIN} or newer"
        )


def check_disk(makers: list[Callable[[], Stage]]) -> None:
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES_MIN and not all(maker().is_fresh() for maker in makers):
        raise Problem(f"only {free // 1_000_000} MB of disk space are left", f"free {FREE_BYTES_MIN // 1_000_000} MB")


def stages_for(target: str) -> list[Callable[[], Stage]]:
    if target == "fuzz":
        return [lambda: packages.python_packages(testing=True), *([packages.atheris] if packages.has_atheris() else [])]
    testing = target != "run"
    makers: list[Callable[[], Stage]] = [
        lambda: packages.python_packages(testing=testing),
        lambda: packages.node_packages(testing=testing),
        packages.pyodide_wheels,
        packages.micropip,
        assets.kernel,
        assets.pyodide,
        assets.passphrase,
        assets.qr,
    ]
    if testing:
        makers += [packages.pyodide_test_wheels, packages.type_stubs, assets.baselines, browsers.stage]
    return [*makers, assets.compressed]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in {"run", "test", "bench", "fuzz"}:
        print("usage: python3 .ci/setup.py run|test|bench|fuzz", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        with only_one(say):
            check_node()
            makers = stages_for(arguments[0])
            check_disk(makers)
            ran = perform(makers, say)
    except Problem as problem:
        print(f"\nset-up stopped: {problem.what}\n        to do: {problem.todo}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nset-up interrupted; the same command continues it", file=sys.stderr)
        return 130
    except OSError as error:
        print(
            f"\nset-up stopped: {error}\n        to do: look at that file or disk, then run it again", file=sys.stderr
        )
        return 2
    state = "done" if ran else "up to date"
    say(f"{state} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    BUILD.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    sys.exit(main(sys.argv[1:]))
