"""Builds ``kernel.wasm`` from ``web/kernel`` and Brotli's C sources with Zig, reproducibly.

``python build_kernel.py --zig ZIG --brotli-src DIR --out FILE [--check-reproducible]``. ZIG is a command (for example
``python -m ziglang``), DIR the unpacked source distribution of ``brotli`` (it holds ``c/``). Invariants: the same inputs
give the same bytes wherever they lie (nothing of a path enters a stripped build); static data end below ``KERNEL_BYTES``;
the module imports one shared memory and nothing else. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "web" / "kernel"
FEATURES = "generic+simd128+atomics+bulk_memory+mutable_globals+sign_ext+nontrapping_fptoint"
STACK_BYTES = 16_384  # the linker's own; every instance moves its pointer into REGION_STACKS before its first call
MEMORY_PAGE_BYTES = 65_536
C_FLAGS = [
    "-O3",
    "-DNDEBUG",
    "-DBROTLI_BUILD_64_BIT",  # wasm32 has 64-bit registers: a wider bit reader and match comparison
    "-DBROTLI_TARGET_RISCV64",  # the name only: unaligned loads are fast, no assembly is tied to it
    "-DBROTLI_ENCODER_CLEANUP_ON_OOM",  # else it would trap when the arena is full
    "-D__SSE2__=1",  # our immintrin.h maps the matcher's four operations
    "-fno-sanitize=undefined",
    "-fvisibility=hidden",
]


def layout_constant(name: str) -> int:
    """A number from the generated layout."""
    text = (KERNEL / "layout.gen.zig").read_text(encoding="utf-8")
    found = re.search(rf"pub const {name}: u32 = (\d+);", text)
    if found is None:
        raise SystemExit(f"layout.gen.zig has no {name}")
    return int(found[1])


def exports() -> list[str]:
    """Names of main.zig's exported functions."""
    return re.findall(r"^export fn (\w+)", (KERNEL / "main.zig").read_text(encoding="utf-8"), re.MULTILINE)


def c_sources(brotli_c: Path) -> list[Path]:
    """Brotli's sources, in a fixed order."""
    found = [path for part in ("common", "dec", "enc") for path in sorted((brotli_c / part).glob("*.c"))]
    if not found:
        raise SystemExit(f"no C sources below {brotli_c}")
    return found


def build(zig: list[str], brotli_src: Path, out: Path) -> None:
    """One build in a directory of its own, so that neither the checkout's nor the sources' place can leak into it."""
    with tempfile.TemporaryDirectory(prefix="inos-kernel-") as name:
        work = Path(name)
        shutil.copytree(KERNEL, work / "kernel")
        shutil.copytree(brotli_src / "c", work / "brotli")
        sources = [str(path.relative_to(work)) for path in c_sources(work / "brotli")]
        command = [
            *zig, "build-exe", "kernel/main.zig", "-target", "wasm32-freestanding", f"-mcpu={FEATURES}",
            "-OReleaseFast", "-fstrip", "-fno-entry", "-fno-single-threaded", "--name", "kernel",
            "--import-memory", "--shared-memory", "--stack", str(STACK_BYTES),
            f"--initial-memory={layout_constant('KERNEL_BYTES')}", f"--max-memory={layout_constant('MEMORY_BYTES_MAX')}",
            *[f"--export={symbol}" for symbol in ["__stack_pointer", *exports()]],
            "-Ikernel/libc", "-Ibrotli/include",
            "-cflags", *C_FLAGS, "--", *sources,
            "--cache-dir", str(work / "cache"), "--global-cache-dir", str(work / "global"), "-femit-bin=kernel.wasm",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env=dict(os.environ))
        if done.returncode != 0:
            raise SystemExit(f"the kernel does not build:\n{done.stdout}{done.stderr}")
        module = (work / "kernel.wasm").read_bytes()
    check(module)
    out.parent.mkdir(parents=True, exist_ok=True)
    staged = out.with_suffix(".tmp")
    staged.write_bytes(module)
    staged.replace(out)


def leb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def check(module: bytes) -> None:
    """The module declares a shared memory whose initial size (static data and stack) fits below KERNEL_BYTES."""
    at = 8
    while at < len(module):
        section, at = module[at], at + 1
        length, at = leb(module, at)
        if section == 2:
            check_import(module[at : at + length])
            return
        at += length
    raise SystemExit("the kernel imports no memory")


def check_import(section: bytes) -> None:
    """Exactly one import: env.memory, shared, initially no larger than the kernel's part."""
    count, at = leb(section, 0)
    names = []
    for _ in range(2):
        length, at = leb(section, at)
        names.append(section[at : at + length].decode())
        at += length
    kind, flags = section[at], section[at + 1]
    initial, _ = leb(section, at + 2)
    if (count, names, kind, flags) != (1, ["env", "memory"], 2, 3):
        raise SystemExit(f"unexpected imports: {count} {names} {kind} {flags}")
    if initial * MEMORY_PAGE_BYTES > layout_constant("KERNEL_BYTES"):
        raise SystemExit(f"static data need {initial} pages, more than KERNEL_BYTES")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zig", required=True, help="command that runs Zig")
    parser.add_argument("--brotli-src", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--check-reproducible", action="store_true", help="build twice and compare")
    options = parser.parse_args()
    zig = shlex.split(options.zig)
    build(zig, options.brotli_src.resolve(), options.out.resolve())
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    if options.check_reproducible:
        with tempfile.TemporaryDirectory() as name:
            again = Path(name) / "kernel.wasm"
            build(zig, options.brotli_src.resolve(), again)
            if hashlib.sha256(again.read_bytes()).hexdigest() != digest:
                raise SystemExit("two builds differ")
    sys.stdout.write(f"{options.out.name} {options.out.stat().st_size} bytes sha256 {digest}\n")


if __name__ == "__main__":
    main()
