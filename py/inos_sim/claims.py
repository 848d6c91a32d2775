"""What a vault has promised, and whether it kept it.

Nouns: a *claim* is everything that was acknowledged up to one instant: files that must be there byte for byte, files whose
removal was acknowledged, what is offered and wished; and beside it what was under way, which may have happened or not. A
*breach* is a promise that was not kept: ``lost``, ``resurrected``, ``wrong`` (bytes, names or reports), ``untyped`` (an error
that is no InosError, work that never ends, memory that is not given back).

Invariants: an unacknowledged put is there whole or not at all. With ``damaged`` (bits rotted, names of files lost) what was
acknowledged may be missing, but never in silence: the vault says so, or reading fails with a typed error.
Must not know: how the state came about.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from inos.errors import InosError
from inos.vault.vault import RootInfo
from inos_sim.disk import Image
from inos_sim.machine import Machine

LOST, RESURRECTED, WRONG, UNTYPED = "lost", "resurrected", "wrong", "untyped"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was put. ``salt``: bytes of its manifest's block that must be gone from the disk once it is removed."""

    name: str
    size: int
    sha256: bytes = field(repr=False)
    salt: bytes = field(repr=False, default=b"")

    def is_in(self, content: bytes) -> bool:
        """Whether these are its bytes."""
        return len(content) == self.size and hashlib.sha256(content).digest() == self.sha256


def kept(name: str, content: bytes) -> Kept:
    """A file of these bytes."""
    return Kept(name, len(content), hashlib.sha256(content).digest())


@dataclass(frozen=True, slots=True)
class Claim:
    """What holds at one instant; roots are files' names everywhere but in ``coming``."""

    files: dict[bytes, Kept] = field(default_factory=dict)
    gone: dict[bytes, Kept] = field(default_factory=dict)
    shared: frozenset[bytes] = frozenset()
    wishes: frozenset[bytes] = frozenset()
    coming: tuple[Kept, ...] = ()  # puts and downloads that are not acknowledged
    going: frozenset[bytes] = frozenset()  # removals that are not acknowledged
    sharing: frozenset[bytes] = frozenset()  # offers made or withdrawn, and wishes, that are not acknowledged


class Ledger:
    """The claim as it changes while a script runs."""

    def __init__(self, claim: Claim | None = None) -> None:
        self.now = claim or Claim()

    def begin_put(self, file: Kept) -> None:
        """A put of this file begins; what was removed under the same name with the same bytes may come back."""
        same = (file.name, file.sha256)
        gone = {root: old for root, old in self.now.gone.items() if (old.name, old.sha256) != same}
        self.now = replace(self.now, coming=(*self.now.coming, file), gone=gone)

    def end_put(self, file: Kept, root: bytes, salt: bytes = b"") -> None:
        """It is acknowledged."""
        coming = list(self.now.coming)
        coming.remove(file)
        files = {**self.now.files, root: replace(file, salt=salt)}
        self.now = replace(self.now, files=files, coming=tuple(coming))

    def begin_remove(self, root: bytes) -> None:
        """A removal begins."""
        self.now = replace(self.now, going=self.now.going | {root})

    def end_remove(self, root: bytes) -> None:
        """It is acknowledged."""
        files = dict(self.now.files)
        file = files.pop(root)
        going, shared, sharing = (part - {root} for part in (self.now.going, self.now.shared, self.now.sharing))
        gone = {**self.now.gone, root: file}
        self.now = replace(self.now, files=files, gone=gone, going=going, shared=shared, sharing=sharing)

    def begin_mark(self, bid: bytes) -> None:
        """An offer or a wish is being made or withdrawn."""
        self.now = replace(self.now, sharing=self.now.sharing | {bid})

    def end_share(self, root: bytes, *, shared: bool) -> None:
        """It is acknowledged."""
        marks = self.now.shared | {root} if shared else self.now.shared - {root}
        self.now = replace(self.now, shared=marks, sharing=self.now.sharing - {root})

    def end_wish(self, bid: bytes, *, wished: bool) -> None:
        """It is acknowledged."""
        wishes = self.now.wishes | {bid} if wished else self.now.wishes - {bid}
        self.now = replace(self.now, wishes=wishes, sharing=self.now.sharing - {bid})


class Verdict:
    """Compares an open vault with a claim."""

    def __init__(self, machine: Machine, claim: Claim, *, damaged: bool = False, marks: bool = True) -> None:
        self._machine = machine
        self._claim = claim
        self._damaged = damaged
        self._marks_too = marks  # whether the claim says what is offered and wished
        self._said = False  # the vault reports that something is wrong
        self.breaches: list[tuple[str, str]] = []

    def run(self) -> list[tuple[str, str]]:
        """Every breach: its kind and a sentence."""
        vault, claim = self._machine.vault, self._claim
        findings = vault.health()
        listed = {info.root: info for info in vault.roots()}
        self._said = bool(findings)
        if findings and not self._damaged:
            self._breach(WRONG, f"reports damage where there is none: {findings}")
        for root, file in claim.files.items():
            info = listed.pop(root, None)
            if info is not None:
                self._look(info, [file], LOST)
            elif root not in claim.going and not (self._damaged and self._said):
                self._breach(LOST, f"{file.name} is not listed")
        for info in listed.values():
            self._unasked(info)
        if self._marks_too:
            self._marks(set(listed))
        return self.breaches

    def _breach(self, kind: str, text: str) -> None:
        self.breaches.append((kind, text))

    def _look(self, info: RootInfo, files: list[Kept], kind: str) -> None:
        """A listed file must be one that was put, whole; a typed error is the kind of breach given, unless damage excuses it."""
        try:
            content = self._machine.get(info.root)
        except InosError as error:
            if not self._damaged:
                self._breach(kind, f"{info.name}: {error.code}")
            return
        if not any((info.name, info.size) == (file.name, file.size) and file.is_in(content) for file in files):
            self._breach(WRONG, f"{info.name} of {info.size} bytes is not what was put")
        if info.health != "ok" and not self._damaged:
            self._breach(WRONG, f"{info.name} is whole and listed as {info.health}")

    def _unasked(self, info: RootInfo) -> None:
        """A file that was not acknowledged: of a put under way, whole; anything else is a breach."""
        claim = self._claim
        if info.root in claim.gone:
            if self._damaged and self._said and not self._readable(info.root):
                return
            self._breach(RESURRECTED, f"{claim.gone[info.root].name} was removed and is listed")
            return
        possible = [file for file in claim.coming if file.name == info.name]
        if possible:
            self._look(info, possible, WRONG)
        else:
            self._breach(WRONG, f"{info.name} is listed and was never put")

    def _readable(self, root: bytes) -> bool:
        try:
            self._machine.get(root)
        except InosError:
            return False
        return True

    def _marks(self, unasked: set[bytes]) -> None:
        vault, claim = self._machine.vault, self._claim
        shared = {info.root for info in vault.roots() if info.shared}
        wishes = {wish.bid for wish in vault.wishes()}
        excused = self._damaged and self._said
        for root in claim.shared - shared - claim.sharing - claim.going:
            if not excused:
                self._breach(LOST, f"{claim.files[root].name} is no longer offered")
        for root in shared - claim.shared - claim.sharing - unasked:
            if not excused:
                self._breach(RESURRECTED, f"{claim.files[root].name} is offered again")
        if claim.wishes - wishes - claim.sharing and not excused:
            self._breach(LOST, "a wish is lost")
        if wishes - claim.wishes - claim.sharing and not excused:
            self._breach(RESURRECTED, "a wish came back")


def remains(image: Image, claim: Claim) -> list[tuple[str, str]]:
    """Removed files whose manifest's block a scan of the segments would still find and open."""
    segments = [content for name, content in image.items() if name.startswith("seg-")]
    return [
        (RESURRECTED, f"the manifest of {file.name} is on the disk after its removal")
        for file in claim.gone.values()
        if file.salt and any(file.salt in content for content in segments)
    ]
