"""Every file of an exported archive, without a browser: `python -m inos_host.recover ARCHIVE FOLDER`.

The archive goes into a vault in a temporary folder, where every byte is checked, and from there file by file into FOLDER.
Invariants: no file of FOLDER is written over; one that cannot be had whole is named and left out, and the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inos.errors import InosError
from inos.vault.names import clean_name
from inos_host.disk import storage_error
from inos_host.local import LocalVault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PASSPHRASE_BYTES_MAX = 1 << 16


def recover(archive: Path, folder: Path, passphrase: str) -> Iterator[tuple[str, str]]:
    """Each file's path under ``folder``, and the code of what kept it from there, or "".

    Raises AuthFailed, CorruptError classes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary, LocalVault(Path(temporary)) as vault:
        for name, code in vault.import_archive(archive, passphrase).skipped:
            yield name or archive.name, code
        half = Path(temporary) / "half"  # beside the target it could hit a file that is there, or have too long a name
        for info in vault.list():
            top = folder / clean_name(info.name)
            if info.is_folder and not top.is_dir():
                top = unused(top)  # beside a file of this name
            for path in vault.files(info.root) if info.is_folder else ("",):
                wanted = top.joinpath(*map(clean_name, path.split("/"))) if path else top
                try:
                    vault.save(info.root, half, path)
                    target = unused(wanted)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    half.rename(target)
                except InosError as error:
                    yield str(wanted.relative_to(folder)), error.code
                except OSError as error:
                    yield str(wanted.relative_to(folder)), storage_error(error).code
                else:
                    yield str(target.relative_to(folder)), ""


def unused(path: Path) -> Path:
    """The path, or "name (2).ext" and so on where there is something already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return free


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m inos_host.recover", description="Files out of an exported archive."
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("folder", type=Path, help="where they go; made if it is not there")
    parser.add_argument("--passphrase-stdin", action="store_true", help="read it from standard input instead of asking")
    options = parser.parse_args(arguments)
    if options.passphrase_stdin:
        passphrase = sys.stdin.read(PASSPHRASE_BYTES_MAX).rstrip("\n")
    else:
        passphrase = getpass.getpass("The archive's passphrase: ")
    failed = 0
    try:
        for path, code in recover(options.archive, options.folder, passphrase):
            failed += bool(code)
            sys.stdout.write(f"{path}: {code or 'ok'}\n")
    except (InosError, OSError) as error:
        sys.stderr.write(f"{options.archive}: {error}\n")
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
