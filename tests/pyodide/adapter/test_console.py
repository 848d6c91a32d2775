"""What JavaScript tells a console: a text, and bytes or none. A file of no bytes is bytes, too."""

from __future__ import annotations

from types import SimpleNamespace

from pyodide.code import run_js

from inos_web.console.border import entry

TELL = """
(call) => {
  call("nothing");
  call("undefined", undefined);
  call("empty", new Uint8Array());
  call("one", new Uint8Array([7]));
}
"""


def test_no_bytes_are_not_nothing():
    told = []
    on_message = entry(SimpleNamespace(on_message=lambda text, data: told.append((text, data))))
    run_js(TELL)(on_message)
    on_message.destroy()
    assert told == [("nothing", None), ("undefined", None), ("empty", b""), ("one", b"\x07")]
