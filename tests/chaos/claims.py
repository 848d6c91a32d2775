"""What must be in a vault, by what the witness wrote down: files that were acknowledged, files that may be there, and links.

Nouns: a *file* is a put that was begun; it is *kept* when that was acknowledged, *gone* when its removal was, and *open* while a
call on it was begun and never ended. Invariants: nothing is claimed before it was acknowledged.
Must not know: browsers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OPEN, KEPT, GONE = "open", "kept", "gone"


@dataclass
class File:
    """One put, and what became of it."""

    made: dict[str, Any]
    state: str = OPEN
    root: str = ""
    link: str = ""
    removal_begun: bool = False


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
                begun = self._begun[line["call"]]
                # A file may be removed while another lane gives it out.
                if (begun["kind"], line["code"]) != ("other", "NotFound"):
                    raise AssertionError(f"a call failed: {begun}: {line['code']}")

    def _begin(self, line: dict[str, Any]) -> None:
        self.calls = max(self.calls, line["call"] + 1)
        self._begun[line["call"]] = line
        if line["kind"] == "put":
            self.files[line["name"]] = File(line["made"])
        elif line["kind"] == "remove":
            self.by_root(line["root"]).removal_begun = True

    def _acknowledge(self, line: dict[str, Any]) -> None:
        begun = self._begun[line["call"]]
        self.acknowledged += 1
        if begun["kind"] == "put":
            file = self.files[begun["name"]]
            file.state, file.root = KEPT, line["root"]
        elif begun["kind"] == "remove":
            self.by_root(begun["root"]).state = GONE
        elif begun["what"] == "share":
            self.by_root(begun["root"]).link = line["link"]

    def by_root(self, root: str) -> File:
        """The file that has this root."""
        return next(file for file in self.files.values() if file.root == root)

    def kept(self) -> list[File]:
        """Those that must be there."""
        return [file for file in self.files.values() if file.state == KEPT and not file.removal_begun]


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a vault; nothing is, if both are empty."""

    lost: list[str]
    wrong: list[str]


def judge(claims: Claims, rows: list[dict[str, Any]]) -> tuple[Verdict, list[File]]:
    """A vault's list beside the claims; and the files whose bytes are to be looked at. What was open is now known."""
    lost, wrong = [], []
    listed = {row["name"]: row for row in rows}
    if len(listed) != len(rows):
        wrong.append("two rows of one name")
    wrong += [f"{name}: nobody put it" for name in listed if name not in claims.files]
    for name, file in claims.files.items():
        row = listed.get(name)
        if row is None:
            if file.state == KEPT and not file.removal_begun:
                lost.append(f"{name}: acknowledged, and not there")
            file.state = GONE
            continue
        if file.state == GONE:
            wrong.append(f"{name}: removed, and there again")
        if row["lost"] or row["size"] != file.made["length"]:
            lost.append(f"{name}: {row}")
        if file.root and row["root"] != file.root:
            wrong.append(f"{name}: under another root")
        if file.link and not row["shared"]:
            lost.append(f"{name}: given out, and not any more")
        file.state, file.root, file.removal_begun = KEPT, row["root"], False
    return Verdict(lost, wrong), claims.kept()


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
