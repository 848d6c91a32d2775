"""Values become data: no markup, and bounds on everything."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import pytest

from inos_web.console import values
from inos_web.console.values import shown

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def text_of(value):
    shape, data = shown(value)
    assert (shape["shape"], data) == ("text", None)
    return shape["text"]


def table_of(value):
    shape, data = shown(value)
    assert (shape["shape"], data) == ("table", None)
    return shape["columns"], shape["rows"]


def test_text():
    assert text_of("a'b") == '"a\'b"'
    assert text_of(12) == "12"
    assert text_of([1, 2]) == "[1, 2]"
    assert text_of({}) == "{}"
    assert text_of([]) == "[]"
    assert text_of(b"bytes") == "b'bytes'"


@pytest.mark.parametrize(
    "value", ["x" * 10**7, [[0] * 1000] * 1000, list(range(10**6)), bytes(10**7), set(range(10**5))]
)
def test_long_text_is_bounded(value):
    assert len(text_of(value)) <= values.TEXT_CHARS_MAX + 1


def test_a_repr_that_raises_is_the_values_error():
    class Bad:
        def __repr__(self):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        shown(Bad())


class Pair(NamedTuple):
    left: int
    right: int


@dataclasses.dataclass
class Row:
    name: str
    size: int
    secret: bytes = dataclasses.field(default=b"", repr=False)


def test_tables():
    assert table_of([{"a": 1, "b": None}, {"a": 2.5, "c": "x"}]) == (["a", "b", "c"], [["1", "", ""], ["2.5", "", "x"]])
    assert table_of([Row("n", 1)]) == (["name", "size"], [["n", "1"]])

    assert table_of([Pair(1, 2)]) == (["left", "right"], [["1", "2"]])
    assert table_of([(1, "x"), (2, "y")]) == (["0", "1"], [["1", "x"], ["2", "y"]])
    assert table_of({"key": b"\x01\xff"}) == (["key", "value"], [["key", "01ff"]])
    assert table_of({"p": {"a": 1}, "q": {"a": 2}}) == (["", "a"], [["p", "1"], ["q", "2"]])


def test_what_is_no_table():
    for value in ([1, 2], [(1, 2)], [(1,), (2,)], [(1, 2), (1, 2, 3)], [{}], [{1: 2}], Pair(1, 2)):
        text_of(value)


def test_tables_are_bounded_and_say_how_long_they_are():
    shape, _ = shown([{f"column {n}": "x" * 1000 for n in range(100)}] * 10_000)
    assert (len(shape["columns"]), len(shape["rows"]), shape["total"]) == (values.COLUMNS_MAX, values.ROWS_MAX, 10_000)
    assert max(len(cell) for row in shape["rows"] for cell in row) <= values.CELL_CHARS_MAX + 1


def test_columns_of_numbers_are_named():
    shape, _ = shown([{"a": 1, "b": "x", "c": None}, {"a": 2, "b": 3, "c": 1.5}])
    assert shape["numeric"] == [0, 2]


def test_html_gives_its_cells_and_nothing_else():
    class Frame:
        def _repr_html_(self):
            return (
                "<style>td { color: red }</style><script>evil()</script><table onclick='evil()'>"
                "<thead><tr><th></th><th>a<script>evil()</script></th></tr></thead>"
                "<tr><th>0</th><td><img src=x onerror=evil()>1 &lt; 2</td></tr><tr><td>short</td></tr></table>"
                "<table><tr><td>2</td></tr></table>"
            )

    assert table_of(Frame()) == (["", "a"], [["0", "1 < 2"], ["short", ""]])


def test_html_without_a_table_is_not_used():
    class Note:
        def _repr_html_(self):
            return "<b>bold</b>"

        def __repr__(self):
            return "Note()"

    assert text_of(Note()) == "Note()"
    assert "Frame" in text_of(type("Frame", (), {"_repr_html_": lambda self: "<table><tr><td>1</td></tr></table>"}))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_images(data, kind):
    assert shown(data) == ({"shape": "image", "mediaType": kind}, data)
    assert shown(bytearray(data))[1] == data


def test_an_object_that_draws_itself():
    class Figure:
        def _repr_png_(self):
            return PNG

    assert shown(Figure()) == ({"shape": "image", "mediaType": "image/png"}, PNG)
    assert shown(b"<svg onload=evil()>")[0]["shape"] == "text"


def test_an_image_beyond_its_bound_is_text(monkeypatch):
    monkeypatch.setattr(values, "IMAGE_BYTES_MAX", 4)
    assert shown(PNG)[0]["shape"] == "text"
