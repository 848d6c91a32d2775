"""What the page may ask, by name: JSON in, JSON out, each verb a coroutine over the node.

Invariants: ids are hex on this side, times are milliseconds; progress is told at most every ``_PROGRESS_INTERVAL_S`` per
operation, and always at its end; ``do_python`` runs what the user of this very page typed, never what came from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import inos_js
from pyodide.code import eval_code_async

import inos
from inos import ids
from inos.memory import layout
from inos.node import Node
from inos.vault.vault import RootInfo, Source
from inos.wire.link import encode_file_link, parse
from inos_web.region import Region

_PROGRESS_INTERVAL_S = 0.1
_METRICS = layout.REGIONS["METRICS"][0]
_METRIC = {name: index for index, name in enumerate(layout.METRICS_WORDS)}
_KIB = 1024


class Verbs:
    """The node's verbs for the page."""

    def __init__(self, node: Node, region: Region, muscles: int, emit: Callable[..., None]) -> None:
        self._node = node
        self._region = region
        self._muscles = muscles
        self._emit = emit
        self._told_at: dict[int, float] = {}

    # --- files -----------------------------------------------------------------------------------------------------

    async def do_open(self, _op: int) -> dict[str, object]:
        """Open the vault and start the node."""
        await self._node.start()
        return {"node": ids.to_hex(self._node.peer_id)}

    async def do_close(self, _op: int) -> None:
        """Commit, close the vault, say goodbye."""
        await self._node.stop()

    async def do_put(
        self, op: int, source: int, size: int, name: str, mediaType: str, mtimeMs: int
    ) -> dict[str, object]:  # fmt: skip
        """Store a registered source."""
        began = self._node.tasks.now
        done = await self._node.put(
            Source(source, size),
            name=name,
            media_type=mediaType,
            mtime_ms=int(mtimeMs),
            progress=lambda p: self._tell(op, p.stage, p.bytes, p.total),
        )
        self._emit(e="list")
        return {
            "root": ids.to_hex(done.root),
            "bytes": done.bytes,
            "stored": done.stored,
            "chunks": done.chunks,
            "newChunks": done.new_chunks,
            "ms": round((self._node.tasks.now - began) * 1000),
        }

    async def do_stat(self, _op: int, root: str) -> dict[str, object]:
        """Name, size and type of a root."""
        return _entry(self._node.info(ids.from_hex(root)))

    async def do_get(self, op: int, root: str, sink: int) -> None:
        """Stream a root into a registered sink."""
        await self._node.get(
            ids.from_hex(root), sink, progress=lambda p: self._tell(op, p.stage, p.bytes, p.total)
        )  # fmt: skip

    async def do_list(self, _op: int) -> list[dict[str, object]]:
        """All roots, newest first."""
        return [_entry(info) for info in self._node.list()]

    async def do_remove(self, _op: int, root: str) -> None:
        """Forget a root."""
        await self._node.remove(ids.from_hex(root))
        self._emit(e="list")

    async def do_check(self, op: int, level: Literal["quick", "hash", "data"]) -> dict[str, object]:
        """Check the vault."""
        began = self._node.tasks.now
        report = await self._node.check(level, progress=lambda p: self._tell(op, p.stage, p.bytes, p.total))
        return {
            "level": level,
            "blocks": report.blocks,
            "bytes": report.bytes,
            "bad": [{"block": ids.to_hex(bid), "code": code} for bid, code in report.bad],
            "lost": [ids.to_hex(root) for root in report.lost],
            "ms": round((self._node.tasks.now - began) * 1000),
        }

    # --- peers -----------------------------------------------------------------------------------------------------

    async def do_share(self, _op: int, root: str) -> str:
        """Offer a root and make its link."""
        link = await self._node.share(ids.from_hex(root))
        self._emit(e="list")
        return link

    async def do_fetch(self, op: int, link: str) -> dict[str, object]:
        """Get what a link names into the vault."""
        capability = parse(link)
        root = await self._node.fetch(
            encode_file_link(capability.bid, capability.secret),
            progress=lambda p: self._tell(op, p.stage, p.bytes, p.total, peers=p.peers, name=p.name),
        )
        self._emit(e="list")
        return _entry(self._node.info(root))

    async def do_peers(self, _op: int) -> list[dict[str, object]]:
        """Who is connected."""
        return [
            {
                "id": ids.to_hex(peer.peer_id),
                "shortId": ids.to_hex(peer.peer_id)[:8],
                "rttMs": round(peer.rtt_s * 1000, 1),
                "bytesIn": peer.bytes_in,
                "bytesOut": peer.bytes_out,
                "state": "connected",
            }
            for peer in self._node.peers()
        ]

    # --- the rest --------------------------------------------------------------------------------------------------

    async def do_stats(self, _op: int) -> dict[str, int]:
        """Numbers of the vault, the memory, the disk and the network."""
        words = self._region.words(_METRICS, len(layout.METRICS_WORDS))
        header = self._region.words(layout.REGIONS["HEADER"][0], len(layout.HEADER_WORDS))
        own = {
            "arenaBytes": header[layout.HEADER_WORDS.index("ARENA_BYTES")],
            "arenaBytesUsed": int(inos_js.used()),
            "arenaBlocks": int(inos_js.blocks()),
            "memoryBytes": header[layout.HEADER_WORDS.index("MEMORY_BYTES")],
            "muscles": self._muscles,
            "jobsDone": words[_METRIC["JOBS_DONE"]],
            "jobsFailed": words[_METRIC["JOBS_FAILED"]],
            "jobsRunning": words[_METRIC["JOBS_RUNNING"]],
            "netBytesIn": words[_METRIC["NET_BYTES_IN_KIB"]] * _KIB,
            "netBytesOut": words[_METRIC["NET_BYTES_OUT_KIB"]] * _KIB,
            "diskBytesRead": words[_METRIC["DISK_BYTES_READ_KIB"]] * _KIB,
            "diskBytesWritten": words[_METRIC["DISK_BYTES_WRITTEN_KIB"]] * _KIB,
            "copyBytesIn": words[_METRIC["COPY_BYTES_IN_KIB"]] * _KIB,
            "copyBytesOut": words[_METRIC["COPY_BYTES_OUT_KIB"]] * _KIB,
            "brainTurns": words[_METRIC["BRAIN_TURNS"]],
            "peers": len(self._node.peers()),
        }
        return {_camel(name): value for name, value in self._node.stats().items()} | own

    async def do_python(self, _op: int, source: str) -> object:
        """Run Python with ``node`` and ``inos`` in scope; answers the last value, as JSON if it can be, else its repr."""
        value = await eval_code_async(source, {"node": self._node, "inos": inos})
        return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else repr(value)

    def tell_peers(self) -> None:
        """Peers came or went."""
        self._emit(e="peers", count=len(self._node.peers()))

    def _tell(self, op: int, stage: str, done: int, total: int, **more: object) -> None:
        now = self._node.tasks.now
        if stage != "done" and now - self._told_at.get(op, -1.0) < _PROGRESS_INTERVAL_S:
            return
        if stage == "done":
            self._told_at.pop(op, None)
        else:
            self._told_at[op] = now
        self._emit(e="progress", op=op, stage=stage, bytes=done, total=total, **more)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _entry(info: RootInfo) -> dict[str, object]:
    return {
        "root": ids.to_hex(info.root),
        "name": info.name,
        "mediaType": info.media_type,
        "size": info.size,
        "stored": info.stored,
        "chunks": info.chunks,
        "newChunks": info.new_chunks,
        "dedupedBytes": info.deduped_bytes,
        "timeMs": info.time_ms,
        "received": info.received,
        "shared": info.shared,
        "lost": info.lost,
    }
