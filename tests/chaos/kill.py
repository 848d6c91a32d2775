"""`npm run chaos:kill -- [--rounds N] [--browser chromium|firefox] [--seed N] [--trace FILE] [--json]`.

Real browsers are killed (SIGKILL to every process) at random moments while a page puts, removes and shares files and tidies up,
or while it starts; after a new start with the same profile everything that was acknowledged must be there, byte for byte, nothing
that was removed, and `check("data")` finds nothing. Both browsers take turns, each with a profile that lives through all rounds.

The page cache survives a SIGKILL, so this shows no missing flush. For that, --trace records the calls on the disk of every round
(one browser only) in the format of `inos_sim.trace`, and then tries --states crash states of it (0: all) on the simulated disk.
With --json the last line is {"rounds", "acknowledged", "lost"}. Runs in `.venv`, in a network namespace of its own where the
system allows one. The exit code is 1 if anything was lost or wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "py"), str(ROOT / "tests" / "e2e"), str(ROOT / ".ci")]

from node import NodeTab  # noqa: E402 - our own folders come first on the path
from server import Server  # noqa: E402
from tab import Browser, Tab  # noqa: E402
from tests.chaos.claims import Claims, File, acks_in, judge, read_from  # noqa: E402

from inos_sim.trace import TraceCampaign  # noqa: E402

BROWSERS = ("chromium", "firefox")
RUN, VERIFY = ((HERE / name).read_text("utf-8").rstrip("\n;") for name in ("page.js", "verify.js"))
STARTING_S = (0.05, 1.5)  # how long a page that is killed while it starts has had
LANES = 3
SIZE_BITS_MAX = 22
PRESENT_MAX = 60  # files; with more, a page removes as often as it puts
ACKS_TIMEOUT_S = 60.0
POLL_S = 0.02
VERIFY_TIMEOUT_S = 240.0
# The wrapped secret and what the device's key makes of it: for the replay, which has no such key.
KEYS = """
from inos.ports import FileRead, UnwrapKey
from inos.vault import keyslots
span = arena.alloc(keyslots.KEY_FILE_BYTES)
got = await FileRead("keys", 0, span)
data = arena.read(span.part(0, got))
arena.release(span)
found = [slot for slot in keyslots.decode(data, vault._store.ports.hashes.hash).slots if slot.kind == keyslots.KIND_DEVICE]
[[slot.wrapped.hex(), (await UnwrapKey(slot.wrapped, keyslots.slot_aad(slot.kind, slot.params))).hex()] for slot in found]
"""

FILES = """
async () => {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("inos-vault");
  const found = {};
  for await (const [name, entry] of folder) {
    found[name] = await lab.sha256(await (await entry.getFile()).arrayBuffer());
  }
  return found;
}
"""

# What a killed browser was about to change, as it is now: told as the change that was made.
UNSETTLED = """
async ({ file, change, offset, length }) => {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("inos-vault");
  const now = await (await folder.getFileHandle(file)).getFile();
  const part = change === "write" ? now.slice(offset, offset + length) : new Blob();
  const call = change === "write" ? { op: "write", offset, length: part.size } : { op: "truncate", size: now.size };
  const query = new URLSearchParams({ file, ...call });
  const answer = await fetch(`/witness/disk?${query}`, { method: "POST", body: await part.arrayBuffer() });
  return answer.ok;
}
"""

Launch = Callable[[str, Path], Browser]


class WitnessServer(Server):
    """The server with a witness; its trace is in `folder`."""

    def __init__(self, folder: Path, *, record: bool = False) -> None:
        self.trace = folder / "trace.jsonl"
        arguments = [str(folder), *(["--record"] if record else [])]
        super().__init__(folder / "server.txt", program=HERE / "witness.py", arguments=arguments)

    def tell(self, line: dict[str, Any]) -> None:
        """Add a line of our own."""
        body = json.dumps(line).encode()
        with urllib.request.urlopen(f"{self.url}witness/line", data=body, timeout=10):
            pass


@dataclass
class Outcome:
    """What came of all rounds so far."""

    rounds: int = 0
    acknowledged: int = 0
    verified: int = 0
    starting: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing and nothing is there that should not be."""
        return not self.lost and not self.wrong


@dataclass(frozen=True)
class Pace:
    """When to kill: after so many acknowledgements and so long, or, in a share of the rounds, while the page starts."""

    acks_first: int = 0
    live_s: tuple[float, float] = (0.05, 2.5)
    starting_share: float = 0.15


class Chaos:
    """One browser kind, one profile, one witness: rounds of run, kill, start, verify."""

    def __init__(
        self, name: str, launch: Launch, folder: Path, rng: random.Random, outcome: Outcome, *,
        record: bool = False, pace: Pace | None = None,
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.server = WitnessServer(folder, record=record)
        self._launch = lambda: launch(name, folder / "profile")
        self._rng = rng
        self._outcome = outcome
        self._claims = Claims()
        self._read = 0
        self._record = record
        self._pace = pace or Pace()
        self._browser: Browser | None = None
        self._node: NodeTab | None = None
        if record:
            self.server.tell({"op": "trace", "version": 1, "browser": name})

    def round(self) -> None:
        """Run until a random moment, kill, start again, verify."""
        before = self._claims.acknowledged
        if self._rng.random() < self._pace.starting_share:
            self._outcome.starting += 1
            self._kill_while_starting()
        else:
            self._kill_while_running()
        self._catch_up()
        self._outcome.rounds += 1
        self._outcome.acknowledged += self._claims.acknowledged - before
        self._verify()

    def _start(self) -> NodeTab:
        if self._node is None:
            self._browser = self._launch()
            tab = self._browser.tab()
            self._settle(tab)
            tab.goto(self.server.url)
            self._node = NodeTab(tab, self._browser)
            self._node.wait_ready()
            if self._record:
                for wrapped, plain in self._node.tab.call("(source) => globalThis.inos.python(source)", KEYS):
                    self.server.tell({"op": "key", "wrapped": wrapped, "plain": plain})
        return self._node

    def _settle(self, tab: Tab) -> None:
        """Complete the trace: whether the change that the browser was about to make when it was killed was made."""
        last = json.loads(self._recorded()[-1]) if self._recorded() else {}
        if last.get("op") != "about":
            return
        tab.allow_problems(r"/favicon\.ico")  # the browser asks for it by itself
        tab.goto(f"{self.server.url}witness/blank")
        if not tab.call(UNSETTLED, last):
            raise AssertionError(f"{last} cannot be settled")

    def _recorded(self) -> list[str]:
        """Lines of the trace about changes, and those about to be made."""
        lines = self.server.trace.read_text("utf-8").splitlines()
        return [line for line in lines if line.startswith(('{"op": "about"', '{"op": "write"', '{"op": "truncate"'))]

    def _kill_while_running(self) -> None:
        node = self._start()
        options = {
            "seed": self._rng.getrandbits(32), "firstCall": self._claims.calls, "lanes": LANES, "calls": 100_000,
            "present": [[file.root, name] for name, file in self._claims.kept().items()], "presentMax": PRESENT_MAX,
            "sizeBitsMax": SIZE_BITS_MAX, "filesOnly": self._record,
        }  # fmt: skip
        job = node.tab.begin(RUN, options)
        self._wait_for_acks()
        time.sleep(self._rng.uniform(*self._pace.live_s))  # a random moment is what this is about
        failed = job.ended()
        problems = node.tab.problems()
        self._kill()
        if failed or problems:
            self._outcome.wrong.append(f"the page stopped by itself: {problems}")

    def _wait_for_acks(self) -> None:
        deadline = time.monotonic() + ACKS_TIMEOUT_S
        while acks_in(read_from(self.server.trace, self._read)[0]) < self._pace.acks_first:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._pace.acks_first} acknowledgements did not come")
            time.sleep(POLL_S)  # the pause of a poll with a deadline

    def _kill_while_starting(self) -> None:
        if self._browser is None:
            self._browser = self._launch()
        tab = self._node.tab if self._node else self._browser.tab()
        tab.goto(self.server.url)
        time.sleep(self._rng.uniform(*STARTING_S))  # as above
        self._kill()

    def _kill(self) -> None:
        assert self._browser is not None
        self._browser.kill()
        with suppress(Exception):  # the driver's end of a browser that is gone
            self._browser.close()
        self._browser = self._node = None
        if self._record:
            self.server.tell({"op": "kill"})

    def _catch_up(self) -> None:
        lines, self._read = read_from(self.server.trace, self._read)
        self._claims.read(lines)

    def _verify(self) -> None:
        """Start again, look at everything that must be there."""
        node = self._start()
        verdict, files = judge(self._claims, node.list())
        self._outcome.lost += verdict.lost
        self._outcome.wrong += verdict.wrong
        self._outcome.lost += self._differing(node, files)
        self._outcome.verified += len(files)
        report = node.tab.call("() => globalThis.inos.check('data')", timeout_s=VERIFY_TIMEOUT_S)
        if report["bad"] or report["lost"] or report["findings"]:
            self._outcome.lost.append(f"check('data'): {report}")

    def _differing(self, node: NodeTab, files: list[File]) -> list[str]:
        wanted = [[file.root, file.made, file.older] for file in files]
        return [str(wrong) for wrong in node.tab.call(VERIFY, wanted, timeout_s=VERIFY_TIMEOUT_S)]

    def files(self) -> dict[str, str]:
        """SHA-256 of each of the vault's files, as they are now."""
        found = self._start().tab.call(FILES)
        assert isinstance(found, dict)
        return found

    def close(self) -> None:
        """End the browser as a person would, and the server."""
        if self._browser is not None:
            self._browser.close()
        self.server.kill()


def keep_trace(server: WitnessServer, path: Path) -> None:
    """The trace and its blobs, where they are wanted; with the keys first, which were asked for when the vault was open."""
    first, *lines = server.trace.read_text("utf-8").splitlines(keepends=True)
    keys = [line for line in lines if line.startswith('{"op": "key"')]
    path.write_text("".join([first, *keys, *(line for line in lines if line not in keys)]), "utf-8")
    blobs = server.trace.with_name(f"{server.trace.name}.blobs")
    shutil.copytree(blobs, path.with_name(f"{path.name}.blobs"), dirs_exist_ok=True)


def replay(path: Path, seed: int, states_max: int | None) -> tuple[str, TraceCampaign]:
    """Crash states of a trace on the simulated disk; what came of it, in words."""
    campaign = TraceCampaign(path, seed, states_max)
    tally = campaign.run()
    line = f"{tally.states} crash states of {campaign.calls} calls, {sum(tally.breaches.values())} breaches"
    return "\n".join([line, *(f"{at}: {kind}: {text}" for at, kind, text in tally.failures[:20])]), campaign


def rounds(options: argparse.Namespace, launch: Launch, folder: Path) -> Outcome:
    """All of them, the browsers in turn."""
    outcome = Outcome()
    names = [options.browser] if options.browser else list(BROWSERS[: 1 if options.trace else 2])
    rng = random.Random(options.seed)
    chaos = [Chaos(name, launch, folder / name, rng, outcome, record=options.trace is not None) for name in names]
    try:
        for number in range(options.rounds):
            chaos[number % len(chaos)].round()
            state = f"{outcome.acknowledged} acknowledged, {len(outcome.lost)} lost, {len(outcome.wrong)} wrong"
            print(f"chaos  round {number + 1} of {options.rounds}, {names[number % len(names)]}: {state}", flush=True)
            if not outcome.is_good:
                break
        if options.trace is not None:
            keep_trace(chaos[0].server, options.trace)
    finally:
        for one in chaos:
            one.close()
    return outcome


def main(arguments: list[str]) -> int:
    """The exit code."""
    from playwright.sync_api import sync_playwright

    import netns  # our own folder comes first on the path
    from conftest import browser_of

    parser = argparse.ArgumentParser(prog="npm run chaos:kill --", description="Kill browsers while they store files.")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--browser", choices=BROWSERS, help="one of them only (default: in turn)")
    parser.add_argument(
        "--seed", type=int, help="draws the same calls and moments; what they meet differs from run to run"
    )
    parser.add_argument(
        "--trace", type=Path, help="record the calls on the disk into this file, and FILE.blobs beside it"
    )
    parser.add_argument("--states", type=int, default=2_000, help="crash states of the trace to try; 0: all")
    parser.add_argument("--json", action="store_true", help="the last line is JSON")
    options = parser.parse_args(arguments)
    if (code := netns.rerun(__file__, arguments)) is not None:
        return code
    options.seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="inos-chaos-", ignore_cleanup_errors=True) as name,
        sync_playwright() as driver,
    ):
        outcome = rounds(options, lambda kind, profile: browser_of(driver, kind, profile), Path(name))
    for line in (*outcome.lost, *outcome.wrong):
        print(f"chaos  {line}")
    print(
        f"chaos  {outcome.rounds} rounds ({outcome.starting} killed while starting), {outcome.acknowledged} calls acknowledged, "
        f"{outcome.verified} files verified, {len(outcome.lost)} lost, {len(outcome.wrong)} wrong, seed {options.seed}, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    is_good, states = outcome.is_good, {}
    if options.trace is not None:
        text, campaign = replay(options.trace, options.seed, options.states or None)
        print(f"chaos  {text}", flush=True)
        states = {"states": campaign.tally.states, "breaches": sum(campaign.tally.breaches.values())}
        is_good = is_good and states["breaches"] == 0
    if options.json:
        counts = {"rounds": outcome.rounds, "acknowledged": outcome.acknowledged, "lost": len(outcome.lost)}
        print(json.dumps({**counts, "wrong": len(outcome.wrong), **states, "seed": options.seed}), flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
