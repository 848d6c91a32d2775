"""`npm run sim:disk`: see ``inos_sim.command``."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from inos_sim.command import main  # noqa: E402 - our own folder comes first on the path

if __name__ == "__main__":  # processes of the campaign import this file, too
    sys.exit(main(sys.argv[1:]))
