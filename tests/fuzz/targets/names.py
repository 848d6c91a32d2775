"""File names: a name is accepted or made acceptable, and shown without anything that changes the text around it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.mutate import text_of

from inos.vault.names import BIDI_CONTROLS, check_name, clean_name, show_name


def run(data: bytes) -> None:
    """See Target."""
    name = text_of(data)
    shown = show_name(name)
    assert not BIDI_CONTROLS & set(shown)
    assert shown.isprintable() or "\u200c" in shown or "\u200d" in shown
    cleaned = clean_name(name)
    assert check_name(cleaned) == cleaned == clean_name(cleaned)
    assert check_name(name) == cleaned


def seeds() -> Iterator[bytes]:
    """See Target."""
    names = (
        "a",
        "report.pdf",
        "..",
        "a/b\\c",
        "\u202egpj.exe",
        "e\u0301",
        "\u00e9" * 200,
        "x" * 300 + ".tar.gz",
        "nul\0",
    )
    for name in (*names, "\u200d\u0301" * 70, "\ufdfa" * 90):
        yield name.encode()
