"""`npm run chaos:hostile -- [--only WORDS] [--json]`: hostile nodes against a victim, over real channels (security.md, T15, T16).

The victim is a Chromium with processes of its own. Every attack (`attacks.py`) comes from a fresh page of another Chromium with
a device of its own, which runs our program with a change. What is measured, at the victim: how long until the attacker is refused
(an attempt counts from the opening of its channel, anything else from the blow), how long the page's calls of the brain take
meanwhile (the loop, p99) beside the same with nobody there, and how much memory its processes take more.

With --json the last line is {"attacks": {name: {"refused_s", "reason"}}, "loop_p99_ms", "loop_idle_p99_ms", "grown_mib"}. The
exit code is 1 if an attack was not refused in its time, or the loop's p99 or the memory is above what is wanted. Runs in
`.venv`, in a network namespace of its own where the system allows one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

from chromium import ChromiumTab  # noqa: E402 - our own folders come first on the path
from contexts import Contexts  # noqa: E402
from mesh import MeshNode, open_mesh_node, wait_whole  # noqa: E402
from node import MIB, Data  # noqa: E402
from processes import PssWatch, pss_bytes  # noqa: E402
from server import Server  # noqa: E402
from tests.chaos.attacks import ATTACKS, Attack  # noqa: E402

LOOP_P99_MS = 50.0
GROWN_MIB = 32.0  # what a browser takes for itself while it works comes and goes by half of that
IDLE_S = 5.0
TIMEOUT_S = 30.0
# Notes at the victim when channels open and attempts and links end, and when a source is asked and put to rest.
TAP = """
import time
from inos.transfer.sources import Source
links, opened, seen = node.links, {}, []
end, on_opened, rest, ask = links._end, links.on_opened, Source.rest, Source.opened
now_ms = lambda: time.time() * 1_000
def ended(slot, error):
    if slot.state.value in ("pending", "up") and slot.session is not None:
        seen.append([slot.session[:8].hex(), error.code, opened.get(tuple(slot.link), 0), now_ms(), str(error)])
    end(slot, error)
def saw(channel, generation, now):
    opened.setdefault((channel, generation), now_ms())
    on_opened(channel, generation, now)
def asked(source, request, now):
    if not source.open:
        opened[source.peer_id] = now_ms()
    ask(source, request, now)
def rested(source, now):
    seen.append([source.peer_id[:8].hex(), "rest", opened[source.peer_id], now_ms(), "rest"])
    rest(source, now)
links._end = links.dialer._end = ended
links.on_opened, Source.rest, Source.opened = saw, rested, asked
node.seen = seen
"""
# What a node may say in its room at the server is for one that joins, not for fourteen that come one after the other.
REFRESH = """
from inos.links.rendezvous import Membership
for member in node.links._rendezvous.rooms.values():
    member.budget = Membership(member.room).budget
"""
SEEN = "async () => globalThis.inos.python('list(node.seen)')"
PYTHON = "(source) => globalThis.inos.python(source)"
NOW_MS = "() => performance.timeOrigin + performance.now()"
# One call of the brain after another, until it is told to stop; how long each took.
LOOP = """
async () => {
  const took = [];
  window.loopOn = true;
  while (window.loopOn) {
    const began = performance.now();
    await inos.room();
    took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return took;
}
"""
STOP = "() => { window.loopOn = false; }"
FETCH = "(link) => { inos.fetch(link).catch(() => {}); }"


@dataclass
class Findings:
    """Of a run."""

    attacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    loop_ms: list[float] = field(default_factory=list)
    idle_ms: list[float] = field(default_factory=list)
    grown_mib: float = 0.0
    faults: list[str] = field(default_factory=list)

    def weigh(self) -> None:
        """The loop's time and the memory against what is wanted."""
        if p99(self.loop_ms) > LOOP_P99_MS:
            self.faults.append(f"the loop's p99 is above {LOOP_P99_MS:g} ms")
        if self.grown_mib > GROWN_MIB:
            self.faults.append(f"more than {GROWN_MIB:g} MiB were taken")

    def as_json(self) -> dict[str, Any]:
        """Round figures."""
        return {
            "attacks": self.attacks,
            "loop_p99_ms": p99(self.loop_ms),
            "loop_idle_p99_ms": p99(self.idle_ms),
            "grown_mib": round(self.grown_mib, 1),
        }


def p99(values: list[float]) -> float:
    """Of sorted values the one below which 99 of a hundred lie."""
    return round(sorted(values)[max(0, len(values) * 99 // 100 - 1)], 1) if values else 0.0


class Siege:
    """One victim, and whoever comes. ``slack``: by how much a refusal may be later, on a machine that does other things."""

    def __init__(self, victim: MeshNode, camp: Contexts, server: Server, slack: float = 1.0) -> None:
        self.victim = victim
        self.found = Findings()
        self._slack = slack
        self._camp = camp
        self._server = server
        victim.tab.call(PYTHON, TAP)

    def greet(self) -> None:
        """Somebody honest comes and goes, so that what a first link takes of memory has been taken."""
        guest = open_mesh_node(self._camp, self._server)
        wait_whole([self.victim, guest])
        guest.tab.close()

    def idle(self, seconds: float = IDLE_S) -> None:
        """What the loop takes with nobody there."""
        job = self.victim.tab.begin(LOOP)
        time.sleep(seconds)  # the quiet itself: there is nothing to wait for
        self.victim.tab.call(STOP)
        self.found.idle_ms += job.result()

    def run(self, attack: Attack) -> None:
        """Attack, and see it refused."""
        tab = self._camp.tab()
        assert isinstance(tab, ChromiumTab)
        if attack.change is not None:
            self._change(tab, *attack.change)
        tab.goto(f"{self._server.url}?room=none")
        mallory = MeshNode(tab, self._camp)
        tab.allow_problems(".*")  # what a changed program says is nobody's business
        mallory.wait_ready()
        if attack.arm:
            tab.call(PYTHON, attack.arm)
        self.victim.tab.call(PYTHON, REFRESH)
        before = pss_bytes(self.victim.browser.process)
        job = self.victim.tab.begin(LOOP)
        with PssWatch(self.victim.browser.process) as watch:
            struck_ms = self._meet(attack, mallory)
            refused = self._wait_refused(attack, mallory.id[:16], struck_ms)
        self.victim.tab.call(STOP)
        self.found.loop_ms += job.result()
        self._judge(attack, refused, (watch.peak_bytes - before) / MIB)
        tab.close()

    def _change(self, tab: ChromiumTab, name: str, old: str, new: str) -> None:
        text = (ROOT / "web" / "worker" / "net" / name).read_text("utf-8")
        assert text.count(old) == 1, f"{name} no longer says {old!r}"
        body = text.replace(old, new)

        def changed(route: Any) -> None:
            route.fulfill(response=route.fetch(), body=body)

        tab.page.context.route(f"**/web/worker/net/{name}", changed)

    def _meet(self, attack: Attack, mallory: MeshNode) -> float:
        """Bring them together; when the blow fell, 0 where the channel's opening counts."""
        if attack.by == "mesh":
            mallory.tab.call("() => inos.join()")
        elif attack.by == "file":
            done = self.victim.put(Data("random", MIB, seed=len(self.found.attacks)))
            mallory.tab.call(FETCH, self.victim.share(done["root"]))
        else:
            done = mallory.put(Data("random", 4 * MIB, seed=7))
            self.victim.tab.call(FETCH, mallory.share(done["root"]))
        if not attack.strike:
            return 0.0
        linked = "async (id) => (await inos.python('[p.hex() for _, p, _ in node.links.peers()]')).includes(id)"
        mallory.tab.wait_for("a link with the victim", linked, self.victim.id, timeout_s=TIMEOUT_S)
        struck_ms = float(mallory.tab.call(NOW_MS))
        mallory.tab.call(PYTHON, attack.strike.replace("{victim!r}", repr(self.victim.id)))
        return struck_ms if attack.reasons != ("AuthRefused",) else 0.0

    def _wait_refused(self, attack: Attack, who: str, struck_ms: float) -> tuple[float, str]:
        """Seconds and the reason."""
        reasons = ("rest",) if attack.by == "drip" else attack.reasons
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            for session, code, opened_ms, at_ms, text in self.victim.tab.call(SEEN):
                began_ms = struck_ms or opened_ms  # 0 of an attempt that ended before it had a channel: nobody struck
                if session == who and 0 < began_ms <= at_ms and (not reasons or code in reasons):
                    return (at_ms - began_ms) / 1_000, f"{code}: {text}"
            time.sleep(0.1)  # the pause of a poll with a deadline
        said = [row for row in self.victim.tab.call(SEEN) if row[0] == who]
        return float("inf"), f"never; seen of it: {said}"

    def _judge(self, attack: Attack, refused: tuple[float, str], grown_mib: float) -> None:
        took_s, reason = refused
        self.found.grown_mib = max(self.found.grown_mib, grown_mib)
        self.found.attacks[attack.name] = {
            "refused_s": round(took_s, 2) if took_s < TIMEOUT_S else None,
            "reason": reason,
        }
        print(f"hostile  {attack.name}: {took_s:.2f} s, {reason}; {grown_mib:+.1f} MiB", flush=True)
        if took_s > attack.refused_s * self._slack:
            self.found.faults.append(f"{attack.name}: refused after {took_s:.2f} s")


def main(arguments: list[str]) -> int:
    """The exit code."""
    from playwright.sync_api import sync_playwright

    import netns  # our own folder comes first on the path
    from conftest import browser_of, executable

    parser = argparse.ArgumentParser(prog="npm run chaos:hostile --", description="Attack a node over real channels.")
    parser.add_argument("--only", default="", help="attacks whose names have these words in them")
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    if (code := netns.rerun(__file__, arguments)) is not None:
        return code
    with (
        tempfile.TemporaryDirectory(prefix="inos-hostile-", ignore_cleanup_errors=True) as name,
        sync_playwright() as driver,
        ExitStack() as stack,
    ):
        server = Server(Path(name) / "server.txt")
        stack.callback(server.kill)
        browser = browser_of(driver, "chromium", Path(name) / "victim")
        stack.callback(browser.close)
        camp = Contexts(driver, executable("chromium"), Path(name))
        stack.callback(camp.close)
        siege = Siege(open_mesh_node(browser, server), camp, server)
        siege.greet()
        siege.idle()
        for attack in ATTACKS:
            if options.only in attack.name:
                siege.run(attack)
    siege.found.weigh()
    found = siege.found.as_json()
    print(f"hostile  loop p99 {found['loop_p99_ms']} ms (idle {found['loop_idle_p99_ms']}), wanted {LOOP_P99_MS:g}")
    print(f"hostile  memory: {found['grown_mib']} MiB more at most, wanted {GROWN_MIB:g}")
    for fault in siege.found.faults:
        print(f"hostile  {fault}")
    if options.json:
        print(json.dumps(found), flush=True)
    return 1 if siege.found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
