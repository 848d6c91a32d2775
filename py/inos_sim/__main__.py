"""`npm run sim:disk` and `npm run sim:mesh`: see ``inos_sim.command`` and ``inos_sim.mesh.command``.

`python3 -m inos_sim --nodes N --scenario NAME ...` is the mesh's, everything else the disk's.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

MESH_OPTIONS = ("--scenario", "--nodes", "--sizes")


def main(arguments: list[str]) -> int:
    """Whose command it is."""
    if any(argument.partition("=")[0] in MESH_OPTIONS for argument in arguments):
        from inos_sim.mesh import command as mesh  # noqa: PLC0415 - each loads its own half

        return mesh.main(arguments)
    from inos_sim import command as disk  # noqa: PLC0415 - as above

    return disk.main(arguments)


if __name__ == "__main__":  # processes of the campaign import this file, too
    sys.exit(main(sys.argv[1:]))
