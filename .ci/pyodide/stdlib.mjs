/**
 * What of Python's standard library INOS ships, and what it has already imported when the snapshot is taken.
 *
 * Kept: all that a person at a prompt, pytest or micropip would import. Dropped: what cannot work in a browser
 * (processes, servers, terminals) and text encodings that the web no longer speaks.
 */

/** First path component of modules that are left out. */
const DROPPED = new Set(
  `_pyrepl antigravity cProfile compileall ensurepip ftplib idlelib imaplib lib2to3 mailbox modulefinder multiprocessing
   nntplib nturl2path pickletools poplib profile pstats pty pyclbr site-packages smtplib socketserver tabnanny test
   tkinter trace turtle turtledemo venv wave wsgiref xmlrpc zipapp __hello__ __phello__`.split(/\s+/),
);

/** `http.server` needs the dropped `socketserver`. */
const DROPPED_FILES = new Set(["http/server.py"]);

/** cp437 is how old ZIP files name their entries: `zipfile` and `zipimport` need it. */
const ENCODINGS = new Set(
  `__init__ _win_cp_codecs aliases ascii base64_codec bz2_codec charmap cp1252 cp437 hex_codec idna iso8859_1 iso8859_15
   latin_1 punycode quopri_codec raw_unicode_escape rot_13 undefined unicode_escape utf_16 utf_16_be utf_16_le utf_32
   utf_32_be utf_32_le utf_7 utf_8 utf_8_sig zlib_codec`.split(/\s+/),
);

/**
 * @param {string} path inside the standard library, such as `asyncio/events.py`
 * @returns {boolean}
 */
export function isShipped(path) {
  const [first, second] = path.split("/");
  if (DROPPED.has(first.replace(/\.py$/, "")) || DROPPED_FILES.has(path)) return false;
  return first !== "encodings" || ENCODINGS.has(second.replace(/\.py$/, ""));
}

/**
 * Imported before the snapshot, so that a restored brain has them at no cost. A superset of what `inos`, `inos_web`,
 * `msgspec` and `cbor2` import; nothing in here may hold a JavaScript object that is not a path from `globalThis`.
 */
export const PRELOADED =
  `abc array asyncio base64 bisect binascii collections collections.abc contextlib contextvars copy
  dataclasses datetime decimal email.message enum fractions functools gc hashlib heapq hmac importlib.machinery importlib.util inspect io
  ipaddress itertools json linecache logging math operator os pathlib pyodide.ffi random re secrets string struct sys
  textwrap time traceback types typing unicodedata urllib.parse uuid warnings weakref zipimport zlib zoneinfo`.split(
    /\s+/,
  );
