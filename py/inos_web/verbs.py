"""What the page may ask, by name: JSON in, JSON out, each verb a coroutine over the node.

Invariants: ids are hex on this side, times are milliseconds; progress is told at most every ``_PROGRESS_INTERVAL_S`` per
operation, and always at its end; ``do_python`` runs what the user of this very page typed, never what came from elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Literal

from pyodide.code import eval_code_async

from inos import ids
from inos.errors import InosError, NotFound
from inos.links.commands import PeerTable
from inos.memory.metrics import read_metrics
from inos.memory.region import Region
from inos.node import Node, TransferProgress
from inos.ports import DevicePublicKey, Ports
from inos.vault.names import clean_name
from inos.vault.put import Progress as PutProgress
from inos.vault.put import Source
from inos.vault.vault import Vault
from inos.wire.link import Link, RevocableLink, encode
from inos.workers import Workers
from inos_web.compute import Namespace
from inos_web.file_verbs import FileVerbs, id_or_none, list_entry
from inos_web.mesh_verbs import MeshVerbs
from inos_web.mesh_view import mesh_view
from inos_web.protect import Given, ProtectVerbs, unlock_of

_PROGRESS_INTERVAL_S = 0.1
_TIDY_INTERVAL_S = 0.5


class Verbs(FileVerbs, ProtectVerbs, MeshVerbs):
    """The node's verbs for the page."""

    def __init__(
        self,
        ports: Ports,
        node: Node,
        vault: Vault,
        table: PeerTable,
        region: Region,
        emit: Callable[..., None],
        workers: Workers,
    ) -> None:
        self._ports = ports
        self._node = node
        self._vault = vault
        self._table = table
        self._region = region
        self._emit = emit
        self._workers = workers
        self._inos = Namespace(workers)
        self._subscriptions = {}
        self._told_at: dict[int, float] = {}
        self._tidied = ("", 0.0)  # what was last said of the upkeep, and when
        vault.upkeep.on_change = self.on_upkeep
        vault.upkeep.on_lost = lambda _: emit(e="list")
        self._fetches: dict[Link, set[int]] = {}  # operations that wait for a link's root
        self._names: dict[Link, str] = {}  # what those files are called, once their manifest is here

    # --- files -----------------------------------------------------------------------------------------------------

    async def do_open(self, _op: int, unlock: Given = None) -> dict[str, object]:
        """Open the vault and start the node. After a VaultLocked it may be asked again."""
        await self._vault.open(unlock_of(unlock))
        public_key = await DevicePublicKey()
        await self._node.start()
        return {"node": ids.to_hex(self._ports.hashes.hash(public_key))}

    async def do_close(self, _op: int) -> None:
        """Commit, close the vault, say goodbye."""
        self._workers.close()
        self._node.close(self._node.tasks.now)
        await self._vault.close()

    async def do_put(
        self,
        op: int,
        source: int,
        size: int,
        name: str,
        media_type: str,
        mtime_ms: int,
        replaces: str | None = None,
    ) -> dict[str, object]:
        """Store a registered source, as the next version of ``replaces`` if that is given."""
        done = await self._node.put(
            Source(source, size),
            name=clean_name(name),
            media_type=media_type,
            mtime_ms=mtime_ms,
            replaces=id_or_none(replaces),
            progress=lambda p: self._tell(op, _put_stage(p), p.written, p.total),
        )
        self._emit(e="list")
        return {
            "root": ids.to_hex(done.root),
            "bytes": done.size,
            "stored": done.stored,
            "chunks": done.chunks,
            "newChunks": done.new_chunks,
            "ms": done.ms,
        }

    async def do_get(
        self, op: int, root: str, sink: int, path: str = "", offset: int = 0, length: int | None = None
    ) -> None:
        """Stream a root, or something in a folder, or a range of it, into a registered sink; a folder as a .zip."""
        told = self._told(op, "reading")
        await self._vault.get(ids.from_hex(root), sink, path=path, offset=offset, length=length, progress=told)

    async def do_list(self, _op: int) -> list[dict[str, object]]:
        """All roots, newest first."""
        return [list_entry(info) for info in reversed(self._node.list())]

    async def do_remove(self, _op: int, root: str) -> None:
        """Forget a root."""
        await self._node.remove(ids.from_hex(root))
        self._emit(e="list")

    async def do_check(self, op: int, level: Literal["quick", "hash", "data"]) -> dict[str, object]:
        """Check the vault."""
        began = self._node.tasks.now
        report = await self._node.check(level, progress=lambda p: self._tell(op, "checking", p.read, p.total))
        if report.damaged_roots:
            self._emit(e="list")  # it says which files are damaged
        return {
            "level": level,
            "blocks": report.blocks,
            "bytes": report.block_bytes,
            "bad": [{"block": ids.to_hex(block.bid), "code": block.code} for block in report.bad],
            "lost": [ids.to_hex(root) for root in report.damaged_roots],
            "findings": report.findings,
            "ms": round((self._node.tasks.now - began) * 1000),
        }

    async def do_repair(self, op: int) -> dict[str, object]:
        """Get back what a check found lost."""
        report = await self._node.repair(lambda done, total: self._tell(op, "repairing", done, total))
        self._emit(e="list")
        return {
            "repaired": [ids.to_hex(root) for root in report.repaired],
            "unrepaired": [{"root": ids.to_hex(u.root), "name": u.name, "code": u.code} for u in report.unrepaired],
            "blocks": report.blocks,
        }

    async def do_housekeeping(self, _op: int, *, paused: bool) -> dict[str, object]:
        """Let the vault tidy itself up while it is idle, or not; what it is at."""
        self._vault.upkeep.paused = paused
        return self._tidy_state()

    async def do_tidy(self, _op: int) -> dict[str, object]:
        """Tidy up now, to the end."""
        await self._vault.tidy()
        return self._tidy_state()

    def _tidy_state(self) -> dict[str, object]:
        state = self._vault.upkeep.state
        paused = self._vault.upkeep.paused
        return {
            "phase": state.phase, "done": state.done, "total": state.total, "savedBytes": state.saved_bytes, "paused": paused,
        }  # fmt: skip

    def on_upkeep(self) -> None:
        """The vault's upkeep got further."""
        state, now = self._vault.upkeep.state, self._node.tasks.now
        if state.phase == self._tidied[0] and now - self._tidied[1] < _TIDY_INTERVAL_S:
            return
        self._tidied = (state.phase, now)
        self._emit(e="tidy", **self._tidy_state())

    # --- peers -----------------------------------------------------------------------------------------------------

    async def do_share(self, _op: int, root: str) -> str:
        """Offer a root and make its link."""
        link = await self._node.share(ids.from_hex(root))
        self._emit(e="list")
        return link

    async def do_share_revocable(self, _op: int, root: str) -> dict[str, str]:
        """Offer a root and make a link that can be withdrawn."""
        link, name = await self._node.share_revocable(ids.from_hex(root))
        self._emit(e="list")
        return {"link": link, "id": ids.to_hex(name)}

    async def do_links(self, _op: int, root: str) -> list[dict[str, object]]:
        """The revocable links of a root and its other versions that were not revoked, oldest first."""
        roots = {version.root for version in self._vault.versions(ids.from_hex(root))}
        grants = self._vault.grants().items()
        return [
            {"id": ids.to_hex(name), "link": encode(RevocableLink(name, grant.key)), "timeMs": grant.time_ms}
            for name, grant in grants
            if grant.root in roots and not grant.revoked
        ]

    async def do_revoke(self, _op: int, id: str) -> None:
        """Withdraw a revocable link."""
        await self._node.revoke(ids.from_hex(id))
        self._emit(e="list")

    async def do_fetch(self, op: int, link: str) -> dict[str, object]:
        """Get what a link names into the vault."""
        wanted = await self._node.revocable.resolve(link)
        self._fetches.setdefault(wanted, set()).add(op)
        try:
            root = await self._node.fetch(encode(wanted))
        finally:
            self._fetches[wanted].discard(op)
            if not self._fetches[wanted]:
                del self._fetches[wanted]
                self._names.pop(wanted, None)
        self._emit(e="list")
        return list_entry(self._vault.info(root))

    def on_cancel(self, op: int) -> None:
        """A person stopped an operation. A fetch that nobody else waits for is given up, and what came of it dropped."""
        for link, ops in self._fetches.items():
            if ops == {op}:
                self._node.tasks.spawn(self._node.give_up(encode(link)), "give up")

    def on_transfer(self, event: TransferProgress) -> None:
        """A fetch got further."""
        progress = event.progress
        stage = {"waiting": "connecting" if progress.sources else "finding", "done": "verifying"}
        for link, ops in self._fetches.items():
            if link.bid != event.root:
                continue
            if progress.content_bytes and link not in self._names:
                self._names[link] = ""
                self._node.tasks.spawn(self._learn_name(link), "name of a link")
            for op in ops:
                self._tell(
                    op,
                    stage.get(progress.stage, progress.stage),
                    progress.bytes_done,
                    progress.bytes_total,
                    peers=progress.sources,
                    size=progress.content_bytes,
                    name=self._names.get(link) or None,
                )

    async def _learn_name(self, link: Link) -> None:
        with contextlib.suppress(InosError):  # it is told at the end in any case
            manifest = await self._vault.manifest_of(link)
            if link in self._names:
                self._names[link] = manifest.name

    async def do_peers(self, _op: int) -> list[dict[str, object]]:
        """Who is connected."""
        rows: list[dict[str, object]] = []
        for link, peer_id, _rooms in self._node.links.peers():
            row = self._table.row(link.channel)
            rows.append(
                {
                    "id": ids.to_hex(peer_id),
                    "shortId": ids.to_hex(peer_id)[:8],
                    "rttMs": round(row.rtt_s * 1000, 1) if row else 0,
                    "bytesIn": row.bytes_in if row else 0,
                    "bytesOut": row.bytes_out if row else 0,
                    "state": "connected",
                }
            )
        return rows

    # --- the rest --------------------------------------------------------------------------------------------------

    async def do_mesh(self, _op: int) -> dict[str, object] | None:
        """What the mesh looks like from here."""
        return mesh_view(self._node, self._region)

    async def do_stats(self, _op: int) -> dict[str, int]:
        """Numbers of the vault, the memory, the disk and the network."""
        own = {
            "blockBytes": self._vault.stats()["live_bytes"],
            "peers": len(self._node.links.peers()),
            "rawBytes": sum(info.size for info in self._node.list()),
        }
        shown = self._vault.stats() | read_metrics(self._region)
        return {_camel(name): value for name, value in shown.items()} | own

    async def do_python(self, _op: int, source: str) -> object:
        """Run Python with the node's parts in scope; answers the last value, as JSON if it can be, else its repr."""
        value = await eval_code_async(source, self.scope())
        return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else repr(value)

    def scope(self) -> dict[str, Any]:
        """The node's parts by the names that Python of this page's user finds them under."""
        found = {"node": self._node, "vault": self._vault, "inos": self._inos, "memory": self._region}
        return {**found, "arena": self._ports.arena}

    async def do_spawn(self, _op: int, source: str, name: str, args: dict[str, Any]) -> dict[str, object]:
        """Run Python in a worker of its own."""
        worker = await self._inos.spawn(source, name, args)
        return {"id": worker.id, "name": worker.name}

    async def do_worker_result(self, _op: int, worker: int) -> object:
        """What a worker answers, once it does."""
        return await self._workers.get(worker).result()

    async def do_worker_cancel(self, _op: int, worker: int) -> None:
        """Interrupt a worker; one that has been closed needs it no more."""
        with contextlib.suppress(NotFound):
            self._workers.get(worker).cancel()

    async def do_worker_close(self, _op: int, worker: int) -> None:
        """End a worker; closing it twice does nothing."""
        with contextlib.suppress(NotFound):
            await self._workers.get(worker).close()

    async def do_workers(self, _op: int) -> list[dict[str, object]]:
        """The workers that run or have not been closed."""
        return [{"id": worker.id, "name": worker.name, "state": worker.state} for worker in self._workers.listed()]

    def tell_peers(self) -> None:
        """Peers came or went."""
        self._emit(e="peers", count=len(self._node.links.peers()))

    def _tell(self, op: int, stage: str, done: int, total: int, **more: object) -> None:
        now = self._node.tasks.now
        if stage != "done" and now - self._told_at.get(op, -1.0) < _PROGRESS_INTERVAL_S:
            return
        if stage == "done":
            self._told_at.pop(op, None)
        else:
            self._told_at[op] = now
        self._emit(e="progress", op=op, stage=stage, bytes=done, total=total, **more)


def _put_stage(progress: PutProgress) -> str:
    if progress.read < progress.total:
        return "reading"
    return "sealing" if progress.sealed < progress.total else "writing"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
