"""The kernel in a Node process, driven by programs of writes, calls and reads.

Nouns: a *program* is a row of steps that runs in one round trip; ``Kernel.room`` is an arena block that the tests use as
their desk; offsets on it may have any alignment. ``KERNEL_WASM`` is ``static/build/kernel.wasm`` or ``$INOS_KERNEL``.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from inos.memory import layout

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KERNEL_WASM = Path(os.environ.get("INOS_KERNEL", ROOT / "static" / "build" / "kernel.wasm"))
SHARED = Path(os.environ.get("INOS_SHARED", ROOT.parent / "shared"))
MEMORY_BYTES = 256 << 20
DESK_BYTES = 48 << 20
PROGRAM_BYTES_MAX = 24 << 20
EXPORTS = [
    "kernel_version", "arena_attach", "arena_alloc", "arena_retain", "arena_release", "arena_shrink", "arena_used",
    "arena_blocks", "arena_capacity", "arena_check", "blake3_hash", "blake3_keyed", "blake3_derive",
    "blake3_state_bytes", "blake3_init", "blake3_init_keyed", "blake3_update", "blake3_final", "aead_seal", "aead_open",
    "brotli_encode", "brotli_decode", "gear_table", "gear_cut", "keys_derive", "job_run",
]  # fmt: skip


class Trap(Exception):
    """The kernel trapped."""


class Program:
    """Steps that run in one round trip; ``run`` gives the answers of calls and reads in order."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._steps = bytearray()
        self._answers: list[int] = []  # -1: a call; else bytes of a read

    def write(self, offset: int, data: bytes) -> None:
        self._steps += struct.pack("<BII", 1, offset, len(data))
        self._steps += data

    def read(self, offset: int, length: int) -> None:
        self._steps += struct.pack("<BII", 2, offset, length)
        self._answers.append(length)

    def fill(self, offset: int, length: int, value: int = 0) -> None:
        self._steps += struct.pack("<BIIB", 4, offset, length, value)

    def call(self, name: str, *args: int) -> None:
        self._steps += struct.pack(
            f"<BII{len(args)}I", 3, EXPORTS.index(name), len(args), *(a & 0xFFFFFFFF for a in args)
        )
        self._answers.append(-1)

    @property
    def size(self) -> int:
        return len(self._steps) + sum(length for length in self._answers if length > 0)

    def run(self) -> list[int | bytes]:
        answer = self._kernel.exchange(bytes(self._steps))
        out: list[int | bytes] = []
        at = 0
        for length in self._answers:
            if length < 0:
                trapped, value = struct.unpack_from("<Bi", answer, at)
                if trapped:
                    raise Trap
                out.append(value)
                at += 5
            else:
                out.append(answer[at : at + length])
                at += length
        assert at == len(answer)
        self._steps.clear()
        self._answers.clear()
        return out


class Kernel:
    """A Node process with one kernel instance."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._process = subprocess.Popen(
            ["node", str(HERE / "kernel_server.mjs"), str(KERNEL_WASM), str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(json.dumps(EXPORTS).encode())
        self.desk = self.call("arena_alloc", DESK_BYTES) if memory_bytes == MEMORY_BYTES else 0
        self.slot = layout.REGIONS["KEY_SLOTS"][0]
        self.job = layout.REGIONS["JOB_TABLE"][0]
        self.result = layout.REGIONS["JOB_RESULTS"][0]

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack("<I", len(data)) + data)
        self._process.stdin.flush()

    def exchange(self, program: bytes) -> bytes:
        assert self._process.stdout is not None
        self._send(program)
        head = self._process.stdout.read(4)
        assert len(head) == 4, "the kernel's process ended"
        return self._process.stdout.read(struct.unpack("<I", head)[0])

    def program(self) -> Program:
        return Program(self)

    def call(self, name: str, *args: int) -> int:
        program = self.program()
        program.call(name, *args)
        value = program.run()[0]
        assert isinstance(value, int)
        return value

    def write(self, offset: int, data: bytes) -> None:
        program = self.program()
        program.write(offset, data)
        program.run()

    def read(self, offset: int, length: int) -> bytes:
        program = self.program()
        program.read(offset, length)
        data = program.run()[0]
        assert isinstance(data, bytes)
        return data

    def verify(self, cases: Iterable[Callable[[Program], list[int | bytes]]]) -> int:
        """Runs cases, many in one round trip. A case puts its steps into the program and returns the answers it expects."""
        program, expected, count = self.program(), [], 0
        for case in cases:
            expected.append(case(program))
            count += 1
            if program.size > PROGRAM_BYTES_MAX:
                self._compare(program, expected)
        self._compare(program, expected)
        return count

    @staticmethod
    def _compare(program: Program, expected: list[list[int | bytes]]) -> None:
        answers = iter(program.run())
        for number, wanted in enumerate(expected):
            for want in wanted:
                got = next(answers)
                assert got == want, f"case {number}: {got!r:.200} instead of {want!r:.200}"
        expected.clear()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()


class Lengths:
    """Random lengths: log-uniform, mostly below 16 KiB, one in sixty up to 4 MiB; and all 64 alignments in turn."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._pool = random.Random(seed).randbytes(4 << 20)
        self._alignment = 0

    def length(self, most: int = 4 << 20) -> int:
        bits = self.random.uniform(0, 22 if self.random.random() < 1 / 60 else 14)
        return min(most, round(2**bits) - self.random.randrange(2))

    def bytes(self, length: int) -> bytes:
        """Random bytes; every place of one pool is used, so that making them costs little."""
        start = self.random.randrange(len(self._pool) - length + 1)
        return self._pool[start : start + length]

    def alignment(self) -> int:
        self._alignment = (self._alignment + 1) % 64
        return self._alignment


@pytest.fixture(scope="session")
def kernel() -> Iterator[Kernel]:
    assert KERNEL_WASM.is_file(), f"{KERNEL_WASM} is missing: npm run setup builds it"
    running = Kernel()
    yield running
    running.close()


@pytest.fixture
def small_kernel() -> Iterator[Kernel]:
    """An instance on the smallest tier, with nothing allocated."""
    running = Kernel(min(layout.MEMORY_TIERS_BYTES))
    yield running
    running.close()


@pytest.fixture
def lengths(request: pytest.FixtureRequest) -> Lengths:
    return Lengths(sum(request.node.name.encode()))


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def kernel_wasm() -> Path:
    return KERNEL_WASM
