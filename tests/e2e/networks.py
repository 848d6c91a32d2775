"""Devices on one local network: namespaces that a test makes itself, joined by a bridge.

A *device* is a network namespace with an address of 10.78.0.0/24; the first one holds the bridge. They have no names on this
machine and end with the processes that hold them. Needs what `.ci/netns.py` needs, which says what is missing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import netns

POLL_S = 0.05
NEW_NETWORK = 0x4000_0000  # CLONE_NEWNET of setns(2)
# Without --fork: the process that we start is the one that holds the namespace. It ends when its input does.
HOLDER = ["unshare", "--net", sys.executable, "-c", "import sys; print('held', flush=True); sys.stdin.read()"]


class Device:
    """One network namespace."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._holder = subprocess.Popen(HOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            raise RuntimeError("no network namespace was made")
        self.pid = self._holder.pid
        self.run("ip link set lo up")

    @property
    def file(self) -> str:
        """What names it to setns(2) and nsenter(1)."""
        return f"/proc/{self.pid}/ns/net"

    def run(self, line: str) -> None:
        """A command in it."""
        subprocess.run(["nsenter", f"--net={self.file}", *line.split()], check=True)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """What this thread starts and opens meanwhile is in it, and stays there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/proc/thread-self/ns/net").open() as before, Path(self.file).open() as there:
            if libc.setns(there.fileno(), NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if libc.setns(before.fileno(), NEW_NETWORK) != 0:
                    os.abort()  # a test in another's network would show anything

    def program(self, executable: str, folder: Path) -> Path:
        """A program that runs another one in it, for drivers that start browsers by their path."""
        script = folder / f"in-{self.address}.sh"
        script.write_text(f'#!/bin/sh\nexec nsenter --net={self.file} "{executable}" "$@"\n', "utf-8")
        script.chmod(0o755)
        return script

    def close(self) -> None:
        """End it with all that is in it."""
        with self._holder:
            assert self._holder.stdin is not None
            self._holder.stdin.close()


@contextlib.contextmanager
def local_network(count: int) -> Iterator[list[Device]]:
    """So many devices that reach each other and nothing else."""
    with contextlib.ExitStack() as made:
        devices: list[Device] = []
        for number in range(1, count + 1):
            devices.append(Device(f"10.78.0.{number}"))
            made.callback(devices[-1].close)
        first = devices[0]
        first.run("ip link add lan type bridge")
        for number, device in enumerate(devices[1:], 1):
            first.run(f"ip link add port{number} type veth peer name lan netns {device.pid}")
            first.run(f"ip link set port{number} master lan up")
        for device in devices:
            # IPv6 comes up a second or two later, and Chromium then breaks off whatever it is loading
            with contextlib.suppress(subprocess.CalledProcessError):
                device.run("ip link set lan addrgenmode none")
            device.run(f"ip addr add {device.address}/24 dev lan")
            device.run("ip link set lan up")
            device.run("ip route add default via 10.78.0.254 dev lan")  # nobody: browsers look for a default route
        yield devices


def missing() -> str | None:
    """What keeps this machine from it, or None."""
    return None if netns.is_inside() else netns.missing()


def wait_until(what: str, is_so: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Poll until something is true; for what `Tab.wait_for` cannot see."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{timeout_s:g} s passed before this was so: {what}")
        time.sleep(POLL_S)  # the pause of a poll with a deadline
