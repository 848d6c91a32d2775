"""Values as data that a page can draw: text, tables, images. Never markup.

Nouns: a *shape* is a JSON object with a ``shape``: ``text``, ``table`` (``columns``, ``rows`` of text, ``total`` of them,
``numeric`` columns), or ``image`` (``mediaType``; the bytes go beside it).
Invariants: every text, row and column is bounded, whatever the value is; HTML that an object offers (``_repr_html_``) is
read for the text of its first table and for nothing else.
"""

from __future__ import annotations

import dataclasses
import pprint
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

Shown = tuple[dict[str, Any], bytes | None]

TEXT_CHARS_MAX = 200_000
CELL_CHARS_MAX = 200
ROWS_MAX = 500
COLUMNS_MAX = 24
IMAGE_BYTES_MAX = 32 << 20
HTML_CHARS_MAX = 4 << 20
_WIDTH_CHARS = 100
_ITEMS_MAX = 1_000
_CUT = "…"

_MEDIA_TYPES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_REPR_METHODS = (("_repr_png_", "image/png"), ("_repr_jpeg_", "image/jpeg"))


class _Short(reprlib.Repr):
    """A repr of at most ``_ITEMS_MAX`` items in all, however they are nested."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 8
        self.fillvalue = _CUT
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = _ITEMS_MAX
        self.maxarray = _ITEMS_MAX
        self.maxstring = self.maxlong = self.maxother = 20_000
        self.left = _ITEMS_MAX

    def repr1(self, x: Any, level: int) -> str:
        """See ``reprlib.Repr``."""
        self.left -= 1
        return super().repr1(x, level) if self.left >= 0 else _CUT


def _short(value: object) -> str:
    return _Short().repr(value)


def shown(value: object) -> Shown:
    """The shape of a value, and an image's bytes. An error in the value's own methods is the value's error, and raised."""
    return _image(value) or _table(value) or ({"shape": "text", "text": _text(value)}, None)


# --- text -----------------------------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset | dict):
        short = _Short()
        text = short.repr(value)
        if short.left >= 0 and len(text) > _WIDTH_CHARS and _CUT not in text:
            text = pprint.pformat(value, width=_WIDTH_CHARS, sort_dicts=False)
    else:
        text = _short(value) if isinstance(value, str | bytes | int) else repr(value)
    return cut(text, TEXT_CHARS_MAX)


def cut(text: str, chars_max: int) -> str:
    """The text, or its beginning."""
    return text if len(text) <= chars_max else f"{text[:chars_max]}{_CUT}"


# --- images ---------------------------------------------------------------------------------------------------------------


def media_type(data: bytes) -> str:
    """What kind of image these bytes are, or nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MEDIA_TYPES if data.startswith(magic)), "")


def _image(value: object) -> Shown | None:
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        kind = media_type(data)
    else:
        data, kind = _drawn(value)
    if not kind or len(data) > IMAGE_BYTES_MAX:
        return None
    return {"shape": "image", "mediaType": kind}, data


def _drawn(value: object) -> tuple[bytes, str]:
    for name, kind in _REPR_METHODS:
        method = None if isinstance(value, type) else getattr(type(value), name, None)
        data = method(value) if callable(method) else None
        if isinstance(data, bytes):
            return data, kind
    return b"", ""


# --- tables ---------------------------------------------------------------------------------------------------------------


def _table(value: object) -> Shown | None:
    if isinstance(value, Mapping):
        found = _of_mapping(value)
    elif isinstance(value, list | tuple) and value and not _is_named_tuple(value):
        found = _of_sequence(value)
    else:
        found = _of_html(value)
    if found is None:
        return None
    columns, rows, total = found
    columns = columns[:COLUMNS_MAX]
    cells = [row[: len(columns)] for row in rows]
    numeric = [
        index
        for index in range(len(columns))
        if cells and all(isinstance(row[index], int | float) for row in cells if row[index] is not None)
    ]
    return {
        "shape": "table",
        "columns": [cut(str(column), CELL_CHARS_MAX) for column in columns],
        "rows": [[_cell(cell) for cell in row] for row in cells],
        "total": total,
        "numeric": numeric,
    }, None


_Found = tuple[list[Any], list[list[Any]], int]


def _of_mapping(value: Mapping[Any, Any]) -> _Found | None:
    if not value:
        return None
    pairs = [(key, value[key]) for _, key in zip(range(ROWS_MAX), value, strict=False)]
    if all(isinstance(item, Mapping) and item for _, item in pairs) and len(pairs) > 1:
        inner = _of_sequence([item for _, item in pairs])
        if inner is not None:
            columns, rows, _ = inner
            return ["", *columns], [[key, *row] for (key, _), row in zip(pairs, rows, strict=True)], len(value)
    return ["key", "value"], [[key, item] for key, item in pairs], len(value)


def _of_sequence(value: Sequence[Any]) -> _Found | None:
    head = value[:ROWS_MAX]
    if all(isinstance(row, Mapping) and row and all(isinstance(key, str) for key in row) for row in head):
        columns = list(dict.fromkeys(key for row in head for key in row))
        return columns, [[row.get(column) for column in columns] for row in head], len(value)
    fields = _fields(head[0])
    if fields and all(type(row) is type(head[0]) for row in head):
        return list(fields), [[getattr(row, name) for name in fields] for row in head], len(value)
    if len(head) > 1 and all(isinstance(row, tuple) and len(row) == len(head[0]) > 1 for row in head):
        return [str(index) for index in range(len(head[0]))], [list(row) for row in head], len(value)
    return None


def _fields(row: object) -> tuple[str, ...]:
    if dataclasses.is_dataclass(row):
        return tuple(field.name for field in dataclasses.fields(row) if field.repr)
    return tuple(row._fields) if _is_named_tuple(row) else ()  # type: ignore[attr-defined]


def _is_named_tuple(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cut(value, CELL_CHARS_MAX)
    if isinstance(value, bytes | bytearray):
        return cut(value[:CELL_CHARS_MAX].hex(), CELL_CHARS_MAX)
    if isinstance(value, float):
        return f"{value:.6g}"
    return cut(_short(value) if isinstance(value, list | dict | tuple | int) else repr(value), CELL_CHARS_MAX)


class _TableReader(HTMLParser):
    """The text of the first table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.heads = 0  # rows at the beginning that are all headings
        self._depth = self._silent = 0
        self._is_over = self._is_in_cell = self._is_head = False

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._depth += 1
        elif tag in {"script", "style"}:
            self._silent += 1
        elif self._depth == 1 and not self._is_over:
            if tag == "tr":
                self.rows.append([])
                self._is_head = True
            elif tag in {"td", "th"} and self.rows:
                self.rows[-1].append("")
                self._is_in_cell = True
                self._is_head = self._is_head and tag == "th"

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._depth:
            self._depth -= 1
            self._is_over = self._is_over or self._depth == 0
        elif tag in {"script", "style"}:
            self._silent = max(self._silent - 1, 0)
        elif tag in {"td", "th"}:
            self._is_in_cell = False
        elif tag == "tr" and self._is_head and self.heads == len(self.rows) - 1:
            self.heads += 1

    def handle_data(self, data: str) -> None:
        if self._is_in_cell and not self._is_over and not self._silent and self.rows and self.rows[-1]:
            self.rows[-1][-1] = f"{self.rows[-1][-1]}{data}"[: CELL_CHARS_MAX + 1]


def _of_html(value: object) -> _Found | None:
    method = None if isinstance(value, type) else getattr(type(value), "_repr_html_", None)
    text = method(value) if callable(method) else None
    if not isinstance(text, str) or "<table" not in text:
        return None
    reader = _TableReader()
    reader.feed(text[:HTML_CHARS_MAX])
    rows = [row for row in reader.rows if row]
    width = max((len(row) for row in rows), default=0)
    if width == 0:
        return None
    padded = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    head = padded[0] if reader.heads else [str(index) for index in range(width)]
    body = padded[1:] if reader.heads else padded
    return head, [list(row) for row in body[:ROWS_MAX]], len(body)
