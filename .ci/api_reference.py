"""Makes `web/API.md` from the JSDoc of `globalThis.inos`, and `py/API.md` from docstrings; `--check` says whether they are old.

Nouns: an *entry* is one public name with its signature and what its comment says. JavaScript's come from what the TypeScript
compiler declares, so a signature here is what is checked; Python's from the syntax tree, since the adapter cannot be
imported outside a browser.
Invariants: nothing in the two files is written by hand; a public method without a comment is an error.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
TSC_OPTIONS = (
    *("--allowJs", "--declaration", "--emitDeclarationOnly", "--stripInternal", "--skipLibCheck"),
    *("--target", "esnext", "--module", "nodenext"),
)
# The modules that make up `globalThis.inos`, in the order in which people meet them.
JS_MODULES = (
    ("file_calls", "FileCalls", "Files"),
    ("vault_calls", "VaultCalls", "Vault"),
    ("mesh_calls", "MeshCalls", "Mesh"),
    ("node", "InosNode", "Node and Python"),
)
PY_SCOPE = (
    ("inos/node.py", "Node", "`node`"),
    ("inos_web/compute.py", "Namespace", "`inos`, beside the package itself"),
    ("inos_web/region.py", "WebRegion", "`memory`"),
    ("inos_web/memory.py", "WebArena", "`arena`"),
    ("inos/workers.py", "Worker", "a worker (`await inos.spawn(...)`)"),
)
MADE_BY = "<!-- made by .ci/api_reference.py: change the comments, then run it -->\n"
PROPERTY = re.compile(r"^@property \{(.+?)\} (\w+)(?=\s|$)", re.MULTILINE | re.DOTALL)
SIMPLE_TYPE = re.compile(r"^\{(.+)\} (\w+)(?=\s|$)", re.DOTALL)
MEMBER = re.compile(r"^    (?:readonly )?(?!#)([A-Za-z]\w*)(?:\??: |\()")


class Undocumented(Exception):
    """A public name says nothing about itself."""


@dataclass(frozen=True)
class Entry:
    name: str
    signature: str
    text: str

    def markdown(self) -> str:
        return f"#### {self.name}\n\n```\n{self.signature}\n```\n\n{self.text}\n"


# --- JavaScript -------------------------------------------------------------------------------------------------------


def declarations(folder: Path) -> Path:
    """What the compiler says of the node's modules; the folder that has them."""
    words = ["node", str(TSC), *TSC_OPTIONS, "--outDir", str(folder), "web/page/node.js"]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=False)  # its errors are the type check's business
    return next(folder.rglob("node.d.ts")).parent


def comment_text(comment: list[str]) -> str:
    """The words of a JSDoc comment, its parameters as a list; types are in the signature."""
    lines = [
        line.strip().removeprefix("/**").removesuffix("*/").strip().removeprefix("* ").strip(" *") for line in comment
    ]
    text = re.sub(r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\} ?(?=\S| |$)", "", " ".join(lines))
    head, *tags = re.split(r"\s*@(?=param|returns|property)", text)
    told = []
    for tag in tags:
        kind, _, rest = tag.partition(" ")
        name, _, words = rest.strip().partition(" ")
        if kind == "returns" and rest.strip():
            told.append(f"Gives {rest.strip()}.")
        elif kind == "param" and words.strip():
            told.append(f"`{name.strip('[]')}`: {words.strip()}.")
    return " ".join(part for part in (head.strip(), *told) if part)


def js_entries(file: Path, class_name: str) -> Iterator[Entry]:
    lines = file.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if re.search(rf"class {class_name}\b", line))
    comment: list[str] = []
    at = start + 1
    while not lines[at].startswith("}"):
        line = lines[at]
        if line.lstrip().startswith("/**"):
            comment = [line]
            while "*/" not in lines[at]:
                at += 1
                comment.append(lines[at])
        elif found := MEMBER.match(line):
            declared = [line.strip()]
            while not (lines[at].startswith("    ") and not lines[at].startswith("     ") and lines[at].endswith(";")):
                at += 1
                declared.append(lines[at].strip())
            name, text = found.group(1), comment_text(comment)
            if not text:
                raise Undocumented(f"{file.stem}: {name} has no comment that says what it does")
            yield Entry(
                "new InosNode" if name == "constructor" else name, tidy_signature(" ".join(declared), name), text
            )
            comment = []
        at += 1


def tidy_signature(declared: str, name: str) -> str:
    text = re.sub(r"/\*\*.*?\*/ ?", "", declared).rstrip(";")
    text = re.sub(r'import\("[^"]*"\)\.', "", text).replace("<ArrayBuffer>", "")
    text = re.sub(r"^(\w+): (\(.*?\)) => ", r"\1\2: ", text)
    text = text.replace("{ ", "{").replace("; }", "}").replace(" }", "}")
    return text.replace("constructor", "new InosNode", 1) if name == "constructor" else text


def js_types(source: Path) -> str:
    """The typedefs of the page's face, as they stand."""
    text = source.read_text("utf-8")
    blocks = re.findall(
        r"^ \* @typedef (?:\{object\} )?(.+?)(?=^ \* @typedef|^ \*/|^ \*$)", text, re.MULTILINE | re.DOTALL
    )
    kept = [re.sub(r"\n \* ?", "\n", block).rstrip() for block in blocks if not block.startswith("NodeApi")]
    return (
        "```\n" + "\n".join(PROPERTY.sub(r"  \2: \1", SIMPLE_TYPE.sub(r"\2 = \1", block)) for block in kept) + "\n```\n"
    )


def web_reference() -> str:
    with tempfile.TemporaryDirectory() as temporary:
        folder = declarations(Path(temporary))
        parts = [
            f"## {title}\n\n"
            + "\n".join(entry.markdown() for entry in js_entries(folder / f"{module}.d.ts", class_name))
            for module, class_name, title in JS_MODULES
        ]
    head = (
        "# The page's API\n\n"
        + MADE_BY
        + "\n`globalThis.inos` on INOS's own page; `new InosNode()` from `/web/page/node.js` in yours. A *root* is 64 hex\n"
        "digits, a *link* a URL or its `#inos1.` fragment. Calls made before Python is ready wait for it. What fails rejects\n"
        "with an `Error` that has a stable `code` (`py/API.md` lists them). `options` may hold `onProgress` and, as `signal`,\n"
        "an `AbortSignal`.\n\n"
    )
    return head + "\n".join(parts) + "\n## Types\n\n" + js_types(ROOT / "web" / "page" / "ui" / "types.js")


# --- Python -----------------------------------------------------------------------------------------------------------


def docstring(node: ast.AST) -> str:
    return ast.get_docstring(node) or ""  # type: ignore[arg-type] # any node that can have one


def py_entries(file: Path, class_name: str) -> Iterator[Entry]:
    tree = ast.parse(file.read_text("utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name)
    for node in found.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
            continue
        text = docstring(node)
        if not text:
            raise Undocumented(f"{file}: {class_name}.{node.name} has no docstring")
        arguments = ", ".join(part for part in [ast.unparse(node.args)] if part)
        arguments = re.sub(r"^self(?:, )?", "", arguments)
        prefix = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
        answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        yield Entry(node.name, f"{prefix}{node.name}({arguments}){answer}", text)


def py_modules(package: Path) -> str:
    rows = []
    for file in sorted(package.rglob("*.py")):
        first = docstring(ast.parse(file.read_text("utf-8"))).split("\n\n")[0].replace("\n", " ")
        name = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        if first:
            rows.append(f"| `{name}` | {first.replace('|', chr(92) + '|')} |")
    return "| module | what it is |\n|---|---|\n" + "\n".join(rows) + "\n"


def py_errors(file: Path) -> str:
    rows = []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            rows.append(f"| `{node.name}` | {bases} | {docstring(node).replace(chr(10), ' ')} |")
    return "| code | kind of | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def python_reference() -> str:
    py = ROOT / "py"
    head = (
        "# Python's API\n\n"
        + MADE_BY
        + "\nIn the page's Python view and in `inos.python(source)` these names are there: `node`, `inos`, `memory`, `arena`,\n"
        "`vault`. `await` works at the top level.\n\n"
    )
    scope = "\n".join(
        f"## {title}\n\n" + "\n".join(entry.markdown() for entry in py_entries(py / file, class_name))
        for file, class_name, title in PY_SCOPE
    )
    return (
        f"{head}{scope}\n## Errors\n\n{py_errors(py / 'inos' / 'errors.py')}\n## Modules of the core\n\n"
        f"{py_modules(py / 'inos')}"
    )


MADE = (("web/API.md", web_reference), ("py/API.md", python_reference))


def main(arguments: list[str]) -> int:
    old = []
    for path, make in MADE:
        text = make()
        if "--check" not in arguments:
            (ROOT / path).write_text(text, "utf-8")
        elif not (ROOT / path).is_file() or (ROOT / path).read_text("utf-8") != text:
            old.append(path)
    if old:
        print(f"{' and '.join(old)}: older than the comments; run python .ci/api_reference.py")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
