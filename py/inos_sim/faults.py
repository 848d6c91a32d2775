"""Fail-the-nth: every call on the disk, every allocation and every kernel job of a fixed script fails once, and for good.

Nouns: a *site* is one call of the script, by its number among those of its kind: ``disk`` (calls on files, sources and sinks),
``arena`` (allocations), ``job`` (kernel jobs). Disk calls fail as lost handles; those that need room also as a full disk,
a write then having written half. Invariants: every site of a clean run is tried; whatever fails, errors are typed, nothing
hangs, memory comes back, and without faults the vault opens again, checks clean and has every acknowledged file, byte for byte.
Must not know: crashes in the middle (``campaign``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from inos.errors import ArenaFull, InosError, StorageFull, StorageLost
from inos.ports import FileTruncate, FileWrite, Span
from inos.tasks import Effect
from inos_host.disk import STREAM_EFFECTS
from inos_sim.campaign import Tally
from inos_sim.claims import LOST, UNTYPED, Claim, Ledger, Verdict
from inos_sim.disk import Image, SimDisk
from inos_sim.kernels import KERNEL_EFFECTS
from inos_sim.machine import Machine
from inos_sim.script import Lab, Player

SCRIPT = (
    "put-small", "put-chunks", "put-shared", "share", "receive", "remove", "compact", "collect", "reopen", "get",
    "replace", "rename", "fetch", "lodge", "unwish", "passphrase", "put-shared", "remove", "shrink", "lodge", "collect",
)  # fmt: skip
ERRORS: dict[str, tuple[type[InosError], ...]] = {
    "disk": (StorageLost, StorageFull),
    "arena": (ArenaFull,),
    "job": (ArenaFull,),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Which call fails, with what, and whether all after it do, too."""

    kind: str
    nth: int
    error: type[InosError]
    for_good: bool

    @property
    def path(self) -> str:
        """Its name in reports."""
        return f"fault:{self.kind}#{self.nth}:{self.error.__name__}{'...' if self.for_good else ''}"


class _Injector:
    """Counts the calls of every kind on all machines of a run, and fails those that it should."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault
        self.calls = dict.fromkeys(ERRORS, 0)
        self.need_room: set[int] = set()  # disk calls for which a disk may be full
        self.failed = 0

    def attach(self, machine: Machine) -> None:
        """To a machine that was just booted."""
        alloc = machine.arena.alloc

        def counted(length: int) -> Span:
            self._count("arena")
            return alloc(length)

        machine.arena.alloc = counted  # type: ignore[method-assign]
        machine.before_effect = self._before
        machine.disk.inject = self._inject

    def _inject(self, effect: Effect[Any]) -> InosError | None:
        """The disk's part: it knows what half a write is."""
        try:
            self._count("disk", needs_room=isinstance(effect, FileWrite | FileTruncate))
        except InosError as error:
            return error
        return None

    def _before(self, effect: Effect[Any]) -> None:
        if isinstance(effect, KERNEL_EFFECTS):
            self._count("job")
        elif isinstance(effect, STREAM_EFFECTS):
            self._count("disk")

    def _count(self, kind: str, *, needs_room: bool = False) -> None:
        number = self.calls[kind]
        self.calls[kind] += 1
        if needs_room:
            self.need_room.add(number)
        fault = self._fault
        if fault is None or fault.kind != kind or number < fault.nth or (number > fault.nth and not fault.for_good):
            return
        if fault.error is StorageFull and not needs_room:
            return
        self.failed += 1
        raise fault.error("injected")


class FaultCampaign:
    """All sites. ``sites`` counts calls of a clean run by kind; ``runs`` those runs in which something did fail."""

    def __init__(self) -> None:
        self._lab = Lab()
        self.tally = Tally()
        self.runs = 0
        clean = self._play(None)
        self.sites = clean.calls
        self._need_room = clean.need_room

    def run(self) -> Tally:
        """Try every site."""
        for fault in self._faults():
            self.runs += self._play(fault).failed > 0
        return self.tally

    def _faults(self) -> Iterator[Fault]:
        for kind, count in self.sites.items():
            for nth in range(count):
                for error in ERRORS[kind]:
                    if error is StorageFull and nth not in self._need_room:
                        continue
                    for for_good in (False, True):
                        yield Fault(kind, nth, error, for_good)

    def _fail(self, fault: Fault | None, kind: str, text: str) -> None:
        self.tally.breaches[kind] += 1
        self.tally.failures.append((fault.path if fault is not None else "fault:none", kind, text))

    def _play(self, fault: Fault | None) -> _Injector:
        injector = _Injector(fault)
        disk = SimDisk()
        player = Player(self._lab, disk, Ledger(), on_boot=injector.attach)
        player.scrubs = False
        try:
            with suppress(InosError):
                player.machine.open()
            for kind in SCRIPT:
                self._operation(player, kind)
            machine = player.machine
            machine.drain()
            if machine.arena.used():
                self._fail(fault, UNTYPED, f"{machine.arena.used()} bytes of the arena are not given back")
            machine.stop()
            if fault is None and player.refused:
                self._fail(fault, UNTYPED, f"without a fault: {player.refused}")
            snapshot = disk.snapshot()
            for label in ("kept", "lost") if snapshot.serials() else ("lost",):
                self._look(fault, snapshot.image(lambda _, kept=label == "kept": kept), player.ledger.now)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._fail(fault, UNTYPED, repr(error))
        return injector

    def _operation(self, player: Player, kind: str) -> None:
        if kind == "get":
            for root, file in player.ledger.now.files.items():
                with suppress(InosError):
                    if not file.is_in(player.machine.get(root)):
                        raise AssertionError(f"{file.name} has other bytes")
        elif kind == "reopen":
            with suppress(InosError):
                player.reopen()
        else:
            player.play(kind)

    def _look(self, fault: Fault | None, image: Image, claim: Claim) -> None:
        self.tally.states += 1
        machine = self._lab.machine(SimDisk(image))
        try:
            machine.open()
            machine.drain()
            for kind, text in Verdict(machine, claim).run():
                self._fail(fault, kind, text)
            report = machine.run(machine.vault.check("data"))
            if not report.ok:
                self._fail(fault, LOST, f"does not check clean: {report}")
            machine.drain()
            if machine.arena.used():
                self._fail(fault, UNTYPED, "the arena is not given back after the fault")
        except InosError as error:
            self._fail(fault, LOST, f"does not open: {error!r}")
        finally:
            machine.stop()
