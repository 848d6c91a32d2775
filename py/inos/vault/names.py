"""File names: which are accepted, how a person's own name is made acceptable, how a doubtful one is shown.

Nouns: a *name* is one path component, for people only; it is never used as a path on any disk. Invariants: what
``clean_name`` returns passes ``check_name``; ``show_name`` never returns a character that changes the direction or the look
of text around it. Must not know: files or folders.
"""

from __future__ import annotations

import unicodedata

from inos.errors import BadName
from inos.limits import NAME_BYTES_MAX

# Marks that reorder text around them: "exe.<RLO>fdp" would read as "exe.pdf" (Unicode UAX #9).
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = frozenset("/\\")
_JOINERS = frozenset("\u200c\u200d")  # needed by Persian, Indic scripts and emoji; harmless to show
_EXTENSION_BYTES_MAX = 16
_SHOWN_CHARACTERS_MAX = 512
UNNAMED = "unnamed"


def _is_control(character: str) -> bool:
    code = ord(character)
    return code < 0x20 or 0x7F <= code <= 0x9F


def _is_forbidden(character: str) -> bool:
    return character in _SEPARATORS or character in BIDI_CONTROLS or _is_control(character)


def check_name(name: str) -> str:
    """The name itself. Raises BadName with the reason (vault-format 1.5)."""
    if name in ("", ".", ".."):
        raise BadName("a name that is empty or stands for a folder")
    if len(name) > NAME_BYTES_MAX:  # before the work that grows with length
        raise BadName(f"a name of {len(name)} characters")
    for character in name:
        if _is_forbidden(character):
            raise BadName(f"U+{ord(character):04X} in a name")
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise BadName("a name that is not Unicode") from error
    if len(encoded) > NAME_BYTES_MAX:
        raise BadName(f"a name of {len(encoded)} bytes")
    if not unicodedata.is_normalized("NFC", name):
        raise BadName("a name that is not in normal form C")
    return name


def clean_name(name: str) -> str:
    """A person's own file name made acceptable: forbidden characters become ``_``, too long a stem is cut."""
    safe = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else "_" if _is_forbidden(c) else c for c in name)
    safe = unicodedata.normalize("NFC", safe)
    if len(safe.encode()) > NAME_BYTES_MAX:
        safe = _cut(safe)
    if safe in ("", ".", ".."):
        return UNNAMED
    return safe


def _cut(name: str) -> str:
    """At most NAME_BYTES_MAX bytes; a short extension stays, since it says what opens the file."""
    stem, dot, extension = name.rpartition(".")
    tail = dot + extension
    if not stem or len(tail.encode()) > _EXTENSION_BYTES_MAX:
        stem, tail = name, ""
    room = NAME_BYTES_MAX - len(tail.encode())
    kept = stem.encode()[:room].decode(errors="ignore")
    end = len(kept)
    # A mark belongs to the character before it: cut before both.
    while end > 1 and end < len(stem) and (unicodedata.combining(stem[end]) or stem[end] in _JOINERS):
        end -= 1
    return kept[:end] + tail


def show_name(name: str) -> str:
    """The name with everything invisible or direction-changing spelled out, for showing (also when it is a bad name)."""
    shown = "".join(
        character if character.isprintable() or character in _JOINERS else f"\\u{{{ord(character):x}}}"
        for character in name[:_SHOWN_CHARACTERS_MAX]
    )
    return shown + ("…" if len(name) > _SHOWN_CHARACTERS_MAX else "")
