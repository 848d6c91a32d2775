"""STUN and TURN servers as people type them, as `RTCPeerConnection` wants them.

`stun:HOST[:PORT]`, `stuns:...`, `turn:HOST[:PORT]?user=NAME&secret=WORD[&transport=udp|tcp]`, `turns:...`; user and secret are
percent-decoded.

Must not know: who serves them. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

SERVERS_MAX = 8
TEXT_CHARS_MAX = 512
HOST = r"(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)"
LINE = re.compile(rf"(stuns?|turns?):({HOST})(?::([0-9]{{1,5}}))?(?:\?(.*))?", re.IGNORECASE)


class BadIceServer(ValueError):
    """Why a text is no STUN or TURN server; secrets are not in it."""


def ice_server(text: str) -> dict[str, str]:
    """One entry of `iceServers`."""
    match = LINE.fullmatch(text) if len(text) <= TEXT_CHARS_MAX else None
    if match is None:
        raise BadIceServer("it must be stun:HOST:PORT or turn:HOST:PORT?user=NAME&secret=WORD")
    scheme, host, port, query = match[1].lower(), match[2].lower(), match[3], match[4]
    if port is not None and not 0 < int(port) <= 65535:
        raise BadIceServer(f"{port} is no port")
    url = f"{scheme}:{host}" + (f":{int(port)}" if port else "")
    given = _fields(query)
    if scheme.startswith("stun"):
        if query is not None:
            raise BadIceServer("a STUN server takes nothing after its port")
        return {"urls": url}
    user, secret, transport = given.get("user", ""), given.get("secret", ""), given.get("transport")
    if not user or not secret:
        raise BadIceServer("a TURN server needs ?user=NAME&secret=WORD")
    if transport not in {None, "udp", "tcp"}:
        raise BadIceServer("transport is udp or tcp")
    return {"urls": url + (f"?transport={transport}" if transport else ""), "username": user, "credential": secret}


def _fields(query: str | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in (query or "").split("&"):
        name, _, value = part.partition("=")
        if part and (name not in {"user", "secret", "transport"} or name in fields):
            raise BadIceServer("after ? come user, secret and transport, each once")
        if part:
            fields[name] = unquote(value)
    return fields
