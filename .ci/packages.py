"""Stages that fetch packages: `.venv`, `node_modules`, the wheels for Pyodide, the compiler and Brotli's sources.

Invariants: every package is pinned by version and hash (requirement files, lock file); nothing is compiled on the
user's machine but one source-only test package; no registry is named, so pip's and npm's own configuration decides.
A larger set-up satisfies a smaller one: `npm start` after `npm test` installs nothing again.

Must not know: how assets are built. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from stages import BUILD, CACHE, ROOT, Problem, Stage, command, digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HERE = ROOT / ".ci"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELS = BUILD / "pyodide"
PYODIDE_TAG = ("3.14", "cp314", "pyemscripten_2026_0_wasm32")
PYODIDE_TEST_WHEELS = CACHE / "pyodide-test"
MICROPIP = BUILD / "micropip"
STUBS = CACHE / "typings"
COMPILER = CACHE / "compiler"
ZIG = COMPILER / "ziglang" / ("zig.exe" if os.name == "nt" else "zig")
BROTLI_SOURCE = CACHE / "brotli-source"
PIP_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off"}


def requirements(name: str) -> Path:
    return HERE / f"requirements-{name}.txt"


def pip(
    arguments: Iterable[str | Path],
    log_name: str,
    environment: dict[str, str] | None = None,
    python: str | Path = VENV_PYTHON,
) -> None:
    """Run the .venv's pip, or another Python's, with hashes required.

    A machine may be configured with a folder of packages that were built again locally; pip may prefer them, and their
    hashes differ. So a hash failure is tried once more with the machine's pip configuration put aside.
    """
    words: list[str | Path] = [python, "-m", "pip", *arguments, "--require-hashes", "--no-deps", "--retries", "3"]
    chosen = {**PIP_QUIET, **(environment or {})}
    try:
        command(words, log_name, chosen)
    except Problem as problem:
        if "not the one that INOS was made with" not in problem.what:
            raise
        command([*words, "--isolated"], log_name, {**chosen, "PIP_CONFIG_FILE": os.devnull})


def python_packages(*, testing: bool) -> Stage:
    version = f"{sys.implementation.cache_tag} {sys.platform} {sys.base_prefix}"
    key_run = digest("python run", version, requirements("run"))
    key_test = digest("python test", version, requirements("test"), requirements("test-sdist"))

    def run() -> None:
        make_venv()
        pip(["install", "--only-binary", ":all:", "-r", requirements("test" if testing else "run")], "pip-install")
        if testing:  # built with the setuptools just installed: pip would fetch an unpinned one otherwise
            options = ("--no-binary", ":all:", "--no-build-isolation")
            pip(["install", *options, "-r", requirements("test-sdist")], "pip-install-source")

    keys = (key_test,) if testing else (key_run, key_test)
    return Stage("python packages", keys, (VENV_PYTHON,), run)


def has_atheris() -> bool:
    """Whether the fuzzer has a ready-made build for this Python: CPython 3.11 to 3.13 on 64-bit Linux with glibc."""
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13) and sys.implementation.name == "cpython"
    return fits and sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"


def atheris() -> Stage:
    def run() -> None:
        pip(["install", "--only-binary", ":all:", "-r", requirements("fuzz")], "pip-install-fuzz")

    version = f"{sys.implementation.cache_tag} {sys.platform} {sys.base_prefix}"
    found = (VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages" / "atheris",)
    return Stage("fuzzer", (digest("fuzz", version, requirements("fuzz")),), found, run)


def make_venv() -> None:
    """Create `.venv` where it is missing or of another Python; without `ensurepip` (Debian) lend it the system's pip."""
    if VENV_PYTHON.exists():
        probe = [str(VENV_PYTHON), "-c", "import pip, sys; print(sys.implementation.cache_tag, sys.base_prefix)"]
        found = subprocess.run(probe, capture_output=True, text=True, check=False)
        if found.stdout.split() == [str(sys.implementation.cache_tag), sys.base_prefix]:
            return
        shutil.rmtree(VENV)
    try:
        command([sys.executable, "-m", "venv", "--clear", VENV], "venv")
    except Problem:
        shutil.rmtree(VENV, ignore_errors=True)
        if not has_own_pip():
            raise Problem(
                "this Python cannot make virtual environments: its venv or ensurepip module is missing",
                "install it (on Debian and Ubuntu: apt install python3-venv), then run the same command again",
            ) from None
        command([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], "venv")
        options: tuple[str | Path, ...] = ("--python", VENV_PYTHON, "install", "--only-binary", ":all:")
        pip([*options, "-r", requirements("pip")], "venv-pip", python=sys.executable)


def has_own_pip() -> bool:
    probe = [sys.executable, "-c", "import venv, pip; assert int(pip.__version__.split('.')[0]) >= 23"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def node_packages(*, testing: bool) -> Stage:
    parts = (f"{sys.platform} {os.uname().machine if hasattr(os, 'uname') else ''}", ROOT / "package-lock.json")
    key_run = digest("node run", *parts)
    key_test = digest("node test", *parts)

    def run() -> None:
        npm = shutil.which("npm") or "npm"
        extra = [] if testing else ["--omit=dev"]
        command([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *extra], "npm-ci")

    keys = (key_test,) if testing else (key_run, key_test)
    return Stage("node packages", keys, (ROOT / "node_modules" / "pyodide" / "package.json",), run)


def pyodide_wheels() -> Stage:
    """The wheels that run inside Pyodide, fetched for its platform tag whatever this machine is."""

    def run() -> None:
        WHEELS.mkdir(parents=True, exist_ok=True)
        for old in WHEELS.glob("*.whl*"):
            old.unlink()
        python, abi, platform = PYODIDE_TAG
        target = ["--python-version", python, "--implementation", "cp", "--abi", abi, "--platform", platform]
        where: list[str | Path] = ["--only-binary", ":all:", "-d", WHEELS, "-r", requirements("pyodide")]
        pip(["download", *target, *where], "pip-wheels")

    names = [line.split()[0].replace("==", "-") for line in requirements("pyodide").read_text("utf-8").splitlines()]
    outputs = tuple(WHEELS / f"{name}-cp314-cp314-{PYODIDE_TAG[2]}.whl" for name in names)
    return Stage("pyodide wheels", (digest("wheels", requirements("pyodide")),), outputs, run)


def pyodide_test_wheels() -> Stage:
    """pytest for inside Pyodide (tests/pyodide): pure wheels, unpacked there and never installed here."""

    def run() -> None:
        shutil.rmtree(PYODIDE_TEST_WHEELS, ignore_errors=True)
        PYODIDE_TEST_WHEELS.mkdir(parents=True)
        target = ["--python-version", PYODIDE_TAG[0], "--platform", "any", "--only-binary", ":all:"]
        pip(["download", *target, "-d", PYODIDE_TEST_WHEELS, "-r", requirements("pyodide-test")], "pip-pyodide-test")

    lines = requirements("pyodide-test").read_text("utf-8").splitlines()
    outputs = tuple(PYODIDE_TEST_WHEELS / f"{line.split()[0].replace('==', '-')}-py3-none-any.whl" for line in lines)
    return Stage("pytest for pyodide", (digest("pytest", requirements("pyodide-test")),), outputs, run)


def micropip() -> Stage:
    """The installer of the console's scratch worker: one pure wheel, loaded when a source first names it."""

    def run() -> None:
        shutil.rmtree(MICROPIP, ignore_errors=True)
        MICROPIP.mkdir(parents=True)
        target = ["--python-version", PYODIDE_TAG[0], "--platform", "any", "--only-binary", ":all:"]
        pip(["download", *target, "-d", MICROPIP, "-r", requirements("micropip")], "pip-micropip")
        (wheel,) = MICROPIP.glob("*.whl")
        about = {"file": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
        (MICROPIP / "wheel.json").write_text(json.dumps(about), "utf-8")

    return Stage("micropip", (digest("micropip", requirements("micropip")),), (MICROPIP / "wheel.json",), run)


def type_stubs() -> Stage:
    """`pyodide-py` for the type checker: it wants Python 3.14, so it is unpacked beside, never installed."""

    def run() -> None:
        shutil.rmtree(STUBS, ignore_errors=True)
        options = ("--ignore-requires-python", "--only-binary", ":all:")
        pip(["install", *options, "--target", STUBS, "-r", requirements("stubs")], "pip-stubs")

    return Stage("type stubs", (digest("stubs", requirements("stubs")),), (STUBS / "pyodide" / "__init__.py",), run)


def fetch_compiler() -> None:
    """The Zig compiler (about 100 MB to download) and Brotli's C sources, by hash; only the kernel's build needs them."""
    if not ZIG.exists():
        shutil.rmtree(COMPILER, ignore_errors=True)
        half = COMPILER.with_name(f"{COMPILER.name}.tmp")
        shutil.rmtree(half, ignore_errors=True)
        pip(["install", "--only-binary", ":all:", "--target", half, "-r", requirements("kernel")], "pip-compiler")
        half.rename(COMPILER)  # whole or not at all
    if brotli_source() is None:
        shutil.rmtree(BROTLI_SOURCE, ignore_errors=True)
        BROTLI_SOURCE.mkdir(parents=True)
        # pip asks a source package for its metadata: with the pinned setuptools beside the compiler, not a fetched one.
        options = ("--no-binary", ":all:", "--no-build-isolation")
        where = ("-d", BROTLI_SOURCE, "-r", requirements("brotli-src"))
        pip(["download", *options, *where], "pip-brotli", {"PYTHONPATH": str(COMPILER)})
        for archive in BROTLI_SOURCE.glob("*.tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(BROTLI_SOURCE, filter="data") if hasattr(tarfile, "data_filter") else unpack(tar)
            archive.unlink()


def unpack(tar: tarfile.TarFile) -> None:
    """Plain files only (Python before 3.11.4 has no extraction filters)."""
    for member in tar.getmembers():
        if member.isfile() and ".." not in member.name.split("/") and not member.name.startswith("/"):
            tar.extract(member, BROTLI_SOURCE)


def brotli_source() -> Path | None:
    """The unpacked source folder, with the archive gone as the sign that unpacking finished."""
    if any(BROTLI_SOURCE.glob("*.tar.gz")):
        return None
    return next((folder for folder in BROTLI_SOURCE.glob("brotli-*") if folder.is_dir()), None)
