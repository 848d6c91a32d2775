"""What the files of a vault hold by a recorded trace: to show that the recorder leaves nothing out.

Must not know: crashes, which are `inos_sim`'s; every call of the trace is taken as made.
"""

from __future__ import annotations

import json
from pathlib import Path


def contents(trace: Path) -> dict[str, bytes]:
    """Each file's bytes after the last line."""
    files: dict[str, bytearray] = {}
    blobs = trace.with_name(f"{trace.name}.blobs")
    for line in map(json.loads, trace.read_text("utf-8").splitlines()):
        if line["op"] == "open":
            if line["created"] and line["file"] in files:
                raise AssertionError(f"{line} is not what the calls before it say")
            files.setdefault(line["file"], bytearray())
        elif line["op"] == "write":
            file, at = files[line["file"]], line["offset"]
            data = (blobs / line["blob"]).read_bytes()[: line["length"]]
            file.extend(bytes(max(0, at + len(data) - len(file))))
            file[at : at + len(data)] = data
        elif line["op"] == "truncate":
            file = files[line["file"]]
            del file[line["size"] :]
            file.extend(bytes(line["size"] - len(file)))
    return {name: bytes(file) for name, file in files.items()}
