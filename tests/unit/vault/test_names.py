"""Names: refused, cleaned, shown."""

from __future__ import annotations

import unicodedata

import pytest

from inos.errors import BadName
from inos.vault.names import BIDI_CONTROLS, UNNAMED, check_name, clean_name, show_name

GOOD = ("a", "Größe.txt", "水.pdf", "a b", "...", ".x", "CON", "👩‍👩‍👧.png", "x" * 255, "水" * 85, "~", "'\"<>|?*:")
BAD = {
    "empty": "",
    "dot": ".",
    "dot dot": "..",
    "slash": "a/b",
    "backslash": "a\\b",
    "NUL": "a\0",
    "newline": "a\nb",
    "DEL": "a\x7f",
    "C1": "a\x85",
    "right-to-left override": "a\u202efdp.exe",
    "isolate": "\u2066a",
    "left-to-right mark": "\u200ea",
    "Arabic letter mark": "a\u061c",
    "256 bytes": "x" * 256,
    "258 bytes": "水" * 86,
    "not NFC": "Gro\u0308ße",
    "lone surrogate": "a\ud800",
    "very long": "x" * 100_000,
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name):
    assert check_name(name) == clean_name(name) == name


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_bad_and_cleaned(name):
    with pytest.raises(BadName):
        check_name(name)
    cleaned = clean_name(name)
    assert check_name(cleaned) == cleaned


def test_what_cleaning_gives():
    assert clean_name("") == clean_name(".") == clean_name("..") == UNNAMED
    assert clean_name("a/b\\c\0d") == "a_b_c_d"
    assert clean_name("Gro\u0308ße") == "Größe"
    assert clean_name("\ud800") == "\ufffd"


def test_a_cut_name_keeps_its_extension_and_its_marks():
    cut = clean_name("x" * 300 + ".tar")
    assert (len(cut), cut[-5:]) == (255, "x.tar")
    assert clean_name("x" * 300 + "." + "y" * 20) == "x" * 255
    assert clean_name("水" * 100 + ".txt") == "水" * 83 + ".txt"
    marked = "x" * 253 + "q\u0323\u0302"  # two marks that compose with nothing
    assert clean_name(marked) == "x" * 253
    assert clean_name("." + "e" * 300) == "." + "e" * 254


def test_bidi_controls_are_the_ones_of_unicode():
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    found = {chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in marks}
    assert found | set("\u061c\u200e\u200f") == BIDI_CONTROLS


def test_shown():
    assert show_name("Größe 水 👩‍👧.txt") == "Größe 水 👩‍👧.txt"
    assert show_name("a\u202eb\n\0\u2028\ud800") == "a\\u{202e}b\\u{a}\\u{0}\\u{2028}\\u{d800}"
    assert show_name("\u2066") == "\\u{2066}"
    assert len(show_name("x" * 10_000)) == 513
