"""Run set-up stages once each, and say plainly what stopped one.

Nouns: a *stage* makes some outputs from some inputs; its *key* is the hash of the inputs; its *stamp* in `.cache/stamps`
holds the key of the last run that finished. A *problem* is a failure with the words a person needs: what and what to do.

Invariants: a stage whose stamp equals its key and whose outputs exist is not run; a stamp is removed before its stage
runs and written after it, so an interrupted stage runs again; one set-up at a time holds the lock of the checkout.

Must not know: what any stage does. Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
BUILD = ROOT / "static" / "build"
LOG_LINES_SHOWN = 15


class Problem(Exception):
    """Something a person has to know: `what` went wrong, and what `todo` about it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo


@dataclass(frozen=True)
class Stage:
    """One step: `run` makes `outputs`; a stamp among `keys` means they are fresh (the first key is written)."""

    name: str
    keys: tuple[str, ...]
    outputs: tuple[Path, ...]
    run: Callable[[], None]

    @property
    def stamp(self) -> Path:
        return CACHE / "stamps" / self.name.replace(" ", "-")

    def is_fresh(self) -> bool:
        try:
            known = self.stamp.read_text("ascii")
        except OSError:
            return False
        return known in self.keys and all(path.exists() for path in self.outputs)


def digest(*parts: str | Path) -> str:
    """SHA-256 over strings and the contents of files and folders (names relative, so a moved checkout keeps its keys)."""
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            state.update(f"text {part}\0".encode())
            continue
        for file in files_under(part):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            state.update(f"file {file.relative_to(ROOT).as_posix()} {content}\0".encode())
    return state.hexdigest()


def files_under(path: Path) -> list[Path]:
    """The file itself, or all files of a folder without caches and dot-files, sorted; nothing where it is missing."""
    if path.is_file():
        return [path]
    found = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in found if not any(skipped(part) for part in file.relative_to(path).parts))


def skipped(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__" or name.endswith(".pyc")


def perform(make_stages: Sequence[Callable[[], Stage]], say: Callable[[str], None]) -> int:
    """Bring every stage up to date, in order; the number of stages that had to run.

    Stages are made one by one, since the key of a later one may depend on what an earlier one produced.
    """
    ran = 0
    for number, make in enumerate(make_stages, 1):
        stage = make()
        if stage.is_fresh():
            continue
        ran += 1
        say(f"[{number}/{len(make_stages)}] {stage.name} ...")
        started = time.monotonic()
        stage.stamp.parent.mkdir(parents=True, exist_ok=True)
        stage.stamp.unlink(missing_ok=True)
        stage.run()
        missing = [path.relative_to(ROOT).as_posix() for path in stage.outputs if not path.exists()]
        if missing:
            raise Problem(
                f"{stage.name} finished without making {', '.join(missing)}", "this is a fault in INOS: report it"
            )
        write_atomically(stage.stamp, stage.keys[0])
        say(f"[{number}/{len(make_stages)}] {stage.name}: {time.monotonic() - started:.1f} s")
    return ran


def write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def command(arguments: Iterable[str | Path], log_name: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a program with its output in `.cache/log`; its output, or a `Problem` naming the cause as far as it is known."""
    log = CACHE / "log" / f"{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in arguments]
    try:
        with log.open("w", encoding="utf-8", errors="replace") as sink:
            done = subprocess.run(
                words,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                check=False,
            )
    except FileNotFoundError:
        raise Problem(f"the program {words[0]} does not exist", "install it, then run the same command again") from None
    output = log.read_text("utf-8", errors="replace")
    if done.returncode != 0:
        raise diagnose(f"`{Path(words[0]).name} {' '.join(words[1:4])} ...` failed", output, log)
    return output


NO_NETWORK = (
    r"name resolution|getaddrinfo|Name(?:Resolution|OrServiceNotKnown)Error|NewConnectionError|Network is unreachable|"
    r"(?:Connect|Read)Timeout|ProxyError|ENOTFOUND|EAI_AGAIN|ECONN(?:REFUSED|RESET)|ETIMEDOUT"
)
# What the output of pip, npm and compilers says -> what it means and what to do. The first match wins.
CAUSES: tuple[tuple[str, str, str], ...] = (
    (r"No space left on device|ENOSPC|not enough space on the disk", "the disk is full", "free about 3 GB"),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "a downloaded package is not the one that INOS was made with",
        "check the package mirror or proxy in use; nothing was installed",
    ),
    (
        NO_NETWORK,
        "the package registry cannot be reached",
        "connect to the internet (or set up the proxy); later starts need no network",
    ),
    (
        r"SSLError|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT",
        "the registry's certificate is not trusted",
        "check the proxy",
    ),
    (
        r"No module named '?(?:venv|ensurepip|pip)",
        "this Python has no pip",
        "install it (on Debian: apt install python3-venv)",
    ),
    (
        r"No matching distribution found|Could not find a version|EBADPLATFORM",
        "a package has no ready-made build for this platform or Python version",
        "use CPython 3.11 to 3.14 on 64-bit Linux, Windows or a Mac with Apple silicon",
    ),
    (r"EACCES|Permission denied|PermissionError", "a file may not be written", "make the folder of INOS writable"),
)


def diagnose(what: str, output: str, log: Path) -> Problem:
    """The problem behind a failed program: its known cause, and the last lines that it wrote."""
    lines = [line for line in output.splitlines() if line.strip() and not line.startswith("WARNING: Location")]
    tail = "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])
    for pattern, cause, todo in CAUSES:
        if re.search(pattern, output):
            return Problem(f"{what}: {cause}\n{tail}", f"{todo}, then run the same command again")
    return Problem(f"{what}\n{tail}", f"read {log.relative_to(ROOT).as_posix()}, then run the same command again")


@contextlib.contextmanager
def only_one(say: Callable[[str], None]) -> Iterator[None]:
    """Hold the checkout's set-up lock; the system releases it when the process ends, however it ends."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "setup.lock").open("a+b") as handle:
        if not try_lock(handle.fileno()):
            say("another set-up is running in this folder: waiting for it")
            while not try_lock(handle.fileno()):
                time.sleep(0.2)  # a lock of the operating system offers no event to wait for with a message
        yield


def try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists on this system only

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - exists on these systems only

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
