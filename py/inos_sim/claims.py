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
    content: bytes = field(repr=False)
    salt: bytes = b""


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

    def begin_put(self, kept: Kept) -> None:
        """A put of this file begins; what was removed under the same name with the same bytes may come back."""
        gone = {
            root: old
            for root, old in self.now.gone.items()
            if (old.name, old.content) != (kept.name, kept.content)
        }  # fmt: skip
        self.now = replace(self.now, coming=(*self.now.coming, kept), gone=gone)

    def end_put(self, kept: Kept, root: bytes, salt: bytes) -> None:
        """It is acknowledged."""
        coming = list(self.now.coming)
        coming.remove(kept)
        files = {**self.now.files, root: replace(kept, salt=salt)}
        self.now = replace(self.now, files=files, coming=tuple(coming))

    def begin_remove(self, root: bytes) -> None:
        """A removal begins."""
        self.now = replace(self.now, going=self.now.going | {root})

    def end_remove(self, root: bytes) -> None:
        """It is acknowledged."""
        files = dict(self.now.files)
        kept = files.pop(root)
        going, shared, sharing = (part - {root} for part in (self.now.going, self.now.shared, self.now.sharing))
        gone = {**self.now.gone, root: kept}
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

    def __init__(self, machine: Machine, claim: Claim, *, damaged: bool = False) -> None:
        self._machine = machine
        self._claim = claim
        self._damaged = damaged
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
        for root, kept in claim.files.items():
            info = listed.pop(root, None)
            if info is not None:
                self._look(info, kept, LOST)
            elif root not in claim.going and not (self._damaged and self._said):
                self._breach(LOST, f"{kept.name} is not listed")
        for info in listed.values():
            self._unasked(info)
        self._marks(set(listed))
        return self.breaches

    def _breach(self, kind: str, text: str) -> None:
        self.breaches.append((kind, text))

    def _look(self, info: RootInfo, kept: Kept, kind: str) -> None:
        """A listed file must be what was put; a typed error is the kind of breach that is given, unless damage excuses it."""
        if (info.name, info.size) != (kept.name, len(kept.content)):
            self._breach(WRONG, f"{kept.name} is listed as {info.name} of {info.size} bytes")
        try:
            content = self._machine.get(info.root)
        except InosError as error:
            if not self._damaged:
                self._breach(kind, f"{kept.name}: {error.code}")
            return
        if content != kept.content:
            self._breach(WRONG, f"{kept.name} has other bytes")
        if info.health != "ok" and not self._damaged:
            self._breach(WRONG, f"{kept.name} is whole and listed as {info.health}")

    def _unasked(self, info: RootInfo) -> None:
        """A file that was not acknowledged: of a put under way, whole; anything else is a breach."""
        claim = self._claim
        if info.root in claim.gone:
            if self._damaged and self._said and not self._readable(info.root):
                return
            self._breach(RESURRECTED, f"{claim.gone[info.root].name} was removed and is listed")
            return
        possible = [kept for kept in claim.coming if kept.name == info.name and len(kept.content) == info.size]
        if possible:
            self._look(info, possible[0], WRONG)
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
        (RESURRECTED, f"the manifest of {kept.name} is on the disk after its removal")
        for kept in claim.gone.values()
        if kept.salt and any(kept.salt in content for content in segments)
    ]
