"""Which addresses belong to a local network, and which of them this machine has.

Invariants: one table says what is local: what `--lan` listens at, and all that its certificates may ever speak for
(`certificates`); an address outside of it is nobody's neighbour. Nothing is sent to find out.

Must not know: sockets that listen, certificates.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING

import ifaddr

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "192.0.2.0/24",  # for documentation (RFC 5737): never routed
        "127.0.0.0/8",
        "fc00::/7",
        "::1/128",
    )
)
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Where packets to the world would go; connecting a UDP socket sends nothing.
ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("10.255.255.255", socket.AF_INET), ("fd00::1", socket.AF_INET6))


def is_local(address: Address) -> bool:
    """Whether an address is of a local network (IPv6's link-local ones are not: they need a zone, which URLs cannot say)."""
    return any(address in network for network in LOCAL if network.version == address.version)


def of_this_machine() -> list[Address]:
    """This machine's addresses of local networks, without loopback: the one of its default route first, IPv4 before IPv6."""
    return ordered(own_addresses(), outgoing())


def ordered(addresses: Iterable[Address], first: Iterable[Address]) -> list[Address]:
    chosen = {address for address in addresses if is_local(address) and not address.is_loopback}
    preferred = list(first)

    def rank(address: Address) -> tuple[int, int, bool, int]:
        place = preferred.index(address) if address in preferred else len(preferred)
        return address.version, place, address.is_link_local, int(address)

    return sorted(chosen, key=rank)


def own_addresses() -> list[Address]:
    found: list[Address] = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            found.append(ipaddress.ip_address(text.partition("%")[0]))
    return found


def outgoing() -> list[Address]:
    """The addresses that packets to elsewhere would bear."""
    found: list[Address] = []
    for target, family in ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                found.append(ipaddress.ip_address(probe.getsockname()[0]))
        except OSError:  # no way there, or no IPv6 at all
            continue
    return found


def own_name() -> str | None:
    """The name that multicast DNS knows this machine by, or None where its host name cannot be one."""
    label = socket.gethostname().partition(".")[0].lower()
    return f"{label}.local" if LABEL.fullmatch(label) and label != "localhost" else None
