"""What the server says when it starts to serve a local network: addresses, a code to scan, why the browser warns.

Must not know: sockets. Pure: lines of text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inos_host.server.certificates import Issued

QUIET_MODULES = 2
HALVES = {
    (0, 0): "\u2588",
    (0, 1): "\u2580",
    (1, 0): "\u2584",
    (1, 1): " ",
}  # a terminal's ink is light, a module's is dark


def for_neighbours(urls: Sequence[str], by_name: str | None, issued: Issued | None, *, drawn: bool) -> list[str]:
    """The lines below `INOS URL`; `drawn`: the terminal can show blocks."""
    lines = ["", "Open this address on a device of the same network, or scan the code:", f"  {urls[0]}"]
    if drawn:
        lines += ["", *code(urls[0]), ""]
    if len(urls) > 1:
        lines.append(f"Its other addresses: {'  '.join(urls[1:])}")
    if by_name:
        lines.append(f"Where names ending in .local are known: {by_name}")
    lines.append("Every address is an origin of its own to the browser, with a vault of its own: keep to one.")
    lines.append("INOS listens at these addresses only.")
    if issued is not None:
        lines += [
            "",
            "The browser will warn: this computer made the certificate itself, so nobody that the browser knows vouches for it.",
            "If the SHA-256 fingerprint it shows is the one below, choose to go on ('Advanced', then 'Proceed' or 'Accept').",
            f"  {issued.fingerprint}",
            "To be rid of the warning, import this file on the device as an authority for web sites:",
            f"  {issued.public_file}   (also at {urls[0]}/{issued.public_file.name})",
            "It can vouch for addresses of local networks and names in .local, and for no other site.",
            "Without it Chrome, Edge and other Chromium browsers refuse a service worker: INOS then does not open offline there.",
        ]
    return lines


def code(text: str) -> list[str]:
    """A QR code in half blocks: two rows of modules to a line."""
    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=QUIET_MODULES)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return [
        "  " + "".join(HALVES[int(bool(top)), int(bool(bottom))] for top, bottom in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    ]
