"""Campaigns: run scripts, crash them at every effect, and see whether every promise was kept.

Nouns: a *state* is one image of a crashed disk that was opened and verified; its *path* says how to get there again, such
as ``lived/put-small,remove#14:torn-even/3:lost`` (the script, the effect after which power was lost and the class of image; then
the same for the crash during recovery). Images that are equal under the same claim are opened once for each script.

How a state is looked at: open, compare with the claim, open again (the same must be there); for some, go on working and
crash once more. While it opens, every effect that changes the disk is again an instant at which power may be lost: one image
each, of changing class, and of each of those one more. Invariants: everything follows from the seed and the path.
Must not know: processes, printing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from inos.errors import InosError, StorageFull, StorageLost
from inos_sim.bugs import Bug, clean
from inos_sim.claims import LOST, RESURRECTED, UNTYPED, WRONG, Claim, Kept, Ledger, Verdict, remains
from inos_sim.disk import Image, SimDisk, Snapshot
from inos_sim.machine import Machine
from inos_sim.more import MORE
from inos_sim.script import KINDS, Lab, Player

BREACHES = (LOST, RESURRECTED, WRONG, UNTYPED)
BASES: dict[str, tuple[str, ...]] = {
    "empty": (),
    "lived": ("put-small", "put-chunks", "put-shared", "share", "receive", "remove", "put-shared"),
}
SEQUENCE_LENGTH_MAX = 3
RANDOM_IMAGES = 2
AFTERLIFE_EVERY = 8
DEPTH_MAX = 3
FAILURES_MAX = 1_000
BASE_SEED, SCRIPT_SEED, AFTER_SEED = 0, 100, 200  # of entropy
RUN_STATES = 60  # snapshots of a random run that are looked at
AFTER = "after", b"words put after recovery" * 20

Instant = tuple[Snapshot, Claim]


@dataclass
class Tally:
    """What a job found. ``failures``: path, kind and sentence of each breach, the first few."""

    states: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Sum up."""
        self.states += other.states
        self.breaches += other.breaches
        self.failures += other.failures[: max(0, FAILURES_MAX - len(self.failures))]


def sequences() -> list[str]:
    """Every script of at most three operations, from every base."""
    return [
        f"{base}/{','.join(script)}"
        for base in BASES
        for length in range(1, SEQUENCE_LENGTH_MAX + 1)
        for script in product(KINDS, repeat=length)
    ]


class Campaign:
    """One process's part of a campaign."""

    def __init__(self, seed: int, bug: Bug = clean, only: str | None = None) -> None:
        self.seed = seed
        self._bug = bug
        self._only = only  # the path of one state: nothing else is looked at
        self._lab = Lab()
        self._bases: dict[str, tuple[Image, Claim]] = {}
        self._tally = Tally()
        self._seen: set[tuple[int, int]] = set()
        self._contents: dict[Kept, bytes] = {}  # of the files that the job's script puts

    def job(self, script: str) -> Tally:
        """All states of one script: ``base/kind,kind`` or ``run:number``."""
        self._tally, self._seen = Tally(), set()
        try:
            if script.startswith("run:"):
                self._run(script)
            else:
                self._sequence(script)
        except InosError as error:
            self._fail(script, WRONG, f"without any crash: {error!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._fail(script, UNTYPED, f"without any crash: {error!r}")
        return self._tally

    def _fail(self, path: str, kind: str, text: str) -> None:
        self._tally.breaches[kind] += 1
        self._tally.failures.append((path, kind, text))

    def _rng(self, path: str) -> random.Random:
        return random.Random(f"{self.seed}|{path}")

    def _wanted(self, path: str) -> bool:
        return self._only is None or self._only.startswith(path)

    # --- scripts ----------------------------------------------------------------------------------------------------------

    def _base(self, name: str) -> tuple[Image, Claim]:
        if name not in self._bases:
            player = self._player(SimDisk(), Ledger(), BASE_SEED)
            player.machine.open()
            for kind in BASES[name]:
                player.play(kind)
            image: Image = {}
            if BASES[name]:
                player.machine.run(player.machine.vault.close())
                player.machine.drain()
                image = player.machine.disk.image()
            player.machine.stop()
            self._bases[name] = (image, player.ledger.now)
        return self._bases[name]

    def _player(self, disk: SimDisk, ledger: Ledger, seed: int, rng: random.Random | None = None) -> Player:
        return Player(self._lab, disk, ledger, rng, seed=seed)

    def _sequence(self, script: str) -> None:
        """Crash everywhere in the last operation; the ones before it are scripts of their own."""
        base, _, words = script.partition("/")
        image, claim = self._base(base)
        player = self._player(self._bug(image), Ledger(claim), SCRIPT_SEED)
        sequence = words.split(",")
        instants: list[Instant] = []

        def record() -> None:
            instants.append((player.machine.disk.snapshot(), player.ledger.now))

        if len(sequence) == 1:
            player.on_change = record  # the opening, too
        player.machine.open()
        for kind in sequence[:-1]:
            player.play(kind)
        player.on_change = record
        record()
        player.play(sequence[-1])
        record()
        player.machine.drain()
        record()
        if player.refused and any(error.code != "NotFound" for error in player.refused):
            self._fail(script, WRONG, f"refused without a cause: {player.refused}")
        player.machine.stop()
        self._contents = player.contents
        for number, (snapshot, then) in enumerate(instants):
            for label in snapshot.classes(RANDOM_IMAGES):
                self._crash(f"{script}#{number}:{label}", snapshot, label, then)

    def _run(self, script: str) -> None:
        """A random script: longer, several operations at once, effects in any order, sometimes faults or damage."""
        rng = self._rng(script)
        image, claim = self._base(rng.choice(list(BASES)))
        player = self._player(self._bug(image), Ledger(claim), SCRIPT_SEED, random.Random(rng.random()))
        instants: list[Instant] = []
        player.on_change = lambda: instants.append((player.machine.disk.snapshot(), player.ledger.now))
        player.machine.open()
        faults = rng.random() < 0.3
        player.scrubs = not faults
        for _ in range(rng.randrange(3, 10)):
            kind = rng.choice((*KINDS, *MORE))
            if faults and rng.random() < 0.5:
                _inject(player, rng)
            if kind == "reopen" or player.refused:
                self._reopen(player)
            else:
                if kind == "again":  # beside a removal of the same file either may have the last word
                    player.wait()
                player.start(kind)
                if kind == "again" or rng.random() < 0.5 or len(player.running) == 3:
                    player.wait()
        player.wait()
        player.machine.drain()
        player.machine.stop()
        self._contents = player.contents
        chosen = sorted(rng.sample(range(len(instants)), min(RUN_STATES, len(instants))))
        for number in chosen:
            snapshot, then = instants[number]
            labels = snapshot.classes(RANDOM_IMAGES)
            for label in rng.sample(labels, min(3, len(labels))):
                self._crash(f"{script}#{number}:{label}", snapshot, label, then)
            if rng.random() < 0.3:
                self._damage(f"{script}#{number}:{rng.choice(('rot', 'names'))}", snapshot, then)

    def _reopen(self, player: Player) -> None:
        """Also after a fault, when calls are refused until the vault is opened again."""
        player.machine.disk.inject = lambda _: None
        player.machine.disk.quota_bytes = 1 << 40
        player.refused.clear()
        player.reopen()

    # --- states -----------------------------------------------------------------------------------------------------------

    def _crash(self, path: str, snapshot: Snapshot, label: str, claim: Claim, depth: int = 1) -> None:
        if not self._wanted(path):
            return
        start = snapshot.named(label, self._rng(path))
        if self._is_new(start, claim):
            self._explore(path, start, claim, depth)

    def _is_new(self, start: Image | Snapshot, claim: Claim) -> bool:
        files = start.files if isinstance(start, Snapshot) else start
        key = (hash(frozenset(files.items())), id(claim))  # claims live as long as the job
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _explore(self, path: str, start: Image | Snapshot, claim: Claim, depth: int) -> None:
        """One state, and the crashes during its recovery."""
        disk = self._bug(start)
        for kind, text in remains(disk.image(), claim):
            self._fail(path, kind, text)
        instants: list[Instant] = []
        machine = self._lab.machine(disk)
        machine.on_change = lambda: instants.append((disk.snapshot(), claim))
        if isinstance(start, Snapshot):
            instants.append((start, claim))
        listing = self._state(path, machine, claim)
        if depth == 1:
            after = disk.snapshot()
            again = self._lab.machine(self._bug(after))
            if self._state(path + "+again", again, claim) != listing:
                self._fail(path, WRONG, "opened twice, it shows two things")
            again.stop()
            if self._tally.states % AFTERLIFE_EVERY == 0 or self._only is not None:
                self._afterlife(path, after, claim)
        machine.stop()
        if depth < DEPTH_MAX:
            self._recovery(path, instants, depth)

    def _recovery(self, path: str, instants: list[Instant], depth: int) -> None:
        rng = self._rng(path)
        numbers = range(len(instants)) if depth == 1 else rng.sample(range(len(instants)), min(1, len(instants)))
        for number in numbers:
            snapshot, claim = instants[number]
            labels = snapshot.classes(1)
            label = labels[rng.randrange(len(labels))]
            self._crash(f"{path}/{number}:{label}", snapshot, label, claim, depth + 1)

    def _state(self, path: str, machine: Machine, claim: Claim, *, damaged: bool = False) -> object:
        """Open and verify; what is listed."""
        self._tally.states += 1
        try:
            try:
                machine.open()
                machine.drain()
            except InosError as error:
                if not damaged:
                    self._fail(path, LOST, f"the vault does not open: {error!r}")
                return error.code
            for kind, text in Verdict(machine, claim, damaged=damaged).run():
                self._fail(path, kind, text)
            machine.drain()
            if machine.arena.used():
                self._fail(path, UNTYPED, f"{machine.arena.used()} bytes of the arena are not given back")
            vault = machine.vault
            return vault.roots(), vault.wishes(), vault.health()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._fail(path, UNTYPED, repr(error))
            return repr(error)

    def _afterlife(self, path: str, start: Snapshot, claim: Claim) -> None:
        """The vault that was recovered takes a file that is new and those that were under way, and keeps all through a loss of
        power: nothing counts as durable only because it was read."""
        disk = self._bug(start)
        player = self._player(disk, Ledger(claim), AFTER_SEED)
        try:
            player.machine.open()
            for file in claim.coming:
                if file in self._contents:
                    player.machine.run(player.put(file.name, self._contents[file]))
            player.machine.run(player.put(*AFTER))
            player.machine.stop()
        except InosError as error:
            self._fail(path + "+after", LOST, f"takes no file any more: {error!r}")
            return
        machine = self._lab.machine(self._bug(disk.snapshot().named("lost", self._rng(path))))
        self._state(path + "+after", machine, player.ledger.now)
        machine.stop()

    def _damage(self, path: str, snapshot: Snapshot, claim: Claim) -> None:
        """What no order of writes protects from: a bit that rotted, a flushed file whose name is gone."""
        if not self._wanted(path):
            return
        rng = self._rng(path)
        if path.endswith("rot"):
            image, claim = self._rotted(snapshot, claim, rng)
        else:
            names = sorted(snapshot.files)
            image = snapshot.without(set(rng.sample(names, rng.randint(1, len(names)))))
            if not any(any(content) for name, content in image.items() if name != "keys"):
                return  # nothing says that there was a vault
        machine = self._lab.machine(SimDisk(image))
        self._state(path, machine, claim, damaged=True)
        machine.stop()

    def _rotted(self, snapshot: Snapshot, claim: Claim, rng: random.Random) -> tuple[Image, Claim]:
        """One bit flipped anywhere but in the log's last commit, where it looks like a commit that power loss tore."""
        disk = SimDisk(snapshot)
        player = self._player(disk, Ledger(claim), AFTER_SEED)
        player.machine.open()
        player.machine.drain()
        end = player.machine.vault._committer.end
        name, tail = end.name, end.tail
        player.machine.run(player.put(*AFTER))
        player.machine.drain()
        player.machine.stop()
        sizes = {one: tail if one == name else len(file.now) for one, file in disk.files.items()}
        name = rng.choice([one for one, size in sizes.items() if size])
        disk.rot(name, rng.randrange(sizes[name]), rng.randrange(8))
        after = [root for root, file in player.ledger.now.files.items() if file.name == AFTER[0]]
        return disk.image(), replace(player.ledger.now, going=claim.going | set(after))


def _inject(player: Player, rng: random.Random) -> None:
    """A disk that is full, or handles that are lost once."""
    disk = player.machine.disk
    if rng.random() < 0.5:
        disk.quota_bytes = disk.used_bytes() + rng.randrange(4_000)
        return
    left = rng.randrange(1, 30)
    error = rng.choice((StorageFull("injected"), StorageLost("injected")))

    def inject(_effect: object) -> InosError | None:
        nonlocal left
        left -= 1
        return error if left == 0 else None

    disk.inject = inject


def scripts(seed: int) -> Iterator[str]:
    """Every sequence once, in an order of the seed; then random runs without end."""
    every = sequences()
    random.Random(seed).shuffle(every)
    yield from every
    number = 0
    while True:
        yield f"run:{number}"
        number += 1


def script_of(path: str) -> str:
    """The script that a state's path begins with."""
    return path.partition("#")[0]
