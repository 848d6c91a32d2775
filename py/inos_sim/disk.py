"""The simulated disk: files that remember what is durable and what was changed since, and the images a crash may leave.

Nouns: a *change* is a write, a truncation or a creation that no flush of its file has covered yet; a *snapshot* is the disk's
state at one instant, changes included; an *image* is what a machine finds after a crash: names and bytes.

The model, from how a page cache and a journalling file system work:

* Data reach the disk by 512-byte sectors. Of the changes to one sector any prefix may have landed, independently of every other
  sector: so writes are lost, torn and reordered, within a file and between files.
* A file's size is one more such cell: any prefix of the changes of its size may have landed. What lies beyond is gone; what lies
  inside and never landed is zero.
* A flush of a file makes its contents, its size *and its name* durable, nothing of other files. The last holds on ext4, XFS,
  APFS and NTFS, where syncing a new file commits its directory entry too; POSIX does not promise it. A file that was never
  flushed may be missing after a crash: to the vault that is an empty file.
* When only the program dies (``killed``), the page cache stays: the next one reads what is not durable, and may lose it later.
* ``Snapshot.without`` goes beyond: the name of a flushed file is lost. A vault cannot keep what was in it; it must say so.

Faults: ``quota_bytes`` bounds the sum of sizes (a write beyond it lands in part, then StorageFull); ``inject`` answers the
next calls with errors. Invariants: reads see every change, flushed or not; everything follows from the choices given.
Must not know: what the files mean.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inos.errors import BadArgument, InosError, StorageFull
from inos.ports import FileClose, FileFlush, FileRead, FileSize, FileTruncate, FileWrite, ListSegments
from inos.tasks import Effect
from inos_host.arena import HostArena
from inos_host.disk import list_segments

SECTOR_BYTES = 512
DISK_EFFECTS = (FileSize, FileRead, FileWrite, FileFlush, FileTruncate, FileClose, ListSegments)
CHANGING = (FileWrite, FileFlush, FileTruncate)

KILLED = "killed"

Image = dict[str, bytes]
Change = tuple[int, int, bytes | None]  # serial on the whole disk, offset, data; (serial, size, None) for a truncation
# Of the change with this serial: all (True), nothing (False), or the sectors for which the function says so.
Landed = bool | Callable[[int], bool]
Choice = Callable[[int], Landed]


@dataclass(frozen=True, slots=True)
class FileState:
    """One file of a snapshot. ``durable`` None: the name is not durable either."""

    durable: bytes | None
    changes: tuple[Change, ...] = ()

    def image(self, choice: Choice) -> bytes | None:
        """What is left of it when each change landed as ``choice`` says of its serial; None: no such file."""
        if not self.changes:
            return self.durable
        landed = [choice(serial) for serial, _, _ in self.changes]
        if self.durable is None and not any(landed):
            return None
        if all(verdict is True for verdict in landed):
            return self._whole()
        return self._pieced(landed)

    def _whole(self) -> bytes:
        content = bytearray(self.durable or b"")
        for _, offset, data in self.changes:
            apply(content, offset, data)
        return bytes(content)

    def _pieced(self, landed: list[Landed]) -> bytes:
        """Sector by sector: the first change that did not land keeps the later ones from it, too."""
        content = bytearray(self.durable or b"")
        size = seen = len(content)  # of what landed; of what the vault saw
        stuck: set[int] = set()
        size_is_stuck = False
        for (_, offset, data), verdict in zip(self.changes, landed, strict=True):
            end = offset if data is None else offset + len(data)
            if data is None:
                first, last, seen = end // SECTOR_BYTES, -(-seen // SECTOR_BYTES), end
            else:
                first, last = offset // SECTOR_BYTES, -(-end // SECTOR_BYTES)
                seen = max(seen, end)
            if len(content) < last * SECTOR_BYTES:
                content.extend(bytes(last * SECTOR_BYTES - len(content)))
            reached = 0  # where the last sector that landed ends
            for sector in range(first, last):
                if sector in stuck:
                    continue
                if verdict is False or (verdict is not True and not verdict(sector)):
                    stuck.add(sector)
                    continue
                start, stop = sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES
                reached = stop
                if data is None:
                    content[max(start, end) : stop] = bytes(stop - max(start, end))
                else:
                    start, stop = max(start, offset), min(stop, end)
                    content[start:stop] = data[start - offset : stop - offset]
            if data is None:
                size_is_stuck = size_is_stuck or not (verdict is True or (verdict is not False and verdict(first)))
                size = size if size_is_stuck else end
            elif end > size and not size_is_stuck:
                size_is_stuck = reached < end
                size = max(size, min(end, reached))
        return bytes(content[:size]).ljust(size, b"\0")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The disk at one instant."""

    files: dict[str, FileState]

    def serials(self) -> list[int]:
        """Every change that is not durable, oldest first."""
        return sorted(serial for state in self.files.values() for serial, _, _ in state.changes)

    def image(self, choice: Choice) -> Image:
        """What a crash leaves when changes landed as ``choice`` says."""
        found = ((name, state.image(choice)) for name, state in self.files.items())
        return {name: content for name, content in found if content is not None}

    def classes(self, random_count: int) -> list[str]:
        """The names of one image of every class; some of them may be equal."""
        count = sum(len(state.changes) for state in self.files.values())
        if not count:
            return ["lost"]
        each = [f"{word}-{at}" for at in range(count) for word in ("only", "without")] if count > 1 else []
        torn = ["torn-even", "torn-odd", "alone-even", "alone-odd"]
        return ["lost", "kept", KILLED, *each, *torn, *(f"random-{at}" for at in range(random_count))]

    def named(self, label: str, rng: random.Random) -> Image | Snapshot:
        """The image of one of ``classes``; ``rng`` is for the random ones. KILLED leaves all as it is."""
        if label == KILLED:
            return self
        word, _, number = label.partition("-")
        if word == "lost":
            return self.image(_nothing)
        if word == "kept":
            return self.image(_everything)
        if word == "random":
            return self.image(random_choice(rng))
        serials = self.serials()
        if word in ("torn", "alone"):  # the last change torn, with or without what was before it
            return self.image(_torn(serials[-1], number == "odd", before=word == "torn"))
        one = serials[int(number)]
        return self.image(lambda serial: (serial == one) is (word == "only"))

    def without(self, names: set[str]) -> Image:
        """Everything landed, but these files' names did not."""
        return {name: content for name, content in self.image(_everything).items() if name not in names}


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """A write, or with data None a truncation to ``offset`` bytes."""
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _nothing(_serial: int) -> Landed:
    return False


def _everything(_serial: int) -> Landed:
    return True


def _torn(last: int, parity: bool, *, before: bool) -> Choice:
    def sector(number: int) -> bool:
        return number % 2 == parity

    return lambda serial: sector if serial == last else before


def random_choice(rng: random.Random) -> Choice:
    """Each change: whole, not at all, or every sector by chance."""
    bias = rng.random()
    asked: dict[int, Landed] = {}

    def choice(serial: int) -> Landed:
        if serial not in asked:
            if rng.random() < 0.3:
                asked[serial] = lambda _: rng.random() < 0.5
            else:
                asked[serial] = rng.random() < bias
        return asked[serial]

    return choice


@dataclass(slots=True)
class _File:
    """A file as the vault sees it (``now``), and what of it is durable."""

    durable: bytes | None = None
    now: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)


class SimDisk:
    """Performs the disk effects of ``inos.ports`` on files in memory."""

    def __init__(self, start: Image | Snapshot | None = None) -> None:
        self.files: dict[str, _File] = {}
        if isinstance(start, Snapshot):
            now = start.image(_everything)
            for name, state in start.files.items():
                self.files[name] = _File(state.durable, bytearray(now.get(name, b"")), list(state.changes))
            self._serial = max([0, *start.serials()])
        else:
            self._serial = 0
            for name, content in (start or {}).items():
                self.files[name] = _File(content, bytearray(content))
        self.quota_bytes = 1 << 40
        self.arena: HostArena | None = None
        self.inject: Callable[[Effect[Any]], InosError | None] = lambda _: None

    def perform(self, effect: Effect[Any]) -> object:
        """Answer one of DISK_EFFECTS. Raises StorageFull, and what ``inject`` says."""
        error = self.inject(effect)
        if error is not None:
            if isinstance(effect, FileWrite) and isinstance(error, StorageFull):
                self._write_in_part(effect, effect.src.length // 2)
            raise error
        return self._perform(effect)

    def _perform(self, effect: Effect[Any]) -> object:
        arena = self.arena
        assert arena is not None
        match effect:
            case FileRead(name, offset, dst):
                now = self._file(name).now
                length = max(0, min(dst.length, len(now) - offset))
                arena.memory[dst.offset : dst.offset + length] = now[offset : offset + length]
                return length
            case FileSize(name):
                return len(self._file(name).now)
            case FileWrite(name, offset, src):
                self.change(name, offset, arena.read(src))
            case FileFlush(name):
                self.flush(name)
            case FileTruncate(name, size):
                self.change(name, size, None)
            case FileClose():
                pass
            case ListSegments(dst):
                numbers = [int(name[4:]) for name in self.files if name.startswith("seg-")]
                return list_segments(numbers, arena.in_place(dst))
            case _:
                raise BadArgument(type(effect).__name__)
        return None

    def change(self, name: str, offset: int, data: bytes | None) -> None:
        """A write, or with data None a truncation to ``offset`` bytes. Raises StorageFull."""
        file = self._file(name)
        end = offset + (0 if data is None else len(data))
        if end - len(file.now) > (room := self.quota_bytes - self.used_bytes()):
            if data is not None:
                self._keep(file, offset, data[: max(0, len(file.now) + max(0, room) - offset)])
            raise StorageFull("quota")
        self._keep(file, offset, data)

    def _write_in_part(self, effect: FileWrite, length: int) -> None:
        assert self.arena is not None
        self._keep(self._file(effect.name), effect.offset, self.arena.read(effect.src)[:length])

    def _keep(self, file: _File, offset: int, data: bytes | None) -> None:
        if data is not None and not data:
            return
        self._serial += 1
        apply(file.now, offset, data)
        file.changes.append((self._serial, offset, data))

    def flush(self, name: str) -> None:
        """What was changed in this file is durable, its name too."""
        file = self._file(name)
        if file.changes or file.durable is None:
            file.durable, file.changes = bytes(file.now), []

    def used_bytes(self) -> int:
        """Sum of the files' sizes."""
        return sum(len(file.now) for file in self.files.values())

    def snapshot(self) -> Snapshot:
        """The state now; later changes do not show in it."""
        return Snapshot({name: FileState(file.durable, tuple(file.changes)) for name, file in self.files.items()})

    def image(self) -> Image:
        """What the vault sees."""
        return {name: bytes(file.now) for name, file in self.files.items()}

    def rot(self, name: str, at: int, bit: int) -> None:
        """Flip one bit of a file, on the disk and in the page cache."""
        file = self.files[name]
        file.now[at] ^= 1 << bit
        file.durable, file.changes = bytes(file.now), []

    def _file(self, name: str) -> _File:
        file = self.files.get(name)
        if file is None:
            file = self.files[name] = _File()
        return file
