"""`npm run chaos:mesh -- [--nodes N] [--rounds N] [--quiet-s S] [--no-limits] [--json]`.

Real browsers in one mesh: contexts of one Chromium, two Firefox, and a *sleeper*, a Chromium with processes of its own. The
server is there only while pages are loaded or somebody has nobody left, so newcomers join by invitation. In every round a
further Chromium joins, takes a copy of a file and is killed (SIGKILL to its processes); then the sleeper, which holds a copy of
another file, is frozen (SIGSTOP: nothing of it runs, nothing says goodbye), and thawed once others have mended the file. Then
the mesh is split in two halves by closing links: once with one link left between them and no server, once with none, where the
server is the only way. At the end nothing happens for a while, and nobody may be suspected.

What it measures, on the pages' own clock: how long until all had joined, until each survivor suspected the lost one and held it
for dead, until the file had all its copies again, and until the halves were whole. With --json the last line is a JSON object
of these figures. The exit code is 1 if a figure is beyond its limit (`mesh_figures.py`) or a file is lost; with --no-limits only
for the latter. Runs in `.venv`, in a network namespace of its own where the system allows one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

from chromium import Chromium  # noqa: E402 - our own folders come first on the path
from contexts import Contexts  # noqa: E402
from mesh import DETECTOR, MeshNode, cut_all, invite, open_mesh_node, wait_whole  # noqa: E402
from node import MIB, Data  # noqa: E402
from server import Server  # noqa: E402
from tab import PageError  # noqa: E402
from tests.chaos.mesh_figures import JOIN_S, SUSPECT_MS_MAX, Figures, most, p50  # noqa: E402

FIREFOXES = 2
NODES_MIN = 4
COPIES = 3
FILE_BYTES = 4 * MIB
FILES_MAX = 120  # until a certain node was chosen to hold one: a newcomer counts half, so one in ten is
FEW = 9  # of so many each wants a link to each
SPARE = 3  # of more, to all but so many others at least
ALONE_S = 90.0  # a page asks for the server again after up to 30 s; then both ends must
REPLICATION = """() => inos.python("node.replicas.stats()")"""
HOLDERS = "async (root) => (await inos.copies(root)).holders"
# Put a file; its root, and how long until all its copies were there, in ms.
SPREAD = """
async (data, name) => {
  const began = performance.now();
  const done = await lab.put(data, name);
  for (;;) {
    const { live, wanted } = await inos.copies(done.root);
    if (wanted > 1 && live >= wanted) return { ...done, spreadMs: performance.now() - began };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
"""
# When the lost one no longer counts as a holder, and when the file has all its copies without it; on the page's clock. Another
# survivor may be done before this page knows of the loss, so that it never sees too few.
WATCH = """
async (root, lost) => {
  const now = () => performance.timeOrigin + performance.now();
  let known = 0;
  for (;;) {
    const { live, wanted, holders } = await inos.copies(root);
    if (!holders.includes(lost)) known ||= now();
    if (known && live >= wanted) return [known, now()];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
"""


class Campaign:
    """One run."""

    def __init__(self, options: argparse.Namespace, driver: Any, folder: Path, stack: ExitStack) -> None:
        from conftest import browser_of, executable

        self.options = options
        self.figures = Figures()
        self.server = Server(folder / "server.txt")
        stack.callback(self.server.kill)
        self.contexts = Contexts(driver, executable("chromium"), folder)
        stack.callback(self.contexts.close)
        self._started = 0

        def start(kind: str) -> Any:
            self._started += 1
            browser = browser_of(driver, kind, folder / f"{kind}-{self._started}")
            stack.callback(browser.close)
            return browser

        self._start = start
        self.nodes: list[MeshNode] = []  # without the sleeper
        sleeping = start("chromium")
        assert isinstance(sleeping, Chromium)
        stack.callback(sleeping.resume)  # what is frozen cannot be closed
        self._sleeping = sleeping
        self.sleeper = open_mesh_node(sleeping, self.server)

    @property
    def all(self) -> list[MeshNode]:
        """Everybody."""
        return [*self.nodes, self.sleeper]

    def gather(self) -> None:
        """Everybody joins, then the server dies."""
        foxes = min(FIREFOXES, self.options.nodes - 2)
        self.nodes = [open_mesh_node(self.contexts, self.server) for _ in range(self.options.nodes - foxes - 1)]
        self.nodes += [open_mesh_node(self._start("firefox"), self.server) for _ in range(foxes)]
        self.figures.join_s.append(self._wait_whole(self.all, 4 * JOIN_S))
        self.server.kill()
        self.say(f"{len(self.all)} nodes joined {self.figures.join_s[0]:.1f} s after the last page was ready")

    def round(self, number: int) -> None:
        """One is killed, one is frozen and comes back."""
        began, files = time.monotonic(), len(self.figures.replication_mib_s)
        owner = self.nodes[number % len(self.nodes)]
        self.server.start()
        victim = open_mesh_node(self._start("chromium"), self.server, "?room=none")
        self.server.kill()
        invite(owner, victim)
        self._wait_whole([*self.all, victim], 2 * JOIN_S)
        self._lose("killed", number, owner, victim, victim.kill, self.all)
        self._lose("frozen", number, owner, self.sleeper, self._freeze, self.nodes)
        self.server.start()  # nobody has a link to it any more, so no peer can bring it back
        self._sleeping.resume()
        self.figures.thawed_s.append(self._wait_whole(self.all, ALONE_S))
        self.server.kill()
        files = len(self.figures.replication_mib_s) - files
        took = f"{files} files were put, the round took {time.monotonic() - began:.0f} s"
        self.say(f"round {number}: the frozen one is back after {self.figures.thawed_s[-1]:.1f} s; {took}")

    def _wait_whole(self, nodes: list[MeshNode], timeout_s: float) -> float:
        return wait_whole(nodes, timeout_s, spare=0 if len(nodes) <= FEW else SPARE)

    def _freeze(self) -> float:
        return self._sleeping.suspend() * 1_000

    def _lose(
        self, kind: str, number: int, owner: MeshNode, holder: MeshNode, end: Callable[[], float], rest: list[MeshNode]
    ) -> None:
        """A holder ends, and the rest notice and mend."""
        gone, losses = holder.id, self.figures.losses[kind]
        root, sha256 = self._file_at(owner, gone, f"{kind}-{number}")
        rest = [node for node in rest if gone in node.members()]
        for node in rest:
            node.record()
        job = owner.tab.begin(WATCH, root, gone)
        at_ms = end()
        dead_ms, suspect_ms = [], []
        for node in rest:
            try:
                dead_ms.append(node.wait_event("PeerDead", gone, timeout_s=20)["wallMs"] - at_ms)
            except TimeoutError as error:
                told = [
                    (event["what"], round(event["wallMs"] - at_ms)) for event in node.events() if event["id"] == gone
                ]
                error.add_note(
                    f"{type(node.browser).__name__} {node.id[:8]} was told {told}, has {node.members().get(gone)}, "
                    f"{node.tab.call(DETECTOR)}"
                )
                raise
            found = [event["wallMs"] - at_ms for event in node.events("PeerSuspected") if event["id"] == gone]
            suspect_ms += found[:1] or dead_ms[-1:]
            if suspect_ms[-1] > SUSPECT_MS_MAX:
                late = f"{type(node.browser).__name__} {node.id[:8]} suspected it after {suspect_ms[-1]:.0f} ms only"
                self.say(f"round {number}, {kind}: {late}, {node.tab.call(DETECTOR)}")
        known_ms, whole_ms = job.result(timeout_s=60)
        others = [event for node in rest for event in node.events("PeerSuspected") if event["id"] != gone]
        self.figures.suspicions_in_rounds += len(others)
        losses.dead_ms += dead_ms
        losses.suspect_ms += suspect_ms
        losses.repair_ms.append(whole_ms - at_ms)
        if kind == "killed":
            self.figures.detect_s.append(statistics.median(dead_ms) / 1_000)
            self.figures.repair_s.append((whole_ms - at_ms) / 1_000)
        self.figures.lost += owner.hash_of(root)[1] != sha256
        owner.tab.call("(root) => inos.remove(root)", root)  # else the next repair is of one file more than the last
        suspected = f"suspected {p50(suspect_ms)} to {most(suspect_ms)} ms, dead {p50(dead_ms)} to {most(dead_ms)} ms"
        mended = f"the owner knew {known_ms - at_ms:.0f} ms, repaired {whole_ms - at_ms:.0f} ms"
        self.say(f"round {number}, {kind}, of {len(rest)} linked: {suspected}, {mended}")

    def _file_at(self, owner: MeshNode, holder: str, name: str) -> tuple[str, str]:
        """A file of the owner's of which the holder has a copy: it may take several until it is chosen."""
        for attempt in range(FILES_MAX):
            data = Data("random", FILE_BYTES, seed=zlib.crc32(f"{name}-{attempt}".encode()))
            try:
                done = owner.tab.call(SPREAD, vars(data), f"{name}-{attempt}")
            except PageError as error:
                found = {node.id[:8]: node.tab.call(REPLICATION) for node in self.all}
                error.add_note(f"{owner.id[:8]} waits for the copies of {name}-{attempt}: {found}")
                raise
            self.figures.replication_mib_s.append((COPIES - 1) * FILE_BYTES / MIB / done["spreadMs"] * 1_000)
            if holder in owner.tab.call(HOLDERS, done["root"]):
                return done["root"], done["sha256"]
            owner.tab.call("(root) => inos.remove(root)", done["root"])
        raise RuntimeError(f"{holder[:8]} was never chosen")

    def split(self) -> None:
        """Two halves become one again: over one link that is left, and over the server alone."""
        half = len(self.all) // 2
        one, other = self.all[:half], self.all[half:]
        for how, bridged in (("over one link", True), ("over the server", False)):
            if not bridged:
                self.server.start()
            began = time.monotonic()
            known = {node: node.members() for node in one}
            linked = [(node, far) for node in one for far in other if far.id in known[node]]
            spared = linked[:1] if bridged else []
            cut_all([(node, [far for far in other if (node, far) in linked[len(spared) :]]) for node in one])
            self._wait_whole(self.all, ALONE_S)
            self.figures.healed_s[how] = time.monotonic() - began
            self.say(f"two halves were whole again {how} after {self.figures.healed_s[how]:.1f} s")
        self.server.kill()

    def rest(self) -> None:
        """Nothing happens."""
        for node in self.all:
            node.record()
        time.sleep(self.options.quiet_s)  # the quiet itself: there is nothing to wait for
        found = [event for node in self.all for event in node.events("PeerSuspected")]
        self.figures.false_suspicions += len(found)
        self.say(f"{self.options.quiet_s:g} quiet seconds: {len(found)} suspicions")

    def say(self, text: str) -> None:
        """To whoever watches."""
        print(f"chaos  {text}", flush=True)


def main(arguments: list[str]) -> int:
    """The exit code."""
    from playwright.sync_api import sync_playwright

    import netns  # our own folder comes first on the path

    parser = argparse.ArgumentParser(prog="npm run chaos:mesh --", description="Kill nodes of a mesh of real browsers.")
    parser.add_argument("--nodes", type=int, default=8, help=f"{NODES_MIN} at least (default 8)")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quiet-s", type=float, default=180.0, help="how long nothing happens at the end")
    parser.add_argument("--no-limits", action="store_true", help="only a lost file makes the exit code 1")
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    if options.nodes < NODES_MIN:
        parser.error(f"{NODES_MIN} nodes at least")
    if (code := netns.rerun(__file__, arguments)) is not None:
        return code
    with (
        tempfile.TemporaryDirectory(prefix="inos-mesh-", ignore_cleanup_errors=True) as name,
        sync_playwright() as driver,
        ExitStack() as stack,
    ):
        campaign = Campaign(options, driver, Path(name), stack)
        campaign.gather()
        for number in range(options.rounds):
            campaign.round(number)
        campaign.split()
        campaign.rest()
    faults = campaign.figures.faults()
    for fault in faults:
        print(f"chaos  {fault}")
    if options.json:
        print(json.dumps({"nodes": options.nodes, "rounds": options.rounds, **campaign.figures.as_json()}), flush=True)
    return 1 if campaign.figures.lost or (faults and not options.no_limits) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
