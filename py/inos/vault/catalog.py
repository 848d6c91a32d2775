"""The catalog: every file and folder by name, and search over them. Derived from the index, in memory, in SQLite.

Names must not lie unencrypted on the disk of a locked vault, and a catalog is made anew in a moment: so it is a database in
memory, dropped with the vault, and rebuilt whenever in doubt.

Nouns: a *row* is a file or folder, with the root it belongs to and its path below it (empty for the root itself). A root's
contents never change, another version is another root: so its rows are right as long as it is there.

Invariants: what ``find`` answers is of the roots of the last ``sync``; a folder whose contents were not read yet is found
by its own name, and ``todo`` names it; any error of SQLite drops everything, and the next ``sync`` begins anew. Nobody
else's SQL is run.
Must not know: the disk; when it is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite3 import Connection

FOUND_MAX = 200
QUERY_CHARS_MAX = 200
WORDS_MAX = 16
_TABLES = """
CREATE TABLE root (id INTEGER PRIMARY KEY, bid BLOB UNIQUE NOT NULL);
CREATE TABLE row (id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL,
                  is_folder INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE INDEX row_root ON row (root);
"""
_FULL_TEXT = """
CREATE VIRTUAL TABLE text USING fts5 (words, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2');
"""
_INSERT = "INSERT INTO row (root, path, name, is_folder, size) VALUES (?, ?, ?, ?, ?)"
# By hand, many rows at once: triggers for each row took thirty times as long.
_WORDS = "INSERT INTO text (rowid, words) SELECT id, path || ' ' || name FROM row WHERE id > ?"
_UNWORDS = "INSERT INTO text (text, rowid, words) SELECT 'delete', id, path || ' ' || name FROM row WHERE {}"
_DELETE = "DELETE FROM row WHERE {}"
_OF_ROOT = "root = (SELECT id FROM root WHERE bid = ?)"
_FIND = """
SELECT root.bid, row.path, row.name, row.is_folder, row.size FROM row JOIN root ON root.id = row.root
WHERE {} ORDER BY row.path <> '', length(row.path), row.name LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Something whose name or path has the words that were looked for. ``path`` is empty for a root itself."""

    root: bytes
    path: str
    name: str
    is_folder: bool
    size: int


class Catalog:
    """The catalog of one open vault."""

    def __init__(self) -> None:
        self._database: Connection | None = None
        self._has_text = False
        self._is_synced = False
        self._todo: dict[bytes, None] = {}
        self.builds = 0  # how often it was begun

    # --- keeping ------------------------------------------------------------------------------------------------------

    def sync(self, roots: Iterable[Found]) -> None:
        """Agree with the index: forget what is gone, take in what is new. O(roots)."""
        wanted = {found.root: found for found in roots}
        try:
            self._sync(wanted)
        except _sqlite().Error:
            self.drop()
            self._sync(wanted)

    def _sync(self, wanted: dict[bytes, Found]) -> None:
        database = self._open()
        have = {bid for (bid,) in database.execute("SELECT bid FROM root")}
        with database:
            for bid in have - wanted.keys():
                self._forget_rows(database, bid, _OF_ROOT)
                database.execute("DELETE FROM root WHERE bid = ?", (bid,))
                self._todo.pop(bid, None)
            for bid in wanted.keys() - have:
                found = wanted[bid]
                database.execute("INSERT INTO root (bid) VALUES (?)", (bid,))
                self._add(database, bid, [(found.path, found.name, found.is_folder, found.size)])
                if found.is_folder:
                    self._todo[bid] = None
        self._is_synced = True

    @property
    def is_synced(self) -> bool:
        """Whether nothing went wrong since the last ``sync``."""
        return self._is_synced

    def todo(self) -> bytes | None:
        """A folder whose contents are to be read, or None."""
        return next(iter(self._todo), None)

    def begin(self, bid: bytes) -> None:
        """A folder's contents come now, from the first."""
        self._try(lambda database: self._forget_rows(database, bid, _OF_ROOT + " AND path <> ''"))

    def add(self, bid: bytes, entries: list[tuple[str, bool, int]]) -> None:
        """Some of a folder's contents: path, whether it is a folder, size."""
        rows = [(path, path.rpartition("/")[2], is_folder, size) for path, is_folder, size in entries]
        self._try(lambda database: self._add(database, bid, rows))

    def finish(self, bid: bytes) -> None:
        """That was all of it, or all that can be read."""
        self._todo.pop(bid, None)

    def _try(self, work: Callable[[Connection], None]) -> None:
        try:
            database = self._open()
            with database:
                work(database)
        except _sqlite().Error:
            self.drop()

    def _add(self, database: Connection, bid: bytes, rows: list[tuple[str, str, bool, int]]) -> None:
        found = database.execute("SELECT id, (SELECT max(id) FROM row) FROM root WHERE bid = ?", (bid,)).fetchone()
        if found is None:
            return  # it went meanwhile
        number, before = found
        database.executemany(_INSERT, ((number, *row) for row in rows))
        if self._has_text:
            database.execute(_WORDS, (before or 0,))

    def _forget_rows(self, database: Connection, bid: bytes, which: str) -> None:
        if self._has_text:
            database.execute(_UNWORDS.format(which), (bid,))
        database.execute(_DELETE.format(which), (bid,))

    # --- asking -------------------------------------------------------------------------------------------------------

    def find(self, text: str, most: int = FOUND_MAX) -> list[Found]:
        """What has every word of a text in its name or path, each at the beginning of a word there; roots first."""
        words = _words(text)
        if not words:
            return []
        try:
            rows = self._open().execute(*self._query(words, most))
            return [Found(bid, path, name, bool(is_folder), size) for bid, path, name, is_folder, size in rows]
        except _sqlite().Error:
            self.drop()
            return []

    def _query(self, words: list[str], most: int) -> tuple[str, tuple[object, ...]]:
        if self._has_text:
            quoted = " ".join(f'"{word}"*' for word in words)
            return _FIND.format("row.id IN (SELECT rowid FROM text WHERE text MATCH ?)"), (quoted, most)
        like = " AND ".join(["row.path || ' ' || row.name LIKE ?"] * len(words))
        return _FIND.format(like), (*(f"%{word}%" for word in words), most)

    # --- life ---------------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """Everything goes; the next ``sync`` makes it anew."""
        if self._database is not None:
            self._database.close()
        self._database = None
        self._is_synced = False
        self._todo = {}

    def __del__(self) -> None:
        """A vault that nobody closed: Python 3.13 and later complain of a database that is left open."""
        self.drop()

    def _open(self) -> Connection:
        if self._database is None:
            self.builds += 1
            database: Connection = _sqlite().connect(":memory:")
            database.executescript(_TABLES)
            try:
                database.executescript(_FULL_TEXT)
                self._has_text = True
            except _sqlite().OperationalError:  # not compiled in
                self._has_text = False
            self._database = database
        return self._database


def _words(text: str) -> list[str]:
    """The words of a query: runs of letters and digits, as the full-text index cuts names."""
    plain = "".join(character if character.isalnum() else " " for character in text[:QUERY_CHARS_MAX])
    return plain.split()[:WORDS_MAX]


def _sqlite() -> Any:
    """sqlite3, imported late: only who searches pays for it."""
    import sqlite3  # noqa: PLC0415 - 70 ms in a browser

    return sqlite3
