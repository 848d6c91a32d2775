"""Run a command with a network of its own: `python .ci/netns.py COMMAND...`, used for the end-to-end tests.

The namespace has loopback and a veth pair whose one end has an address and the default route, both ends inside: a
browser then finds a host candidate for WebRTC (loopback alone yields none), and no packet can leave the machine.

Linux as root only; elsewhere, and where namespaces are forbidden, the command runs in the ordinary network and a line
says so. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

INSIDE = "INOS_NETNS"
# The other end of the pair needs no address: packets to the subnet's own address are delivered locally.
COMMANDS = (
    "ip link set lo up",
    "ip link add inos0 type veth peer name inos1",
    "ip addr add 10.77.0.1/24 dev inos0",
    "ip link set inos0 up",
    "ip link set inos1 up",
    "ip route add default via 10.77.0.2 dev inos0",
)
# IPv6 gives an interface an address a second or two after it comes up, and Chromium then breaks off whatever it is
# loading (ERR_NETWORK_CHANGED). It fails where the system has no IPv6, which is as good.
QUIET_COMMANDS = tuple(f"ip link set {name} addrgenmode none" for name in ("inos0", "inos1"))


def missing() -> str | None:
    """What keeps this machine from giving a process a network of its own, or None."""
    if not sys.platform.startswith("linux"):
        return "only Linux has network namespaces"
    if os.geteuid() != 0:
        return "it needs root"
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            return f"the program {tool} is missing"
    probe = ["unshare", "--net", sys.executable, __file__, "--probe"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"the system refuses: {(done.stderr.strip().splitlines() or ['?'])[-1]}"


def wrapped(words: list[str]) -> tuple[list[str], str]:
    """The command as it is to be run, and a sentence on the network that it will have."""
    if is_inside():
        return words, "already in a network namespace"
    why_not = missing()
    if why_not is not None:
        return words, f"in the ordinary network ({why_not})"
    return ["unshare", "--net", sys.executable, __file__, "--inside", *words], "in a network namespace of its own"


def rerun(program: str, arguments: list[str]) -> int | None:
    """Run a script anew in a network of its own: its exit code, or None where the one that asks has to go on itself."""
    if is_inside():
        return None
    words, note = wrapped([sys.executable, program, *arguments])
    print(f"network: {note}", flush=True)
    return None if words[0] == sys.executable else subprocess.run(words, check=False).returncode


def is_inside() -> bool:
    """Whether this process runs in a namespace of its own already."""
    return bool(os.environ.get(INSIDE))


def build() -> None:
    for line in COMMANDS:
        subprocess.run(line.split(), check=True)
        if line.startswith("ip link add"):
            for quiet in QUIET_COMMANDS:
                subprocess.run(quiet.split(), capture_output=True, check=False)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--probe"]:
        build()
        return 0
    if arguments[:1] == ["--inside"]:
        build()
        os.environ[INSIDE] = "1"
        os.execvp(arguments[1], arguments[1:])
    words, note = wrapped(arguments)
    print(f"network: {note}", flush=True)
    return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
