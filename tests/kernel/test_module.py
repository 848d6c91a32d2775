"""The built module: its one import, its exports, its stack, and that a build can be repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_imports_and_stack(kernel_wasm):
    """One shared memory in, no start-up surprises; the deepest call (Brotli at q11) stays far from its stack's end."""
    done = subprocess.run(
        ["node", str(HERE / "module_facts.mjs"), str(kernel_wasm)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["imports"] == [{"module": "env", "name": "memory", "kind": "memory"}]
    assert "__stack_pointer" in facts["exports"]
    assert facts["below_kernel_bytes"]
    assert facts["stack_used_bytes"] < facts["stack_bytes"] / 2
    assert facts["neighbour_untouched"]


# The compiler is fetched for the kernel's build only. Where it and Brotli's sources are at hand, a build is repeated here.
if {"INOS_ZIG", "INOS_BROTLI_SRC"} <= os.environ.keys():

    def test_a_build_can_be_repeated(tmp_path):
        command = [sys.executable, str(ROOT / ".ci" / "build_kernel.py"), "--zig", os.environ["INOS_ZIG"]]
        command += ["--brotli-src", os.environ["INOS_BROTLI_SRC"], "--out", str(tmp_path / "kernel.wasm")]
        command += ["--check-reproducible"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
