"""Links, as people paste them: any text, and what is accepted is the link that would be written."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.mutate import text_of

from inos.wire import link


def run(data: bytes) -> None:
    """See Target."""
    text = text_of(data)
    made = link.parse_any(text)
    assert link.encode(made)[1:] in text, "two texts of one link"


def seeds() -> Iterator[bytes]:
    """See Target."""
    made = link.encode(link.Link(bytes(range(32)), b"s" * 32), "https://host/path?query")
    yield link.encode(link.RevocableLink(bytes(range(32)), b"k" * 32), "https://host/").encode()
    for text in (
        made,
        made.partition("#")[2],
        f"  {made}\n",
        made[:-1],
        "#inos1.",
        "#inosr1." + "A" * 48,
        "#inos2.x",
        "https://host/",
    ):
        yield text.encode()
