"""What every response carries, which hosts and origins are ours, and what a file's suffix means.

Invariants: `SECURITY` goes on every response without exception (workers, 304, errors, redirects, refused upgrades), since
one bare response is enough to lose isolation; the type map is fixed, and a suffix outside it is not served.

Must not know: sockets, files. Pure functions and constants.
"""

from __future__ import annotations

import ipaddress
import re

# 'wasm-unsafe-eval' compiles WebAssembly and nothing else; blob: images and media are the vault's own previews; `self` in
# connect-src covers the same-origin WebSocket in Chromium 156 and Firefox 153 (tried).
# Workers are made through the one Trusted Types policy, `inos-worker`.
CSP_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "connect-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "manifest-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types inos-worker",
)
CONTENT_SECURITY_POLICY = "; ".join(CSP_DIRECTIVES)

SECURITY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
}

CONTENT_TYPES = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".zip": "application/zip",
}

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


def bracketed(host: str) -> str:
    """A host as URLs spell it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def host_name(header: str) -> str | None:
    """The name in a Host header, lower case and without its port; None where it is not a host at all."""
    match = HOST.fullmatch(header)
    return match.group(1).lower() if match else None


def host_is_ours(header: str, bound: str) -> bool:
    """Whether a Host header may name this server: the defence against DNS rebinding.

    Rebinding needs a name whose address the attacker changes. So names must be ours; when all interfaces are bound,
    literal addresses are taken too, because they cannot be re-pointed.
    """
    name = host_name(header)
    if name is None:
        return False
    if name in LOOPBACK_NAMES or name == bracketed(bound).lower():
        return True
    return bound in WILDCARDS and is_address(name.strip("[]"))


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def accepts_brotli(header: str) -> bool:
    """Whether an Accept-Encoding header takes `br` (a missing weight is 1, a weight of 0 is a refusal)."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        name, _, parameter = item.partition(";")
        weight = QUALITY.fullmatch(parameter.strip())
        if parameter.strip() and weight is None:
            continue
        weights[name.strip()] = float(weight.group(1)) if weight else 1.0
    return weights.get("br", weights.get("*", 0.0)) > 0


def etag_matches(header: str, etag: str) -> bool:
    """Whether an If-None-Match header holds our tag (or `*`), by the weak comparison that it asks for."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or tags == ["*"]
