"""Stages that build what the browser loads, into `static/build`: kernel, Pyodide's files, baselines, `.br` siblings.

Invariants: a kernel is kept in `.cache/kernel` under the hash of its sources, so going back to an earlier state costs a
copy; a build script that fails leaves no stamp; files the browser loads are replaced whole (build scripts rename).

Must not know: how packages are fetched beyond asking for the compiler. Standard library only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import packages
from stages import BUILD, CACHE, ROOT, Problem, Stage, command, digest, files_under

if TYPE_CHECKING:
    from pathlib import Path

HERE = ROOT / ".ci"
PY = ROOT / "py"
KERNELS = CACHE / "kernel"
KERNELS_KEPT = 5
PYODIDE = BUILD / "pyodide"
NODE_MODULES = ROOT / "node_modules"


def script(name: str) -> Path:
    path = HERE / name
    if not path.is_file():
        raise Problem(f".ci/{name} is missing from this checkout", "get the whole repository again")
    return path


def kernel() -> Stage:
    builder = HERE / "build_kernel.py"
    requirement_files = (packages.requirements("kernel"), packages.requirements("brotli-src"))
    key = digest("kernel", ROOT / "web" / "kernel", builder, *requirement_files)
    target = BUILD / "kernel.wasm"

    def run() -> None:
        cached = KERNELS / f"{key}.wasm"
        if not cached.exists():
            script("build_kernel.py")
            packages.fetch_compiler()
            KERNELS.mkdir(parents=True, exist_ok=True)
            fresh = KERNELS / f"{key}.{os.getpid()}.tmp"
            source = packages.brotli_source()
            zig = shlex.quote(packages.ZIG.as_posix())  # the script takes a command line
            arguments = ["--out", str(fresh), "--zig", zig, "--brotli-src", str(source or packages.BROTLI_SOURCE)]
            if "CI" in os.environ:
                arguments.append("--check-reproducible")
            command([packages.VENV_PYTHON, builder, *arguments], "kernel", zig_caches())
            fresh.replace(cached)
            forget_old_kernels()
        put_copy(cached, target)

    return Stage("kernel", (key,), (target,), run)


def zig_caches() -> dict[str, str]:
    where = str(CACHE / "zig-cache")
    return {"ZIG_GLOBAL_CACHE_DIR": where, "ZIG_LOCAL_CACHE_DIR": where}


def forget_old_kernels() -> None:
    by_age = sorted(KERNELS.glob("*.wasm"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[KERNELS_KEPT:]:
        old.unlink()


def put_copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def pyodide() -> Stage:
    builder = HERE / "build_pyodide.mjs"
    encoder = ROOT / "web" / "worker" / "python" / "snapshot.js"  # the script writes what this module reads
    sources = (builder, HERE / "pyodide", encoder, PY / "inos", PY / "inos_web", packages.requirements("pyodide"))
    key = digest("pyodide", *sources, ROOT / "package-lock.json")

    def run() -> None:
        script("build_pyodide.mjs")
        command([shutil.which("node") or "node", builder, "--out", PYODIDE], "pyodide")

    names = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "snapshot.bin", "build.json")
    outputs = (*(PYODIDE / name for name in names), BUILD / "inos.zip")
    return Stage("pyodide files", (key,), outputs, run)


def passphrase() -> Stage:
    """hash-wasm's Argon2id, loaded when somebody first uses a passphrase."""
    name = "argon2.umd.min.js"
    key = digest("passphrase", ROOT / "package-lock.json")
    return Stage(
        "passphrase",
        (key,),
        (BUILD / name,),
        lambda: put_copy(NODE_MODULES / "hash-wasm" / "dist" / name, BUILD / name),
    )


def qr() -> Stage:
    """uqr, loaded when somebody first shows an invitation."""
    key = digest("qr", ROOT / "package-lock.json")
    return Stage(
        "qr",
        (key,),
        (BUILD / "uqr.mjs",),
        lambda: put_copy(NODE_MODULES / "uqr" / "dist" / "index.mjs", BUILD / "uqr.mjs"),
    )


# What the benchmarks load beside ours: (file in node_modules, file in static/build/baselines).
BASELINES = (
    ("brotli-wasm/index.web.js", "brotli-wasm/index.web.js"),
    ("brotli-wasm/pkg.web/brotli_wasm.js", "brotli-wasm/pkg.web/brotli_wasm.js"),
    ("brotli-wasm/pkg.web/brotli_wasm_bg.wasm", "brotli-wasm/pkg.web/brotli_wasm_bg.wasm"),
    ("hash-wasm/dist/index.esm.min.js", "hash-wasm/index.esm.min.js"),
    ("libsodium/dist/modules-esm/libsodium.mjs", "libsodium/libsodium.mjs"),
    ("libsodium-wrappers/dist/modules-esm/libsodium-wrappers.mjs", "libsodium/libsodium-wrappers.mjs"),
)


def baselines() -> Stage:
    """The libraries that benchmarks compare with; a bare import that browsers cannot resolve becomes a relative one."""
    target = BUILD / "baselines"

    def run() -> None:
        shutil.rmtree(target, ignore_errors=True)
        for source, name in BASELINES:
            put_copy(NODE_MODULES / source, target / name)
        wrapper = target / "libsodium" / "libsodium-wrappers.mjs"
        text = wrapper.read_text("utf-8")
        wrapper.write_text(text.replace('from"libsodium"', 'from"./libsodium.mjs"'), "utf-8")

    outputs = tuple(target / name for _, name in BASELINES)
    return Stage("baselines", (digest("baselines", *map(str, BASELINES), ROOT / "package-lock.json"),), outputs, run)


def compressed() -> Stage:
    """A Brotli `.br` beside each file of the build that gains by it."""
    facts = [(file, file.stat()) for file in files_under(BUILD) if file.suffix not in {".br", ".tmp"}]
    listing = "\n".join(f"{file.relative_to(BUILD)} {stat.st_size} {stat.st_mtime_ns}" for file, stat in facts)

    def run() -> None:
        command([packages.VENV_PYTHON, HERE / "compress.py", BUILD, CACHE / "compressed.json"], "compress")

    return Stage("compression", (digest("br", listing, sys.platform, HERE / "compress.py"),), (), run)
