"""Compiling, completeness and completion at the prompt."""

from __future__ import annotations

import linecache

import pytest

from inos_web.console.source import compiled, completions, evaluate, state_of


def value_of(source, scope=None):
    coro = evaluate(compiled(source, 1), {} if scope is None else scope)
    while True:  # no loop is needed for a bare yield, and Pyodide has none that waits
        try:
            coro.send(None)
        except StopIteration as stop:
            return stop.value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("a = 2\na * 3", 6),
        ("a = 2", None),
        ("", None),
        ("# nothing", None),
        ("import asyncio\nawait asyncio.sleep(0, 'late')", "late"),
        ("async def f():\n    return 7\nawait f()", 7),
        ("[await x for x in []]", []),
        ("def f():\n    return 3\n", None),
        ("'last'; 'value'", "value"),
    ],
)
def test_the_value_is_the_last_expressions(source, value):
    assert value_of(source) == value


def test_names_stay_for_the_next_source():
    scope = {}
    value_of("a = 20\nimport asyncio\nawait asyncio.sleep(0)\nb = 22", scope)
    assert value_of("a + b", scope) == 42


def test_our_own_flags_are_not_theirs():
    assert value_of("def f(x: int): ...\nf.__annotations__") == {
        "x": int
    }  # we have `from __future__ import annotations`


def test_lines_are_kept_for_tracebacks_but_not_for_ever():
    for number in range(150):
        compiled(f"line = {number}", number)
    assert linecache.getline("<console 149>", 1) == "line = 149\n"
    assert linecache.getline("<console 10>", 1) == ""


@pytest.mark.parametrize(
    ("source", "state", "indent"),
    [
        ("1 + 1", "complete", ""),
        ("await x", "complete", ""),
        ("x = (1,", "incomplete", ""),
        ("def f():", "incomplete", "    "),
        ("def f(): # why", "incomplete", "    "),
        ("def f():\n    a = 1", "incomplete", "    "),
        ("def f():\n    return 1", "incomplete", ""),
        ("def f():\n    return 1\n", "complete", ""),
        ("if a:\n    if b:", "incomplete", "        "),
        ("@decorated", "incomplete", ""),
        ('"""open', "incomplete", ""),
        ("def (", "invalid", ""),
        ("1 +* 2", "invalid", ""),
        ("a\0b", "invalid", ""),
        ("for x in y:\n    pass\nz", "complete", ""),
    ],
)
def test_whether_enter_runs_it(source, state, indent):
    found = state_of(source)
    assert found["state"] == state
    if state != "invalid":
        assert found["indent"] == indent


class Thing:
    alpha = 1
    beta = 2
    _hidden = 3


def test_completion_of_names_and_attributes():
    scope = {"thing": Thing(), "think": 1}
    assert completions("thin", 4, scope) == {"start": 0, "words": ["thing", "think"]}
    found = completions("x = thing.a + 1", 11, scope)
    assert (found["start"], found["words"]) == (4, ["thing.alpha"])
    assert "thing._hidden" in completions("thing._", 7, scope)["words"]
    assert "thing._hidden" not in completions("thing.", 6, scope)["words"]
    assert completions("", 0, scope) == {"start": 0, "words": []}
    assert completions("nobody.x", 8, scope)["words"] == []
