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
from collections.abc import Collection
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
    line: int = 0  # the same for all versions of a file

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
    older: dict[bytes, Kept] = field(default_factory=dict)  # versions before the current ones
    gone: dict[bytes, Kept] = field(default_factory=dict)
    shared: frozenset[bytes] = frozenset()
    wishes: frozenset[bytes] = frozenset()
    coming: tuple[Kept, ...] = ()  # puts and downloads that are not acknowledged
    going: frozenset[bytes] = frozenset()  # removals that are not acknowledged
    moving: frozenset[bytes] = frozenset()  # roots that may be current or an older version
    granted: frozenset[tuple[bytes, bytes]] = frozenset()  # revocable links, and their roots
    revoked: frozenset[bytes] = frozenset()
    guests: frozenset[bytes] = frozenset()  # bundles kept for others
    sharing: tuple[bytes, ...] = ()  # offers and wishes being made or withdrawn, once for each call

    @property
    def leaving(self) -> set[bytes]:
        """Roots that a removal under way takes: a file goes with its older versions."""
        lines = {self.files[root].line for root in self.going if root in self.files}
        return {*self.going, *(root for root, file in self.older.items() if file.line in lines)}

    @property
    def busy(self) -> frozenset[bytes]:
        """Roots on which a call is under way."""
        return self.going | self.moving


class Ledger:
    """The claim as it changes while a script runs."""

    def __init__(self, claim: Claim | None = None) -> None:
        self.now = claim or Claim()
        known = (*self.now.files.values(), *self.now.older.values(), *self.now.gone.values())
        self._lines = max((file.line for file in known), default=0)

    def begin_put(self, file: Kept) -> None:
        """A put of this file begins; what was removed under the same name with the same bytes may come back."""
        same = (file.name, file.sha256)
        gone = {root: old for root, old in self.now.gone.items() if (old.name, old.sha256) != same}
        self.now = replace(self.now, coming=(*self.now.coming, file), gone=gone)

    def end_put(self, file: Kept, root: bytes, salt: bytes = b"") -> None:
        """It is acknowledged."""
        before = self.now.files.get(root)
        if before is None:
            self._lines += 1
        files = {**self.now.files, root: replace(file, salt=salt, line=before.line if before else self._lines)}
        granted = self._without_links({root} & self.now.going)  # was the old file removed, its links went with it
        self.now = replace(self.now, files=files, coming=self._one_came(file), granted=granted)

    def _without_links(self, roots: Collection[bytes]) -> frozenset[tuple[bytes, bytes]]:
        return frozenset((grant_id, root) for grant_id, root in self.now.granted if root not in roots)

    def _one_came(self, file: Kept) -> tuple[Kept, ...]:
        coming = list(self.now.coming)
        coming.remove(file)
        return tuple(coming)

    def begin_remove(self, root: bytes) -> None:
        """A removal begins, of a file with all its versions or of an older version."""
        self.now = replace(self.now, going=self.now.going | {root})

    def end_remove(self, root: bytes, *, scrubbed: bool = True) -> None:
        """It is acknowledged. ``scrubbed``: its blocks are off the disk by now."""
        files, older, gone = dict(self.now.files), dict(self.now.older), dict(self.now.gone)
        roots = [root]
        if root in files:
            roots += [one for one, file in older.items() if file.line == files[root].line]
        for one in roots:
            file = files.pop(one, None) or older.pop(one)
            gone[one] = file if scrubbed else replace(file, salt=b"")
        going, shared = self.now.going.difference(roots), self.now.shared.difference(roots)
        granted = self._without_links(roots)
        revoked = self.now.revoked | {grant_id for grant_id, _ in self.now.granted - granted}
        self.now = replace(
            self.now, files=files, older=older, gone=gone, going=going, shared=shared, granted=granted, revoked=revoked
        )

    def begin_move(self, root: bytes) -> None:
        """Another version becomes the current one in this one's place, or this one in another's."""
        self.now = replace(self.now, moving=self.now.moving | {root})

    def end_move(self, file: Kept, before: bytes, root: bytes, salt: bytes) -> None:
        """A new version is acknowledged."""
        old = self.now.files[before]
        self.now = replace(self.now, coming=self._one_came(file))
        self._swap(before, root, replace(file, salt=salt, line=old.line))

    def end_restore(self, root: bytes, before: bytes) -> None:
        """An older version is the current one."""
        self._swap(before, root, self.now.older[root])

    def _swap(self, before: bytes, root: bytes, file: Kept) -> None:
        files, older = dict(self.now.files), dict(self.now.older)
        older[before] = files.pop(before)
        older.pop(root, None)
        files[root] = file
        moving = self.now.moving - {before, root}
        self.now = replace(self.now, files=files, older=older, moving=moving)

    def current_of(self, root: bytes) -> bytes:
        """The current version of an older one's line."""
        line = self.now.older[root].line
        return next(one for one, file in self.now.files.items() if file.line == line)

    def begin_mark(self, bid: bytes) -> None:
        """An offer or a wish is being made or withdrawn."""
        self.now = replace(self.now, sharing=(*self.now.sharing, bid))

    def end_share(self, root: bytes, *, shared: bool) -> None:
        """It is acknowledged."""
        marks = self.now.shared | {root} if shared else self.now.shared - {root}
        marks &= {*self.now.files, *self.now.older}
        self.now = replace(self.now, shared=marks, sharing=self._one_less(root))

    def end_wish(self, bid: bytes, *, wished: bool) -> None:
        """It is acknowledged."""
        wishes = self.now.wishes | {bid} if wished else self.now.wishes - {bid}
        self.now = replace(self.now, wishes=wishes, sharing=self._one_less(bid))

    def end_grant(self, grant_id: bytes, root: bytes, *, granted: bool) -> None:
        """It is acknowledged."""
        links = self.now.granted | {(grant_id, root)} if granted else self.now.granted - {(grant_id, root)}
        revoked = self.now.revoked if granted else self.now.revoked | {grant_id}
        self.now = replace(self.now, granted=links, revoked=revoked, sharing=self._one_less(grant_id))

    def end_guest(self, bundle: bytes, *, kept: bool) -> None:
        """It is acknowledged."""
        guests = self.now.guests | {bundle} if kept else self.now.guests - {bundle}
        self.now = replace(self.now, guests=guests, sharing=self._one_less(bundle))

    def _one_less(self, bid: bytes) -> tuple[bytes, ...]:
        sharing = list(self.now.sharing)
        sharing.remove(bid)
        return tuple(sharing)


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
            elif root in claim.moving:
                self._read(root, file)
            elif root not in claim.going and not (self._damaged and self._said):
                self._breach(LOST, f"{file.name} is not listed")
        for root, file in claim.older.items():
            # Where the log is lost, which version was current may be, too.
            may_be_current = root in claim.moving or (self._damaged and self._said)
            current = listed.pop(root, None) if may_be_current else None
            if current is not None:
                self._look(current, [file], LOST)
            elif root not in claim.leaving:
                self._read(root, file)
        for root in claim.gone:
            if root in vault._index.roots and root not in listed and not self._damaged:
                self._breach(RESURRECTED, f"a version of {claim.gone[root].name} is there after its removal")
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

    def _read(self, root: bytes, file: Kept) -> None:
        """A version that need not be the current one."""
        try:
            content = self._machine.get(root)
        except InosError as error:
            is_known = root in self._machine.vault._index.roots
            if not (self._damaged and (self._said or is_known)):
                self._breach(LOST, f"a version of {file.name}: {error.code}")
            return
        if not file.is_in(content):
            self._breach(WRONG, f"a version of {file.name} is not what was put")

    def _unasked(self, info: RootInfo) -> None:
        """A file that was not acknowledged: of a put under way, whole; anything else is a breach."""
        claim = self._claim
        if info.root in claim.gone:
            gone = claim.gone[info.root]
            # Where even the log is lost, only what was off the disk by then is certain to stay away.
            if self._damaged and self._said and not (gone.salt and self._readable(info.root)):
                return
            self._breach(RESURRECTED, f"{gone.name} was removed and is listed")
            return
        possible = [file for file in claim.coming if file.name == info.name]
        if self._damaged and self._said:  # without the log a manifest that never counted looks like one that does
            possible += [file for file in (*claim.files.values(), *claim.older.values()) if file.name == info.name]
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
        shared = {bid for bid, root in vault._index.roots.items() if root.shared}
        wishes = {wish.bid for wish in vault.wishes()}
        excused = self._damaged and self._said
        for root in claim.shared.difference(shared, claim.sharing, claim.leaving):
            if not excused:
                self._breach(LOST, f"{self._name(root)} is no longer offered")
        for root in shared.difference(claim.shared, claim.sharing, unasked):
            if not excused:
                self._breach(RESURRECTED, f"{self._name(root)} is offered again")
        if claim.wishes.difference(wishes, claim.sharing) and not excused:
            self._breach(LOST, "a wish is lost")
        if wishes.difference(claim.wishes, claim.sharing) and not excused:
            self._breach(RESURRECTED, "a wish came back")
        granted = {grant_id for grant_id, grant in vault.grants().items() if not grant.revoked}
        there = {*claim.files, *claim.older} - claim.leaving  # a link goes with its file
        must = {grant_id for grant_id, root in claim.granted if root in there}
        if must.difference(granted, claim.sharing) and not excused:
            self._breach(LOST, "a revocable link is lost")
        if granted.intersection(claim.revoked).difference(claim.sharing) and not excused:
            self._breach(RESURRECTED, "a link that was revoked leads somewhere again")

        self._guests(excused=excused)

    def _guests(self, *, excused: bool) -> None:
        """What is kept for others is there, every block of it, and nothing else is."""
        machine, claim = self._machine, self._claim
        there = {guest.bundle: guest for guest in machine.vault.guests.guests()}
        if claim.guests.difference(there, claim.sharing) and not (excused or self._damaged):
            self._breach(LOST, "blocks that were kept for somebody else")
        if set(there).difference(claim.guests, claim.sharing) and not excused:
            self._breach(RESURRECTED, "a guest came back")
        for bid in {bid for guest in there.values() for bid in guest.bids}:
            try:
                machine.arena.release(machine.run(machine.vault.read_block(bid)))
            except InosError as error:
                if not self._damaged:
                    self._breach(LOST, f"a guest's block: {error.code}")

    def _name(self, root: bytes) -> str:
        file = self._claim.files.get(root) or self._claim.older.get(root)
        return root.hex() if file is None else file.name


def remains(image: Image, claim: Claim) -> list[tuple[str, str]]:
    """Removed files whose manifest's block a scan of the segments would still find and open."""
    segments = [content for name, content in image.items() if name.startswith("seg-")]
    return [
        (RESURRECTED, f"the manifest of {file.name} is on the disk after its removal")
        for file in claim.gone.values()
        if file.salt and any(file.salt in content for content in segments)
    ]
