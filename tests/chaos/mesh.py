"""`npm run chaos:mesh -- [--nodes N] [--rounds N] [--quiet-s S] [--json]`.

Real browsers in one mesh: contexts of one Chromium, two Firefox, and in every round one further Chromium with processes of its
own, which takes a copy of a file and is then killed (SIGKILL). The server is there only while pages are loaded, so newcomers join
by invitation. At the end nothing happens for a while, and nobody may be suspected.

What it measures, all on the pages' own clock: how long until all had joined, until each survivor suspected the victim and held
it for dead, and until the file had all its copies again. With --json the last line is a JSON object of these figures. The exit
code is 1 if a figure is beyond its limit: joined in 30 s, suspected within 1 s at p50 and 1.5 s at most, repaired within 5 s at
p50, no false suspicion, every file whole. Runs in `.venv`, in a network namespace of its own where the system allows one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

from contexts import Contexts  # noqa: E402 - our own folders come first on the path
from mesh import MeshNode, invite, open_mesh_node, wait_whole  # noqa: E402
from node import MIB, Data  # noqa: E402
from server import Server  # noqa: E402

FIREFOXES = 2
JOIN_S = 30.0
SUSPECT_MS_P50, SUSPECT_MS_MAX = 1_000.0, 1_500.0
REPAIR_MS_P50 = 5_000.0
COPIES = 3
FILE_BYTES = 8 * MIB
KEPT = "async (root) => { const { live, wanted } = await inos.copies(root); return wanted > 1 && live >= wanted; }"
HOLDERS = "async (root) => (await inos.copies(root)).holders"
# The file has fewer copies than it shall have, and then all of them again; when, on the page's clock.
WATCH = """
async (root) => {
  const now = () => performance.timeOrigin + performance.now();
  const look = async (isIt) => {
    for (;;) {
      const { live, wanted } = await inos.copies(root);
      if (isIt(live, wanted)) return now();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const short = await look((live, wanted) => live < wanted);
  return [short, await look((live, wanted) => live >= wanted)];
}
"""


@dataclass
class Figures:
    """What was measured."""

    join_s: float = 0.0
    suspect_ms: list[float] = field(default_factory=list)
    dead_ms: list[float] = field(default_factory=list)
    repair_ms: list[float] = field(default_factory=list)
    false_suspicions: int = 0
    lost: int = 0

    def as_json(self) -> dict[str, Any]:
        """Round figures."""
        return {
            "join_s": round(self.join_s, 1),
            "suspect_p50_ms": _p50(self.suspect_ms),
            "suspect_max_ms": _max(self.suspect_ms),
            "dead_p50_ms": _p50(self.dead_ms),
            "dead_max_ms": _max(self.dead_ms),
            "repair_p50_ms": _p50(self.repair_ms),
            "repair_max_ms": _max(self.repair_ms),
            "false_suspicions": self.false_suspicions,
            "lost": self.lost,
        }

    def faults(self) -> list[str]:
        """What is beyond its limit."""
        said = []
        if self.join_s > JOIN_S:
            said.append(f"joined in {self.join_s:.1f} s")
        if self.suspect_ms and (_p50(self.suspect_ms) > SUSPECT_MS_P50 or _max(self.suspect_ms) > SUSPECT_MS_MAX):
            said.append(f"suspected after {_p50(self.suspect_ms)} ms at p50, {_max(self.suspect_ms)} ms at most")
        if self.repair_ms and _p50(self.repair_ms) > REPAIR_MS_P50:
            said.append(f"repaired after {_p50(self.repair_ms)} ms at p50")
        if self.false_suspicions:
            said.append(f"{self.false_suspicions} false suspicions")
        if self.lost:
            said.append(f"{self.lost} files lost")
        return said


def _p50(values: list[float]) -> float:
    return round(statistics.median(values)) if values else 0.0


def _max(values: list[float]) -> float:
    return round(max(values, default=0.0))


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
        self.nodes: list[MeshNode] = []

    def gather(self) -> None:
        """Everybody joins, then the server dies."""
        foxes = min(FIREFOXES, self.options.nodes - 2)
        self.nodes = [open_mesh_node(self.contexts, self.server) for _ in range(self.options.nodes - foxes)]
        self.nodes += [open_mesh_node(self._start("firefox"), self.server) for _ in range(foxes)]
        self.figures.join_s = wait_whole(self.nodes, 4 * JOIN_S)
        self.server.kill()
        self.say(f"{len(self.nodes)} nodes joined {self.figures.join_s:.1f} s after the last page was ready")

    def round(self, number: int) -> None:
        """A victim comes, takes a copy, and is gone."""
        owner = self.nodes[number % len(self.nodes)]
        self.server.start()
        victim = open_mesh_node(self._start("chromium"), self.server, "?room=none")
        self.server.kill()
        invite(owner, victim)
        wait_whole([*self.nodes, victim], 2 * JOIN_S)
        root, sha256 = self._file_at(owner, victim, number)
        for node in self.nodes:
            node.record()
        job = owner.tab.begin(WATCH, root)
        gone = victim.id
        at_ms = victim.kill()
        for node in self.nodes:
            self.figures.dead_ms.append(node.wait_event("PeerDead", gone, timeout_s=20)["wallMs"] - at_ms)
            suspected = [event["wallMs"] - at_ms for event in node.events("PeerSuspected") if event["id"] == gone]
            self.figures.suspect_ms += suspected[:1] or self.figures.dead_ms[-1:]
            others = [event for event in node.events("PeerSuspected") if event["id"] != gone]
            self.figures.false_suspicions += len(others)
        _short, whole_ms = job.result(timeout_s=60)
        self.figures.repair_ms.append(whole_ms - at_ms)
        self.figures.lost += owner.hash_of(root)[1] != sha256
        self.say(f"round {number}: suspected {_p50(self.figures.suspect_ms)} ms, repaired {whole_ms - at_ms:.0f} ms")

    def _file_at(self, owner: MeshNode, victim: MeshNode, number: int) -> tuple[str, str]:
        """A file of the owner's of which the victim has a copy: it may take several until it is chosen."""
        for attempt in range(20):
            done = owner.put(Data("random", FILE_BYTES, seed=number * 100 + attempt), f"file-{number}-{attempt}")
            owner.tab.wait_for("all copies are there", KEPT, done["root"], timeout_s=60)
            if victim.id in owner.tab.call(HOLDERS, done["root"]):
                return done["root"], done["sha256"]
        raise RuntimeError("the victim was never chosen")

    def rest(self) -> None:
        """Nothing happens."""
        for node in self.nodes:
            node.record()
        time.sleep(self.options.quiet_s)  # the quiet itself: there is nothing to wait for
        found = [event for node in self.nodes for event in node.events("PeerSuspected")]
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
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quiet-s", type=float, default=180.0, help="how long nothing happens at the end")
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    if not netns.is_inside():
        words, note = netns.wrapped([sys.executable, __file__, *arguments])
        print(f"network: {note}", flush=True)
        if words[0] != sys.executable:
            return subprocess.run(words, check=False).returncode
    with (
        tempfile.TemporaryDirectory(prefix="inos-mesh-", ignore_cleanup_errors=True) as name,
        sync_playwright() as driver,
        ExitStack() as stack,
    ):
        campaign = Campaign(options, driver, Path(name), stack)
        campaign.gather()
        for number in range(options.rounds):
            campaign.round(number)
        campaign.rest()
    faults = campaign.figures.faults()
    for fault in faults:
        print(f"chaos  {fault}")
    if options.json:
        print(json.dumps({"nodes": options.nodes, "rounds": options.rounds, **campaign.figures.as_json()}), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
