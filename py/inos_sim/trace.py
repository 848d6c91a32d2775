"""A recorded trace of a real browser's disk calls: its format, and reading it.

JSON lines, one object a line, in the order in which the calls *returned* in the io worker. ``op`` says what it is; unknown
fields and unknown ops are ignored (so a recorder may log more), except that a line without ``op`` is an error.

    {"op": "trace", "version": 1, "browser": "Chrome/156..."}              the first line
    {"op": "key", "wrapped": hex, "plain": hex}                           what the device key unwraps ``wrapped`` to: one line
                                                                          for each WrapKey and UnwrapKey that was answered
    {"op": "open", "file": "seg-0000", "created": true}                   opened; ``created``: it was not there before
    {"op": "write", "file", "offset", "length", "data": base64}           written whole; ``length`` is what was really written,
                                                                          ``data`` at least as long (a short write: longer)
    {"op": "write", "file", "offset", "length", "blob": sha256 hex}       the same; the bytes are in the file of that name in
                                                                          the folder ``TRACE.blobs`` beside the trace
    {"op": "truncate", "file", "size"}                                    the size was set
    {"op": "flush", "file"}                                               a flush *returned* (a failed one is not logged)
    {"op": "close", "file"}                                               the handle was closed
    {"op": "begin", "call": 7, "kind": "put", "name", "size", "sha256"}   a call of the page's API begins. ``kind``: put, remove
    {"op": "begin", "call": 8, "kind": "remove", "root": hex}             or other (which says nothing about files)
    {"op": "ack", "call": 7, "root": hex}                                 it was acknowledged; ``root`` for a put
    {"op": "fail", "call": 7}                                             it was refused: nothing is claimed for it
    {"op": "kill"}                                                        the browser was killed and started again: handles and
                                                                          memory are gone, the page cache is not

Reads and sizes need no line. ``begin`` must stand before the first call on the disk that the API call causes, ``ack`` after
the last that it waited for: log ``begin`` before sending the request, and ``ack`` when the answer is there. So an
acknowledgement is never claimed earlier than it was given, and every call on the disk before it counts as made. ``name`` and
``sha256`` are of the file as the page gave it. File names are the vault's own (sb0, sb1, log-a, log-b, keys, kept, seg-0000,
...); calls on others are ignored.

Nouns: a *call* on the disk is a line of a change or a flush; a *claim* is what the acknowledgements so far say: which files
must be there, which must not, and which may be either.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inos.errors import BadArgument, InosError, VaultLocked
from inos.limits import MIB
from inos.ports import UnwrapKey, WrapKey
from inos.tasks import Effect
from inos_host.arena import HostArena
from inos_host.kernels import HostHashes, HostKernels, HostKeys
from inos_host.keyring import HostKeyring
from inos_sim.campaign import RANDOM_IMAGES, Tally
from inos_sim.claims import LOST, UNTYPED, Claim, Kept, Ledger, Verdict
from inos_sim.disk import Image, SimDisk, Snapshot
from inos_sim.machine import Machine, Parts

VERSION = 1
ARENA_BYTES = 192 * MIB
CALLS = ("write", "truncate", "flush", "open")
_NAME = re.compile(r"sb[01]|log-[ab]|keys|kept|seg-[0-9]{4,5}")

Line = dict[str, Any]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a trace; the bytes of writes are in ``bytes``. Raises BadArgument for what is no trace."""
    blobs = path.with_name(path.name + ".blobs")
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file):
            line = json.loads(text)
            if type(line) is not dict or type(line.get("op")) is not str:
                raise BadArgument(f"line {number + 1} of the trace says no op")
            if number == 0 and (line["op"], line.get("version")) != ("trace", VERSION):
                raise BadArgument("not a trace of this version")
            if line["op"] in CALLS and _NAME.fullmatch(line["file"]) is None:
                continue
            if line["op"] == "write":
                data = base64.b64decode(line["data"]) if "data" in line else (blobs / line["blob"]).read_bytes()
                line["bytes"] = data[: line["length"]]
            yield line


class TraceKeyring:
    """Unwraps what the trace saw unwrapped; a key wrapped here is known here."""

    def __init__(self) -> None:
        self.keys: dict[bytes, bytes] = {}
        self._others = HostKeyring()

    def perform(self, effect: Effect[Any]) -> object:
        """Answer a keyring's effects. Raises VaultLocked."""
        match effect:
            case UnwrapKey(wrapped, _):
                if wrapped not in self.keys:
                    raise VaultLocked("the trace does not say what this unwraps to")
                return self.keys[wrapped]
            case WrapKey(plain, _):
                wrapped = b"wrapped here".ljust(28 + len(plain), b".")
                self.keys[wrapped] = plain
                return wrapped
        return self._others.perform(effect)


def host_parts(keyring: TraceKeyring, pages: bytearray | None = None) -> Parts:
    """The real kernels. ``pages`` is shared by the machines of a process."""
    arena = HostArena(ARENA_BYTES, pages if pages is not None else bytearray(ARENA_BYTES))
    hashes = HostHashes(arena)
    keys = HostKeys(hashes)
    return Parts(arena, hashes, keys, HostKernels(arena, hashes, keys), keyring, {})


class TraceCampaign:
    """Every crash state of a trace, opened with the real kernels: at every call on the disk, one image of every class."""

    def __init__(self, path: Path, seed: int, states_max: int | None = None) -> None:
        self._path = path
        self._seed = seed
        self._states_max = states_max
        self._keyring = TraceKeyring()
        self._disk = SimDisk()
        self._ledger = Ledger()
        self._begun: dict[int, Line] = {}
        self._files: dict[int, Kept] = {}
        self._pages = bytearray(ARENA_BYTES)
        self._seen: set[tuple[int, int]] = set()
        self._claims: list[Claim] = []  # kept alive, so that their ids tell them apart
        self.calls = 0
        self.acknowledged = 0
        self.tally = Tally()

    def run(self) -> Tally:
        """Replay the trace; with a bound on the states, at calls that chance picks."""
        total = sum(line["op"] in CALLS for line in read_lines(self._path))
        rng = random.Random(self._seed)
        chosen = None
        if self._states_max is not None:
            chosen = set(rng.sample(range(total), min(total, max(1, self._states_max // 4))))
        for line in read_lines(self._path):
            if line["op"] not in CALLS:
                self._note(line)
                continue
            self._call(line)
            if chosen is None or self.calls in chosen:
                self._crash(None if chosen is None else 4, rng)
            self.calls += 1
        return self.tally

    def _call(self, line: Line) -> None:
        name = line["file"]
        if line["op"] == "write":
            self._disk.change(name, line["offset"], line["bytes"])
        elif line["op"] == "truncate":
            self._disk.change(name, line["size"], None)
        elif line["op"] == "flush":
            self._disk.flush(name)

    def _note(self, line: Line) -> None:
        ledger = self._ledger
        if line["op"] == "key":
            self._keyring.keys[bytes.fromhex(line["wrapped"])] = bytes.fromhex(line["plain"])
        elif line["op"] == "begin":
            self._begun[line["call"]] = line
            if line["kind"] == "put":
                file = Kept(line["name"], line["size"], bytes.fromhex(line["sha256"]))
                self._files[line["call"]] = file
                ledger.begin_put(file)
            elif line["kind"] == "remove":
                ledger.begin_remove(bytes.fromhex(line["root"]))
        elif line["op"] == "ack":
            self.acknowledged += 1
            begun = self._begun[line["call"]]
            if begun["kind"] == "put":
                ledger.end_put(self._files[line["call"]], bytes.fromhex(line["root"]))
            elif begun["kind"] == "remove" and (root := bytes.fromhex(begun["root"])) in ledger.now.files:
                ledger.end_remove(root)

    # --- states -----------------------------------------------------------------------------------------------------------

    def _crash(self, images_max: int | None, rng: random.Random) -> None:
        snapshot, claim = self._disk.snapshot(), self._ledger.now
        if not self._claims or self._claims[-1] is not claim:
            self._claims.append(claim)
        labels = snapshot.classes(RANDOM_IMAGES)
        if images_max is not None:
            labels = rng.sample(labels, min(images_max, len(labels)))
        for label in labels:
            start = snapshot.named(label, random.Random(f"{self._seed}|{self.calls}|{label}"))
            files = start.files if isinstance(start, Snapshot) else start
            key = (hash(frozenset(files.items())), id(claim))
            if key not in self._seen:
                self._seen.add(key)
                self._state(f"trace#{self.calls}:{label}", start, claim)

    def _state(self, path: str, start: Image | Snapshot, claim: Claim) -> None:
        self.tally.states += 1
        machine = Machine(SimDisk(start), host_parts(self._keyring, self._pages))
        try:
            machine.open()
            machine.drain()
            for kind, text in Verdict(machine, claim, marks=False).run():
                self._fail(path, kind, text)
            machine.drain()
        except InosError as error:
            self._fail(path, LOST, f"the vault does not open: {error!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._fail(path, UNTYPED, repr(error))
        finally:
            machine.stop()

    def _fail(self, path: str, kind: str, text: str) -> None:
        self.tally.breaches[kind] += 1
        self.tally.failures.append((path, kind, text))
