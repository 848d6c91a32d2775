"""Rules that our own sources keep, read from the sources themselves.

Patterns are put together from pieces, so that this file does not match itself.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MADE = {".git", ".venv", ".cache", "node_modules", "build", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache"}
TEXT_SUFFIXES = {
    ".py",
    ".pyi",
    ".js",
    ".mjs",
    ".zig",
    ".c",
    ".h",
    ".html",
    ".css",
    ".svg",
    ".json",
    ".toml",
    ".md",
    ".txt",
    "",
}
MODULE_LINES_MAX = 400
# Data, not modules: every sentence people read in one place, ready to translate; every row of the benchmark with its method.
TEXT_TABLES = {"web/page/words/en.js", "web/page/bench/catalog.js"}
FUNCTION_LINES_MAX = 60


def sources(*folders: str, suffixes: set[str]) -> list[Path]:
    """Files of the checkout (or of some folders) by suffix, without what set-up and tools made."""
    roots = [CHECKOUT / folder for folder in folders] or [CHECKOUT]
    found = []
    for root in roots:
        files = [root] if root.is_file() else root.rglob("*")
        found += [file for file in files if file.is_file() and file.suffix in suffixes and not is_made(file)]
    return sorted(found)


def is_made(file: Path) -> bool:
    return not MADE.isdisjoint(file.relative_to(CHECKOUT).parts) or file.name.endswith(".tmp")


def lines_matching(files: list[Path], pattern: str) -> list[str]:
    expression = re.compile(pattern)
    return [
        f"{file.relative_to(CHECKOUT)}:{number}: {line.strip()[:100]}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1)
        if expression.search(line)
    ]


EVERYTHING = sources(suffixes=TEXT_SUFFIXES)
CODE = sources("serve.py", "py", "web", "static", ".ci", suffixes={".py", ".js", ".mjs", ".zig"})
BROWSER_CODE = sources("web", "static", suffixes={".js", ".html"})


def test_there_is_something_to_read():
    assert len(CODE) > 20


def test_modules_are_short():
    long = {}
    for file in CODE:
        count = len(file.read_text("utf-8").splitlines())
        name = file.relative_to(CHECKOUT).as_posix()
        if count > MODULE_LINES_MAX and ".gen." not in name and name not in TEXT_TABLES:
            long[name] = count
    assert long == {}


def test_functions_are_short():
    long = {}
    for file in sources("py", ".ci", "serve.py", suffixes={".py"}):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    long[f"{file.relative_to(CHECKOUT)}:{node.name}"] = count
    assert long == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"\.(?:inner|outer)" + "HTML",
        "insertAdjacent" + "HTML",
        r"document\." + r"write",
        r"\beval" + r"\(",
        r"new " + r"Function\b",
        r"set(?:Timeout|Interval)\(\s*[\"'`]",
        r"\son[a-z]+\s*=\s*[\"']",
        "java" + "script:",
    ],
)
def test_browser_code_makes_no_code_and_no_markup_from_text(pattern):
    assert lines_matching(BROWSER_CODE, pattern) == []


def test_no_path_of_a_machine_is_written_down():
    machine = r"(?<![\w.-])/" + r"(?:work|root|home/\w+|Users/\w+|tmp/lab)/"
    assert lines_matching(EVERYTHING, machine) == []


def test_no_package_registry_is_named():
    hosts = [
        "py" + r"pi\.org",
        "python" + r"hosted\.org",
        "npm" + r"js\.(?:org|com)",
        "npm" + "mirror",
        "js" + "delivr",
        "un" + "pkg",
    ]
    assert lines_matching(EVERYTHING, "|".join(hosts)) == []


def test_nothing_is_left_to_do():
    marks = [r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", "raise Not" + "ImplementedError"]
    assert lines_matching([file for file in EVERYTHING if ".gen." not in file.name], "|".join(marks)) == []


def test_the_lock_file_names_no_place_and_pins_every_package():
    packages = json.loads((CHECKOUT / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((CHECKOUT / "package.json").read_text("utf-8"))
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert name == "" or entry.get("integrity", "").startswith("sha512-"), name
    for version in (*wanted["dependencies"].values(), *wanted["devDependencies"].values()):
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("file", sorted((CHECKOUT / ".ci").glob("requirements-*.txt")), ids=lambda file: file.stem)
def test_python_packages_are_pinned_by_version_and_hash(file):
    entries = [entry for entry in file.read_text("utf-8").replace("\\\n", " ").splitlines() if entry.strip()]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9][0-9.]*(?: ;[^\\]*?)?\s+--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
