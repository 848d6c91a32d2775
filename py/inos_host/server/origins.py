"""What one server is called: where it listens, the one address that it prints, and which hosts and origins are its own.

Nouns: the *address* is the origin people open, by which their vault is kept; a *public origin* is an address that a proxy
or a router in front of us answers by.
Invariants: a Host that is not ours is refused (DNS rebinding), an Origin that is neither ours nor a guest's gets no socket; names
that lead to the same server lead to its one address where that cannot lead in a circle.

Must not know: sockets, files. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from inos_host.server.headers import bracketed, host_is_ours, host_name

PUBLIC_ORIGIN = re.compile(
    r"https?://(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[0-9]{1,5})?/?"
)
DEFAULT_PORTS = {"http": 80, "https": 443}


class BadOrigin(ValueError):
    """Why a text is no origin."""


@dataclass(frozen=True, slots=True)
class Origins:
    """One server, as browsers should spell it."""

    host: str
    port: int
    bound: tuple[str, ...]  # addresses, or a wildcard
    names: tuple[str, ...] = ()  # beside them, of its certificate
    is_secure: bool = False
    public_origin: str | None = None
    guests: frozenset[str] = frozenset()  # origins of other sites whose pages may meet here

    @property
    def url(self) -> str:
        return self.public_origin or self.local_url(self.host)

    def local_url(self, host: str) -> str:
        """The address at one of the places where it listens itself."""
        return f"{'https' if self.is_secure else 'http'}://{bracketed(host)}:{self.port}"

    def is_host_ours(self, header: str) -> bool:
        name = host_name(header)
        if name is None:
            return False
        if self.public_origin is not None and name == host_name(urlsplit(self.public_origin).netloc):
            return True
        return name in self.names or any(host_is_ours(header, bound) for bound in self.bound)

    def is_alias(self, header: str) -> bool:
        """Whether a Host is another name of the address: storage belongs to an origin, and a vault would seem to vanish."""
        if self.public_origin is not None:
            return False  # a proxy may spell the host as it likes
        return host_name(header) in ({"127.0.0.1"} if self.host == "localhost" else {"localhost"})

    def may_meet(self, origin: str, host: str) -> bool:
        """Whether a WebSocket's Origin is ours or a guest's; its Host is ours, by now."""
        scheme = "https" if self.is_secure else "http"
        return origin in {f"{scheme}://{host}", self.public_origin} or origin in self.guests


def public_origin(text: str) -> str:
    """`https://NAME[:PORT]` as browsers spell it in Origin headers."""
    lowered = text.lower()
    if PUBLIC_ORIGIN.fullmatch(lowered) is None:
        raise BadOrigin(f"{text!r} is no origin: it must be https://NAME or https://NAME:PORT")
    try:
        parts = urlsplit(lowered)
        port = parts.port
    except ValueError:
        raise BadOrigin(f"{text!r} has no such port") from None
    shown = "" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{bracketed(parts.hostname or '')}{shown}"
