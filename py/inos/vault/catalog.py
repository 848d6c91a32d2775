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

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite3 import Connection

FOUND_MAX = 200
QUERY_CHARS_MAX = 200
WORDS_MAX = 16
_TABLES = """
CREATE TABLE root (id INTEGER PRIMARY KEY, bid BLOB UNIQUE NOT NULL, is_read INTEGER NOT NULL);
CREATE TABLE row (id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL,
                  is_folder INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE INDEX row_root ON row (root);
"""
_FULL_TEXT = """
CREATE VIRTUAL TABLE text USING fts5 (words, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2');
"""
_INSERT = "INSERT INTO row (root, path, name, is_folder, size) VALUES (?, ?, ?, ?, ?)"
# By hand, a root's rows at once: triggers for each row took thirty times as long.
_WORDS = "INSERT INTO text (rowid, words) SELECT id, path || ' ' || name FROM row WHERE root = ? AND (path <> '') = ?"
_UNWORDS = "INSERT INTO text (text, rowid, words) SELECT 'delete', id, path || ' ' || name FROM row WHERE root = ?"
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
                (number,) = database.execute("SELECT id FROM root WHERE bid = ?", (bid,)).fetchone()
                if self._has_text:
                    database.execute(_UNWORDS, (number,))
                database.execute("DELETE FROM row WHERE root = ?", (number,))
                database.execute("DELETE FROM root WHERE id = ?", (number,))
                self._todo.pop(bid, None)
            for bid in wanted.keys() - have:
                self._take(database, wanted[bid])
        self._is_synced = True

    def _take(self, database: Connection, found: Found) -> None:
        number = database.execute(
            "INSERT INTO root (bid, is_read) VALUES (?, ?)", (found.root, not found.is_folder)
        ).lastrowid
        self._add(database, number, [(found.path, found.name, found.is_folder, found.size)], below=False)
        if found.is_folder:
            self._todo[found.root] = None

    def _add(
        self, database: Connection, number: int | None, rows: Iterable[tuple[str, str, bool, int]], *, below: bool
    ) -> None:
        database.executemany(_INSERT, ((number, *row) for row in rows))
        if self._has_text:
            database.execute(_WORDS, (number, below))

    @property
    def is_synced(self) -> bool:
        """Whether nothing went wrong since the last ``sync``."""
        return self._is_synced

    def todo(self) -> bytes | None:
        """A folder whose contents are to be read, or None."""
        return next(iter(self._todo), None)

    def fill(self, bid: bytes, entries: Iterable[tuple[str, bool, int]]) -> None:
        """The contents of a folder: path, whether it is a folder, size. All of them at once; none if it cannot be read."""
        self._todo.pop(bid, None)
        try:
            database = self._open()
            found = database.execute("SELECT id FROM root WHERE bid = ? AND NOT is_read", (bid,)).fetchone()
            if found is None:
                return  # it went meanwhile
            rows = ((path, path.rpartition("/")[2], is_folder, size) for path, is_folder, size in entries)
            with database:
                self._add(database, found[0], rows, below=True)
                database.execute("UPDATE root SET is_read = 1 WHERE id = ?", found)
        except _sqlite().Error:
            self.drop()

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
    import sqlite3  # noqa: PLC0415

    return sqlite3
