"""Routed messages: how a node reaches another over links that others have. Tags 80-95.

Nouns: a *route* goes greedily to the node closest to a target id, hop by hop; its *path* is the prefixes of the nodes it came
through, which the answer retraces, from memory; ``via`` is the second hop that the sender has committed to (NoN).

Must not know: how the next hop is chosen, what bodies say (``inos.dht``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from inos import limits
from inos.wire.fields import U8, Id, Nonce

HOPS_MAX = 16
BODY_BYTES_MAX = 12 * limits.KIB
BLIND = 0x80  # in walk: do not go by the link lists that neighbours tell, which may be made up

Path = Annotated[bytes, Meta(max_length=8 * HOPS_MAX)]
Via = Annotated[bytes, Meta(max_length=8)]  # empty: the receiver chooses
Body = Annotated[bytes, Meta(max_length=BODY_BYTES_MAX)]


class Route(Struct, tag=80, array_like=True, frozen=True, forbid_unknown_fields=True):
    """On its way to ``target``; ``id`` names this copy of the request, ``kind`` what the body is, ``walk`` the random hops
    that it makes yet before it goes greedily (R5N), with BLIND: by everybody's own links only."""

    id: Nonce
    kind: U8
    ttl: U8
    walk: U8
    target: Id
    via: Via
    path: Path
    body: Body


class Took(Struct, tag=81, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Per-hop acknowledgement: I have it and it is my business now."""

    id: Nonce


class Answered(Struct, tag=82, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The answer, on its way back: each node knows where the request with this id came from."""

    id: Nonce
    body: Body


class DeadEnd(Struct, tag=83, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Nobody closer answers me: try another way."""

    id: Nonce


RouteMessage: TypeAlias = Route | Took | Answered | DeadEnd

assert BODY_BYTES_MAX + 8 * HOPS_MAX + 128 <= limits.MESSAGE_CONTROL_BYTES_MAX
