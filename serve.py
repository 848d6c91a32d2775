"""Serve INOS: `python3 serve.py [--host HOST] [--port PORT] [--no-open]`; `--lan` for other devices.

Runs itself again with `.venv`'s Python, which `npm start` sets up; the server is `py/inos_host/server`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parent
VENV = CHECKOUT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
NOT_SET_UP = "inos: INOS is not set up here (.venv is missing or incomplete): run npm start"


def main() -> int:
    if Path(sys.prefix).resolve() != VENV.resolve():
        run_in_venv()
    sys.path.insert(0, str(CHECKOUT / "py"))
    try:
        from inos_host.server.cli import main as serve  # noqa: PLC0415 - its packages live in .venv
    except ImportError:
        print(NOT_SET_UP, file=sys.stderr)
        return 2
    return serve(CHECKOUT, sys.argv[1:])


def run_in_venv() -> NoReturn:
    if not VENV_PYTHON.exists():
        print(NOT_SET_UP, file=sys.stderr)
        sys.exit(2)
    words = [str(VENV_PYTHON), str(CHECKOUT / "serve.py"), *sys.argv[1:]]
    if os.name == "nt":  # execv there returns to the shell at once
        sys.exit(subprocess.run(words, check=False).returncode)  # noqa: S603
    os.execv(words[0], words)  # noqa: S606 - our own file


if __name__ == "__main__":
    sys.exit(main())
