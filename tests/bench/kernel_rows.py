"""Rows of the kernel: hash, seal, open, Brotli q6, each beside the npm library that people take for it.

The page compares both sides' results while it measures (pages/kernel.js): equal hashes, tags and plaintext; each side
decodes the other's streams.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from playwright.sync_api import Page
from rows import Row

IDS = ("blake3", "seal", "open", "brotli.q6")
COMPARE = "([op, kind]) => bench.compare(op, kind)"
SIDES = "slices of 8 MiB in turns, one worker each in one page, MiB/s over all 1 MiB chunks of the same data"


def compare(page: Page, op: str, runs: int) -> list[dict[str, Any]]:
    """`runs` passes of both sides, after one over the same data that does not count."""
    page.evaluate(COMPARE, [op, "text"])
    return [page.evaluate(COMPARE, [op, "text"]) for _ in range(runs)]


def ours(made: list[dict[str, Any]]) -> list[float]:
    """Our figure of each run."""
    return [run["ours"] for run in made]


def theirs(made: list[dict[str, Any]]) -> list[float]:
    """Their figure of each run."""
    return [run["theirs"] for run in made]


def blake3(page: Page, runs: int) -> list[Row]:
    """BLAKE3 against hash-wasm."""
    made = compare(page, "hash", runs)
    method = f"BLAKE3 of 1 MiB messages by the kernel in place and by hash-wasm; {SIDES}."
    return [Row("blake3", "MiB/s", method, ours(made), {"hash-wasm": theirs(made)}, targets={"hash-wasm": 1.7})]


def aead(page: Page, runs: int, wanted: set[str]) -> list[Row]:
    """ChaCha20-Poly1305 against libsodium, both directions; what is sealed in a pass is opened in it."""
    made: dict[str, list[dict[str, Any]]] = {"seal": [], "open": []}
    for _ in range(runs + 1):
        for op, passes in made.items():
            passes.append(page.evaluate(COMPARE, [op, "text"]))
    rows = []
    for op, passes in made.items():
        counted = passes[1:]
        method = f"ChaCha20-Poly1305 {op} of 1 MiB messages, in place by the kernel, from array to array by libsodium; {SIDES}."
        targets = {"libsodium": 1.3} if op == "seal" else {}
        rows.append(Row(op, "MiB/s", method, ours(counted), {"libsodium": theirs(counted)}, targets=targets))
    return [row for row in rows if row.id in wanted]


def brotli(page: Page, runs: int) -> list[Row]:
    """Brotli q6 against brotli-wasm."""
    encoded: list[dict[str, Any]] = []
    decoded: list[dict[str, Any]] = []
    for _ in range(runs):
        encoded.append(page.evaluate(COMPARE, ["encode", "text"]))
        decoded.append(page.evaluate(COMPARE, ["decode", "text"]))
    pairs = zip(ours(decoded), theirs(decoded), strict=True)
    sizes = encoded[0]["bytes"]
    row = Row(
        "brotli.q6",
        "MiB/s",
        "Brotli q6 encode of 1 MiB chunks by the kernel and by brotli-wasm, then decode of the kernel's streams by both; "
        f"{SIDES}.",
        ours(encoded),
        {"brotli-wasm.encode": theirs(encoded)},
        own_ratios={"brotli-wasm.decode": [own / other for own, other in pairs]},
        targets={"brotli-wasm.encode": 2.0, "brotli-wasm.decode": 1.3},
    )
    row.details = {
        "decodeMiBps": median(ours(decoded)),
        "brotliWasmDecodeMiBps": median(theirs(decoded)),
        "encodedBytes": sizes["ours"],
        "brotliWasmEncodedBytes": sizes["theirs"],
    }
    return [row]


def measure(page: Page, wanted: set[str], runs: int) -> list[Row]:
    """The rows asked for, on a page whose data are loaded."""
    rows: list[Row] = []
    if "blake3" in wanted:
        rows += blake3(page, runs)
    if wanted & {"seal", "open"}:
        rows += aead(page, runs, wanted)
    if "brotli.q6" in wanted:
        rows += brotli(page, min(runs, 3))  # a pass takes ten seconds
    return rows
