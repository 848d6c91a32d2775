"""What the arguments ask for, looked at before anything is served: addresses, certificate, configuration, the port.

Invariants: whatever is wrong is a `Stop` with one line for people, and nothing is left open then; secrets are in no line.

Must not know: how requests are answered.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inos_host.server import announcement, certificates, local_networks
from inos_host.server.headers import CONTENT_TYPES, WILDCARDS
from inos_host.server.ice import BadIceServer, ice_server
from inos_host.server.listening import tls_context
from inos_host.server.origins import BadOrigin, Origins, public_origin
from inos_host.server.package_index import BadIndex, index_address
from inos_host.server.static_files import Asset, asset_of

if TYPE_CHECKING:
    import argparse
    import ssl
    from collections.abc import Sequence
    from pathlib import Path

HOST_DEFAULT = "127.0.0.1"
BACKLOG = 128
CONFIG_PATH = "/config.json"
CERTIFICATE_TYPE = "application/x-x509-ca-cert"


class Stop(Exception):
    """Why the server cannot start, in one line."""


@dataclass
class Plan:
    """What is to be served, and where: all that can be wrong has been looked at."""

    origins: Origins
    listeners: list[socket.socket]
    context: ssl.SSLContext | None = None
    made: dict[str, Asset] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)  # to be said once it serves


def addresses_for(options: argparse.Namespace) -> list[str]:
    """The addresses to listen at, the one to print first."""
    if not options.lan:
        return [numeric(options.host or HOST_DEFAULT)]
    if options.host:
        address = ipaddress.ip_address(numeric(options.host))
        if not local_networks.is_local(address):
            raise Stop(f"--lan serves local networks, and {address} is in none: name another --host, or use --tls")
        return [str(address)]
    found = [str(address) for address in local_networks.of_this_machine()]
    if not found:
        raise Stop("--lan found no local network here: connect to one, or name this machine's address with --host")
    return found


def plan(checkout: Path, options: argparse.Namespace) -> Plan:
    """Look at everything that may be wrong, then take the port."""
    try:
        public = public_origin(options.public_origin) if options.public_origin else None
        is_own = bool(options.ice or options.python_index)
        made = {CONFIG_PATH: config(checkout, options.ice, options.python_index)} if is_own else {}
    except BadOrigin as error:
        raise Stop(f"--public-origin: {error}") from None
    try:
        guests = frozenset(map(public_origin, options.meet_for))
    except BadOrigin as error:
        raise Stop(f"--meet-for: {error}") from None
    bound = addresses_for(options)
    context: ssl.SSLContext | None = None
    names: list[str] = []
    issued = None
    if options.tls:
        context, names = given_certificate(*options.tls)
    elif options.lan:
        names = [name for name in (local_networks.own_name(), "localhost") if name]
        issued = own_certificate(bound, names)
        context = tls_context(issued.leaf_file)
        made["/" + issued.public_file.name] = asset_of(issued.public_file.read_bytes(), CERTIFICATE_TYPE)
    listeners = listen_at_all(bound, options.port)
    port = listeners[0].getsockname()[1]
    host = shown(options.host or bound[0], bound[0])
    if options.tls and names and not options.lan:
        host = names[0]
    origins = Origins(
        host, port, tuple(bound), tuple(names), is_secure=context is not None, public_origin=public, guests=guests
    )
    words = []
    if public:
        words.append(f"INOS listens at {', '.join(map(origins.local_url, bound))} for {public}")
    elif options.lan:
        by_name = next((origins.local_url(name) for name in names if name.endswith(".local")), None)
        urls = [origins.local_url(each) for each in bound]
        words = announcement.for_neighbours(urls, by_name, issued, drawn=draws_blocks())
    return Plan(origins, listeners, context, made, words)


def config(checkout: Path, ice: Sequence[str], python_index: str | None) -> Asset:
    """`static/config.json` with these ICE servers in it, and what package index is passed on, if one is."""
    servers = []
    for number, text in enumerate(ice, 1):
        try:
            servers.append(ice_server(text))
        except BadIceServer as error:
            raise Stop(f"--ice, server {number}: {error}") from None
    try:
        settings = json.loads((checkout / "static" / CONFIG_PATH[1:]).read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    if servers:
        settings["iceServers"] = servers
    if python_index:
        try:
            settings["pythonIndex"] = index_address(python_index)
        except BadIndex as error:
            raise Stop(f"--python-index: {error}") from None
    body = json.dumps(settings, indent=2).encode()
    return asset_of(body, CONTENT_TYPES[".json"])


def given_certificate(certificate: Path, key: Path) -> tuple[ssl.SSLContext, list[str]]:
    """TLS with files of the user's own, and the names that they speak for."""
    try:
        return tls_context(certificate, key), certificates.names_in(certificate)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise Stop(f"--tls: cannot use {certificate} with {key}: {why}") from None


def own_certificate(bound: Sequence[str], names: Sequence[str]) -> certificates.Issued:
    try:
        return certificates.issue(certificates.folder(), [ipaddress.ip_address(each) for each in bound], names)
    except certificates.BadCertificate as error:
        raise Stop(f"--lan: {error}") from None


def listen_at_all(bound: Sequence[str], port: int) -> list[socket.socket]:
    """One port at every address."""
    listeners: list[socket.socket] = []
    try:
        for address in bound:
            listeners.append(listen(address, port))
            port = listeners[0].getsockname()[1]
    except Stop:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def draws_blocks() -> bool:
    try:
        "\u2588\u2580\u2584".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def numeric(host: str) -> str:
    """The address to bind: `localhost` is 127.0.0.1, other names are looked up."""
    if host == "localhost":
        return "127.0.0.1"
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        raise Stop(f"--host {host!r} is no address of this machine") from None


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # on Windows the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    except OSError as error:
        listener.close()
        why = "is it in use? try --port 0" if error.errno is not None else "try another"
        raise Stop(f"cannot listen on {host} port {port}: {error.strerror or error}; {why}") from None
    return listener


def shown(host: str, bound: str) -> str:
    """How the one origin is spelled: by the address, unless the name was asked for."""
    if host == "localhost":
        return host
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound) if bound in WILDCARDS else bound  # noqa: S104 - recognised, not bound
