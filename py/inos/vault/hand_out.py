"""Handing a file, a range of it, or a folder as one .zip, to a sink.

Nouns: a *sink* takes bytes in order (``inos.ports``). Invariants: nothing reaches a sink that was not checked first; a sink
is told ``complete`` only after all bytes were handed out. Names in a .zip are those of the manifests, which no name check
would refuse; its entries are stored, not deflated, with their sizes after them, since they are not known to be right before
they were read.
Must not know: where sinks lead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from inos.errors import BadArgument, ContentMismatch, InosError
from inos.limits import CHUNK_BYTES_MAX
from inos.ports import SinkClose, SinkWrite
from inos.vault.get import open_manifest, pieces
from inos.vault.manifest import DIR, Entry, Manifest
from inos.vault.outflow import Outflow
from inos.vault.put import Progress
from inos.vault.receive import HasCapability
from inos.vault.store import Store
from inos.vault.tree import manifest_at, open_entry, open_root, walk

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

WINDOW_BYTES = CHUNK_BYTES_MAX  # of a file that arrives: waited for, then handed out

Hold: TypeAlias = Callable[[int, int], Awaitable[None]]

_DAY_MS = 86_400_000
_ZIP_YEARS = (1980, 2107)


@dataclass(frozen=True, slots=True)
class GetResult:
    """What was handed out."""

    size: int
    chunks: int
    ms: int


class Get:
    """One file, a range of it, or a folder on its way out. ``path``: what of a folder is wanted."""

    def __init__(
        self, store: Store, root: bytes, sink: int, offset: int, length: int | None,
        progress: Callable[[Progress], None] | None, path: str = "",
    ) -> None:  # fmt: skip
        self._store = store
        self._root = root
        self._path = path
        self._sink = sink
        self._offset = offset
        self._length = length
        self._progress = progress
        self._written = 0
        self._chunks = 0

    async def run(self) -> GetResult:
        """Do it, and close the sink. Raises NotFound, StorageLost, BadArgument and the classes of vault-format 1.5."""
        started = self._store.tasks.now
        try:
            await self._hand_out_all()
        except BaseException:
            with suppress(InosError):
                await SinkClose(self._sink, complete=False)
            raise
        await SinkClose(self._sink, complete=True)
        return GetResult(self._written, self._chunks, round((self._store.tasks.now - started) * 1000))

    async def _hand_out_all(self) -> None:
        held = self._store.hold_root(self._root)
        try:
            manifest = await open_root(self._store, self._root)
            name = manifest.name
            if self._path:
                manifest = await manifest_at(self._store, manifest, self._path)
                name = self._path.rpartition("/")[2]
            if manifest.kind == DIR:
                await self._hand_out_zip(manifest, name)
            else:
                await self._hand_out(manifest)
        finally:
            self._store.unhold_all(held)

    async def _hand_out(self, manifest: Manifest) -> None:
        size = manifest.total_len
        start = self._offset
        end = size if self._length is None else start + self._length
        if not 0 <= start <= end <= size:
            raise BadArgument(f"bytes {start} to {end} of a file of {size}")
        if manifest.inline is not None or size == 0:
            await self._hand_out_inline(manifest, start, end)
            return
        await self._hand_out_pieces(manifest, start, end, end - start)

    async def _hand_out_pieces(self, manifest: Manifest, start: int, end: int, total: int) -> None:
        async with aclosing(pieces(self._store, manifest, start, end)) as found:
            async for span in found:
                await SinkWrite(self._sink, self._written, span)
                self._tell(span.length, total)

    async def _hand_out_inline(self, manifest: Manifest, start: int, end: int) -> None:
        data = manifest.inline or b""
        # What is inline in a folder has no hash of its own: it is the folder's manifest, which was checked.
        if not self._path and self._store.ports.hashes.hash(data) != manifest.h_file:
            raise ContentMismatch("a file that is not what its manifest says")
        out = Outflow(self._store, self._sink)
        out.write(data[start:end])
        await out.drain(everything=True)
        self._tell(end - start, end - start)

    async def _hand_out_zip(self, folder: Manifest, name: str) -> None:
        if self._offset or self._length is not None:
            raise BadArgument("a range of a folder")
        # Late: it brings threads and clocks along, none of which is used, and only this needs it.
        from zipfile import ZipFile  # noqa: PLC0415

        out = Outflow(self._store, self._sink)
        with ZipFile(out, "w") as archive:  # type: ignore[call-overload]  # its stubs want a file to read
            archive.mkdir(_info(name + "/", None))
            async with aclosing(walk(self._store, folder, name)) as found:
                async for path, entry in found:
                    await self._zip_entry(archive, out, path, entry, folder.total_len)
        await out.drain(everything=True)
        self._written = out.sent

    async def _zip_entry(self, archive: ZipFile, out: Outflow, path: str, entry: Entry, total: int) -> None:
        if entry.kind == DIR:
            archive.mkdir(_info(path + "/", entry.mtime_ms))
            return
        info = _info(path, entry.mtime_ms)
        info.file_size = entry.size  # it decides whether the entry needs 64-bit sizes
        with archive.open(info, "w") as file:
            if entry.inline is not None:
                file.write(entry.inline)
            else:
                manifest = await open_entry(self._store, entry)
                async with aclosing(pieces(self._store, manifest, 0, manifest.total_len)) as found:
                    async for span in found:
                        file.write(self._store.ports.arena.read(span))
                        await out.drain()
        await out.drain()
        self._tell(entry.size, total)

    def _tell(self, written: int, total: int) -> None:
        self._written += written
        self._chunks += 1
        if self._progress is not None:
            self._progress(Progress(self._written, self._written, self._written, total))


class GetLinked(Get):
    """A file that a link names, or a range of it, while its blocks arrive: ``hold(start, end)`` returns once those bytes' are
    here. The hash of a whole file is not looked at, since its pieces come in parts; each chunk's is."""

    def __init__(
        self, store: Store, capability: HasCapability, sink: int, offset: int, length: int | None, hold: Hold
    ) -> None:
        super().__init__(store, capability.bid, sink, offset, length, None)
        self._secret = capability.secret
        self._hold = hold

    async def _hand_out_all(self) -> None:
        await self._hold(self._offset, self._offset + 1)
        manifest = await open_manifest(self._store, self._store.number_of(self._root), self._secret)
        await self._hand_out(manifest)

    async def _hand_out_pieces(self, manifest: Manifest, start: int, end: int, total: int) -> None:
        for at in range(start, end, WINDOW_BYTES):
            until = min(end, at + WINDOW_BYTES)
            await self._hold(at, until)
            await super()._hand_out_pieces(manifest, at, until, total)


def _info(path: str, mtime_ms: int | None) -> ZipInfo:
    from zipfile import ZipInfo  # noqa: PLC0415 - as above

    info = ZipInfo(path, zip_time(mtime_ms))
    info.CRC = 0  # of a folder, for which nobody else sets it
    info.external_attr = (0o40755 << 16) | 0x10 if path.endswith("/") else 0o100644 << 16
    return info


def zip_time(mtime_ms: int | None) -> tuple[int, int, int, int, int, int]:
    """Year to second (UTC) of a time in milliseconds since 1970, within what a .zip can say."""
    days, ms = divmod(mtime_ms or 0, _DAY_MS)
    # Civil date from days, for the proleptic Gregorian calendar (Hinnant, chrono-compatible low-level date algorithms).
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    if year < _ZIP_YEARS[0]:
        return (1980, 1, 1, 0, 0, 0)
    if year > _ZIP_YEARS[1]:
        return (2107, 12, 31, 23, 59, 58)
    seconds = ms // 1000
    return year, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60
