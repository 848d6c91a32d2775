"""Python source at a prompt: compiled with top-level ``await``, told complete or not, completed name by name.

Nouns: a *program* is a source compiled in two parts, statements and a last expression, so that the expression's value is
known. Pyodide's own ``pyodide.console`` takes one line at a time and writes terminal text; a prompt of several lines wants
less and more.

Must not know: who shows what.
"""

from __future__ import annotations

import ast
import codeop
import inspect
import linecache
import re
import rlcompleter
import warnings
from dataclasses import dataclass
from types import CodeType
from typing import Any

FILENAME_PREFIX = "<console"
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_KEPT_SOURCES_MAX = 100  # whose lines a traceback can still show
_WORDS_MAX = 200
_INDENT = "    "
_NAME_AT_END = re.compile(r"[^\W\d][\w.]*$")
_ENDS_BLOCK = re.compile(r"\s*(return|pass|break|continue|raise)\b")

_compile_command = codeop.CommandCompiler()
_compile_command.compiler.flags |= _FLAGS
_kept: list[str] = []


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled source."""

    codes: tuple[CodeType, ...]


def compiled(source: str, number: int) -> Program:
    """Compile a source; its lines are kept for tracebacks. Raises SyntaxError, ValueError (a null byte), OverflowError."""
    filename = f"{FILENAME_PREFIX} {number}>"
    _keep(source, filename)
    tree = compile(source, filename, "exec", _FLAGS | ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    codes = []
    if tree.body:
        codes.append(compile(tree, filename, "exec", _FLAGS, dont_inherit=True))
    if isinstance(last, ast.Expr):
        codes.append(compile(ast.Expression(last.value), filename, "eval", _FLAGS, dont_inherit=True))
    return Program(tuple(codes))


async def evaluate(program: Program, scope: dict[str, Any]) -> Any:
    """Run it in ``scope``; the value of its last expression, or None."""
    value = None
    for code in program.codes:
        value = eval(code, scope)  # noqa: S307 - what the person at the prompt typed
        if code.co_flags & inspect.CO_COROUTINE:
            value = await value
    return value


def state_of(source: str) -> dict[str, str]:
    """Whether Enter shall run it: ``state`` complete, incomplete or invalid, and the ``indent`` of a further line."""
    indent = _next_indent(source)
    last_line = source.rpartition("\n")[2]
    if "\n" in source and last_line.strip() and last_line[0].isspace():
        return {"state": "incomplete", "indent": indent}  # inside a block: an empty line ends it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            whole = _compile_command(source, "<input>", "exec")
    except (SyntaxError, ValueError, OverflowError):
        return {"state": "invalid", "indent": ""}
    return {"state": "incomplete" if whole is None else "complete", "indent": indent}


def completions(source: str, at: int, scope: dict[str, Any]) -> dict[str, Any]:
    """What the name that ends at ``at`` could become: ``words``, and ``start`` of what they replace."""
    found = _NAME_AT_END.search(source[:at])
    text = found.group() if found else ""
    words: list[str] = []
    if text:
        completer = rlcompleter.Completer(scope)
        for state in range(_WORDS_MAX):
            word = completer.complete(text, state)
            if word is None:
                break
            words.append(word.rstrip("() :"))
    return {"start": at - len(text), "words": sorted(dict.fromkeys(words), key=_order)}


def _order(word: str) -> tuple[bool, str]:
    return word.rpartition(".")[2].startswith("_"), word


def _next_indent(source: str) -> str:
    line = source.rstrip("\n").rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip())]
    if line.partition("#")[0].rstrip().endswith(":"):
        return indent + _INDENT
    return indent.removesuffix(_INDENT) if _ENDS_BLOCK.match(line) else indent


def _keep(source: str, filename: str) -> None:
    linecache.cache[filename] = (len(source), None, [f"{line}\n" for line in source.splitlines()], filename)
    _kept.append(filename)
    for old in _kept[:-_KEPT_SOURCES_MAX]:
        linecache.cache.pop(old, None)
        _kept.remove(old)
