"""Links: one text each, and a plain reason for everything else."""

from __future__ import annotations

import pytest

from inos.errors import BadArgument, BadLink
from inos.wire.link import TEXT_CHARACTERS, Link, encode, parse

LINK = Link(bytes(range(32)), bytes(range(32, 64)))
TEXT = "#inos1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P4zODhA"


def test_known_answer():
    assert encode(LINK) == TEXT
    assert len(encode(LINK)) == len("#inos1.") + TEXT_CHARACTERS


@pytest.mark.parametrize("base", ["", "https://host/", "https://host/path?x=1", "http://127.0.0.1:8000/#old"])
def test_round_trip(base):
    text = encode(LINK, base)
    assert text.startswith(base.partition("#")[0] + "#inos1.")
    assert parse(text) == LINK
    assert parse(f"  {text}\n") == LINK
    assert parse(text.partition("#")[2]) == LINK


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a link"),
        ("https://host/", "not a link"),
        ("https://host/#", "not a link"),
        ("#about", "not a link"),
        ("#ino", "cut"),
        ("#inos1.", "cut"),
        (encode(LINK)[:-1], "cut: 1 "),
        (encode(LINK)[:-40], "cut: 40 "),
        (encode(LINK) + "A", "mistyped"),
        (encode(LINK) + ".", "mistyped"),
        (encode(LINK)[:30] + " " + encode(LINK)[31:], "mistyped"),
        (encode(LINK).replace("-", "+"), "mistyped"),
        ("#inosr1." + "A" * 48, "unknown"),
        ("#inos2." + "A" * TEXT_CHARACTERS, "unknown"),
        ("#" + "A" * 5000, "too long"),
    ],
)
def test_reasons(text, reason):
    with pytest.raises(BadLink, match=reason) as caught:
        parse(text)
    assert len(str(caught.value)) < 100


def test_every_changed_character_is_found():
    text = encode(LINK)
    for at in range(len("#inos1."), len(text)):
        for other in "AZaz09-_":
            if other != text[at]:
                with pytest.raises(BadLink):
                    parse(text[:at] + other + text[at + 1 :])


def test_the_secret_is_in_no_repr():
    assert LINK.secret.hex() not in repr(LINK)
    assert "secret" not in repr(LINK)


def test_ids_of_another_length():
    with pytest.raises(BadArgument):
        encode(Link(b"", bytes(32)))
