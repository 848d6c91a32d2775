"""`npm run soak -- [--gib N] [--browser chromium|firefox] [--seed N] [--json]`: puts and removes in a loop, in one page.

Each cycle puts files of mixed sizes, keeps a few of them for some cycles, removes the others, and looks at what the vault takes
on the disk (the files of its folder) and the browser in memory (Pss, as tests/e2e/test_memory.py counts it). At the end all is
removed: disk use must return, memory must not have grown from the first cycles to the last, and what was kept was whole.
With --json the last line is an object of figures: gib, cycles, files, and what the disk and the memory took, in MiB.
Runs in `.venv`, in a network namespace of its own where the system allows one. The exit code is 1 if a bound was broken.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

from node import MIB, NodeTab, open_node  # noqa: E402 - our own folders come first on the path
from processes import pss_bytes  # noqa: E402
from server import Server  # noqa: E402
from tab import PageError  # noqa: E402
from tests.chaos.kill import BROWSERS, VERIFY  # noqa: E402

GIB = 1024 * MIB
CYCLE_BYTES = 48 * MIB
FILE_BYTES_MAX = 8 * MIB
TEXT_SHARE = 0.2  # the rest is random, which takes less time
KEPT_SHARE = 0.15
KEPT_CYCLES = 4
# A segment of 64 MiB may be half empty before it is worth copying, and one is always being written.
DISK_BYTES_MAX = 192 * MIB  # over the bytes that are kept
DISK_LEFT_BYTES_MAX = 8 * MIB  # with nothing in the vault: an empty log, keys, superblocks, and the log's reserve
MEMORY_GROWTH_BYTES_MAX = 64 * MIB
WARM_UP = 0.2  # of the cycles: collectors and compilers settle
TIDY_TIMEOUT_S = 120.0
POLL_S = 0.5
CALL_TIMEOUT_S = 180.0  # several times what a cycle takes on a busy machine

# What is put comes from a file on the disk, as what people drop does: a Blob of bytes would stay in memory until the browser
# collects it, which is no business of ours.
CYCLE = """
async (makings) => {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("soak", { create: true });
  const roots = [];
  for (const [name, made] of makings) {
    const entry = await folder.getFileHandle(name, { create: true });
    const out = await entry.createWritable();
    await out.write(lab.make(made));
    await out.close();
    const { root } = await globalThis.inos.put(await entry.getFile(), { name });
    await folder.removeEntry(name);
    roots.push(root);
  }
  return roots;
}
"""
REMOVE = "async (roots) => { for (const root of roots) await globalThis.inos.remove(root); }"
DISK = """
async () => {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("inos-vault");
  let total = 0;
  for await (const entry of folder.values()) total += (await entry.getFile()).size;
  return total;
}
"""


# Where a node is that does not answer: what Python's tasks wait for, and the page's own figures.
AUTOPSY = (
    "() => ({ state: globalThis.inos.state(), metrics: globalThis.inos.metrics() })",
    "() => globalThis.inos.stats()",
    """() => globalThis.inos.python(`
def waits(coro):
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
        if frame is None:
            yield repr(coro)
            return
        yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
[f"{task.name}: {' > '.join(waits(task._coro))}" for task in node.tasks.alive]
`)""",
)
AUTOPSY_TIMEOUT_S = 20.0


@dataclass
class Measured:
    """What the loop saw, in bytes."""

    put_bytes: int = 0
    files: int = 0
    disk: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    disk_before: int = 0
    disk_after: int = 0

    def memory_ends(self) -> tuple[float, float]:
        """Typical memory at the beginning (after the warm-up) and at the end."""
        settled = self.memory[int(len(self.memory) * WARM_UP) :]
        part = max(1, len(settled) // 4)
        return statistics.median(settled[:part]), statistics.median(settled[-part:])

    def faults(self) -> list[str]:
        """Bounds that were broken."""
        found = []
        first, last = self.memory_ends()
        if last - first > MEMORY_GROWTH_BYTES_MAX:
            found.append(f"memory grew from {first / MIB:.0f} to {last / MIB:.0f} MiB")
        above = max(disk - kept for disk, kept in zip(self.disk, self.kept, strict=True))
        if above > DISK_BYTES_MAX:
            found.append(f"the vault took {above / MIB:.0f} MiB more than what was in it")
        if self.disk_after > self.disk_before + DISK_LEFT_BYTES_MAX:
            found.append(f"{self.disk_after / MIB:.0f} MiB are left on the disk with nothing in the vault")
        return found


class Soak:
    """The loop, in one page."""

    def __init__(self, node: NodeTab, rng: random.Random) -> None:
        self._node = node
        self._rng = rng
        self._kept: list[tuple[int, str, dict[str, Any]]] = []  # until which cycle, root, how it was made
        self.measured = Measured(disk_before=self.disk())

    def autopsy(self) -> None:
        """Print where the node is."""
        for script in AUTOPSY:
            try:
                print(f"soak  {self._node.tab.call(script, timeout_s=AUTOPSY_TIMEOUT_S)}", flush=True)
            except PageError as error:
                print(f"soak  no answer: {error}", flush=True)

    def disk(self) -> int:
        """Bytes of the vault's files."""
        return int(self._node.tab.call(DISK))

    def run(self, total_bytes: int) -> None:
        """Cycles until so much was put, then remove all."""
        cycle = 0
        while self.measured.put_bytes < total_bytes:
            cycle += 1
            self.cycle(cycle)
            if cycle % 5 == 0:
                done = self.measured
                print(
                    f"soak  {done.put_bytes / GIB:.2f} GiB, disk {done.disk[-1] / MIB:.0f} MiB"
                    f" for {done.kept[-1] / MIB:.0f} MiB, memory {done.memory[-1] / MIB:.0f} MiB",
                    flush=True,
                )
        self._drop([(root, made) for _, root, made in self._kept])
        self._kept = []
        self._wait_for_disk(self.measured.disk_before + DISK_LEFT_BYTES_MAX)
        self.measured.disk_after = self.disk()

    def cycle(self, number: int) -> None:
        """Put, keep a few, remove the others and those whose time is over, measure."""
        makings, length = [], 0
        while length < CYCLE_BYTES:
            size = min(CYCLE_BYTES - length, int(2 ** self._rng.uniform(10, 23)))
            makings.append((f"{number}-{len(makings)}", self._made(size)))
            length += size
        roots = self._node.tab.call(CYCLE, makings, timeout_s=CALL_TIMEOUT_S)
        self.measured.put_bytes += length
        self.measured.files += len(roots)
        removed = []
        for root, (_, made) in zip(roots, makings, strict=True):
            if self._rng.random() < KEPT_SHARE:
                self._kept.append((number + self._rng.randint(1, KEPT_CYCLES), root, made))
            else:
                removed.append(root)
        over = [(root, made) for until, root, made in self._kept if until <= number]
        self._kept = [one for one in self._kept if one[0] > number]
        self._node.tab.call(REMOVE, removed, timeout_s=CALL_TIMEOUT_S)
        self._drop(over)
        kept = sum(made["length"] for _, _, made in self._kept)
        self._wait_for_disk(kept + DISK_BYTES_MAX)
        self.measured.disk.append(self.disk())
        self.measured.kept.append(kept)
        self.measured.memory.append(pss_bytes(self._node.browser.process))

    def _made(self, size: int) -> dict[str, Any]:
        return {
            "kind": "text" if self._rng.random() < TEXT_SHARE else "random",
            "seed": self._rng.getrandbits(31),
            "length": size,
        }

    def _drop(self, over: list[tuple[str, dict[str, Any]]]) -> None:
        """Remove files that were kept for a while, each after a look at its bytes."""
        wrong = self._node.tab.call(VERIFY, [[root, made, []] for root, made in over], timeout_s=CALL_TIMEOUT_S)
        if wrong:
            raise AssertionError(f"kept files are not what they were: {wrong}")
        self._node.tab.call(REMOVE, [root for root, _ in over], timeout_s=CALL_TIMEOUT_S)

    def _wait_for_disk(self, bytes_max: int) -> None:
        """Until the vault has tidied up; what it does not in time is measured as it is."""
        deadline = time.monotonic() + TIDY_TIMEOUT_S
        while self.disk() > bytes_max and time.monotonic() < deadline:
            time.sleep(POLL_S)  # the pause of a poll with a deadline


def result(soak: Soak, seconds: float, seed: int) -> dict[str, Any]:
    """The JSON."""
    measured = soak.measured
    first, last = measured.memory_ends()
    return {
        "gib": round(measured.put_bytes / GIB, 2),
        "cycles": len(measured.disk),
        "files": measured.files,
        "diskBeforeMib": round(measured.disk_before / MIB, 1),
        "diskPeakMib": round(max(measured.disk) / MIB, 1),
        "keptPeakMib": round(max(measured.kept) / MIB, 1),
        "diskAfterMib": round(measured.disk_after / MIB, 1),
        "memoryFirstMib": round(first / MIB),
        "memoryLastMib": round(last / MIB),
        "memoryPeakMib": round(max(measured.memory) / MIB),
        "seconds": round(seconds),
        "seed": seed,
    }


def main(arguments: list[str]) -> int:
    """The exit code."""
    from playwright.sync_api import sync_playwright

    import netns  # our own folders come first on the path
    from conftest import browser_of

    parser = argparse.ArgumentParser(prog="npm run soak --", description="Put and remove files for long, in one page.")
    parser.add_argument("--gib", type=float, default=5.0)
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    if (code := netns.rerun(__file__, arguments)) is not None:
        return code
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="inos-soak-", ignore_cleanup_errors=True) as name,
        sync_playwright() as driver,
    ):
        folder = Path(name)
        server = Server(folder / "server.txt")
        browser = browser_of(driver, options.browser, folder / "profile")
        try:
            soak = Soak(open_node(browser, server), random.Random(seed))
            try:
                soak.run(int(options.gib * GIB))
            except PageError:
                soak.autopsy()
                raise
            faults = [*soak.measured.faults(), *browser.problems()]
        finally:
            with suppress(Exception):
                browser.close()
            server.kill()
    found = result(soak, time.monotonic() - began, seed)
    print(f"soak  {found}")
    for fault in faults:
        print(f"soak  {fault}")
    if options.json:
        print(json.dumps(found), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
