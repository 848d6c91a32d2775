"""What the page shows of the mesh: one picture of the moment, JSON-able.

Invariants: ids are hex; a neighbour's state is what the detector says of it, not what it says of itself; only own files are
listed among the copies. Must not know: how it is drawn (``web/page/ui/mesh.js``).
"""

from __future__ import annotations

from typing import Any

from inos import ids
from inos.membership.view import (
    BUCKET,
    FROZEN,
    HIDDEN,
    LEAVING,
    NEEDED,
    PARTNER,
    RANDOM,
    SIBLING,
    Neighbour,
)
from inos.memory.metrics import Words, read_metrics
from inos.node import Node
from inos.wire.membership import PREFIX_BYTES

_ROLES = {SIBLING: "sibling", BUCKET: "bucket", RANDOM: "random", PARTNER: "partner", NEEDED: "needed"}
_STATES = {HIDDEN: "hidden", FROZEN: "frozen", LEAVING: "leaving"}


def mesh_view(node: Node, memory: Words) -> dict[str, object] | None:
    """See ``MeshView`` in web/page/ui/types.js. None while there is no mesh."""
    commons = node.commons
    if not commons.is_in:
        return None
    mesh = commons.mesh
    figures: Any = mesh.stats()
    metrics = read_metrics(memory)
    return {
        "self": {"id": ids.to_hex(mesh.peer_id), "estimate": figures["estimate"]},
        "room": "" if commons.is_public else node.rooms.link(),
        "neighbours": [_neighbour(commons.carrier.heard(peer.peer_id), peer) for peer in mesh.neighbours()],
        "known": [ids.to_hex(known.peer_id) for known in mesh.passive()],
        "buckets": _buckets(figures["buckets"]),
        "lookups": {
            "count": figures["lookups"]["count"],
            "hops": figures["lookups"]["hops"],
            # Paths begin with us.
            "last": [{**looked, "path": _prefixes(looked["path"])[1:]} for looked in figures["lookups"]["last"]],
        },
        "gossip": _gossip(mesh.gossip.stats.as_dict()),
        "replicas": _replicas(node),
        "bytes": {
            "direct": metrics["net_bytes_in"] + metrics["net_bytes_out"],
            "relayed": figures["routes"]["relayed_bytes"],
            "server": 0,  # the page knows
            "peersShare": None,
        },
    }


def _neighbour(heard: Any, neighbour: Neighbour) -> dict[str, object]:
    return {
        "id": ids.to_hex(neighbour.peer_id),
        "roles": [name for role, name in _ROLES.items() if neighbour.roles & role],
        "state": "suspect" if neighbour.suspect else _STATES.get(neighbour.condition, "alive"),
        "rttMs": round(heard.rtt_s * 1_000, 1) if heard else 0,
    }


def _buckets(found: list[tuple[int, int, int]]) -> list[dict[str, int]]:
    """From the farthest to the nearest that anybody is in, the empty ones between them too."""
    rows = {index: (links, known) for index, links, known in found}
    return [
        {"index": index, "links": rows.get(index, (0, 0))[0], "known": rows.get(index, (0, 0))[1]}
        for index in range(max(rows, default=-1) + 1)
    ]


def _prefixes(path: str) -> list[str]:
    digits = 2 * PREFIX_BYTES
    return [path[at : at + digits] for at in range(0, len(path), digits)]


def _gossip(counts: dict[str, Any]) -> dict[str, object]:
    return {"received": counts["received"], "copies": counts["copies"], "hops": counts["hops"]}


def _replicas(node: Node) -> dict[str, object]:
    replicas = node.replicas
    figures: Any = replicas.stats()
    rows = []
    for info in node.list():
        found: Any = replicas.copies(info.root)
        live, wanted = found["live"], found["wanted"]
        rows.append(
            {"root": ids.to_hex(info.root), "copies": live, "wanted": wanted, "state": _state(live, wanted, figures)}
        )
    took_s = figures.get("full_last_s")
    return {
        "objects": rows,
        "timeToFullMs": None if took_s is None else round(took_s * 1_000),
        "guestBytes": figures.get("guest_bytes", 0),
        "wanted": replicas.default_copies,
    }


def _state(live: int, wanted: int, figures: dict[str, Any]) -> str:
    if live >= wanted:
        return "full" if wanted > 1 else "alone"
    return "repairing" if figures.get("repairing") else "short"
