"""What must be in a vault, by what the witness wrote down: what was acknowledged, what may be there, versions, links.

Nouns: a *file* is a put that was begun (of a file or a folder), known by its name; it is *kept* when that was acknowledged,
*gone* when its removal was, and *open* while a call on it was begun and never ended; what a file was before it was replaced is
an *older* version. ``made`` says how a page makes the bytes. Invariants: nothing is claimed before it was acknowledged.
Must not know: browsers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OPEN, KEPT, GONE = "open", "kept", "gone"
Made = dict[str, Any]


@dataclass
class File:
    """One put, and what became of it."""

    made: Made
    state: str = OPEN
    root: str = ""
    link: str = ""
    removal_begun: bool = False
    replacing: Made | None = None
    older: list[tuple[str, Made]] = field(default_factory=list)

    def replaced(self, root: str) -> None:
        """The replacement that was begun is what counts now."""
        assert self.replacing is not None
        if root != self.root:
            self.older.append((self.root, self.made))
        self.root, self.made, self.replacing, self.link = root, self.replacing, None, ""


@dataclass
class Claims:
    """All of one profile's files, by name."""

    files: dict[str, File] = field(default_factory=dict)
    acknowledged: int = 0
    calls: int = 0
    _begun: dict[int, dict[str, Any]] = field(default_factory=dict)

    def read(self, lines: list[str]) -> None:
        """Go on with these lines of the witness."""
        for line in map(json.loads, lines):
            if line["op"] == "begin":
                self._begin(line)
            elif line["op"] == "ack":
                self._acknowledge(line)
            elif line["op"] == "fail":
                raise AssertionError(f"a call failed: {self._begun[line['call']]}: {line['code']}")

    def _begin(self, line: dict[str, Any]) -> None:
        self.calls = max(self.calls, line["call"] + 1)
        self._begun[line["call"]] = line
        if line["kind"] == "put":
            self.files[line["name"]] = File(line["made"])
        elif line["kind"] == "replace":
            self.files[line["name"]].replacing = line["made"]
        elif line["kind"] == "remove":
            self.by_root(line["root"]).removal_begun = True

    def _acknowledge(self, line: dict[str, Any]) -> None:
        begun = self._begun[line["call"]]
        self.acknowledged += 1
        if begun["kind"] == "put":
            file = self.files[begun["name"]]
            file.state, file.root = KEPT, line["root"]
        elif begun["kind"] == "replace":
            self.files[begun["name"]].replaced(line["root"])
        elif begun["kind"] == "remove":
            self.by_root(begun["root"]).state = GONE
        elif begun["what"] == "share":
            self.by_root(begun["root"]).link = line["link"]

    def by_root(self, root: str) -> File:
        """The file that has this root."""
        return next(file for file in self.files.values() if file.root == root)

    def kept(self) -> dict[str, File]:
        """Those that must be there, by name."""
        return {name: file for name, file in self.files.items() if file.state == KEPT and not file.removal_begun}


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a vault; nothing is, if both are empty."""

    lost: list[str]
    wrong: list[str]


def judge(claims: Claims, rows: list[dict[str, Any]]) -> tuple[Verdict, list[File]]:
    """A vault's list beside the claims; and the files whose bytes are to be looked at. What was open is now known."""
    verdict = Verdict([], [])
    listed = {row["name"]: row for row in rows}
    if len(listed) != len(rows):
        verdict.wrong.append("two rows of one name")
    verdict.wrong.extend(f"{name}: nobody put it" for name in listed if name not in claims.files)
    for name, file in claims.files.items():
        if name in listed:
            _judge_row(name, file, listed[name], verdict)
            continue
        if file.state == KEPT and not file.removal_begun:
            verdict.lost.append(f"{name}: acknowledged, and not there")
        file.state = GONE
    return verdict, list(claims.kept().values())


def _judge_row(name: str, file: File, row: dict[str, Any], verdict: Verdict) -> None:
    """A file that is there."""
    if file.state == GONE:
        verdict.wrong.append(f"{name}: removed, and there again")
    if file.root and row["root"] != file.root:
        if file.replacing is None:
            verdict.wrong.append(f"{name}: under another root")
        else:
            file.replaced(row["root"])
    if row["lost"] or row["size"] != file.made["length"]:
        verdict.lost.append(f"{name}: {row}")
    if file.link and not row["shared"]:
        verdict.lost.append(f"{name}: given out, and not any more")
    file.state, file.root, file.removal_begun, file.replacing = KEPT, row["root"], False, None


def acks_in(lines: list[str]) -> int:
    """Acknowledgements among lines."""
    return sum(line.startswith('{"op": "ack"') for line in lines)


def read_from(path: Path, at: int) -> tuple[list[str], int]:
    """Whole lines from an offset on, and the next offset."""
    with path.open("rb") as file:
        file.seek(at)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return data[:end].decode().splitlines(), at + end
